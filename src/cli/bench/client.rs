//! The load generator's side of HTTP/1.1: requests as bytes, connections that stay open, answers read as far as
//! it takes. No more than our own server needs, so that the load costs little.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::form_urlencoded;

use super::{REDIRECT_URI, SECRET, VERIFIER, failed};
use crate::cli::SetupError;

/// Longest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// Makes the requests to one tenant of one server.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    /// What goes into `Host`.
    pub(super) host: String,
    /// Where the tenant is.
    pub(super) base: String,
}

impl Requests {
    /// A GET below the tenant, with further header lines.
    pub(super) fn get(&self, target: &str, headers: &str) -> Vec<u8> {
        let Self { host, base } = self;
        format!("GET {base}{target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: chancery-bench\r\n{headers}\r\n")
            .into_bytes()
    }

    /// A form posted below the tenant.
    pub(super) fn post(&self, target: &str, headers: &str, form: &str) -> Vec<u8> {
        let (Self { host, base }, length) = (self, form.len());
        format!(
            "POST {base}{target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: chancery-bench\r\n{headers}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n{form}"
        )
        .into_bytes()
    }

    /// A form posted by a client that proves itself by HTTP Basic (RFC 6749 §2.3.1).
    pub(super) fn post_as(&self, client: &str, target: &str, fields: &[(&str, &str)]) -> Vec<u8> {
        let credentials = STANDARD.encode(format!("{client}:{SECRET}"));
        self.post(target, &format!("Authorization: Basic {credentials}\r\n"), &form(fields))
    }

    /// An authorization request of `client`, by a browser with these cookies.
    pub(super) fn authorize(&self, client: &str, cookies: &str) -> Vec<u8> {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
        let query = form(&[
            ("client_id", client),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT_URI),
            ("scope", "openid profile email offline_access"),
            ("state", "0d8fQ1Lq9sTtKf3vXy7RbA"),
            ("nonce", "n-0S6_WzA2MjVmYjM5OTg"),
            ("code_challenge", &URL_SAFE_NO_PAD.encode(digest)),
            ("code_challenge_method", "S256"),
        ]);
        let cookies = if cookies.is_empty() { String::new() } else { format!("Cookie: {cookies}\r\n") };
        self.get(&format!("/authorize?{query}"), &format!("Accept: text/html\r\n{cookies}"))
    }

    /// A code for tokens (RFC 6749 §4.1.3).
    pub(super) fn redeem(&self, client: &str, code: &str) -> Vec<u8> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT_URI),
            ("code_verifier", VERIFIER),
        ];
        self.post_as(client, "/token", &fields)
    }

    /// A refresh token for tokens (RFC 6749 §6).
    pub(super) fn refresh(&self, client: &str, token: &str) -> Vec<u8> {
        self.post_as(client, "/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    }

    /// Client credentials (RFC 6749 §4.4).
    pub(super) fn credentials(&self, client: &str) -> Vec<u8> {
        self.post_as(client, "/token", &[("grant_type", "client_credentials"), ("scope", "read")])
    }
}

/// Fields as a form.
pub(super) fn form(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    /// The status.
    pub(super) status: u16,
    /// Status line and headers.
    pub(super) head: &'a str,
    /// The body.
    pub(super) body: &'a str,
}

impl<'a> Answer<'a> {
    /// The values of a header.
    pub(super) fn headers(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(move |(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The code in the address that an authorization response leads to.
    pub(super) fn code(&self) -> Option<String> {
        let (_, query) = self.headers("location").next()?.split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(name, _)| name == "code").map(|(_, code)| code.into_owned())
    }

    /// A text of a JSON body, one without escapes: tokens have none.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let (_, rest) = self.body.split_once(&format!("\"{name}\":\""))?;
        rest.split('"').next().map(str::to_owned)
    }
}

/// A connection that stays open.
pub(super) struct Connection<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl Connection<TcpStream> {
    /// Connects.
    pub(super) async fn open(address: SocketAddr) -> Result<Self, SetupError> {
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(Self::over(stream))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// HTTP over a stream.
    pub(super) fn over(stream: S) -> Self {
        Self { stream, buffer: Vec::with_capacity(16 * 1024) }
    }

    /// Sends one request and reads its answer.
    pub(super) async fn ask(&mut self, request: &[u8]) -> Result<Answer<'_>, SetupError> {
        self.stream.write_all(request).await.map_err(failed)?;
        self.stream.flush().await.map_err(failed)?;
        self.buffer.clear();
        let (mut head, mut whole) = (0, usize::MAX);
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await.map_err(failed)? == 0 {
                return Err(failed("the server closed a connection"));
            }
            if head == 0 {
                let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
                head = end + 4;
                whole = head + self.body_length(head)?;
            }
        }
        let text = std::str::from_utf8(&self.buffer).map_err(failed)?;
        let (head, body) = text.split_at_checked(head).ok_or_else(|| failed("an answer is cut"))?;
        let status = head.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        Ok(Answer { status, head, body })
    }

    fn body_length(&self, head: usize) -> Result<usize, SetupError> {
        let head = std::str::from_utf8(self.buffer.get(..head).unwrap_or_default()).map_err(failed)?;
        if head.get(9..12) == Some("304") || head.get(9..12) == Some("204") {
            return Ok(0);
        }
        let answer = Answer { status: 0, head, body: "" };
        let length = answer.headers("content-length").next().and_then(|length| length.parse::<usize>().ok());
        length.filter(|length| *length <= MAX_ANSWER).ok_or_else(|| failed("an answer does not say how long it is"))
    }
}

/// Connects anew for every request, over TLS 1.3.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    /// Trusts one certificate; no session is resumed.
    pub(super) fn trusting(pem: &[u8]) -> Result<Self, SetupError> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(pem).map_err(failed)?).map_err(failed)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[&rustls::version::TLS13]);
        let mut config = builder.map_err(failed)?.with_root_certificates(roots).with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// A new connection. It ends by a reset, so that ports are free again at once.
    pub(super) async fn open(
        &self,
        address: SocketAddr,
    ) -> Result<Connection<tokio_rustls::client::TlsStream<TcpStream>>, SetupError> {
        let stream = TcpStream::connect(address).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        stream.set_zero_linger().map_err(failed)?;
        let name = ServerName::try_from("localhost").map_err(failed)?;
        Ok(Connection::over(self.0.connect(name, stream).await.map_err(failed)?))
    }
}
