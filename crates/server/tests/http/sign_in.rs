//! An agent signs in, as the frame and its pop-up do it.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use sha2::{Digest, Sha256};
use tieline_core::{AgentId, WorkspaceName};

use crate::harness::{Answer, Server};

const ATTEMPT: &str = "attempt-0123456789abcdef";
const VERIFIER: &str = "a-verifier-only-the-frame-knows-0123456789";
const AGENT: &str = "/v1/workspaces/demo/agent";

fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

fn demo() -> WorkspaceName {
    WorkspaceName::new("demo").unwrap()
}

/// The frame makes an attempt; answers the path of the pop-up.
async fn begin(server: &Server, attempt: &str) -> String {
    let body = json!({ "attempt": attempt, "challenge": challenge(VERIFIER) });
    let answer = Answer::of(server.panel(Method::POST, &format!("{AGENT}/attempts")).json(&body)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let start = answer.json()["start_url"].as_str().unwrap().to_owned();
    start.strip_prefix(&server.origin()).unwrap().to_owned()
}

/// The pop-up goes to the provider; answers where the provider sends it back to, and its cookie.
async fn to_provider(server: &Server, start: &str) -> (String, String) {
    let answer = Answer::of(server.get(start).header("sec-fetch-site", "same-origin")).await;
    assert_eq!(answer.status, 302, "{answer:?}");
    let cookie = answer.header("set-cookie").to_owned();
    assert!(cookie.starts_with("__Host-tieline-way-") && cookie.contains("SameSite=Lax"), "{cookie}");
    (server.issuer.agree(answer.header("location")), answer.cookie())
}

async fn back(server: &Server, callback: &str, cookie: &str) -> Answer {
    let request = server.get(callback).header("cookie", cookie).header("accept", "text/html");
    Answer::of(request.header("sec-fetch-site", "cross-site")).await
}

async fn redeem(server: &Server, attempt: &str, verifier: &str) -> Answer {
    let body = json!({ "attempt": attempt, "verifier": verifier });
    Answer::of(server.panel(Method::POST, &format!("{AGENT}/session")).json(&body)).await
}

/// The whole walk; answers the session's cookie.
pub async fn sign_in(server: &Server, attempt: &str) -> String {
    let start = begin(server, attempt).await;
    let (callback, cookie) = to_provider(server, &start).await;
    assert_eq!(back(server, &callback, &cookie).await.status, 200);
    let answer = redeem(server, attempt, VERIFIER).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.cookie()
}

async fn attempt_state(server: &Server, attempt: &str) -> serde_json::Value {
    Answer::of(server.panel(Method::GET, &format!("{AGENT}/attempts/{attempt}"))).await.json()
}

#[tokio::test]
async fn an_agent_signs_in_through_a_pop_up_and_gets_a_session_in_the_frame() {
    let server = Server::start().await;

    let start = begin(&server, ATTEMPT).await;
    assert_eq!(attempt_state(&server, ATTEMPT).await, json!({ "state": "pending" }));
    let (callback, cookie) = to_provider(&server, &start).await;
    let page = back(&server, &callback, &cookie).await;
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains(&format!("\"attempt\":\"{ATTEMPT}\"")), "{}", page.text);
    assert!(page.header("content-security-policy").contains("script-src 'self'"));
    assert_eq!(attempt_state(&server, ATTEMPT).await, json!({ "state": "done" }));

    let answer = redeem(&server, ATTEMPT, VERIFIER).await;
    let agent = json!({ "agent": {
        "id": "005000000000001AAA", "name": "Nora Quist", "email": "nora.quist@example.com",
    }});
    assert_eq!(answer.json(), agent);
    assert_eq!(answer.header("cache-control"), "no-store");
    let attributes: Vec<&str> = answer.header("set-cookie").split("; ").skip(1).collect();
    assert_eq!(attributes, ["Path=/", "Max-Age=43200", "Secure", "HttpOnly", "SameSite=None", "Partitioned"]);
    let cookie = answer.cookie();
    assert!(cookie.starts_with("__Host-tieline-demo="), "{cookie}");

    let who = Answer::of(server.get(&format!("{AGENT}/session")).header("cookie", &cookie)).await;
    assert_eq!(who.json(), agent);
}

