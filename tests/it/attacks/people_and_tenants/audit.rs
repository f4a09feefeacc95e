//! Attacks on the audit trail by somebody who may write to the database, with and without older copies of its rows.

use std::sync::Arc;

use chancery::admin::Desk;
use chancery::background::seal_audit_trails;
use chancery::protocol::audit_event::{AuditEvent, AuditKind};
use chancery::store::audit::Sealed;
use chancery::store::audit_chain::{ChainHead, ChainState};
use sea_orm::{ConnectionTrait, Statement};
use tokio::sync::Barrier;

use super::{database, tenant_literal};
use crate::support::log::Kept;
use crate::support::{Engine, Server, both};

/// Something that is worth a line in the trail.
async fn happen(desk: &Desk) {
    let event = AuditEvent::new(AuditKind::TenantChanged, "test");
    desk.store.append(desk.store.audit(&event, desk.app.clock.milliseconds())).await.unwrap();
}

/// Blocks over what has happened; the last one tells.
async fn seal(desk: &Desk) -> Sealed {
    loop {
        let sealed = desk.store.seal_audit_block(desk.app.clock.now()).await.unwrap();
        if !sealed.more {
            return sealed;
        }
    }
}

/// One more block.
async fn block(desk: &Desk) -> Sealed {
    happen(desk).await;
    seal(desk).await
}

async fn check(desk: &Desk, expected: &[ChainHead]) -> ChainState {
    desk.store.verify_audit_chain(expected).await.unwrap()
}

/// The newest block of an intact chain.
async fn head(desk: &Desk) -> ChainHead {
    match check(desk, &[]).await {
        ChainState::Intact { head, .. } => head,
        broken => panic!("{broken:?}"),
    }
}

async fn is_broken(desk: &Desk) -> bool {
    matches!(check(desk, &[]).await, ChainState::Broken { .. })
}

/// The statements that take the newest block away with its events.
fn cut(tenant: &str) -> Vec<String> {
    let newest = format!("(SELECT max(number) FROM audit_block WHERE tenant_id = {tenant})");
    vec![
        format!("DELETE FROM audit_event WHERE tenant_id = {tenant} AND block = {newest}"),
        format!("DELETE FROM audit_block WHERE tenant_id = {tenant} AND number = {newest}"),
    ]
}

