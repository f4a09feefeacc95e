//! Bearer tokens in another form or place than RFC 6750 §2 gives them.

use poem::http::Method;

use super::refresh_token::text;
use crate::support::{both, form};

#[tokio::test]
async fn jw36_a_bearer_header_has_exactly_one_form() {
    both(async |server| {
        let token = text(&server.tokens().await, "access_token");
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            let answer =
                server.request(Method::GET, "/userinfo", &[("authorization", &format!("{scheme} {token}"))], "").await;
            assert_eq!(answer.status, 200, "RFC 9110 §11.1 {scheme}");
        }
        for (rule, header) in [
            ("two spaces", format!("Bearer  {token}")),
            ("a tab", format!("Bearer\t{token}")),
            ("a space and a tab", format!("Bearer \t{token}")),
            ("a space behind", format!("Bearer {token} ")),
            ("two tokens", format!("Bearer {token} {token}")),
            ("a list", format!("Bearer {token},{token}")),
            ("two credentials", format!("Bearer {token}, Bearer {token}")),
            ("a parameter", format!("Bearer {token}, realm=\"x\"")),
            ("quoted", format!("Bearer \"{token}\"")),
            ("no token", "Bearer ".to_owned()),
            ("the scheme alone", "Bearer".to_owned()),
            ("no scheme", token.clone()),
            ("no space", format!("Bearer{token}")),
        ] {
            let answer = server.request(Method::GET, "/userinfo", &[("authorization", &header)], "").await;
            assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "invalid_request"), "{rule}");
            assert!(answer.header("www-authenticate").contains("error=\"invalid_request\""), "RFC 6750 §3 {rule}");
        }
        let header = format!("Bearer {token}");
        let twice = [("authorization", header.as_str()), ("authorization", header.as_str())];
        assert_eq!(
            server.request(Method::GET, "/userinfo", &twice, "").await.error(),
            "invalid_request",
            "two headers"
        );
        let padded = server.request(Method::GET, "/userinfo", &[("authorization", &format!("{header}="))], "").await;
        assert_eq!(
            (padded.status.as_u16(), padded.error().as_str()),
            (401, "invalid_token"),
            "of the right form, and wrong"
        );
    })
    .await;
}

#[tokio::test]
async fn jw37_a_token_comes_in_one_place_and_never_in_the_address() {
    both(async |server| {
        let token = text(&server.tokens().await, "access_token");
        let header = format!("Bearer {token}");
        let (form_type, header) =
            (("content-type", "application/x-www-form-urlencoded"), ("authorization", header.as_str()));
        let body = form(&[("access_token", &token)]);
        assert_eq!(server.request(Method::GET, "/userinfo", &[header], "").await.status, 200);
        assert_eq!(server.request(Method::POST, "/userinfo", &[form_type], &body).await.status, 200, "RFC 6750 §2.2");
        let query = format!("/userinfo?access_token={token}");
        let escaped = format!("/userinfo?access%5Ftoken={token}");
        let second = format!("/userinfo?x=y&access_token={token}");
        for (rule, method, path, headers, body) in [
            ("in the address", Method::GET, query.as_str(), vec![], ""),
            ("in the address, escaped", Method::GET, &escaped, vec![], ""),
            ("behind another parameter", Method::GET, &second, vec![], ""),
            ("in the address of a POST", Method::POST, &query, vec![form_type], ""),
            ("address and header", Method::GET, &query, vec![header], ""),
            ("address, escaped, and header", Method::GET, &escaped, vec![header], ""),
            ("empty in the address, and header", Method::GET, "/userinfo?access_token", vec![header], ""),
            ("address and body", Method::POST, &query, vec![form_type], &body),
            ("header and body", Method::POST, "/userinfo", vec![form_type, header], &body),
            ("twice in the body", Method::POST, "/userinfo", vec![form_type], &format!("{body}&{body}")),
        ] {
            let answer = server.request(method, path, &headers, body).await;
            assert_eq!(
                (answer.status.as_u16(), answer.error().as_str()),
                (400, "invalid_request"),
                "{rule}: {}",
                answer.body
            );
        }
    })
    .await;
}
