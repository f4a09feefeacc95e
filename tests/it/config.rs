//! Settings: layers and origins, the checks, secrets by file, and the reference in `docs/configuration.md`.

mod addresses;
mod doctor;
mod log_lines;
mod reference;
mod refusals;

use std::fs;
use std::path::{Path, PathBuf};

use chancery::config::{
    ClientCertificates, Config, Engine, Flag, Loaded, Mode, Origin, Problem, Sources, TlsVersion, load, reference,
};

/// A directory of its own for one test, empty at first.
fn directory(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("config").join(test);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).unwrap();
    path
}

fn write(directory: &Path, name: &str, text: &str) {
    let path = directory.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Nothing but the built-in defaults, in a directory that does not exist.
fn bare() -> Sources {
    Sources {
        working_directory: PathBuf::from("/nonexistent"),
        config: None,
        environment: Vec::new(),
        flags: Vec::new(),
        mode: Mode::Serve,
    }
}

fn with_environment(variables: &[(&str, &str)]) -> Sources {
    let environment = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { environment, ..bare() }
}

/// A file given by `--config`, alone in the directory of the test.
fn with_file(test: &str, text: &str) -> Sources {
    let working_directory = directory(test);
    write(&working_directory, "server.toml", text);
    Sources { working_directory, config: Some("server.toml".into()), ..bare() }
}

fn good(sources: &Sources) -> Loaded {
    load(sources).unwrap_or_else(|error| panic!("{error}"))
}

fn problems(sources: &Sources) -> Vec<Problem> {
    load(sources).expect_err("should be refused").problems
}

fn listen_flag(value: &str) -> Flag {
    Flag { name: "--listen", key: "server.listen", value: value.to_owned() }
}

#[test]
fn defaults_alone_make_a_working_server() {
    let loaded = good(&bare());
    let Config { server, tls, database, passwords, dev, .. } = loaded.config;
    assert_eq!(server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(server.public_url.unwrap().origin(), "http://localhost:8080");
    assert!(server.admin_listen.is_none() && server.trusted_proxies.is_empty());
    assert_eq!(
        (tls.files, tls.min_version, tls.client_certificates),
        (None, TlsVersion::Tls12, ClientCertificates::Off)
    );
    assert_eq!(database.url.expose(), "sqlite://chancery-data/chancery.db");
    assert_eq!(database.url.sqlite_file().unwrap(), Path::new("chancery-data/chancery.db"));
    assert!(database.migrate && passwords.worker_count() >= 1);
    assert!(!dev.enabled && !dev.hooks);
    let others = loaded.origins.iter().filter(|(_, origin)| **origin != Origin::Default).collect::<Vec<_>>();
    assert_eq!(others, [(&"server.public_url".to_owned(), &Origin::Derived { from: "server.listen" })]);
}

#[test]
fn each_layer_replaces_the_one_below_and_its_origin_is_kept() {
    let mut sources = with_file(
        "layers",
        "[server]\nmax_connections = 3\n\n[log]\nlevel = \"debug\"\n[audit]\nseal_interval_milliseconds = 300\n",
    );
    write(
        &sources.working_directory,
        "config/default.toml",
        "log.level = \"warn\"\n[server]\nmax_connections = 2\nlisten = \"127.0.0.1:2\"\nrequest_timeout_seconds = 30\n[database]\nmax_connections = 7\n",
    );
    sources.environment = vec![
        ("CHANCERY_SERVER__MAX_CONNECTIONS".into(), "4".into()),
        ("CHANCERY_SERVER__LISTEN".into(), "127.0.0.1:4".into()),
        ("CHANCERY_TLS__MIN_VERSION".into(), "1.3".into()),
    ];
    sources.flags = vec![listen_flag("localhost:5")];
    let loaded = good(&sources);
    assert_eq!(loaded.config.server.listen.to_string(), "127.0.0.1:5");
    assert_eq!(loaded.config.server.max_connections, 4);
    assert_eq!(loaded.config.tls.min_version, TlsVersion::Tls13);
    assert_eq!(loaded.config.log.level, "debug");
    for (key, value, origin) in [
        ("server.listen", "localhost:5", "flag --listen"),
        ("server.max_connections", "4", "environment variable CHANCERY_SERVER__MAX_CONNECTIONS"),
        ("log.level", "debug", "file server.toml, line 5"),
        ("audit.seal_interval_milliseconds", "300", "file server.toml, line 7"),
        ("database.max_connections", "7", "file config/default.toml, line 7"),
        // As the built-in default says: not edited.
        ("server.request_timeout_seconds", "30", "built-in default"),
        ("passwords.iterations", "2", "built-in default"),
        ("server.public_url", "http://localhost:5", "derived from server.listen"),
        ("server.admin_listen", "not set: all on `server.listen`", "built-in default"),
    ] {
        assert_eq!((loaded.values[key].as_str(), loaded.origins[key].to_string().as_str()), (value, origin), "{key}");
    }
    assert_eq!(loaded.origins.len(), reference().len());
    assert_eq!(loaded.values.len(), reference().len());
}

#[test]
fn an_untouched_copy_of_the_defaults_changes_nothing() {
    let working_directory = directory("untouched");
    write(&working_directory, "config/default.toml", include_str!("../../config/default.toml"));
    write(&working_directory, "url", "postgres://chancery@db/chancery\n");
    let environment = vec![("CHANCERY_DATABASE__URL_FILE".into(), "url".into())];
    let loaded = good(&Sources { working_directory, environment, ..bare() });
    assert_eq!(loaded.config.database.url.engine(), Engine::Postgres);
    assert_eq!(loaded.origins["server.listen"], Origin::Default);
}

#[test]
fn variables_without_a_section_are_left_alone_unless_meant() {
    // As Kubernetes sets them for a service called chancery.
    good(&with_environment(&[
        ("CHANCERY_PORT", "tcp://10.0.0.1:80"),
        ("CHANCERY_SERVICE_HOST", "10.0.0.1"),
        ("PATH", "/bin"),
    ]));
    let found = problems(&with_environment(&[("CHANCERY_SERVER_PUBLIC_URL", "https://id.example.com")]));
    assert_eq!(found.len(), 1);
    assert!(found[0].hint.contains("CHANCERY_SERVER__PUBLIC_URL"), "{}", found[0]);
}

#[test]
fn a_source_that_cannot_be_read_is_told_without_guesses_about_values() {
    let mut missing = bare();
    missing.config = Some("none.toml".into());
    missing.flags = vec![listen_flag("0.0.0.0:1")];
    let found = problems(&missing);
    assert_eq!((found.len(), &found[0].key), (1, &None));
    assert!(found[0].to_string().contains("file none.toml: cannot be read"), "{}", found[0]);

    let found = problems(&with_file("broken", "[database]\nurl = \"postgres://u:hunter2@h/d\n"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().starts_with("file server.toml, line 2: is not TOML"), "{}", found[0]);
    assert!(!found[0].to_string().contains("hunter2"));

    let large = "#".repeat(256 * 1024 + 1);
    assert!(problems(&with_file("large", &large))[0].problem.contains("larger than 262144 bytes"));
    good(&with_file("largest", &large[1..]));
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let mut sources = with_file("secret", "[database]\nurl_file = \"secrets/url\"\n");
    assert!(problems(&sources)[0].problem.contains("names secrets/url, which cannot be read"));

    write(&sources.working_directory, "secrets/url", " \n");
    assert!(problems(&sources)[0].problem.contains("empty file"));

    write(
        &sources.working_directory,
        "secrets/url",
        "postgres://chancery:hunter2@db.internal:5433/chancery?sslmode=require&password=hunter2\n",
    );
    let loaded = good(&sources);
    assert!(loaded.config.database.url.expose().ends_with("password=hunter2"));
    assert_eq!(loaded.origins["database.url"].to_string(), "secret file secrets/url");
    assert_eq!(loaded.origins["database.url_file"].to_string(), "file server.toml, line 2");
    assert_eq!(
        loaded.values["database.url"],
        "postgres://chancery:[secret]@db.internal:5433/chancery?sslmode=require&password=[secret]"
    );
    assert!(!format!("{loaded:?}").contains("hunter2\""), "only expose() shows it");

    sources.environment = vec![("CHANCERY_DATABASE__URL".into(), "sqlite://x.db".into())];
    let found = problems(&sources);
    assert_eq!((found.len(), found[0].key.as_deref()), (1, Some("database.url_file")));
    assert!(
        found[0].problem.contains("together with database.url (environment variable CHANCERY_DATABASE__URL)"),
        "{}",
        found[0]
    );
    // An empty value takes the layer below away.
    sources.environment.push(("CHANCERY_DATABASE__URL_FILE".into(), String::new()));
    assert_eq!(good(&sources).config.database.url.engine(), Engine::Sqlite);
}
