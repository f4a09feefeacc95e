//! Makes the typed sections out of raw settings, with the rules that join several of them.
//!
//! Every setting of a section is read before the first `?`, so that no problem hides another.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use super::read::Reader;
use super::{
    Audit, ClientCertificates, Config, Database, Dev, Keys, Log, Mode, Outbound, Passwords, PublicUrl, Scheme, Server,
    Tls, TlsFiles, TlsVersion,
};
use crate::logging;
use crate::outbound::IpNet;

/// The least Argon2id memory in KiB times iterations: below the weakest of the
/// combinations that OWASP's Password Storage Cheat Sheet holds to be equal
/// (7168 KiB with 5 iterations).
const LEAST_PASSWORD_WORK: u64 = 7_168 * 5;

/// Everything, or `None` with all problems noted.
pub(super) fn config(reader: &mut Reader<'_>, mode: Mode) -> Option<Config> {
    let server = server(reader, mode);
    let tls = tls(reader);
    let database = database(reader);
    let keys = keys(reader);
    let outbound = outbound(reader);
    let passwords = passwords(reader);
    let log = log(reader);
    let audit = audit(reader);
    let dev = dev(reader, mode);
    Some(Config {
        server: server?,
        tls: tls?,
        database: database?,
        keys: keys?,
        outbound: outbound?,
        passwords: passwords?,
        log: log?,
        audit: audit?,
        dev: dev?,
    })
}

/// `[server]`
fn server(reader: &mut Reader<'_>, mode: Mode) -> Option<Server> {
    let public_url = reader.maybe("server.public_url");
    let listen = reader.value::<Address>("server.listen").map(|address| address.0);
    let admin_listen = reader.maybe::<Address>("server.admin_listen").map(|found| found.map(|address| address.0));
    let trusted_proxies = reader.list("server.trusted_proxies", network);
    let max_connections = reader.number("server.max_connections");
    let request_timeout = seconds(reader, "server.request_timeout_seconds");

    for (key, address) in [("server.listen", listen), ("server.admin_listen", admin_listen.flatten())] {
        if mode == Mode::Dev && address.is_some_and(|address| !address.ip().is_loopback()) {
            reader.refuse(
                key,
                "is not a loopback address, and --dev has sample users and operations for tests",
                "use 127.0.0.1, or start without --dev",
            );
        }
    }
    if let (Some(listen), Some(Some(admin))) = (listen, admin_listen)
        && listen == admin
        && listen.port() != 0
    {
        reader.refuse("server.admin_listen", "is the same as server.listen", "use another port, or remove it");
    }
    let public_url = public_url.and_then(|given| reachable(reader, given, listen, mode));
    Some(Server {
        public_url: public_url?,
        listen: listen?,
        admin_listen: admin_listen?,
        trusted_proxies: trusted_proxies?,
        max_connections: max_connections?,
        request_timeout: request_timeout?,
    })
}

/// The public URL as given, or as it follows from the address; it is left open while the port is.
fn reachable(
    reader: &mut Reader<'_>,
    given: Option<PublicUrl>,
    listen: Option<SocketAddr>,
    mode: Mode,
) -> Option<Option<PublicUrl>> {
    let scheme = if reader.is_set("tls.cert") { Scheme::Https } else { Scheme::Http };
    if let Some(url) = given {
        if scheme == Scheme::Https && !url.is_https() {
            reader.refuse(
                "server.public_url",
                "is http, but with tls.cert the server answers https only",
                "write https://",
            );
            return None;
        }
        return Some(Some(url));
    }
    let listen = listen?;
    if listen.ip().is_loopback() {
        return Some(PublicUrl::of_loopback(listen, scheme).ok());
    }
    // With --dev, the address itself has been refused.
    if mode == Mode::Serve {
        reader.refuse(
            "server.public_url",
            format!("is missing, and cannot be derived because server.listen is {listen}"),
            "set it to the address people use, such as https://id.example.com",
        );
    }
    None
}

/// `[tls]`
fn tls(reader: &mut Reader<'_>) -> Option<Tls> {
    let cert = reader.maybe_file("tls.cert");
    let key = reader.maybe_file("tls.key");
    let min_version = reader.choice("tls.min_version", &[("1.2", TlsVersion::Tls12), ("1.3", TlsVersion::Tls13)]);
    let words = [("off", ClientCertificates::Off), ("optional", ClientCertificates::Optional)];
    let client_certificates = reader.choice("tls.client_certificates", &words);

    match (reader.is_set("tls.cert"), reader.is_set("tls.key")) {
        (true, false) => reader.refuse("tls.key", "is missing beside tls.cert", "give both or neither"),
        (false, true) => reader.refuse("tls.cert", "is missing beside tls.key", "give both or neither"),
        (true, true) | (false, false) => {}
    }
    if client_certificates == Some(ClientCertificates::Optional) && !reader.is_set("tls.cert") {
        reader.refuse(
            "tls.client_certificates",
            "is optional, but without tls.cert the server has no TLS to ask in",
            "set tls.cert and tls.key, or turn it off and let the proxy ask",
        );
    }
    let files = cert?.zip(key?).map(|(cert, key)| TlsFiles { cert, key });
    Some(Tls { files, min_version: min_version?, client_certificates: client_certificates? })
}

