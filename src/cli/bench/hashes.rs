//! The reference's passwords: bare Argon2id with the product's default cost, on threads of their own.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::oneshot;

use super::failed;
use super::measure::cpu_seconds;
use super::processes::PASSWORD;
use crate::cli::SetupError;
use crate::password_pool::{Memory, Settings, bare};

/// The one salt.
const SALT: [u8; 16] = *b"chancery-bench-1";

struct Job {
    password: String,
    answer: oneshot::Sender<Option<[u8; 32]>>,
}

/// The threads, and the hash of the one password.
pub(super) struct Hashes {
    jobs: mpsc::Sender<Job>,
    stored: [u8; 32],
}

impl Hashes {
    /// Starts as many threads as the product does.
    pub(super) fn start() -> Result<Self, SetupError> {
        let settings = Settings::default();
        let stored = bare(PASSWORD.as_bytes(), &SALT, &settings, &mut Memory::default()).map_err(failed)?;
        let (jobs, queue) = mpsc::channel::<Job>();
        let queue = Arc::new(Mutex::new(queue));
        for _ in 0..settings.workers {
            let (queue, settings) = (queue.clone(), settings.clone());
            std::thread::spawn(move || {
                let mut memory = Memory::default();
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok(job) = next else { return };
                    let _ = job.answer.send(bare(job.password.as_bytes(), &SALT, &settings, &mut memory).ok());
                }
            });
        }
        Ok(Self { jobs, stored })
    }

    /// Whether it is the password.
    pub(super) async fn matches(&self, password: String) -> Result<bool, &'static str> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(Job { password, answer }).map_err(|_| "the threads are gone")?;
        let hash = answered.await.map_err(|_| "the threads are gone")?.ok_or("no hash")?;
        Ok(hash == self.stored)
    }
}

/// CPU milliseconds of one bare hash in kept memory: of this process, which does nothing else meanwhile.
pub(super) fn bare_milliseconds() -> Result<f64, SetupError> {
    const TIMES: u32 = 40;
    let (settings, mut memory) = (Settings::default(), Memory::default());
    bare(PASSWORD.as_bytes(), &SALT, &settings, &mut memory).map_err(failed)?;
    let before = cpu_seconds(std::process::id());
    for _ in 0..TIMES {
        bare(PASSWORD.as_bytes(), &SALT, &settings, &mut memory).map_err(failed)?;
    }
    Ok((cpu_seconds(std::process::id()) - before) * 1000.0 / f64::from(TIMES))
}
