//! Argon2id (RFC 9106) for passwords, on threads of its own.
//!
//! A hash takes megabytes and milliseconds of a core. So the threads are few and give way to all else, each
//! keeps its memory from hash to hash, and who would wait too long is told at once when to come back.
//!
//! Whatever a sign-in fails for, it costs one hash: an unknown user, a password that is too long and a
//! stored hash that cannot be read take as long as a wrong password.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use argon2::password_hash::phc::{Output, Salt};
use argon2::{Algorithm, Argon2, Block, Params, PasswordHash, Version};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::mint;

/// Bytes of a password that are hashed at most. Longer ones are nobody's, only work for us.
pub const MAX_PASSWORD_BYTES: usize = 1024;
/// KiB that a stored, perhaps imported hash may ask for, or our own setting's if that is larger:
/// 256 MiB, four times RFC 9106's second choice (§4).
pub const MAX_STORED_MEMORY_KIB: u32 = 256 * 1024;
/// Memory in KiB times passes that a stored hash may ask for: about half a second of one core.
pub const MAX_STORED_WORK: u64 = 1024 * 1024;
/// Lanes that a stored hash may ask for. They are computed one after the other.
const MAX_STORED_LANES: u32 = 16;
/// Bytes of a salt: 128 bits (RFC 9106 §3.1).
const SALT_BYTES: usize = 16;
/// Bytes of a hash: 256 bits (RFC 9106 §4).
const HASH_BYTES: usize = 32;
/// Niceness of the threads: below everything else of the server, above the idle.
#[cfg(target_os = "linux")]
const NICENESS: libc::c_int = 15;
/// Waiting jobs at most, whatever the measured speed: bounds the queue's memory to about 1 MiB.
const MAX_WAITING: usize = 1024;
/// Nanoseconds per KiB and pass until the first hash was measured: of a slow machine.
const FIRST_GUESS_NANOSECONDS: u64 = 1000;

/// How the pool works. The first three are what new hashes are made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Threads, and so hashes at the same time; at least 1.
    pub workers: usize,
    /// Memory of a hash in KiB, at least 8 × `parallelism` (RFC 9106 §3.1, m).
    pub memory_kib: u32,
    /// Passes over that memory, at least 1 (t).
    pub iterations: u32,
    /// Lanes, at least 1 (p).
    pub parallelism: u32,
    /// Longest wait for a thread. Who would wait longer is refused.
    pub max_wait: Duration,
}

impl Default for Settings {
    /// 19 MiB, 2 passes, 1 lane (OWASP's floor), all cores but one, 2 seconds.
    fn default() -> Self {
        let workers = thread::available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1).max(1));
        Self { workers, memory_kib: 19_456, iterations: 2, parallelism: 1, max_wait: Duration::from_secs(2) }
    }
}

/// Why there is no answer about a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// Too many wait. For 503 with Retry-After.
    #[error("password checks are at their limit for {retry_after_seconds} s")]
    Busy {
        /// When the queue will have shrunk enough; at least 1.
        retry_after_seconds: u64,
    },
    /// A password to be hashed is longer than [`MAX_PASSWORD_BYTES`].
    #[error("the password is longer than {MAX_PASSWORD_BYTES} bytes")]
    TooLong,
    /// A stored hash is not one we verify. For the person the same as a mismatch; it took as long.
    #[error("a stored password hash is unusable: {0}")]
    StoredHash(&'static str),
    /// Argon2 refuses the settings.
    #[error("the settings for password hashes are unusable: {0}")]
    Settings(argon2::Error),
    /// The threads cannot be started, or have ended.
    #[error("the password threads are gone")]
    Stopped,
}

/// Whether a password is the one that was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Match {
        /// The stored hash was made with other settings than today's: store a new one.
        needs_rehash: bool,
    },
    /// It is not, or there is nobody to have one.
    Mismatch,
}

/// Argon2's working memory, kept from hash to hash: a third less time than fresh memory.
///
/// It is not wiped in between: it leads to no password faster than the stored hash does.
#[derive(Default)]
pub struct Memory {
    blocks: Vec<Block>,
    hashes: u64,
}

/// One Argon2id hash in kept memory: the pool's work without the pool, for the benchmark.
///
/// # Errors
/// [`PoolError::Settings`], for parameters or a salt outside RFC 9106 §3.1.
pub fn bare(
    password: &[u8],
    salt: &[u8],
    settings: &Settings,
    memory: &mut Memory,
) -> Result<[u8; HASH_BYTES], PoolError> {
    let mut hash = [0; HASH_BYTES];
    let recipe = Recipe::of(settings)?;
    recipe.fill(password, salt, memory, &mut hash).map_err(PoolError::Settings)?;
    Ok(hash)
}

