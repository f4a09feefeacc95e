//! Attacks of one tenant on another (TN); the matrix of artefacts and endpoints is in `matrix.rs`.

use chancery::admin::{client, tenant, user};
use chancery::protocol::identifiers::ClientId;
use chancery::protocol::policy::TenantStatus;
use chancery::protocol::user::UserStatus;
use poem::Request;
use poem::http::Method;
use serde_json::json;

use super::registration::register;
use super::{admin_link, at_sign_in, form_to, is_applied, is_signed_in, pages};
use crate::support::agent::forms;
use crate::support::{Agent, PASSWORD, SECRET, both};

#[tokio::test]
async fn tn02_an_id_of_another_tenant_names_nothing() {
    both(async |a| {
        let b = a.sibling().await;
        let mut agent = Agent::new(&a);
        assert!(is_signed_in(&agent.authorize("web", "").await));
        let (ours, theirs) = (a.desk().await, b.desk().await);
        let alice = user::find(&ours, "alice").await.unwrap();
        let session = ours.store.sessions_of(alice.id, ours.now).await.unwrap().remove(0);
        assert!(theirs.store.user(alice.id).await.unwrap().is_none());
        assert!(theirs.store.users_by_id(&[alice.id]).await.unwrap().is_empty());
        assert!(theirs.store.session(session.id).await.unwrap().is_none());
        assert!(theirs.store.sessions_of(alice.id, theirs.now).await.unwrap().is_empty());
        let nothing = chancery::store::Change::new;
        assert!(!theirs.store.end_session(session.id, nothing(), theirs.now).await.unwrap());
        assert!(!theirs.store.set_user_status(alice.id, UserStatus::Disabled, nothing(), theirs.now).await.unwrap());
        theirs.store.set_password(alice.id, "none", nothing(), theirs.now).await.ok();
        theirs.store.revoke_consent(alice.id, &ClientId::parse("web").unwrap(), nothing(), theirs.now).await.unwrap();
        // The same person's name at B, in a browser of B: a session of A cannot be ended there.
        let mut there = Agent::new(&b);
        assert!(is_signed_in(&there.authorize("web", "").await));
        let page = there.get(&format!("{}/account/sessions", b.issuer())).await;
        let form = forms(&page.body).remove(0).set("session", &session.id.to_string());
        assert_eq!(there.submit(&form).await.status, 303);
        let page = agent.get(&format!("{}/account/sessions", a.issuer())).await;
        assert_eq!(page.status, 200, "no side effect");
        assert!(is_signed_in(&agent.authorize("web", "prompt=login").await), "the password is as it was");
    })
    .await;
}

#[tokio::test]
async fn tn07_only_the_address_says_which_tenant_is_meant() {
    both(async |a| {
        let b = a.sibling().await;
        let token = a.tokens().await["access_token"].as_str().unwrap().to_owned();
        let bearer = format!("Bearer {token}");
        let metadata = "/.well-known/openid-configuration";
        for name in [
            "x-tenant",
            "x-tenant-id",
            "tenant",
            "x-forwarded-host",
            "x-original-url",
            "x-rewrite-url",
            "x-forwarded-prefix",
            "forwarded",
        ] {
            for value in [a.slug.clone(), a.issuer(), format!("/t/{}{metadata}", a.slug)] {
                let answer = b.request(Method::GET, metadata, &[(name, &value)], "").await;
                assert_eq!(answer.json()["issuer"], b.issuer(), "{name}: {value}");
                let answer =
                    b.request(Method::GET, "/userinfo", &[("authorization", &bearer), (name, &value)], "").await;
                assert_eq!(answer.status, 401, "{name}: {value}");
            }
        }
        for name in ["tenant", "tenant_id", "slug", "iss", "issuer", "realm"] {
            let query = format!("{name}={}", a.slug);
            assert_eq!(b.get(&format!("{metadata}?{query}")).await.json()["issuer"], b.issuer(), "{query}");
            let answer = b.post_as("machine", "/token", &format!("grant_type=client_credentials&{query}")).await.json();
            let told = b
                .post_as("machine", "/introspect", &format!("token={}", answer["access_token"].as_str().unwrap()))
                .await
                .json();
            assert_eq!(told["iss"], b.issuer(), "{query}");
        }
    })
    .await;
}

