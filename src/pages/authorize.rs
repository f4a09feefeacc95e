//! Authorization endpoint — RFC 6749 §3.1, OpenID Connect Core §3.1.2. It lives among the pages, for its answer is
//! one, or a redirect from one.

use std::sync::Arc;

use poem::Body;
use poem::http::{Method, StatusCode};

use super::answer::{Handled, PageFailure, carry, language, refuse_if_closed, see_other};
use super::browser::Browser;
use super::interaction;
use crate::call::{Call, Head};
use crate::endpoints::is_form;
use crate::mint;
use crate::protocol::authorization_request::{self, Addressed, Checked, PageError, RedirectError, Refusal};
use crate::protocol::authorization_response::{self, Answer};
use crate::protocol::client::Client;
use crate::protocol::id_token::{self, IdTokenHint};
use crate::protocol::jws::UnverifiedJws;
use crate::protocol::params::Params;
use crate::protocol::tenant_settings::Registration;
use crate::sign_in::engine::{Progress, is_unverified};
use crate::store::sign_ins::SignIn;

/// Longest request that is repeated as an address, in bytes.
pub(super) const MAX_ADDRESS: usize = 16 * 1024;

/// The endpoint, by GET and POST.
///
/// # Errors
/// The request cannot be answered to its client.
pub async fn authorize(call: Call, head: Head, body: Body) -> Handled {
    if head.method == Method::POST {
        return repeat_as_get(&call, &head, body).await;
    }
    refuse_if_closed(&call)?;
    let raw = head.uri.query().unwrap_or_default();
    let params = Params::parse_leniently(raw.as_bytes()).map_err(|error| bad_request(&PageError::Params(error)))?;
    let id = authorization_request::client_id(&params).map_err(|error| bad_request(&error))?;
    let client = call.client(&id).await?.ok_or_else(|| bad_request(&PageError::UnknownClient))?;
    let addressed = Addressed::identify(params, client.clone())
        .map_err(|error| bad_request(&error).back_to(interaction::start_of(&call, &client)))?;
    let ui_locales = addressed.ui_locales().map(str::to_owned);
    let hint = match addressed.id_token_hint() {
        Some(token) => verified_hint(&call, token).await?,
        None => None,
    };
    let browser = Browser::of(&call, &head).await?;
    let checked =
        addressed.check(&call.tenant.settings, |resource| call.tenant.knows_resource(resource), hint, call.now);
    let request = match checked {
        Ok(request) => request,
        Err(error) => {
            refuse_stranger(&call, &head, &browser, &client, &error)?;
            return refuse(&call, &head, &client, error, ui_locales.as_deref());
        }
    };
    let sign_in = begin(&call, &browser, request);
    interaction::show(&call, &head, &browser, sign_in, client).await
}

/// OpenID Connect Core §3.1.2.1 wants POST too. A form of another site comes without our cookies (SameSite=Lax), so
/// the request is repeated as GET, where they come along.
async fn repeat_as_get(call: &Call, head: &Head, body: Body) -> Handled {
    let malformed = |log: &str| PageFailure::new(StatusCode::BAD_REQUEST, "invalid-request", "invalid_request", log);
    if !is_form(&head.headers) || head.query().is_some() {
        return Err(malformed("a POST must carry all parameters in a form body"));
    }
    let too_large =
        |_| PageFailure::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "invalid_request", "the form is too long");
    let bytes = body.into_bytes_limit(MAX_ADDRESS).await.map_err(too_large)?;
    let query = std::str::from_utf8(&bytes).map_err(|_| malformed("the form is not ASCII"))?;
    if !query.bytes().all(|byte| (0x21..=0x7e).contains(&byte) && byte != b'#') {
        return Err(malformed("the form is not form encoded"));
    }
    Ok(see_other(&format!("{}/authorize?{query}", call.tenant.path)))
}

fn begin(call: &Call, browser: &Browser, request: Checked) -> SignIn {
    SignIn {
        id: mint::handle(),
        browser_hash: browser.hash(),
        expires_at: call.now.plus(i64::from(call.tenant.settings.sign_in_lifetime_seconds)),
        progress: Progress::default(),
        version: 0,
        finished_at: None,
        request,
    }
}

/// An ID token of ours, perhaps expired (OpenID Connect Core §3.1.2.1); `None` for anything else.
///
/// # Errors
/// The keys cannot be had.
pub(super) async fn verified_hint(call: &Call, token: &str) -> Result<Option<IdTokenHint>, PageFailure> {
    let Ok(jws) = UnverifiedJws::parse(token) else { return Ok(None) };
    if !jws.header().has_type(id_token::TYP) {
        return Ok(None);
    }
    let ring = call.key_ring().await.map_err(|error| {
        let failure =
            PageFailure::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "temporarily_unavailable", error);
        PageFailure { retry_after: Some(1), ..failure }
    })?;
    let claims = ring.verifiers.verify(jws).and_then(|verified| verified.claims()).ok();
    Ok(claims.and_then(|claims| IdTokenHint::from_claims(&claims, &call.tenant.issuer)))
}

fn bad_request(error: &PageError) -> PageFailure {
    let kind = match error {
        PageError::ClientMissing | PageError::UnknownClient => "unknown-client",
        PageError::RedirectUriMissing | PageError::RedirectUriUnknown(_) => "bad-redirect-uri",
        PageError::Params(_) => "invalid-request",
    };
    PageFailure::new(StatusCode::BAD_REQUEST, kind, "invalid_request", error).at_fault(error.parameter())
}

/// RFC 9700 §4.11.2: a client that anybody may have registered does not get people who have not signed in sent on to
/// its address. They see a page. `Choice:` in a frame nobody is led anywhere: there the client gets the answer to whether
/// they are signed in (OpenID Connect Core §3.1.2.6), and no other.
///
/// # Errors
/// That page.
pub(super) fn refuse_stranger(
    call: &Call,
    head: &Head,
    browser: &Browser,
    client: &Client,
    error: &RedirectError,
) -> Result<(), PageFailure> {
    let anybody = is_unverified(client) && call.tenant.settings.client_registration == Registration::Open;
    let signed_in = browser.sessions().iter().any(|session| session.is_alive(call.now));
    let silent =
        matches!(error.refusal, Refusal::LoginRequired | Refusal::AccountSelectionRequired | Refusal::ConsentRequired);
    let in_a_frame = head.header("sec-fetch-dest") == Some("iframe");
    if !anybody || signed_in || (silent && in_a_frame) {
        return Ok(());
    }
    let code = error.refusal.code().as_str();
    let failure = PageFailure::new(StatusCode::BAD_REQUEST, "invalid-request", code, &error.refusal);
    Err(failure.at_fault(error.refusal.parameter()))
}

/// Sends a refusal back to the client (RFC 6749 §4.1.2.1).
pub(super) fn refuse(
    call: &Call,
    head: &Head,
    client: &Arc<Client>,
    error: RedirectError,
    ui_locales: Option<&str>,
) -> Handled {
    let RedirectError { return_to, refusal } = error;
    let description = format!("{refusal} (reference {})", call.reference);
    let carried =
        authorization_response::carry(&return_to, &Answer::Error(refusal.code(), &description), &call.tenant.issuer);
    let m = language(call, head, ui_locales);
    let mut response = carry(call, m, carried, client.display_name(), &return_to.redirect_uri)?;
    response.extensions_mut().insert(crate::failure::Logged(format!("{}: {refusal}", refusal.code().as_str())));
    Ok(response)
}
