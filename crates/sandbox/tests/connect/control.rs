use http::Method;
use serde_json::{Value, json};

use crate::harness::Instance;

#[tokio::test]
async fn a_change_needs_its_header() {
    let instance = Instance::start().await;
    let url = format!("{}/sandbox/v1/calls", instance.connect.url());

    let response = instance.http.post(url).json(&json!({"from": "+12025550143"})).send().await.unwrap();

    assert_eq!(response.status(), 403);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "change_header_missing");
}

#[tokio::test]
async fn a_page_of_another_world_changes_nothing_even_with_the_header() {
    let instance = Instance::start().await;
    let url = format!("{}/sandbox/v1/calls", instance.connect.url());
    let own = instance.connect.url();
    for (origin, status) in [
        ("https://rebound.example.com", 403),
        ("null", 403),
        ("http://crm.localhost:1", 403),
        ("http://crm.localhost:8431", 201),
        (own.as_str(), 201),
    ] {
        let request = instance.http.post(&url).header("X-Tieline-Sandbox", "1").header("Origin", origin);
        let response = request.json(&json!({"from": "+12025550143"})).send().await.unwrap();
        assert_eq!(response.status(), status, "{origin}");
        if status == 403 {
            assert!(response.headers().get("Access-Control-Allow-Origin").is_none());
            assert_eq!(response.json::<Value>().await.unwrap()["code"], "foreign_origin");
        }
    }
    // What a form or a bare `fetch` of any page can send without a preflight.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"] {
        for path in ["calls", "faults", "clock", "reset", "calls/c/hangup"] {
            let url = format!("{}/sandbox/v1/{path}", instance.connect.url());
            let request = instance.http.post(url).header("Content-Type", kind).body("{}");
            assert_eq!(request.send().await.unwrap().status(), 403, "{path} {kind}");
        }
    }
    assert_eq!(instance.get("/calls").await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn pages_name_who_may_frame_them_and_nothing_else_can_be_framed() {
    let instance = Instance::start().await;
    for path in ["/ccp-v2/", "/sandbox/v1/openapi.json", "/sandbox/v1/nothing", "/nothing"] {
        let response = instance.http.get(format!("{}{path}", instance.connect.url())).send().await.unwrap();
        let policy = response.headers()["Content-Security-Policy"].to_str().unwrap();
        let ancestors = policy.split("frame-ancestors ").nth(1).unwrap();
        assert!(!ancestors.contains('*'), "{path}: {policy}");
        assert!(
            ancestors == "'none'" || (path == "/ccp-v2/" && response.status() == 200),
            "{path}: {policy}"
        );
    }
}

#[tokio::test]
async fn a_name_that_is_not_ours_gets_no_answer() {
    let instance = Instance::start().await;
    let url = format!("{}/sandbox/v1/agents", instance.connect.url());

    for (host, status) in [
        ("rebound.example.com", 421),
        ("127.0.0.1.example.com:8432", 421),
        ("crm.localhost", 421),
        ("ccp.localhost:8432", 200),
        ("localhost", 200),
    ] {
        let response = instance.http.get(&url).header("Host", host).send().await.unwrap();
        assert_eq!(response.status(), status, "{host}");
    }
}

#[tokio::test]
async fn only_pages_of_this_world_may_call_from_a_browser() {
    let instance = Instance::start().await;
    let preflight = async |origin: &'static str| {
        let url = format!("{}/sandbox/v1/calls", instance.connect.url());
        let request = instance.http.request(Method::OPTIONS, url).header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "POST");
        let response = request.send().await.unwrap();
        response
            .headers()
            .get("Access-Control-Allow-Origin")
            .map(|origin| origin.to_str().unwrap().to_owned())
    };

    assert_eq!(preflight("http://crm.localhost:8431").await.as_deref(), Some("http://crm.localhost:8431"));
    assert_eq!(
        preflight("http://panel.localhost:8430").await.as_deref(),
        Some("http://panel.localhost:8430")
    );
    assert_eq!(preflight("https://rebound.example.com").await, None);
    assert_eq!(preflight("null").await, None);
}

#[tokio::test]
async fn bad_requests_get_a_problem_that_says_what_is_wrong() {
    let instance = Instance::start().await;
    let cases = [
        ("/calls", json!({}), 422),
        ("/calls", json!({"from": 7}), 422),
        ("/calls", json!({"from": "x", "surprise": 1}), 422),
        ("/calls", json!({"from": "x", "queue": "Nobody"}), 422),
        ("/calls", json!({"from": "x", "agent": "nobody"}), 422),
        ("/calls", json!({"from": "x".repeat(257)}), 422),
        ("/calls/none/hangup", json!({}), 404),
        ("/chats", json!({}), 404),
        ("/clock", json!({"advance": "soon"}), 422),
        ("/clock", json!({"advance": "-PT1H"}), 422),
        ("/clock", json!({"advance": "P100Y"}), 422),
        ("/faults", json!({"kind": "lock"}), 422),
        ("/faults", json!({"kind": "unheard_of"}), 422),
        ("/agents/nora.quist/state", json!({"state": "Asleep"}), 422),
        ("/agents/nobody/state", json!({"state": "Available"}), 404),
        ("/deliveries/x/again", json!({}), 422),
    ];

    for (path, body, status) in cases {
        let (answered, problem) = instance.post(path, body.clone()).await;
        assert_eq!(answered, status, "{path} {body}: {problem}");
        assert_eq!(problem["status"], status, "{path} {body}: {problem}");
    }
}

