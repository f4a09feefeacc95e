//! The one door for outbound requests: key sets, request objects, logout notices, upstream documents.
//! Guarded against server-side request forgery (RFC 8725 §2.9, RFC 9101 §10.4.1): a name is resolved once,
//! by our resolver, and only addresses that passed reach the connector.
//!
//! Stricter: redirects are not followed; proxies of the environment are ignored.
//! Choice: `http` is spoken only to networks the operator listed.

use std::{
    collections::HashMap,
    error::Error,
    io,
    iter::successors,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs},
    str::FromStr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use reqwest::{
    Certificate, Client, ClientBuilder, RequestBuilder, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{ACCEPT, AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap},
    redirect,
};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use url::{Host, Url};

/// Requests under way, over all hosts: bounds sockets, and memory to this × `max_bytes`.
const MAX_CONCURRENT: usize = 64;
/// Requests under way to one host: a slow one must not take every place.
const MAX_CONCURRENT_PER_HOST: usize = 8;
/// Name look-ups at once: each may keep a blocking thread (of 512) long after its request gave up.
const MAX_LOOKUPS: usize = 32;
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;
/// Idle connections kept per host: logout notices come in bursts.
const MAX_IDLE_PER_HOST: usize = 2;
/// How long an idle connection, and so its once judged address, stays in use.
const IDLE_CONNECTION: Duration = Duration::from_secs(15);
/// Bytes of answer headers under HTTP/2. The client library bounds HTTP/1.1 (about 400 KiB).
const MAX_HEADER_BYTES: u32 = 32 * 1024;
/// Bytes a peer may send ahead of our reading under HTTP/2.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;

/// The media type asked for (RFC 8259 §11).
const JSON: &str = "application/json";

/// What the operator decides about outbound requests.
#[derive(Clone, Debug)]
pub struct OutboundSettings {
    /// Certificates trusted besides the system's, each a PEM text with one or more.
    pub extra_ca: Vec<Vec<u8>>,
    /// Networks that may be reached although they are not public, and by plain `http` too.
    pub allow_networks: Vec<IpNet>,
    /// Time for a whole request, waiting for a place and the name look-up included.
    pub timeout: Duration,
    /// Most bytes of an answer's body, whatever a caller asks for.
    pub max_bytes: usize,
}

/// A network in CIDR notation, IPv4 (RFC 4632 §3.1) or IPv6 (RFC 4291 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNet {
    network: IpAddr,
    prefix: u32,
}

/// Why a text is not an [`IpNet`]: a hint for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an IP network: {0}")]
pub struct IpNetError(&'static str);

impl IpNet {
    /// Whether the address lies inside. An IPv4-mapped one counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same_bits = match (self.network, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => (net.to_bits() ^ ip.to_bits()).leading_zeros(),
            (IpAddr::V6(net), IpAddr::V6(ip)) => (net.to_bits() ^ ip.to_bits()).leading_zeros(),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
        };
        same_bits >= self.prefix
    }
}

impl FromStr for IpNet {
    type Err = IpNetError;

    fn from_str(text: &str) -> Result<Self, IpNetError> {
        let shape = IpNetError("write it as 10.0.0.0/8 or fd00::/8");
        let (address, prefix) = text.split_once('/').ok_or(shape)?;
        let network: IpAddr = address.parse().map_err(|_| shape)?;
        let prefix: u32 = prefix.parse().map_err(|_| shape)?;
        let (bits, unset) = match network {
            IpAddr::V4(ip) => (32, ip.to_bits().trailing_zeros()),
            IpAddr::V6(ip) => (128, ip.to_bits().trailing_zeros()),
        };
        if prefix > bits {
            return Err(IpNetError("the prefix is at most 32, for IPv6 128"));
        }
        if bits - unset > prefix {
            return Err(IpNetError("the address has bits set behind its prefix"));
        }
        if network.to_canonical() != network {
            return Err(IpNetError("write IPv4-mapped networks as IPv4"));
        }
        Ok(Self { network, prefix })
    }
}

