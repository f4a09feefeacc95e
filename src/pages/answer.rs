//! How a page becomes an answer: the frame, the content security policy, and the refusals that people see.

use askama::Template;
use poem::http::{HeaderValue, Method, StatusCode, header};
use poem::{IntoResponse, Response};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::browser::{chosen_language, keep_language, kept_language};
use super::error_docs;
use super::messages::{self, Messages};
use super::views::{ErrorPage, FormPost, Frame, LanguageLink, Moment};
use crate::call::{Call, Head};
use crate::failure::{Logged, is_temporary};
use crate::password_pool::PoolError;
use crate::protocol::authorization_response::Carried;
use crate::protocol::redirect_uri::RedirectUri;
use crate::protocol::timestamp::Timestamp;
use crate::store::StoreError;

/// What a page is answered with, or why it is not.
pub type Handled = Result<Response, PageFailure>;

/// A refusal that a person sees.
#[derive(Debug)]
pub struct PageFailure {
    /// Which of the error texts (`messages::ERROR_KINDS`).
    pub kind: &'static str,
    /// The status.
    pub status: StatusCode,
    /// The registered code, for the developer's part.
    pub code: &'static str,
    /// The parameter at fault, for the developer's part.
    pub parameter: Option<&'static str>,
    /// For the log, and in development for the page.
    pub log: String,
    /// The client's name and where it begins, if they are verified.
    pub back: Option<Box<(String, String)>>,
    /// Where trying again begins; empty for the same address.
    pub again: Option<String>,
    /// When trying again may help, in seconds.
    pub retry_after: Option<u32>,
}

impl PageFailure {
    /// A refusal with nothing to go back to.
    pub fn new(status: StatusCode, kind: &'static str, code: &'static str, log: impl std::fmt::Display) -> Self {
        let log = log.to_string();
        Self { kind, status, code, parameter: None, log, back: None, again: None, retry_after: None }
    }

    /// The page does not exist.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "not_found", "no such page")
    }

    /// The request does not come from our own page in this browser.
    pub fn forged(log: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "form-expired", "forbidden", log)
    }

    /// The same with the parameter at fault.
    pub fn at_fault(self, parameter: Option<&'static str>) -> Self {
        Self { parameter, ..self }
    }

    /// The same with a way back to the client.
    pub fn back_to(self, back: Option<(String, String)>) -> Self {
        Self { back: back.map(Box::new), ..self }
    }

    /// The same with a page to begin again at.
    pub fn again_at(self, address: String) -> Self {
        Self { again: Some(address), ..self }
    }
}

impl From<StoreError> for PageFailure {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error, "store");
        if is_temporary(&error) {
            let failure = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "temporarily_unavailable", error);
            Self { retry_after: Some(1), ..failure }
        } else {
            Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server-error", "server_error", error)
        }
    }
}

impl From<PoolError> for PageFailure {
    fn from(error: PoolError) -> Self {
        let failure = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "temporarily_unavailable", &error);
        let seconds = match error {
            PoolError::Busy { retry_after_seconds } => u32::try_from(retry_after_seconds).unwrap_or(u32::MAX),
            PoolError::TooLong | PoolError::StoredHash(_) | PoolError::Settings(_) | PoolError::Stopped => 1,
        };
        Self { retry_after: Some(seconds), ..failure }
    }
}

impl From<askama::Error> for PageFailure {
    fn from(error: askama::Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server-error", "server_error", error)
    }
}

/// The language of a request: what the person chose, now or before; what the client wishes, what the browser says, what
/// the tenant speaks.
pub fn language(call: &Call, head: &Head, ui_locales: Option<&str>) -> &'static Messages {
    messages::negotiate(
        chosen_language(head).map(Messages::tag).or_else(|| kept_language(call, head)),
        ui_locales,
        head.header("accept-language"),
        &call.tenant.settings.default_locale,
    )
}

/// The page of a request in another language, up to the tag; empty if no GET shows it, or if its query says more than
/// that: an error never repeats what was sent.
pub fn here(head: &Head) -> &'static str {
    let plain = head.query().unwrap_or_default().split('&').all(|pair| pair.is_empty() || pair.starts_with("lang="));
    let reads_it = head.uri.path() != "/authorize";
    if plain && reads_it && head.method == Method::GET { "?lang=" } else { "" }
}

/// The frame of a page of this tenant. `here` is the address that shows the same page in another language, up
/// to its tag; empty if there is none.
pub fn frame<'a>(call: &'a Call, m: &'static Messages, title: String, here: &str) -> Frame<'a> {
    let settings = &call.tenant.settings;
    let mut frame = Frame::new(m, title, &call.tenant.name);
    frame.theme_href = call.tenant.theme.as_ref().map(|theme| format!("{}/{}", call.tenant.path, theme.file_name));
    frame.languages = if here.is_empty() { Vec::new() } else { LanguageLink::all(m, here) };
    frame.privacy_uri = settings.privacy_uri.as_deref();
    frame.terms_uri = settings.terms_uri.as_deref();
    frame.support_uri = settings.support_uri.as_deref();
    frame.powered_by = settings.powered_by;
    frame
}

