//! Fills a database of the product before it is measured: tenants are made by the store itself, because their
//! secrets are sealed for them; everything else is copied in bulk from rows that the server wrote, with keys of
//! its own, so that it has the server's formats whatever they are.

use std::path::Path as FilePath;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream::{self, StreamExt as _};
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use uuid::Uuid;

use super::failed;
use crate::cli::{SetupError, setup};
use crate::clock::Clock;
use crate::keys;
use crate::mint;
use crate::protocol::audit_event::{AuditEvent, AuditKind};
use crate::protocol::identifiers::{GrantId, Slug, TenantId};
use crate::protocol::refresh_token::RefreshToken;
use crate::protocol::tenant_settings::TenantSettings;
use crate::protocol::timestamp::Timestamp;
use crate::store::tenants::TenantDraft;
use crate::store::{Change, DatabaseSettings, Store, is_sqlite};
use crate::tenant::{Directory, Tenant};

/// Tenants that are asked in turn at most. They have signing keys from the start; the others get one when somebody
/// asks for it.
pub(super) const ASKED: u32 = 1000;
/// Refresh tokens of one person.
pub(super) const GRANTS: u64 = 10;
/// Refresh tokens that are spent in turn at most.
const SPENT: u64 = 20_000;
/// Tenants that are made at the same time: two commits of the writer.
const TOGETHER: usize = 512;
/// Rows in one INSERT: about a second, in which a server on SQLite can write nothing.
const CHUNK: u64 = 50_000;
/// What was made so many seconds ago is no news to a server that starts.
const PAST: i64 = 3600;

/// A database of the product, open for filling.
pub(super) struct Fill {
    store: Store,
    directory: Directory,
    raw: DatabaseConnection,
    columns: Vec<(String, String)>,
}

impl Fill {
    /// Opens a database to which `apply` has been.
    pub(super) async fn open(url: &str, master_key: &FilePath) -> Result<Self, SetupError> {
        let settings = DatabaseSettings { url: url.to_owned(), max_connections: 8, durable: true };
        let store = Store::open(&settings, &setup::master_key(master_key)?, false).await?;
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let raw = Database::connect(options).await.map_err(failed)?;
        if is_sqlite(url) {
            // 256 MiB of pages, and no waiting for the disk at each of our commits.
            raw.execute_unprepared("PRAGMA cache_size = -262144; PRAGMA synchronous = NORMAL").await.map_err(failed)?;
        }
        let columns = store.columns().await.map_err(failed)?;
        Ok(Self { directory: Directory::new(store.clone(), "http://localhost:65535"), store, raw, columns })
    }

    /// Makes tenants until there are `count` with the one of the benchmark, each with its clients and resources.
    /// Gives the slugs of those that are asked in turn, and the seconds it took.
    pub(super) async fn tenants(&self, count: u32) -> Result<(Vec<String>, f64), SetupError> {
        let began = Instant::now();
        if count < 2 {
            return Ok((vec!["bench".to_owned()], 0.0));
        }
        let past = Clock::System.now().plus(-PAST);
        let mut making =
            stream::iter(1..count).map(|number| self.tenant(slug(number), past)).buffer_unordered(TOGETHER);
        while let Some(made) = making.next().await {
            made?;
        }
        drop(making);
        for table in ["resource", "client"] {
            self.copy_to_all_tenants(table).await?;
        }
        let asked: Vec<String> = (1..count).take(ASKED as usize).map(slug).collect();
        for slug in &asked {
            self.key(slug, past).await?;
        }
        self.finish().await?;
        Ok((asked, began.elapsed().as_secs_f64()))
    }

    /// A tenant. It leaves no line in the audit trail: sealing a hundred thousand trails is not what is measured.
    async fn tenant(&self, slug: String, now: Timestamp) -> Result<(), SetupError> {
        let id = TenantId(mint::row_id(Clock::System.milliseconds()));
        let made = self.store.create_tenant(id, &draft(&slug)?, Change::new(), now).await.map_err(failed)?;
        if made { Ok(()) } else { Err(failed(format!("there is a tenant {slug} already"))) }
    }

    async fn find(&self, slug: &str) -> Result<std::sync::Arc<Tenant>, SetupError> {
        let missing = || failed(format!("there is no tenant {slug}"));
        let found = self.directory.named(&Slug::parse(slug).ok_or_else(missing)?).await;
        found.map_err(failed)?.ok_or_else(missing)
    }

    async fn key(&self, slug: &str, now: Timestamp) -> Result<(), SetupError> {
        let tenant = self.find(slug).await?;
        let store = self.store.of(tenant.id);
        keys::signer(&tenant, &store, tenant.settings.signing_alg, now).await.map_err(failed)?;
        Ok(())
    }

