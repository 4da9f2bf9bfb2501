use serde_json::{Value, json};

use crate::harness::Org;

async fn log(org: &Org, since: &str) -> Vec<Value> {
    let url = org.url(&format!("/sandbox/v1/requests?since={since}"));
    org.http.get(url).send().await.unwrap().json::<Vec<Value>>().await.unwrap()
}

#[tokio::test]
async fn every_request_is_logged_with_what_became_of_it() {
    let org = Org::start().await;
    org.create("Lead", json!({"LastName": "A", "Company": "B"})).await;
    org.query("SELECT Id FROM Lead").await;
    org.post("/sobjects/Lead", json!({})).await;

    let all = log(&org, "").await;

    let seen: Vec<(&str, &str, u64, bool)> = all
        .iter()
        .map(|e| {
            (
                e["method"].as_str().unwrap(),
                e["path"].as_str().unwrap(),
                e["status"].as_u64().unwrap(),
                e["committed"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("POST", "/services/data/v62.0/sobjects/Lead", 201, true),
            ("GET", "/services/data/v62.0/query", 200, false),
            ("POST", "/services/data/v62.0/sobjects/Lead", 400, false),
        ]
    );
    assert_eq!(all[0]["body"], r#"{"LastName":"A","Company":"B"}"#);
    assert!(all[1]["query"].as_str().unwrap().starts_with("q=SELECT"));
    assert_eq!(log(&org, "2").await.len(), 1);
    assert_eq!(log(&org, "2026-11-20T12:00:00Z").await.len(), 3);
    assert!(log(&org, "2026-11-20T12:00:01Z").await.is_empty());
    assert_eq!(org.http.get(org.url("/sandbox/v1/requests?since=x")).send().await.unwrap().status(), 422);
}

#[tokio::test]
async fn calls_are_counted_and_the_allowance_can_run_out() {
    let org = Org::start().await;
    let first = org.query("SELECT Id FROM Lead").await;
    assert_eq!(first.headers["sforce-limit-info"], "api-usage=1/15000");

    org.control("settings", json!({"daily_api_requests": 2})).await;
    assert_eq!(org.get("/limits").await.body["DailyApiRequests"], json!({"Max": 2, "Remaining": 0}));
    let refused = org.query("SELECT Id FROM Lead").await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "REQUEST_LIMIT_EXCEEDED"));

    // The window rolls: a day later there is room again (and the session has grown old).
    org.control("clock", json!({"advance": "PT24H"})).await;
    let mut org = org;
    org.token = org.session("integration@example.com").await;
    assert_eq!(org.query("SELECT Id FROM Lead").await.status, 200);
    assert_eq!(org.control("settings", json!({"page_size": 0})).await.status, 422);
}

#[tokio::test]
async fn a_reset_puts_the_records_back_and_leaves_people_signed_in() {
    let org = Org::start().await;
    org.create("Lead", json!({"LastName": "A", "Company": "B"})).await;
    org.delete("/sobjects/Contact/003000000000001AAA").await;

    assert_eq!(org.control("reset", json!({})).await.status, 200);

    assert_eq!((org.count("Lead").await, org.count("Contact").await), (8, 40));
}

#[tokio::test]
async fn control_wants_its_header_and_describes_itself() {
    let org = Org::start().await;
    let bare = org.http.post(org.url("/sandbox/v1/reset")).json(&json!({})).send().await.unwrap();
    assert_eq!(bare.status(), 403);

    let api = org
        .http
        .get(org.url("/sandbox/v1/openapi.json"))
        .send()
        .await
        .unwrap()
        .json::<Value>()
        .await
        .unwrap();
    for path in
        ["/sandbox/v1/requests", "/sandbox/v1/sessions", "/sandbox/v1/tokens/expire", "/sandbox/v1/faults"]
    {
        assert!(api["paths"][path].is_object(), "{path}");
    }
    assert_eq!(org.control("sessions", json!({"username": "nobody@example.com"})).await.status, 404);
    let users =
        org.http.get(org.url("/sandbox/v1/users")).send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(users[0]["name"], "Nora Quist");
}
