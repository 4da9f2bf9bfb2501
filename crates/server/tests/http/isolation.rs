//! Another workspace's credentials get nothing, at every address there is.

use reqwest::{Method, RequestBuilder};
use serde_json::json;
use tieline_core::{ContactId, PartKind, Version, WorkspaceName};
use tieline_store::{ContactRow, ContactUpdate, Part};

use crate::garbage::operations;
use crate::harness::{Answer, Server};

/// Addresses that hold nothing of a workspace but what its sign-in page must show to anybody.
const PUBLIC: [&str; 8] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/openapi.json",
    "/panel/{workspace}",
    "/panel/assets/{path}",
    "/auth/start",
    "/auth/callback",
];
/// Sign-in and the socket: whoever has no session yet must reach them. What they give depends on
/// secrets of the attempt or on a ticket, which `sign_in.rs` and the socket's own tests try with
/// those of another workspace.
const SIGN_IN: [&str; 5] = [
    "GET /v1/workspaces/{workspace}/agent",
    "/auth/callback.js",
    "/v1/workspaces/{workspace}/agent/attempts",
    "/v1/workspaces/{workspace}/agent/attempts/{attempt}",
    "POST /v1/workspaces/{workspace}/agent/session",
];

/// Everything `other` has, and more.
fn with_foreign_credentials(request: &RequestBuilder, server: &Server) -> [RequestBuilder; 3] {
    let again = || request.try_clone().unwrap();
    [
        again()
            .bearer_auth("other-dip-key")
            .header("x-tieline-key", "other-eventbridge-key")
            .header("cookie", "__Host-tieline-demo=other; __Host-tieline-other=other")
            .header("origin", server.origin())
            .header("x-tieline-panel", "1"),
        again().bearer_auth("other-dip-key").header("x-amz-firehose-access-key", "other-firehose-key"),
        again(),
    ]
}

async fn a_contact_of_demo(server: &Server) {
    let at = server.state.clock.now();
    let workspace = WorkspaceName::new("demo").unwrap();
    let contact = ContactId::new("c-42").unwrap();
    let row = ContactRow {
        workspace,
        contact,
        root: None,
        channel: None,
        direction: None,
        state: None,
        agent: None,
        queue: None,
        customer: Some("+12025550143".into()),
        started_at: Some(at),
        ended_at: None,
        updated_at: at,
    };
    let part = Part {
        kind: PartKind::Event,
        version: Version { rank: 0, at },
        hash: "h".into(),
        document: json!({ "customer": "+12025550143" }),
    };
    let update = ContactUpdate { expected_revision: 0, row, parts: vec![part], outbox: vec![] };
    assert!(server.store.save_contacts(vec![update], vec![]).await.unwrap());
}

#[tokio::test]
async fn another_workspaces_key_gets_nothing_at_any_address() {
    let server = Server::start().await;
    a_contact_of_demo(&server).await;
    let mut asked = 0;
    for (method, pattern) in operations() {
        if PUBLIC.contains(&pattern.as_str())
            || SIGN_IN.contains(&pattern.as_str())
            || SIGN_IN.contains(&format!("{method} {pattern}").as_str())
        {
            continue;
        }
        let path = pattern
            .replace("{workspace}", "demo")
            .replace("{connection}", "connect")
            .replace("{contact}", "c-42")
            .replace("{recording}", "ffff");
        assert!(!path.contains('{'), "{path}: say here what stands in its place");
        let request = server.request(method.clone(), &path).json(&json!({
            "id": "e-1", "detail-type": "Amazon Connect Contact Event", "detail": { "contactId": "c-1" },
            "records": [], "Details": { "Parameters": { "sf_operation": "lookup" } },
        }));
        for request in with_foreign_credentials(&request, &server) {
            let answer = Answer::of(request).await;
            assert!(answer.status == 401 || answer.status == 403, "{method} {path}: {answer:?}");
            assert!(!answer.text.contains("2025550143") && !answer.text.contains("c-42"), "{answer:?}");
            asked += 1;
        }
    }
    assert!(asked >= 15, "only {asked} requests were made");
    assert_eq!(server.store.waiting_deliveries().await.unwrap(), 0);
}

#[tokio::test]
async fn a_contact_is_found_in_its_own_workspace_only() {
    let server = Server::start().await;
    a_contact_of_demo(&server).await;
    let get = |path: &str, key: &str| Answer::of(server.get(path).bearer_auth(key));
    let own = get("/v1/workspaces/demo/contacts/c-42", "sandbox-dip-key").await;
    assert_eq!(own.json()["contact"]["customer"], "+12025550143");
    assert_eq!(own.json()["parts"][0]["kind"], "event");
    let other = get("/v1/workspaces/other/contacts/c-42", "other-dip-key").await;
    assert_eq!(other.problem(), "contact_not_found");
    let list = get("/v1/workspaces/other/contacts", "other-dip-key").await;
    assert_eq!(list.json(), json!({ "contacts": [] }));
    let list = get("/v1/workspaces/demo/contacts", "sandbox-dip-key").await;
    assert_eq!(list.json()["contacts"][0]["id"], "c-42");
}

#[tokio::test]
async fn an_unknown_workspace_looks_like_a_foreign_one() {
    let server = Server::start().await;
    let ask = |workspace: &str| {
        let path = format!("/v1/workspaces/{workspace}/contacts");
        Answer::of(server.request(Method::GET, &path).bearer_auth("other-dip-key"))
    };
    let (unknown, foreign) = (ask("nobody").await, ask("demo").await);
    assert_eq!((unknown.status, unknown.text), (foreign.status, foreign.text));
}

#[tokio::test]
async fn a_key_may_do_only_what_it_was_given() {
    let server = Server::start_with(|config| {
        for workspace in config.workspaces.values_mut() {
            workspace.keys[0].operations = vec!["dips:lookup".parse().unwrap()];
        }
    })
    .await;
    let contacts = server.get("/v1/workspaces/demo/contacts").bearer_auth("sandbox-dip-key");
    assert_eq!(Answer::of(contacts).await.problem(), "operation_not_allowed");
    let create = json!({ "Details": { "Parameters": {
        "sf_operation": "create", "sf_object": "Case", "Subject": "x",
    }}});
    let dip = server.post("/v1/workspaces/demo/dips").bearer_auth("sandbox-dip-key").json(&create);
    assert_eq!(Answer::of(dip).await.problem(), "dip.not_allowed");
}
