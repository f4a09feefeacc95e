//! `--rows`: the product with many people and refresh tokens beside the product with few.

use super::fill::{Fill, GRANTS};
use super::paths::{Path, Side};
use super::report::{Fact, Findings};
use super::{Bench, SETTLED, Servers, settle};
use crate::cli::SetupError;

/// People of the small database.
const FEW: u64 = 1000;
/// Measured unless others are named.
const PATHS: [Path; 6] = [
    Path::CodeToTokens,
    Path::Refresh,
    Path::RefreshInTurn,
    Path::IntrospectOpaque,
    Path::Userinfo,
    Path::PasswordLogin,
];

/// Runs it.
pub(super) async fn measure(bench: &Bench<'_>, people: u32) -> Result<Findings, SetupError> {
    let (few, reference) = crowded(bench, "few", FEW).await?;
    let (many, product) = crowded(bench, "many", u64::from(people)).await?;
    let with = format!("{people} people");
    bench.say(&format!("\n{with} (right) beside {FEW} (left)"));
    let mut servers = Servers { reference, product };
    let lines = bench.compare_all(&bench.paths_or(&PATHS), &with, &mut servers).await?;
    let found = Findings { name: "rows", facts: vec![few, many], lines };
    bench.say(&format!("\n{}", found.text()));
    Ok(found)
}

/// Starts a server, signs somebody in, and copies what the server wrote so many times.
async fn crowded(bench: &Bench<'_>, name: &str, people: u64) -> Result<(Vec<Fact>, Side), SetupError> {
    let database = bench.databases.make(&bench.folder, &format!("rows_{name}")).await?;
    let launch = bench.launch_plain();
    let mut side = Side::new(vec![launch.product(&database)?], None, bench.crew);
    let (_, refresh_token) = side.tokens("web").await?;
    let fill = Fill::open(&database, &launch.master_key()).await?;
    let seconds = fill.people(people, &refresh_token).await?;
    side.families = fill.refresh_tokens(people).await?;
    settle(&side.pids(), SETTLED).await;
    let facts = vec![
        ("people", people as f64, 0),
        ("refresh tokens", (people * GRANTS) as f64, 0),
        ("fill s", seconds, 1),
        ("database MiB", fill.mebibytes().await?, 0),
    ];
    Ok((facts, side))
}
