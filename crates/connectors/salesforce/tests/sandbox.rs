//! The connector on the sandbox's Salesforce, which shares none of its code.
#![allow(clippy::unwrap_used)]

#[path = "sandbox/find.rs"]
mod find;

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use tieline_bridge::dip::{Allowed, DipSettings, Dips};
use tieline_core::{
    Comparison, Condition, ConnectorErrorKind, Crm, JsonMap, OutboxRow, Paging, PhoneNumber, Query, RecordId,
};
use tieline_salesforce::{Credentials, GrantSecrets, OrgSettings, Salesforce};
use tieline_sandbox::salesforce::{Options, RunningSalesforce, Salesforce as SimulatedSalesforce};
use tieline_sandbox::world::{Addresses, World};
use url::Url;

struct Sandbox {
    running: RunningSalesforce,
    world: World,
    http: reqwest::Client,
}

impl Sandbox {
    async fn start() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::new(1, Addresses::default());
        let options = Options::new("127.0.0.1:0".parse().unwrap());
        let running = SimulatedSalesforce::start(&world, options).await.unwrap();
        Self { running, world, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    fn connect_with(&self, secrets: GrantSecrets) -> Salesforce {
        let credentials = Credentials { client_id: "tieline-sandbox".into(), secrets, token: None };
        let mut settings = OrgSettings::new(Url::parse(&self.running.url()).unwrap());
        settings.instance_url.set_host(Some("crm.localhost")).unwrap();
        Salesforce::new(&settings, Arc::new(credentials), self.world.shared_clock()).unwrap()
    }

    fn connect(&self) -> Salesforce {
        self.connect_with(GrantSecrets::ClientCredentials { client_secret: secret("sandbox-secret") })
    }

    async fn fault(&self, fault: Value) {
        let answer = self
            .http
            .post(format!("{}/sandbox/v1/faults", self.running.url()))
            .header("x-tieline-sandbox", "1")
            .json(&fault)
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

fn phone(text: &str) -> PhoneNumber {
    PhoneNumber::parse(text, None).unwrap()
}

fn fields(value: Value) -> JsonMap {
    serde_json::from_value(value).unwrap()
}

fn row(object: &str, key_field: &str, key: &str, values: Value) -> OutboxRow {
    OutboxRow {
        object: object.into(),
        key_field: key_field.into(),
        key: key.into(),
        record: None,
        fields: fields(values),
        unless_changed: JsonMap::new(),
    }
}

async fn count(salesforce: &Salesforce, object: &str, field: &str, key: &str) -> usize {
    let query = Query {
        object: object.into(),
        fields: vec!["Id".into()],
        conditions: vec![Condition { field: field.into(), comparison: Comparison::Equals(key.into()) }],
        limit: None,
        paging: Paging::UpTo(10),
    };
    salesforce.rows(&query).await.unwrap().rows.len()
}

#[tokio::test]
async fn every_grant_signs_in() {
    let sandbox = Sandbox::start().await;
    let user = || "integration@example.com".to_owned();
    for secrets in [
        GrantSecrets::ClientCredentials { client_secret: secret("sandbox-secret") },
        GrantSecrets::Password {
            client_secret: secret("sandbox-secret"),
            username: user(),
            password: secret("sandboxtoken"),
        },
        GrantSecrets::JwtBearer {
            username: user(),
            private_key: secret(sandbox.running.bearer_private_key()),
        },
    ] {
        let salesforce = sandbox.connect_with(secrets);
        assert_eq!(salesforce.find_by_phone(&[phone("+12025550143")], 5).await.unwrap()[0].len(), 1);
    }
}

#[tokio::test]
async fn a_refused_credential_is_unauthorized() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect_with(GrantSecrets::ClientCredentials { client_secret: secret("wrong") });
    let error = salesforce.find_by_phone(&[phone("+12025550143")], 5).await.unwrap_err();
    assert!(matches!(error.kind, ConnectorErrorKind::Unauthorized), "{error:?}");
}

#[tokio::test]
async fn callers_are_found_however_their_number_is_written() {
    let salesforce = Sandbox::start().await;
    let salesforce = salesforce.connect();
    let numbers =
        ["+12025550143", "+12025550147", "+390655500123", "+442079460018", "+12025550150", "+12025550199"];
    let found = salesforce.find_by_phone(&numbers.map(phone), 5).await.unwrap();
    let mut names: Vec<Vec<&str>> =
        found.iter().map(|parties| parties.iter().map(|party| party.name.as_str()).collect()).collect();
    names[4].sort_unstable();
    assert_eq!(
        names,
        [
            vec!["Anna Keller"],
            vec!["Sean O'Neil"],
            vec!["Giulia Rossi"],
            vec!["Wei Zhang"],
            vec!["Dana Moss", "Eli Moss"],
            vec![]
        ]
    );
    assert_eq!(found[0][0].field.as_deref(), Some("MobilePhone"));
    assert_eq!(found[3][0].object, "Lead");
}

#[tokio::test]
async fn an_unknown_id_is_none() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect();
    let id = RecordId::new("003000000009999AAA").unwrap();
    assert_eq!(salesforce.record("Contact", &id, &["Name".into()]).await.unwrap(), None);
}

#[tokio::test]
async fn logging_twice_keeps_one_record() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect();
    let task =
        row("Task", "CallObject", "c-42", json!({"Subject": "O'Neil called", "Status": "Not Started"}));
    let interaction = row("Interaction__c", "Key__c", "demo:c-42", json!({}));
    for (row, object) in [(task, "Task"), (interaction, "Interaction__c")] {
        let first = salesforce.write(std::slice::from_ref(&row)).await.unwrap().remove(0).unwrap();
        let second = salesforce.write(std::slice::from_ref(&row)).await.unwrap().remove(0).unwrap();
        assert!(first.created && !second.created, "{object}");
        assert_eq!(first.record, second.record);
        assert_eq!(count(&salesforce, object, &row.key_field, &row.key).await, 1);
    }
}