#[tokio::test]
async fn the_pop_up_carries_the_attempt_and_never_the_verifier() {
    let server = Server::start().await;
    let start = begin(&server, ATTEMPT).await;
    assert_eq!(start, format!("/auth/start?attempt=demo.{ATTEMPT}"));
    let (callback, _) = to_provider(&server, &start).await;
    assert!(!callback.contains(VERIFIER) && !callback.contains(&challenge(VERIFIER)), "{callback}");
}

#[tokio::test]
async fn an_attempt_is_used_once_at_every_step() {
    let server = Server::start().await;
    let start = begin(&server, ATTEMPT).await;

    let again = json!({ "attempt": ATTEMPT, "challenge": challenge("another") });
    let answer = Answer::of(server.panel(Method::POST, &format!("{AGENT}/attempts")).json(&again)).await;
    assert_eq!(answer.problem(), "attempt_exists");

    let early = redeem(&server, ATTEMPT, VERIFIER).await;
    assert_eq!(early.problem(), "attempt_not_finished");

    let (callback, cookie) = to_provider(&server, &start).await;
    let second = Answer::of(server.get(&start).header("sec-fetch-site", "same-origin")).await;
    assert_eq!(second.problem(), "attempt_unknown");

    assert_eq!(back(&server, &callback, &cookie).await.status, 200);
    assert_eq!(back(&server, &callback, &cookie).await.status, 404);

    assert_eq!(redeem(&server, ATTEMPT, VERIFIER).await.status, 200);
    assert_eq!(redeem(&server, ATTEMPT, VERIFIER).await.problem(), "attempt_unknown");
}

#[tokio::test]
async fn a_wrong_verifier_gets_one_guess() {
    let server = Server::start().await;
    let start = begin(&server, ATTEMPT).await;
    let (callback, cookie) = to_provider(&server, &start).await;
    back(&server, &callback, &cookie).await;

    assert_eq!(redeem(&server, ATTEMPT, "somebody else's").await.problem(), "verifier_wrong");
    assert_eq!(redeem(&server, ATTEMPT, VERIFIER).await.problem(), "attempt_unknown");
}

#[tokio::test]
async fn an_attempt_lasts_ten_minutes() {
    let server = Server::start().await;
    let start = begin(&server, ATTEMPT).await;
    server.clock.advance(Duration::from_secs(10 * 60 + 1));
    let answer = Answer::of(server.get(&start).header("sec-fetch-site", "same-origin")).await;
    assert_eq!(answer.problem(), "attempt_unknown");
}

#[tokio::test]
async fn a_link_from_elsewhere_signs_nobody_in() {
    let server = Server::start().await;
    let start = begin(&server, ATTEMPT).await;
    for site in ["cross-site", "same-site", "none"] {
        let answer = Answer::of(server.get(&start).header("sec-fetch-site", site)).await;
        assert_eq!(answer.problem(), "foreign_origin", "{site}");
    }
    // And the attempt is still good for the agent's own click.
    to_provider(&server, &start).await;
}

#[tokio::test]
async fn the_answer_must_come_back_through_the_browser_that_asked_with_the_state_it_was_given() {
    let server = Server::start().await;
    let start = begin(&server, ATTEMPT).await;
    let (callback, cookie) = to_provider(&server, &start).await;

    let stranger = Answer::of(server.get(&callback)).await;
    assert_eq!(stranger.problem(), "other_browser");
    let (before, _) = callback.split_once("state=").unwrap();
    let forged = format!("{before}state=demo.{ATTEMPT}.guessed");
    let answer = Answer::of(server.get(&forged).header("cookie", &cookie)).await;
    assert_eq!(answer.problem(), "attempt_unknown");
    let answer = Answer::of(server.get("/auth/callback?code=x&state=nonsense")).await;
    assert_eq!(answer.problem(), "attempt_unknown");

    assert_eq!(back(&server, &callback, &cookie).await.status, 200, "strangers did not use it up");
}

