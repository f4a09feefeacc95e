//! A browser without JavaScript: cookies, forms found in pages, redirects within the issuer.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use poem::Request;
use poem::http::Method;

use super::{Answer, ORIGIN, PASSWORD, Server};

/// A code_verifier and its S256 challenge (RFC 7636 Appendix B).
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The value of an `Authorization: Basic` header.
pub fn basic(client: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{client}:{secret}")))
}

/// A form body.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// One browser of one person.
#[derive(Clone)]
pub struct Agent {
    server: Server,
    /// Cookies by name.
    pub cookies: BTreeMap<String, String>,
    /// Names of those that outlive the browser.
    persistent: BTreeSet<String>,
}

/// A form in a page.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pub action: String,
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// With a field set.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(known, _)| known != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    pub fn body(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.fields).finish()
    }
}

impl Agent {
    pub fn new(server: &Server) -> Self {
        Self { server: server.clone(), cookies: BTreeMap::new(), persistent: BTreeSet::new() }
    }

    /// The same browser at another server or tenant.
    pub fn at(&self, server: &Server) -> Self {
        Self { server: server.clone(), ..self.clone() }
    }

    async fn send(&mut self, method: Method, address: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let path = address.strip_prefix(ORIGIN).unwrap_or(address);
        let mut builder =
            Request::builder().method(method).uri_str(path).header("host", "id.example").header("accept", "text/html");
        if !self.cookies.is_empty() {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            builder = builder.header("cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        let answer = self.server.send(builder.body(body.to_owned())).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let (name, rest) = cookie.to_str().expect("text").split_once('=').expect("a cookie");
            let value = rest.split(';').next().unwrap_or_default();
            if rest.contains("Max-Age=") {
                self.persistent.insert(name.to_owned());
            } else {
                self.persistent.remove(name);
            }
            if value.is_empty() || rest.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    /// Closes the browser: only cookies that have a lifetime are still there when it is opened again.
    pub fn close(&mut self) {
        self.cookies.retain(|name, _| self.persistent.contains(name));
    }

    /// GET of an address, or of a path that begins with a slash.
    pub async fn get(&mut self, address: &str) -> Answer {
        self.send(Method::GET, address, &[], "").await
    }

    /// A link of a page of ours is followed.
    pub async fn click(&mut self, address: &str) -> Answer {
        self.get_with(address, &[("sec-fetch-site", "same-origin")]).await
    }

    /// GET with headers of one's own.
    pub async fn get_with(&mut self, address: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, address, headers, "").await
    }

    /// GET that follows redirects as long as they stay within the origin.
    pub async fn visit(&mut self, address: &str) -> Answer {
        let mut answer = self.get(address).await;
        for _ in 0..10 {
            let location = answer.header("location").to_owned();
            if !(location.starts_with('/') || location.starts_with(ORIGIN)) {
                break;
            }
            answer = self.get(&location).await;
        }
        answer
    }

    /// POST of a form as a browser does it.
    pub async fn submit(&mut self, form: &Form) -> Answer {
        self.submit_with(form, &[("origin", ORIGIN), ("sec-fetch-site", "same-origin")]).await
    }

    /// POST of a form with headers of one's own.
    pub async fn submit_with(&mut self, form: &Form, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
        all.extend_from_slice(headers);
        self.send(Method::POST, &form.action, &all, &form.body()).await
    }

    /// POST of a form, then the redirects within the origin.
    pub async fn submit_and_follow(&mut self, form: &Form) -> Answer {
        let answer = self.submit(form).await;
        let location = answer.header("location").to_owned();
        if location.starts_with('/') || location.starts_with(ORIGIN) { self.visit(&location).await } else { answer }
    }

    /// The address of an authorization request of `client` that is right; `more` is added.
    pub fn authorization_request(&self, client: &str, more: &str) -> String {
        let redirect_uri = match client {
            "web" => "https://app.example/cb",
            "native" => "http://127.0.0.1/cb",
            other => &format!("https://{other}.example/cb"),
        };
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let named = |name: &str| more.split('&').any(|pair| pair.split('=').next() == Some(name));
        for (name, value) in [
            ("client_id", client),
            ("response_type", "code"),
            ("redirect_uri", redirect_uri),
            ("scope", "openid profile email offline_access"),
            ("state", "s1"),
            ("nonce", "n1"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ] {
            if !named(name) {
                query.append_pair(name, value);
            }
        }
        let joint = if more.is_empty() { "" } else { "&" };
        format!("/t/{}/authorize?{}{joint}{more}", self.server.slug, query.finish())
    }

    /// Runs an authorization request of `client` as alice: signs in and allows where asked.
    pub async fn authorize(&mut self, client: &str, more: &str) -> Answer {
        self.authorize_as("alice", client, more).await
    }

    /// The same as somebody else.
    pub async fn authorize_as(&mut self, username: &str, client: &str, more: &str) -> Answer {
        let address = self.authorization_request(client, more);
        let mut answer = self.visit(&address).await;
        for _ in 0..4 {
            if answer.status.is_redirection() || !answer.body.contains("<form") {
                break;
            }
            answer = self.next(username, &answer).await;
        }
        answer
    }

    /// Does what a page asks for.
    pub async fn next(&mut self, username: &str, page: &Answer) -> Answer {
        let found = forms(&page.body);
        if let Some(form) = found.iter().find(|form| form.action.ends_with("/password")) {
            let filled = form.clone().set("username", username).set("password", PASSWORD);
            return self.submit_and_follow(&filled).await;
        }
        if let Some(form) = found.iter().find(|form| form.action.ends_with("/consent")) {
            return self.submit_and_follow(&form.clone().set("decision", "allow")).await;
        }
        panic!("a page that asks for nothing known: {}", page.body);
    }
}

/// The forms of a page, with their hidden and filled fields.
pub fn forms(html: &str) -> Vec<Form> {
    html.split("<form")
        .skip(1)
        .map(|part| {
            let part = part.split("</form>").next().unwrap_or_default();
            let tag = part.split('>').next().unwrap_or_default();
            let fields = part.split("<input").skip(1).filter_map(|input| {
                let tag = input.split('>').next().unwrap_or_default();
                // What is not ticked is not sent.
                if tag.contains("type=\"checkbox\"") && !tag.contains(" checked") {
                    return None;
                }
                Some((attribute(tag, "name")?, attribute(tag, "value").unwrap_or_default()))
            });
            Form { action: attribute(tag, "action").unwrap_or_default(), fields: fields.collect() }
        })
        .collect()
}

/// An attribute of a tag, with its character references resolved.
pub fn attribute(tag: &str, name: &str) -> Option<String> {
    let rest = tag.split(&format!(" {name}=\"")).nth(1)?;
    let text = rest.split('"').next()?;
    let plain = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    Some(plain.iter().fold(text.to_owned(), |text, (reference, plain)| text.replace(reference, plain)))
}
