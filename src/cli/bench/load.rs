//! The load generator: connections that ask as fast as they are answered, and what came of it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::sync::oneshot;

use super::client::{Answer, Connection, Requests, Tls};
use super::failed;
use crate::cli::SetupError;

/// How long the last answers of a round may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Things that are good for once, shared by all connections: the oldest is taken first.
pub(super) type Supply<T> = Arc<Mutex<VecDeque<T>>>;

/// Takes one.
fn take<T>(supply: &Supply<T>) -> Option<T> {
    supply.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
}

/// Adds some.
pub(super) fn put<T>(supply: &Supply<T>, more: impl IntoIterator<Item = T>) {
    supply.lock().unwrap_or_else(PoisonError::into_inner).extend(more);
}

/// How many there are.
pub(super) fn left<T>(supply: &Supply<T>) -> usize {
    supply.lock().unwrap_or_else(PoisonError::into_inner).len()
}

/// What is sent.
#[derive(Clone)]
pub(super) enum Work {
    /// The same request again and again.
    Same(Arc<[u8]>),
    /// A new request each time, until there is none left.
    Once(Supply<Vec<u8>>),
    /// A refresh token each time; the one in its answer is put back at the end.
    Refresh(Requests, Supply<String>),
    /// These requests, one after the other, again and again.
    InTurn(Arc<[Vec<u8>]>, Arc<AtomicUsize>),
    /// The same request, each time over a new TLS connection.
    Anew(Arc<[u8]>, Tls),
}

/// What is taken from an answer for later.
pub(super) type Harvest = fn(&Answer<'_>) -> Option<String>;

/// Work, and how its answers must look.
#[derive(Clone)]
pub(super) struct Order {
    /// What is sent.
    pub(super) work: Work,
    /// The status of every answer.
    pub(super) status: u16,
    /// What stands in every answer, head or body.
    pub(super) marker: &'static str,
}

/// When it is enough.
#[derive(Clone, Copy, Debug)]
pub(super) enum Enough {
    /// After this time, or when nothing is left to send.
    After(Duration),
    /// After so many requests.
    Times(usize),
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// Seconds from the first request to the last answer.
    pub(super) seconds: f64,
    /// Microseconds of every request; sorted.
    pub(super) latencies: Vec<u32>,
    /// The first answer that was not as expected, and how many there were.
    pub(super) wrong: Option<(String, usize)>,
    /// What was taken from the answers.
    pub(super) harvest: Vec<String>,
    /// Share of the time in which the load had something to do; 0 where it sleeps instead of spinning.
    pub(super) busy: f64,
}

impl Tally {
    /// Answers in a second.
    pub(super) fn rate(&self) -> f64 {
        if self.seconds > 0.0 { self.latencies.len() as f64 / self.seconds } else { 0.0 }
    }

    /// Milliseconds within which this share of the answers came.
    pub(super) fn percentile(&self, share: f64) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        let at = (last as f64 * share).round() as usize;
        self.latencies.get(at).map_or(0.0, |microseconds| f64::from(*microseconds) / 1000.0)
    }

    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.harvest.extend(other.harvest);
        self.seconds = self.seconds.max(other.seconds);
        self.busy += other.busy;
        if let Some((answer, count)) = other.wrong {
            let so_far = self.wrong.get_or_insert((answer, 0));
            so_far.1 += count;
        }
    }

    fn note(&mut self, order: &Order, answer: &Answer<'_>, took: Duration) -> bool {
        self.latencies.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
        let good =
            answer.status == order.status && (answer.body.contains(order.marker) || answer.head.contains(order.marker));
        if !good {
            let excerpt: String = answer.body.chars().take(200).collect();
            self.wrong.get_or_insert_with(|| (format!("{} {excerpt}", answer.status), 0)).1 += 1;
        }
        good
    }
}

/// One connection's part of the work.
struct Worker {
    order: Order,
    address: SocketAddr,
    harvest: Option<Harvest>,
    until: Instant,
    budget: Arc<AtomicI64>,
    answers: Arc<AtomicU64>,
    tally: Tally,
}

impl Worker {
    fn may_go_on(&self, now: Instant) -> bool {
        now < self.until && self.budget.fetch_sub(1, Ordering::Relaxed) > 0
    }

    async fn run(mut self, connection: Option<Connection<TcpStream>>) -> Result<Tally, SetupError> {
        match (connection, self.order.work.clone()) {
            (Some(connection), work) => self.keep_asking(connection, work).await?,
            (None, Work::Anew(request, tls)) => self.ask_anew(&request, &tls).await?,
            (None, _) => {}
        }
        Ok(self.tally)
    }

    async fn keep_asking(&mut self, mut connection: Connection<TcpStream>, work: Work) -> Result<(), SetupError> {
        let mut now = Instant::now();
        while self.may_go_on(now) {
            let once;
            let request: &[u8] = match &work {
                Work::Same(request) | Work::Anew(request, _) => request,
                Work::InTurn(requests, turn) => {
                    let at = turn.fetch_add(1, Ordering::Relaxed) % requests.len().max(1);
                    requests.get(at).map_or(&[], Vec::as_slice)
                }
                Work::Once(supply) => match take(supply) {
                    Some(request) => {
                        once = request;
                        &once
                    }
                    None => break,
                },
                Work::Refresh(requests, tokens) => match take(tokens) {
                    Some(token) => {
                        once = requests.refresh("web", &token);
                        &once
                    }
                    None => break,
                },
            };
            now = Instant::now();
            let answer = connection.ask(request).await?;
            let done = Instant::now();
            self.answers.fetch_add(1, Ordering::Relaxed);
            if self.tally.note(&self.order, &answer, done - now) {
                if let Work::Refresh(_, tokens) = &work {
                    put(tokens, answer.text("refresh_token"));
                }
                self.tally.harvest.extend(self.harvest.and_then(|harvest| harvest(&answer)));
            }
            now = done;
        }
        Ok(())
    }

