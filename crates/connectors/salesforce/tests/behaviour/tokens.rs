use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::{Value, json};
use tieline_core::{ConnectorErrorKind, Crm, RecordId};
use tieline_salesforce::{CredentialError, CredentialSource, Credentials, GrantSecrets, Salesforce};

use super::org::{connect_with, credentials, kind, page, problem, token};
use crate::stand_in::{Reply, Seen, StandIn};

const ID: &str = "003000000000001AAA";

async fn read(salesforce: &Salesforce) -> Result<bool, tieline_core::ConnectorError> {
    let id = RecordId::new(ID).unwrap();
    salesforce.record("Contact", &id, &["Name".into()]).await.map(|found| found.is_some())
}

/// Counts how often it is asked; from the second time on with other secrets, when told so.
struct Counting {
    asked: AtomicUsize,
    rotated: bool,
    token: Option<&'static str>,
}

impl Counting {
    fn new(token: Option<&'static str>) -> Arc<Self> {
        Arc::new(Self { asked: AtomicUsize::new(0), rotated: false, token })
    }
}

#[async_trait]
impl CredentialSource for Counting {
    async fn credentials(&self) -> Result<Credentials, CredentialError> {
        let before = self.asked.fetch_add(1, Ordering::SeqCst);
        let secret = if self.rotated && before > 0 { "new-secret" } else { "s3cret" };
        Ok(Credentials {
            secrets: GrantSecrets::ClientCredentials { client_secret: SecretString::from(secret.to_owned()) },
            token: self.token.map(|token| SecretString::from(token.to_owned())),
            ..credentials()
        })
    }
}

/// Takes `T1` and nothing else; gives `T1`.
fn only_t1(request: &Seen) -> Reply {
    if request.is_token_request() {
        token("T1")
    } else if request.authorization() == Some("Bearer T1") {
        page(&json!([{"Name": "Anna"}]))
    } else {
        problem(401, "INVALID_SESSION_ID", "Session expired or invalid")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_refused_calls_at_once_cause_one_refresh_and_one_read_of_the_secret() {
    let server = StandIn::start(only_t1).await;
    let source = Counting::new(Some("expired"));
    let salesforce = connect_with(&server, Arc::clone(&source) as Arc<dyn CredentialSource>);

    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let salesforce = salesforce.clone();
            tokio::spawn(async move { read(&salesforce).await })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap().unwrap());
    }

    let refreshes = server.seen().iter().filter(|request| request.is_token_request()).count();
    assert_eq!(refreshes, 1);
    assert_eq!(source.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn without_a_token_the_first_call_asks_for_one_and_the_next_ones_use_it() {
    let server = StandIn::start(only_t1).await;
    let salesforce = connect_with(&server, Counting::new(None));
    for _ in 0..3 {
        read(&salesforce).await.unwrap();
    }
    let paths: Vec<bool> = server.seen().iter().map(Seen::is_token_request).collect();
    assert_eq!(paths, [true, false, false, false]);
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_final() {
    let server = StandIn::start(|request| {
        if request.is_token_request() { token("T1") } else { problem(401, "INVALID_SESSION_ID", "no") }
    })
    .await;
    let salesforce = connect_with(&server, Counting::new(Some("expired")));
    assert!(matches!(kind(read(&salesforce).await), ConnectorErrorKind::Unauthorized));
    assert_eq!(server.seen().len(), 3, "call, token, call again, and no more");
}

#[tokio::test]
async fn refused_credentials_are_read_again_once_and_then_left_alone() {
    let server = StandIn::start(|_| {
        Reply::Json(400, json!({"error": "invalid_grant", "error_description": "authentication failure"}))
    })
    .await;
    let source = Counting::new(None);
    let salesforce = connect_with(&server, Arc::clone(&source) as Arc<dyn CredentialSource>);
    for _ in 0..5 {
        assert!(matches!(kind(read(&salesforce).await), ConnectorErrorKind::Unauthorized));
    }
    assert_eq!(server.seen().len(), 1, "an org locks out who signs in wrongly again and again");
    assert_eq!(source.asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_rotated_secret_is_picked_up_when_the_old_one_is_refused() {
    let server = StandIn::start(|request| {
        if !request.is_token_request() {
            return only_t1(request);
        }
        let new = request.form().contains(&("client_secret".into(), "new-secret".into()));
        if new { token("T1") } else { Reply::Json(401, json!({"error": "invalid_client"})) }
    })
    .await;
    let source = Counting { asked: AtomicUsize::new(0), rotated: true, token: Some("expired") };
    let salesforce = connect_with(&server, Arc::new(source));
    assert!(read(&salesforce).await.unwrap());
}

#[tokio::test]
async fn an_agent_s_own_token_is_used_and_never_renewed() {
    let server = StandIn::start(only_t1).await;
    let salesforce = connect_with(&server, Counting::new(None));
    let agent = |text: &str| salesforce.as_agent(SecretString::from(text.to_owned())).unwrap();
    let id = RecordId::new(ID).unwrap();
    assert!(agent("T1").record("Contact", &id, &["Name".into()]).await.unwrap().is_some());
    let refused = agent("old").record("Contact", &id, &["Name".into()]).await;
    assert!(matches!(kind(refused), ConnectorErrorKind::Unauthorized));
    assert!(server.seen().iter().all(|request| !request.is_token_request()));
}

#[tokio::test]
async fn every_grant_sends_its_credentials_in_the_body_and_none_in_an_address() {
    let secret = |text: &str| SecretString::from(text.to_owned());
    let key = include_str!("../fixtures/jwt-test-key.pem");
    let grants = [
        GrantSecrets::ClientCredentials { client_secret: secret("s3cret") },
        GrantSecrets::Password {
            client_secret: secret("s3cret"),
            username: "api@example.com".into(),
            password: secret("pass&word=token"),
        },
        GrantSecrets::JwtBearer { username: "api@example.com".into(), private_key: secret(key) },
    ];
    let expected = [
        json!([["grant_type", "client_credentials"], ["client_id", "app"], ["client_secret", "s3cret"]]),
        json!([
            ["grant_type", "password"],
            ["client_id", "app"],
            ["client_secret", "s3cret"],
            ["username", "api@example.com"],
            ["password", "pass&word=token"]
        ]),
        json!([["grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"]]),
    ];
    for (secrets, expected) in grants.into_iter().zip(expected) {
        let server = StandIn::start(only_t1).await;
        let salesforce = connect_with(&server, Arc::new(Credentials { secrets, ..credentials() }));
        assert!(read(&salesforce).await.unwrap());
        let request = server.seen().remove(0);
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/services/oauth2/token"));
        assert_eq!(request.header("content-type"), Some("application/x-www-form-urlencoded"));
        let mut form = request.form();
        if form[1].0 == "assertion" {
            check_assertion(&form.remove(1).1);
        }
        assert_eq!(serde_json::to_value(form).unwrap(), expected);
    }
}

/// The test's own key pair signed it, for the login host, for three minutes.
fn check_assertion(assertion: &str) {
    let key =
        jsonwebtoken::DecodingKey::from_rsa_pem(include_bytes!("../fixtures/jwt-test-key.pub.pem")).unwrap();
    let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::RS256);
    rules.set_audience(&["https://login.salesforce.com"]);
    rules.validate_exp = false;
    let claims: Value = jsonwebtoken::decode(assertion, &key, &rules).unwrap().claims;
    let now: jiff::Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    assert_eq!(claims["iss"], "app");
    assert_eq!(claims["sub"], "api@example.com");
    assert_eq!(claims["exp"], now.as_second() + 180);
}
