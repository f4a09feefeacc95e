//! The `openidconnect` crate as a relying party: a stranger's code against a whole server, over TLS, at a path issuer.
//!
//! What it takes for right it has checked itself: discovery, key set, ID token, `at_hash`, userinfo, errors, logout.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;

use chancery::clock::Clock;
use chancery::listener::{Limits, serve};
use chancery::tls::{ClientCertificates::Off, TlsVersion, server_config};
use openidconnect::core::{
    CoreAuthPrompt, CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreIdToken, CoreIdTokenClaims,
    CoreIdTokenVerifier, CoreProviderMetadata, CoreTokenType, CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, LogoutRequest, Nonce, NonceVerifier,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadataWithLogout,
    RedirectUrl, RequestTokenError, Scope, TokenResponse,
};
use rcgen::generate_simple_self_signed;
use reqwest::redirect::Policy;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use url::Url;

use crate::support::agent::{Form, forms};
use crate::support::{Engine, PASSWORD, SECRET, Server};

const CALLBACK: &str = "https://app.example/cb";
/// What the crate knows of what we sign with; it overlooks `Ed25519` (RFC 9864). Also names of clients.
const ALGORITHMS: [&str; 4] = ["ES256", "EdDSA", "RS256", "PS256"];
const SIGNED_OUT: &str = "https://app.example/out";

type RelyingParty =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// A server behind a socket of its own, with the clock of the machine, which is the clock of the crate.
struct Listening {
    issuer: IssuerUrl,
    http: reqwest::Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
    _kept: (watch::Sender<Arc<rustls::ServerConfig>>, Server),
}

impl Listening {
    async fn start(engine: Engine) -> Self {
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = tcp.local_addr().unwrap();
        let origin = format!("https://localhost:{}", address.port());
        let server = Server::reachable(engine, &origin, Clock::System).await;
        for name in ALGORITHMS {
            let client = json!({ "client_id": name, "client_secret": SECRET, "redirect_uris": [CALLBACK],
                                 "first_party": true, "id_token_signed_response_alg": name });
            server.client(client).await;
        }

        // The default of rcgen: ECDSA on P-256.
        let own = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (certificate, key) = (own.cert.pem(), own.signing_key.serialize_pem());
        let config = server_config(certificate.as_bytes(), key.as_bytes(), TlsVersion::V1_2, Off).unwrap();
        let (certificates, tls) = watch::channel(Arc::new(config));
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async { drop(stopped.await) };
        let served = tokio::spawn(serve(tcp, Some(tls), server.endpoint(), Limits::default(), shutdown));

        let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).resolve("localhost", address);
        let http = http.https_only(true).redirect(Policy::none()).build().unwrap();
        let issuer = IssuerUrl::new(format!("{origin}/t/{}", server.slug)).unwrap();
        Self { issuer, http, stop, served, _kept: (certificates, server) }
    }

    /// Ends the server, whose connections all end with it.
    async fn end(self) {
        drop(self.http);
        self.stop.send(()).unwrap();
        self.served.await.unwrap().unwrap();
    }

    /// How the crate speaks HTTP.
    fn wire(&self) -> impl Fn(HttpRequest) -> Wired {
        let http = self.http.clone();
        move |request| Box::pin(carry(http.clone(), request))
    }

    /// A relying party that knows nothing but its issuer, its name and its secret.
    fn relying_party(&self, metadata: &CoreProviderMetadata, name: &str) -> RelyingParty {
        let (id, secret) = (ClientId::new(name.to_owned()), ClientSecret::new(SECRET.to_owned()));
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, Some(secret));
        client.set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap())
    }
}

type Wired = Pin<Box<dyn Future<Output = Result<HttpResponse, reqwest::Error>> + Send>>;

async fn carry(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let answer = http.execute(request.try_into()?).await?;
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = HttpResponse::new(answer.bytes().await?.to_vec());
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

/// A browser of alice: it heeds the `Path` of cookies, and stops where the relying party begins.
struct Browser<'a> {
    server: &'a Listening,
    /// Name to path and value.
    cookies: BTreeMap<String, (String, String)>,
    /// How many forms it has filled in.
    submitted: usize,
}

