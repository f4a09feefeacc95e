//! A server for those who come over the network: with an origin and a clock of the test's choice.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chancery::call::{App, Parts};
use chancery::clock::Clock;
use chancery::outbound::{Fetcher, OutboundSettings};
use chancery::seal::RootSecret;
use chancery::server;
use chancery::store::{DatabaseSettings, Store};
use poem::Response;
use poem::endpoint::BoxEndpoint;

use super::{Engine, Files, NEXT, Server, document, passwords};

impl Server {
    /// A server on a database, with the tenant of [`document`]: what [`Server::on`] makes, elsewhere and at another time.
    pub async fn reachable(engine: Engine, origin: &str, clock: Clock) -> Self {
        chancery::tls::install_provider();
        let slug = format!("r{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::SeqCst));
        let (url, folder) = match engine {
            Engine::Sqlite => {
                let root =
                    if std::path::Path::new("/dev/shm").is_dir() { "/dev/shm".into() } else { std::env::temp_dir() };
                let folder = root.join(format!("chancery-it-{slug}"));
                std::fs::create_dir_all(&folder).expect("a folder");
                (format!("sqlite://{}/it.db", folder.display()), Some(folder))
            }
            Engine::Postgres => (std::env::var("CHANCERY_TEST_POSTGRES").expect("a database"), None),
        };
        let files = Arc::new(Files(folder));
        let settings = DatabaseSettings { url, max_connections: 4, durable: false };
        let (extra_ca, allow_networks, timeout) = (Vec::new(), Vec::new(), Duration::from_secs(2));
        let outbound = OutboundSettings { extra_ca, allow_networks, timeout, max_bytes: 64 * 1024 };
        let app = Arc::new(App::new(Parts {
            store: Store::open(&settings, &RootSecret::new([7; 32]), true).await.expect("a database that opens"),
            clock,
            passwords: passwords(),
            fetcher: Arc::new(Fetcher::new(&outbound).expect("a fetcher")),
            origin: origin.to_owned(),
            dev: false,
            trusted_proxies: Vec::new(),
        }));
        let server = Self { endpoint: server::endpoint(app.clone()), app, slug, engine, _files: files };
        server.apply(&document(&server.slug)).await;
        server
    }

    /// What a listener serves.
    pub fn endpoint(&self) -> Arc<BoxEndpoint<'static, Response>> {
        self.endpoint.clone()
    }
}
