//! I14: a network that went silent takes no connection of the pool for good. PostgreSQL stands behind a relay that
//! stops passing anything on, without a word, on the connections that are open; new ones get through.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use chancery::protocol::identifiers::TenantId;
use chancery::seal::RootSecret;
use chancery::store::{DatabaseSettings, Store, TenantStore};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use uuid::Uuid;

/// Longer than a statement may take, and than a request waits for a connection.
const BOUND: Duration = Duration::from_secs(12);

/// Passes connections on to `target` until they are frozen. Gives its port, and counts them.
async fn relay(target: String, frozen: watch::Receiver<u32>, opened: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut near, _) = listener.accept().await.unwrap();
            opened.fetch_add(1, Ordering::SeqCst);
            let (target, mut frozen) = (target.clone(), frozen.clone());
            tokio::spawn(async move {
                let mut far = TcpStream::connect(target).await.unwrap();
                frozen.mark_unchanged();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    // Silent from now on: neither closed nor answered.
                    _ = frozen.changed() => std::future::pending().await,
                }
            });
        }
    });
    port
}

async fn all_at_once(store: &TenantStore) -> Vec<bool> {
    let ask = async |number: usize| match number % 4 {
        0 => store.user_to_sign_in("nobody").await.is_ok(),
        1 => store.sign_in("none").await.is_ok(),
        2 => store.signing_keys().await.is_ok(),
        // What is seldom asked as well.
        _ => store.users(None, 1).await.is_ok(),
    };
    futures_util::future::join_all((0..8).map(ask)).await
}

#[tokio::test]
async fn connections_that_went_silent_are_replaced() {
    let Ok(url) = std::env::var("CHANCERY_TEST_POSTGRES") else { return };
    let mut url = url::Url::parse(&url).unwrap();
    let target = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(5432));
    let (freeze, frozen) = watch::channel(0);
    let opened = Arc::new(AtomicUsize::new(0));
    let port = relay(target, frozen, opened.clone()).await;
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    let settings = DatabaseSettings { url: url.to_string(), max_connections: 4, durable: true };
    let store = Store::open(&settings, &RootSecret::new([7; 32]), true).await.unwrap().of(TenantId(Uuid::new_v4()));
    assert_eq!(all_at_once(&store).await, [true; 8]);

    freeze.send_replace(1);
    let before = opened.load(Ordering::SeqCst);
    let answers = tokio::time::timeout(BOUND, all_at_once(&store)).await.expect("an answer within bounds");
    assert!(answers.contains(&false), "the relay froze nothing");
    let answers = tokio::time::timeout(BOUND, all_at_once(&store)).await.expect("an answer within bounds");
    assert_eq!(answers, [true; 8], "what was lost is replaced");
    assert!(opened.load(Ordering::SeqCst) > before);
}