impl Browser<'_> {
    /// Follows redirects and fills in forms until it is sent to another origin.
    async fn go(&mut self, to: Url) -> Url {
        let (mut at, mut form) = (to, None::<Form>);
        for _ in 0..10 {
            let (status, location, page) = self.send(&at, form.take()).await;
            if let Some(location) = location {
                at = at.join(&location).unwrap();
                if at.origin() != self.server.issuer.url().origin() {
                    return at;
                }
                continue;
            }
            let found = forms(&page).into_iter().find(|form| form.action.ends_with("/password"));
            let found = found.unwrap_or_else(|| panic!("{status} {at}: {page}"));
            at = at.join(&found.action).unwrap();
            form = Some(found.set("username", "alice").set("password", PASSWORD));
        }
        panic!("no end of redirects at {at}")
    }

    async fn send(&mut self, at: &Url, form: Option<Form>) -> (u16, Option<String>, String) {
        let sent = self.cookies.iter().filter(|(_, (path, _))| is_below(at.path(), path));
        let sent: Vec<String> = sent.map(|(name, (_, value))| format!("{name}={value}")).collect();
        let http = &self.server.http;
        let request = match form {
            None => http.get(at.clone()),
            Some(form) => {
                self.submitted += 1;
                let request =
                    http.post(at.clone()).header("origin", self.server.issuer.url().origin().ascii_serialization());
                request.header("content-type", "application/x-www-form-urlencoded").body(form.body())
            }
        };
        let request = request.header("accept", "text/html").header("cookie", sent.join("; "));
        let answer = request.send().await.unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap();
            let (name, rest) = cookie.split_once('=').unwrap();
            let parts: Vec<&str> = rest.split("; ").collect();
            let path = parts.iter().find_map(|one| one.strip_prefix("Path=")).unwrap_or("/").to_owned();
            assert!(parts.contains(&"Secure") && is_below(at.path(), &path), "{cookie}");
            self.cookies.insert(name.to_owned(), (path, parts[0].to_owned()));
            self.cookies.retain(|known, _| known != name || !parts.contains(&"Max-Age=0"));
        }
        let location = answer.headers().get("location").map(|location| location.to_str().unwrap().to_owned());
        (answer.status().as_u16(), location, answer.text().await.unwrap())
    }
}

/// RFC 6265 §5.1.4.
fn is_below(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.ends_with('/'))
}

fn param(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// What the relying party keeps of its request until the answer.
struct Asked {
    url: Url,
    state: CsrfToken,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
}

fn ask(client: &RelyingParty, prompt: Option<CoreAuthPrompt>) -> Asked {
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let flow = CoreAuthenticationFlow::AuthorizationCode;
    let scopes = ["profile", "email", "phone", "address", "offline_access"].map(|name| Scope::new(name.to_owned()));
    let request = client.authorize_url(flow, CsrfToken::new_random, Nonce::new_random).add_scopes(scopes);
    let request = prompt.into_iter().fold(request, |request, prompt| request.add_prompt(prompt));
    let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
    Asked { url, state, nonce, verifier }
}

/// The answer is for us, from the issuer we asked (RFC 9207 §2.4), and brings a code.
fn code(server: &Listening, asked: &Asked, back: &Url) -> AuthorizationCode {
    assert!(back.as_str().starts_with(&format!("{CALLBACK}?")), "{back}");
    assert_eq!(param(back, "state").as_ref(), Some(asked.state.secret()), "{back}");
    assert_eq!(param(back, "iss").as_deref(), Some(server.issuer.as_str()), "{back}");
    AuthorizationCode::new(param(back, "code").unwrap_or_else(|| panic!("no code: {back}")))
}

/// The claims, verified by the crate, of an ID token that goes with an access token.
fn verified<'a>(
    id_token: &'a CoreIdToken,
    verifier: &CoreIdTokenVerifier<'_>,
    access_token: &AccessToken,
    nonce: impl NonceVerifier,
) -> &'a CoreIdTokenClaims {
    let claims = id_token.claims(verifier, nonce).unwrap_or_else(|error| panic!("{error:?}"));
    let (alg, key) = (id_token.signing_alg().unwrap(), id_token.signing_key(verifier).unwrap());
    let expected = AccessTokenHash::from_token(access_token, alg, key).unwrap();
    assert_eq!(claims.access_token_hash(), Some(&expected), "OIDC Core §3.1.3.6");
    claims
}

#[tokio::test]
async fn the_openidconnect_crate_signs_people_in_and_out_over_tls() {
    everything(Engine::Sqlite).await;
    if std::env::var_os("CHANCERY_TEST_POSTGRES").is_some() {
        everything(Engine::Postgres).await;
    }
}

