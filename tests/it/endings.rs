//! I6: what ends the grants of a person ends those as well that begin in the same instant.

use chancery::protocol::user::UserStatus;
use chancery::store::Change;

use crate::support::both;

#[tokio::test]
async fn a_code_redeemed_while_its_person_is_switched_off_gives_nothing_that_lasts() {
    both(async |server| {
        let desk = server.desk().await;
        let alice = desk.store.user_to_sign_in("alice").await.unwrap().unwrap().0.id;
        for round in 0..20 {
            let code = server.code("web", "").await;
            let off = desk.store.set_user_status(alice, UserStatus::Disabled, Change::new(), desk.now);
            let (answer, off) = tokio::join!(server.redeem(&code), off);
            assert!(off.unwrap());
            desk.store.set_user_status(alice, UserStatus::Active, Change::new(), desk.now).await.unwrap();
            if answer.status == 200 {
                for token in ["access_token", "refresh_token"] {
                    let told = server.introspect(answer.json()[token].as_str().unwrap()).await;
                    assert_eq!(told["active"], false, "round {round}: {token}");
                }
            }
        }
    })
    .await;
}
