//! Being written.
use std::process::ExitCode;
use super::SetupError;
/// x
#[derive(Debug, clap::Args)]
pub struct BenchArgs {}
/// x
pub async fn run(_: BenchArgs, _: bool) -> Result<ExitCode, SetupError> { Ok(ExitCode::SUCCESS) }
