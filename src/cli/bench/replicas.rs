//! `--replicas`: several servers on one PostgreSQL beside a single one, each with as many connections.

use super::load::Crew;
use super::paths::{Path, Side};
use super::report::{Findings, Line};
use super::{Bench, SETTLED, Servers, settle};
use crate::cli::SetupError;

/// Measured unless others are named.
const PATHS: [Path; 4] = [Path::ClientCredentials, Path::CodeToTokens, Path::Refresh, Path::Userinfo];
const SHARED: &str = "replicas share CPUs: only the CPU per request counts";

/// Runs it.
pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, SetupError> {
    let mut counts: Vec<usize> = bench.args.replicas.iter().copied().filter(|count| *count > 1).collect();
    counts.sort_unstable();
    counts.dedup();
    let mut reference = replicated(bench, 1).await?;
    let mut found = Findings { name: "replicas", facts: Vec::new(), lines: Vec::new() };
    for count in counts {
        let product = replicated(bench, count).await?;
        let with = format!("{count} replicas");
        bench.say(&format!("\n{with} (right) beside one (left)"));
        let mut servers = Servers { reference, product };
        let mut lines = bench.compare_all(&bench.paths_or(&PATHS), &with, &mut servers).await?;
        reference = servers.reference;
        let mut facts = vec![("replicas", count as f64, 0)];
        facts.extend(lines.iter().map(|line| (line.path.name(), line.times_the_rate() / count as f64, 2)));
        found.facts.push(facts);
        if bench.cpus.as_ref().is_none_or(|cpus| cpus.of_servers().len() < count) {
            bench.say(&format!("doubtful: {SHARED}"));
            lines.iter_mut().for_each(doubt);
        }
        found.lines.append(&mut lines);
    }
    bench.say(&format!("\nrequests/s of each replica, as a share of a single one's\n{}", found.text()));
    Ok(found)
}

fn doubt(line: &mut Line) {
    line.warnings.insert(SHARED.to_owned());
}

/// Starts so many servers on one database, on CPUs of their own as far as there are.
async fn replicated(bench: &Bench<'_>, count: usize) -> Result<Side, SetupError> {
    let database = bench.databases.make(&bench.folder, &format!("replicas_{count}")).await?;
    bench.launch_plain().apply(&database)?;
    let mut processes = Vec::with_capacity(count);
    for number in 0..count {
        let cpus = bench.cpus.as_ref().map(|cpus| cpus.of_server(number));
        processes.push(bench.launch(false, cpus).serve(&database)?);
    }
    let crew = Crew { connections: bench.crew.connections * count, ..bench.crew };
    let side = Side::new(processes, None, crew);
    settle(&side.pids(), SETTLED).await;
    Ok(side)
}
