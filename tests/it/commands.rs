//! The commands as they are called: what they print, and their exit codes.

#![expect(clippy::unwrap_used, reason = "tests may stop")]

use std::path::{Path, PathBuf};
use std::process::Command;

use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use serde_json::{Value, json};

use crate::support::{Engine, PASSWORD, SECRET};

/// 32 bytes of 7, as base64url: the key of every test on PostgreSQL.
const MASTER_KEY: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\n";

/// Commands on a database, in a directory of their own.
struct Commands {
    folder: PathBuf,
    database: String,
    tenant: String,
}

/// What a command left behind.
struct Said {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }
}

impl Commands {
    fn on(engine: Engine, test: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("commands").join(format!("{test}-{engine:?}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("master.key"), MASTER_KEY).unwrap();
        let database = match engine {
            Engine::Sqlite => "sqlite://data/it.db".to_owned(),
            Engine::Postgres => std::env::var("CHANCERY_TEST_POSTGRES").unwrap(),
        };
        Self { folder, database, tenant: format!("c{}-{test}", std::process::id()) }
    }

    /// The names of everything in the directory.
    fn files(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                names.push(path.strip_prefix(&self.folder).unwrap().display().to_string());
                folders.extend(path.is_dir().then_some(path));
            }
        }
        names.sort();
        names
    }

    fn run(&self, arguments: &[&str]) -> Said {
        let output = Command::new(env!("CARGO_BIN_EXE_chancery"))
            .args(arguments)
            .current_dir(&self.folder)
            .env("CHANCERY_DATABASE__URL", &self.database)
            .env("CHANCERY_KEYS__MASTER_KEY_FILE", "master.key")
            .output()
            .unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// A command that must do what it is told.
    fn done(&self, arguments: &[&str]) -> Said {
        let said = self.run(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {} {}", said.out, said.err);
        said
    }

    /// A tenant with a client and a person that have secrets.
    fn populate(&self) {
        let document = json!({ "tenants": [{ "slug": self.tenant,
            "clients": [{ "client_id": "web", "client_secret": SECRET, "redirect_uris": ["https://app.example/cb"] }],
            "users": [{ "username": "alice", "name": "Alice Example", "email": "alice@acme.example", "password": PASSWORD }] }] });
        std::fs::write(self.folder.join("apply.json"), document.to_string()).unwrap();
        self.done(&["apply", "apply.json"]);
    }
}

/// Runs a test on SQLite and, where `CHANCERY_TEST_POSTGRES` names one, on PostgreSQL.
fn both(name: &str, test: impl Fn(Commands)) {
    test(Commands::on(Engine::Sqlite, name));
    if std::env::var_os("CHANCERY_TEST_POSTGRES").is_some() {
        test(Commands::on(Engine::Postgres, name));
    }
}

#[test]
fn each_kind_of_thing_is_shown_by_its_name_and_without_secrets() {
    both("show", |commands| {
        commands.populate();
        let tenant = commands.tenant.as_str();
        commands.done(&["key", "rotate", tenant]);
        let keys = commands.done(&["key", "list", tenant, "--json"]).out;
        let kid = serde_json::from_str::<Value>(keys.lines().next().unwrap()).unwrap()["kid"].clone();
        let kid = kid.as_str().unwrap();
        for arguments in [
            ["tenant", "show", "nobody", ""],
            ["client", "show", tenant, "nobody"],
            ["user", "show", tenant, "nobody"],
            ["user", "show", tenant, "\u{1}"],
            ["user", "show", "nobody", "alice"],
            ["key", "show", tenant, "nobody"],
        ] {
            let arguments: Vec<&str> = arguments.into_iter().filter(|argument| !argument.is_empty()).collect();
            let said = commands.run(&arguments);
            assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "{arguments:?}");
            assert!(said.err.contains("there is no"), "{arguments:?}: {}", said.err);
        }
        let shown = |arguments: &[&str]| {
            let plain = commands.done(arguments).out;
            let value = commands.done(&[arguments, &["--json"]].concat());
            for said in [&plain, &value.out] {
                for secret in [SECRET, PASSWORD, "$argon2", "secret_hash", "salt", "private", "\"d\""] {
                    assert!(!said.contains(secret), "{arguments:?} shows {secret}: {said}");
                }
            }
            (plain, value.json())
        };
        assert_eq!(shown(&["tenant", "show", tenant]).1["slug"], tenant);
        assert_eq!(shown(&["client", "show", tenant, "web"]).1["redirect_uris"], json!(["https://app.example/cb"]));
        for name in ["alice", "ALICE", "alice@acme.example"] {
            let (plain, value) = shown(&["user", "show", tenant, name]);
            assert!(plain.starts_with("alice (active)\nsub "), "{plain}");
            assert_eq!((&value["username"], &value["status"]), (&json!("alice"), &json!("active")), "{name}");
            assert_eq!(value["claims"], json!({ "name": "Alice Example", "email": "alice@acme.example" }));
            assert!(value["sub"].is_string() && value["created_at"].is_i64(), "{value}");
        }
        let (plain, value) = shown(&["key", "show", tenant, kid]);
        assert!(plain.contains(kid), "{plain}");
        assert_eq!((&value["kid"], &value["alg"], &value["generation"]), (&json!(kid), &json!("ES256"), &json!(1)));
        assert_eq!((&value["public_jwk"]["kid"], &value["public_jwk"]["kty"]), (&json!(kid), &json!("EC")));
        let times = ["created_at", "signs_from_at", "signs_until_at", "verifies_until_at"];
        assert!(times.iter().all(|name| value[name].is_i64()), "it has a successor: {value}");
    });
}

/// Whether a database is up to date, as `migrate --check` says: exit code and answer.
fn checked(commands: &Commands) -> (Option<i32>, Value) {
    let said = commands.run(&["migrate", "--check", "--json"]);
    (said.code, said.json())
}

#[test]
fn a_check_of_the_steps_makes_nothing_and_tells_by_its_exit_code() {
    let commands = Commands::on(Engine::Sqlite, "check");
    std::fs::remove_file(commands.folder.join("master.key")).unwrap();
    let (code, all) = checked(&commands);
    assert_eq!((code, &all["migrations"]), (Some(1), &json!("behind")), "nothing is there");
    let all = all["steps"].as_u64().unwrap();
    assert!(all >= 1 && commands.files().is_empty(), "{:?}", commands.files());
    let doctor = commands.run(&["doctor", "--json"]);
    assert!(doctor.code.is_some() && commands.files().is_empty(), "{:?}", commands.files());
    // A file without a table.
    std::fs::create_dir(commands.folder.join("data")).unwrap();
    let file = commands.folder.join("data/it.db");
    std::fs::write(&file, "").unwrap();
    assert_eq!(checked(&commands), (Some(1), json!({ "migrations": "behind", "steps": all })), "an empty file");
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 0);
    commands.run(&["doctor", "--json"]);
    assert_eq!(std::fs::metadata(&file).unwrap().len(), 0, "nor does doctor");
    // Something else.
    std::fs::write(&file, "this is no database, but a text that is long enough to be taken for one".repeat(20))
        .unwrap();
    let said = commands.run(&["migrate", "--check"]);
    assert_eq!((said.code, said.out.as_str()), (Some(1), ""), "no database");
    assert!(said.err.contains("cannot open the database"), "{}", said.err);
    std::fs::remove_file(&file).unwrap();
    // The whole way.
    assert_eq!(commands.done(&["migrate", "--json"]).json(), json!({ "migrations": "done", "steps": all }));
    let is_ours = |name: &String| !name.ends_with("-wal") && !name.ends_with("-shm");
    let files = || commands.files().into_iter().filter(is_ours).collect::<Vec<_>>();
    let before = files();
    assert_eq!(checked(&commands), (Some(0), json!({ "migrations": "current" })));
    assert_eq!(files(), before);
    assert_eq!(commands.done(&["migrate", "--json"]).json(), json!({ "migrations": "current" }));
}