/// What makes a hash besides password and salt.
#[derive(Clone, PartialEq, Eq)]
struct Recipe {
    algorithm: Algorithm,
    version: Version,
    params: Params,
}

impl Recipe {
    fn of(settings: &Settings) -> Result<Self, PoolError> {
        let Settings { memory_kib, iterations, parallelism, .. } = *settings;
        let params = Params::new(memory_kib, iterations, parallelism, Some(HASH_BYTES));
        let params = params.map_err(PoolError::Settings)?;
        Ok(Self { algorithm: Algorithm::Argon2id, version: Version::V0x13, params })
    }

    /// KiB times passes: what the time of a hash is proportional to.
    fn work(&self) -> u64 {
        u64::from(self.params.m_cost()) * u64::from(self.params.t_cost())
    }

    fn fill(&self, password: &[u8], salt: &[u8], memory: &mut Memory, hash: &mut [u8]) -> argon2::Result<()> {
        let blocks = self.params.block_count();
        if memory.blocks.len() < blocks {
            memory.blocks.resize(blocks, Block::new());
        }
        memory.hashes += 1;
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        argon2.hash_password_into_with_memory(password, salt, hash, &mut memory.blocks[..blocks])
    }
}

/// A new hash as PHC string: `$argon2id$v=19$m=…,t=…,p=…$salt$hash`.
fn fresh(password: &[u8], recipe: &Recipe, memory: &mut Memory) -> Result<String, PoolError> {
    let salt = mint::bytes::<SALT_BYTES>();
    let mut hash = [0; HASH_BYTES];
    recipe.fill(password, &salt, memory, &mut hash).map_err(PoolError::Settings)?;
    let (Ok(salt), Ok(hash)) = (Salt::new(&salt), Output::new(&hash)) else {
        return Err(PoolError::Settings(argon2::Error::OutputTooLong));
    };
    let (m, t, p) = (recipe.params.m_cost(), recipe.params.t_cost(), recipe.params.p_cost());
    Ok(format!("$argon2id$v=19$m={m},t={t},p={p}${salt}${hash}"))
}

/// A stored hash, read from its PHC string and found affordable.
struct Stored {
    recipe: Recipe,
    salt: Salt,
    hash: Output,
}

impl Stored {
    fn parse(phc: &str, own: &Recipe) -> Result<Self, PoolError> {
        let refuse = PoolError::StoredHash;
        let parsed = PasswordHash::new(phc).map_err(|_| refuse("not a PHC string"))?;
        let algorithm = Algorithm::try_from(parsed.algorithm.as_str()).map_err(|_| refuse("not Argon2"))?;
        let version = parsed.version.map_or(Ok(Version::V0x10), Version::try_from);
        let version = version.map_err(|_| refuse("an unknown version of Argon2"))?;
        let params = Params::try_from(&parsed).map_err(|_| refuse("impossible parameters"))?;
        let (Some(salt), Some(hash)) = (parsed.salt, parsed.hash) else {
            return Err(refuse("no salt or no hash in it"));
        };
        let recipe = Recipe { algorithm, version, params };
        if recipe.params.m_cost() > MAX_STORED_MEMORY_KIB.max(own.params.m_cost())
            || recipe.work() > MAX_STORED_WORK.max(own.work())
            || recipe.params.p_cost() > MAX_STORED_LANES.max(own.params.p_cost())
        {
            return Err(refuse("its cost is above the limit"));
        }
        Ok(Self { recipe, salt, hash })
    }

    fn compare(&self, password: &[u8], own: &Recipe, memory: &mut Memory) -> Result<Verdict, PoolError> {
        let mut bytes = [0; Output::MAX_LENGTH];
        let hash = &mut bytes[..self.hash.len()];
        let computed = self.recipe.fill(password, &self.salt, memory, hash);
        computed.map_err(|_| PoolError::StoredHash("impossible parameters"))?;
        // In constant time: `Output` compares so.
        if Output::new(hash).is_ok_and(|hash| hash == self.hash) {
            let needs_rehash = self.recipe != *own || self.salt.len() < SALT_BYTES;
            return Ok(Verdict::Match { needs_rehash });
        }
        Ok(Verdict::Mismatch)
    }
}

