//! What goes into a page is escaped as askama does it, wherever in a text it stands.

use askama::filters::{Escaper, Html as Careful};
use chancery::pages::escape::Html;

fn by(escaper: impl Escaper, text: &str) -> String {
    let mut escaped = String::new();
    escaper.write_escaped_str(&mut escaped, text).unwrap();
    escaped
}

#[test]
fn every_text_is_escaped_as_askama_does() {
    assert_eq!(by(Html, "<a href=\"'&'\">"), "&#60;a href=&#34;&#39;&#38;&#39;&#34;&#62;");
    for filler in ["", "a", "ä", "日", "🦀"] {
        for before in 0..70 {
            for special in ["<", ">", "&", "\"", "'", "<script>", "&amp;", "''''", ""] {
                for after in [0, 1, 31, 32, 33] {
                    let text = format!("{}{special}{}", filler.repeat(before), filler.repeat(after));
                    assert_eq!(by(Html, &text), by(Careful, &text), "{text}");
                }
            }
        }
    }
}
