//! `chancery bench`: the product against a bare reference, in turns, on this machine and in this run.
//!
//! ```text
//! this process: load ──▶ `chancery bench --reference` (bare)   round 1, 3, 5, …
//!                    └─▶ `chancery serve` (product)            round 2, 4, 6, …
//! ```
//!
//! What counts is the ratio of their CPU time per request; see `docs/performance.md`. The special kinds of run put
//! the product in its plain state where the reference is, and beside it the product with many tenants, with many
//! rows, as several replicas, or while passwords are checked.

mod certificate;
mod client;
mod crowd;
mod fill;
mod hashes;
mod load;
mod measure;
mod paths;
mod processes;
mod reference;
mod replicas;
mod report;
mod rows;
mod storm;
mod tenants;
mod values;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use self::load::{Crew, Enough, Tally, Work};
use self::measure::Snapshot;
use self::paths::{Path, Side};
use self::processes::{Cpus, Databases, Folder, Launch};
use self::report::{Findings, Line, Round};
use super::{SetupError, keep};

/// Where the one tenant is.
const BASE: &str = "/t/bench";
/// Where codes are sent.
const REDIRECT_URI: &str = "https://app.bench.example/callback";
/// The secret of every client: as long as those that the server makes.
const SECRET: &str = "bench-0123456789abcdefghijklmnopqrstuvwxyzA";
/// The one code_verifier (RFC 7636 Appendix B).
const VERIFIER: &str = "dBjftJeZ4CVP-mBP0zmv2F9KJXUyKhKTA5RSFqhRcuE";
/// Seconds before the first round.
const WARM_UP: Duration = Duration::from_secs(1);
/// Less CPU than this in a round, in seconds, and the steps of the kernel's clock show.
const LEAST_CPU: f64 = 1.0;
/// Share of one CPU that others may use.
const OTHERS: f64 = 0.05;
/// How long a server may take after a round until it has nothing left to do.
const SETTLED: Duration = Duration::from_secs(30);
/// Share of its CPUs at which the load generator is the limit.
const LOAD_LIMIT: f64 = 0.9;

fn failed(problem: impl std::fmt::Display) -> SetupError {
    SetupError::Other(format!("bench: {problem}"))
}

/// Flags of `bench`.
#[derive(Debug, clap::Args)]
pub struct BenchArgs {
    /// Measure this path alone; may be repeated.
    #[arg(long = "path", value_name = "NAME")]
    paths: Vec<String>,
    /// Rounds of each server.
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds of each round.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Connections that ask at the same time.
    #[arg(long, default_value_t = 16)]
    connections: usize,
    /// Instead: the product with so many tenants beside one with a single tenant.
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    tenants: Vec<u32>,
    /// Instead: the product with N people and ten times as many refresh tokens beside one with a thousand people.
    #[arg(long, value_name = "N")]
    rows: Option<u32>,
    /// Instead: so many replicas beside a single server, on PostgreSQL.
    #[arg(long, value_name = "N,…", value_delimiter = ',')]
    replicas: Vec<usize>,
    /// Instead: other paths while passwords are checked, and more sign-ins than there is time for.
    #[arg(long)]
    storm: bool,
    /// `sqlite`, or the address of a PostgreSQL server on which databases may be made.
    #[arg(long, value_name = "sqlite|URL", default_value = "sqlite")]
    database: String,
    /// Folder for the files of the run; it decides which disk is measured.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Level of the product's log, which is written to /dev/null.
    #[arg(long, default_value = "info")]
    log: String,
    /// Compare the CPU ratios with those that an earlier `--json` printed; fail past 1.5 times of them.
    #[arg(long, value_name = "FILE")]
    check: Option<PathBuf>,
    /// Be the reference.
    #[arg(long, hide = true, value_name = "FILE")]
    reference: Option<PathBuf>,
}