#[tokio::test]
async fn tn07_the_host_of_a_tenant_shows_that_tenant_alone() {
    both(async |a| {
        let b = a.sibling().await;
        let metadata = "/.well-known/openid-configuration";
        let host = format!("{}.login.example", a.slug);
        a.apply(&json!({ "tenants": [{ "slug": a.slug, "host": host }] })).await;
        let at =
            async |host: &str, path: &str| b.send(Request::builder().uri_str(path).header("host", host).body(())).await;
        assert_eq!(at(&host, metadata).await.json()["issuer"], format!("https://{host}"));
        for path in [
            format!("/t/{}{metadata}", b.slug),
            format!("/t/{}/account/sessions", b.slug),
            format!("{metadata}/t/{}", b.slug),
        ] {
            let answer = at(&host, &path).await;
            assert!(
                [400, 404, 421].contains(&answer.status.as_u16()),
                "B on the host of A, {path}: {} {}",
                answer.status,
                answer.body
            );
        }
        let answer = at("id.example", &format!("/t/{}{metadata}", a.slug)).await;
        assert!(
            [400, 404, 421].contains(&answer.status.as_u16()),
            "A, which has its own host, below our origin: {}",
            answer.status
        );
    })
    .await;
}

#[tokio::test]
async fn tn08_a_path_with_tricks_leads_to_no_tenant() {
    both(async |a| {
        let b = a.sibling().await;
        let (x, y) = (a.slug.as_str(), b.slug.as_str());
        let end = "/.well-known/openid-configuration";
        for path in [
            format!("/t/{x}/../{y}{end}"),
            format!("/t/{x}/%2e%2e/{y}{end}"),
            format!("/t/{x}/.%2E/{y}{end}"),
            format!("/t//{y}{end}"),
            format!("//t/{y}{end}"),
            format!("/t/{y}//{end}"),
            format!("/t/{y};x{end}"),
            format!("/t/{x};/../{y}{end}"),
            format!("/t%2f{y}{end}"),
            format!("/t/{x}%2f..%2f{y}{end}"),
            format!("/t/{x}%5c..%5c{y}{end}"),
            format!("/t/./{y}{end}"),
            format!("/t/{y}%00{end}"),
            format!("/t/{y}%20{end}"),
            format!("/t/{}{end}", y.to_uppercase()),
            format!("/T/{y}{end}"),
            format!("/t/{x},{y}{end}"),
            format!("/t/{x}%252f..%252f{y}{end}"),
            format!("/t/{y}.{end}"),
            format!("{end}/t/{x}/../{y}"),
            format!("{end}/t/{y}/"),
            format!("{end}/t/{y}%2f"),
        ] {
            let answer = a.send(Request::builder().uri_str(&path).header("host", "id.example").body(())).await;
            assert!([400, 404].contains(&answer.status.as_u16()), "{path}: {} {}", answer.status, answer.body);
            assert!(!answer.body.contains("issuer"), "{path}");
        }
        assert_eq!(b.get(end).await.json()["issuer"], b.issuer(), "the honest one");
    })
    .await;
}

#[tokio::test]
async fn tn09_the_issuer_is_the_one_of_the_configuration_whatever_host_is_named() {
    both(async |a| {
        let path = format!("/t/{}/.well-known/openid-configuration", a.slug);
        for (name, host) in [
            ("host", "evil.example"),
            ("host", "id.example:8443"),
            ("host", "id.example.evil.example"),
            ("x-forwarded-host", "evil.example"),
            ("x-host", "evil.example"),
            ("forwarded", "host=evil.example"),
        ] {
            let mut request = Request::builder().uri_str(&path);
            if name != "host" {
                request = request.header("host", "id.example");
            }
            let answer = a.send(request.header(name, host).header("x-forwarded-proto", "http").body(())).await;
            assert!(!answer.body.contains("evil") && !answer.body.contains("8443"), "{name}: {host}");
            let refused = [400, 404, 421].contains(&answer.status.as_u16());
            assert!(refused || answer.json()["issuer"] == a.issuer(), "{name}: {host}: {}", answer.status);
        }
    })
    .await;
}

#[tokio::test]
async fn tn13_a_suspended_tenant_issues_and_honours_nothing() {
    both(async |a| {
        let b = a.sibling().await;
        let (tokens, code) = (a.tokens().await, a.code("web", "").await);
        let (mut agent, page) = at_sign_in(&a, "").await;
        let form = form_to(&page, "/password").set("username", "alice").set("password", PASSWORD);
        let link = admin_link(&a).await;
        tenant::set_status(&a.desk().await, TenantStatus::Suspended).await.unwrap();
        assert_eq!(a.refresh(tokens["refresh_token"].as_str().unwrap()).await.error(), "invalid_grant");
        assert_eq!(a.redeem(&code).await.error(), "invalid_grant");
        assert_eq!(a.post_as("machine", "/token", "grant_type=client_credentials").await.error(), "invalid_grant");
        assert_eq!(a.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 401);
        for token in ["access_token", "refresh_token"] {
            assert_eq!(a.introspect(tokens[token].as_str().unwrap()).await["active"], false, "{token}");
        }
        assert_eq!(agent.submit(&form).await.status, 403);
        let again = agent.authorization_request("web", "");
        assert_eq!(agent.visit(&again).await.status, 403);
        a.settings(json!({ "client_registration": "open" })).await;
        assert_eq!(register(&a, None, &json!({ "redirect_uris": ["https://x.example/cb"] })).await.0.status, 401);
        let first = Agent::new(&a).get(&link).await;
        assert!([200, 403].contains(&first.status.as_u16()), "looking is harmless");
        assert!([200, 403].contains(&a.get("/jwks").await.status.as_u16()));
        assert_eq!(b.tokens().await["token_type"], "Bearer", "the neighbour goes on");
        tenant::set_status(&a.desk().await, TenantStatus::Active).await.unwrap();
        assert_eq!(a.userinfo(tokens["access_token"].as_str().unwrap()).await.status, 200, "resumed");
    })
    .await;
}

