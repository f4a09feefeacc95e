//! `--storm`: how fast other paths are answered while people sign in as fast as passwords can be checked; how many
//! sign-ins there are beside bare hashes; and what becomes of more sign-ins than there is time for.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::client::{Answer, Connection, Requests};
use super::load::{Crew, Enough};
use super::measure::{self, Snapshot};
use super::paths::{self, Path, Side, sign_in_form};
use super::report::{self, Fact, Findings, Line, Round};
use super::{BASE, Bench, Course, OTHERS, SETTLED, failed, hashes, note, settle};
use crate::cli::SetupError;

/// Probed unless others are named.
const PATHS: [Path; 3] = [Path::Jwks, Path::ClientCredentials, Path::Refresh];
/// People who sign in at the same time: somebody always waits, but on a core of its own nobody for half a second.
const MANY: usize = 32;
/// Far more than the server lets wait.
const TOO_MANY: usize = 512;
/// How long the first answers may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it.
pub(super) async fn measure(bench: &Bench<'_>) -> Result<Findings, SetupError> {
    let database = bench.databases.make(&bench.folder, "storm").await?;
    let cpus = bench.cpus.as_ref().map(|cpus| cpus.of_servers().join(","));
    let process = bench.launch(false, cpus).product(&database)?;
    // Who spins would take the CPU from those who sign in.
    let mut side = Side::new(vec![process], None, Crew { spin: false, ..bench.crew });
    settle(&side.pids(), SETTLED).await;
    let bare = 1000.0 / hashes::bare_milliseconds()?;
    bench.say(&format!("\nwhile passwords are checked (right) beside quiet (left)\n{}", report::heads_of_answers()));
    let mut found = Findings { name: "storm", facts: Vec::new(), lines: Vec::new() };
    let mut meanwhile = Counts::default();
    for path in bench.paths_or(&PATHS) {
        let line = probed(bench, path, &mut side, &mut meanwhile).await?;
        bench.say(&line.text_of_answers());
        found.lines.push(line);
    }
    let mut facts = vec![
        ("probed logins/s", meanwhile.done as f64 / meanwhile.seconds, 1),
        ("probed refused/s", meanwhile.refused as f64 / meanwhile.seconds, 1),
    ];
    facts.extend(alone(bench, &side, bare).await?);
    facts.extend(beyond(bench, &side).await?);
    found.facts.push(facts);
    bench.say(&format!("\n{}", found.text()));
    Ok(found)
}

/// One path, in turns: quiet, while people sign in, quiet, …
async fn probed(bench: &Bench<'_>, path: Path, side: &mut Side, meanwhile: &mut Counts) -> Result<Line, SetupError> {
    let mut line = Line::new(path, "storm");
    let mut course = Course::begin(path, side).await?;
    for _ in 0..bench.args.rounds {
        let quiet = probe(bench, side, &mut course, &mut line).await?;
        line.reference.push(quiet);
        let storm = Storm::begin(side, MANY, Manners::ComesBack).await?;
        let before = storm.counts()?;
        let pressed = probe(bench, side, &mut course, &mut line).await?;
        meanwhile.add(storm.end().await?.since(&before));
        line.product.push(pressed);
        settle(&side.pids(), SETTLED).await;
    }
    if line.others > OTHERS {
        line.warnings.insert(format!("others used up to {:.0}% of a CPU", line.others * 100.0));
    }
    line.resident_kib = (side.resident_kib(), side.resident_kib());
    Ok(line)
}