/// A suspended tenant lets nobody sign in.
///
/// # Errors
/// It is one.
pub fn refuse_if_closed(call: &Call) -> Result<(), PageFailure> {
    if call.is_open() {
        return Ok(());
    }
    Err(PageFailure::new(StatusCode::FORBIDDEN, "tenant-suspended", "access_denied", "the tenant is suspended"))
}

/// A page: never cached, never framed, with no script or style but our own. `submits_to` is the client to whose
/// origin a form of this page may lead in the end; without it Chromium would stop the way back.
///
/// # Errors
/// The template fails; does not happen with ours.
pub fn page(status: StatusCode, template: &impl Template, submits_to: Option<&RedirectUri>) -> Handled {
    let html = template.render()?;
    let form_action = submits_to.map(|uri| format!(" {}", uri.origin())).unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'{form_action}"
    );
    let mut response = Response::builder().status(status).content_type("text/html; charset=utf-8").body(html);
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // Not `no-referrer`: browsers would then hide the origin of our own forms from us.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    Ok(response)
}

/// A redirect after which the method is GET (RFC 9700 §4.12: never 307 after a form with a password).
pub fn see_other(location: &str) -> Response {
    let mut response: Response = StatusCode::SEE_OTHER.into_response();
    match HeaderValue::from_str(location) {
        Ok(value) => {
            response.headers_mut().insert(header::LOCATION, value);
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        Err(_) => response.set_status(StatusCode::INTERNAL_SERVER_ERROR),
    }
    response
}

/// Sends an authorization response on its way.
///
/// # Errors
/// The template fails; does not happen with ours.
pub fn carry(call: &Call, m: &'static Messages, carried: Carried, client: &str, uri: &RedirectUri) -> Handled {
    match carried {
        Carried::Redirect(location) => Ok(see_other(&location)),
        Carried::Form { action, fields } => {
            let title = m.with("form-post-title", &[("client", client)]);
            let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            page(StatusCode::OK, &FormPost { frame: frame(call, m, title, ""), action: &action, fields }, Some(uri))
        }
    }
}

/// The error page.
pub fn refusal(call: &Call, head: &Head, mut failure: PageFailure) -> Response {
    let m = language(call, head, None);
    if failure.again.is_none() && may_be_asked_again(head, &failure) {
        // An empty link leads to the very address of the page.
        failure.again = Some(String::new());
    }
    let frame = frame(call, m, m.error(failure.kind).title.to_owned(), here(head));
    let mut response = error_page(frame, &call.reference, call.now, call.app.dev, failure);
    keep_language(call, head, &mut response);
    response
}

/// Whether a GET of the same address may help: it failed for a while, or it is the page of a form that was too old. The
/// steps of a sign-in know their own page.
fn may_be_asked_again(head: &Head, failure: &PageFailure) -> bool {
    if head.method == Method::GET {
        return matches!(failure.kind, "server-error" | "too-many-requests" | "unavailable");
    }
    failure.kind == "form-expired" && !head.uri.path().starts_with("/interaction/")
}

/// The error page in a given frame.
pub fn error_page(frame: Frame<'_>, reference: &str, now: Timestamp, dev: bool, failure: PageFailure) -> Response {
    let m = frame.m;
    let parameter = failure.parameter.map(|name| (m.t("error-parameter"), name.to_owned()));
    let description = dev.then(|| (m.t("error-description"), failure.log.clone()));
    let docs = error_docs::href(failure.code, m);
    let view = ErrorPage {
        frame,
        texts: m.error(failure.kind),
        code: failure.code,
        back: failure.back.as_deref().map(|(name, href)| (name.as_str(), href.as_str())),
        again_href: failure.again.as_deref(),
        trace_id: reference,
        time: moment(m, now, now),
        facts: parameter.into_iter().chain(description).collect(),
        docs_href: docs.as_deref(),
    };
    let mut response = page(failure.status, &view, None).unwrap_or_else(|_| failure.status.into_response());
    if let Some(seconds) = failure.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response.extensions_mut().insert(Logged(failure.log));
    response
}

/// An instant as pages show it.
pub fn moment(m: &Messages, at: Timestamp, now: Timestamp) -> Moment {
    let exact = OffsetDateTime::from_unix_timestamp(at.seconds())
        .ok()
        .and_then(|at| at.format(&Rfc3339).ok())
        .unwrap_or_default();
    let ago = u64::try_from(now.since(at)).unwrap_or(0);
    Moment { machine: exact.clone(), exact: exact.replace('T', " ").replace('Z', " UTC"), relative: m.ago(ago) }
}

/// Whether a POST comes from a page of our own in the same browser, as far as its headers tell: browsers send
/// `Origin` and `Sec-Fetch-Site` with every form.
pub fn is_own_origin(call: &Call, head: &Head) -> bool {
    let own = url::Url::parse(&call.tenant.issuer).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    let origins = head.headers.get_all(header::ORIGIN).iter().count();
    let origin = origins == 0 || head.header("origin") == Some(own.as_str());
    let site = head.header("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    origins <= 1 && origin && site
}
