//! Addresses: the database, the public URL and what follows from it, TLS, and `--dev`.

use std::path::Path;

use chancery::config::{DatabaseUrl, Flag, Mode, Origin, PublicUrl, Sources};

use super::{bare, good, listen_flag, problems, with_file, write};

#[test]
fn a_database_url_never_shows_its_password() {
    for (text, shown) in [
        ("postgres://u:hunter2@h/d", "postgres://u:[secret]@h/d"),
        ("postgresql://u:hunter2@[::1]:5432/d", "postgresql://u:[secret]@[::1]:5432/d"),
        ("postgres://:hunter2@h/d", "postgres://:[secret]@h/d"),
        ("postgres://u:a@hunter2@h/d", "postgres://u:[secret]@h/d"),
        (
            "postgres:///d?host=/run/pg&password=hunter2&hunter2",
            "postgres:///d?host=/run/pg&password=[secret]&[secret]",
        ),
        ("postgres://u@h/d?options=hunter2", "postgres://u@h/d?options=[secret]"),
        ("sqlite:///var/lib/c.db?mode=rwc&key=hunter2", "sqlite:///var/lib/c.db?mode=rwc&key=[secret]"),
    ] {
        let url: DatabaseUrl = text.parse().unwrap();
        assert_eq!(url.to_string(), shown);
        assert_eq!(url.expose(), text);
        assert!(!format!("{url:?}").contains("hunter2"));
    }
    // An unencoded '/', '?' or '#' would put a part of the password elsewhere.
    for text in [
        "postgres://u:1/hunter2@h/d",
        "postgres://u:1?hunter2@h/d",
        "postgres://u:1#hunter2@h/d",
        "postgres://u:x/hunter2@h/d",
        "sqlite:x.db",
        // Every connection would have a database of its own.
        "sqlite::memory:",
        "sqlite://:memory:",
        "sqlite://x?mode=memory",
    ] {
        assert!(text.parse::<DatabaseUrl>().is_err(), "{text}");
    }
    let file = |text: &str| text.parse::<DatabaseUrl>().unwrap().sqlite_file();
    assert_eq!(file("sqlite:///var/a%20b.db?mode=rwc").unwrap(), Path::new("/var/a b.db"));
    assert_eq!(file("postgres://h/d"), None);
}

#[test]
fn a_public_url_is_an_origin_and_http_is_for_loopback_only() {
    for (text, origin, host, port) in [
        ("https://id.example.com", "https://id.example.com", "id.example.com", 443),
        ("https://id.example.com/", "https://id.example.com", "id.example.com", 443),
        ("https://ID.Example.COM:443", "https://id.example.com", "id.example.com", 443),
        ("https://id.example.com:8443", "https://id.example.com:8443", "id.example.com", 8443),
        ("https://bücher.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example", 443),
        ("http://localhost:8080", "http://localhost:8080", "localhost", 8080),
        ("http://acme.localhost", "http://acme.localhost", "acme.localhost", 80),
        ("http://127.9.9.9:1", "http://127.9.9.9:1", "127.9.9.9", 1),
        ("http://[::1]:8080", "http://[::1]:8080", "[::1]", 8080),
    ] {
        let url: PublicUrl = text.parse().unwrap();
        assert_eq!((url.origin(), url.host(), url.port()), (origin, host, port));
        assert_eq!(url.is_https(), text.starts_with("https"));
    }
    for text in [
        "",
        "id.example.com",
        "https://",
        "https:id.example.com",
        "https:///id.example.com",
        "ftp://id.example.com",
        "http://id.example.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://notlocalhost",
        "http://localhost.example.com",
        "http://128.0.0.1",
        "https://id.example.com/t",
        "https://id.example.com//",
        "https://id.example.com?",
        "https://id.example.com#",
        "https://me@id.example.com",
        "https://@id.example.com",
        "https://id.example.com\\t",
        " https://id.example.com",
        "https://id.example.com ",
        "https://id.exa\tmple.com",
        "https://*.example.com",
        "https://id.example.com:0",
        "https://id.example.com.",
        "https://id.example.com:65536",
    ] {
        assert!(text.parse::<PublicUrl>().is_err(), "{text:?}");
    }
}

#[test]
fn a_missing_public_url_follows_the_address() {
    for (listen, url) in [
        ("127.0.0.1:9", Some("http://localhost:9")),
        ("[::1]:9", Some("http://localhost:9")),
        ("127.0.0.2:9", Some("http://127.0.0.2:9")),
        ("127.0.0.1:80", Some("http://localhost")),
        ("127.0.0.1:0", None),
    ] {
        let mut loaded = good(&Sources { flags: vec![listen_flag(listen)], ..bare() });
        assert_eq!(loaded.config.server.public_url.as_ref().map(PublicUrl::origin), url, "{listen}");
        assert_eq!(loaded.origins["server.public_url"], Origin::Derived { from: "server.listen" });
        let settled = loaded.config.settle_public_url("127.0.0.1:4321".parse().unwrap()).unwrap();
        assert_eq!(settled.origin(), url.unwrap_or("http://localhost:4321"));
        assert_eq!(loaded.config.server.public_url, Some(settled));
    }
    let mut open = good(&Sources { flags: vec![listen_flag("127.0.0.1:0")], ..bare() }).config;
    assert!(open.settle_public_url("192.0.2.1:80".parse().unwrap()).is_err());
}

#[test]
fn with_a_certificate_everything_is_https() {
    let text = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\"\nclient_certificates = \"optional\"\n";
    let mut sources = with_file("tls", text);
    assert_eq!(problems(&sources).len(), 2, "neither file is there");
    for name in ["cert.pem", "key.pem"] {
        write(&sources.working_directory, name, "");
    }
    let config = good(&sources).config;
    assert_eq!(config.server.public_url.unwrap().origin(), "https://localhost:8080");
    assert_eq!(config.tls.files.unwrap().key, sources.working_directory.join("key.pem"));
    sources.environment = vec![("CHANCERY_SERVER__PUBLIC_URL".into(), "http://localhost:8080".into())];
    assert!(problems(&sources)[0].problem.contains("answers https only"));
}

#[test]
fn dev_listens_on_loopback_only_and_may_have_hooks() {
    let hooks = ("CHANCERY_DEV__HOOKS".to_owned(), "true".to_owned());
    let dev = Sources { mode: Mode::Dev, environment: vec![hooks], ..bare() };
    let config = good(&dev).config;
    assert!(config.dev.enabled && config.dev.hooks);
    for (key, address) in
        [("server.listen", "0.0.0.0:8080"), ("server.listen", "[::]:0"), ("server.admin_listen", "192.0.2.1:1")]
    {
        let flags = vec![Flag { name: "--x", key, value: address.to_owned() }];
        let found = problems(&Sources { flags, ..dev.clone() });
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].key.as_deref(), Some(key));
        assert!(found[0].problem.contains("loopback"), "{}", found[0]);
    }
}