/// A round without the CPU per request: in a storm it is that of the passwords.
async fn probe(bench: &Bench<'_>, side: &mut Side, course: &mut Course, line: &mut Line) -> Result<Round, SetupError> {
    side.supply(line.path, &course.order, paths::enough_for(bench.args.seconds as f64, course.rate)).await?;
    let before = Snapshot::take(&side.pids(), bench.databases.is_postgres());
    let tally = side.load(&course.order, Enough::After(Duration::from_secs(bench.args.seconds)), None).await?;
    let during = Snapshot::take(&side.pids(), bench.databases.is_postgres()).since(&before);
    line.others = line.others.max(during.others / during.seconds);
    course.rate = tally.rate();
    note(line, &tally);
    Ok(Round {
        cpu_us: f64::NAN,
        database_us: f64::NAN,
        put_off_us: f64::NAN,
        p50_ms: tally.percentile(0.5),
        p99_ms: tally.percentile(0.99),
        rate: tally.rate(),
    })
}

/// Sign-ins and nothing else, beside bare hashes.
async fn alone(bench: &Bench<'_>, side: &Side, bare: f64) -> Result<Vec<Fact>, SetupError> {
    let storm = Storm::begin(side, MANY, Manners::ComesBack).await?;
    let take = || Snapshot::take(&side.pids(), bench.databases.is_postgres());
    let (before, then) = (storm.counts()?, take());
    tokio::time::sleep(Duration::from_secs(bench.args.seconds * u64::from(bench.args.rounds))).await;
    let used = take().since(&then);
    let counts = storm.end().await?.since(&before);
    settle(&side.pids(), SETTLED).await;
    // As many hash at the same time as there are cores but one.
    let cores = bench.cpus.as_ref().map_or_else(|| measure::allowed_cpus().len(), |cpus| cpus.of_servers().len());
    let rate = counts.done as f64 / counts.seconds;
    Ok(vec![
        ("logins/s", rate, 1),
        ("bare/s", bare, 1),
        ("of bare per core", rate / bare / cores.saturating_sub(1).max(1) as f64, 2),
        ("argon2 of CPU", counts.done as f64 / bare / used.server, 2),
        ("others CPU", used.others / used.seconds, 2),
    ])
}

/// More sign-ins than there is time for, by people who ask again at once.
async fn beyond(bench: &Bench<'_>, side: &Side) -> Result<Vec<Fact>, SetupError> {
    let resident = side.resident_kib();
    let storm = Storm::begin(side, TOO_MANY, Manners::Insists).await?;
    let before = storm.counts()?;
    tokio::time::sleep(Duration::from_secs(bench.args.seconds * u64::from(bench.args.rounds))).await;
    let counts = storm.end().await?.since(&before);
    settle(&side.pids(), SETTLED).await;
    let most: u64 = side.pids().into_iter().map(measure::most_resident_kib).sum();
    Ok(vec![
        ("beyond logins/s", counts.done as f64 / counts.seconds, 1),
        ("refused/s", counts.refused as f64 / counts.seconds, 1),
        ("before MiB", resident as f64 / 1024.0, 1),
        ("most MiB", most as f64 / 1024.0, 1),
        ("after MiB", side.resident_kib() as f64 / 1024.0, 1),
    ])
}

/// What somebody does who is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manners {
    /// Comes back when `Retry-After` says so.
    ComesBack,
    /// Asks again at once.
    Insists,
}

/// What became of sign-ins, until an instant or between two.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    seconds: f64,
    done: u64,
    refused: u64,
}

impl Counts {
    fn since(self, before: &Self) -> Self {
        let Self { seconds, done, refused } = *before;
        Self { seconds: self.seconds - seconds, done: self.done - done, refused: self.refused - refused }
    }

    fn add(&mut self, more: Self) {
        self.seconds += more.seconds;
        self.done += more.done;
        self.refused += more.refused;
    }
}

/// People who sign in, each over a connection of their own, until the end.
struct Storm {
    people: JoinSet<()>,
    seen: Arc<Seen>,
}

/// What they have seen.
struct Seen {
    began: Instant,
    /// A permit for each password that was sent.
    sent: Semaphore,
    done: AtomicU64,
    refused: AtomicU64,
    /// The first answer that was neither.
    wrong: Mutex<Option<String>>,
}

