//! A token taken apart, to be read: RFC 7515 §7.1, RFC 7519 §4. Nothing is verified here; the server made it a moment ago.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::pages::answer::moment;
use crate::pages::developer_views::DecodedToken;
use crate::pages::messages::Messages;
use crate::protocol::timestamp::Timestamp;

/// Claims that are instants (RFC 7519 §2, NumericDate).
const INSTANTS: [&str; 5] = ["auth_time", "exp", "iat", "nbf", "updated_at"];

/// A token with the meaning of all that it says; one that is no JWT says nothing.
pub(super) fn token(m: &Messages, name: &str, raw: &str, now: Timestamp) -> DecodedToken {
    let parts: Vec<&str> = raw.split('.').collect();
    let (header, claims) = match parts.as_slice() {
        [header, claims, _] => (part(header), part(claims)),
        _ => (None, None),
    };
    let rows = |members: Option<Map<String, Value>>| -> Vec<[String; 3]> {
        members.into_iter().flatten().map(|(name, value)| row(m, name, &value, now)).collect()
    };
    DecodedToken { name: name.to_owned(), raw: raw.to_owned(), header: rows(header), claims: rows(claims) }
}

fn part(text: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

fn row(m: &Messages, name: String, value: &Value, now: Timestamp) -> [String; 3] {
    let instant = value.as_i64().filter(|_| INSTANTS.contains(&name.as_str()));
    let shown = match (instant, value) {
        (Some(at), _) => format!("{at} · {}", moment(m, Timestamp::from_seconds(at), now).exact),
        (None, Value::String(text)) => text.clone(),
        (None, value) => value.to_string(),
    };
    let meaning = m.claim(&name).unwrap_or_else(|| m.t("claim-other")).to_owned();
    [name, shown, meaning]
}
