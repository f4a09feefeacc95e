//! The style guide is complete, and a page with nothing on it says what to do.

use crate::pages_developer::Developer;
use crate::support::{Engine, Server};

#[tokio::test]
async fn the_style_guide_shows_every_component_that_a_template_uses() {
    let server = Server::on(Engine::Sqlite).await;
    let guide = Developer::of(&server).await.get("/dev/styleguide").await.body;
    let classes = |text: &str| -> Vec<String> {
        let lists = text.split("class=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let names = lists.flat_map(|list| list.split(|c: char| c.is_whitespace() || matches!(c, '{' | '}' | '%')));
        names.filter(|name| name.len() > 3 && name.contains(['-', '_'])).map(str::to_owned).collect()
    };
    let shown = classes(&guide);
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let Ok(html) = std::fs::read_to_string(&entry) else { continue };
        // What is put together (`alert--{{ tone }}`) ends in a hyphen here: any of its kind will do.
        for class in classes(&html).into_iter().filter(|class| !class.starts_with("page--")) {
            let found =
                shown.iter().any(|shown| *shown == class || (class.ends_with('-') && shown.starts_with(&class)));
            assert!(found, "{}: {class}", entry.display());
        }
    }
}

#[tokio::test]
async fn the_page_of_caught_mail_says_what_to_do_while_there_is_none() {
    let server = Server::on(Engine::Sqlite).await;
    let page = Developer::of(&server).await.get("/dev/mail").await;
    let empty = page.body.split("class=\"empty\"").nth(1).and_then(|rest| rest.split("</div>").next()).unwrap();
    assert!(empty.matches("<a ").count() == 1 && empty.contains("Look again"), "one action: {empty}");
}