/// Runs the benchmark.
///
/// # Errors
/// A server does not start, or does not answer as it should.
pub async fn run(args: BenchArgs, json: bool) -> Result<ExitCode, SetupError> {
    if let Some(settings) = &args.reference {
        return reference::serve(settings).await;
    }
    let baseline = match &args.check {
        None => None,
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| SetupError::file(file, error))?;
            Some(serde_json::from_str::<Value>(&text).map_err(|error| SetupError::file(file, error))?)
        }
    };
    let bench = Bench::new(&args, json).await?;
    let measured = tokio::select! {
        measured = bench.measure() => measured,
        _ = tokio::signal::ctrl_c() => Err(failed("stopped")),
    };
    bench.databases.remove().await;
    let (lines, kinds, mut document) = measured?;
    let all = || lines.iter().chain(kinds.iter().flat_map(|kind| &kind.lines));
    let worse = baseline.as_ref().map(|baseline| report::check(baseline, all())).unwrap_or_default();
    if json {
        if let (Some(object), true) = (document.as_object_mut(), baseline.is_some()) {
            object.insert("worse".to_owned(), worse.clone().into());
        }
        keep::say_json(&document);
    } else {
        worse.iter().for_each(|line| keep::say(&format!("worse: {line}")));
    }
    let void = all().any(|line| line.void.is_some());
    Ok(if worse.is_empty() && !void { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

struct Bench<'a> {
    args: &'a BenchArgs,
    /// Those that were named.
    paths: Vec<Path>,
    folder: Folder,
    databases: Databases,
    cpus: Option<Cpus>,
    crew: Crew,
    json: bool,
}

/// The two servers.
struct Servers {
    reference: Side,
    product: Side,
}

impl<'a> Bench<'a> {
    async fn new(args: &'a BenchArgs, json: bool) -> Result<Self, SetupError> {
        let named = |name: &String| {
            let all = || Path::ALL.into_iter().chain(Path::IN_TURN);
            let names = || all().map(Path::name).collect::<Vec<_>>().join(", ");
            all()
                .find(|path| path.name() == name)
                .ok_or_else(|| failed(format!("there is no path {name}; there are {}", names())))
        };
        let paths = args.paths.iter().map(named).collect::<Result<_, _>>()?;
        if args.rounds == 0 || args.seconds == 0 || args.connections == 0 {
            return Err(failed("--rounds, --seconds and --connections must be at least 1"));
        }
        if args.tenants.contains(&0) || args.replicas.contains(&0) || args.rows == Some(0) {
            return Err(failed("--tenants, --replicas and --rows must be at least 1"));
        }
        let databases = Databases::of(&args.database).await?;
        if !args.replicas.is_empty() && !databases.is_postgres() {
            return Err(failed("--replicas needs --database with the address of a PostgreSQL server"));
        }
        let folder = Folder::new(&args.dir.clone().unwrap_or_else(std::env::temp_dir))?;
        let cpus = Cpus::split();
        let crew = Crew {
            threads: cpus.as_ref().map_or(1, Cpus::of_load),
            connections: args.connections,
            // With two CPUs, PostgreSQL needs what the server and the load leave it.
            spin: cpus.is_some() && (!databases.is_postgres() || measure::allowed_cpus().len() > 2),
        };
        Ok(Self { args, paths, folder, databases, cpus, crew, json })
    }

    fn say(&self, text: &str) {
        if !self.json {
            keep::say(text);
        }
    }

    /// The paths that were named, or else these.
    fn paths_or(&self, these: &[Path]) -> Vec<Path> {
        if self.paths.is_empty() { these.to_vec() } else { self.paths.clone() }
    }

    fn launch(&self, tls: bool, cpus: Option<String>) -> Launch<'_> {
        Launch { folder: &self.folder, cpus, log: &self.args.log, tls }
    }

    /// How servers are started that share one CPU.
    fn launch_plain(&self) -> Launch<'_> {
        self.launch(false, self.cpus.as_ref().map(|cpus| cpus.of_server(0)))
    }

    /// The special kinds of run that were asked for.
    async fn kinds(&self) -> Result<Vec<Findings>, SetupError> {
        let mut kinds = Vec::new();
        if !self.args.tenants.is_empty() {
            kinds.push(tenants::measure(self).await?);
        }
        if let Some(people) = self.args.rows {
            kinds.push(crowd::measure(self, people).await?);
        }
        if !self.args.replicas.is_empty() {
            kinds.push(replicas::measure(self).await?);
        }
        if self.args.storm {
            kinds.push(storm::measure(self).await?);
        }
        Ok(kinds)
    }

    /// Everything: the lines, the special kinds, and the document for programs.
    async fn measure(&self) -> Result<(Vec<Line>, Vec<Findings>, Value), SetupError> {
        let mut machine = measure::machine();
        let fdatasync = measure::fdatasync_milliseconds(&self.folder.file(""));
        if let Some(object) = machine.as_object_mut() {
            object.insert("fdatasync_p50_ms".to_owned(), fdatasync.into());
        }
        if let Some(cpus) = &self.cpus {
            cpus.take_ours();
        }
        let placed = self.cpus.as_ref().map_or_else(|| "servers and load share all CPUs".to_owned(), Cpus::describe);
        let release = !cfg!(debug_assertions);
        self.say(&format!("{machine}\n{placed}"));
        if !release {
            self.say("doubtful: this is not a release build");
        }
        let kinds = self.kinds().await?;
        let (lines, starts) = if kinds.is_empty() { self.plain().await? } else { (Vec::new(), Vec::new()) };
        let document = json!({
            "version": env!("CARGO_PKG_VERSION"), "release_build": release, "machine": machine, "placed": placed,
            "rounds": self.args.rounds, "seconds": self.args.seconds, "connections": self.args.connections, "log": self.args.log,
            "starts": starts, "paths": lines.iter().map(Line::json).collect::<Vec<_>>(),
            "kinds": kinds.iter().map(|kind| (kind.name.to_owned(), kind.json())).collect::<Map<_, _>>(),
        });
        Ok((lines, kinds, document))
    }

    /// The product beside the bare reference.
    async fn plain(&self) -> Result<(Vec<Line>, Vec<Value>), SetupError> {
        let (mut lines, mut starts) = (Vec::new(), Vec::new());
        for tls in [false, true] {
            let paths = self.paths_or(&Path::ALL).into_iter().filter(|path| path.over_tls() == tls);
            let paths: Vec<Path> = paths.collect();
            if paths.is_empty() {
                continue;
            }
            let (mut servers, start) = self.start(tls, &paths).await?;
            self.say(&start.to_string());
            starts.push(start);
            lines.extend(self.compare_all(&paths, "", &mut servers).await?);
        }
        Ok((lines, starts))
    }

    /// The lines of some paths, told as they come.
    async fn compare_all(&self, paths: &[Path], with: &str, servers: &mut Servers) -> Result<Vec<Line>, SetupError> {
        self.say(&format!("\n{}", report::heads(self.databases.is_postgres())));
        let mut lines = Vec::with_capacity(paths.len());
        for path in paths {
            let line = self.compare(*path, with, servers).await?;
            self.say(&line.text(self.databases.is_postgres()));
            lines.push(line);
        }
        Ok(lines)
    }

    /// Starts the product, measures the length of its answers, and starts the reference with them.
    async fn start(&self, tls: bool, paths: &[Path]) -> Result<(Servers, Value), SetupError> {
        let launch = self.launch(tls, self.cpus.as_ref().map(|cpus| cpus.of_server(0)));
        let name = |name: &str| if tls { format!("{name}_tls") } else { name.to_owned() };
        let certificate = if tls { Some(launch.certificate()?) } else { None };
        let trusting = || match &certificate {
            None => Ok(None),
            Some((file, _)) => {
                client::Tls::trusting(&std::fs::read(file).map_err(|error| SetupError::file(file, error))?).map(Some)
            }
        };
        let process = launch.product(&self.databases.make(&self.folder, &name("product")).await?)?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (pid, product_start) = (process.pid(), process.start_milliseconds);
        let idle = measure::resident_kib(pid);
        let mut product = Side::new(vec![process], trusting()?, self.crew);
        let mut bytes = BTreeMap::new();
        for path in paths {
            bytes.insert(path.name().to_owned(), product.probe(*path).await?);
        }
        if !tls {
            bytes.insert("opaque_token".to_owned(), product.opaque_token_length().await?);
        }
        let database = self.databases.make(&self.folder, &name("reference")).await?;
        let settings = reference::Settings { database, bytes, tls: certificate.clone() };
        let process = launch.reference(&serde_json::to_value(&settings).map_err(failed)?)?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let start = json!({
            "tls": tls, "database": process.told.get("database"),
            "product": { "start_ms": product_start.round(), "resident_idle_kib": idle },
            "reference": { "start_ms": process.start_milliseconds.round(), "resident_idle_kib": measure::resident_kib(process.pid()) },
        });
        let reference = Side::new(vec![process], trusting()?, self.crew);
        Ok((Servers { reference, product }, start))
    }

    /// All rounds of a path, in turns.
    async fn compare(&self, path: Path, with: &str, servers: &mut Servers) -> Result<Line, SetupError> {
        let mut line = Line::new(path, with);
        let mut first = Course::begin(path, &mut servers.reference).await?;
        let mut second = Course::begin(path, &mut servers.product).await?;
        for _ in 0..self.args.rounds {
            let round = self.round(&mut first, &mut servers.reference, &mut line).await?;
            line.reference.push(round);
            let round = self.round(&mut second, &mut servers.product, &mut line).await?;
            line.product.push(round);
        }
        if line.others > OTHERS {
            line.warnings.insert(format!("others used up to {:.0}% of a CPU", line.others * 100.0));
        }
        line.resident_kib = (servers.reference.resident_kib(), servers.product.resident_kib());
        if path == Path::PasswordLogin {
            let bare = hashes::bare_milliseconds()?;
            let whole = report::Spread::of(line.product.iter().map(|round| round.cpu_us / 1000.0))
                .map_or(0.0, |spread| spread.median);
            let share = if whole > 0.0 { (bare / whole * 1000.0).round() / 1000.0 } else { 0.0 };
            line.facts.insert("bare_argon2_ms".to_owned(), ((bare * 100.0).round() / 100.0).into());
            line.facts.insert("argon2_share_of_product_cpu".to_owned(), share.into());
        }
        Ok(line)
    }

    async fn round(&self, course: &mut Course, side: &mut Side, line: &mut Line) -> Result<Round, SetupError> {
        let seconds = self.args.seconds as f64;
        side.supply(line.path, &course.order, paths::enough_for(seconds, course.rate)).await?;
        let (pids, postgres) = (side.pids(), self.databases.is_postgres());
        if matches!(course.order.work, Work::Once(_)) {
            // What making the supply left to do belongs to nobody.
            settle(&pids, SETTLED).await;
        }
        let before = Snapshot::take(&pids, postgres);
        let tally = side.load(&course.order, Enough::After(Duration::from_secs(self.args.seconds)), None).await?;
        let during = Snapshot::take(&pids, postgres).since(&before);
        if line.path.writes() {
            // Work that the server put off belongs to these requests all the same.
            settle(&pids, SETTLED).await;
        }
        let whole = Snapshot::take(&pids, postgres).since(&before);
        course.rate = tally.rate();
        note(line, &tally);
        let busy = if self.crew.spin { tally.busy } else { during.load / during.seconds / self.crew.threads as f64 };
        if busy > LOAD_LIMIT {
            line.warnings.insert("the load generator was the limit: only the CPU per request counts".to_owned());
        }
        line.others = line.others.max(during.others / during.seconds);
        if during.server < LEAST_CPU {
            line.warnings.insert(format!("less than {LEAST_CPU:.0} s of CPU in a round: longer rounds are more exact"));
        }
        let requests = tally.latencies.len().max(1) as f64;
        Ok(Round {
            cpu_us: whole.server * 1e6 / requests,
            database_us: whole.database * 1e6 / requests,
            put_off_us: (whole.server - during.server) * 1e6 / requests,
            p50_ms: tally.percentile(0.5),
            p99_ms: tally.percentile(0.99),
            rate: tally.rate(),
        })
    }
}

