//! Attacks on redirect URIs: RFC 6749 §3.1.2, RFC 9700 §2.1 and §4.1, RFC 8252 §7.3.

use poem::http::Method;
use serde_json::{Value, json};

use super::{assert_page, encoded};
use crate::support::{Agent, Answer, SECRET, Server, VERIFIER, both, form};

/// An authorization request of `client` that is right but for its redirect URI.
async fn ask(server: &Server, client: &str, redirect_uri: &str) -> Answer {
    ask_with(server, client, &format!("redirect_uri={}", encoded(redirect_uri))).await
}

async fn ask_with(server: &Server, client: &str, more: &str) -> Answer {
    let mut agent = Agent::new(server);
    let address = agent.authorization_request(client, more);
    agent.get(&address).await
}

/// Every one of `uris` gets a page at a client whose own URI gets a sign-in page.
async fn assert_refused(server: &Server, client: &str, uris: &[&str]) {
    let honest = ask_with(server, client, "").await;
    assert_eq!(honest.status, 200, "the honest request: {}", honest.body);
    for uri in uris {
        assert_page(&ask(server, client, uri).await, uri);
    }
}

/// A registration by everybody's endpoint.
async fn register(server: &Server, metadata: Value) -> Answer {
    server.settings(json!({ "client_registration": "open" })).await;
    server.request(Method::POST, "/register", &[("content-type", "application/json")], &metadata.to_string()).await
}

/// Registers a client whose only fault may be `uri`.
async fn register_uri(server: &Server, uri: &str) -> Answer {
    register(server, json!({ "redirect_uris": [uri] })).await
}

async fn assert_unregistrable(server: &Server, uris: &[&str]) {
    let honest = register_uri(server, "https://new.example/cb").await;
    assert_eq!(honest.status, 201, "{}", honest.body);
    for uri in uris {
        let answer = register_uri(server, uri).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_redirect_uri"), "{uri}");
    }
}

#[tokio::test]
async fn ru01_an_unregistered_redirect_uri_gets_a_page() {
    both(async |server| {
        assert_refused(&server, "web", &["https://evil.example/cb", "https://evil.example/?x=https://app.example/cb"])
            .await;
        // Somebody who is signed in is not sent there either.
        let mut agent = Agent::new(&server);
        assert!(agent.authorize("web", "").await.redirect_param("code").is_some());
        for more in
            ["redirect_uri=https%3A%2F%2Fevil.example%2Fcb", "redirect_uri=https%3A%2F%2Fevil.example%2Fcb&prompt=none"]
        {
            let address = agent.authorization_request("web", more);
            assert_page(&agent.get(&address).await, more);
        }
    })
    .await;
}

#[tokio::test]
async fn ru02_an_unknown_client_gets_a_page() {
    both(async |server| {
        for client in ["nobody", "WEB", "web ", "..", "web\u{e9}"] {
            let more = format!("client_id={}&redirect_uri=https%3A%2F%2Fevil.example%2Fcb", encoded(client));
            assert_page(&ask_with(&server, "web", &more).await, client);
            let own = format!("client_id={}", encoded(client));
            assert_page(&ask_with(&server, "web", &own).await, client);
        }
        assert_page(&ask_with(&server, "web", "client_id=").await, "no client");
        assert_page(&ask_with(&server, "web", "client_id=web&client_id=other").await, "two clients");
    })
    .await;
}

#[tokio::test]
async fn ru03_another_path_gets_a_page() {
    both(async |server| {
        let uris =
            ["https://app.example/cb/", "https://app.example/cb/x", "https://app.example/CB", "https://app.example/c"];
        assert_refused(&server, "web", &uris).await;
        let uris = [
            "https://app.example/cb?",
            "https://app.example/cb?x=1",
            "https://app.example/cb#x",
            "https://app.example//cb",
        ];
        assert_refused(&server, "web", &uris).await;
    })
    .await;
}

#[tokio::test]
async fn ru05_matrix_parameters_and_dots_get_a_page() {
    both(async |server| {
        let uris = [
            "https://app.example/cb/..;/x",
            "https://app.example/cb;/../../x",
            "https://app.example/cb;x=1",
            "https://app.example/x/../cb",
            "https://app.example/./cb",
            "https://app.example/x/%2e%2e/cb",
            "https://app.example/%63b",
        ];
        assert_refused(&server, "web", &uris).await;
    })
    .await;
}

