//! What one request may know: its tenant, that tenant's store, the time, and who asks.

use std::future::Ready;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use moka::Entry;
use moka::future::Cache;
use poem::http::{HeaderMap, Method, Uri};
use serde::Serialize;
use tokio::sync::Mutex;
use url::Url;

use crate::clock::Clock;
use crate::keys::{self, KeyError, KeyRing};
use crate::outbound::{Fetcher, IpNet};
use crate::password_pool::PasswordPool;
use crate::protocol::audit_event::AuditEvent;
use crate::protocol::client::{Client, ClientAuthenticationMethod};
use crate::protocol::client_authentication::{
    self, AssertionRules, AuthenticatedClient, ClientAuthenticationError, Credential, Failures, Presented,
};
use crate::protocol::identifiers::{ClientId, TenantId};
use crate::protocol::json_web_key::{KeySet, MAX_KEY_SET_BYTES};
use crate::protocol::jws::{HeaderAlgorithm, UnverifiedJws};
use crate::protocol::params::Params;
use crate::protocol::policy::TenantStatus;
use crate::protocol::secret::SecretHash;
use crate::protocol::signature::SignatureAlgorithm;
use crate::protocol::timestamp::Timestamp;
use crate::sign_in::throttle::{Attempts, Limit, NEW_ACCOUNTS_OF_NETWORK, NEW_ACCOUNTS_OF_TENANT};
use crate::store::{Change, Store, StoreError, TenantStore};
use crate::tenant::{Directory, Tenant};
use crate::verified_tokens::VerifiedTokens;

/// A client's key set is asked for again after so long.
const KEY_SET_LIFETIME: Duration = Duration::from_secs(600);
/// For an unknown `kid` it is asked for again, but not more often than every so many seconds.
const KEY_SET_RETRY: i64 = 5;
/// Names of nobody that are counted at most, and how long.
const STRANGERS: u64 = 100_000;
const STRANGERS_LIFETIME: Duration = Duration::from_secs(86_400);
/// Names at which somebody signs in at the same moment, at most.
const TURNS: u64 = 100_000;
const TURNS_LIFETIME: Duration = Duration::from_secs(60);
/// Clients and addresses whose failed authentications are counted, at most, and how long: longer than they count.
const FAILURES: u64 = 100_000;
const FAILURES_LIFETIME: Duration = Duration::from_secs(600);
/// Networks and tenants whose attempts to make accounts are counted, at most, and how long: longer than they count.
const REGISTRATIONS: u64 = 100_000;
const REGISTRATIONS_LIFETIME: Duration = Duration::from_secs(7200);
/// Key sets of clients kept in memory at most.
const KEY_SETS: u64 = 10_000;

/// The running server: what all requests share.
pub struct App {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Tenants and clients.
    pub directory: Directory,
    /// The threads that hash passwords.
    pub passwords: PasswordPool,
    /// The only way out.
    pub fetcher: Arc<Fetcher>,
    /// The origin that path issuers are below: `https://id.example.com`.
    pub origin: String,
    /// Whether browsers reach us by https: decides the names and flags of cookies.
    pub https: bool,
    /// Whether this is a development server.
    pub dev: bool,
    /// Networks whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Access tokens that need not be verified again.
    pub verified_tokens: VerifiedTokens,
    key_sets: Cache<(TenantId, ClientId), Arc<FetchedKeys>>,
    /// Failed sign-ins of names that belong to nobody, slowed like those of people; kept in memory alone and bounded,
    /// so that nobody fills the database from outside.
    pub strangers: Cache<(TenantId, Vec<u8>), (i64, Timestamp)>,
    turns: Cache<(TenantId, Vec<u8>), Arc<Mutex<()>>>,
    failures: Cache<(TenantId, ClientId, Option<IpAddr>), Failures>,
    /// Attempts to make an account, by network and all together: in caches of their own, so that many networks do not
    /// push a tenant out.
    registrations: Cache<(TenantId, Option<IpAddr>), Attempts>,
    newcomers: Cache<TenantId, Attempts>,
}

