//! Checkpoints of SQLite: pages of the write-ahead log go back into the file on a thread of their own, so that no
//! commit waits while they do.
//!
//! SQLite begins its log anew only when all of it is in the file. While changes come without a pause there is always
//! something that is not: so the thread moves the bulk, and the writer, between two commits, what came meanwhile.
//!
//! ```text
//! Idle ── writer: the log is long ──▶ Asked ── thread: the bulk is moved ──▶ Moved ── writer: so is the rest ──▶ Idle
//! ```

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Sender, channel};

use rusqlite::Connection;

use super::sqlite::Unusable;

/// Pages in the log from which on they are moved: 4 MiB, as SQLite does by itself.
const PAGES: c_int = 1000;
/// Pages in the log at which something must be wrong: 64 MiB.
const FAR_TOO_MANY: c_int = 16_000;

const IDLE: u8 = 0;
const ASKED: u8 = 1;
const MOVED: u8 = 2;

thread_local! {
    /// Pages in the log after the last commit of this thread.
    static LOGGED: Cell<c_int> = const { Cell::new(0) };
}

/// See the module. It belongs to the writer.
pub(super) struct Checkpoints {
    ask: Sender<()>,
    state: Arc<AtomicU8>,
    /// Pages in the log at which the next checkpoint begins.
    due: Cell<c_int>,
    warned: Cell<bool>,
}

impl Checkpoints {
    /// `writer` no longer makes checkpoints by itself; `mover` makes them on a thread that ends with what is returned.
    pub(super) fn start(writer: &Connection, mover: Connection) -> Result<Self, Unusable> {
        writer.wal_hook(Some(|_, pages| {
            LOGGED.set(pages);
            Ok(())
        }));
        let (ask, asked) = channel();
        let state = Arc::new(AtomicU8::new(IDLE));
        let shared = state.clone();
        std::thread::Builder::new().name("sqlite-pages".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                // Where it failed, the writer tries, and then asks again.
                checkpoint(&mover);
                shared.store(MOVED, Ordering::Release);
            }
        })?;
        Ok(Self { ask, state, due: Cell::new(PAGES), warned: Cell::new(false) })
    }

    /// To be called by the writer after each commit, once everybody has an answer.
    pub(super) fn after_commit(&self, writer: &Connection) {
        let logged = LOGGED.get();
        if logged < PAGES {
            // The log began anew.
            self.due.set(PAGES);
            self.warned.set(false);
        }
        if logged > FAR_TOO_MANY && !self.warned.replace(true) {
            let hint = "is there room on the disk, and no reader that never ends?";
            tracing::warn!(
                pages = logged,
                hint,
                "the log of SQLite grows, since its pages cannot be moved into its file"
            );
        }
        if logged < self.due.get() {
            return;
        }
        match self.state.load(Ordering::Acquire) {
            IDLE => {
                self.state.store(ASKED, Ordering::Release);
                if self.ask.send(()).is_err() {
                    // The thread is gone: the writer does its work.
                    self.state.store(MOVED, Ordering::Release);
                }
            }
            ASKED if logged <= FAR_TOO_MANY => {}
            _ => {
                self.state.store(IDLE, Ordering::Release);
                checkpoint(writer);
                // Should a reader still need the log, it goes on growing: not a reason to try after every commit.
                self.due.set(logged.saturating_add(PAGES));
            }
        }
    }
}

/// Moves what no reader stands in the way of; nobody waits for it.
fn checkpoint(connection: &Connection) {
    if let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(error = %error, "pages of the log of SQLite cannot be moved into its file; they will be, later");
    }
}
