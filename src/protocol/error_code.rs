//! The registered error codes — RFC 6749 §4.1.2.1 and §5.2, RFC 6750 §3.1, RFC 7009 §2.2.1,
//! RFC 7591 §3.2.2, RFC 8707 §2, OpenID Connect Core §3.1.2.6,
//! OpenID Connect Core Error Code unmet_authentication_requirements §2.

/// An error code as it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is the registered code, spelled out in `as_str`")]
pub enum ErrorCode {
    InvalidRequest,
    InvalidClient,
    InvalidGrant,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedResponseType,
    UnsupportedTokenType,
    InvalidScope,
    InvalidTarget,
    AccessDenied,
    ServerError,
    TemporarilyUnavailable,
    InvalidToken,
    InsufficientScope,
    LoginRequired,
    ConsentRequired,
    AccountSelectionRequired,
    InteractionRequired,
    UnmetAuthenticationRequirements,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    InvalidRedirectUri,
    InvalidClientMetadata,
    InvalidSoftwareStatement,
}

impl ErrorCode {
    /// Every code.
    pub const ALL: [Self; 25] = [
        Self::InvalidRequest,
        Self::InvalidClient,
        Self::InvalidGrant,
        Self::UnauthorizedClient,
        Self::UnsupportedGrantType,
        Self::UnsupportedResponseType,
        Self::UnsupportedTokenType,
        Self::InvalidScope,
        Self::InvalidTarget,
        Self::AccessDenied,
        Self::ServerError,
        Self::TemporarilyUnavailable,
        Self::InvalidToken,
        Self::InsufficientScope,
        Self::LoginRequired,
        Self::ConsentRequired,
        Self::AccountSelectionRequired,
        Self::InteractionRequired,
        Self::UnmetAuthenticationRequirements,
        Self::RequestNotSupported,
        Self::RequestUriNotSupported,
        Self::RegistrationNotSupported,
        Self::InvalidRedirectUri,
        Self::InvalidClientMetadata,
        Self::InvalidSoftwareStatement,
    ];

    /// Where the code is defined.
    pub const fn defined_in(self) -> &'static str {
        match self {
            Self::InvalidRequest => "RFC 6749 §4.1.2.1, §5.2; RFC 6750 §3.1",
            Self::InvalidClient | Self::InvalidGrant | Self::UnsupportedGrantType => "RFC 6749 §5.2",
            Self::UnauthorizedClient | Self::InvalidScope => "RFC 6749 §4.1.2.1, §5.2",
            Self::UnsupportedResponseType | Self::AccessDenied | Self::ServerError | Self::TemporarilyUnavailable => {
                "RFC 6749 §4.1.2.1"
            }
            Self::UnsupportedTokenType => "RFC 7009 §2.2.1",
            Self::InvalidTarget => "RFC 8707 §2",
            Self::InvalidToken | Self::InsufficientScope => "RFC 6750 §3.1",
            Self::LoginRequired
            | Self::ConsentRequired
            | Self::AccountSelectionRequired
            | Self::InteractionRequired
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::RegistrationNotSupported => "OpenID Connect Core §3.1.2.6",
            Self::UnmetAuthenticationRequirements => {
                "OpenID Connect Core Error Code unmet_authentication_requirements §2"
            }
            Self::InvalidRedirectUri | Self::InvalidClientMetadata | Self::InvalidSoftwareStatement => {
                "RFC 7591 §3.2.2"
            }
        }
    }

    /// The code's text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::AccountSelectionRequired => "account_selection_required",
            Self::InteractionRequired => "interaction_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
        }
    }

    /// The status that goes with the code in a JSON answer (RFC 6749 §5.2, RFC 6750 §3.1).
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            Self::InvalidRequest
            | Self::InvalidGrant
            | Self::UnauthorizedClient
            | Self::UnsupportedGrantType
            | Self::UnsupportedResponseType
            | Self::UnsupportedTokenType
            | Self::InvalidScope
            | Self::InvalidTarget
            | Self::AccessDenied
            | Self::LoginRequired
            | Self::ConsentRequired
            | Self::AccountSelectionRequired
            | Self::InteractionRequired
            | Self::UnmetAuthenticationRequirements
            | Self::RequestNotSupported
            | Self::RequestUriNotSupported
            | Self::RegistrationNotSupported
            | Self::InvalidRedirectUri
            | Self::InvalidClientMetadata
            | Self::InvalidSoftwareStatement => 400,
        }
    }
}
