//! The files that we give to administrators do what they say: `apply` takes them, and the second time changes nothing.

use std::path::Path;

use chancery::admin::{Effect, apply, document};

use crate::support::both;

const FILES: [&str; 3] = ["config/examples/acme.toml", "config/examples/demo.toml", "conformance/tenant.toml"];

#[tokio::test]
async fn a_file_applied_twice_changes_nothing_the_second_time() {
    both(async |server| {
        for file in FILES {
            let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
            // Tests share a database: the tenant gets a name of its own.
            let name = format!("{}-{}", server.slug, Path::new(file).file_stem().unwrap().display());
            let slug = text.lines().find(|line| line.starts_with("slug = ")).unwrap();
            let parsed = document::parse(file, &text.replace(slug, &format!("slug = \"{name}\""))).unwrap();
            let first = apply::apply(&server.app, &parsed, false).await.unwrap();
            assert!(first.len() > 1 && first.iter().all(|line| line.effect == Effect::Created), "{file}");
            let planned = apply::apply(&server.app, &parsed, true).await.unwrap();
            let second = apply::apply(&server.app, &parsed, false).await.unwrap();
            assert!(planned.iter().chain(&second).all(|line| line.effect == Effect::Unchanged), "{file}");
        }
    })
    .await;
}