#[tokio::test]
async fn tn14_what_is_switched_off_is_refused_at_the_next_call() {
    both(async |a| {
        let desk = a.desk().await;
        let web = ClientId::parse("web").unwrap();
        for what in ["client", "person", "grant type", "client removed"] {
            let tokens = a.tokens().await;
            let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
            assert_eq!(a.userinfo(access).await.status, 200, "{what}, before");
            match what {
                "client" => drop(client::set_enabled(&desk, &web, false).await.unwrap()),
                "person" => drop(user::set_status(&desk, "alice", UserStatus::Disabled).await.unwrap()),
                "client removed" => drop(client::delete(&desk, &web, false).await.unwrap()),
                _ => a.client(json!({ "client_id": "web", "redirect_uris": ["https://app.example/cb"], "first_party": true, "client_secret": SECRET })).await,
            }
            let answer = a.refresh(refresh).await;
            assert!([400, 401].contains(&answer.status.as_u16()), "{what}: {}", answer.body);
            if what != "grant type" {
                assert_eq!(a.userinfo(access).await.status, 401, "{what}");
            }
            client::set_enabled(&desk, &web, true).await.ok();
            user::set_status(&desk, "alice", UserStatus::Active).await.unwrap();
            let whole = crate::support::document(&a.slug)["tenants"][0]["clients"][0].clone();
            a.client(whole).await;
        }
    })
    .await;
}

#[tokio::test]
async fn tn16_nothing_that_a_tenant_sets_becomes_a_script_on_the_shared_origin() {
    both(async |a| {
        for (name, value) in [("accent_light", "#123456;}</style><script>"), ("accent_light", "url(//evil.example)"), ("font", "x;}"), ("color_scheme", "dark}"), ("radius_px", "1px")] {
            assert!(!is_applied(&a, json!({ "settings": { "theme": { name: value } } })).await, "{name}: {value}");
        }
        for value in ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http://evil.example/"] {
            for name in ["privacy_uri", "terms_uri", "support_uri"] {
                assert!(!is_applied(&a, json!({ "settings": { name: value } })).await, "{name}: {value}");
            }
        }
        let script = "</title><script src=//evil.example></script>";
        a.apply(&json!({ "tenants": [{ "slug": a.slug, "name": script }] })).await;
        a.client(json!({ "client_id": "ask", "client_name": script, "client_secret": SECRET, "redirect_uris": ["https://ask.example/cb"] })).await;
        for (name, page) in pages(&a).await {
            assert!(!page.body.contains("<script src=//"), "{name}: {}", page.body);
            assert!(page.header("content-security-policy").contains("script-src 'self'"), "{name}");
        }
        // Cookies of a tenant stay below its path.
        let answer = at_sign_in(&a, "").await.1;
        let cookie = answer.header("set-cookie");
        assert!(cookie.contains(&format!("; Path=/t/{};", a.slug)) && !cookie.contains("Domain"), "{cookie}");
    })
    .await;
}

#[tokio::test]
async fn tn23_the_audit_trail_of_a_tenant_holds_its_own_events_alone() {
    both(async |a| {
        let b = a.sibling().await;
        b.apply(&json!({ "tenants": [{ "slug": b.slug, "users": [{ "username": "carol", "password": PASSWORD }] }] }))
            .await;
        let before = a.desk().await.store.audit_events(500).await.unwrap().len();
        assert!(is_signed_in(&Agent::new(&b).authorize_as("carol", "web", "").await));
        let (ours, theirs) = (a.desk().await, b.desk().await);
        assert_eq!(ours.store.audit_events(500).await.unwrap().len(), before);
        let carol = user::find(&theirs, "carol").await.unwrap().id.to_string();
        let of_carol = |events: Vec<chancery::store::audit::AuditRow>| {
            events.iter().filter(|event| event.user_id.as_deref() == Some(&carol)).count()
        };
        assert_eq!(of_carol(ours.store.audit_events(500).await.unwrap()), 0);
        assert!(of_carol(theirs.store.audit_events(500).await.unwrap()) > 0);
    })
    .await;
}
