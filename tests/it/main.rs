//! The tests of the server: one binary, one file per subject.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that fails says so by panicking")]
#![expect(clippy::type_complexity, reason = "tables of rows are read by their columns, not by a name for the type")]

mod architecture;
mod at_once;
mod attacks;
mod commands;
mod config;
mod counts;
mod example_files;
mod flow;
mod json_web_key;
mod jws;
mod listener;
mod lost_connections;
mod messages;
mod openidconnect_crate;
mod outbound;
mod pages_chooser;
mod pages_consent;
mod pages_developer;
mod pages_errors;
mod pages_guide;
mod pages_keep;
mod pages_language;
mod pages_people;
mod pages_register;
mod pages_sessions;
mod password_pool;
mod references;
mod rooms;
mod signing_key;
mod support;
mod tenancy;
