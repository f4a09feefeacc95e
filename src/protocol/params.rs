//! Request parameters — RFC 6749 §3.1, §3.2 and Appendix B.
//!
//! Known once for all: a parameter without a value counts as left out, an unknown one is ignored,
//! none comes twice (but `resource`, RFC 8707 §2), everything is UTF-8.

use percent_encoding::percent_decode;

/// Parameters in one request; more than any standard needs.
const MAX_PARAMETERS: usize = 128;

/// The parameters that may come more than once (RFC 8707 §2).
const REPEATABLE: [&str; 1] = ["resource"];

/// What is wrong with a parameter list. The name of the first repeated parameter is kept, so that
/// an endpoint can tell whether the place to answer to is in doubt itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParamsError {
    /// RFC 6749 §3.1: parameters must not be included more than once.
    #[error("a parameter comes more than once: {0}")]
    Repeated(&'static str),
    /// A repeated parameter that no standard of ours knows.
    #[error("an unknown parameter comes more than once")]
    RepeatedUnknown,
    /// RFC 6749 Appendix B: UTF-8, form encoded.
    #[error("a parameter is not UTF-8 or holds a NUL")]
    NotText,
    /// More than [`MAX_PARAMETERS`].
    #[error("more than {MAX_PARAMETERS} parameters")]
    TooMany,
}

impl ParamsError {
    /// The parameter at fault, if it is one that we know.
    pub const fn parameter(&self) -> Option<&'static str> {
        match self {
            Self::Repeated(name) => Some(name),
            Self::RepeatedUnknown | Self::NotText | Self::TooMany => None,
        }
    }
}

/// The parameters of one request, decoded.
#[derive(Clone, Debug, Default)]
pub struct Params {
    pairs: Vec<(String, String)>,
    repeated: Option<ParamsError>,
}

impl Params {
    /// Reads a form body or a query, and refuses what comes twice.
    ///
    /// # Errors
    /// See [`ParamsError`].
    pub fn parse(raw: &[u8]) -> Result<Self, ParamsError> {
        let params = Self::parse_leniently(raw)?;
        params.refuse_repeated()?;
        Ok(params)
    }

    /// Reads the parameters and remembers a repetition instead of refusing it, for the one endpoint
    /// that has to find out first where an error may be sent to (RFC 6749 §4.1.2.1).
    ///
    /// # Errors
    /// `NotText` or `TooMany`.
    pub fn parse_leniently(raw: &[u8]) -> Result<Self, ParamsError> {
        let mut params = Self::default();
        for (count, pair) in raw.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).enumerate() {
            if count >= MAX_PARAMETERS {
                return Err(ParamsError::TooMany);
            }
            let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                Some(at) => pair.split_at(at),
                None => (pair, &b"="[..]),
            };
            let (name, value) = (decode(name)?, decode(value.get(1..).unwrap_or_default())?);
            // §3.1: a parameter without a value counts as left out.
            if value.is_empty() {
                continue;
            }
            if params.repeated.is_none() && !REPEATABLE.contains(&name.as_str()) && params.has(&name) {
                params.repeated = Some(repetition_of(&name));
            }
            params.pairs.push((name, value));
        }
        Ok(params)
    }

    /// §3.1: nothing comes twice.
    ///
    /// # Errors
    /// `Repeated` or `RepeatedUnknown`.
    pub fn refuse_repeated(&self) -> Result<(), ParamsError> {
        self.repeated.clone().map_or(Ok(()), Err)
    }

    /// Whether `name` comes more than once.
    pub fn is_repeated(&self, name: &str) -> bool {
        self.pairs.iter().filter(|(key, _)| key == name).count() > 1
    }

    /// Whether there is a value for `name`.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every value of `name`, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every name and value, in their order.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Only names that we know travel back to the peer, so that an error never echoes input.
fn repetition_of(name: &str) -> ParamsError {
    const KNOWN: [&str; 25] = [
        "client_id",
        "redirect_uri",
        "response_type",
        "response_mode",
        "scope",
        "state",
        "nonce",
        "prompt",
        "max_age",
        "login_hint",
        "id_token_hint",
        "ui_locales",
        "acr_values",
        "claims",
        "code_challenge",
        "code_challenge_method",
        "grant_type",
        "code",
        "code_verifier",
        "refresh_token",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "token",
        "token_type_hint",
    ];
    KNOWN
        .iter()
        .find(|known| **known == name)
        .map_or(ParamsError::RepeatedUnknown, |known| ParamsError::Repeated(known))
}

fn decode(part: &[u8]) -> Result<String, ParamsError> {
    let mut bytes = part.to_vec();
    bytes.iter_mut().filter(|byte| **byte == b'+').for_each(|byte| *byte = b' ');
    let bytes = if bytes.contains(&b'%') { percent_decode(&bytes).collect() } else { bytes };
    let text = String::from_utf8(bytes).map_err(|_| ParamsError::NotText)?;
    if text.contains('\0') {
        return Err(ParamsError::NotText);
    }
    Ok(text)
}