struct FetchedKeys {
    keys: Arc<KeySet>,
    fetched_at: Timestamp,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// The threads that hash passwords.
    pub passwords: PasswordPool,
    /// The only way out.
    pub fetcher: Arc<Fetcher>,
    /// See [`App::origin`].
    pub origin: String,
    /// See [`App::dev`].
    pub dev: bool,
    /// See [`App::trusted_proxies`].
    pub trusted_proxies: Vec<IpNet>,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, clock, passwords, fetcher, origin, dev, trusted_proxies } = parts;
        Self {
            directory: Directory::new(store.clone(), &origin),
            https: origin.starts_with("https://"),
            turns: Cache::builder().max_capacity(TURNS).time_to_idle(TURNS_LIFETIME).build(),
            failures: Cache::builder().max_capacity(FAILURES).time_to_live(FAILURES_LIFETIME).build(),
            strangers: Cache::builder().max_capacity(STRANGERS).time_to_live(STRANGERS_LIFETIME).build(),
            registrations: Cache::builder().max_capacity(REGISTRATIONS).time_to_live(REGISTRATIONS_LIFETIME).build(),
            newcomers: Cache::builder().max_capacity(REGISTRATIONS).time_to_live(REGISTRATIONS_LIFETIME).build(),
            key_sets: Cache::builder().max_capacity(KEY_SETS).time_to_live(KEY_SET_LIFETIME).build(),
            verified_tokens: VerifiedTokens::default(),
            store,
            clock,
            passwords,
            fetcher,
            origin,
            dev,
            trusted_proxies,
        }
    }

    /// Whose turn it is to sign in under this name, in this process: whoever holds it.
    pub async fn turn(&self, tenant: TenantId, name: &str) -> Arc<Mutex<()>> {
        let key = (tenant, SecretHash::of(name).bytes().to_vec());
        self.turns.get_with(key, async { Arc::default() }).await
    }
}

/// One request, in its tenant.
#[derive(Clone)]
pub struct Call {
    /// What all requests share.
    pub app: Arc<App>,
    /// The issuer.
    pub tenant: Arc<Tenant>,
    /// What belongs to the tenant.
    pub store: TenantStore,
    /// Now: the same instant for the whole request.
    pub now: Timestamp,
    /// Names the request in the log, in the audit trail and on error pages.
    pub reference: Arc<str>,
    /// Who asks.
    pub peer: Peer,
}

/// Who asks.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The address, from the socket or a trusted proxy.
    pub address: Option<IpAddr>,
    /// What the browser calls itself, cut to a bearable length.
    pub user_agent: Option<Arc<str>>,
}

/// The parts of a request that handlers look at besides its body.
#[derive(Clone, Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// The address, below the issuer.
    pub uri: Uri,
    /// The headers.
    pub headers: Arc<HeaderMap>,
}

impl Head {
    /// The only value of a header; `None` if it is absent, twice there or not text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        }
    }

    /// The query, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.uri.query().filter(|query| !query.is_empty())
    }
}

