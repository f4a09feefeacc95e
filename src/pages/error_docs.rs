//! What error codes mean, for developers. Nothing of a tenant is on these pages, so anybody may keep them.

use std::sync::Arc;

use askama::Template;
use poem::Response;
use poem::http::{HeaderValue, StatusCode, header};

use super::answer::{Handled, PageFailure, page};
use super::assets;
use super::messages::Messages;
use super::platform::Answering;
use super::views::{Frame, initials};
use super::visit::Visit;
use crate::call::{App, Head};
use crate::protocol::error_code::ErrorCode;

/// Codes of our own, which stand on pages alone.
const OURS: [&str; 3] = ["forbidden", "not_found", "gone"];
/// For so long anybody may keep a page.
const CACHED: &str = "public, max-age=3600";

/// A code in words.
pub struct Code {
    /// As it stands on the wire.
    pub name: &'static str,
    /// The sections that define it; none for our own.
    pub defined_in: Option<&'static str>,
    /// What it means.
    pub means: String,
    /// What to do.
    pub fix: String,
    /// Its page.
    pub href: String,
}

impl Code {
    fn of(name: &'static str, defined_in: Option<&'static str>, m: &Messages, kept: &str) -> Self {
        let text = |id: String| m.t(&id).to_owned();
        let (means, fix) = (text(format!("code-{name}")), text(format!("code-{name}-fix")));
        Self { name, defined_in, means, fix, href: format!("/errors/{name}{kept}") }
    }
}

/// Every code.
#[derive(Template)]
#[template(path = "error_codes.html")]
struct ErrorCodes<'a> {
    frame: Frame<'a>,
    codes: Vec<Code>,
}

/// One of them.
#[derive(Template)]
#[template(path = "error_code.html")]
struct ErrorDocs<'a> {
    frame: Frame<'a>,
    code: Code,
    /// The list.
    all_href: String,
}

fn names() -> impl Iterator<Item = (&'static str, Option<&'static str>)> {
    let registered = ErrorCode::ALL.iter().map(|code| (code.as_str(), Some(code.defined_in())));
    registered.chain(OURS.map(|code| (code, None)))
}

/// The page about a code, in the language of the page that leads there.
pub fn href(code: &str, m: &Messages) -> Option<String> {
    names().find(|(name, _)| *name == code).map(|(name, _)| format!("/errors/{name}?lang={}", m.tag()))
}

/// `/errors`: all codes.
pub fn all(app: Arc<App>, head: Head, reference: Arc<str>) -> Answering {
    Box::pin(async move {
        let visit = Visit::of(app, &head, reference);
        let codes = names().map(|(name, defined_in)| Code::of(name, defined_in, visit.m, &visit.kept)).collect();
        visit.answer(cached(page(StatusCode::OK, &ErrorCodes { frame: visit.frame("codes-title"), codes }, None)))
    })
}

/// `/errors/{code}`: one code.
pub fn one(app: Arc<App>, head: Head, reference: Arc<str>) -> Answering {
    Box::pin(async move {
        let visit = Visit::of(app, &head, reference);
        let asked = visit.path.rsplit('/').next().unwrap_or_default();
        let Some((name, defined_in)) = names().find(|(name, _)| *name == asked) else {
            return visit.refusal(PageFailure::not_found());
        };
        let code = Code::of(name, defined_in, visit.m, &visit.kept);
        let view = ErrorDocs { frame: visit.titled(name), code, all_href: format!("/errors{}", visit.kept) };
        visit.answer(cached(page(StatusCode::OK, &view, None)))
    })
}

/// Anybody may keep what was made, in each language.
fn cached(made: Handled) -> Handled {
    made.map(|mut response: Response| {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(CACHED));
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-language"));
        response
    })
}
