//! The texts: the same ones in every language, and every one that is asked for.

use std::path::Path;

use chancery::pages::messages::{self, ERROR_KINDS};

const TAGS: [&str; 3] = ["en", "de", "ar"];

/// Every file below a folder of the sources with this ending.
fn texts(folder: &str, ending: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == ending) {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found
}

#[test]
fn every_language_has_the_same_texts_and_no_mistake() {
    let english = messages::ids("en").unwrap();
    for tag in TAGS {
        assert_eq!(messages::faults(tag), Vec::<String>::new(), "{tag}");
        let ids = messages::ids(tag).unwrap();
        let missing: Vec<_> = english.iter().filter(|id| !ids.contains(id)).collect();
        let surplus: Vec<_> = ids.iter().filter(|id| !english.contains(id)).collect();
        assert!(missing.is_empty() && surplus.is_empty(), "{tag}: missing {missing:?}, surplus {surplus:?}");
    }
}

#[test]
fn every_text_that_a_template_or_a_page_names_is_there() {
    let english = messages::ids("en").unwrap();
    let mut asked = 0;
    for (path, text) in texts("templates", "html").into_iter().chain(texts("src/pages", "rs")) {
        for call in ["m.t(\"", "m.with(\"", "m.count(\"", "m.units(\""] {
            for id in text.split(call).skip(1).filter_map(|rest| rest.split('"').next()) {
                assert!(english.contains(&id), "{path}: {id}");
                asked += 1;
            }
        }
    }
    assert!(asked > 150, "{asked}");
    for kind in ERROR_KINDS {
        for suffix in ["", "-what", "-next"] {
            assert!(english.contains(&format!("error-{kind}{suffix}").as_str()), "{kind}{suffix}");
        }
    }
}

#[test]
fn no_template_holds_words_of_its_own() {
    for (path, html) in texts("templates", "html") {
        // What is left without comments, expressions and tags must be signs alone.
        let mut rest = html;
        for (open, close) in [
            // Attributes that are put together outside of a tag.
            ("{%- macro described", "{%- endmacro"),
            ("{% call ui::field", "{% endcall %}"),
            ("{% call ui::password_field", "{% endcall %}"),
            ("{% call alert_with", "{% endcall %}"),
            ("{#", "#}"),
            ("{%", "%}"),
            ("{{", "}}"),
            ("<pre class=\"code\" tabindex=\"0\"><code>GET", "</code>"),
            ("<code", "</code>"),
            ("<", ">"),
        ] {
            while let Some(begin) = rest.find(open) {
                let Some(end) = rest.get(begin..).and_then(|rest| rest.find(close)) else { break };
                rest.replace_range(begin..begin + end + close.len(), " ");
            }
        }
        let words: Vec<&str> =
            rest.split_whitespace().filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 1).collect();
        // The layout is a class; the style guide shows names of people and applications.
        let samples = [
            "page--wide",
            "page--card",
            "Ada",
            "Lovelace",
            "ada@acme.example",
            "Notes",
            "Kalender",
            "مفكرة",
            "محمود",
            "درويش",
            "mahmoud@acme.example",
        ];
        let words: Vec<_> = words.into_iter().filter(|word| !samples.contains(word)).collect();
        assert!(words.is_empty(), "{path}: {words:?}");
    }
}
