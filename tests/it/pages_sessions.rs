//! Where a person is signed in: which browser is this one, when each was used, and ending them.

use crate::support::agent::{attribute, forms};
use crate::support::{Agent, Answer, Engine, PASSWORD, START, Server, both};

/// The rows of the page.
fn rows(page: &Answer) -> Vec<&str> {
    page.body
        .split("<li class=\"tile")
        .skip(1)
        .map(|row| row.split("</li>\n<li class=\"tile").next().unwrap())
        .collect()
}

async fn sessions(agent: &mut Agent, server: &Server) -> Answer {
    agent.get(&format!("/t/{}/account/sessions", server.slug)).await
}

/// Signs alice in and stays signed in.
async fn kept(server: &Server) -> Agent {
    let mut agent = Agent::new(server);
    let page = agent.visit(&agent.authorization_request("web", "scope=openid")).await;
    let form = forms(&page.body).remove(0).set("username", "alice").set("password", PASSWORD).set("keep", "1");
    assert!(agent.submit(&form).await.redirect_param("code").is_some());
    agent
}

#[tokio::test]
async fn the_browser_that_asks_comes_first_and_times_can_be_read_without_scripts() {
    let server = Server::on(Engine::Sqlite).await;
    let mut other = kept(&server).await;
    server.advance(3600);
    let mut agent = Agent::new(&server);
    agent.authorize("web", "scope=openid").await;
    server.advance(120);
    for (rule, reader, first_kept) in [("here", &mut agent, false), ("there", &mut other, true)] {
        let page = sessions(reader, &server).await;
        let rows = rows(&page);
        assert_eq!(rows.len(), 2, "{rule}");
        assert!(rows[0].contains("This device") && !rows[1].contains("This device"), "{rule}: the current one first");
        assert_eq!(
            rows.iter().map(|row| row.contains("Stays signed in")).collect::<Vec<_>>(),
            [first_kept, !first_kept]
        );
    }
    let page = sessions(&mut agent, &server).await;
    let time = page.body.split("<time").nth(1).and_then(|rest| rest.split("</time>").next()).unwrap();
    assert_eq!(attribute(time, "datetime").as_deref(), Some("2027-01-15T09:00:00Z"), "{START}");
    assert!(time.ends_with(">2027-01-15 09:00:00 UTC") && time.contains(" data-local"), "{time}");
    assert!(page.body.contains("2 minutes ago"), "{}", page.body);
    // The script that puts them into the zone of the device is our own file, as the policy wants it.
    let script =
        page.body.split("src=\"").find(|rest| rest.contains("local-time")).and_then(|rest| rest.split('"').next());
    let script = server.request(poem::http::Method::GET, &format!("/{}", script.unwrap()), &[], "").await;
    assert!(script.status == 200 && script.body.contains("data-local"), "{}", script.body);
    assert!(page.header("content-security-policy").contains("script-src 'self';"));
}

#[tokio::test]
async fn signing_out_all_others_leaves_this_browser_and_other_people_alone() {
    both(async |server| {
        let (mut agent, mut one, two) = (kept(&server).await, kept(&server).await, kept(&server).await);
        let mut bob = Agent::new(&server);
        bob.authorize_as("bob", "web", "").await;
        let page = sessions(&mut agent, &server).await;
        let all = forms(&page.body).pop().unwrap().set("decision", "others");
        let page = agent.submit_and_follow(&all).await;
        assert_eq!((page.status.as_u16(), rows(&page).len()), (200, 1));
        assert!(page.body.contains("All other sessions were signed out"), "{}", page.body);
        assert!(!page.body.contains("end-others"), "nobody else is left: {}", page.body);
        assert_eq!(sessions(&mut one, &server).await.status, 403);
        assert_eq!(sessions(&mut two.clone(), &server).await.status, 403);
        assert_eq!(sessions(&mut bob, &server).await.status, 200, "another person");
        // Once more changes nothing.
        assert_eq!(agent.submit_and_follow(&all).await.status, 200);
    })
    .await;
}
