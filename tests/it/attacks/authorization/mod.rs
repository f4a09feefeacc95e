//! Attacks on the authorization endpoint — RFC 6749 §3.1 and §4.1, RFC 9207, RFC 9700 §4 — and, in the files beside,
//! on what it hands out.

mod answer;
mod code;
mod proof_key;
mod redirect_uri;

use poem::http::Method;

use crate::support::agent::{Form, forms};
use crate::support::{Agent, Answer, ORIGIN, Server, both};

/// A value as it stands in a query.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// RFC 6749 §4.1.2.1: a page tells the person, and nothing goes anywhere.
fn assert_page(answer: &Answer, rule: &str) {
    assert_eq!(answer.status, 400, "{rule}: {}", answer.header("location"));
    assert!(!answer.headers.contains_key("location"), "{rule}: {}", answer.header("location"));
    assert!(!answer.headers.contains_key("refresh") && !answer.body.contains("http-equiv"), "{rule}: {}", answer.body);
    assert!(answer.body.contains("<h1"), "{rule}: {}", answer.body);
    assert!(!answer.body.contains("evil") && !answer.body.contains("id=\"form-post\""), "{rule}: {}", answer.body);
}

/// The error that a redirect to `web` carries; with it the issuer, and no code.
fn error_at_web(server: &Server, answer: &Answer, rule: &str) -> String {
    assert_eq!(answer.status, 303, "{rule}: {}", answer.body);
    let location = answer.header("location");
    assert!(location.starts_with("https://app.example/cb?"), "{rule}: {location}");
    assert_eq!(answer.redirect_param("iss"), Some(server.issuer()), "{rule}: {location}");
    assert_eq!(answer.redirect_param("code"), None, "{rule}: {location}");
    answer.redirect_param("error").unwrap_or_else(|| panic!("{rule}: {location}"))
}

/// The first answer to a request of `web` in a fresh browser.
async fn ask(server: &Server, more: &str) -> Answer {
    let mut agent = Agent::new(server);
    let address = agent.authorization_request("web", more);
    agent.get(&address).await
}

/// Every fault gets `error`, where the request without it gets a sign-in page.
async fn assert_errors(server: &Server, error: &str, faults: &[String]) {
    let honest = ask(server, "").await;
    assert_eq!(honest.status, 200, "{}", honest.body);
    for fault in faults {
        let rule = fault.get(..fault.len().min(60)).unwrap_or_default();
        let answer = ask(server, fault).await;
        assert_eq!(error_at_web(server, &answer, rule), error, "{rule}");
        assert_eq!(answer.redirect_param("state").as_deref(), Some("s1"), "{rule}");
    }
}

/// A browser in which alice is signed in.
async fn signed_in(server: &Server) -> Agent {
    let mut agent = Agent::new(server);
    let answer = agent.authorize("web", "").await;
    assert!(answer.redirect_param("code").is_some(), "{}", answer.body);
    agent
}

/// The answer to a request of `web` in a browser where somebody is signed in.
async fn answer_to(agent: &mut Agent, more: &str) -> Answer {
    let address = agent.authorization_request("web", more);
    agent.get(&address).await
}

/// A request with the cookies of a browser and headers that no form of ours has.
async fn raw(agent: &Agent, server: &Server, method: Method, address: &str, headers: &[(&str, &str)]) -> Answer {
    let cookies: Vec<String> = agent.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let cookies = cookies.join("; ");
    let mut all = vec![("accept", "text/html")];
    if !cookies.is_empty() {
        all.push(("cookie", cookies.as_str()));
    }
    all.extend_from_slice(headers);
    server.request(method, &format!("/{address}"), &all, "").await
}

/// How many codes this tenant has issued.
async fn codes_issued(server: &Server) -> usize {
    let events = server.desk().await.store.audit_events(1000).await.expect("the trail");
    events.iter().filter(|event| event.kind == "code.issued").count()
}