    /// Milliseconds of making single tenants as an administrator does, until each of them can sign.
    pub(super) async fn create_milliseconds(&self, times: u32) -> Result<Vec<f64>, SetupError> {
        let mut took = Vec::new();
        for number in 0..times {
            let began = Instant::now();
            let (slug, now) = (format!("new{number}"), Clock::System.now());
            let id = TenantId(mint::row_id(Clock::System.milliseconds()));
            let event = AuditEvent::new(AuditKind::TenantCreated, "bench").with("slug", slug.as_str());
            let audit = self.store.of(id).audit(&event, Clock::System.milliseconds());
            self.store.create_tenant(id, &draft(&slug)?, audit, now).await.map_err(failed)?;
            self.key(&slug, now).await?;
            took.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        Ok(took)
    }

    fn columns_of(&self, table: &str) -> impl Iterator<Item = &str> {
        self.columns.iter().filter(move |(of, _)| of == table).map(|(_, column)| column.as_str())
    }

    /// Gives every tenant the rows of the one that `apply` made.
    async fn copy_to_all_tenants(&self, table: &str) -> Result<(), SetupError> {
        let names = self.columns_of(table).map(quoted).collect::<Vec<_>>().join(", ");
        let values = self.columns_of(table).map(|name| match name {
            "tenant_id" => "other.id".to_owned(),
            name => format!("own.{}", quoted(name)),
        });
        let values = values.collect::<Vec<_>>().join(", ");
        self.execute(&format!(
            "INSERT INTO {table} ({names}) SELECT {values} FROM {table} AS own CROSS JOIN tenant AS other \
             WHERE own.tenant_id = (SELECT id FROM tenant WHERE slug = 'bench') AND other.slug <> 'bench'"
        ))
        .await
    }

    /// Makes `count` people, copies of the one who owns this refresh token: account, login identifier, password,
    /// session, and ten grants each. Gives the seconds it took.
    pub(super) async fn people(&self, count: u64, refresh_token: &str) -> Result<f64, SetupError> {
        let began = Instant::now();
        let own = self.owner(refresh_token).await?;
        let sql = Dialect(self.raw.get_database_backend());
        let (name, id, person) = ("'person-' || n.i".to_owned(), sql.id("n.i"), sql.id(&format!("n.i / {GRANTS}")));
        let allowed = format!(
            "replace(replace(own.allowed, '{}', {owner}), '{}', {owner})",
            own.user,
            own.session,
            owner = sql.id_text(&format!("n.i / {GRANTS}"))
        );
        let of_user = format!("user_id = {}", sql.literal(own.user));
        let by_id = |id: Uuid| format!("id = {}", sql.literal(id));
        let set = |pairs: &[(&'static str, &String)]| {
            pairs.iter().map(|(name, value)| (*name, (*value).clone())).collect::<Vec<_>>()
        };
        let random = sql.random_bytes();
        let one = "1".to_owned();
        let tables = [
            ("account", by_id(own.user), count, set(&[("id", &id), ("username", &name)])),
            (
                "login_identifier",
                format!("{of_user} AND kind = 'username'"),
                count,
                set(&[("value", &name), ("user_id", &id)]),
            ),
            ("credential", of_user, count, set(&[("user_id", &id)])),
            ("session", by_id(own.session), count, set(&[("id", &id), ("user_id", &id), ("secret_hash", &random)])),
            (
                "token_grant",
                by_id(own.grant),
                count * GRANTS,
                set(&[
                    ("id", &id),
                    ("user_id", &person),
                    ("session_id", &person),
                    ("allowed", &allowed),
                    ("generation", &one),
                ]),
            ),
        ];
        for (table, which, rows, replaced) in tables {
            for from in (0..rows).step_by(usize::try_from(CHUNK).unwrap_or(usize::MAX)) {
                let numbers = sql.numbers(from, rows.min(from + CHUNK));
                self.copy(table, &which, &numbers, &replaced).await?;
            }
        }
        self.finish().await?;
        Ok(began.elapsed().as_secs_f64())
    }

    /// Copies a row once for each number, with other values in some columns.
    async fn copy(
        &self,
        table: &str,
        which: &str,
        numbers: &str,
        replaced: &[(&str, String)],
    ) -> Result<(), SetupError> {
        let names = self.columns_of(table).map(quoted).collect::<Vec<_>>().join(", ");
        let value = |name: &str| match replaced.iter().find(|(column, _)| *column == name) {
            Some((_, value)) => value.clone(),
            None => format!("own.{}", quoted(name)),
        };
        let values = self.columns_of(table).map(value).collect::<Vec<_>>().join(", ");
        self.execute(&format!(
            "INSERT INTO {table} ({names}) SELECT {values} \
             FROM (SELECT * FROM {table} WHERE {which}) AS own CROSS JOIN {numbers}"
        ))
        .await
    }

    /// Who and what stands behind a refresh token: it begins with the id of its grant.
    async fn owner(&self, refresh_token: &str) -> Result<Owner, SetupError> {
        let unknown = || failed("the refresh token has no grant");
        let bytes = refresh_token.strip_prefix("crt_").and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let grant = bytes.and_then(|bytes| Uuid::from_slice(bytes.get(..16)?).ok()).ok_or_else(unknown)?;
        let sql = Dialect(self.raw.get_database_backend());
        let text = format!("SELECT user_id, session_id FROM token_grant WHERE id = {}", sql.literal(grant));
        let row = self.raw.query_one_raw(Statement::from_string(sql.0, text)).await.map_err(failed)?;
        let row = row.ok_or_else(unknown)?;
        let column = |at| row.try_get_by_index::<Uuid>(at).map_err(failed);
        Ok(Owner { grant, user: column(0)?, session: column(1)? })
    }

    /// Refresh tokens of people who were filled in, far from each other and in no order.
    pub(super) async fn refresh_tokens(&self, people: u64) -> Result<Vec<String>, SetupError> {
        let tenant = self.find("bench").await?;
        let all = people * GRANTS;
        // Steps of the golden ratio, without a common divisor with the whole: each number comes once.
        let step = (1..=(all as f64 * 0.618) as u64).rev().find(|step| without_common_divisor(*step, all)).unwrap_or(1);
        let token = |number: u64| RefreshToken { grant: GrantId(id_of(number)), generation: 1 };
        let text = |number: u64| token(number).text(&tenant.secrets.refresh_token).expose().to_owned();
        Ok((0..all.min(SPENT)).map(|turn| text(turn * step % all)).collect())
    }

    /// How large the database is.
    pub(super) async fn mebibytes(&self) -> Result<f64, SetupError> {
        let backend = self.raw.get_database_backend();
        let sql = match backend {
            DbBackend::Sqlite => "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()",
            _ => "SELECT pg_database_size(current_database())",
        };
        let row = self.raw.query_one_raw(Statement::from_string(backend, sql)).await.map_err(failed)?;
        let bytes: i64 = row.map(|row| row.try_get_by_index(0)).transpose().map_err(failed)?.unwrap_or(0);
        Ok(bytes as f64 / (1024.0 * 1024.0))
    }

    /// Leaves the database as one is that has been there for a while.
    async fn finish(&self) -> Result<(), SetupError> {
        match self.raw.get_database_backend() {
            DbBackend::Sqlite => self.execute("PRAGMA wal_checkpoint(TRUNCATE)").await,
            _ => self.execute("VACUUM ANALYZE").await,
        }
    }

    async fn execute(&self, sql: &str) -> Result<(), SetupError> {
        self.raw.execute_unprepared(sql).await.map(|_| ()).map_err(|error| failed(format!("{error}: {sql}")))
    }
}

struct Owner {
    grant: Uuid,
    user: Uuid,
    session: Uuid,
}

fn slug(number: u32) -> String {
    format!("t{number}")
}

fn draft(slug: &str) -> Result<TenantDraft, SetupError> {
    let slug = Slug::parse(slug).ok_or_else(|| failed(format!("{slug} is no slug")))?;
    Ok(TenantDraft { name: slug.to_string(), slug, host: None, settings: TenantSettings::default() })
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn without_common_divisor(mut one: u64, mut other: u64) -> bool {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one == 1
}

/// The first bytes of every id that was filled in, as a UUID is written.
const PREFIX: &str = "01900000-0000-7000-8000-";

/// The id with this number.
fn id_of(number: u64) -> Uuid {
    Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 | u128::from(number))
}

/// How the two databases say the same.
struct Dialect(DbBackend);

impl Dialect {
    /// The id with this number, as text.
    fn id_text(&self, number: &str) -> String {
        match self.0 {
            DbBackend::Sqlite => format!("'{PREFIX}' || printf('%012x', {number})"),
            _ => format!("'{PREFIX}' || lpad(to_hex({number}), 12, '0')"),
        }
    }

    /// The id with this number.
    fn id(&self, number: &str) -> String {
        match self.0 {
            DbBackend::Sqlite => format!("unhex(replace({}, '-', ''))", self.id_text(number)),
            _ => format!("({})::uuid", self.id_text(number)),
        }
    }

    fn literal(&self, id: Uuid) -> String {
        match self.0 {
            DbBackend::Sqlite => format!("X'{}'", id.simple()),
            _ => format!("'{id}'::uuid"),
        }
    }

    /// As many as a SHA-256 has.
    fn random_bytes(&self) -> String {
        match self.0 {
            DbBackend::Sqlite => "randomblob(32)".to_owned(),
            _ => "sha256(gen_random_uuid()::text::bytea)".to_owned(),
        }
    }

    /// A table `n` with the numbers `i` from `from` to before `to`.
    fn numbers(&self, from: u64, to: u64) -> String {
        let last = to.saturating_sub(1);
        match self.0 {
            DbBackend::Sqlite => format!(
                "(WITH RECURSIVE c(i) AS (SELECT {from} UNION ALL SELECT i + 1 FROM c WHERE i < {last}) SELECT i FROM c) AS n"
            ),
            _ => format!("generate_series({from}::bigint, {last}::bigint) AS n(i)"),
        }
    }
}
