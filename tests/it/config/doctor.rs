//! `chancery doctor`: what it finds out about a deployment before it runs.

use std::path::Path;

use chancery::cli::doctor::findings;
use chancery::config::Config;
use chancery::protocol::identifiers::{Slug, TenantId};
use chancery::protocol::tenant_settings::TenantSettings;
use chancery::protocol::timestamp::Timestamp;
use chancery::seal::RootSecret;
use chancery::store::tenants::TenantDraft;
use chancery::store::{Change, DatabaseSettings, Store};
use uuid::Uuid;

use super::{directory, good, with_environment, write};

/// 32 bytes of 7 and of 8, as base64url.
const RIGHT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\n";
const WRONG: &str = "CAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAg\n";

fn config_in(folder: &Path) -> Config {
    let url = format!("sqlite://{}/it.db", folder.display());
    let key = folder.join("master.key").display().to_string();
    // Port 9 is that of the discard service: nobody answers.
    let environment = [
        ("CHANCERY_DATABASE__URL", url.as_str()),
        ("CHANCERY_KEYS__MASTER_KEY_FILE", key.as_str()),
        ("CHANCERY_SERVER__LISTEN", "127.0.0.1:9"),
    ];
    good(&with_environment(&environment)).config
}

/// A database with one tenant, sealed by 32 bytes of 7.
async fn sealed_database(config: &Config) {
    let settings =
        DatabaseSettings { url: config.database.url.expose().to_owned(), max_connections: 1, durable: false };
    let master = RootSecret::new([7; 32]);
    let store = Store::open(&settings, &master, true).await.unwrap();
    let draft = TenantDraft {
        slug: Slug::parse("acme").unwrap(),
        host: None,
        name: "Acme".to_owned(),
        settings: TenantSettings::default(),
    };
    let now = Timestamp::from_seconds(1_800_000_000);
    assert!(store.create_tenant(TenantId(Uuid::from_u128(1)), &draft, Change::new(), now).await.unwrap());
}

async fn found(config: &Config, what: &str) -> (bool, String) {
    let found = findings(config).await.into_iter().find(|finding| finding.what == what).unwrap();
    (found.fine, found.text)
}

#[tokio::test]
async fn a_master_key_that_does_not_open_the_database_is_found() {
    let folder = directory("doctor");
    let config = config_in(&folder);
    let what = "master key and database";
    assert_eq!(found(&config, what).await, (true, "there is nothing to open yet".to_owned()), "before the first start");
    sealed_database(&config).await;
    let (fine, text) = found(&config, what).await;
    assert!(!fine && text.contains("Restore the file"), "no key: {text}");
    assert!(!folder.join("master.key").exists(), "looking makes no key");
    for (rule, key, expected, words) in [
        ("another key", WRONG, false, "does not open this database"),
        ("damaged", "BwcH", false, "cannot be read"),
        ("its own", RIGHT, true, "opens the database"),
    ] {
        write(&folder, "master.key", key);
        let (fine, text) = found(&config, what).await;
        assert_eq!(fine, expected, "{rule}: {text}");
        assert!(text.contains(words), "{rule}: {text}");
    }
}
