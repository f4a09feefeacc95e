//! The `prompt` parameter — OpenID Connect Core §3.1.2.1, Prompt Create §4.
//!
//! Prompt Create is "Initiating User Registration via OpenID Connect 1.0".

use serde::{Deserialize, Serialize};

use super::tenant_settings::SelfRegistration;

/// What must be shown to the person, or must not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// No page at all.
    pub none: bool,
    /// Sign in again.
    pub login: bool,
    /// Ask for consent again.
    pub consent: bool,
    /// Choose among accounts.
    pub select_account: bool,
    /// Make an account first.
    #[serde(default)]
    pub create: bool,
}

impl Prompt {
    /// Reads the parameter.
    ///
    /// `Choice:` (Prompt Create §4: further values are not recommended, for they may contradict) `create` decides what
    /// is shown first. Who has just made an account has signed in anew and chosen it, so `login` and `select_account`
    /// hold for those who turn to an account that they have already; `consent` holds in any case.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(value: Option<&str>, registration: SelfRegistration) -> Result<Self, &'static str> {
        let mut prompt = Self::default();
        for token in value.unwrap_or_default().split(' ').filter(|token| !token.is_empty()) {
            match token {
                "none" => prompt.none = true,
                "login" => prompt.login = true,
                "consent" => prompt.consent = true,
                "select_account" => prompt.select_account = true,
                "create" => match registration {
                    SelfRegistration::Open => prompt.create = true,
                    // Prompt Create §4.1: a value that metadata does not list is refused, by its name.
                    SelfRegistration::Closed => return Err("prompt=create is not supported here"),
                },
                _ => return Err("prompt holds an unknown value"),
            }
        }
        // Core §3.1.2.1: none with any other value is an error.
        if prompt.none && (prompt.login || prompt.consent || prompt.select_account || prompt.create) {
            return Err("prompt=none stands alone");
        }
        Ok(prompt)
    }
}
