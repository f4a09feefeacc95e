//! Authorization server metadata — RFC 8414 §2, OpenID Connect Discovery §3, RFC 9207 §3,
//! RP-Initiated Logout §2.1, Prompt Create §4.2; generated from the capability registry.

use serde_json::{Map, Value, json};

use super::capabilities::Capabilities;
use super::claims_request;
use super::scope::Scope;
use super::tenant_settings::{Registration, STANDARD_SCOPES};

/// The authentication context class of a sign-in with one factor.
pub const ACR_ONE_FACTOR: &str = "urn:chancery:acr:one-factor";

/// Claims about the sign-in itself that ID tokens carry.
const TOKEN_CLAIMS: [&str; 10] = ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "sid"];

/// The metadata of one issuer: the same for RFC 8414 and for OpenID Connect Discovery.
pub fn document(
    issuer: &str,
    capabilities: &Capabilities,
    more_scopes: &Scope,
    locales: &[&str],
) -> Map<String, Value> {
    let at = |path: &str| format!("{issuer}/{path}");
    let methods = |without_public: bool| -> Vec<&str> {
        let methods = capabilities.authentication_methods.iter().map(|method| method.as_str());
        methods.filter(|method| !(without_public && *method == "none")).collect()
    };
    let signing: Vec<&str> = capabilities.signing.iter().map(|alg| alg.name()).collect();
    let scopes: Vec<&str> = STANDARD_SCOPES.into_iter().chain(more_scopes.tokens()).collect();
    let claims: Vec<&str> = TOKEN_CLAIMS.into_iter().chain(claims_request::standard_claims()).collect();
    let document = json!({
        "issuer": issuer,
        "authorization_endpoint": at("authorize"),
        "token_endpoint": at("token"),
        "userinfo_endpoint": at("userinfo"),
        "jwks_uri": at("jwks"),
        "introspection_endpoint": at("introspect"),
        "revocation_endpoint": at("revoke"),
        "end_session_endpoint": at("end_session"),
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "response_modes_supported": capabilities.response_modes.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        "grant_types_supported": capabilities.grants.iter().map(|grant| grant.as_str()).collect::<Vec<_>>(),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": signing,
        "token_endpoint_auth_methods_supported": methods(false),
        "token_endpoint_auth_signing_alg_values_supported": capabilities.assertions,
        "introspection_endpoint_auth_methods_supported": methods(true),
        "introspection_endpoint_auth_signing_alg_values_supported": capabilities.assertions,
        "revocation_endpoint_auth_methods_supported": methods(false),
        "revocation_endpoint_auth_signing_alg_values_supported": capabilities.assertions,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "acr_values_supported": [ACR_ONE_FACTOR],
        "claim_types_supported": ["normal"],
        "claims_supported": claims,
        "claims_parameter_supported": true,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "prompt_values_supported": capabilities.prompts,
        "ui_locales_supported": locales,
    });
    let mut document = match document {
        Value::Object(document) => document,
        _ => Map::new(),
    };
    if capabilities.registration != Registration::Off {
        document.insert("registration_endpoint".into(), at("register").into());
    }
    document
}