#[tokio::test]
async fn ar01_a_parameter_that_comes_twice_is_refused() {
    both(async |server| {
        let twice = [
            "scope=openid&scope=profile",
            "nonce=a&nonce=b",
            "nonce=a&nonce=a",
            "response_type=code&response_type=token",
            "response_mode=query&response_mode=fragment",
            "prompt=login&prompt=none",
            "foo=1&foo=2",
        ];
        assert_errors(&server, "invalid_request", &twice.map(str::to_owned)).await;
        let challenge = crate::support::CHALLENGE;
        assert_errors(&server, "invalid_request", &[format!("code_challenge={challenge}&code_challenge={challenge}")])
            .await;
        // A state that comes twice is no state.
        let answer = ask(&server, "state=s1&state=s2").await;
        assert_eq!(error_at_web(&server, &answer, "state"), "invalid_request");
        assert_eq!(answer.redirect_param("state"), None, "{}", answer.header("location"));
    })
    .await;
}

#[tokio::test]
async fn ar02_an_unknown_parameter_is_ignored() {
    both(async |server| {
        for more in [
            "foo=bar",
            "foo=",
            "x-%22%3Cb%3E=%0a",
            "Scope=x",
            "code=stolen",
            "iss=https%3A%2F%2Fevil.example",
            "error=access_denied",
        ] {
            let answer = Agent::new(&server).authorize("web", more).await;
            let code = answer.redirect_param("code").unwrap_or_else(|| panic!("{more}: {}", answer.body));
            assert_eq!(answer.redirect_param("iss"), Some(server.issuer()), "{more}");
            assert_eq!(answer.redirect_param("error"), None, "{more}");
            assert_eq!(server.redeem(&code).await.status, 200, "{more}");
        }
    })
    .await;
}