impl Call {
    /// A client of this tenant.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn client(&self, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        self.app.directory.client(&self.tenant, id).await
    }

    /// The row of an audit event, with what is known of the person's surroundings.
    pub fn audit(&self, event: AuditEvent) -> Change {
        let mut event = event;
        if event.subject.is_some() {
            if let Some(address) = self.peer.address {
                event = event.personal("address", address.to_string());
            }
            if let Some(agent) = &self.peer.user_agent {
                event = event.personal("user_agent", agent.as_ref());
            }
        }
        self.store.audit(&event, self.app.clock.milliseconds())
    }

    /// An event about this request.
    pub fn event(&self, kind: crate::protocol::audit_event::AuditKind) -> AuditEvent {
        AuditEvent::new(kind, &self.reference)
    }

    /// Signs claims with the tenant's key of `algorithm`.
    ///
    /// # Errors
    /// The key cannot be had.
    pub async fn sign(
        &self,
        algorithm: SignatureAlgorithm,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, KeyError> {
        let key = keys::signer(&self.tenant, &self.store, algorithm, self.now).await?;
        Ok(key.sign_compact(typ, claims)?)
    }

    /// The tenant's keys as they are now.
    ///
    /// # Errors
    /// They cannot be had.
    pub async fn key_ring(&self) -> Result<Arc<KeyRing>, KeyError> {
        keys::ring(&self.tenant, &self.store, self.now).await
    }

    /// Whether the tenant is open.
    pub fn is_open(&self) -> bool {
        self.tenant.status == TenantStatus::Active
    }

    /// Counts an attempt to make an account, and says how many seconds must pass before it is looked at.
    pub async fn wait_to_register(&self) -> i64 {
        let (limit, key) = (NEW_ACCOUNTS_OF_NETWORK, (self.tenant.id, self.peer.address.map(network_of)));
        let known = self.app.registrations.entry(key).and_upsert_with(|known| one_more(known, limit, self.now)).await;
        known.into_value().wait_seconds(limit, self.now)
    }

    /// The same for an account that is about to be made, wherever it comes from.
    pub async fn wait_for_newcomers(&self) -> i64 {
        let (limit, key) = (NEW_ACCOUNTS_OF_TENANT, self.tenant.id);
        let known = self.app.newcomers.entry(key).and_upsert_with(|known| one_more(known, limit, self.now)).await;
        known.into_value().wait_seconds(limit, self.now)
    }

    /// The client that a request proves to come from: reads the credentials, loads the client and its keys,
    /// decides, and uses up the assertion. After many failures of a client from one address nothing is looked at for
    /// a while.
    ///
    /// # Errors
    /// The client is not authenticated, or the database failed.
    pub async fn authenticate(
        &self,
        head: &Head,
        params: &Params,
    ) -> Result<AuthenticatedClient, AuthenticationFailure> {
        if head.headers.get_all("authorization").iter().count() > 1 {
            return Err(ClientAuthenticationError::SeveralMethods.into());
        }
        let presented = Presented::read(head.header("authorization"), params)?;
        let key = (self.tenant.id, presented.client_id.clone(), self.peer.address.map(network_of));
        let wait = self.app.failures.get(&key).await.map_or(0, |failures| failures.wait_seconds(self.now));
        if wait > 0 {
            return Err(ClientAuthenticationError::TooManyFailures(presented.client_id, wait).into());
        }
        let proven = self.prove(&presented).await;
        let Err(AuthenticationFailure::Client(error)) = &proven else { return proven };
        let client = self.client(&presented.client_id).await?;
        let has_secret = client.is_some_and(|client| client.metadata.token_endpoint_auth_method.has_secret());
        if error.is_guess(has_secret) {
            let one_more = |known: Option<Entry<_, Failures>>| {
                let before = known.map(Entry::into_value);
                std::future::ready(Failures::one_more(before, self.now))
            };
            self.app.failures.entry(key).and_upsert_with(one_more).await;
        }
        proven
    }

    async fn prove(&self, presented: &Presented) -> Result<AuthenticatedClient, AuthenticationFailure> {
        let client = self.client(&presented.client_id).await?.ok_or(ClientAuthenticationError::UnknownClient)?;
        let keys = self.keys_for(presented, &client).await?;
        let token_endpoint = self.tenant.at("token");
        let rules = AssertionRules {
            issuer: &self.tenant.issuer,
            token_endpoint: &token_endpoint,
            audience: self.tenant.settings.client_assertion_audience,
            now: self.now,
        };
        let (client, used) = client_authentication::check(presented, client, keys.as_deref(), &rules)?;
        if let Some(used) = used
            && !self.store.use_assertion(&used).await?
        {
            return Err(ClientAuthenticationError::Replayed(client.id().clone()).into());
        }
        Ok(client)
    }

    async fn keys_for(
        &self,
        presented: &Presented,
        client: &Arc<Client>,
    ) -> Result<Option<Arc<KeySet>>, ClientAuthenticationError> {
        let Credential::Assertion(jwt) = &presented.credential else { return Ok(None) };
        if client.metadata.token_endpoint_auth_method != ClientAuthenticationMethod::PrivateKeyJwt {
            return Ok(None);
        }
        let Some(uri) = &client.metadata.jwks_uri else { return Ok(client.keys.clone()) };
        let unavailable = |why: String| ClientAuthenticationError::KeysUnavailable(client.id.clone(), why);
        let key = (self.tenant.id, client.id.clone());
        if let Some(fetched) = self.app.key_sets.get(&key).await {
            let known = UnverifiedJws::parse(jwt).is_ok_and(|jws| match jws.header().algorithm() {
                HeaderAlgorithm::Signature(algorithm) => fetched.keys.select(jws.header().kid(), algorithm).is_ok(),
                HeaderAlgorithm::Hs256 => false,
            });
            if known || self.now.since(fetched.fetched_at) < KEY_SET_RETRY {
                return Ok(Some(fetched.keys.clone()));
            }
        }
        let url = Url::parse(uri).map_err(|error| unavailable(error.to_string()))?;
        let answer =
            self.app.fetcher.get_json(&url, MAX_KEY_SET_BYTES).await.map_err(|error| unavailable(error.to_string()))?;
        if !answer.status.is_success() {
            return Err(unavailable(format!("jwks_uri answers {}", answer.status)));
        }
        let keys = KeySet::parse_document(&answer.body).map_err(|error| unavailable(error.to_string()))?;
        let keys = Arc::new(keys);
        let fetched = Arc::new(FetchedKeys { keys: keys.clone(), fetched_at: self.now });
        self.app.key_sets.insert(key, fetched).await;
        Ok(Some(keys))
    }
}

fn one_more<K>(known: Option<Entry<K, Attempts>>, limit: Limit, now: Timestamp) -> Ready<Attempts> {
    std::future::ready(Attempts::one_more(known.map(Entry::into_value), limit, now))
}

/// Where an address belongs: with IPv6 a guesser has as many addresses as there are in a network of 64 bits.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

/// Why a client is not let in.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticationFailure {
    /// It did not prove who it is.
    #[error("{0}")]
    Client(#[from] ClientAuthenticationError),
    /// The database failed.
    #[error("{0}")]
    Store(#[from] StoreError),
}