    async fn ask_anew(&mut self, request: &[u8], tls: &Tls) -> Result<(), SetupError> {
        let mut now = Instant::now();
        while self.may_go_on(now) {
            let mut connection = tls.open(self.address).await?;
            let answer = connection.ask(request).await?;
            let done = Instant::now();
            self.answers.fetch_add(1, Ordering::Relaxed);
            self.tally.note(&self.order, &answer, done - now);
            self.tally.harvest.extend(self.harvest.and_then(|harvest| harvest(&answer)));
            now = done;
        }
        Ok(())
    }
}

/// Who does the work.
#[derive(Clone, Copy, Debug)]
pub(super) struct Crew {
    /// Threads; the connections are dealt out among them.
    pub(super) threads: usize,
    /// Connections.
    pub(super) connections: usize,
    /// Whether the threads never sleep. Then no answer has to wake anybody up, which costs a server the more the
    /// faster it is waited for; only where the load has CPUs of its own.
    pub(super) spin: bool,
}

/// Does the work. The connections are dealt out among the addresses.
pub(super) async fn run(
    addresses: &[SocketAddr],
    order: &Order,
    crew: Crew,
    enough: Enough,
    harvest: Option<Harvest>,
) -> Result<Tally, SetupError> {
    let (lasts, budget) = match enough {
        Enough::After(lasts) => (lasts, i64::MAX / 2),
        Enough::Times(times) => (Duration::from_secs(3600), i64::try_from(times).unwrap_or(i64::MAX)),
    };
    let shared = Shared {
        order: order.clone(),
        addresses: addresses.into(),
        harvest,
        lasts,
        budget: Arc::new(AtomicI64::new(budget)),
        spin: crew.spin,
    };
    let threads = crew.threads.clamp(1, crew.connections.max(1));
    let start = Arc::new(Barrier::new(threads));
    let mut running = Vec::with_capacity(threads);
    for number in 0..threads {
        let connections: Vec<usize> =
            (0..crew.connections).filter(|connection| connection % threads == number).collect();
        let (shared, start) = (shared.clone(), start.clone());
        let (sender, done) = oneshot::channel();
        std::thread::spawn(move || {
            let _ = sender.send(one_thread(&shared, &connections, &start));
        });
        running.push(done);
    }
    let mut all = Tally::default();
    for thread in running {
        let done = tokio::time::timeout(lasts + PATIENCE, thread).await;
        all.add(done.map_err(|_| failed("the server did not answer in time"))?.map_err(failed)??);
    }
    all.busy /= threads as f64;
    all.latencies.sort_unstable();
    Ok(all)
}

/// What all threads know.
#[derive(Clone)]
struct Shared {
    order: Order,
    addresses: Arc<[SocketAddr]>,
    harvest: Option<Harvest>,
    lasts: Duration,
    budget: Arc<AtomicI64>,
    spin: bool,
}

fn one_thread(shared: &Shared, connections: &[usize], start: &Barrier) -> Result<Tally, SetupError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed);
    let opened =
        runtime.and_then(|runtime| runtime.block_on(open(shared, connections)).map(|opened| (runtime, opened)));
    // Also if this thread has failed: the others wait for it.
    start.wait();
    let (runtime, opened) = opened?;
    runtime.block_on(work(shared, opened))
}

/// A connection and where it leads; work that connects anew each time has none yet.
type Opened = (SocketAddr, Option<Connection<TcpStream>>);

async fn open(shared: &Shared, connections: &[usize]) -> Result<Vec<Opened>, SetupError> {
    let mut opened = Vec::with_capacity(connections.len());
    for number in connections {
        let address = shared.addresses.get(number % shared.addresses.len().max(1)).copied();
        let address = address.ok_or_else(|| failed("there is no server to ask"))?;
        let anew = matches!(shared.order.work, Work::Anew(..));
        opened.push((address, if anew { None } else { Some(Connection::open(address).await?) }));
    }
    Ok(opened)
}

async fn work(shared: &Shared, opened: Vec<Opened>) -> Result<Tally, SetupError> {
    let began = Instant::now();
    let answers = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = opened
        .into_iter()
        .map(|(address, connection)| {
            let worker = Worker {
                order: shared.order.clone(),
                address,
                harvest: shared.harvest,
                until: began + shared.lasts,
                budget: shared.budget.clone(),
                answers: answers.clone(),
                tally: Tally::default(),
            };
            tokio::spawn(worker.run(connection))
        })
        .collect();
    let spinning = shared.spin.then(|| tokio::spawn(spin(answers.clone())));
    let mut all = Tally::default();
    for worker in workers {
        all.add(worker.await.map_err(failed)??);
    }
    all.seconds = began.elapsed().as_secs_f64();
    if let Some(spinning) = spinning {
        answers.store(ENDED, Ordering::Relaxed);
        let idle = spinning.await.map_err(failed)?;
        all.busy = 1.0 - idle.as_secs_f64() / all.seconds;
    }
    Ok(all)
}

/// A count of answers that says that there will be no more.
const ENDED: u64 = u64::MAX;

/// Keeps the thread awake. Gives the time in which there was nothing to do.
async fn spin(answers: Arc<AtomicU64>) -> Duration {
    let mut idle = Duration::ZERO;
    let (mut seen, mut since) = (answers.load(Ordering::Relaxed), Instant::now());
    while seen != ENDED {
        tokio::task::yield_now().await;
        let (now, count) = (Instant::now(), answers.load(Ordering::Relaxed));
        if count == seen {
            idle += now - since;
        }
        (seen, since) = (count, now);
    }
    idle
}
