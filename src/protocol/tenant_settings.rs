//! What a tenant may set: lifetimes, policies, look. Rows and `apply` files hold the same shape.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::plain_text::is_deceiving_text;
use super::scope::{self, Scope};
use super::signature::SignatureAlgorithm;

/// Who may register clients by RFC 7591.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// Nobody; the endpoint is not advertised.
    #[default]
    Off,
    /// Whoever holds an initial access token (RFC 7591 §3).
    InitialAccessToken,
    /// Everybody.
    Open,
}

/// Whether people may make accounts of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelfRegistration {
    /// Nobody: administrators make them.
    #[default]
    Closed,
    /// Everybody.
    Open,
}

/// Which `aud` values a client assertion may carry (RFC 7523 §3, draft-ietf-oauth-rfc7523bis).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssertionAudience {
    /// The issuer, as one string.
    #[default]
    Issuer,
    /// Also the token endpoint, and arrays with one of the two: what RFC 7523 §3 advised before.
    IssuerOrTokenEndpoint,
}

/// The settings of one tenant. Absent members have the defaults below; unknown ones are errors.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct TenantSettings {
    /// BCP 47 tag of the language that is spoken when nothing else is known. Default `en`.
    pub default_locale: String,
    /// Lifetime of an authorization code in seconds, 10 to 600 (RFC 6749 §4.1.2). Default 60.
    pub authorization_code_lifetime_seconds: u32,
    /// Lifetime of an access token in seconds, 30 to 86400. Default 600.
    pub access_token_lifetime_seconds: u32,
    /// Lifetime of an ID token in seconds, 30 to 86400. Default 3600.
    pub id_token_lifetime_seconds: u32,
    /// A refresh token not used for so many seconds is dead, 60 to 31536000. Default 30 days.
    pub refresh_token_idle_seconds: u32,
    /// A refresh token family ends after so many seconds, whatever happens. Default 180 days.
    pub refresh_token_lifetime_seconds: u32,
    /// For so many seconds the predecessor of a refresh token gets the same successor again, 0 to 60. Default 10.
    pub refresh_token_grace_seconds: u32,
    /// A session not used for so many seconds is over, 60 to 31536000. Default 1 day.
    pub session_idle_seconds: u32,
    /// A session ends after so many seconds, whatever happens. Default 14 days.
    pub session_lifetime_seconds: u32,
    /// Whether people may stay signed in when they close the browser. Default true.
    pub keep_signed_in: bool,
    /// `session_idle_seconds` of a session whose person wished that, 60 to 31536000. Default 14 days.
    pub kept_session_idle_seconds: u32,
    /// `session_lifetime_seconds` of such a session, 60 to 31536000. Default 30 days (NIST SP 800-63B-4 §2.1.3).
    pub kept_session_lifetime_seconds: u32,
    /// A sign-in must be finished within so many seconds, 60 to 86400. Default 1800.
    pub sign_in_lifetime_seconds: u32,
    /// Whether every client must send a `code_challenge`; public ones must in any case. Default true.
    pub require_pkce: bool,
    /// Who may register clients. Default `off`.
    pub client_registration: Registration,
    /// Scopes that a dynamically registered client may ask for.
    pub client_registration_scope: String,
    /// In mode `open`: how many clients that registered themselves there may be before the next one is refused. With an
    /// initial access token its own uses are the limit (RFC 7591 §3). Default 10000.
    pub client_registration_limit: u32,
    /// Whether people may make accounts of their own. Default `closed`.
    pub self_registration: SelfRegistration,
    /// Which audiences client assertions may carry. Default `issuer`.
    pub client_assertion_audience: AssertionAudience,
    /// Algorithm of access tokens, and of ID tokens where a client does not say. Default ES256.
    pub signing_alg: SignatureAlgorithm,
    /// Days after which a signing key is replaced, 1 to 3650. Default 90.
    pub key_rotation_days: u32,
    /// For so many seconds a new key is published before it signs, 0 to 604800; it should not be less than the
    /// `max-age` of the key set (300). Default 3600.
    pub key_publication_lead_seconds: u32,
    /// What the tenant says of its scopes, by their names.
    pub scopes: BTreeMap<String, ScopeSettings>,
    /// Link to the privacy notice, in the footer of every page.
    pub privacy_uri: Option<String>,
    /// Link to the terms of service.
    pub terms_uri: Option<String>,
    /// Link to people who can help.
    pub support_uri: Option<String>,
    /// Whether the footer names the product. Default true.
    pub powered_by: bool,
    /// Colours and shape.
    pub theme: ThemeSettings,
}

