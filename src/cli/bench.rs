//! Being written.
use super::SetupError;
use std::process::ExitCode;
/// x
#[derive(Debug, clap::Args)]
pub struct BenchArgs {}
/// x
pub async fn run(_: BenchArgs, _: bool) -> Result<ExitCode, SetupError> {
    Ok(ExitCode::SUCCESS)
}
