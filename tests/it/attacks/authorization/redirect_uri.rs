//! Attacks on redirect URIs.