impl Storm {
    /// Begins, and waits until as many passwords were sent as there are people.
    async fn begin(side: &Side, people: usize, manners: Manners) -> Result<Self, SetupError> {
        let address = side.processes.first().ok_or_else(|| failed("there is no server to ask"))?.address;
        let seen = Arc::new(Seen {
            began: Instant::now(),
            sent: Semaphore::new(0),
            done: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            wrong: Mutex::default(),
        });
        let mut storm = Self { people: JoinSet::new(), seen };
        for _ in 0..people {
            let (requests, seen) = (side.requests.clone(), storm.seen.clone());
            storm.people.spawn(async move {
                if let Err(error) = sign_in_for_ever(address, &requests, manners, &seen).await {
                    seen.wrong.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
                }
            });
        }
        let all = storm.seen.sent.acquire_many(u32::try_from(people).unwrap_or(u32::MAX));
        let begun = tokio::time::timeout(PATIENCE, all).await.is_ok();
        storm.counts()?;
        if begun { Ok(storm) } else { Err(failed("sign-ins are not answered in time")) }
    }

    /// So far. An error if there was an answer that should not be.
    fn counts(&self) -> Result<Counts, SetupError> {
        if let Some(wrong) = self.seen.wrong.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(failed(format!("a sign-in was answered as it should not be: {wrong}")));
        }
        Ok(Counts {
            seconds: self.seen.began.elapsed().as_secs_f64(),
            done: self.seen.done.load(Ordering::Relaxed),
            refused: self.seen.refused.load(Ordering::Relaxed),
        })
    }

    async fn end(mut self) -> Result<Counts, SetupError> {
        let counts = self.counts();
        self.people.shutdown().await;
        counts
    }
}

async fn sign_in_for_ever(
    address: SocketAddr,
    requests: &Requests,
    manners: Manners,
    seen: &Seen,
) -> Result<(), SetupError> {
    loop {
        let mut connection = Connection::open(address).await?;
        loop {
            let refused = sign_in(&mut connection, requests, seen).await?;
            if let (Some(wait), Manners::ComesBack) = (refused, manners) {
                // Meanwhile the server may close the connection.
                drop(connection);
                tokio::time::sleep(wait).await;
                break;
            }
        }
    }
}

/// One sign-in with the right password. Gives the time to wait if it is refused for want of time.
async fn sign_in(
    connection: &mut Connection<tokio::net::TcpStream>,
    requests: &Requests,
    seen: &Seen,
) -> Result<Option<Duration>, SetupError> {
    let page = connection.ask(&requests.authorize("web", "")).await?;
    if let Some(wait) = refusal(&page) {
        seen.refused.fetch_add(1, Ordering::Relaxed);
        return Ok(Some(wait));
    }
    let form = sign_in_form(&page).ok_or_else(|| failed(format!("{} {}", page.status, page.body)))?;
    seen.sent.add_permits(1);
    let mut answer = connection.ask(&requests.password(&form)).await?;
    if answer.code().is_some() {
        seen.done.fetch_add(1, Ordering::Relaxed);
        return Ok(None);
    }
    // The browser is sent to the page that says so.
    let next = answer.headers("location").next().and_then(|location| location.strip_prefix(BASE)).map(str::to_owned);
    if let (303, Some(next)) = (answer.status, next) {
        let cookies = form.split('\n').next().unwrap_or_default();
        answer = connection.ask(&requests.get(&next, &format!("Accept: text/html\r\nCookie: {cookies}\r\n"))).await?;
    }
    let wait = refusal(&answer).ok_or_else(|| failed(format!("{} {}", answer.status, answer.head)))?;
    seen.refused.fetch_add(1, Ordering::Relaxed);
    Ok(Some(wait))
}

/// The time to wait, of an answer that says that there is none for this request now.
fn refusal(answer: &Answer<'_>) -> Option<Duration> {
    let wait = answer.headers("retry-after").next()?.parse().ok()?;
    matches!(answer.status, 503 | 429).then(|| Duration::from_secs(wait))
}