#[tokio::test]
async fn ar03_only_the_response_type_code_is_supported() {
    both(async |server| {
        let types = [
            "token",
            "id_token",
            "id_token token",
            "token id_token",
            "code token",
            "token code",
            "code id_token",
            "id_token code",
            "none",
            "junk",
            "CODE",
            "code code",
            " code",
            "code,token",
        ];
        let faults = types.map(|name| format!("response_type={}", encoded(name)));
        assert_errors(&server, "unsupported_response_type", &faults).await;
        assert_errors(&server, "invalid_request", &["response_type=".to_owned()]).await;
        let absent = Agent::new(&server).authorization_request("web", "response_type=").replace("&response_type=", "");
        let answer = Agent::new(&server).get(&absent).await;
        assert_eq!(error_at_web(&server, &answer, "absent"), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn ar05_an_unsupported_response_mode_is_refused() {
    both(async |server| {
        let modes =
            ["web_message", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt", "QUERY", "query fragment", "junk"];
        let faults = modes.map(|mode| format!("response_mode={}", encoded(mode)));
        assert_errors(&server, "invalid_request", &faults).await;
        // A front-channel token in a query: refused for its type already, so no mode can carry one.
        for kind in ["id_token", "token", "code id_token"] {
            let answer = ask(&server, &format!("response_mode=query&response_type={}", encoded(kind))).await;
            assert_eq!(error_at_web(&server, &answer, kind), "unsupported_response_type");
            assert!(!answer.header("location").contains("token="), "{}", answer.header("location"));
        }
    })
    .await;
}

#[tokio::test]
async fn ar08_a_malformed_or_huge_scope_is_refused() {
    both(async |server| {
        let many: String = (0..5000).map(|number| format!("s{number} ")).collect();
        let over = (0..101).map(|number| format!("s{number}")).collect::<Vec<_>>().join(" ");
        let (long, doubles) = ("a".repeat(10 * 1024), "openid ".repeat(1500));
        // Not U+0000: a request with it cannot be read at all (RU27).
        let scopes = [
            "openid \"x\"",
            "openid \\",
            "openid\tprofile",
            "openid\nprofile",
            "openid \u{1}",
            "openid \u{7f}",
            "openid \u{e9}",
            &long,
            &doubles,
            &over,
        ];
        let faults = scopes.map(|scope| format!("scope={}", encoded(scope)));
        assert_errors(&server, "invalid_scope", &faults).await;
        // 5,000 of them make an address that is too long by itself (AR22), if it is.
        let answer = ask(&server, &format!("scope={}", encoded(&many))).await;
        assert!(
            answer.status.is_client_error() || error_at_web(&server, &answer, "5000") == "invalid_scope",
            "{}",
            answer.status
        );
        let honest = ask(&server, &format!("scope={}", encoded("openid !#[]~"))).await;
        assert_eq!(honest.status, 200, "the edges of the alphabet: {}", honest.header("location"));
    })
    .await;
}

#[tokio::test]
async fn ar14_no_other_origin_reads_the_authorization_endpoint() {
    both(async |server| {
        let agent = signed_in(&server).await;
        for more in ["", "prompt=none", "scope=%22", "redirect_uri=x"] {
            let address = agent.authorization_request("web", more);
            for origin in ["https://evil.example", "https://app.example", "null"] {
                let headers = [("origin", origin), ("sec-fetch-mode", "cors"), ("sec-fetch-site", "cross-site")];
                let answer = raw(&agent, &server, Method::GET, &address, &headers).await;
                let preflight = [("origin", origin), ("access-control-request-method", "GET")];
                let asked = raw(&agent, &server, Method::OPTIONS, &address, &preflight).await;
                for answer in [answer, asked] {
                    let told = answer.headers.keys().any(|name| name.as_str().starts_with("access-control-"));
                    assert!(!told, "{origin} {more}: {:?}", answer.headers);
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn ar16_other_methods_are_refused_and_head_issues_nothing() {
    both(async |server| {
        let agent = signed_in(&server).await;
        let address = agent.authorization_request("web", "");
        let before = codes_issued(&server).await;
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS, Method::TRACE] {
            let answer = raw(&agent, &server, method.clone(), &address, &[]).await;
            assert_eq!(answer.status, 405, "{method}");
            let mut allowed: Vec<&str> = answer.header("allow").split(", ").collect();
            allowed.sort_unstable();
            assert_eq!(allowed, ["GET", "HEAD", "POST"], "{method}");
            assert!(!answer.headers.contains_key("location"), "{method}");
        }
        let answer = raw(&agent, &server, Method::HEAD, &address, &[]).await;
        assert!(
            !answer.status.is_server_error() && !answer.header("location").contains("code="),
            "{}",
            answer.header("location")
        );
        assert_eq!(codes_issued(&server).await, before, "RFC 9110 §9.2.1: HEAD is safe");
        assert_eq!(raw(&agent, &server, Method::GET, &address, &[]).await.status, 303);
    })
    .await;
}

#[tokio::test]
async fn ar17_a_request_posted_from_another_site_is_repeated_as_get() {
    both(async |server| {
        let mut agent = signed_in(&server).await;
        let address = agent.authorization_request("web", "");
        let (path, query) = address.split_once('?').unwrap();
        let fields = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let form = Form { action: path.to_owned(), fields };
        let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
        let before = codes_issued(&server).await;
        // SameSite=Lax keeps the cookies back; where a browser sends them all the same, nothing else happens.
        for mut sender in [Agent::new(&server), agent.clone()] {
            let answer = sender.submit_with(&form, &foreign).await;
            assert_eq!((answer.status.as_u16(), answer.header("location")), (303, address.as_str()));
            assert!(!answer.headers.contains_key("set-cookie"), "{:?}", answer.headers);
        }
        assert_eq!(codes_issued(&server).await, before);
        let page = Agent::new(&server).get(&address).await;
        assert!(page.status == 200 && page.body.contains("type=\"password\""), "nobody is let in: {}", page.body);
        assert!(agent.get(&address).await.redirect_param("code").is_some());
        // A fault is still a fault, and a query beside the form is none of the request.
        let evil = form.clone().set("redirect_uri", "https://evil.example/cb");
        assert_page(
            &Agent::new(&server).visit(Agent::new(&server).submit(&evil).await.header("location")).await,
            "evil",
        );
        let both = Form { action: address.clone(), ..form };
        assert_page(&Agent::new(&server).submit(&both).await, "two places");
    })
    .await;
}

#[tokio::test]
async fn ar19_a_transaction_belongs_to_the_browser_that_began_it() {
    both(async |server| {
        let mut victim = Agent::new(&server);
        let address = victim.authorization_request("web", "");
        let page = victim.get(&address).await;
        let form = forms(&page.body).remove(0).set("username", "alice").set("password", "wrong");
        let here = form.action.strip_suffix("/password").unwrap().to_owned();
        let sealed = format!("{here}?handle={}", form.get("handle"));
        let guessed = format!("{}/interaction/{}", address.split("/authorize").next().unwrap(), "A".repeat(43));
        // Before a row exists, and after.
        for at in ["sealed", "stored"] {
            let mut thief = Agent::new(&server);
            let own = thief.authorization_request("web", "");
            let own = forms(&thief.get(&own).await.body).remove(0);
            assert_eq!(thief.get(&sealed).await.status, 403, "{at}");
            let missing = thief.get(&guessed).await;
            assert!(missing.status.is_client_error() && forms(&missing.body).is_empty(), "{at}: {}", missing.status);
            let filled = form.clone().set("username", "bob").set("password", crate::support::PASSWORD);
            for stolen in [filled.clone(), filled.clone().set("csrf", own.get("csrf"))] {
                let answer = thief.submit(&stolen).await;
                assert_eq!((answer.status.as_u16(), answer.header("location")), (403, ""), "{at}");
            }
            let stranger = Agent::new(&server).submit(&filled).await;
            assert_eq!(stranger.status, 403, "{at}: without a cookie");
            if at == "sealed" {
                assert_eq!(victim.submit(&form).await.status, 303);
            } else {
                assert_eq!(thief.get(&here).await.status, 403);
            }
        }
        let page = victim.visit(&here).await;
        let answer = victim.next("alice", &page).await;
        assert!(answer.redirect_param("code").is_some(), "the honest one: {} {}", answer.status, answer.body);
    })
    .await;
}

#[tokio::test]
async fn ar21_no_link_changes_a_transaction_and_a_form_needs_its_own_browser_and_token() {
    both(async |server| {
        let mut agent = signed_in(&server).await;
        let page = answer_to(&mut agent, "prompt=select_account").await;
        let form = forms(&page.body).remove(0);
        assert!(form.action.ends_with("/account"), "{}", page.body);
        let here = form.action.strip_suffix("/account").unwrap().to_owned();
        let sealed = format!("{here}?handle={}", form.get("handle"));
        for link in ["&another=1", "&another", "&restart=1", "&decision=remove"] {
            agent.get(&format!("{sealed}{link}")).await;
            let page = agent.get(&sealed).await;
            assert!(page.body.contains(&format!("action=\"{}\"", form.action)), "{link}: {}", page.body);
        }
        let remove = form.clone().set("decision", "remove");
        let own = [("origin", ORIGIN), ("sec-fetch-site", "same-origin")];
        let elsewhere = forms(&answer_to(&mut agent, "prompt=select_account").await.body).remove(0);
        for (rule, form, headers) in [
            ("no token", remove.clone().set("csrf", ""), own),
            ("a made-up token", remove.clone().set("csrf", &"A".repeat(43)), own),
            ("the token of another transaction", remove.clone().set("csrf", elsewhere.get("csrf")), own),
            ("another site", remove.clone(), [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]),
            (
                "a neighbour's site",
                remove.clone(),
                [("origin", "https://evil.id.example"), ("sec-fetch-site", "same-site")],
            ),
            ("a hidden origin", remove.clone(), [("origin", "null"), ("sec-fetch-site", "cross-site")]),
        ] {
            assert_eq!(agent.submit_with(&form, &headers).await.status, 403, "{rule}");
        }
        assert_eq!(Agent::new(&server).submit(&remove).await.status, 403, "another browser");
        let answer = agent.submit_and_follow(&form.set("decision", "choose")).await;
        assert!(answer.redirect_param("code").is_some(), "the session is still there: {}", answer.body);
    })
    .await;
}

#[tokio::test]
async fn ar22_a_huge_address_is_refused() {
    both(async |server| {
        let junk = |length: usize| format!("foo={}", "a".repeat(length));
        let honest = ask(&server, &junk(4 * 1024)).await;
        assert_eq!(honest.status, 200, "{}", honest.body);
        for more in [junk(32 * 1024), junk(60 * 1024), format!("scope=openid&{}", "a=&".repeat(16 * 1024))] {
            let answer = ask(&server, &more).await;
            assert!(matches!(answer.status.as_u16(), 400 | 414), "{} {}", more.len(), answer.status);
            assert!(!answer.headers.contains_key("location"), "{}", more.len());
        }
        let answer = server.get(&format!("/authorize/{}", "a".repeat(32 * 1024))).await;
        assert!(answer.status.is_client_error(), "{}", answer.status);
    })
    .await;
}

#[tokio::test]
async fn ar26_unknown_languages_fall_back() {
    both(async |server| {
        for (tags, tag) in [
            ("de", "de"),
            ("xx de", "de"),
            ("", "en"),
            ("../../etc/passwd", "en"),
            ("\"><script>", "en"),
            ("\u{e9}", "en"),
            ("-", "en"),
        ] {
            let page = ask(&server, &format!("ui_locales={}", encoded(tags))).await;
            assert!(
                page.status == 200 && page.body.contains(&format!("<html lang=\"{tag}\"")),
                "{tags}: {}",
                page.body
            );
            assert!(!page.body.contains("<script>") && !page.headers.contains_key("set-cookie-language"), "{tags}");
        }
        let first = ask(&server, "ui_locales=xx-0").await;
        for number in 1..200 {
            let page = ask(&server, &format!("ui_locales=xx-{number}%20x{number}-Latn")).await;
            assert_eq!(page.status, 200, "{number}");
            assert!(page.body.contains("<html lang=\"en\"") && page.body.len() < first.body.len() + 1024, "{number}");
        }
        let many: String = (0..2000).map(|number| format!("x{number} ")).collect();
        let answer = ask(&server, &format!("ui_locales={}", encoded(&many))).await;
        assert_eq!(error_at_web(&server, &answer, "2,000 tags"), "invalid_request");
    })
    .await;
}

#[tokio::test]
async fn ar27_a_deep_or_huge_claims_parameter_is_refused() {
    both(async |server| {
        let honest =
            ask(&server, &format!("claims={}", encoded("{\"id_token\":{\"name\":{\"essential\":true}}}"))).await;
        assert_eq!(honest.status, 200, "{}", honest.header("location"));
        let deep = |open: &str, close: &str, levels: usize| {
            format!("{{\"id_token\":{{\"name\":{}1{}}}}}", open.repeat(levels), close.repeat(levels))
        };
        let wide: Vec<String> = (0..65).map(|number| format!("\"c{number}\":null")).collect();
        let bombs = [
            deep("{\"a\":", "}", 500),
            deep("{\"a\":[", "]}", 300),
            "[".repeat(4000),
            "{\"a\":".repeat(600),
            format!("{{\"id_token\":{{{}}}}}", wide.join(",")),
            format!("{{\"userinfo\":{{\"name\":{{\"value\":\"{}\"}}}}}}", "a".repeat(8 * 1024)),
            format!("{{\"x\":{}1}}", " ".repeat(5000)),
            "[]".to_owned(),
            "{\"id_token\":[]}".to_owned(),
            "{\"id_token\":{\"name\":1}}".to_owned(),
            "{\"id_token\":{}".to_owned(),
        ];
        let faults = bombs.map(|claims| format!("claims={}", encoded(&claims)));
        assert_errors(&server, "invalid_request", &faults).await;
    })
    .await;
}