#[tokio::test]
async fn who_has_not_the_master_key_cannot_end_the_trail_elsewhere() {
    both(async |first| {
        for rule in
            ["the newest block", "and the head", "with the head of another tenant", "a forged head", "an added block"]
        {
            let (server, other) = (first.sibling_named(rule).await, &first);
            let desk = server.desk().await;
            for _ in 0..3 {
                assert!(block(&desk).await.fault.is_none());
            }
            assert_eq!(head(&desk).await.number, 3, "{rule}");
            let (db, tenant) = (database(&first).await, tenant_literal(&server).await);
            let elsewhere = tenant_literal(other).await;
            let mut statements = cut(&tenant);
            match rule {
                "and the head" => statements.push(format!("DELETE FROM audit_head WHERE tenant_id = {tenant}")),
                "with the head of another tenant" => statements.push(format!(
                    "UPDATE audit_head SET seal = (SELECT seal FROM audit_head WHERE tenant_id = {elsewhere}) WHERE tenant_id = {tenant}"
                )),
                "a forged head" => {
                    let junk = if server.engine == Engine::Sqlite { "x'00112233'" } else { "'\\x00112233'::bytea" };
                    statements.push(format!("UPDATE audit_head SET seal = {junk} WHERE tenant_id = {tenant}"));
                }
                "an added block" => {
                    statements = vec![format!(
                        "INSERT INTO audit_block (tenant_id, number, events, hash, sealed_at) SELECT tenant_id, 4, 0, hash, sealed_at FROM audit_block WHERE tenant_id = {tenant} AND number = 3"
                    )];
                }
                _ => {}
            }
            for statement in statements {
                let touched = db.execute_unprepared(&statement).await.unwrap();
                assert!(touched.rows_affected() >= 1, "{rule}: {statement}");
            }
            assert!(is_broken(&desk).await, "{rule}");
            // The trail goes on, past where it was, and nothing heals it meanwhile.
            for _ in 0..3 {
                assert!(block(&desk).await.fault.is_some(), "{rule}");
                assert!(is_broken(&desk).await, "{rule}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn an_older_state_put_back_as_a_whole_shows_only_against_a_head_noted_elsewhere() {
    both(async |server| {
        let (desk, db) = (server.desk().await, database(&server).await);
        let tenant = tenant_literal(&server).await;
        block(&desk).await;
        let older = head(&desk).await;
        let (hex, literal) = match server.engine {
            Engine::Sqlite => ("hex(seal)", ["x'", "'"]),
            Engine::Postgres => ("encode(seal, 'hex')", ["'\\x", "'::bytea"]),
        };
        let kept = format!("SELECT {hex} FROM audit_head WHERE tenant_id = {tenant}");
        let kept = Statement::from_string(db.get_database_backend(), kept);
        let kept: String = db.query_one_raw(kept).await.unwrap().unwrap().try_get_by_index(0).unwrap();
        block(&desk).await;
        let noted = head(&desk).await;
        for statement in cut(&tenant) {
            db.execute_unprepared(&statement).await.unwrap();
        }
        assert!(is_broken(&desk).await, "so far");
        let [open, close] = literal;
        let back = format!("UPDATE audit_head SET seal = {open}{kept}{close} WHERE tenant_id = {tenant}");
        db.execute_unprepared(&back).await.unwrap();
        assert_eq!(head(&desk).await, older, "genuine, as it was then");
        let state = check(&desk, &[older.clone(), noted.clone()]).await;
        assert!(matches!(state, ChainState::Broken { block, .. } if block == noted.number), "{state:?}");
        // The trail goes on to another block of that number.
        assert!(block(&desk).await.fault.is_none());
        assert_eq!(head(&desk).await.number, noted.number);
        let state = check(&desk, std::slice::from_ref(&noted)).await;
        assert!(matches!(state, ChainState::Broken { block, .. } if block == noted.number), "{state:?}");
        assert!(matches!(check(&desk, &[older, ChainHead::default()]).await, ChainState::Intact { .. }));
    })
    .await;
}

#[tokio::test]
async fn a_loss_that_was_looked_into_is_accepted_once_and_leaves_a_line() {
    both(async |server| {
        let (desk, db) = (server.desk().await, database(&server).await);
        let tenant = tenant_literal(&server).await;
        let accept = async || {
            let event = AuditEvent::new(AuditKind::AuditAccepted, "test");
            let now = desk.app.clock.milliseconds();
            desk.store
                .accept_audit_chain(|head| desk.store.audit(&event.clone().with("head", head.to_string()), now))
                .await
                .unwrap()
        };
        let accepted = async || {
            let events = desk.store.audit_events(100).await.unwrap();
            events.iter().filter(|event| event.kind == "audit.accepted").count()
        };
        for _ in 0..3 {
            block(&desk).await;
        }
        assert!(matches!(accept().await, ChainState::Intact { .. }));
        assert_eq!(accepted().await, 0, "there was nothing to accept");
        for (rule, statements) in [
            ("cut", cut(&tenant)),
            (
                "without a head, as one of an older version",
                vec![format!("DELETE FROM audit_head WHERE tenant_id = {tenant}")],
            ),
        ] {
            for statement in statements {
                db.execute_unprepared(&statement).await.unwrap();
            }
            let before = accepted().await;
            assert!(is_broken(&desk).await, "{rule}");
            let state = accept().await;
            assert!(matches!(state, ChainState::Intact { unsealed: 1, .. }), "{rule}: {state:?}");
            assert_eq!(accepted().await, before + 1, "{rule}");
            assert!(block(&desk).await.fault.is_none() && !is_broken(&desk).await, "{rule}");
        }
        let change = format!("UPDATE audit_event SET data = '[]' WHERE tenant_id = {tenant} AND block = 1");
        db.execute_unprepared(&change).await.unwrap();
        assert!(matches!(accept().await, ChainState::Broken { block: 1, .. }), "what was changed stays so");
        assert_eq!(accepted().await, 2);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_once_replicas_seal_and_check_the_same_trail() {
    both(async |server| {
        let (replica, barrier) = (server.replica().await, Arc::new(Barrier::new(8)));
        let mut tasks = Vec::new();
        for number in 0..8 {
            let (server, barrier) = (if number % 2 == 0 { server.clone() } else { replica.clone() }, barrier.clone());
            tasks.push(tokio::spawn(async move {
                let desk = server.desk().await;
                barrier.wait().await;
                for _ in 0..10 {
                    if number < 4 {
                        assert!(block(&desk).await.fault.is_none());
                    } else {
                        head(&desk).await;
                    }
                }
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let desk = server.desk().await;
        seal(&desk).await;
        assert!(matches!(check(&desk, &[]).await, ChainState::Intact { unsealed: 0, .. }));
    })
    .await;
}

#[tokio::test]
async fn the_log_has_the_head_once_an_hour_and_an_alarm_for_what_does_not_fit() {
    // The sealer looks at all tenants; on SQLite the database is this test's own.
    let (log, _watching) = Kept::of_this_thread();
    let server = Server::on(Engine::Sqlite).await;
    let desk = server.desk().await;
    let seals = async || {
        happen(&desk).await;
        seal_audit_trails(&server.app).await.unwrap();
        let said = |message: &str| log.text().lines().filter(|line| line.contains(message)).count();
        (said("the audit trail is sealed"), said("the audit trail does not end as it should"))
    };
    assert_eq!(seals().await, (1, 0));
    let noted = head(&desk).await;
    assert!(log.text().contains(&format!("\"head\":\"{noted}\"")), "{}", log.text());
    assert!(log.text().contains(&format!("\"tenant\":\"{}\"", server.slug)));
    assert_eq!(seals().await, (1, 0), "within the hour");
    server.advance(3600);
    assert_eq!(seals().await, (2, 0));
    for statement in cut(&tenant_literal(&server).await) {
        database(&server).await.execute_unprepared(&statement).await.unwrap();
    }
    server.advance(3600);
    assert_eq!(seals().await, (2, 1), "what does not fit is not vouched for");
    assert_eq!(seals().await, (2, 2));
}

#[test]
fn a_head_is_written_and_read_in_one_way() {
    let head = ChainHead { number: 7, hash: vec![7; 32] };
    assert_eq!(head.to_string().parse::<ChainHead>().unwrap(), head);
    assert_eq!(ChainHead::default().to_string(), "0:");
    assert_eq!("0:".parse::<ChainHead>().unwrap(), ChainHead::default());
    let hash = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    for text in [
        "",
        "7",
        "7:",
        ":x",
        "-1:",
        "7:AAAA",
        "7:!",
        &format!("0:{hash}"),
        &format!("-7:{hash}"),
        &format!("7:{hash}="),
    ] {
        assert!(text.parse::<ChainHead>().is_err(), "{text}");
    }
}
