//! Who is the issuer: a tenant, ready for requests, and the directory that finds it by path or host.
//!
//! Tenants, clients and keys are loaded when they are first needed, shared behind `Arc`, and dropped when a notice
//! says that they have changed or when nobody asked for them for a while.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use moka::future::Cache;
use tokio::sync::{Mutex, RwLock};
use uuid::Uuid;

use crate::clock::Clock;
use crate::keys::KeyRing;
use crate::pages::theme::{self, Theme, ThemeError};
use crate::protocol::capabilities::Capabilities;
use crate::protocol::client::Client;
use crate::protocol::identifiers::{ClientId, Slug, TenantId};
use crate::protocol::metadata;
use crate::protocol::origins::Origins;
use crate::protocol::policy::TenantStatus;
use crate::protocol::scope::Scope;
use crate::protocol::tenant_settings::{TenantSettings, ThemeSettings};
use crate::protocol::timestamp::Timestamp;
use crate::seal::{KeyedHash, RootSecret, SealError, Sealer};
use crate::store::notices::Notice;
use crate::store::tenants::{ResourceRecord, TenantRecord};
use crate::store::{Store, StoreError};

/// Tenants kept in memory at most.
const TENANTS: u64 = 20_000;
/// Clients kept in memory at most.
const CLIENTS: u64 = 50_000;
/// What nobody asked for in this time is dropped: an idle tenant costs nothing.
const IDLE: Duration = Duration::from_secs(600);
/// Seconds for which the origins of a tenant's clients are kept.
const ORIGINS_LIFETIME: i64 = 60;
/// Whatever happens, nothing is older than this; notices make it much fresher.
const OLDEST: Duration = Duration::from_secs(3600);

/// The keys of a tenant, one for each purpose, derived from its root secret.
pub struct Secrets {
    /// Seals requests into handles.
    pub handle: Sealer,
    /// Seals opaque access tokens.
    pub access_token: Sealer,
    /// Seals signing keys at rest.
    pub signing_key: Sealer,
    /// Seals client secrets that a MAC needs.
    pub client_secret: Sealer,
    /// Derives refresh tokens.
    pub refresh_token: KeyedHash,
    /// Derives anti-forgery tokens.
    pub anti_forgery: KeyedHash,
    /// Derives the marks by which a browser is known to have signed a person in.
    pub known_browser: KeyedHash,
}

impl Secrets {
    fn of(root: &RootSecret) -> Result<Self, SealError> {
        Ok(Self {
            handle: root.sealer("interaction handle")?,
            access_token: root.sealer("access token")?,
            signing_key: root.sealer("signing key")?,
            client_secret: root.sealer("client secret")?,
            refresh_token: root.keyed_hash("refresh token")?,
            anti_forgery: root.keyed_hash("anti-forgery")?,
            known_browser: root.keyed_hash("known browser")?,
        })
    }
}

/// A document that is made once and served many times.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its bytes.
    pub body: Bytes,
    /// Its strong entity tag (RFC 9110 §8.8.3).
    pub etag: Arc<str>,
}

impl Document {
    /// Of some bytes.
    pub fn of(body: Vec<u8>) -> Self {
        use base64::Engine as _;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body);
        let tag =
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest.as_ref().get(..12).unwrap_or_default());
        Self { body: body.into(), etag: format!("\"{tag}\"").into() }
    }
}

/// The stylesheet of a tenant's own colours, made once.
#[derive(Clone, Debug)]
pub struct ThemeSheet {
    /// Its name, with a hash of what it says.
    pub file_name: String,
    /// What it says.
    pub css: String,
}

impl ThemeSheet {
    fn of(settings: &ThemeSettings) -> Option<Self> {
        if *settings == ThemeSettings::default() {
            return None;
        }
        let theme = theme_of(settings).ok()?;
        Some(Self { file_name: theme.file_name(), css: theme.css() })
    }
}

/// The theme that the settings describe.
///
/// # Errors
/// A value that is none, or colours that cannot be told apart.
pub fn theme_of(settings: &ThemeSettings) -> Result<Theme, ThemeError> {
    Theme::parse(&theme::ThemeSettings {
        accent_light: settings.accent_light.as_deref(),
        accent_dark: settings.accent_dark.as_deref(),
        surface_light: settings.surface_light.as_deref(),
        surface_dark: settings.surface_dark.as_deref(),
        radius_px: settings.radius_px.map(|radius| u8::try_from(radius).unwrap_or(u8::MAX)),
        font: settings.font.as_deref(),
        color_scheme: settings.color_scheme.as_deref(),
    })
}

