//! An ordinary org for tests: client credentials, a clock that stands still.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde_json::{Value, json};
use tieline_core::{ConnectorError, ConnectorErrorKind, FixedClock};
use tieline_salesforce::{CredentialSource, Credentials, GrantSecrets, OrgSettings, Salesforce};

use crate::stand_in::{Reply, Seen, StandIn};

pub fn credentials() -> Credentials {
    Credentials {
        client_id: "app".into(),
        secrets: GrantSecrets::ClientCredentials { client_secret: SecretString::from("s3cret".to_owned()) },
        token: None,
    }
}

pub fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock("2026-11-20T09:00:00Z".parse().unwrap()))
}

pub fn settings(server: &StandIn) -> OrgSettings {
    let mut settings = OrgSettings::new(server.url());
    settings.timeout = Duration::from_secs(5);
    settings
}

pub fn connect(server: &StandIn) -> Salesforce {
    connect_with(server, Arc::new(credentials()))
}

pub fn connect_with(server: &StandIn, source: Arc<dyn CredentialSource>) -> Salesforce {
    Salesforce::new(&settings(server), source, clock()).unwrap()
}

pub fn token(text: &str) -> Reply {
    Reply::Json(200, json!({"access_token": text, "instance_url": "https://elsewhere.example.com"}))
}

/// An org that gives the token `T1` and answers the rest by `answer`.
pub async fn org(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (StandIn, Salesforce) {
    let server =
        StandIn::start(move |request| if request.is_token_request() { token("T1") } else { answer(request) })
            .await;
    let salesforce = connect(&server);
    (server, salesforce)
}

/// Requests that are not for tokens.
pub fn calls(server: &StandIn) -> Vec<Seen> {
    server.seen().into_iter().filter(|request| !request.is_token_request()).collect()
}

pub fn page(records: &Value) -> Reply {
    let total = records.as_array().unwrap().len();
    Reply::Json(200, json!({"totalSize": total, "done": true, "records": records}))
}

pub fn problem(status: u16, code: &str, message: &str) -> Reply {
    Reply::Json(status, json!([{"errorCode": code, "message": message}]))
}

pub fn kind<T: std::fmt::Debug>(result: Result<T, ConnectorError>) -> ConnectorErrorKind {
    result.unwrap_err().kind
}
