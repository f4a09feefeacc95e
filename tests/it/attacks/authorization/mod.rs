//! Attacks on the authorization endpoint and on what it hands out.

mod code;
mod redirect_uri;
