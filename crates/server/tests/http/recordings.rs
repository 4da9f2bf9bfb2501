//! The notice of a recording, the list, and who may play one.

use std::path::Path;
use std::time::Duration;

use axum::Router;
use reqwest::header::LOCATION;
use secrecy::SecretString;
use serde_json::{Value, json};
use tieline_aws::{AwsKeys, AwsSettings};
use tieline_core::{AgentId, AgentRef, Contact, ContactId, PartKind, RecordingState, Version, WorkspaceName};
use tieline_engine::config::{ApiKey, Config, Connection, KeyHash, RecordingsConfig};
use tieline_store::{AgentBinding, BindingMaker, ContactRow, ContactUpdate, Part};

use crate::harness::{Answer, Server};
use crate::sign_in::sign_in;

const CALL: &str = "0123abcd-4567-89ab-cdef-0123456789ab";
const EARLIER: &str = "0123abcd-4567-89ab-cdef-0123456789aa";
const CALLBACK: &str = "/v1/workspaces/demo/recordings/callback";
const KEY: &str = "a-recordings-key";

fn workspace() -> WorkspaceName {
    WorkspaceName::new("demo").unwrap()
}

fn with_recordings(config: &mut Config, change: impl FnOnce(&mut RecordingsConfig)) {
    let mut recordings = RecordingsConfig {
        bucket: "calls".into(),
        region: "us-east-1".into(),
        prefix: "connect/acme/CallRecordings".into(),
        redacted_prefix: None,
        show: tieline_amazon_connect::recordings::Which::Both,
        life: Duration::from_secs(300),
        folder: None,
        aws: AwsSettings::default(),
    };
    change(&mut recordings);
    for connection in config.connections.values_mut() {
        if let Connection::AmazonConnect(connect) = connection {
            connect.recordings = Some(recordings.clone());
        }
    }
    config.workspaces.get_mut(&workspace()).unwrap().keys.push(ApiKey {
        name: "player".into(),
        hash: KeyHash::of(KEY),
        operations: vec!["recordings:*".parse().unwrap()],
        objects: None,
    });
}

/// A folder with the call's recording, its redacted one, and that of the leg before a transfer.
fn a_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let put = |key: String, bytes: &str| {
        let path = folder.path().join(key);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let raw = "connect/acme/CallRecordings";
    put(format!("{raw}/2023/12/31/{CALL}_20231231T23:59_UTC.wav"), "0123456789");
    put(format!("{raw}/2023/12/31/{EARLIER}_20231231T23:50_UTC.wav"), "earlier");
    put(
        format!("Analysis/Voice/Redacted/2023/12/31/{CALL}_call_recording_redacted_2023-12-31T23:59:01Z.wav"),
        "redacted",
    );
    put(format!("{raw}/2023/12/31/{CALL}_notes.txt"), "not a recording");
    folder
}

async fn with_folder(folder: &Path) -> Server {
    Server::start_with(|config| with_recordings(config, |it| it.folder = Some(folder.to_owned()))).await
}

async fn notice(server: &Server, body: Value) -> Answer {
    Answer::of(server.post(CALLBACK).bearer_auth(KEY).json(&body)).await
}

/// What the contact center's own record says, so that the contact is written to the CRM.
async fn ended(server: &Server) {
    let at = server.state.clock.now();
    let row = ContactRow {
        workspace: workspace(),
        contact: ContactId::new(CALL).unwrap(),
        root: None,
        channel: None,
        direction: None,
        state: None,
        agent: None,
        queue: None,
        customer: None,
        started_at: Some(at),
        ended_at: None,
        updated_at: at,
    };
    let part = Part {
        kind: PartKind::Record,
        version: Version { rank: 0, at },
        hash: "h".into(),
        document: json!({"channel": "voice", "direction": "inbound", "state": "completed"}),
    };
    let update = ContactUpdate { expected_revision: 0, row, parts: vec![part], outbox: vec![] };
    assert!(server.store.save_contacts(vec![update], vec![]).await.unwrap());
}

/// The call began on the first day of 2024, in UTC, and its agent had joined the year before.
async fn announced(server: &Server) {
    let body = json!({"contactId": CALL, "customerNumber": "+12025550143", "channel": "voice",
        "connectedAt": "2024-01-01T00:01:00Z", "initialContactId": EARLIER});
    assert_eq!(notice(server, body).await.status, 201);
}