#[tokio::test]
async fn an_answer_lost_after_the_write_leaves_one_record() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect();
    let task = row("Task", "CallObject", "c-43", json!({"Subject": "call"}));
    sandbox
        .fault(
            json!({"kind": "commit_then_lose", "match": {"method": "POST", "path": "/composite/sobjects"}}),
        )
        .await;
    let lost = salesforce.write(std::slice::from_ref(&task)).await.unwrap_err();
    assert!(matches!(lost.kind, ConnectorErrorKind::Unreachable(_)), "{lost:?}");
    let found = salesforce.write(std::slice::from_ref(&task)).await.unwrap().remove(0).unwrap();
    assert!(!found.created);
    assert_eq!(count(&salesforce, "Task", "CallObject", "c-43").await, 1);
}

#[tokio::test]
async fn what_a_person_changed_stays() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect();
    let open = row("Task", "CallObject", "c-44", json!({"Subject": "call", "Status": "Not Started"}));
    let closing = OutboxRow {
        fields: fields(json!({"Status": "Completed", "CallDurationInSeconds": 61})),
        unless_changed: fields(json!({"Status": "Not Started"})),
        ..open.clone()
    };
    let record = salesforce.write(&[open]).await.unwrap().remove(0).unwrap().record.unwrap();
    let person = OutboxRow {
        record: Some(record.clone()),
        ..row("Task", "CallObject", "c-44", json!({"Status": "Waiting on someone else"}))
    };
    salesforce.write(&[person]).await.unwrap().remove(0).unwrap();
    salesforce.write(&[closing]).await.unwrap().remove(0).unwrap();
    let wanted = ["Status".to_owned(), "CallDurationInSeconds".to_owned()];
    let task = salesforce.record("Task", &record, &wanted).await.unwrap().unwrap();
    assert_eq!(
        Value::Object(task),
        json!({"Status": "Waiting on someone else", "CallDurationInSeconds": 61})
    );
}

