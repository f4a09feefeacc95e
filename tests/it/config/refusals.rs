//! What settings refuse: each wrong value alone, many at once, and unknown keys.

use chancery::config::{Flag, Problem, load};

use super::{good, problems, with_environment, with_file};

#[test]
fn every_wrong_value_is_named_with_its_source_and_a_way_out() {
    // Each row spoils one setting of a server that would start.
    for (variable, value, key, problem, hint) in [
        ("SERVER__LISTEN", "8080", "server.listen", "\"8080\" is not an address", "such as `127.0.0.1:8080`"),
        ("SERVER__LISTEN", "", "server.listen", "is empty", "remove it"),
        ("SERVER__LISTEN", "0.0.0.0:80", "server.public_url", "is missing", "https://"),
        ("SERVER__ADMIN_LISTEN", "127.0.0.1:8080", "server.admin_listen", "same as server.listen", "another port"),
        ("SERVER__PUBLIC_URL", "http://id.example.com", "server.public_url", "not loopback", "https origin"),
        (
            "SERVER__TRUSTED_PROXIES",
            "10.0.0.0/8,me",
            "server.trusted_proxies",
            "\"me\" is not an IP network",
            "10.0.0.0/8",
        ),
        ("SERVER__MAX_CONNECTIONS", "0", "server.max_connections", "0", "from 1 to 1000000"),
        ("SERVER__MAX_CONNECTIONS", "1000001", "server.max_connections", "1000001", "from 1 to 1000000"),
        ("SERVER__REQUEST_TIMEOUT_SECONDS", "-1", "server.request_timeout_seconds", "-1", "1 to 300"),
        ("TLS__MIN_VERSION", "1.1", "tls.min_version", "\"1.1\"", "`1.2` or `1.3`"),
        ("TLS__CLIENT_CERTIFICATES", "optional", "tls.client_certificates", "without tls.cert", "tls.key"),
        ("TLS__CERT", "/dev/null", "tls.key", "missing beside tls.cert", "both or neither"),
        ("TLS__KEY", "/dev/null", "tls.cert", "missing beside tls.key", "both or neither"),
        ("DATABASE__URL", "mysql://root:hunter2@db/x", "database.url", "does not begin with", "sqlite://"),
        ("DATABASE__URL", "sqlite://", "database.url", "names no file", "sqlite://"),
        ("DATABASE__MIGRATE", "yes", "database.migrate", "neither true nor false", "true"),
        ("KEYS__MASTER_KEY_FILE", "", "keys.master_key_file", "is empty", "remove it"),
        ("OUTBOUND__EXTRA_CA", "/nonexistent/ca.pem", "outbound.extra_ca", "cannot be read", "PEM"),
        ("OUTBOUND__EXTRA_CA", "/", "outbound.extra_ca", "is a directory", "PEM"),
        ("PASSWORDS__MEMORY_KIB", "7168", "passwords.iterations", "too few for 7168 KiB", "use 5 or more"),
        ("PASSWORDS__ITERATIONS", "1", "passwords.iterations", "too few for 19456 KiB", "use 2 or more"),
        ("LOG__LEVEL", "inof", "log.level", "`inof` is neither", "debug"),
        ("LOG__LEVEL", "warn,chancery=loud", "log.level", "chancery=loud", "debug"),
        ("LOG__FORMAT", "yaml", "log.format", "\"yaml\"", "`json`"),
        ("DEV__HOOKS", "true", "dev.hooks", "--dev", "start with --dev"),
        (
            "SERVER__LISTENS",
            "x",
            "server.listens",
            "is not a setting",
            "did you mean `server.listen`, CHANCERY_SERVER__LISTEN?",
        ),
        ("ISSUER__URL", "x", "issuer.url", "is not a setting", "the sections are server, tls,"),
    ] {
        let found = problems(&with_environment(&[(&format!("CHANCERY_{variable}"), value)]));
        assert_eq!(found.len(), 1, "{variable}={value}: {found:?}");
        let one = &found[0];
        assert_eq!(one.key.as_deref(), Some(key), "{variable}={value}");
        assert!(one.problem.contains(problem), "{variable}={value}: {one}");
        assert!(one.hint.contains(hint), "{variable}={value}: {one}");
        assert!(!one.to_string().contains("hunter2"), "{one}");
    }
}

#[test]
fn values_at_their_bounds_are_taken() {
    for (variable, value) in [
        ("SERVER__MAX_CONNECTIONS", "1"),
        ("SERVER__MAX_CONNECTIONS", "1000000"),
        ("SERVER__TRUSTED_PROXIES", " 10.0.0.0/8, ::1/128 ,192.0.2.1"),
        ("SERVER__ADMIN_LISTEN", ""),
        ("PASSWORDS__MEMORY_KIB", "17920"),
        ("LOG__LEVEL", "off"),
        ("LOG__LEVEL", "warn,chancery=debug"),
        ("DATABASE__MIGRATE", "false"),
    ] {
        good(&with_environment(&[(&format!("CHANCERY_{variable}"), value)]));
    }
}

#[test]
fn all_problems_are_told_at_once() {
    let mut sources = with_file(
        "all_at_once",
        "public_url = \"https://a.example\"\n[server]\nlisten = 8080\nmax_connections = \"many\"\n[sever]\n[log]\nlevel = 3.5\nformat = \"xml\"\n",
    );
    sources.flags = vec![Flag { name: "--pass", key: "passwords.workers", value: "257".into() }];
    let error = load(&sources).unwrap_err();
    let told: Vec<String> = error.problems.iter().map(Problem::to_string).collect();
    let expected = [
        "public_url (file server.toml, line 1): is not a setting\n    did you mean `server.public_url`?",
        "sever (file server.toml, line 5): is not a setting\n    remove it; the sections are",
        "server.listen (file server.toml, line 3): 8080 is not a text",
        "server.max_connections (file server.toml, line 4): \"many\" is not a whole number",
        "passwords.workers (flag --pass): \"257\" is not a whole number within the bounds",
        "log.format (file server.toml, line 8): \"xml\" is not one of its values",
        "log.level (file server.toml, line 7): (float) is not a text",
    ];
    assert_eq!(told.len(), expected.len(), "{error}");
    for (told, expected) in told.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told}\n  instead of\n{expected}");
    }
    assert!(error.to_string().starts_with("the settings have 7 problems:"));
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    for (text, key, hint) in [
        ("[server]\npublic_uri = \"x\"", "server.public_uri", "did you mean `server.public_url`?"),
        ("[database]\nuri = \"x\"", "database.uri", "did you mean `database.url`?"),
        ("[logs]\nlevel = \"info\"", "logs.level", "did you mean `log.level`?"),
        ("[server]\nmigrate = true", "server.migrate", "did you mean `database.migrate`?"),
        ("[dev]\nenabled = true", "dev.enabled", "`dev` has hooks"),
        ("[log.level]\nchancery = \"debug\"", "log.level.chancery", "`log` has format, level"),
        ("server = 5", "server", "`[server]` on a line of its own"),
        ("[[tls]]\ncert = \"x\"", "tls", "`[tls]` on a line of its own"),
    ] {
        let found = problems(&with_file("unknown", text));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].key.as_deref(), Some(key));
        assert!(found[0].hint.contains(hint), "{text}: {}", found[0]);
    }
}
