//! The command line: every verb, its flags, and how its answers are printed.

pub mod bench;
pub mod doctor;
mod keep;
mod manage;
mod oversee;
mod serve;
mod setup;
mod try_flow;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

pub use setup::SetupError;

/// Chancery, an OAuth 2.0 and OpenID Connect authorization server: every tenant an issuer.
#[derive(Debug, Parser)]
#[command(name = "chancery", version, propagate_version = true)]
pub struct Cli {
    /// Answer in JSON, for programs.
    #[arg(long, global = true)]
    json: bool,
    /// Settings file; without it `config/default.toml` and the environment alone count.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    verb: Verb,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Run the server.
    Serve(ServeArgs),
    /// Bring the database up to date.
    Migrate {
        /// Only say whether it is; exit code 1 if not.
        #[arg(long)]
        check: bool,
    },
    /// Bring tenants, clients, people and resources into the state of files (TOML or JSON).
    Apply {
        /// The files, in their order.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Only say what would change.
        #[arg(long)]
        plan: bool,
    },
    /// Tenants: list, show, create, suspend, resume, delete.
    #[command(subcommand)]
    Tenant(manage::TenantVerb),
    /// Clients: list, show, create, delete, enable, disable, rotate-secret, initial-access-token.
    #[command(subcommand)]
    Client(manage::ClientVerb),
    /// People: list, show, create, disable, enable, revoke-consent, password.
    #[command(subcommand)]
    User(manage::UserVerb),
    /// Signing keys: list, show, rotate.
    #[command(subcommand)]
    Key(oversee::KeyVerb),
    /// The audit trail: list, verify, accept.
    #[command(subcommand)]
    Audit(oversee::AuditVerb),
    /// For administrators: link.
    #[command(subcommand)]
    Admin(oversee::AdminVerb),
    /// Check the settings and a running server; say what is wrong and how to mend it.
    Doctor {
        /// Only ask the running server whether it is ready; for health checks of containers.
        #[arg(long)]
        health: bool,
    },
    /// Be a client: run a flow and print the decoded tokens.
    #[command(subcommand)]
    Try(try_flow::TryVerb),
    /// Measure the server against a bare reference in the same run.
    Bench(bench::BenchArgs),
}

/// Flags of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Development: loopback only, SQLite in ./chancery-data, a demo tenant, a playground.
    #[arg(long)]
    dev: bool,
    /// Address to listen on, instead of `server.listen`; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Open the browser when attached to a terminal.
    #[arg(long)]
    open: bool,
}

/// Runs the command line. Exit codes: 0 fine, 1 refused or failed, 2 bad usage.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    crate::tls::install_provider();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return keep::failed(cli.json, &format!("the runtime cannot be started: {error}")),
    };
    let json = cli.json;
    match runtime.block_on(run(cli)) {
        Ok(code) => code,
        Err(error) => keep::failed(json, &error.to_string()),
    }
}

async fn run(cli: Cli) -> Result<ExitCode, SetupError> {
    let (json, config) = (cli.json, cli.config);
    match cli.verb {
        Verb::Serve(args) => serve::serve(config, args, json).await,
        Verb::Migrate { check } => setup::migrate(config, check, json).await,
        Verb::Apply { files, plan } => manage::apply(config, &files, plan, json).await,
        Verb::Tenant(verb) => manage::tenant(config, verb, json).await,
        Verb::Client(verb) => manage::client(config, verb, json).await,
        Verb::User(verb) => manage::user(config, verb, json).await,
        Verb::Key(verb) => oversee::key(config, verb, json).await,
        Verb::Audit(verb) => oversee::audit(config, verb, json).await,
        Verb::Admin(verb) => oversee::admin(config, verb, json).await,
        Verb::Doctor { health } => doctor::doctor(config, health, json).await,
        Verb::Try(verb) => try_flow::run(config, verb, json).await,
        Verb::Bench(args) => bench::run(args, json).await,
    }
}