#[tokio::test]
async fn an_action_that_does_not_fit_the_call_is_a_conflict() {
    let instance = Instance::start().await;
    let call = instance.call(json!({"from": "+12025550143"})).await;

    for action in ["answer", "busy", "accept", "hold", "clear", "press"] {
        let body = if action == "press" { json!({"digits": "1"}) } else { json!({}) };
        let (status, problem) = instance.post(&format!("/calls/{call}/{action}"), body).await;
        assert_eq!(status, 409, "{action}: {problem}");
    }
}

#[tokio::test]
async fn what_is_said_and_pressed_is_kept_with_the_call() {
    let instance = Instance::start().await;
    instance.make("nora.quist", "Available").await;
    let call = instance.call(json!({"from": "+12025550143"})).await;
    instance.act(&call, "accept").await;

    instance.act_with(&call, "speak", json!({"text": "Hello"})).await;
    instance.act_with(&call, "speak", json!({"text": "Good day", "who": "agent"})).await;
    instance.act_with(&call, "press", json!({"digits": "12#"})).await;

    let transcript = instance.get(&format!("/calls/{call}")).await["transcript"].clone();
    let at = "2026-11-20T12:00:00Z";
    assert_eq!(
        transcript,
        json!([
            {"at": at, "who": "customer", "text": "Hello"},
            {"at": at, "who": "agent", "text": "Good day"},
            {"at": at, "who": "customer", "digits": "12#"},
        ])
    );
}

#[tokio::test]
async fn a_reset_puts_everything_back_but_the_time() {
    let instance = Instance::start().await;
    instance.make("nora.quist", "Lunch").await;
    instance.call(json!({"from": "+12025550143"})).await;
    instance.break_with(json!({"kind": "no_ack"})).await;
    instance.advance("PT1H").await;

    let (status, world) = instance.post("/reset", json!({})).await;

    assert_eq!(status, 200);
    assert_eq!((&world["seed"], &world["now"]), (&json!(1), &json!("2026-11-20T13:00:00Z")));
    assert_eq!(instance.get("/calls").await, json!([]));
    assert_eq!(instance.get("/deliveries").await, json!([]));
    assert_eq!(instance.get("/faults").await, json!([]));
    assert_eq!(instance.agent("nora.quist").await["state"], "Offline");
}

#[tokio::test]
async fn the_description_lists_every_control_route() {
    let instance = Instance::start().await;

    let api = instance.get("/openapi.json").await;

    let mut paths: Vec<&String> = api["paths"].as_object().unwrap().keys().collect();
    paths.sort();
    assert_eq!(
        paths,
        [
            "/sandbox/v1/agents",
            "/sandbox/v1/agents/{username}/state",
            "/sandbox/v1/analyses",
            "/sandbox/v1/callee",
            "/sandbox/v1/calls",
            "/sandbox/v1/calls/{contactId}",
            "/sandbox/v1/calls/{contactId}/{action}",
            "/sandbox/v1/clock",
            "/sandbox/v1/deliveries",
            "/sandbox/v1/deliveries/{id}/again",
            "/sandbox/v1/faults",
            "/sandbox/v1/faults/{id}",
            "/sandbox/v1/reports",
            "/sandbox/v1/reset",
            "/sandbox/v1/transcriptions",
            "/sandbox/v1/world",
        ]
    );
    assert_eq!(api["info"]["title"], "Tieline sandbox: amazon-connect");
}

#[tokio::test]
async fn a_refused_connection_is_closed_without_an_answer() {
    let instance = Instance::start().await;
    instance.break_with(json!({"kind": "refuse", "match": {"path": "/ccp-v2"}})).await;

    let refused = instance.http.get(format!("{}/ccp-v2/", instance.connect.url())).send().await;

    assert!(refused.unwrap_err().is_request());
    assert!(instance.get("/agents").await.is_array());
}

#[tokio::test]
async fn a_fault_says_how_often_it_has_happened_and_can_be_deleted() {
    let instance = Instance::start().await;
    let id = instance.break_with(json!({"kind": "deliver_never", "times": 0})).await;
    instance.call(json!({"from": "+12025550143"})).await;

    let fault = instance.get(&format!("/faults/{id}")).await;
    assert_eq!((&fault["taken"], &fault["left"]), (&json!(2), &Value::Null));
    assert_eq!(instance.change(Method::DELETE, &format!("/faults/{id}"), json!({})).await.0, 204);

    assert_eq!(instance.get(&format!("/faults/{id}")).await["status"], 404);
    assert_eq!(instance.change(Method::DELETE, &format!("/faults/{id}"), json!({})).await.0, 404);
}