/// What a tenant says of one scope, for the consent page.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct ScopeSettings {
    /// Whether people may leave it out when they allow the rest. Never for `openid`. Default false.
    pub optional: bool,
    /// A few words, by language tag.
    pub title: BTreeMap<String, String>,
    /// What a client can do then, in one sentence, by language tag.
    pub sentence: BTreeMap<String, String>,
}

/// Scopes that a tenant has words for at most.
const MAX_SCOPES: usize = 100;
/// Longest title of a scope, in characters: it stays on two lines.
const MAX_TITLE: usize = 100;
/// Longest sentence about a scope, in characters.
const MAX_SENTENCE: usize = 300;

impl ScopeSettings {
    fn check(&self, name: &str) -> Result<(), String> {
        // RFC 6749 §3.3: one token.
        if Scope::parse(name).map(|scope| scope.tokens().count()) != Ok(1) || name.contains(' ') {
            return Err(format!("{name:?} is not the name of a scope"));
        }
        if self.optional && name == scope::OPENID {
            return Err("openid cannot be optional: without it there is no sign-in".to_owned());
        }
        for (texts, most) in [(&self.title, MAX_TITLE), (&self.sentence, MAX_SENTENCE)] {
            for (tag, text) in texts {
                if !is_language_tag(tag) {
                    return Err(format!("{name}: {tag:?} is not a language tag like en or de"));
                }
                if text.trim().is_empty() || text.chars().count() > most || is_deceiving_text(text) {
                    return Err(format!("{name}: a text must have 1 to {most} characters, none of them invisible"));
                }
            }
        }
        Ok(())
    }
}

fn is_language_tag(tag: &str) -> bool {
    !tag.is_empty() && tag.len() <= 35 && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Colours and shape of a tenant's pages; each absent member keeps the built-in value.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct ThemeSettings {
    /// Accent colour in light mode, `#rrggbb`.
    pub accent_light: Option<String>,
    /// Accent colour in dark mode, `#rrggbb`.
    pub accent_dark: Option<String>,
    /// Card colour in light mode, `#rrggbb`.
    pub surface_light: Option<String>,
    /// Card colour in dark mode, `#rrggbb`.
    pub surface_dark: Option<String>,
    /// Corner radius in pixels, 0 to 24.
    pub radius_px: Option<u32>,
    /// Font stack: `system`, `classic`, `rounded` or `serif`.
    pub font: Option<String>,
    /// `auto`, `light` or `dark`.
    pub color_scheme: Option<String>,
}

const DAY: u32 = 86_400;

impl Default for TenantSettings {
    fn default() -> Self {
        Self {
            default_locale: "en".to_owned(),
            authorization_code_lifetime_seconds: 60,
            access_token_lifetime_seconds: 600,
            id_token_lifetime_seconds: 3600,
            refresh_token_idle_seconds: 30 * DAY,
            refresh_token_lifetime_seconds: 180 * DAY,
            refresh_token_grace_seconds: 10,
            session_idle_seconds: DAY,
            session_lifetime_seconds: 14 * DAY,
            keep_signed_in: true,
            kept_session_idle_seconds: 14 * DAY,
            kept_session_lifetime_seconds: 30 * DAY,
            sign_in_lifetime_seconds: 1800,
            require_pkce: true,
            client_registration: Registration::Off,
            client_registration_scope: "openid profile email address phone offline_access".to_owned(),
            client_registration_limit: 10_000,
            self_registration: SelfRegistration::Closed,
            client_assertion_audience: AssertionAudience::Issuer,
            signing_alg: SignatureAlgorithm::Es256,
            key_rotation_days: 90,
            key_publication_lead_seconds: 3600,
            scopes: BTreeMap::new(),
            privacy_uri: None,
            terms_uri: None,
            support_uri: None,
            powered_by: true,
            theme: ThemeSettings::default(),
        }
    }
}

