//! Checkpoints of SQLite: pages of the write-ahead log go back into the file on a thread of their own, so that no
//! commit waits while they do.
//!
//! SQLite begins its log anew only when all of it is in the file. While changes come without a pause there is always
//! something that is not: so the thread moves the bulk, and the writer, between two commits, what came meanwhile.

use std::cell::Cell;
use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use rusqlite::Connection;

use super::sqlite::Unusable;

/// Pages in the log from which on they are moved: 4 MiB, as SQLite does by itself.
const PAGES: c_int = 1000;

thread_local! {
    /// Pages in the log after the last commit of this thread.
    static LOGGED: Cell<c_int> = const { Cell::new(0) };
}

/// See the module. It belongs to the writer.
pub(super) struct Checkpoints {
    ask: SyncSender<()>,
    bulk_moved: Arc<AtomicBool>,
    due: Cell<c_int>,
}

impl Checkpoints {
    /// `writer` no longer makes checkpoints by itself; `mover` makes them on a thread that ends with what is returned.
    pub(super) fn start(writer: &Connection, mover: Connection) -> Result<Self, Unusable> {
        writer.wal_hook(Some(|_, pages| {
            LOGGED.set(pages);
            Ok(())
        }));
        let (ask, asked) = sync_channel(1);
        let bulk_moved = Arc::new(AtomicBool::new(false));
        let moved = bulk_moved.clone();
        std::thread::Builder::new().name("sqlite-pages".to_owned()).spawn(move || {
            while asked.recv().is_ok() {
                moved.store(checkpoint(&mover), Ordering::Release);
            }
        })?;
        Ok(Self { ask, bulk_moved, due: Cell::new(PAGES) })
    }

    /// To be called by the writer after each commit, once everybody has an answer.
    pub(super) fn after_commit(&self, writer: &Connection) {
        let logged = LOGGED.get();
        if logged < PAGES {
            // The log began anew.
            self.due.set(PAGES);
        }
        if logged < self.due.get() {
            return;
        }
        if self.bulk_moved.swap(false, Ordering::Acquire) {
            checkpoint(writer);
            // Should a reader still need the log, it goes on growing: not a reason to try after every commit.
            self.due.set(logged.saturating_add(PAGES));
        } else {
            // If it is full, the thread has been asked already.
            let _ = self.ask.try_send(());
        }
    }
}

/// Moves what no reader stands in the way of; nobody waits for it. Whether it could be done.
fn checkpoint(connection: &Connection) -> bool {
    let done = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
    if let Err(error) = &done {
        tracing::debug!(error = %error, "the log of SQLite is not yet in its file");
    }
    done.is_ok()
}
