//! The reference of settings: `docs/configuration.md`, `config/default.toml` and the example agree with the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use chancery::admin::{Effect, apply, document};
use chancery::config::{Sources, reference};

use super::{bare, directory, good, write};
use crate::support::{Engine as SupportEngine, Server};

#[test]
fn the_example_is_a_working_configuration() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/examples/server.toml");
    let config = good(&Sources { config: Some(example), ..bare() }).config;
    assert_eq!(config.server.public_url.unwrap().origin(), "https://id.example.com");
}

#[tokio::test]
async fn the_example_of_a_tenant_is_applied_as_it_is_and_with_secrets_from_files() {
    let server = Server::on(SupportEngine::Sqlite).await;
    let example = include_str!("../../../config/examples/acme.toml");
    let folder = directory("acme");
    write(&folder, "secret", "a-secret-of-forty-three-characters-or-more-1234\n");
    let file = format!("_file = \"{}\"", folder.join("secret").display());
    let lines = example.lines().map(|line| match line.split_once("_file = ") {
        Some((name, _)) => format!("{}{file}", name.replace("# ", "")),
        None => line.to_owned(),
    });
    let with_files = lines.collect::<Vec<_>>().join("\n");
    assert_eq!(with_files.matches(&file).count(), 3, "two clients and a person");
    for (rule, text, effects) in [
        ("new", example, [Effect::Created; 5]),
        ("the same again", example, [Effect::Unchanged; 5]),
        (
            "secrets from files",
            &with_files,
            [Effect::Unchanged, Effect::Unchanged, Effect::Changed, Effect::Changed, Effect::Changed],
        ),
    ] {
        let lines = apply::apply(&server.app, &document::parse("acme.toml", text).unwrap(), false).await.unwrap();
        let found: Vec<Effect> = lines.iter().map(|line| line.effect).collect();
        assert_eq!(found, effects, "{rule}");
    }
}

#[test]
fn the_default_file_mentions_every_setting_once() {
    let mut section = String::new();
    let mut mentioned = Vec::new();
    for line in include_str!("../../../config/default.toml").lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
        } else if let Some((name, _)) = line.trim_start_matches("# ").split_once(" = ") {
            mentioned.push(format!("{section}.{name}"));
        }
    }
    let known: Vec<String> = reference().iter().map(|doc| doc.key.to_owned()).collect();
    assert_eq!(mentioned, known);
}

/// The table of one section, as it stands in the documentation.
fn table(section: &str) -> String {
    let mut text = String::from("| key | environment | default | values | meaning |\n|---|---|---|---|---|\n");
    for doc in reference() {
        if doc.key.split('.').next() == Some(section) {
            let in_words = doc.default.contains(' ');
            let default = if in_words { doc.default } else { format!("`{}`", doc.default) };
            text += &format!("| `{}` | `{}` | {default} | {} | {} |\n", doc.key, doc.env, doc.values, doc.meaning);
        }
    }
    text
}

#[test]
fn the_documentation_lists_exactly_the_settings() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/configuration.md");
    let before = fs::read_to_string(&path).unwrap();
    let mut after = before.clone();
    let sections: BTreeSet<String> =
        reference().iter().filter_map(|doc| Some(doc.key.split_once('.')?.0.to_owned())).collect();
    for section in &sections {
        let (open, close) = (format!("<!-- settings {section} -->\n"), "<!-- end -->");
        let start = after.find(&open).unwrap_or_else(|| panic!("{} lacks {open}", path.display())) + open.len();
        let length = after[start..].find(close).unwrap();
        after.replace_range(start..start + length, &table(section));
    }
    if before != after && std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &after).unwrap();
        return;
    }
    assert!(before == after, "docs/configuration.md is behind the code: run the tests with UPDATE_DOCS=1");
    assert_eq!(before.matches("<!-- settings ").count(), sections.len());
}
