//! `--tenants`: the product with many tenants beside the product with one. What a request costs, what a tenant
//! costs that nobody asks for, and how long a start and a new tenant take.

use std::time::{Duration, Instant};

use super::fill::Fill;
use super::load::Enough;
use super::paths::{Path, Side};
use super::report::{Fact, Findings, Spread};
use super::{Bench, Servers, failed, measure, settle};
use crate::cli::SetupError;

/// Measured unless others are named. The first four ask the tenant that is there in any case.
const PATHS: [Path; 6] =
    [Path::Jwks, Path::ClientCredentials, Path::Refresh, Path::Userinfo, Path::JwksInTurn, Path::CredentialsInTurn];
/// How long the work of a start may take: it looks at the keys of all tenants.
const PATIENCE: Duration = Duration::from_secs(600);
/// Requests before memory is looked at, so that the first tenants do not pay for what all share.
const WARM: usize = 1000;
/// New tenants whose making is timed.
const NEW: u32 = 20;

/// What is known of a server and its tenants when it has become quiet.
struct Inhabited {
    count: u32,
    fill: Fill,
    resident_quiet_kib: u64,
    facts: Vec<Fact>,
}

/// Runs it.
pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, SetupError> {
    let mut counts: Vec<u32> = bench.args.tenants.iter().copied().filter(|count| *count > 1).collect();
    counts.sort_unstable();
    counts.dedup();
    let (one, mut reference) = inhabited(bench, 1).await?;
    let mut found = Findings { name: "tenants", facts: Vec::new(), lines: Vec::new() };
    for count in counts {
        let (many, product) = inhabited(bench, count).await?;
        let with = format!("{count} tenants");
        bench.say(&format!("\n{with} (right) beside one (left)"));
        let mut servers = Servers { reference, product };
        found.lines.extend(bench.compare_all(&bench.paths_or(&PATHS), &with, &mut servers).await?);
        found.facts.push(many.facts(&servers.product, one.resident_quiet_kib).await?);
        reference = servers.reference;
    }
    found.facts.insert(0, one.facts(&reference, one.resident_quiet_kib).await?);
    bench.say(&format!("\n{}", found.text()));
    Ok(found)
}

/// Starts a server with so many tenants, waits until it is quiet, and asks those that are asked in turn once.
async fn inhabited(bench: &Bench<'_>, count: u32) -> Result<(Inhabited, Side), SetupError> {
    let database = bench.databases.make(&bench.folder, &format!("tenants_{count}")).await?;
    let launch = bench.launch_plain();
    launch.apply(&database)?;
    let fill = Fill::open(&database, &launch.master_key()).await?;
    let (asked, seconds) = fill.tenants(count).await?;
    let process = launch.serve(&database)?;
    let (pid, start) = (process.pid(), process.start_milliseconds);
    let (began, listening) = (Instant::now(), measure::resident_kib(pid));
    let mut side = Side::new(vec![process], None, bench.crew);
    settle(&[pid], PATIENCE).await;
    let (quiet_after, start_cpu) = (began.elapsed().as_secs_f64(), measure::cpu_seconds(pid));
    let quiet = side.resident_kib();
    let warm = side.prepare(Path::ClientCredentials).await?;
    side.load(&warm, Enough::Times(WARM), None).await?;
    let tenants = asked.len();
    side.tenants = asked;
    settle(&[pid], PATIENCE).await;
    let (cpu, resident) = (measure::cpu_seconds(pid), side.resident_kib());
    let order = side.prepare(Path::CredentialsInTurn).await?;
    let first = side.load(&order, Enough::Times(tenants), None).await?;
    if let Some((answer, _)) = first.wrong {
        return Err(failed(format!("a tenant does not answer as it should: {answer}")));
    }
    settle(&[pid], PATIENCE).await;
    // One request is less than the clock of the kernel shows.
    let of_each = |whole: f64| if tenants > 1 { whole / tenants as f64 } else { f64::NAN };
    let facts = vec![
        ("tenants", f64::from(count), 0),
        ("fill s", seconds, 1),
        ("start ms", start, 1),
        ("listening MiB", mebibytes(listening), 1),
        ("start CPU s", start_cpu, 2),
        ("quiet after s", quiet_after, 1),
        ("quiet MiB", mebibytes(quiet), 1),
        ("first request CPU us", of_each((measure::cpu_seconds(pid) - cpu) * 1e6), 0),
        ("KiB per tenant in use", of_each(side.resident_kib() as f64 - resident as f64), 1),
    ];
    Ok((Inhabited { count, fill, resident_quiet_kib: quiet, facts }, side))
}

impl Inhabited {
    /// What is known in the end.
    async fn facts(&self, side: &Side, resident_of_one_kib: u64) -> Result<Vec<Fact>, SetupError> {
        let loaded = side.resident_kib();
        let took = self.fill.create_milliseconds(NEW).await?;
        let worst = took.iter().copied().fold(0.0, f64::max);
        let more = self.resident_quiet_kib as f64 - resident_of_one_kib as f64;
        let mut facts = self.facts.clone();
        facts.extend([
            ("KiB per idle tenant", if self.count > 1 { more / f64::from(self.count) } else { f64::NAN }, 2),
            ("loaded MiB", mebibytes(loaded), 1),
            ("create ms", Spread::of(took.into_iter()).map_or(f64::NAN, |spread| spread.median), 1),
            ("worst ms", worst, 1),
        ]);
        Ok(facts)
    }
}

fn mebibytes(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