/// A tenant, ready for requests.
pub struct Tenant {
    /// Which.
    pub id: TenantId,
    /// Its name in paths.
    pub slug: Slug,
    /// What people read.
    pub name: String,
    /// The issuer identifier: never ends in a slash (CONTRACT).
    pub issuer: String,
    /// The path of the issuer: `/t/{slug}`, or empty for a tenant with its own host.
    pub path: String,
    /// Whether it is open.
    pub status: TenantStatus,
    /// What it has set.
    pub settings: TenantSettings,
    /// What it has switched on.
    pub capabilities: Capabilities,
    /// Its keys for single purposes.
    pub secrets: Secrets,
    /// Its APIs.
    pub resources: Vec<ResourceRecord>,
    /// Its metadata document.
    pub metadata: Document,
    /// Its colours, if it has set any that can be read.
    pub theme: Option<ThemeSheet>,
    /// The origins of its clients, and when somebody last set out to look them up.
    origins: std::sync::Mutex<(Option<Timestamp>, Arc<Origins>)>,
    pub(crate) keys: RwLock<Option<Arc<KeyRing>>>,
    /// Held by whoever loads the keys.
    pub(crate) loading_keys: Mutex<()>,
    /// Held by whoever makes a key, so that those who need it at the same time wait for it.
    pub(crate) making_key: Mutex<()>,
}

impl Tenant {
    fn new(record: TenantRecord, resources: Vec<ResourceRecord>, origin: &str) -> Result<Self, SealError> {
        let (issuer, path) = match &record.host {
            Some(host) => (format!("https://{host}"), String::new()),
            None => (format!("{origin}/t/{}", record.slug), format!("/t/{}", record.slug)),
        };
        let capabilities = Capabilities::of(&record.settings);
        let more = resources.iter().fold(Scope::default(), |all, resource| all.union(&resource.scope));
        let locales: Vec<&str> = crate::LOCALES.to_vec();
        let document = metadata::document(&issuer, &capabilities, &more, &locales);
        Ok(Self {
            id: record.id,
            slug: record.slug,
            name: record.name,
            path,
            status: record.status,
            metadata: Document::of(serde_json::to_vec(&document).unwrap_or_default()),
            capabilities,
            secrets: Secrets::of(&record.root_secret)?,
            theme: ThemeSheet::of(&record.settings.theme),
            settings: record.settings,
            resources,
            issuer,
            origins: std::sync::Mutex::default(),
            keys: RwLock::new(None),
            loading_keys: Mutex::default(),
            making_key: Mutex::default(),
        })
    }

    /// Whether `resource` may be asked for (RFC 8707); the issuer itself always may.
    pub fn knows_resource(&self, resource: &str) -> bool {
        resource == self.issuer || self.resources.iter().any(|known| known.resource == resource)
    }

    /// An address below the issuer.
    pub fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.issuer)
    }
}

/// Finds tenants and clients.
pub struct Directory {
    store: Store,
    origin: String,
    by_slug: Cache<Slug, Arc<Tenant>>,
    by_host: Cache<String, Arc<Tenant>>,
    clients: Cache<(TenantId, ClientId), Arc<Client>>,
    /// The notices that were acted on, and when they will be once more.
    acted: Mutex<HashMap<Uuid, Option<Timestamp>>>,
}

impl Directory {
    /// A directory over `store`; path issuers are below `origin`.
    pub fn new(store: Store, origin: &str) -> Self {
        let tenants = || Cache::builder().max_capacity(TENANTS).time_to_idle(IDLE).time_to_live(OLDEST);
        Self {
            store,
            origin: origin.to_owned(),
            acted: Mutex::default(),
            by_slug: tenants().support_invalidation_closures().build(),
            by_host: Cache::builder()
                .max_capacity(TENANTS)
                .time_to_idle(IDLE)
                .time_to_live(OLDEST)
                .support_invalidation_closures()
                .build(),
            clients: Cache::builder()
                .max_capacity(CLIENTS)
                .time_to_idle(IDLE)
                .time_to_live(OLDEST)
                .support_invalidation_closures()
                .build(),
        }
    }

    async fn load(&self, record: Option<TenantRecord>) -> Result<Option<Arc<Tenant>>, StoreError> {
        let Some(record) = record else { return Ok(None) };
        let resources = self.store.of(record.id).resources().await?;
        let tenant = Tenant::new(record, resources, &self.origin).map_err(|source| StoreError::Sealed {
            table: "tenant",
            column: "root_secret",
            source: Arc::new(source),
        })?;
        Ok(Some(Arc::new(tenant)))
    }

