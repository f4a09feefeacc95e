//! Attacks on proof keys: RFC 7636, RFC 9700 §2.1.1, §4.5 and §4.8.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use super::{ask, assert_errors, encoded, error_at_web};
use crate::support::{Agent, Answer, CHALLENGE, Server, VERIFIER, both};

/// The S256 challenge of whatever text (RFC 7636 §4.2).
fn challenge_of(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// A verifier of 64 times the same letter, and its challenge.
pub(super) fn pair(letter: char) -> (String, String) {
    let verifier = letter.to_string().repeat(64);
    let challenge = challenge_of(&verifier);
    (verifier, challenge)
}

/// The honest token request of `web`, with this text in the place of `&code_verifier=…`.
async fn redeem(server: &Server, code: &str, verifier: &str) -> Answer {
    let body =
        format!("grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Fapp.example%2Fcb{verifier}");
    server.post_as("web", "/token", &body).await
}

fn assert_error(answer: &Answer, errors: &[&str], rule: &str) {
    assert_eq!(answer.status, 400, "{rule}: {}", answer.body);
    assert!(errors.contains(&answer.error().as_str()), "{rule}: {}", answer.body);
}

#[tokio::test]
async fn pk01_a_request_without_a_challenge_is_refused() {
    both(async |server| {
        let faults = ["code_challenge=&code_challenge_method=", "code_challenge=&code_challenge_method=S256"];
        assert_errors(&server, "invalid_request", &faults.map(str::to_owned)).await;
        let absent =
            Agent::new(&server).authorization_request("web", faults[0]).replace(&format!("&{}", faults[0]), "");
        assert!(!absent.contains("code_challenge"), "{absent}");
        let answer = Agent::new(&server).get(&absent).await;
        assert_eq!(error_at_web(&server, &answer, "absent"), "invalid_request");
        // A public client needs one even where the tenant does not insist.
        server.settings(json!({ "require_pkce": false })).await;
        assert_eq!(ask(&server, faults[0]).await.status, 200, "a confidential client may go without");
        for client in ["spa", "native"] {
            let mut agent = Agent::new(&server);
            let address = agent.authorization_request(client, faults[0]);
            let answer = agent.get(&address).await;
            assert_eq!(answer.redirect_param("error").as_deref(), Some("invalid_request"), "{client}: {}", answer.body);
        }
    })
    .await;
}

#[tokio::test]
async fn pk02_only_the_method_s256_is_supported() {
    both(async |server| {
        for required in [true, false] {
            server.settings(json!({ "require_pkce": required })).await;
            let methods = ["plain", "", "s256", "S256 ", "SHA256", "S512", "none", "plain S256"];
            let faults = methods.map(|method| format!("code_challenge_method={}", encoded(method)));
            assert_errors(&server, "invalid_request", &faults).await;
            let absent = Agent::new(&server)
                .authorization_request("web", "code_challenge_method=")
                .replace("&code_challenge_method=", "");
            let answer = Agent::new(&server).get(&absent).await;
            assert_eq!(error_at_web(&server, &answer, "absent means plain"), "invalid_request");
        }
        let metadata = server.get("/.well-known/openid-configuration").await.json();
        assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
        // Nor is the challenge itself ever good as a verifier.
        let code = server.code("web", "").await;
        assert_error(
            &redeem(&server, &code, &format!("&code_verifier={CHALLENGE}")).await,
            &["invalid_grant"],
            "plain comparison",
        );
    })
    .await;
}

#[tokio::test]
async fn pk03_a_challenge_demands_its_verifier() {
    both(async |server| {
        for required in [true, false] {
            server.settings(json!({ "require_pkce": required })).await;
            let code = server.code("web", "").await;
            assert_error(&redeem(&server, &code, "").await, &["invalid_grant", "invalid_request"], "no verifier");
            assert_eq!(server.redeem(&code).await.status, 200, "with its verifier");
            let code = server.code("spa", "").await;
            let body = format!(
                "grant_type=authorization_code&client_id=spa&code={code}&redirect_uri=https%3A%2F%2Fspa.example%2Fcb"
            );
            assert_error(&server.post("/token", &body).await, &["invalid_grant", "invalid_request"], "a public client");
            assert_eq!(server.post("/token", &format!("{body}&code_verifier={VERIFIER}")).await.status, 200);
        }
    })
    .await;
}

#[tokio::test]
async fn pk04_another_verifier_does_not_fit() {
    both(async |server| {
        let code = server.code("web", "").await;
        let other = pair('b').0;
        let longer = format!("{VERIFIER}A");
        let (lower, last) = (VERIFIER.to_lowercase(), format!("{}l", &VERIFIER[..42]));
        for verifier in [other.as_str(), &longer, &lower, &last, &"A".repeat(43)] {
            let answer = redeem(&server, &code, &format!("&code_verifier={verifier}")).await;
            assert_error(&answer, &["invalid_grant"], verifier);
        }
        let twice = redeem(&server, &code, &format!("&code_verifier={VERIFIER}&code_verifier={VERIFIER}")).await;
        assert_error(&twice, &["invalid_request"], "twice");
        assert_eq!(server.redeem(&code).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn pk05_a_verifier_without_a_challenge_shows_a_downgrade() {
    both(async |server| {
        server.settings(json!({ "require_pkce": false })).await;
        let stripped = server.code("web", "code_challenge=&code_challenge_method=").await;
        assert_error(&server.redeem(&stripped).await, &["invalid_grant"], "the challenge was stripped");
        assert_eq!(redeem(&server, &stripped, "").await.status, 200, "a client that never sent one");
        let kept = server.code("web", "").await;
        assert_eq!(server.redeem(&kept).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn pk07_an_empty_value_never_counts_as_matched() {
    both(async |server| {
        for required in [true, false] {
            server.settings(json!({ "require_pkce": required })).await;
            let code = server.code("web", "").await;
            for verifier in ["&code_verifier=", "&code_verifier", "&code_verifier=%20", "&code_verifier=%00"] {
                assert_error(&redeem(&server, &code, verifier).await, &["invalid_grant", "invalid_request"], verifier);
            }
            assert_eq!(server.redeem(&code).await.status, 200);
            // An empty challenge, and the challenge of the empty text.
            assert_errors(&server, "invalid_request", &["code_challenge=".to_owned(), "code_challenge=%20".to_owned()])
                .await;
            let code = server.code("web", &format!("code_challenge={}", challenge_of(""))).await;
            for verifier in ["", "&code_verifier=", "&code_verifier"] {
                assert_error(&redeem(&server, &code, verifier).await, &["invalid_grant", "invalid_request"], verifier);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn pk08_a_verifier_has_43_to_128_unreserved_characters() {
    both(async |server| {
        // Each fits its challenge; only its form is wrong.
        let fill = |text: &str| format!("{text}{}", "a".repeat(50));
        let bad = [
            "a".repeat(42),
            "a".repeat(129),
            "a".to_owned(),
            fill(" "),
            fill("+"),
            fill("="),
            fill("/"),
            fill("\u{e9}"),
            fill("\n"),
            fill("%41"),
            "a".repeat(4096),
        ];
        for verifier in bad {
            let code = server.code("web", &format!("code_challenge={}", challenge_of(&verifier))).await;
            let answer = redeem(&server, &code, &format!("&code_verifier={}", encoded(&verifier))).await;
            assert_error(&answer, &["invalid_grant", "invalid_request"], &verifier);
        }
        for verifier in ["a".repeat(43), "a".repeat(128), fill("-._~09AZ")] {
            let code = server.code("web", &format!("code_challenge={}", challenge_of(&verifier))).await;
            let answer = redeem(&server, &code, &format!("&code_verifier={}", encoded(&verifier))).await;
            assert_eq!(answer.status, 200, "{verifier}: {}", answer.body);
        }
        // A challenge has its own form.
        let long = "A".repeat(44);
        let challenges = [
            &CHALLENGE[..42],
            &long,
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM=",
        ];
        let faults = challenges.map(|challenge| format!("code_challenge={}", encoded(challenge)));
        assert_errors(&server, "invalid_request", &faults).await;
    })
    .await;
}

#[tokio::test]
async fn pk12_a_verifier_fits_the_code_of_its_own_request_alone() {
    both(async |server| {
        let neighbour = server.sibling().await;
        let ((one, first), (two, second)) = (pair('a'), pair('b'));
        let mut agent = Agent::new(&server);
        let a = agent.authorize("web", &format!("code_challenge={first}")).await.redirect_param("code").unwrap();
        let b = agent.authorize("web", &format!("code_challenge={second}")).await.redirect_param("code").unwrap();
        let c = neighbour.code("web", &format!("code_challenge={first}")).await;
        let (one, two) = (format!("&code_verifier={one}"), format!("&code_verifier={two}"));
        for (rule, at, code, verifier) in [
            ("another request of the same session", &server, &a, &two),
            ("and the other way round", &server, &b, &one),
            ("another tenant's request", &neighbour, &c, &two),
            ("another tenant's code with the right verifier", &server, &c, &one),
            ("and the other way round", &neighbour, &a, &one),
        ] {
            assert_error(&redeem(at, code, verifier).await, &["invalid_grant"], rule);
        }
        for (at, code, verifier) in [(&server, &a, &one), (&server, &b, &two), (&neighbour, &c, &one)] {
            assert_eq!(redeem(at, code, verifier).await.status, 200);
        }
    })
    .await;
}
