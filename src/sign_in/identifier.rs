//! What people type to say who they are: one form for what is stored and what is looked for.

use unicode_normalization::UnicodeNormalization as _;

use crate::protocol::plain_text::is_deceiving;

/// Longest identifier, in bytes.
pub const MAX_IDENTIFIER: usize = 254;

/// Why a user name cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentifierError {
    /// Nothing, or more than 254 bytes.
    #[error("must have 1 to 254 bytes")]
    Length,
    /// Characters that cannot be seen, spaces, or characters that change the direction of text.
    #[error("must not hold spaces, control, invisible or direction-changing characters")]
    Character,
    /// Letters of several scripts, which look alike.
    #[error("must not mix Latin letters with look-alike ones of other scripts")]
    MixedScripts,
}

/// Brings an identifier into the form in which it is stored and looked up: without spaces around it, in one width
/// and composition (RFC 8265 §3.3.1, by NFKC), in lower case.
///
/// # Errors
/// See [`IdentifierError`]: two spellings that a person cannot tell apart must not be two accounts.
pub fn normalise(text: &str) -> Result<String, IdentifierError> {
    // What is far too long is not even looked at; what counts is the length of the stored form.
    if text.len() > 4 * MAX_IDENTIFIER {
        return Err(IdentifierError::Length);
    }
    let text = text.trim();
    // Twice: lower case may bring letters that fold once more, and what is stored must be found by itself.
    let stored = fold(&fold(text));
    let hidden = |text: &str| text.chars().any(|c| is_deceiving(c) || c.is_whitespace());
    if hidden(text) || hidden(&stored) {
        return Err(IdentifierError::Character);
    }
    if stored.is_empty() || stored.len() > MAX_IDENTIFIER {
        return Err(IdentifierError::Length);
    }
    if stored.chars().any(is_latin) && stored.chars().any(looks_latin) {
        return Err(IdentifierError::MixedScripts);
    }
    Ok(stored)
}

fn fold(text: &str) -> String {
    text.nfkc().collect::<String>().to_lowercase().nfc().collect()
}

fn is_latin(c: char) -> bool {
    c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}')
}

/// Letters of Greek, Cyrillic, Armenian and Cherokee: many of them look like Latin ones.
fn looks_latin(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1c80}'..='\u{1c8f}' | '\u{1f00}'..='\u{1fff}' | '\u{2de0}'..='\u{2dff}' | '\u{a640}'..='\u{a69f}' | '\u{ab70}'..='\u{abbf}')
}