#[tokio::test]
async fn a_check_of_the_steps_makes_no_table_in_an_empty_postgres() {
    let Ok(shared) = std::env::var("CHANCERY_TEST_POSTGRES") else { return };
    let db = Database::connect(&shared).await.unwrap();
    let name = format!("check_{}", std::process::id());
    db.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    let mut commands = Commands::on(Engine::Postgres, "check");
    commands.database = format!("{}/{name}", shared.rsplit_once('/').unwrap().0);
    let own = Database::connect(&commands.database).await.unwrap();
    for command in [&["migrate", "--check", "--json"][..], &["doctor", "--json"][..]] {
        let said = commands.run(command);
        assert_eq!(said.code, Some(1), "{} {}", said.out, said.err);
        assert!(said.out.contains("migrations\":\"behind") || said.out.contains("behind: run"), "{}", said.out);
        let tables = Statement::from_string(DbBackend::Postgres, "SELECT 1 FROM pg_tables WHERE schemaname = 'public'");
        assert_eq!(own.query_all_raw(tables).await.unwrap().len(), 0, "{command:?}");
    }
    commands.done(&["migrate"]);
    assert_eq!(checked(&commands), (Some(0), json!({ "migrations": "current" })));
    own.close().await.unwrap();
    db.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
    // A database that is missing is for its owner to make.
    let said = commands.run(&["migrate", "--check"]);
    assert!(said.code == Some(1) && said.err.contains("cannot open the database"), "{} {}", said.out, said.err);
}

#[test]
fn a_head_that_was_noted_is_expected_at_a_later_check() {
    both("audit", |commands| {
        commands.populate();
        let tenant = commands.tenant.as_str();
        let said = commands.done(&["audit", "verify", tenant]).out;
        assert!(said.contains("wait for the sealer.\nhead 0:\n"), "no server has sealed anything: {said}");
        let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
        let checked = |arguments: &[&str]| {
            let said = commands.run(&[&["audit", "verify", tenant, "--json"], arguments].concat());
            (said.code, said.out)
        };
        for text in ["7", "0:AAAA", "seven:", hash] {
            assert_eq!(checked(&["--expect", text]), (Some(2), String::new()), "{text}");
        }
        let (code, told) = checked(&["--expect", "0:", "--expect", &format!("3:{hash}")]);
        assert!(code == Some(1) && told.contains("\"chain\":\"broken\"") && told.contains("\"block\":3"), "{told}");
        let (code, told) = checked(&["--expect", "0:"]);
        assert!(code == Some(0) && told.contains("\"head\":\"0:\""), "{told}");
        assert_eq!(commands.done(&["audit", "accept", tenant, "--json"]).json()["chain"], "intact");
    });
}
