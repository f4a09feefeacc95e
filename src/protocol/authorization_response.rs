//! The authorization response — RFC 6749 §4.1.2, OAuth 2.0 Multiple Response Types §2.1,
//! Form Post Response Mode §2, RFC 9207 §2.

use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::error_code::ErrorCode;
use super::redirect_uri::RedirectUri;
use super::secret::Secret;

/// How the parameters of the answer travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI: the default for `code`.
    Query,
    /// In its fragment.
    Fragment,
    /// In the body of a POST that the browser makes.
    FormPost,
}

impl ResponseMode {
    /// Every mode, by the name metadata lists.
    pub const ALL: [(&'static str, Self); 3] =
        [("query", Self::Query), ("fragment", Self::Fragment), ("form_post", Self::FormPost)];

    /// Reads the parameter; absent means `query`, unknown is `None`.
    pub fn parse(value: Option<&str>) -> Option<Self> {
        match value {
            None => Some(Self::Query),
            Some(name) => Self::ALL.into_iter().find(|(known, _)| *known == name).map(|(_, mode)| mode),
        }
    }
}

/// The only place an answer may go to, checked once.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReturnTo {
    /// The registered redirect URI, as the request named it.
    pub redirect_uri: RedirectUri,
    /// How.
    pub mode: ResponseMode,
    /// What the client wants back unchanged (RFC 6749 §4.1.2).
    pub state: Option<String>,
}

/// What the answer says.
#[derive(Debug)]
pub enum Answer<'a> {
    /// RFC 6749 §4.1.2.
    Code(&'a Secret),
    /// RFC 6749 §4.1.2.1.
    Error(ErrorCode, &'a str),
}

/// An answer, ready for the browser to carry.
#[derive(Debug)]
pub enum Carried {
    /// A redirect to this address.
    Redirect(String),
    /// A form that posts itself.
    Form {
        /// Where it is posted.
        action: String,
        /// Its fields.
        fields: Vec<(&'static str, String)>,
    },
}

/// Puts an answer together: `iss` in every one of them (RFC 9207 §2), errors too.
pub fn carry(return_to: &ReturnTo, answer: &Answer<'_>, issuer: &str) -> Carried {
    let mut fields: Vec<(&'static str, String)> = Vec::with_capacity(4);
    match answer {
        Answer::Code(code) => fields.push(("code", code.expose().to_owned())),
        Answer::Error(code, description) => {
            fields.push(("error", code.as_str().to_owned()));
            fields.push(("error_description", plain_description(description)));
        }
    }
    if let Some(state) = &return_to.state {
        fields.push(("state", state.clone()));
    }
    fields.push(("iss", issuer.to_owned()));
    let uri = return_to.redirect_uri.as_str();
    let encoded = || {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&fields);
        // %20 is read alike by those who decode a query as a form and those who do not.
        query.finish().replace('+', "%20")
    };
    match return_to.mode {
        ResponseMode::Query => {
            // RFC 6749 §3.1.2: a query of the redirect URI is kept.
            let joint = match uri.split_once('?') {
                None => "?",
                Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
                Some(_) => "&",
            };
            Carried::Redirect(format!("{uri}{joint}{}", encoded()))
        }
        ResponseMode::Fragment => Carried::Redirect(format!("{uri}#{}", encoded())),
        ResponseMode::FormPost => Carried::Form { action: uri.to_owned(), fields },
    }
}

/// RFC 6749 §4.1.2.1: error_description holds %x20-21 / %x23-5B / %x5D-7E alone.
pub fn plain_description(text: &str) -> String {
    text.chars().map(|c| if matches!(c, ' '..='!' | '#'..='[' | ']'..='~') { c } else { '\'' }).collect()
}
