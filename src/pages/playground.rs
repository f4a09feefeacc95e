//! Being written.
use crate::call::{Call, Head};
use super::answer::{Handled, PageFailure};
/// x
pub async fn show(_: Call, _: Head, _: poem::Body) -> Handled { Err(PageFailure::not_found()) }
/// x
pub async fn start(_: Call, _: Head, _: poem::Body) -> Handled { Err(PageFailure::not_found()) }
/// x
pub async fn create(_: Call, _: Head, _: poem::Body) -> Handled { Err(PageFailure::not_found()) }
/// x
pub async fn callback(_: Call, _: Head, _: poem::Body) -> Handled { Err(PageFailure::not_found()) }