async fn everything(engine: Engine) {
    let server = Listening::start(engine).await;
    let wire = server.wire();
    let metadata = CoreProviderMetadata::discover_async(server.issuer.clone(), &wire).await.unwrap();
    assert_eq!(metadata.issuer(), &server.issuer);
    let client = server.relying_party(&metadata, "web");
    let verifier = client.id_token_verifier();
    let mut browser = Browser { server: &server, cookies: BTreeMap::new(), submitted: 0 };

    // Alice signs in, and the code becomes tokens that the crate finds right.
    let asked = ask(&client, None);
    let back = browser.go(asked.url.clone()).await;
    assert_eq!(browser.submitted, 1, "one form, because `web` is a first party");
    let request = client.exchange_code(code(&server, &asked, &back)).unwrap();
    let tokens = request.set_pkce_verifier(asked.verifier).request_async(&wire).await.unwrap();
    assert_eq!(tokens.token_type(), &CoreTokenType::Bearer);
    let (id_token, access_token) = (tokens.id_token().unwrap(), tokens.access_token());
    let claims = verified(id_token, &verifier, access_token, &asked.nonce);

    // Userinfo is about the same person: otherwise the crate refuses it.
    let request = client.user_info(access_token.clone(), Some(claims.subject().clone())).unwrap();
    let info: CoreUserInfoClaims = request.request_async(&wire).await.unwrap();
    assert_eq!(info.name().unwrap().get(None).unwrap().as_str(), "Alice Example");
    assert_eq!(info.preferred_username().unwrap().as_str(), "alice");
    assert_eq!((info.email().unwrap().as_str(), info.email_verified()), ("alice@acme.example", Some(true)));
    assert_eq!((info.phone_number().unwrap().as_str(), info.phone_number_verified()), ("+15550100", Some(false)));
    assert_eq!(info.address().unwrap().country.as_ref().unwrap().as_str(), "DE");

    // A refresh brings a new access token, and an ID token of the same sign-in without the nonce.
    let refresh_token = tokens.refresh_token().unwrap();
    let refreshed = client.exchange_refresh_token(refresh_token).unwrap().request_async(&wire).await.unwrap();
    assert_ne!(refreshed.access_token().secret(), access_token.secret());
    assert_ne!(refreshed.refresh_token().unwrap().secret(), refresh_token.secret());
    let none = |nonce: Option<&Nonce>| nonce.map_or(Ok(()), |_| Err("OIDC Core §12.2: a nonce".to_owned()));
    let again = verified(refreshed.id_token().unwrap(), &verifier, refreshed.access_token(), none);
    assert_eq!((again.subject(), again.auth_time()), (claims.subject(), claims.auth_time()));

    // The browser is known by now, so there are no more pages. A code for another verifier is worth nothing.
    let asked = ask(&client, None);
    let back = browser.go(asked.url.clone()).await;
    let (_, wrong) = PkceCodeChallenge::new_random_sha256();
    let request = client.exchange_code(code(&server, &asked, &back)).unwrap();
    let refused = request.set_pkce_verifier(wrong).request_async(&wire).await.unwrap_err();
    let RequestTokenError::ServerResponse(refused) = refused else { panic!("RFC 7636 §4.6: {refused:?}") };
    assert_eq!(refused.error(), &CoreErrorResponseType::InvalidGrant, "RFC 7636 §4.6");

    // Whatever it reads in the metadata as an algorithm for ID tokens, it can verify.
    let algorithms = metadata.id_token_signing_alg_values_supported();
    assert_eq!(json!(algorithms), json!(ALGORITHMS));
    for (alg, name) in algorithms.iter().zip(ALGORITHMS) {
        let client = server.relying_party(&metadata, name);
        let asked = ask(&client, None);
        let back = browser.go(asked.url.clone()).await;
        let request = client.exchange_code(code(&server, &asked, &back)).unwrap();
        let tokens = request.set_pkce_verifier(asked.verifier).request_async(&wire).await.unwrap();
        let id_token = tokens.id_token().unwrap();
        assert_eq!(id_token.signing_alg().unwrap(), alg);
        verified(id_token, &client.id_token_verifier(), tokens.access_token(), &asked.nonce);
    }
    assert_eq!(browser.submitted, 1, "the session answered for alice");

    // Logout by the address that the crate builds. Then nobody is signed in.
    let metadata = ProviderMetadataWithLogout::discover_async(server.issuer.clone(), &wire).await.unwrap();
    let end_session = metadata.additional_metadata().end_session_endpoint.clone().unwrap();
    let state = CsrfToken::new_random();
    let logout = LogoutRequest::from(end_session).set_id_token_hint(id_token).set_state(state.clone());
    let logout = logout.set_post_logout_redirect_uri(PostLogoutRedirectUrl::new(SIGNED_OUT.to_owned()).unwrap());
    let back = browser.go(logout.http_get_url()).await;
    assert_eq!(back.as_str(), format!("{SIGNED_OUT}?state={}", state.secret()));
    let asked = ask(&client, Some(CoreAuthPrompt::None));
    let back = browser.go(asked.url.clone()).await;
    assert_eq!(param(&back, "error").as_deref(), Some("login_required"), "{back}");
    assert_eq!(param(&back, "state").as_ref(), Some(asked.state.secret()));
    drop(wire);
    server.end().await;
}