/// A setting outside of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("settings.{name}: {problem}")]
pub struct SettingError {
    /// The setting's name.
    pub name: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl TenantSettings {
    /// Every range and reference, once; the first problem found is reported.
    ///
    /// # Errors
    /// The setting and what would be right.
    pub fn check(&self) -> Result<(), SettingError> {
        const YEAR: u32 = 365 * DAY;
        for (name, value, least, most) in [
            ("authorization_code_lifetime_seconds", self.authorization_code_lifetime_seconds, 10, 600),
            ("access_token_lifetime_seconds", self.access_token_lifetime_seconds, 30, DAY),
            ("id_token_lifetime_seconds", self.id_token_lifetime_seconds, 30, DAY),
            ("refresh_token_idle_seconds", self.refresh_token_idle_seconds, 60, YEAR),
            ("refresh_token_lifetime_seconds", self.refresh_token_lifetime_seconds, 60, 10 * YEAR),
            ("refresh_token_grace_seconds", self.refresh_token_grace_seconds, 0, 60),
            ("session_idle_seconds", self.session_idle_seconds, 60, YEAR),
            ("session_lifetime_seconds", self.session_lifetime_seconds, 60, YEAR),
            ("kept_session_idle_seconds", self.kept_session_idle_seconds, 60, YEAR),
            ("kept_session_lifetime_seconds", self.kept_session_lifetime_seconds, 60, YEAR),
            ("sign_in_lifetime_seconds", self.sign_in_lifetime_seconds, 60, DAY),
            ("client_registration_limit", self.client_registration_limit, 0, 10_000_000),
            ("key_rotation_days", self.key_rotation_days, 1, 3650),
            ("key_publication_lead_seconds", self.key_publication_lead_seconds, 0, 7 * DAY),
        ] {
            if !(least..=most).contains(&value) {
                let problem = format!("is {value}; allowed are {least} to {most}");
                return Err(SettingError { name, problem });
            }
        }
        if !is_language_tag(&self.default_locale) {
            let problem = format!("is {:?}; a language tag like en or de is expected", self.default_locale);
            return Err(SettingError { name: "default_locale", problem });
        }
        if self.theme.radius_px.is_some_and(|radius| radius > 24) {
            return Err(SettingError { name: "theme.radius_px", problem: "must be 0 to 24".to_owned() });
        }
        if self.scopes.len() > MAX_SCOPES {
            let problem = format!("has {} scopes; allowed are {MAX_SCOPES}", self.scopes.len());
            return Err(SettingError { name: "scopes", problem });
        }
        for (name, scope) in &self.scopes {
            scope.check(name).map_err(|problem| SettingError { name: "scopes", problem })?;
        }
        if let Err(error) = Scope::parse(&self.client_registration_scope) {
            return Err(SettingError { name: "client_registration_scope", problem: error.to_string() });
        }
        for (name, uri) in
            [("privacy_uri", &self.privacy_uri), ("terms_uri", &self.terms_uri), ("support_uri", &self.support_uri)]
        {
            if uri.as_deref().is_some_and(|uri| !is_link(uri)) {
                return Err(SettingError { name, problem: "must be an https:// or mailto: address".to_owned() });
            }
        }
        Ok(())
    }

    /// What of `scope` people may leave out.
    pub fn optional(&self, scope: &Scope) -> Scope {
        scope.only(|token| self.scopes.get(token).is_some_and(|told| told.optional))
    }

    /// The scopes that a dynamically registered client may have.
    pub fn registration_scope(&self) -> Scope {
        Scope::parse(&self.client_registration_scope).unwrap_or_default()
    }
}

fn is_link(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "https" | "mailto"))
}

/// The scopes that every tenant knows (OpenID Connect Core §5.4, §11).
pub const STANDARD_SCOPES: [&str; 6] = [scope::OPENID, "profile", "email", "address", "phone", scope::OFFLINE_ACCESS];