#[tokio::test]
async fn tokens_that_do_not_prove_what_they_claim_are_refused() {
    type Lie = fn(&mut crate::issuer::Behaviour);
    let lies: [(&str, Lie, &str); 6] = [
        ("another issuer", |b| b.issuer = Some("http://evil.example.com".into()), "identity_not_proved"),
        ("another audience", |b| b.audience = Some("another-app".into()), "identity_not_proved"),
        ("another nonce", |b| b.nonce = Some("replayed".into()), "identity_not_proved"),
        ("expired", |b| b.lifetime_secs = -10, "identity_not_proved"),
        ("another key", |b| b.foreign_key = true, "identity_not_proved"),
        ("refused code", |b| b.refuse = Some("invalid_grant".into()), "sign_in_refused"),
    ];
    let server = Server::start().await;
    for (at, (what, lie, code)) in lies.into_iter().enumerate() {
        let attempt = format!("{ATTEMPT}-{at}");
        server.issuer.behave(|behaviour| *behaviour = crate::issuer::Behaviour::default());
        server.issuer.behave(lie);
        let start = begin(&server, &attempt).await;
        let (callback, cookie) = to_provider(&server, &start).await;
        let page = back(&server, &callback, &cookie).await;
        assert!(page.status.is_client_error() || page.status.is_server_error(), "{what}: {page:?}");
        let state = attempt_state(&server, &attempt).await;
        assert_eq!(state, json!({ "state": "failed", "problem": code }), "{what}");
        assert_eq!(redeem(&server, &attempt, VERIFIER).await.problem(), "attempt_unknown", "{what}");
    }
}

#[tokio::test]
async fn a_person_who_says_no_at_the_provider_is_told_so() {
    let server = Server::start().await;
    let start = begin(&server, ATTEMPT).await;
    let (callback, cookie) = to_provider(&server, &start).await;
    let refused = callback.replace("code=the-code", "error=access_denied&error_description=%3Cb%3E");
    let page = back(&server, &refused, &cookie).await;
    assert_eq!(page.status, 403);
    assert!(
        page.text.contains("The identity provider refused") && !page.text.contains("<b>"),
        "{}",
        page.text
    );
    assert_eq!(
        attempt_state(&server, ATTEMPT).await,
        json!({ "state": "failed", "problem": "sign_in_refused" })
    );
}

#[tokio::test]
async fn what_the_token_does_not_say_is_asked_at_the_user_info_address() {
    let server = Server::start().await;
    server.issuer.behave(|behaviour| {
        behaviour.claims = json!({});
        behaviour.user_info = json!({ "name": "Otto Lund", "preferred_username": "otto.lund@example.com" });
    });
    sign_in(&server, ATTEMPT).await;
    let agents = server.store.agents(&demo()).await.unwrap();
    assert_eq!(agents[0].agent.as_str(), "005000000000001AAA", "taken from the subject");
    assert_eq!((agents[0].name.as_str(), agents[0].login.as_str()), ("Otto Lund", "otto.lund@example.com"));
}

#[tokio::test]
async fn the_crm_token_is_kept_sealed_and_refreshed_once_for_many() {
    let server = Server::start().await;
    sign_in(&server, ATTEMPT).await;
    let agent = AgentId::new("005000000000001AAA").unwrap();

    let sealed = server.store.agent_token(&demo(), &agent).await.unwrap().unwrap();
    assert!(!sealed.windows(16).any(|part| part == b"agents-own-token"));
    let sign_in = &server.state.sign_in;
    let token = sign_in.crm_token(&demo(), &agent).await.unwrap().unwrap();
    assert_eq!(token.expose_secret(), "agents-own-token");

    let demo = demo();
    let (one, two) = tokio::join!(
        sign_in.refresh_crm_token(&demo, &agent, &token),
        sign_in.refresh_crm_token(&demo, &agent, &token),
    );
    assert_eq!(one.unwrap().unwrap().expose_secret(), "fresh-token");
    assert_eq!(two.unwrap().unwrap().expose_secret(), "fresh-token");
    let refreshes: Vec<_> = server
        .issuer
        .token_requests()
        .into_iter()
        .filter(|form| form["grant_type"] == "refresh_token")
        .collect();
    assert_eq!(refreshes.len(), 1);
    assert_eq!(refreshes[0]["refresh_token"], "agents-refresh");

    server.issuer.behave(|behaviour| behaviour.refuse = Some("invalid_grant".into()));
    let fresh = sign_in.crm_token(&demo, &agent).await.unwrap().unwrap();
    assert!(sign_in.refresh_crm_token(&demo, &agent, &fresh).await.unwrap().is_none());
    assert!(sign_in.crm_token(&demo, &agent).await.unwrap().is_none(), "the agent has to sign in again");
}

