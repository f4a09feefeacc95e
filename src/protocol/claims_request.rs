//! The `claims` request parameter and the standard claims — OpenID Connect Core §5.1, §5.4, §5.5.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::scope::Scope;
use super::strict_json;

/// Longest `claims` parameter, in bytes.
const MAX_LENGTH: usize = 4096;
/// Levels of objects and lists in it at most: four have a meaning.
const MAX_DEPTH: usize = 8;
/// Most claims named in one part of it.
const MAX_CLAIMS: usize = 64;

/// The claims that each scope stands for (OpenID Connect Core §5.4).
const SCOPE_CLAIMS: [(&str, &[&str]); 4] = [
    (
        "profile",
        &[
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ],
    ),
    ("email", &["email", "email_verified"]),
    ("address", &["address"]),
    ("phone", &["phone_number", "phone_number_verified"]),
];

/// Every standard claim about a person that can be released (OpenID Connect Core §5.1).
pub fn standard_claims() -> impl Iterator<Item = &'static str> {
    SCOPE_CLAIMS.iter().flat_map(|(_, claims)| claims.iter().copied())
}

/// The scope that covers a claim.
pub fn scope_of(claim: &str) -> Option<&'static str> {
    SCOPE_CLAIMS.iter().find(|(_, claims)| claims.contains(&claim)).map(|(scope, _)| *scope)
}

/// The `claims` parameter cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claims must be a JSON object as of OpenID Connect Core §5.5, of at most {MAX_LENGTH} bytes")]
pub struct ClaimsRequestError;

/// Which claims a client names one by one (OpenID Connect Core §5.5).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimsRequest {
    /// For the userinfo answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<String>,
    /// For the ID token.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<String>,
    /// The person who must be signed in (§5.5.1, `sub` with a `value`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The contexts of which one is essential (§5.5.1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub essential_acr: Option<Vec<String>>,
    /// Whether `auth_time` is asked for in the ID token.
    #[serde(default)]
    pub auth_time: bool,
}

impl ClaimsRequest {
    /// Reads the parameter. Claims that we do not know are ignored (§5.5: "any Claims not understood MUST be ignored").
    ///
    /// # Errors
    /// Not a JSON object of the right form, too long or too deep, or with a member that comes twice.
    pub fn parse(text: &str) -> Result<Self, ClaimsRequestError> {
        if text.len() > MAX_LENGTH {
            return Err(ClaimsRequestError);
        }
        let object = strict_json::object(text.as_bytes(), MAX_DEPTH).map_err(|_| ClaimsRequestError)?;
        let mut request = Self::default();
        for (part, names) in [("userinfo", &mut request.userinfo), ("id_token", &mut request.id_token)] {
            let Some(claims) = object.get(part) else { continue };
            let claims = claims.as_object().filter(|claims| claims.len() <= MAX_CLAIMS).ok_or(ClaimsRequestError)?;
            for (name, how) in claims {
                // §5.5.1: null, or an object.
                if !how.is_null() && !how.is_object() {
                    return Err(ClaimsRequestError);
                }
                if scope_of(name).is_some() {
                    names.push(name.clone());
                }
            }
        }
        let id_token = object.get("id_token").and_then(Value::as_object);
        request.auth_time = id_token.is_some_and(|claims| claims.contains_key("auth_time"));
        request.essential_acr = id_token.and_then(|claims| claims.get("acr")).and_then(essential_values);
        request.subject = ["id_token", "userinfo"]
            .iter()
            .filter_map(|part| object.get(*part)?.get("sub")?.get("value")?.as_str())
            .map(str::to_owned)
            .next();
        Ok(request)
    }

    /// Without the claims that no scope of `allowed` covers: what a client may not ask for by scope,
    /// it may not ask for by name.
    #[must_use]
    pub fn within(self, allowed: &Scope) -> Self {
        self.only(|claim| scope_of(claim).is_some_and(|scope| allowed.contains(scope)))
    }

    /// Without the claims that are not `allowed`.
    #[must_use]
    pub fn only(mut self, allowed: impl Fn(&str) -> bool) -> Self {
        self.userinfo.retain(|claim| allowed(claim));
        self.id_token.retain(|claim| allowed(claim));
        self
    }

    /// The claims that are named, each once.
    pub fn names(&self) -> Vec<String> {
        let mut names = [self.userinfo.as_slice(), self.id_token.as_slice()].concat();
        names.sort();
        names.dedup();
        names
    }
}

/// The scopes in whose words a person is asked for these claims. What is allowed then is the claims alone (§5.5).
pub fn scope_in_words(claims: &[String]) -> Scope {
    let tokens: Vec<&str> = claims.iter().filter_map(|claim| scope_of(claim)).collect();
    Scope::parse(&tokens.join(" ")).unwrap_or_default()
}

/// The values of an essential claim (§5.5.1): `None` for a voluntary one, or one without values.
fn essential_values(how: &Value) -> Option<Vec<String>> {
    if how.get("essential").and_then(Value::as_bool) != Some(true) {
        return None;
    }
    let several = how.get("values").and_then(Value::as_array).cloned().unwrap_or_default();
    let all: Vec<String> =
        several.iter().chain(how.get("value")).filter_map(Value::as_str).map(str::to_owned).collect();
    (!all.is_empty()).then_some(all)
}

/// Where claims are to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimsPlace {
    /// The userinfo answer: by scope and by name.
    Userinfo,
    /// The ID token: by name alone, for an access token is issued too (§5.4).
    IdToken,
}

/// The claims about a person to be shown at `place`, out of all that is known (§5.4, §5.5).
pub fn release(
    known: &Map<String, Value>,
    scope: &Scope,
    request: &ClaimsRequest,
    place: ClaimsPlace,
) -> Map<String, Value> {
    let named = match place {
        ClaimsPlace::Userinfo => &request.userinfo,
        ClaimsPlace::IdToken => &request.id_token,
    };
    let mut released = Map::new();
    for claim in standard_claims() {
        let by_scope = place == ClaimsPlace::Userinfo && scope_of(claim).is_some_and(|of| scope.contains(of));
        let asked = by_scope || named.iter().any(|name| name == claim);
        if let Some(value) = known.get(claim).filter(|value| asked && !value.is_null()) {
            released.insert(claim.to_owned(), value.clone());
        }
    }
    released
}
