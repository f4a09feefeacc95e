//! The program: see `chancery::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    chancery::cli::main()
}
