//! The load generator: connections that ask as fast as they are answered, and what came of it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::net::TcpStream;

use super::client::{Answer, Connection, Requests, Tls};
use super::failed;
use crate::cli::SetupError;

/// How long the last answers of a round may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Things that are good for once, shared by all connections.
pub(super) type Supply<T> = Arc<Mutex<Vec<T>>>;

/// Takes one.
fn take<T>(supply: &Supply<T>) -> Option<T> {
    supply.lock().unwrap_or_else(PoisonError::into_inner).pop()
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
    /// The refresh token of the answer before: one family for each connection.
    Refresh(Requests, Supply<String>),
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
        let mut token = match &work {
            Work::Refresh(_, tokens) => take(tokens),
            Work::Same(_) | Work::Once(_) | Work::Anew(..) => None,
        };
        let mut now = Instant::now();
        while self.may_go_on(now) {
            let once;
            let request: &[u8] = match &work {
                Work::Same(request) | Work::Anew(request, _) => request,
                Work::Once(supply) => match take(supply) {
                    Some(request) => {
                        once = request;
                        &once
                    }
                    None => break,
                },
                Work::Refresh(requests, _) => match token.take() {
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
            if self.tally.note(&self.order, &answer, done - now) {
                if let Work::Refresh(..) = work {
                    token = answer.text("refresh_token");
                }
                self.tally.harvest.extend(self.harvest.and_then(|harvest| harvest(&answer)));
            }
            now = done;
        }
        if let Work::Refresh(_, tokens) = &work {
            put(tokens, token);
        }
        Ok(())
    }

    async fn ask_anew(&mut self, request: &[u8], tls: &Tls) -> Result<(), SetupError> {
        let mut now = Instant::now();
        while self.may_go_on(now) {
            let mut connection = tls.open(self.address).await?;
            let answer = connection.ask(request).await?;
            let done = Instant::now();
            self.tally.note(&self.order, &answer, done - now);
            self.tally.harvest.extend(self.harvest.and_then(|harvest| harvest(&answer)));
            now = done;
        }
        Ok(())
    }
}

/// Does the work over so many connections.
pub(super) async fn run(
    address: SocketAddr,
    order: &Order,
    connections: usize,
    enough: Enough,
    harvest: Option<Harvest>,
) -> Result<Tally, SetupError> {
    let (lasts, budget) = match enough {
        Enough::After(lasts) => (lasts, i64::MAX / 2),
        Enough::Times(times) => (Duration::from_secs(3600), i64::try_from(times).unwrap_or(i64::MAX)),
    };
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        let anew = matches!(order.work, Work::Anew(..));
        opened.push(if anew { None } else { Some(Connection::open(address).await?) });
    }
    let budget = Arc::new(AtomicI64::new(budget));
    let began = Instant::now();
    let workers: Vec<_> = opened
        .into_iter()
        .map(|connection| {
            let (order, budget) = (order.clone(), budget.clone());
            let worker = Worker { order, address, harvest, until: began + lasts, budget, tally: Tally::default() };
            tokio::spawn(worker.run(connection))
        })
        .collect();
    let mut all = Tally::default();
    for worker in workers {
        let done = tokio::time::timeout(lasts + PATIENCE, worker).await;
        all.add(done.map_err(|_| failed("the server did not answer in time"))?.map_err(failed)??);
    }
    all.seconds = began.elapsed().as_secs_f64();
    all.latencies.sort_unstable();
    Ok(all)
}