/// Whether an address is global unicast and not set aside by the IANA registries (RFC 6890).
///
/// IPv4-mapped and NAT64 addresses are judged by the IPv4 address they are delivered to.
/// Stricter: 6to4, Teredo, ISATAP and IPv4-compatible ones are refused whatever they carry.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    match ip.octets() {
        // This network, loopback (RFC 1122 §3.2.1.3), private (RFC 1918).
        [0 | 10 | 127, ..] | [172, 16..=31, ..] | [192, 168, ..] => false,
        // Carrier-grade NAT (RFC 6598), link-local with cloud metadata (RFC 3927).
        [100, 64..=127, ..] | [169, 254, ..] => false,
        // IETF protocols (RFC 6890), 6to4 relays (RFC 7526), benchmarking (RFC 2544).
        [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] => false,
        // Documentation (RFC 5737).
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => false,
        // Multicast (RFC 5771), reserved and broadcast (RFC 1112 §4); the rest is public.
        [first, ..] => first < 224,
    }
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // IPv4-mapped (RFC 4291 §2.5.5.2), NAT64's well-known prefix (RFC 6052 §2.1).
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            is_public_v4(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        // IETF protocols with Teredo, ORCHID, benchmarking (RFC 2928); 6to4 (RFC 3056).
        [0x2001, 0..=0x1ff, ..] | [0x2002, ..] => false,
        // Documentation (RFC 3849, RFC 9637); ISATAP (RFC 5214 §6.1).
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => false,
        // Only 2000::/3 is global unicast (RFC 4291 §2.4). Loopback, compatible, local NAT64,
        // ULA, link-local, site-local and multicast lie outside.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Why nothing was fetched. `Display` is for our log, [`FetchError::public`] for the peer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL's own text is refused; the sentence says why.
    #[error("outbound request refused: {0}")]
    Url(&'static str),
    /// The host has no address that may be reached.
    #[error("outbound request refused")]
    Address(#[from] Refused),
    /// No place became free in time.
    #[error("too many outbound requests, to this host or in all")]
    Busy,
    /// The time for the whole request is over.
    #[error("outbound request took too long")]
    Timeout,
    /// The body is longer than this many bytes.
    #[error("outbound answer is longer than {0} bytes")]
    TooLarge(usize),
    /// Name look-up, connection, TLS or HTTP failed.
    #[error("outbound request failed")]
    Transport(#[source] reqwest::Error),
    /// The answer has another status than 200.
    #[error("outbound answer has status {0}")]
    Status(StatusCode),
    /// The body is not the JSON that was expected.
    #[error("outbound answer is not the expected JSON")]
    NotJson,
}

impl FetchError {
    /// One sentence for the peer who named the URL. Only what its text shows is told apart:
    /// refused, closed, slow and wrong sound alike, or we would be a port scanner.
    pub fn public(&self) -> &'static str {
        let Self::Url(sentence) = self else {
            return "The URL could not be fetched.";
        };
        sentence
    }

    fn transport(error: reqwest::Error) -> Self {
        let mut causes = successors(Some(&error as &(dyn Error + 'static)), |&cause| cause.source());
        match causes.find_map(|cause| cause.downcast_ref::<Refused>()) {
            Some(refused) => Self::Address(refused.clone()),
            None if error.is_timeout() => Self::Timeout,
            None => Self::Transport(error.without_url()), // a query may hold a secret
        }
    }
}

/// A host none of whose addresses may be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} has no address that may be reached")]
pub struct Refused(String);

/// Why a [`Fetcher`] cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// An entry of `extra_ca`, counted from 1.
    #[error("extra CA {0} is not a PEM text with certificates")]
    ExtraCa(usize),
    /// The HTTP client refuses its settings or the extra certificates.
    #[error("the outbound HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// An answer of whatever status; redirects are not followed, so they are answers too.
#[derive(Debug)]
pub struct Fetched {
    /// The HTTP status.
    pub status: StatusCode,
    /// The Content-Type as sent, with its parameters.
    pub content_type: Option<String>,
    /// The body as sent.
    pub body: Vec<u8>,
    /// How long it stays fresh (RFC 9111 §4.2): zero if it must not be kept, None if not said.
    pub max_age: Option<Duration>,
}

impl Fetched {
    /// The body read as JSON. The Content-Type is not looked at: many serve JWKS as text.
    ///
    /// # Errors
    /// [`FetchError::Status`] if the status is not 200, [`FetchError::NotJson`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, FetchError> {
        if self.status != StatusCode::OK {
            return Err(FetchError::Status(self.status));
        }
        // serde's error would quote the body.
        serde_json::from_slice(&self.body).map_err(|_| FetchError::NotJson)
    }
}

/// All addresses of a host name. May block: it is called on a thread for that.
pub type Lookup = Arc<dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync>;

/// Where a client may connect to, and the resolver that holds it to that.
#[derive(Clone)]
struct Reach {
    networks: Arc<[IpNet]>,
    public: bool,
    lookup: Lookup,
    places: Arc<Semaphore>,
}

impl Reach {
    fn admits(&self, address: IpAddr) -> bool {
        (self.public && is_public(address)) || self.networks.iter().any(|net| net.contains(address))
    }

    /// The addresses to try. Over `http` (not `public`) all must be admitted, or none is.
    fn choose(&self, host: String, found: Vec<IpAddr>) -> Result<Addrs, Refused> {
        let (mut admitted, refused): (Vec<_>, Vec<_>) = found.into_iter().partition(|ip| self.admits(*ip));
        if admitted.is_empty() || !(self.public || refused.is_empty()) {
            return Err(Refused(host));
        }
        admitted.truncate(MAX_ADDRESSES);
        // Port 0: the connector puts in the URL's.
        Ok(Box::new(admitted.into_iter().map(|ip| SocketAddr::new(ip, 0))))
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, host) = (self.clone(), name.as_str().to_owned());
        Box::pin(async move {
            let place = Arc::clone(&reach.places).acquire_owned().await?;
            let lookup = tokio::task::spawn_blocking(move || {
                let _place = place; // kept by the thread, whoever still waits for it
                let found = (reach.lookup)(&host)?;
                Ok::<_, Box<dyn Error + Send + Sync>>(reach.choose(host, found)?)
            });
            lookup.await?
        })
    }
}

type Answer = Result<Fetched, FetchError>;

/// Makes every outbound request of the server.
pub struct Fetcher {
    https: (Client, Reach),
    http: (Client, Reach),
    timeout: Duration,
    max_bytes: usize,
    places: Semaphore,
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Fetcher {
    /// A fetcher that asks the operating system for names.
    ///
    /// # Errors
    /// [`OutboundError`]. Without system certificates, only warned of, `https` trusts `extra_ca` alone.
    pub fn new(settings: &OutboundSettings) -> Result<Self, OutboundError> {
        let lookup = |host: &str| Ok((host, 0).to_socket_addrs()?.map(|found| found.ip()).collect());
        Self::with_lookup(settings, Arc::new(lookup))
    }

    /// A fetcher with another name look-up. Errors as [`Fetcher::new`].
    pub fn with_lookup(settings: &OutboundSettings, lookup: Lookup) -> Result<Self, OutboundError> {
        crate::tls::install_provider();
        let places = Arc::new(Semaphore::new(MAX_LOOKUPS));
        let networks = settings.allow_networks.as_slice().into();
        let narrow = Reach { networks, public: false, lookup, places };
        let mut wide = narrow.clone();
        wide.public = true;
        let client = |reach: &Reach| guarded(reach, settings.timeout);
        let anchors = anchors(&settings.extra_ca)?;
        let https = client(&wide).tls_certs_merge(anchors.clone()).build();
        let https = https.or_else(|error| {
            tracing::warn!(%error, "no system certificates: outbound https trusts extra CAs only");
            client(&wide).tls_certs_only(anchors).build()
        });
        let http = client(&narrow).tls_certs_only([]).build();
        Ok(Self {
            https: (https.map_err(OutboundError::Client)?, wide),
            http: (http.map_err(OutboundError::Client)?, narrow),
            timeout: settings.timeout,
            max_bytes: settings.max_bytes,
            places: Semaphore::new(MAX_CONCURRENT),
            hosts: Mutex::default(),
        })
    }

    /// What can be said of a URL by its text, when it is saved; fetching may still refuse it.
    ///
    /// # Errors
    /// [`FetchError::Url`] and [`FetchError::Address`].
    pub fn check(&self, url: &Url) -> Result<(), FetchError> {
        self.client(url).map(|_| ())
    }

    /// GET of a JSON document, with at most `limit` bytes of body.
    ///
    /// # Errors
    /// Any [`FetchError`] but `Status` and `NotJson`: see [`Fetched::json`].
    pub async fn get_json(&self, url: &Url, limit: usize) -> Answer {
        let request = self.client(url)?.get(url.clone()).header(ACCEPT, JSON);
        self.exchange(url, request, limit).await
    }

    /// POST of a form (`application/x-www-form-urlencoded`). Limit and errors as [`Fetcher::get_json`].
    pub async fn post_form(&self, url: &Url, form: &[(&str, &str)], limit: usize) -> Answer {
        let request = self.client(url)?.post(url.clone()).form(form);
        self.exchange(url, request, limit).await
    }

    /// As [`Fetcher::post_form`], by a client with HTTP Basic credentials (name, password).
    pub async fn post_form_as(&self, url: &Url, form: &[(&str, &str)], by: (&str, &str), limit: usize) -> Answer {
        let request = self.client(url)?.post(url.clone()).form(form);
        let request = request.basic_auth(by.0, Some(by.1));
        self.exchange(url, request, limit).await
    }

    /// The client for a URL's scheme, if the URL's text is acceptable.
    fn client(&self, url: &Url) -> Result<&Client, FetchError> {
        let (client, reach) = match url.scheme() {
            "https" => &self.https,
            "http" if !self.http.1.networks.is_empty() => &self.http,
            _ => return Err(FetchError::Url("The URL must use https.")),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(FetchError::Url("The URL must not contain a user name."));
        }
        let Some(host) = url.host().filter(|_| url.port() != Some(0)) else {
            return Err(FetchError::Url("The URL must have a host, and no port 0."));
        };
        // Literal addresses never come to the resolver. Octal, decimal, hexadecimal and short
        // spellings are plain ones by now: the URL parser saw to that.
        let admitted = match host {
            Host::Ipv4(ip) => reach.admits(ip.into()),
            Host::Ipv6(ip) => reach.admits(ip.into()),
            // Loopback by definition (RFC 6761 §6.3).
            Host::Domain(name) if name.trim_end_matches('.').rsplit('.').next() == Some("localhost") => {
                reach.admits(Ipv4Addr::LOCALHOST.into()) || reach.admits(Ipv6Addr::LOCALHOST.into())
            }
            Host::Domain(_) => true,
        };
        if !admitted {
            return Err(Refused(host.to_string()).into());
        }
        Ok(client)
    }

    async fn exchange(&self, url: &Url, request: RequestBuilder, limit: usize) -> Answer {
        let limit = limit.min(self.max_bytes);
        let deadline = Instant::now() + self.timeout;
        // First the host's place: who waits for a slow host must not hold a common one.
        let host = self.host_places(url.host_str().unwrap_or_default());
        let places = async { (host.acquire().await, self.places.acquire().await) };
        let _places = timeout_at(deadline, places).await.map_err(|_| FetchError::Busy)?;
        let exchange = async { read(request.send().await.map_err(FetchError::transport)?, limit).await };
        timeout_at(deadline, exchange).await.unwrap_or(Err(FetchError::Timeout))
    }

    fn host_places(&self, host: &str) -> Arc<Semaphore> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = hosts.get(host).and_then(Weak::upgrade) {
            return places;
        }
        hosts.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Semaphore::new(MAX_CONCURRENT_PER_HOST));
        hosts.insert(host.to_owned(), Arc::downgrade(&places));
        places
    }
}

fn guarded(reach: &Reach, timeout: Duration) -> ClientBuilder {
    Client::builder()
        .dns_resolver(reach.clone())
        .https_only(reach.public)
        .user_agent("chancery")
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        // Shared by a name's addresses: a dead one leaves room for the next.
        .connect_timeout(timeout)
        .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
        .pool_idle_timeout(IDLE_CONNECTION)
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .http2_initial_stream_window_size(STREAM_WINDOW_BYTES)
}

fn anchors(extra_ca: &[Vec<u8>]) -> Result<Vec<Certificate>, OutboundError> {
    let mut anchors = Vec::new();
    for (index, pem) in extra_ca.iter().enumerate() {
        match Certificate::from_pem_bundle(pem) {
            Ok(found) if !found.is_empty() => anchors.extend(found),
            Ok(_) | Err(_) => return Err(OutboundError::ExtraCa(index + 1)),
        }
    }
    Ok(anchors)
}

async fn read(mut response: Response, limit: usize) -> Answer {
    let content_type = response.headers().get(CONTENT_TYPE);
    let mut fetched = Fetched {
        status: response.status(),
        content_type: content_type.and_then(|value| Some(value.to_str().ok()?.to_owned())),
        max_age: max_age(response.headers()),
        body: Vec::new(),
    };
    while let Some(chunk) = response.chunk().await.map_err(FetchError::transport)? {
        if fetched.body.len() + chunk.len() > limit {
            return Err(FetchError::TooLarge(limit));
        }
        fetched.body.extend_from_slice(&chunk);
    }
    Ok(fetched)
}

/// Freshness by Cache-Control less Age (RFC 9111 §4.2.1, §5.1); of several the shortest.
/// What is not a number of 32 bits counts as stale.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let texts = |name| headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let mut fresh: Option<u32> = None;
    for directive in texts(CACHE_CONTROL).flat_map(|field| field.split(',')) {
        let directive = directive.trim().to_ascii_lowercase();
        let seconds = match directive.split_once('=') {
            Some(("max-age", seconds)) => seconds.trim_matches('"').parse().unwrap_or(0),
            None if directive == "no-store" || directive == "no-cache" => 0,
            Some(_) | None => continue,
        };
        fresh = Some(fresh.map_or(seconds, |known| known.min(seconds)));
    }
    let age = texts(AGE).next().and_then(|age| age.parse().ok()).unwrap_or(0);
    fresh.map(|fresh| Duration::from_secs(fresh.saturating_sub(age).into()))
}