struct Job {
    run: Box<dyn FnOnce(&mut Memory) + Send>,
    work: u64,
    /// Whoever waits holds the other end.
    waiter: Weak<()>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Job>,
    /// Work of those waiting and those running, and how many run.
    work: u64,
    running: usize,
    /// Measured; a moving average.
    nanoseconds_per_work: u64,
    stopped: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    recipe: Arc<Recipe>,
    workers: usize,
    max_wait: Duration,
    hashes: AtomicU64,
}

/// The threads that hash passwords, and the queue before them. Dropping it ends them.
pub struct PasswordPool {
    shared: Arc<Shared>,
}

impl PasswordPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// [`PoolError::Settings`], and [`PoolError::Stopped`] if the system gives no threads.
    pub fn start(settings: &Settings) -> Result<Self, PoolError> {
        let workers = settings.workers.max(1);
        let queue = Queue { nanoseconds_per_work: FIRST_GUESS_NANOSECONDS, ..Queue::default() };
        let shared = Arc::new(Shared {
            queue: Mutex::new(queue),
            changed: Condvar::new(),
            recipe: Arc::new(Recipe::of(settings)?),
            workers,
            max_wait: settings.max_wait,
            hashes: AtomicU64::new(0),
        });
        // Made first: dropped on an error, it ends the threads that did start.
        let pool = Self { shared };
        for number in 1..=workers {
            let shared = Arc::clone(&pool.shared);
            let thread = thread::Builder::new().name(format!("password-{number}"));
            let started = thread.spawn(move || shared.run());
            started.map_err(|_| PoolError::Stopped)?;
        }
        Ok(pool)
    }

    /// How long anybody waits.
    pub fn max_wait(&self) -> Duration {
        self.shared.max_wait
    }

    /// Hashes a new password, as a PHC string with a fresh salt.
    ///
    /// # Errors
    /// [`PoolError::TooLong`], [`PoolError::Busy`], [`PoolError::Stopped`].
    pub async fn hash(&self, password: Zeroizing<String>) -> Result<String, PoolError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PoolError::TooLong);
        }
        let recipe = Arc::clone(&self.shared.recipe);
        let work = recipe.work();
        self.ask(work, move |memory| fresh(password.as_bytes(), &recipe, memory)).await
    }

    /// The same if `is_good` says so of the password. Judging too takes place on these threads, where it cannot take
    /// the time of others.
    ///
    /// # Errors
    /// As [`PasswordPool::hash`].
    pub async fn hash_if(
        &self,
        password: Zeroizing<String>,
        is_good: impl FnOnce(&str) -> bool + Send + 'static,
    ) -> Result<Option<String>, PoolError> {
        if password.len() > MAX_PASSWORD_BYTES {
            return Err(PoolError::TooLong);
        }
        let recipe = Arc::clone(&self.shared.recipe);
        let hash = move |memory: &mut Memory| {
            let good = is_good(&password);
            good.then(|| fresh(password.as_bytes(), &recipe, memory)).transpose()
        };
        self.ask(self.shared.recipe.work(), hash).await
    }

    /// Compares a password with a stored hash, or with nothing if there is no such user: always the
    /// work of one hash.
    ///
    /// # Errors
    /// [`PoolError::StoredHash`] for a hash we cannot verify: log it, and answer as for a mismatch.
    /// [`PoolError::Busy`], [`PoolError::Stopped`].
    pub async fn verify(
        &self,
        mut password: Zeroizing<String>,
        mut phc: Option<Arc<str>>,
    ) -> Result<Verdict, PoolError> {
        if password.len() > MAX_PASSWORD_BYTES {
            // Not hashed as it is: its length would show in the time.
            password = Zeroizing::default();
            phc = None;
        }
        let own = Arc::clone(&self.shared.recipe);
        let stored = phc.map(|phc| Stored::parse(&phc, &own)).transpose();
        let work = match &stored {
            Ok(Some(stored)) => stored.recipe.work(),
            Ok(None) | Err(_) => own.work(),
        };
        let compare = move |memory: &mut Memory| {
            if let Ok(Some(stored)) = &stored {
                return stored.compare(password.as_bytes(), &own, memory);
            }
            // Nothing to compare with: the work alone, then what was clear before.
            fresh(password.as_bytes(), &own, memory)?;
            stored.map(|_| Verdict::Mismatch)
        };
        self.ask(work, compare).await
    }

    /// Hashes computed since the start, those without a stored hash included.
    pub fn hashes_done(&self) -> u64 {
        self.shared.hashes.load(Ordering::Relaxed)
    }

    /// Jobs that wait for a thread now.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    async fn ask<T: Send + 'static>(
        &self,
        work: u64,
        task: impl FnOnce(&mut Memory) -> Result<T, PoolError> + Send + 'static,
    ) -> Result<T, PoolError> {
        let (answer, answered) = oneshot::channel();
        let (here, shared) = (Arc::new(()), Arc::clone(&self.shared));
        let run = Box::new(move |memory: &mut Memory| {
            let started = Instant::now();
            // A panic must not cost us the thread; whoever waits sees a closed channel.
            let outcome = catch_unwind(AssertUnwindSafe(|| task(memory)));
            shared.done(work, started.elapsed(), std::mem::take(&mut memory.hashes));
            // An error of `send` says that nobody waits any more.
            let _ = outcome.map(|outcome| answer.send(outcome));
        });
        let waiter = Arc::downgrade(&here);
        self.shared.enqueue(Job { run, work, waiter })?;
        let outcome = answered.await;
        drop(here);
        outcome.unwrap_or(Err(PoolError::Stopped))
    }
}

