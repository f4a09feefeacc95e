//! Messages of the playground: shown as they are sent, folded at each parameter and with secrets cut short; and sent,
//! without leaving the process.

use std::sync::Arc;

use poem::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use poem::{Body, Response};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::call::{Call, Head};
use crate::endpoints::{token, userinfo};
use crate::pages::answer::PageFailure;

/// The lanes of the picture.
pub(super) const APP: &str = "lane-app";
/// See [`APP`].
pub(super) const BROWSER: &str = "lane-browser";
/// See [`APP`].
pub(super) const SERVER: &str = "lane-server";

/// Parameters and members whose values are shown cut short: whoever has them can act with them, or they are only long.
const CUT: [&str; 6] = ["access_token", "code", "code_verifier", "id_token", "refresh_token", "state"];
/// Characters that are left of a value that is cut.
const KEPT: usize = 8;

/// A parameter: name and value.
pub(super) type Pair = (String, String);

/// A parameter.
pub(super) fn pair(name: &str, value: &str) -> Pair {
    (name.to_owned(), value.to_owned())
}

/// One message, in no language yet.
pub(super) struct Step {
    pub(super) lanes: (&'static str, &'static str),
    pub(super) line: String,
    /// Id of the sentence that says what it is for.
    pub(super) note: &'static str,
    pub(super) raw: String,
    pub(super) curl: Option<String>,
}

fn escaped(text: &str) -> String {
    // %20 is read alike in a query and in a form.
    form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The parameters as they are sent.
pub(super) fn encoded(pairs: &[Pair]) -> String {
    let each: Vec<String> = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    each.join("&")
}

fn cut(value: &str) -> String {
    format!("{}…", value.chars().take(KEPT).collect::<String>())
}

/// The parameters as they are shown: one a line.
fn folded(pairs: &[Pair], indent: &str) -> String {
    let shown = |(name, value): &Pair| {
        let value = if CUT.contains(&name.as_str()) { cut(value) } else { escaped(value) };
        format!("{}={value}", escaped(name))
    };
    let each: Vec<String> = pairs.iter().map(shown).collect();
    each.join(&format!("\n{indent}&"))
}

fn target(path: &str, query: &[Pair]) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}\n    ?{}", folded(query, "    ")) }
}

fn host(call: &Call) -> String {
    let issuer = url::Url::parse(&call.tenant.issuer);
    issuer.map(|issuer| issuer.authority().to_owned()).unwrap_or_default()
}

/// A redirect that one lane gives to the browser. An error shows in the line.
pub(super) fn redirect(lanes: (&'static str, &'static str), to: &str, query: &[Pair], note: &'static str) -> Step {
    let raw = format!("HTTP/1.1 303 See Other\nlocation: {}", target(to, query));
    let error = query.iter().find(|(name, _)| name == "error").map(|(_, code)| format!(" · {code}"));
    Step { lanes, line: format!("303 See Other{}", error.unwrap_or_default()), note, raw, curl: None }
}

/// The browser following a redirect.
pub(super) fn visit(
    call: &Call,
    lanes: (&'static str, &'static str),
    path: &str,
    query: &[Pair],
    note: &'static str,
) -> Step {
    let target = target(&format!("{}/{path}", call.tenant.path), query);
    Step {
        lanes,
        line: format!("GET /{path}"),
        note,
        raw: format!("GET {target} HTTP/1.1\nhost: {}", host(call)),
        curl: None,
    }
}

/// The endpoints that the app asks by itself.
#[derive(Clone, Copy)]
enum Endpoint {
    Token,
    Userinfo,
}

impl Endpoint {
    const fn method(self) -> Method {
        match self {
            Self::Token => Method::POST,
            Self::Userinfo => Method::GET,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Token => "/token",
            Self::Userinfo => "/userinfo",
        }
    }
}

/// A request of the app to the server.
pub(super) struct Outgoing {
    endpoint: Endpoint,
    form: Vec<Pair>,
    bearer: Option<String>,
}

impl Outgoing {
    /// RFC 6749 §3.2.
    pub(super) fn token(form: Vec<Pair>) -> Self {
        Self { endpoint: Endpoint::Token, form, bearer: None }
    }

    /// OpenID Connect Core §5.3.1, RFC 6750 §2.1.
    pub(super) fn userinfo(access_token: &str) -> Self {
        Self { endpoint: Endpoint::Userinfo, form: Vec::new(), bearer: Some(access_token.to_owned()) }
    }

    /// The headers as they are sent, `authorization` apart.
    fn headers(&self, call: &Call) -> Vec<(HeaderName, String)> {
        let mut headers = vec![(header::HOST, host(call)), (header::ACCEPT, "application/json".to_owned())];
        if !self.form.is_empty() {
            headers.push((header::CONTENT_TYPE, "application/x-www-form-urlencoded".to_owned()));
        }
        headers
    }

