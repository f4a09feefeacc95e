//! The capability registry: what one tenant has switched on. Metadata is generated from it, and the
//! endpoints ask it, so that neither can promise what the other does not do (CONTRACT, behaviour 9).

use super::authorization_response::ResponseMode;
use super::client::{ClientAuthenticationMethod, GrantType};
use super::signature::SignatureAlgorithm;
use super::tenant_settings::{Registration, SelfRegistration, TenantSettings};

/// What a tenant does.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// Grants at the token endpoint.
    pub grants: Vec<GrantType>,
    /// Response modes at the authorization endpoint.
    pub response_modes: Vec<(&'static str, ResponseMode)>,
    /// Methods of client authentication.
    pub authentication_methods: Vec<ClientAuthenticationMethod>,
    /// Algorithms for tokens that we sign.
    pub signing: Vec<SignatureAlgorithm>,
    /// Algorithms for assertions that clients sign.
    pub assertions: Vec<&'static str>,
    /// Who may register clients.
    pub registration: Registration,
    /// Values of `prompt` (OpenID Connect Core §3.1.2.1, Prompt Create §4.2).
    pub prompts: Vec<&'static str>,
}

impl Capabilities {
    /// What the settings switch on.
    pub fn of(settings: &TenantSettings) -> Self {
        Self {
            grants: GrantType::ALL.to_vec(),
            response_modes: ResponseMode::ALL.to_vec(),
            authentication_methods: ClientAuthenticationMethod::ALL.to_vec(),
            signing: SignatureAlgorithm::ALL.to_vec(),
            assertions: vec!["ES256", "RS256", "PS256", "EdDSA", "Ed25519", "HS256"],
            registration: settings.client_registration,
            prompts: match settings.self_registration {
                SelfRegistration::Closed => vec!["none", "login", "consent", "select_account"],
                SelfRegistration::Open => vec!["none", "login", "consent", "select_account", "create"],
            },
        }
    }
}
