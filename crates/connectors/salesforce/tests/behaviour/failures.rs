use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tieline_core::{Allowance, Clock, ConnectorErrorKind, Crm, PhoneNumber, Purpose, RecordId};
use tieline_salesforce::Salesforce;
use url::Url;

use super::org::{clock, connect, credentials, kind, org, page, settings, token};
use crate::stand_in::{Reply, StandIn};

async fn failure(reply: fn() -> Reply) -> ConnectorErrorKind {
    let (_, salesforce) = org(move |_| reply()).await;
    kind(read(&salesforce).await)
}

async fn read(
    salesforce: &Salesforce,
) -> Result<Option<tieline_core::JsonMap>, tieline_core::ConnectorError> {
    salesforce.record("Contact", &RecordId::new("003000000000001").unwrap(), &["Name".into()]).await
}

#[tokio::test]
async fn a_throttled_call_keeps_the_org_s_delay() {
    let reply = || Reply::With(429, json!([]), "retry-after", "7".into());
    let seven = Some(Duration::from_secs(7));
    assert!(
        matches!(failure(reply).await, ConnectorErrorKind::Throttled { retry_after } if retry_after == seven)
    );
    let spent = || Reply::Json(403, json!([{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "x"}]));
    assert!(matches!(failure(spent).await, ConnectorErrorKind::Throttled { retry_after: None }));
}

#[tokio::test]
async fn an_html_page_instead_of_an_answer_keeps_its_status() {
    let html = || Reply::Text(503, "text/html", "<html>down for maintenance</html>".into());
    assert!(matches!(failure(html).await, ConnectorErrorKind::Unavailable { status: 503 }));
    let html = || Reply::Text(200, "text/html", "<html>sign in</html>".into());
    assert!(matches!(failure(html).await, ConnectorErrorKind::Malformed { status: 200, .. }));
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let half = || Reply::Text(200, "application/json", r#"{"totalSize": 1, "records": [{"Na"#.into());
    assert!(matches!(failure(half).await, ConnectorErrorKind::Malformed { status: 200, .. }));
    let cut = || Reply::Cut(r#"{"totalSize": 1"#);
    assert!(matches!(failure(cut).await, ConnectorErrorKind::Unreachable(_)));
}

#[tokio::test]
async fn an_answer_that_drips_in_is_cut_off() {
    let server = StandIn::start(|request| {
        if request.is_token_request() { token("T1") } else { Reply::Drip(r#"{"totalSize": 1"#) }
    })
    .await;
    let mut settings = settings(&server);
    settings.timeout = Duration::from_millis(200);
    let salesforce = Salesforce::new(&settings, Arc::new(credentials()), clock()).unwrap();
    assert!(matches!(kind(read(&salesforce).await), ConnectorErrorKind::Unreachable(_)));
}

#[tokio::test]
async fn an_answer_larger_than_anything_asked_for_is_refused() {
    let huge = || Reply::Text(200, "application/json", format!("\"{}\"", "x".repeat(17 * 1024 * 1024)));
    assert!(matches!(failure(huge).await, ConnectorErrorKind::Malformed { status: 200, .. }));
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_our_token() {
    let elsewhere = StandIn::start(|_| page(&json!([]))).await;
    let target = elsewhere.url().to_string();
    let (_, salesforce) = org(move |_| Reply::With(302, json!(null), "location", target.clone())).await;
    assert!(matches!(kind(read(&salesforce).await), ConnectorErrorKind::Rejected { status: 302, .. }));
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn several_choices_are_a_rejection_with_their_status() {
    let choices = || {
        Reply::Json(300, json!(["/services/data/v62.0/sobjects/X/1", "/services/data/v62.0/sobjects/X/2"]))
    };
    assert!(matches!(failure(choices).await, ConnectorErrorKind::Rejected { status: 300, .. }));
}

#[tokio::test]
async fn an_org_that_is_not_there_is_unreachable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let nobody = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let settings = tieline_salesforce::OrgSettings::new(nobody);
    let salesforce = Salesforce::new(&settings, Arc::new(credentials()), clock()).unwrap();
    let error = read(&salesforce).await.unwrap_err();
    assert!(matches!(error.kind, ConnectorErrorKind::Unreachable(_)));
    assert_eq!(error.to_string(), "salesforce: record failed");
}

#[tokio::test]
async fn names_below_localhost_reach_this_machine() {
    let server =
        StandIn::start(|request| if request.is_token_request() { token("T1") } else { page(&json!([])) })
            .await;
    let mut settings = settings(&server);
    settings.instance_url.set_host(Some("crm.localhost")).unwrap();
    let salesforce = Salesforce::new(&settings, Arc::new(credentials()), clock()).unwrap();
    assert_eq!(read(&salesforce).await.unwrap(), None);
    assert_eq!(
        server.seen()[1].header("host"),
        Some(format!("crm.localhost:{}", server.addr.port()).as_str())
    );
}

#[tokio::test]
async fn the_org_s_count_of_calls_is_known_after_an_answer() {
    let (server, _) =
        org(|_| Reply::With(200, json!({"records": []}), "sforce-limit-info", "api-usage=4812/5000".into()))
            .await;
    let salesforce = connect(&server);
    let standing = || salesforce.governor().unwrap().standing(clock().now());
    assert_eq!(standing().word, None);
    read(&salesforce).await.unwrap();
    assert_eq!(standing().word.unwrap().allowance, Allowance { used: 4812, allowed: 5000 });
}

#[tokio::test]
async fn what_is_left_of_the_daily_calls_is_kept_for_what_is_more_urgent() {
    let (server, _) =
        org(|_| Reply::With(200, json!({"records": []}), "sforce-limit-info", "api-usage=4000/5000".into()))
            .await;
    let dips = connect(&server);
    read(&dips).await.unwrap();
    let asked = server.seen().len();
    for purpose in [Purpose::CallLog, Purpose::Other] {
        let error = read(&dips.for_purpose(purpose)).await.unwrap_err();
        assert!(
            matches!(error.kind, ConnectorErrorKind::AllowanceKept { retry_after: Some(wait) } if wait.as_secs() == 900),
            "{error:?}"
        );
    }
    assert_eq!(server.seen().len(), asked, "nothing was asked of the org");
    read(&dips).await.unwrap();
    let standing = dips.governor().unwrap().standing(clock().now());
    assert_eq!(standing.made, [(Purpose::Dip, 2), (Purpose::CallLog, 0), (Purpose::Other, 0)]);
    assert_eq!(standing.refused, [(Purpose::Dip, 0), (Purpose::CallLog, 1), (Purpose::Other, 1)]);
}

#[tokio::test]
async fn no_error_shows_what_was_asked_for() {
    let (_, salesforce) = org(|_| Reply::Cut("{")).await;
    let phone = PhoneNumber::parse("+12025550143", None).unwrap();
    let error = salesforce.find_by_phone(&[phone], 5).await.unwrap_err();
    let mut texts = vec![error.to_string()];
    let mut source: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(cause) = source {
        texts.push(cause.to_string());
        source = cause.source();
    }
    assert!(texts.iter().all(|text| !text.contains("2025550143")), "{texts:?}");
}
