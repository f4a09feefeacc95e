//! People: sessions, passwords, and what comes next in a sign-in. Decisions only: no I/O, no clock.

pub mod engine;
pub mod identifier;
pub mod new_account;
pub mod session;
pub mod throttle;