impl Drop for PasswordPool {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.stopped = true;
        queue.waiting.clear();
        self.shared.changed.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, job: Job) -> Result<(), PoolError> {
        let mut queue = self.lock();
        if self.refusal(&queue).is_some() {
            queue.forget_the_gone();
        }
        if let Some(error) = self.refusal(&queue) {
            return Err(error);
        }
        queue.work += job.work;
        queue.waiting.push_back(job);
        drop(queue);
        self.changed.notify_one();
        Ok(())
    }

    fn refusal(&self, queue: &Queue) -> Option<PoolError> {
        let wait = self.expected_wait(queue);
        let retry_after_seconds = wait.saturating_sub(self.max_wait).as_secs() + 1;
        let full = wait > self.max_wait || queue.waiting.len() >= MAX_WAITING;
        full.then_some(PoolError::Busy { retry_after_seconds })
    }

    /// Zero while a thread is free; else the time the threads need for everything before us.
    fn expected_wait(&self, queue: &Queue) -> Duration {
        if queue.running + queue.waiting.len() < self.workers {
            return Duration::ZERO;
        }
        let workers = u64::try_from(self.workers).unwrap_or(u64::MAX);
        Duration::from_nanos(queue.work.saturating_mul(queue.nanoseconds_per_work) / workers)
    }

    /// The life of a thread.
    fn run(&self) {
        #[cfg(target_os = "linux")]
        give_way();
        let mut memory = Memory::default();
        while let Some(job) = self.next() {
            (job.run)(&mut memory);
            // What a costlier stored hash needed is given back: memory stays flat.
            let kept = self.recipe.params.block_count();
            if memory.blocks.len() > kept {
                memory.blocks.truncate(kept);
                memory.blocks.shrink_to_fit();
            }
        }
    }

    /// The next job somebody still waits for. None when the pool was dropped.
    fn next(&self) -> Option<Job> {
        let mut queue = self.lock();
        loop {
            if queue.stopped {
                return None;
            }
            queue.forget_the_gone();
            if let Some(job) = queue.waiting.pop_front() {
                queue.running += 1;
                return Some(job);
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn done(&self, work: u64, took: Duration, hashes: u64) {
        self.hashes.fetch_add(hashes, Ordering::Relaxed);
        let measured = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX) / work.max(1);
        let mut queue = self.lock();
        queue.running -= 1;
        queue.work -= work;
        if hashes == 0 {
            // Nothing was hashed, so nothing is known of how long that takes.
            return;
        }
        // A quarter of the new: settles within some ten hashes, and one slow hash does not shut the door.
        let known = queue.nanoseconds_per_work.saturating_mul(3);
        queue.nanoseconds_per_work = (known.saturating_add(measured) / 4).max(1);
    }
}

impl Queue {
    /// Drops jobs whose askers went away: a closed connection holds no place.
    fn forget_the_gone(&mut self) {
        let mut gone = 0;
        self.waiting.retain(|job| {
            let wanted = job.waiter.strong_count() > 0;
            gone += if wanted { 0 } else { job.work };
            wanted
        });
        self.work -= gone;
    }
}

/// Lowers the priority of the calling thread: on Linux each thread has its own.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "std has no call for priorities; this one takes integers and touches no memory")]
fn give_way() {
    // SAFETY: plain integers; 0 is the calling thread.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
    if result != 0 {
        tracing::debug!("password threads keep the ordinary priority");
    }
}
