//! What people type to say who they are: one form for what is stored and what is looked for.

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

/// Brings an identifier into the form in which it is stored and looked up: without spaces around it, in lower case.
///
/// # Errors
/// See [`IdentifierError`]: two spellings that a person cannot tell apart must not be two accounts.
pub fn normalise(text: &str) -> Result<String, IdentifierError> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_IDENTIFIER {
        return Err(IdentifierError::Length);
    }
    let hidden = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    if text.chars().any(hidden) {
        return Err(IdentifierError::Character);
    }
    let latin = text.chars().any(|c| c.is_ascii_alphabetic());
    let alike =
        text.chars().any(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{ff00}'..='\u{ffef}'));
    if latin && alike {
        return Err(IdentifierError::MixedScripts);
    }
    Ok(text.to_lowercase())
}
