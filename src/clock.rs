//! The clock: one door to the time of day, so that tests can move it by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::protocol::timestamp::Timestamp;

/// Where the time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's own clock.
    System,
    /// A clock that stands still until somebody moves it (tests).
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A stopped clock that shows `start`.
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.seconds())))
    }

    /// Now, in whole seconds.
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::from_seconds(self.milliseconds() / 1000),
            Self::Manual(seconds) => Timestamp::from_seconds(seconds.load(Ordering::SeqCst)),
        }
    }

    /// Now, in milliseconds since 1970: for the audit trail and the log.
    pub fn milliseconds(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Self::Manual(seconds) => seconds.load(Ordering::SeqCst).saturating_mul(1000),
        }
    }

    /// Moves a stopped clock by `seconds`; the machine's clock takes no orders.
    pub fn advance(&self, by_seconds: i64) {
        if let Self::Manual(seconds) = self {
            seconds.fetch_add(by_seconds, Ordering::SeqCst);
        }
    }
}
