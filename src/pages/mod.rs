//! HTML for people: shows, decides nothing.

pub mod account;
pub mod answer;
pub mod assets;
pub mod authorize;
pub mod browser;
mod conclude;
mod consent;
pub mod developer;
pub mod developer_views;
pub mod end_session;
pub mod error_docs;
pub mod escape;
pub mod first_admin;
pub mod interaction;
pub mod messages;
mod methods;
mod new_account;
pub mod platform;
pub mod playground;
mod steps;
pub mod theme;
pub mod views;
mod visit;