#[tokio::test]
async fn a_field_the_org_has_not_is_dropped_and_the_rest_written() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect();
    let rows = [
        row("Task", "CallObject", "c-45", json!({"Subject": "call", "Gone__c": "x"})),
        row("Task", "CallObject", "c-46", json!({"Subject": "call"})),
    ];
    let results = salesforce.write(&rows).await.unwrap();
    assert_eq!(results[0].as_ref().unwrap().dropped, ["Gone__c"]);
    assert!(results[1].as_ref().unwrap().dropped.is_empty());
    assert_eq!(count(&salesforce, "Task", "CallObject", "c-45").await, 1);
}

#[tokio::test]
async fn a_bad_row_leaves_two_hundred_good_ones_alone() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect();
    let rows: Vec<OutboxRow> = (0..200)
        .map(|n| {
            let subject = if n == 13 { "x".repeat(300) } else { format!("call {n}") };
            row("Task", "CallObject", &format!("batch-{n}"), json!({"Subject": subject}))
        })
        .collect();
    let results = salesforce.write(&rows).await.unwrap();
    for (n, result) in results.iter().enumerate() {
        assert_eq!(result.is_ok(), n != 13, "{n}: {result:?}");
    }
}

#[tokio::test]
async fn throttling_and_a_page_of_html_are_told_apart() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect();
    let find = || async { salesforce.find_by_phone(&[phone("+12025550143")], 5).await };
    find().await.unwrap();
    let at_search = json!({"path": "/search"});
    sandbox.fault(json!({"kind": "status", "status": 503, "match": at_search})).await;
    assert!(matches!(find().await.unwrap_err().kind, ConnectorErrorKind::Unavailable { status: 503 }));
    sandbox.fault(json!({"kind": "status", "status": 403, "match": at_search})).await;
    assert!(matches!(find().await.unwrap_err().kind, ConnectorErrorKind::Throttled { .. }));
    sandbox.fault(json!({"kind": "truncate", "match": at_search})).await;
    assert!(matches!(find().await.unwrap_err().kind, ConnectorErrorKind::Malformed { .. }));
    sandbox.fault(json!({"kind": "status", "status": 401, "match": at_search})).await;
    assert_eq!(find().await.unwrap()[0].len(), 1, "a refused token is renewed");
    assert!(salesforce.governor().is_some());
}

#[tokio::test]
async fn dips_are_answered_flat_and_no_caller_reads_everybody() {
    let sandbox = Sandbox::start().await;
    let salesforce = sandbox.connect();
    let dips = Dips::new(Arc::new(salesforce), sandbox.world.shared_clock(), DipSettings::default());
    let ask = |parameters: Value| {
        let (dips, event) = (dips.clone(), json!({"Details": {"Parameters": parameters}}));
        async move { dips.answer(&event, &Allowed::everything()).await }
    };
    let sean =
        ask(json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Name, Account.Name",
                          "LastName": "O'Neil"}));
    let sean = sean.await.unwrap();
    assert_eq!((sean["Name"].as_str(), sean["sf_count"].as_str()), (Some("Sean O'Neil"), Some("1")));
    let anna = ask(json!({"sf_operation": "phoneLookup", "sf_phone": "+12025550143",
                          "sf_fields": "FirstName, Account.Name"}));
    assert_eq!(
        anna.await.unwrap(),
        json!({"FirstName": "Anna", "Account.Name": "Keller & Sons", "sf_count": "1"})
    );
    let wei = ask(
        json!({"sf_operation": "phoneLookup", "sf_phone": "+442079460018", "sf_fields": "Name, Account.Name"}),
    );
    assert_eq!(wei.await.unwrap(), json!({"Name": "Wei Zhang", "sf_count": "1"}));
    let everybody = ask(json!({"sf_operation": "query", "query": "select Id from Contact where Name='nm'",
                               "nm": "x' OR Id!='"}));
    assert_eq!(everybody.await.unwrap(), json!({"sf_count": "0"}));
    let case = ask(json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Billing | Refund"}))
        .await
        .unwrap();
    let id = case["Id"].as_str().unwrap().to_owned();
    let read =
        ask(json!({"sf_operation": "query", "query": "select Subject from Case where Id = 'id'", "id": id}));
    assert_eq!(read.await.unwrap(), json!({"sf_records_0_Subject": "Billing | Refund", "sf_count": "1"}));
}