/// `[database]`
fn database(reader: &mut Reader<'_>) -> Option<Database> {
    let url = reader.value("database.url");
    let max_connections = reader.number("database.max_connections");
    let migrate = reader.flag("database.migrate");
    Some(Database { url: url?, max_connections: max_connections?, migrate: migrate? })
}

/// `[keys]`
fn keys(reader: &mut Reader<'_>) -> Option<Keys> {
    Some(Keys { master_key_file: reader.path("keys.master_key_file")? })
}

/// `[outbound]`
fn outbound(reader: &mut Reader<'_>) -> Option<Outbound> {
    let extra_ca = reader.files("outbound.extra_ca");
    let allow_networks = reader.list("outbound.allow_networks", network);
    let timeout = seconds(reader, "outbound.timeout_seconds");
    let max_bytes = reader.number("outbound.max_bytes");
    Some(Outbound { extra_ca: extra_ca?, allow_networks: allow_networks?, timeout: timeout?, max_bytes: max_bytes? })
}

/// `[passwords]`
fn passwords(reader: &mut Reader<'_>) -> Option<Passwords> {
    let workers = reader.number("passwords.workers");
    let memory_kib = reader.number::<u32>("passwords.memory_kib");
    let iterations = reader.number::<u32>("passwords.iterations");
    let parallelism = reader.number("passwords.parallelism");
    let max_wait = seconds(reader, "passwords.max_wait_seconds");

    if let (Some(memory), Some(iterations)) = (memory_kib, iterations)
        && u64::from(memory) * u64::from(iterations) < LEAST_PASSWORD_WORK
    {
        reader.refuse(
            "passwords.iterations",
            format!("is {iterations}, too few for {memory} KiB: a stolen hash would be cheap to guess"),
            format!("use {} or more, or more memory", LEAST_PASSWORD_WORK.div_ceil(u64::from(memory))),
        );
    }
    Some(Passwords {
        workers: workers?,
        memory_kib: memory_kib?,
        iterations: iterations?,
        parallelism: parallelism?,
        max_wait: max_wait?,
    })
}

/// `[log]`
fn log(reader: &mut Reader<'_>) -> Option<Log> {
    let words = [("auto", logging::Format::Auto), ("pretty", logging::Format::Pretty), ("json", logging::Format::Json)];
    let format = reader.choice("log.format", &words);
    let level = reader.value::<Level>("log.level").map(|level| level.0);
    Some(Log { format: format?, level: level? })
}

/// `[audit]`
fn audit(reader: &mut Reader<'_>) -> Option<Audit> {
    let seal_interval = reader.number("audit.seal_interval_milliseconds").map(Duration::from_millis);
    Some(Audit { seal_interval: seal_interval? })
}

/// `[dev]`
fn dev(reader: &mut Reader<'_>, mode: Mode) -> Option<Dev> {
    let hooks = reader.flag("dev.hooks")?;
    if hooks && mode == Mode::Serve {
        reader.refuse(
            "dev.hooks",
            "is true, but operations for tests exist with --dev only",
            "remove it, or start with --dev",
        );
    }
    Some(Dev { enabled: mode == Mode::Dev, hooks })
}

/// A duration in whole seconds.
fn seconds(reader: &mut Reader<'_>, key: &'static str) -> Option<Duration> {
    reader.number(key).map(Duration::from_secs)
}

/// A network; a single address is a network of one.
fn network(text: &str) -> Result<IpNet, String> {
    let single = match text.parse() {
        Ok(std::net::IpAddr::V4(address)) => format!("{address}/32"),
        Ok(std::net::IpAddr::V6(address)) => format!("{address}/128"),
        Err(_) => text.to_owned(),
    };
    IpNet::from_str(&single).map_err(|error| format!("is {error}"))
}

/// A socket address, or `localhost` with a port, which is 127.0.0.1.
struct Address(SocketAddr);

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let port = text.strip_prefix("localhost:").and_then(|port| port.parse().ok());
        port.map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
            .or_else(|| text.parse().ok())
            .map(Self)
            .ok_or("is not an address with a port")
    }
}

/// A log level that the log understands.
struct Level(String);

impl FromStr for Level {
    type Err = logging::LogError;

    fn from_str(text: &str) -> Result<Self, logging::LogError> {
        logging::check_level(text)?;
        Ok(Self(text.to_owned()))
    }
}