#[tokio::test]
async fn ru07_userinfo_before_the_host_gets_a_page() {
    both(async |server| {
        let uris = [
            "https://app.example@evil.example/cb",
            "https://app.example:x@evil.example/cb",
            "https://u@app.example/cb",
        ];
        assert_refused(&server, "web", &uris).await;
        assert_refused(&server, "native", &["http://127.0.0.1@evil.example/cb", "http://127.0.0.1:80@evil.example/cb"])
            .await;
    })
    .await;
}

#[tokio::test]
async fn ru08_several_at_signs_get_a_page() {
    both(async |server| {
        let uris = [
            "https://app.example@b@evil.example/cb",
            "https://evil.example@a@app.example/cb",
            "https://@@app.example/cb",
        ];
        assert_refused(&server, "web", &uris).await;
        assert_refused(
            &server,
            "native",
            &["http://127.0.0.1:1@b@evil.example/cb", "http://[::1]:1@b@evil.example/cb"],
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn ru09_an_encoded_at_sign_beside_a_port_gets_a_page() {
    both(async |server| {
        let uris = [
            "http://127.0.0.1:8090%25@evil.example/cb",
            "http://127.0.0.1:8090%40evil.example/cb",
            "http://localhost:8090%25@evil.example",
        ];
        assert_refused(&server, "native", &uris).await;
        assert_refused(
            &server,
            "web",
            &["https://app.example%40evil.example/cb", "https://app.example%2f@evil.example/cb"],
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn ru10_a_longer_host_gets_a_page_and_a_wildcard_is_not_registered() {
    both(async |server| {
        let uris = [
            "https://app.example.evil.example/cb",
            "https://evilapp.example/cb",
            "https://app.example*/cb",
            "https://app.example./cb",
            "https://x.app.example/cb",
            "https://app.exampl\u{435}/cb",
        ];
        assert_refused(&server, "web", &uris).await;
        assert_unregistrable(&server, &["https://*.app.example/cb", "https://app.example*/cb", "https://*/cb"]).await;
    })
    .await;
}

#[tokio::test]
async fn ru12_no_redirect_uri_is_learned_from_a_request() {
    both(async |server| {
        for _ in 0..2 {
            assert_page(&ask(&server, "machine", "https://evil.example/cb").await, "a client without URIs");
        }
        assert_page(&ask_with(&server, "machine", "redirect_uri=&scope=read").await, "and none asked for");
        for metadata in [
            json!({ "client_name": "none" }),
            json!({ "redirect_uris": [] }),
            json!({ "redirect_uris": [], "grant_types": ["authorization_code", "refresh_token"] }),
        ] {
            let answer = register(&server, metadata.clone()).await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_redirect_uri"), "{metadata}");
        }
        assert_eq!(register_uri(&server, "").await.status, 400, "an empty one");
    })
    .await;
}

#[tokio::test]
async fn ru14_another_letter_case_gets_a_page() {
    both(async |server| {
        let uris =
            ["HTTPS://app.example/cb", "https://APP.example/cb", "HTTPS://APP.EXAMPLE/cb", "https://app.example/Cb"];
        assert_refused(&server, "web", &uris).await;
    })
    .await;
}

#[tokio::test]
async fn ru15_another_port_gets_a_page() {
    both(async |server| {
        // 443 too: bytes are compared, not what they mean.
        let uris = [
            "https://app.example:8443/cb",
            "https://app.example:443/cb",
            "https://app.example:/cb",
            "http://app.example/cb",
        ];
        assert_refused(&server, "web", &uris).await;
    })
    .await;
}

#[tokio::test]
async fn ru16_only_a_native_client_may_choose_the_port_of_a_loopback_address() {
    both(async |server| {
        for uri in ["http://127.0.0.1:49152/cb", "http://[::1]:65535/cb"] {
            let answer = Agent::new(&server).authorize("native", &format!("redirect_uri={}", encoded(uri))).await;
            assert!(answer.header("location").starts_with(&format!("{uri}?code=")), "{uri}: {}", answer.header("location"));
        }
        let uris = ["http://127.0.0.1:65536/cb", "http://127.0.0.1:/cb", "http://127.0.0.1:0/cb", "http://127.0.0.2:80/cb", "http://localhost:80/cb"];
        assert_refused(&server, "native", &uris).await;
        let uris = ["http://127.0.0.1/cb", "http://[::1]/cb"];
        server.client(json!({ "client_id": "site", "application_type": "web", "client_secret": SECRET, "redirect_uris": uris, "first_party": true })).await;
        let honest = ask(&server, "site", uris[0]).await;
        assert_eq!(honest.status, 200, "{}", honest.body);
        for uri in ["http://127.0.0.1:49152/cb", "http://[::1]:49152/cb"] {
            assert_page(&ask(&server, "site", uri).await, uri);
        }
    })
    .await;
}

#[tokio::test]
async fn ru18_beside_the_port_nothing_of_a_loopback_uri_is_free() {
    both(async |server| {
        let uris = [
            "http://127.0.0.1:4711/",
            "http://127.0.0.1:4711/cb/",
            "http://127.0.0.1:4711/cb/x",
            "http://127.0.0.1:4711/CB",
            "http://127.0.0.1:4711/cb?x=1",
            "http://127.0.0.1:4711/cb#x",
            "http://127.0.0.1:4711/x/../cb",
            "http://127.0.0.1:4711\\cb",
            "https://127.0.0.1:4711/cb",
            "http://127.0.0.1.evil.example:4711/cb",
            "http://127.0.0.1:4711.evil.example/cb",
        ];
        assert_refused(&server, "native", &uris).await;
    })
    .await;
}

#[tokio::test]
async fn ru20_a_uri_that_carries_a_name_of_the_answer_is_not_registered() {
    both(async |server| {
        let names = [
            "code",
            "state",
            "iss",
            "error",
            "response",
            "error_description",
            "error_uri",
            "id_token",
            "access_token",
            "c%6fde",
        ];
        let uris: Vec<String> = names.iter().map(|name| format!("https://new.example/cb?a=b&{name}=x")).collect();
        assert_unregistrable(&server, &uris.iter().map(String::as_str).collect::<Vec<_>>()).await;
        let answer = register_uri(&server, "https://new.example/cb?tenant=x").await;
        assert_eq!(answer.status, 201, "another name is free: {}", answer.body);
    })
    .await;
}

#[tokio::test]
async fn ru21_two_redirect_uris_get_a_page() {
    both(async |server| {
        let (good, evil) =
            ("redirect_uri=https%3A%2F%2Fapp.example%2Fcb", "redirect_uri=https%3A%2F%2Fevil.example%2Fcb");
        let honest = ask_with(&server, "web", good).await;
        assert_eq!(honest.status, 200, "{}", honest.body);
        for more in [
            format!("{good}&{evil}"),
            format!("{evil}&{good}"),
            format!("{good}&{good}"),
            format!("{good}&response_type=x&{evil}"),
        ] {
            assert_page(&ask_with(&server, "web", &more).await, &more);
        }
    })
    .await;
}

/// The same request with the parameter empty and without it.
async fn without_redirect_uri(server: &Server, client: &str, more: &str) -> [Answer; 2] {
    let empty = Agent::new(server).authorization_request(client, &format!("redirect_uri=&{more}"));
    let absent = empty.replace("&redirect_uri=", "");
    assert!(!absent.contains("redirect_uri"), "{absent}");
    [Agent::new(server).get(&empty).await, Agent::new(server).get(&absent).await]
}

#[tokio::test]
async fn ru23_openid_needs_a_redirect_uri_and_plain_oauth_has_its_only_one() {
    both(async |server| {
        for answer in without_redirect_uri(&server, "web", "scope=openid").await {
            assert_page(&answer, "OIDC Core §3.1.2.1");
        }
        for answer in without_redirect_uri(&server, "web", "scope=profile").await {
            assert_eq!(answer.status, 200, "RFC 6749 §3.1.2.3: {}", answer.body);
        }
        let answer = Agent::new(&server).authorize("web", "redirect_uri=&scope=profile").await;
        assert!(answer.header("location").starts_with("https://app.example/cb?code="), "{}", answer.header("location"));
        let code = answer.redirect_param("code").unwrap();
        let body = form(&[("grant_type", "authorization_code"), ("code", &code), ("code_verifier", VERIFIER)]);
        assert_eq!(server.post_as("web", "/token", &body).await.status, 200, "RFC 6749 §4.1.3: none was named");
    })
    .await;
}

#[tokio::test]
async fn ru24_without_a_redirect_uri_none_of_several_is_chosen() {
    both(async |server| {
        for scope in ["scope=profile", "scope=openid", "scope="] {
            for answer in without_redirect_uri(&server, "native", scope).await {
                assert_page(&answer, scope);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn ru26_backslashes_and_mixed_slashes_get_a_page() {
    both(async |server| {
        let uris = [
            "https:\\\\evil.example",
            "https:/\\app.example@evil.example",
            "//evil.example",
            "//app.example/cb",
            "/cb",
            "https:app.example/cb",
            "https:/app.example/cb",
            "https:///app.example/cb",
            "https:\\\\app.example\\cb",
            "https://app.example\\cb",
            "https://app.example\\@evil.example/cb",
            "https://evil.example\\@app.example/cb",
            // RU31: markup.
            "https://app.example/\"x",
            "https://app.example/<b>",
        ];
        assert_refused(&server, "web", &uris).await;
        assert_unregistrable(&server, &uris).await;
    })
    .await;
}

#[tokio::test]
async fn ru27_whitespace_and_control_characters_get_a_page() {
    both(async |server| {
        let uris = [
            "https://app.example/cb%00.evil",
            "https://app.example/cb\0.evil",
            "\thttps://app.example/cb",
            " https://app.example/cb",
            "https://app.example/cb ",
            "https://app.example/cb\n",
            "https://app.example/cb\r\nLocation: https://evil.example",
            "htt\tps://app.example/cb",
            "https://app.\nexample/cb",
            "\u{feff}https://app.example/cb",
            "https://app.example/c\u{200b}b",
        ];
        assert_refused(&server, "web", &uris).await;
        let more = "redirect_uri=https%3A%2F%2Fapp.example%2Fcb%ff";
        assert_page(&ask_with(&server, "web", more).await, "not UTF-8");
    })
    .await;
}

#[tokio::test]
async fn ru29_http_is_not_registered_for_a_web_client() {
    both(async |server| {
        let uris = [
            "http://app.example/cb",
            "http://127.0.0.1.evil.example/cb",
            "http://localhost.evil.example/cb",
            "http://192.168.0.1/cb",
        ];
        assert_unregistrable(&server, &uris).await;
        assert_unregistrable(&server, &["javascript:alert(1)", "data:text/html,x", "file:///cb"]).await;
    })
    .await;
}

#[tokio::test]
async fn ru32_no_error_leads_to_a_uri_that_is_not_registered() {
    both(async |server| {
        for (rule, fault) in [
            ("response_type", "response_type=token"),
            ("no response_type", "response_type="),
            ("scope", "scope=%22"),
            ("PKCE", "code_challenge=x"),
            ("response_mode", "response_mode=web_message"),
            ("prompt", "prompt=none"),
            ("prompt with others", "prompt=none%20login"),
            ("repeated", "nonce=1&nonce=2"),
            ("request object", "request=x"),
            ("claims", "claims=x"),
            ("resource", "resource=x"),
            ("id_token_hint", "id_token_hint=x"),
        ] {
            let honest = ask_with(&server, "web", fault).await;
            assert!(
                honest.header("location").starts_with("https://app.example/cb?error="),
                "{rule}: {}",
                honest.header("location")
            );
            let more = format!("redirect_uri=https%3A%2F%2Fevil.example%2Fcb&{fault}");
            assert_page(&ask_with(&server, "web", &more).await, rule);
        }
    })
    .await;
}

#[tokio::test]
async fn ru34_the_redirect_uri_of_another_client_gets_a_page() {
    both(async |server| {
        assert_refused(&server, "web", &["https://other.example/cb", "https://spa.example/cb", "http://127.0.0.1/cb", "https://app.example/out"]).await;
        let neighbour = server.sibling().await;
        neighbour.client(json!({ "client_id": "web", "client_secret": SECRET, "redirect_uris": ["https://next.example/cb"], "first_party": true })).await;
        let honest = ask(&neighbour, "web", "https://next.example/cb").await;
        assert_eq!(honest.status, 200, "{}", honest.body);
        assert_page(&ask(&server, "web", "https://next.example/cb").await, "the same client of another tenant");
    })
    .await;
}