/// Answers that are not as expected make a line void.
fn note(line: &mut Line, tally: &Tally) {
    if let Some((answer, count)) = &tally.wrong {
        line.void.get_or_insert_with(|| {
            format!("{count} of {} answers were not as expected: {answer}", tally.latencies.len())
        });
    }
    if tally.latencies.is_empty() {
        line.void.get_or_insert_with(|| "there was no answer".to_owned());
    }
}

/// What one server is asked in the rounds of a path, and how fast it was the last time.
struct Course {
    order: load::Order,
    rate: f64,
}

impl Course {
    /// Prepares the path and warms the server up.
    async fn begin(path: Path, side: &mut Side) -> Result<Self, SetupError> {
        let order = side.prepare(path).await?;
        side.supply(path, &order, path.first_supply()).await?;
        let tally = side.load(&order, Enough::After(WARM_UP), None).await?;
        // What the supply was too small for is not known to be slow.
        let rate = if matches!(order.work, Work::Once(_)) { tally.rate() * 1.2 } else { tally.rate() };
        Ok(Self { order, rate })
    }
}

/// Waits until servers have nothing left to do: less than 3% of a CPU for a little more than a second, the
/// interval of their background work.
async fn settle(pids: &[u32], patience: Duration) {
    const LOOK: Duration = Duration::from_millis(1100);
    let began = Instant::now();
    while began.elapsed() < patience {
        let before = measure::cpu_seconds_of(pids);
        tokio::time::sleep(LOOK).await;
        if measure::cpu_seconds_of(pids) - before < 0.03 * LOOK.as_secs_f64() {
            return;
        }
    }
}
