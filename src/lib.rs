//! Chancery: every tenant an issuer. See `docs/ARCHITECTURE.md` for the map.

pub mod admin;
pub mod background;
pub mod call;
pub mod cli;
pub mod clock;
pub mod config;
pub mod endpoints;
pub mod failure;
pub mod keys;
pub mod listener;
pub mod logging;
pub mod mint;
pub mod outbound;
pub mod pages;
pub mod password_pool;
pub mod protocol;
pub mod route;
pub mod seal;
pub mod server;
pub mod sign_in;
pub mod store;
pub mod tenant;
pub mod tls;
pub mod verified_tokens;

/// The languages of our pages, as metadata lists them (BCP 47).
pub const LOCALES: [&str; 3] = ["en", "de", "ar"];