#[tokio::test]
async fn a_session_ends_by_time_and_by_signing_out() {
    let server = Server::start().await;
    let path = format!("{AGENT}/session");
    let cookie = sign_in(&server, ATTEMPT).await;
    let who = || server.get(&path).header("cookie", &cookie);
    assert_eq!(Answer::of(who()).await.status, 200);

    server.clock.advance(Duration::from_secs(12 * 3600 + 1));
    assert_eq!(Answer::of(who()).await.problem(), "not_signed_in");

    let cookie = sign_in(&server, "attempt-fedcba9876543210").await;
    let answer = Answer::of(server.panel(Method::DELETE, &path).header("cookie", &cookie)).await;
    assert_eq!(answer.status, 204);
    assert!(answer.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(Answer::of(server.get(&path).header("cookie", &cookie)).await.problem(), "not_signed_in");
    let agent = AgentId::new("005000000000001AAA").unwrap();
    assert!(server.store.agent_token(&demo(), &agent).await.unwrap().is_none());
}

#[tokio::test]
async fn a_ticket_opens_one_door_within_a_minute() {
    let server = Server::start().await;
    let cookie = sign_in(&server, ATTEMPT).await;
    let path = format!("{AGENT}/tickets");
    let ask = || Answer::of(server.panel(Method::POST, &path).header("cookie", &cookie));

    let answer = ask().await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.json()["expires_at"], "2026-11-20T09:01:00Z");
    let ticket = answer.json()["ticket"].as_str().unwrap().to_owned();
    let sign_in = &server.state.sign_in;
    let other = WorkspaceName::new("other").unwrap();
    assert!(sign_in.redeem_ticket(&other, &ticket).await.unwrap().is_none());
    let agent = sign_in.redeem_ticket(&demo(), &ticket).await.unwrap().unwrap();
    assert_eq!(agent.agent.login, "nora.quist@example.com");
    assert!(sign_in.redeem_ticket(&demo(), &ticket).await.unwrap().is_none(), "used up");

    let late = ask().await.json()["ticket"].as_str().unwrap().to_owned();
    server.clock.advance(Duration::from_secs(61));
    assert!(sign_in.redeem_ticket(&demo(), &late).await.unwrap().is_none());
}

#[tokio::test]
async fn another_sites_page_changes_nothing_with_the_agents_cookie() {
    let server = Server::start().await;
    let cookie = sign_in(&server, ATTEMPT).await;
    let path = format!("{AGENT}/tickets");
    let post = || server.post(&path).header("cookie", &cookie);

    let bare = Answer::of(post()).await;
    assert_eq!(bare.problem(), "foreign_origin");
    let foreign = post().header("origin", "https://evil.example.com").header("x-tieline-panel", "1");
    assert_eq!(Answer::of(foreign).await.problem(), "foreign_origin");
    let similar = post().header("origin", format!("{}0", server.origin())).header("x-tieline-panel", "1");
    assert_eq!(Answer::of(similar).await.problem(), "foreign_origin");
    let form = post().header("origin", server.origin());
    assert_eq!(Answer::of(form).await.problem(), "panel_header_missing");
    let get = server.get(&format!("{AGENT}/session")).header("cookie", &cookie).header("origin", "null");
    assert_eq!(Answer::of(get).await.problem(), "foreign_origin");
}

#[tokio::test]
async fn a_session_of_one_workspace_is_none_in_another() {
    let server = Server::start().await;
    let cookie = sign_in(&server, ATTEMPT).await;
    let secret = cookie.split_once('=').unwrap().1;
    let renamed = format!("__Host-tieline-other={secret}");
    let answer = Answer::of(server.get("/v1/workspaces/other/agent/session").header("cookie", renamed)).await;
    assert_eq!(answer.problem(), "not_signed_in");
}

#[tokio::test]
async fn nobody_fills_the_disk_with_attempts() {
    let server = Server::start().await;
    let path = format!("{AGENT}/attempts");
    let mut last = None;
    for at in 0..=600 {
        let body = json!({ "attempt": format!("{ATTEMPT}-{at}"), "challenge": challenge(VERIFIER) });
        last = Some(Answer::of(server.panel(Method::POST, &path).json(&body)).await);
    }
    let last = last.unwrap();
    assert_eq!(last.problem(), "too_many_requests");
    assert_eq!(last.header("retry-after"), "60");
    server.clock.advance(Duration::from_secs(60));
    begin(&server, "attempt-after-the-rush").await;
}