    /// The tenant of a path issuer; one with a host of its own has no path.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read: only this tenant is concerned.
    pub async fn by_slug(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, StoreError> {
        Ok(self.named(slug).await?.filter(|tenant| !tenant.path.is_empty()))
    }

    /// The tenant with this name, wherever its issuer is: for administrators and background work.
    ///
    /// # Errors
    /// As [`Directory::by_slug`].
    pub async fn named(&self, slug: &Slug) -> Result<Option<Arc<Tenant>>, StoreError> {
        if let Some(tenant) = self.by_slug.get(slug).await {
            return Ok(Some(tenant));
        }
        let loaded = self.load(self.store.tenant_by_slug(slug).await?).await?;
        if let Some(tenant) = &loaded {
            self.by_slug.insert(slug.clone(), tenant.clone()).await;
        }
        Ok(loaded)
    }

    /// The tenant that has its own host.
    ///
    /// # Errors
    /// As [`Directory::by_slug`].
    pub async fn by_host(&self, host: &str) -> Result<Option<Arc<Tenant>>, StoreError> {
        if let Some(tenant) = self.by_host.get(host).await {
            return Ok(Some(tenant));
        }
        let loaded = self.load(self.store.tenant_by_host(host).await?).await?;
        if let Some(tenant) = &loaded {
            self.by_host.insert(host.to_owned(), tenant.clone()).await;
        }
        Ok(loaded)
    }

    /// A client of a tenant.
    ///
    /// # Errors
    /// A failure of the database, or a row that cannot be read.
    pub async fn client(&self, tenant: &Tenant, id: &ClientId) -> Result<Option<Arc<Client>>, StoreError> {
        let key = (tenant.id, id.clone());
        if let Some(client) = self.clients.get(&key).await {
            return Ok(Some(client));
        }
        let loaded = self.store.of(tenant.id).client(id, &tenant.secrets.client_secret).await?.map(Arc::new);
        if let Some(client) = &loaded {
            self.clients.insert(key, client.clone()).await;
        }
        Ok(loaded)
    }

    /// The origins of the tenant's clients, as they were a minute ago or so: whatever strangers send, the database is
    /// asked for them once in that time. Nobody waits for somebody else who asks, nor again after a failure: they get
    /// what was known before.
    ///
    /// # Errors
    /// A failure of the database.
    pub async fn origins(&self, tenant: &Tenant, now: Timestamp) -> Result<Arc<Origins>, StoreError> {
        let known = || tenant.origins.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut known = known();
            if known.0.is_some_and(|asked_at| now.since(asked_at) < ORIGINS_LIFETIME) {
                return Ok(known.1.clone());
            }
            known.0 = Some(now);
        }
        let origins = Arc::new(self.store.of(tenant.id).client_origins().await?);
        known().1 = origins.clone();
        Ok(origins)
    }

    /// Forgets what has changed.
    pub async fn forget(&self, tenant: TenantId, notice: &Notice) {
        match notice {
            Notice::Client(id) => {
                if let Some(id) = ClientId::parse(id) {
                    self.clients.invalidate(&(tenant, id)).await;
                }
            }
            Notice::Tenant => {
                let _ = self.by_slug.invalidate_entries_if(move |_, cached| cached.id == tenant);
                let _ = self.by_host.invalidate_entries_if(move |_, cached| cached.id == tenant);
                let _ = self.clients.invalidate_entries_if(move |(of, _), _| *of == tenant);
            }
        }
    }

    /// Acts on the notices of the last seconds; called about once a second on every replica.
    ///
    /// # Errors
    /// A failure of the database: what is cached then stays as it is.
    pub async fn catch_up(&self, clock: &Clock) -> Result<(), StoreError> {
        /// A notice is dated when its request began; the longest that may be set for a request, and some more.
        const OVERLAP: i64 = 330;
        /// Longer than it takes to load a tenant.
        const SETTLED: i64 = 5;
        let now = clock.now();
        let found = self.store.notices_since(now.plus(-OVERLAP)).await?;
        let mut acted = self.acted.lock().await;
        let current: HashSet<Uuid> = found.iter().map(|noticed| noticed.id).collect();
        acted.retain(|known, _| current.contains(known));
        for noticed in found {
            // Twice: at first sight, and again when no load that began before can still put the old state into memory.
            let again = match acted.get(&noticed.id) {
                None => Some(now.plus(SETTLED)),
                Some(Some(due)) if *due <= now => None,
                Some(_) => continue,
            };
            self.forget(noticed.tenant, &noticed.notice).await;
            acted.insert(noticed.id, again);
        }
        Ok(())
    }
}