    /// The request as it is shown.
    pub(super) fn step(&self, call: &Call, note: &'static str) -> Step {
        let (method, path) = (self.endpoint.method(), self.endpoint.path());
        let mut raw = format!("{method} {}{path} HTTP/1.1", call.tenant.path);
        for (name, value) in self.headers(call) {
            raw.push_str(&format!("\n{name}: {value}"));
        }
        if let Some(token) = &self.bearer {
            raw.push_str(&format!("\nauthorization: Bearer {}", cut(token)));
        }
        if !self.form.is_empty() {
            raw.push_str(&format!("\n\n{}", folded(&self.form, "")));
        }
        Step { lanes: (APP, SERVER), line: format!("{method} {path}"), note, raw, curl: Some(self.curl(call)) }
    }

    /// The same as a command; secrets come from variables of the shell.
    fn curl(&self, call: &Call) -> String {
        let mut parts = vec![format!("curl {}", quoted(&format!("{}{}", call.tenant.issuer, self.endpoint.path())))];
        for (name, value) in &self.form {
            parts.push(if CUT.contains(&name.as_str()) {
                format!("--data-urlencode \"{name}=${}\"", name.to_uppercase())
            } else {
                format!("--data-urlencode {}", quoted(&format!("{name}={value}")))
            });
        }
        if self.bearer.is_some() {
            parts.push("--header \"Authorization: Bearer $ACCESS_TOKEN\"".to_owned());
        }
        parts.join(" \\\n  ")
    }

    /// Sends the request to the handler that serves the world, too.
    pub(super) async fn send(self, call: &Call) -> Result<Incoming, PageFailure> {
        let failed =
            |error: String| PageFailure::new(StatusCode::INTERNAL_SERVER_ERROR, "server-error", "server_error", error);
        let mut headers = HeaderMap::new();
        let bearer = self.bearer.as_ref().map(|token| (header::AUTHORIZATION, format!("Bearer {token}")));
        for (name, value) in self.headers(call).into_iter().chain(bearer) {
            headers.insert(name, HeaderValue::try_from(value).map_err(|error| failed(error.to_string()))?);
        }
        let head = Head {
            method: self.endpoint.method(),
            uri: Uri::from_static(self.endpoint.path()),
            headers: Arc::new(headers),
        };
        let body = if self.form.is_empty() { Body::empty() } else { Body::from_string(encoded(&self.form)) };
        let answer = match self.endpoint {
            Endpoint::Token => token::token(call.clone(), head, body).await,
            Endpoint::Userinfo => userinfo::userinfo(call.clone(), head, body).await,
        };
        let response = answer.unwrap_or_else(|failure| failure.into_response(&call.reference));
        Incoming::read(response).await.map_err(|error| failed(error.to_string()))
    }
}

/// Quoted for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// An answer of the server to the app.
pub(super) struct Incoming {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Incoming {
    async fn read(response: Response) -> Result<Self, poem::error::ReadBodyError> {
        let (parts, body) = response.into_parts();
        Ok(Self { status: parts.status, headers: parts.headers, body: body.into_string().await? })
    }

    fn object(&self) -> Option<Map<String, Value>> {
        serde_json::from_str(&self.body).ok()
    }

    /// The members of the answer, if it is a success.
    pub(super) fn success(&self) -> Option<Map<String, Value>> {
        self.object().filter(|_| self.status.is_success())
    }

    /// The error and its description, if it is a refusal.
    pub(super) fn error(&self) -> (Option<String>, Option<String>) {
        let object = self.object().unwrap_or_default();
        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        (text("error").or_else(|| Some(self.status.as_str().to_owned())), text("error_description"))
    }

    /// The answer as it is shown. An error shows in the line.
    pub(super) fn step(&self) -> Step {
        let line = format!("{} {}", self.status.as_u16(), self.status.canonical_reason().unwrap_or_default());
        let mut raw = format!("HTTP/1.1 {line}");
        for (name, value) in &self.headers {
            raw.push_str(&format!("\n{name}: {}", value.to_str().unwrap_or_default()));
        }
        let mut error = String::new();
        let body = match self.object() {
            None => self.body.clone(),
            Some(mut object) => {
                for name in CUT {
                    if let Some(Value::String(text)) = object.get_mut(name) {
                        *text = cut(text);
                    }
                }
                if let Some(code) = object.get("error").and_then(Value::as_str) {
                    error = format!(" · {code}");
                }
                serde_json::to_string_pretty(&object).unwrap_or_default()
            }
        };
        raw.push_str(&format!("\n\n{body}"));
        Step { lanes: (SERVER, APP), line: format!("{line}{error}"), note: "step-answer", raw, curl: None }
    }
}
