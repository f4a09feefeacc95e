//! Being written.
use std::sync::Arc;
use crate::call::{App, Head};
use super::platform::Answering;
macro_rules! x { ($($n:ident),*) => { $(
/// x
pub fn $n(_: Arc<App>, _: Head, _: Arc<str>) -> Answering { Box::pin(async { poem::http::StatusCode::NOT_FOUND.into() }) } )* } }
x!(to_start, start, mail, style_guide, errors, one_error);