fn media(list: &Value, at: usize) -> String {
    list["recordings"][at]["media"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_notice_is_taken_once_in_both_spellings_and_reaches_the_crm_s_record() {
    let folder = a_folder();
    let server = with_folder(folder.path()).await;
    ended(&server).await;
    let first = notice(&server, json!({"ContactId": CALL, "ContactNumber": "+12025550143"})).await;
    assert_eq!((first.status.as_u16(), &first.json()["new"]), (201, &json!(true)));
    let again = notice(&server, json!({"contactId": CALL, "customerNumber": "+12025550143"})).await;
    assert_eq!((again.status.as_u16(), &again.json()["new"]), (200, &json!(false)));

    let id = (workspace(), ContactId::new(CALL).unwrap());
    let snapshot = server.store.contacts(&[id]).await.unwrap().pop().unwrap();
    let row = snapshot.outbox.iter().find(|row| row.object == "Interaction__c").unwrap();
    assert_eq!(row.fields["Recording_State__c"], "Pending");
}

#[tokio::test]
async fn a_notice_that_cannot_be_right_is_refused() {
    let folder = a_folder();
    let server = with_folder(folder.path()).await;
    for (body, code) in [
        (json!({"contactId": "x", "customerNumber": "+12025550143"}), "recording.invalid_contact"),
        (json!({"contactId": null, "customerNumber": "+12025550143"}), "recording.invalid_contact"),
        (json!({"contactId": CALL}), "malformed_request"),
        (json!({"contactId": CALL, "customerNumber": ""}), "malformed_request"),
        (json!({"contactId": CALL, "customerNumber": 1}), "malformed_request"),
        (json!({"contactId": CALL, "customerNumber": "1", "connectedAt": "soon"}), "malformed_request"),
        (json!({"contactId": CALL, "customerNumber": "1", "channel": "pigeon"}), "malformed_request"),
        (json!([]), "malformed_request"),
    ] {
        let answer = notice(&server, body.clone()).await;
        assert_eq!((answer.problem().as_str(), answer.status.as_u16()), (code, 400), "{body}");
    }
    let body = json!({"contactId": CALL, "customerNumber": "+12025550143"});
    let nobody = Answer::of(server.post(CALLBACK).json(&body)).await;
    assert_eq!(nobody.problem(), "unauthorized");
    let dips = Answer::of(server.post(CALLBACK).bearer_auth("sandbox-dip-key").json(&body)).await;
    assert_eq!(dips.problem(), "operation_not_allowed");
}

#[tokio::test]
async fn every_leg_is_listed_although_the_call_was_filed_under_the_day_before() {
    let folder = a_folder();
    let server = with_folder(folder.path()).await;
    ended(&server).await;
    announced(&server).await;
    let list =
        Answer::of(server.get(&format!("/v1/workspaces/demo/contacts/{CALL}/recordings")).bearer_auth(KEY))
            .await;
    assert_eq!(list.header("cache-control"), "no-store");
    let list = list.json();
    assert_eq!(list["state"], "available");
    let found: Vec<_> = list["recordings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| {
            (
                r["contact_id"].as_str().unwrap(),
                r["redacted"].as_bool().unwrap(),
                r["bytes"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [(CALL, true, 8), (CALL, false, 10), (EARLIER, false, 7)]);
    assert!(!list.to_string().contains("CallRecordings"), "where they lie is nobody's business");

    let id = (workspace(), ContactId::new(CALL).unwrap());
    let snapshot = server.store.contacts(&[id]).await.unwrap().pop().unwrap();
    let row = snapshot.outbox.iter().find(|row| row.object == "Interaction__c").unwrap();
    assert_eq!(row.fields["Recording_State__c"], "Available", "what was seen is noted");
}

#[tokio::test]
async fn a_recording_in_a_folder_is_played_in_pieces_and_every_play_is_noted() {
    let folder = a_folder();
    let server = with_folder(folder.path()).await;
    announced(&server).await;
    let list =
        Answer::of(server.get(&format!("/v1/workspaces/demo/contacts/{CALL}/recordings")).bearer_auth(KEY))
            .await
            .json();
    let play = |range: Option<&'static str>| {
        let request = server.get(&media(&list, 1)).bearer_auth(KEY);
        Answer::of(match range {
            Some(range) => request.header("range", range),
            None => request,
        })
    };
    let whole = play(None).await;
    assert_eq!((whole.status.as_u16(), whole.text.as_str()), (200, "0123456789"));
    assert_eq!(whole.header("content-type"), "audio/wav");
    assert_eq!(whole.header("cache-control"), "no-store");
    let piece = play(Some("bytes=2-4")).await;
    assert_eq!((piece.status.as_u16(), piece.text.as_str()), (206, "234"));
    assert_eq!(piece.header("content-range"), "bytes 2-4/10");
    let outside = play(Some("bytes=10-")).await;
    assert_eq!((outside.status.as_u16(), outside.header("content-range")), (416, "bytes */10"));

    let check = server.store.check_audit().await.unwrap();
    assert_eq!((check.rows, check.broken_at), (3, None));
    let none = Answer::of(
        server.get(&format!("/v1/workspaces/demo/contacts/{CALL}/recordings/ffff/media")).bearer_auth(KEY),
    )
    .await;
    assert_eq!(none.problem(), "recording.not_found");
    assert_eq!(server.store.check_audit().await.unwrap().rows, 3, "nothing was played");
}

#[tokio::test]
async fn an_agent_hears_their_own_contact_and_nobody_else_s() {
    let folder = a_folder();
    let server = with_folder(folder.path()).await;
    let cookie = sign_in(&server, "attempt-0123456789abcdef").await;
    let facts = Contact {
        agent: Some(AgentRef { id: None, login: Some("nora.quist".into()) }),
        connected_at: Some("2023-12-31T23:59:00Z".parse().unwrap()),
        recording: Some(RecordingState::Available),
        ..Contact::default()
    };
    let id = ContactId::new(CALL).unwrap();
    server.state.pipeline.note_recording(&workspace(), &id, facts, true).await.unwrap().unwrap();
    let path = format!("/v1/workspaces/demo/contacts/{CALL}/recordings");
    let list = || Answer::of(server.get(&path).header("cookie", &cookie));
    assert_eq!(list().await.problem(), "contact_not_found", "nobody is joined to that login yet");

    let bind = |login: &str| AgentBinding {
        agent: AgentId::new("005000000000001AAA").unwrap(),
        phone_login: login.to_owned(),
        made_by: BindingMaker::Bound,
        made_at: server.state.clock.now(),
    };
    server.store.bind_agent(&workspace(), bind("somebody.else")).await.unwrap();
    assert_eq!(list().await.problem(), "contact_not_found");
    server.store.bind_agent(&workspace(), bind("nora.quist")).await.unwrap();
    let list = list().await.json();
    assert_eq!(list["state"], "available");
    let played = Answer::of(server.get(&media(&list, 0)).header("cookie", &cookie)).await;
    assert_eq!(played.text, "redacted");
    let elsewhere =
        server.get(&media(&list, 0)).header("cookie", &cookie).header("origin", "https://evil.example");
    assert_eq!(Answer::of(elsewhere).await.problem(), "foreign_origin");
    assert_eq!(Answer::of(server.get(&media(&list, 0))).await.problem(), "not_signed_in");
}

async fn s3(status: u16, body: &'static str) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let answer = move || async move { (http::StatusCode::from_u16(status).unwrap(), body) };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    endpoint
}

async fn with_s3(status: u16, body: &'static str) -> Server {
    let endpoint = s3(status, body).await;
    let server = Server::start_with(|config| {
        with_recordings(config, |it| {
            it.show = tieline_amazon_connect::recordings::Which::Raw;
            it.aws.endpoint = Some(endpoint);
            it.aws.keys = Some(AwsKeys {
                access_key_id: "AKIDEXAMPLE".into(),
                secret_access_key: SecretString::from("hunter2"),
                session_token: None,
            });
        });
    })
    .await;
    announced(&server).await;
    server
}

#[tokio::test]
async fn a_recording_in_s3_is_played_by_an_address_that_lives_minutes() {
    let server = with_s3(200, "<ListBucketResult><Contents><Key>connect/acme/CallRecordings/2024/01/01/0123abcd-4567-89ab-cdef-0123456789ab_20240101T00:01_UTC.wav</Key><LastModified>2024-01-01T00:05:00Z</LastModified><Size>10</Size></Contents></ListBucketResult>").await;
    let list =
        Answer::of(server.get(&format!("/v1/workspaces/demo/contacts/{CALL}/recordings")).bearer_auth(KEY))
            .await
            .json();
    let played = Answer::of(server.get(&media(&list, 0)).bearer_auth(KEY)).await;
    assert_eq!(played.status, 302, "{played:?}");
    let location = played.headers[LOCATION].to_str().unwrap();
    assert!(location.contains("/calls/connect/acme/CallRecordings/2024/01/01/0123abcd-4567-89ab-cdef-0123456789ab_20240101T00%3A01_UTC.wav?"), "{location}");
    assert!(
        location.contains("X-Amz-Expires=300&") && location.contains("response-content-type=audio%2Fwav")
    );
    assert_eq!(played.header("cache-control"), "no-store");
    assert_eq!(server.store.check_audit().await.unwrap().rows, 1);
}

#[tokio::test]
async fn what_s3_refuses_has_a_code_of_its_own() {
    for (status, body, code) in [
        (403, "<Error><Code>AccessDenied</Code></Error>", "recording.access_denied"),
        (403, "<Error><Code>SignatureDoesNotMatch</Code></Error>", "recording.signature_refused"),
        (403, "<Error><Code>RequestTimeTooSkewed</Code></Error>", "recording.clock_skew"),
        (400, "<Error><Code>ExpiredToken</Code></Error>", "recording.credentials_expired"),
        (404, "<Error><Code>NoSuchBucket</Code></Error>", "recording.no_such_bucket"),
        (301, "<Error><Code>PermanentRedirect</Code></Error>", "recording.wrong_region"),
    ] {
        let server = with_s3(status, body).await;
        let list = server.get(&format!("/v1/workspaces/demo/contacts/{CALL}/recordings")).bearer_auth(KEY);
        assert_eq!(Answer::of(list).await.problem(), code);
    }
}

#[tokio::test]
async fn where_no_bucket_is_configured_nothing_is_played_and_notices_are_still_taken() {
    let server = Server::start_with(|config| {
        with_recordings(config, |_| {});
        for connection in config.connections.values_mut() {
            if let Connection::AmazonConnect(connect) = connection {
                connect.recordings = None;
            }
        }
    })
    .await;
    announced(&server).await;
    let list = server.get(&format!("/v1/workspaces/demo/contacts/{CALL}/recordings")).bearer_auth(KEY);
    assert_eq!(Answer::of(list).await.problem(), "recording.not_configured");
}
