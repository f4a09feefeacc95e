//! HTML for people: shows, decides nothing.

pub mod account;
pub mod answer;
pub mod assets;
pub mod authorize;
pub mod browser;
pub mod end_session;
pub mod interaction;
pub mod messages;
mod methods;
mod steps;
pub mod theme;
pub mod views;
