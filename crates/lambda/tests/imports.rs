//! Imports of analyses, recordings and transcripts: nothing twice, nothing lost.
#![allow(clippy::unwrap_used)]
#![expect(clippy::needless_pass_by_value, reason = "a test writes its values where it uses them")]

mod recorded;

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use recorded::aws::Aws;
use recorded::decoded;
use recorded::stand_in::{Reply, Seen, StandIn};
use serde_json::{Map, Value, json};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions, LambdaError};

const CONTACT: &str = "c-0001";
const LENS: &str = "sfProcessContactLens.lambda_handler";
const START: &str = "sfExecuteTranscriptionStateMachine.lambda_handler";
const RESULT: &str = "sfProcessTranscriptionResult.lambda_handler";
const ANALYSIS: &str = "Analysis/Voice/2024/02/28/c-0001_analysis_2024-02-28T10:10:00Z.json";
const REDACTED: &str =
    "Analysis/Voice/Redacted/2024/02/28/c-0001_analysis_redacted_2024-02-28T10:10:00Z.json";
const JOB: &str = "c-0001_0123456789abcdef0123456789abcdef";

/// An org that remembers.
#[derive(Default)]
struct Org {
    /// Object, id, fields.
    records: Vec<(String, String, Map<String, Value>)>,
    /// Fields it does not have.
    lacks: Vec<&'static str>,
    /// Requests to refuse, by what their body holds; each once.
    refuses: Vec<&'static str>,
}

impl Org {
    fn answer(&mut self, request: &Seen) -> Reply {
        if request.is_token_request() {
            return Reply::Json(200, json!({"access_token": "T1"}));
        }
        let pieces: Vec<String> = request.path.split('/').skip(4).map(str::to_owned).collect();
        let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
        if request.method == "GET" {
            return self.query(request.soql());
        }
        let fields = request.json().as_object().unwrap().clone();
        let text = String::from_utf8_lossy(&request.body).into_owned();
        if let Some(place) = self.refuses.iter().position(|word| text.contains(word)) {
            self.refuses.remove(place);
            return problem(400, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded");
        }
        if let Some(name) = self.lacks.iter().find(|name| fields.contains_key(**name)) {
            return problem(
                400,
                "INVALID_FIELD",
                &format!("No such column '{name}' on sobject of type X__c"),
            );
        }
        match pieces[..] {
            ["sobjects", object] => {
                let id = format!("{:.3}{:015}", object.to_lowercase(), self.records.len());
                self.records.push((object.to_owned(), id.clone(), fields));
                Reply::Json(201, json!({"id": id, "success": true, "errors": []}))
            }
            ["sobjects", _, id] => match self.records.iter_mut().find(|(_, it, _)| it == id) {
                Some((_, _, record)) => {
                    record.extend(fields);
                    Reply::Bytes(204, Vec::new(), Vec::new())
                }
                None => problem(404, "NOT_FOUND", "no such record"),
            },
            _ => problem(404, "NOT_FOUND", "no such address"),
        }
    }

    /// All records of the object of which some field's value is in the statement.
    fn query(&self, soql: &str) -> Reply {
        let object = soql.split(" FROM ").nth(1).unwrap().split(' ').next().unwrap();
        let records: Vec<Value> = self
            .records
            .iter()
            .filter(|(of, _, fields)| {
                let says = |name: &str| {
                    fields
                        .get(name)
                        .and_then(Value::as_str)
                        .is_some_and(|it| soql.contains(&format!("'{it}'")))
                };
                of == object && (says("ContactId__c") || (says("ParentId") && says("Name")))
            })
            .map(|(_, id, fields)| json!({"Id": id, "Name": fields.get("Name"), "ParentId": fields.get("ParentId")}))
            .collect();
        Reply::Json(200, json!({"totalSize": records.len(), "done": true, "records": records}))
    }
}

fn problem(status: u16, code: &str, message: &str) -> Reply {
    Reply::Json(status, json!([{"errorCode": code, "message": message}]))
}

/// An org, an AWS, and functions between them.
struct World {
    org: Arc<Mutex<Org>>,
    server: StandIn,
    aws: Aws,
    further: Vec<(String, String)>,
}

impl World {
    async fn new(aws: Value) -> Self {
        let org = Arc::new(Mutex::new(Org::default()));
        let of_server = Arc::clone(&org);
        let server = StandIn::start(move |request| of_server.lock().unwrap().answer(request)).await;
        let mut script = aws;
        script["secret"] = json!({"Password": "p", "AccessToken": "t", "ConsumerKey": "k", "ConsumerSecret": "s", "AuthToken": "T1"});
        Self { org, server, aws: Aws::start(&script).await, further: Vec::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.further.push((name.into(), value.into()));
        self
    }

    fn functions(&self, now: &str) -> Functions {
        let environment: Environment = [
            ("SF_HOST", self.server.url().as_str()),
            ("SF_VERSION", "v62.0"),
            ("SF_USERNAME", "api@example.com"),
            ("SF_ADAPTER_NAMESPACE", "-"),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
            ("AWS_REGION", "us-west-2"),
            ("CONTACT_LENS_IMPORT_ENABLED", "true"),
            ("TRANSCRIPTS_DESTINATION", "trb"),
            ("TRANSCRIPTS_DESTINATION_KMS", "arn:aws:kms:us-west-2:111122223333:key/k"),
            ("AMAZON_CONNECT_INSTANCE_ID", "inst-1"),
            ("AMAZON_CONNECT_INSTANCE_REGION", "us-west-2"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into_iter()
        .chain(self.aws.variables(true))
        .chain(self.further.clone())
        .collect();
        Functions::new(environment, Arc::new(FixedClock(now.parse().unwrap())))
    }

    async fn invoke(&self, function: &str, event: Value) -> Result<Value, LambdaError> {
        self.functions("2024-02-28T23:30:15Z").invoke(function, &event).await
    }

    fn records(&self, object: &str) -> Vec<Map<String, Value>> {
        let org = self.org.lock().unwrap();
        org.records.iter().filter(|(of, ..)| of == object).map(|(_, _, fields)| fields.clone()).collect()
    }

    /// Names of the attachments, in order.
    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.records("Attachment").iter().map(|it| it["Name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn analytics(&self) -> Vec<Map<String, Value>> {
        self.records("AC_ContactChannelAnalytics__c")
    }

    fn lock(&self) -> (String, Map<String, Value>) {
        let (bytes, metadata) = self.aws.object("trb/locks/c-0001.lock").unwrap();
        (String::from_utf8(bytes).unwrap(), metadata)
    }

    fn asked(&self, operation: &str) -> Vec<Value> {
        let calls = self.aws.calls().into_iter().filter(|call| call.operation == operation);
        calls.map(|call| call.parameters).collect()
    }
}

fn analysis(text: &str) -> Value {
    json!({
        "CustomerMetadata": {"ContactId": CONTACT, "InstanceId": "inst-1"},
        "Participants": [{"ParticipantId": "CUSTOMER", "ParticipantRole": "CUSTOMER"}],
        "Categories": {"MatchedCategories": [], "MatchedDetails": {}},
        "ConversationCharacteristics": {"Sentiment": {"OverallSentiment": {"CUSTOMER": 0, "AGENT": 1.0}}},
        "Transcript": [{"Id": "u1", "ParticipantId": "CUSTOMER", "BeginOffsetMillis": 0, "EndOffsetMillis": 1, "Content": text, "Sentiment": "NEUTRAL", "LoudnessScore": [70.0]}],
    })
}

fn attributes(attributes: Value) -> Value {
    json!({"connect.get_contact_attributes": [{"$sticky": true, "Attributes": attributes}]})
}

fn created(keys: &[&str]) -> Value {
    let records: Vec<Value> = keys
        .iter()
        .map(|key| json!({"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "recb"}, "object": {"key": key}}}))
        .collect();
    json!({"Records": records})
}

fn contact_record(attributes: Value, recording: Value) -> Value {
    json!({"ContactId": CONTACT, "Attributes": attributes, "Recording": recording, "CustomerEndpoint": null})
}

fn audio() -> Value {
    json!({"Location": "recb/connect/x/CallRecordings/2024/02/28/c-0001.wav", "Status": "AVAILABLE", "Type": "AUDIO"})
}

fn handed_on(record: &Value) -> Value {
    json!({"async": true, "record": STANDARD.encode(record.to_string())})
}

fn transcript(customer: &str, agent: &str) -> Value {
    let side = |text: &str| -> Vec<Value> {
        text.split(' ')
            .filter(|word| !word.is_empty())
            .enumerate()
            .map(|(n, word)| json!({"type": "pronunciation", "start_time": format!("{n}.0"), "end_time": format!("{n}.5"), "alternatives": [{"content": word, "confidence": "0.9"}]}))
            .collect()
    };
    json!({"results": {"channel_labels": {"channels": [{"items": side(customer)}, {"items": side(agent)}]}}})
}

fn job(name: &str) -> Value {
    json!({"TranscriptionJob": {"TranscriptionJobName": name, "LanguageCode": "en-US",
        "Transcript": {"TranscriptFileUri": format!("https://s3.us-west-2.amazonaws.com/trb/{name}.json")}}})
}

fn both_transcripts(codes: &str) -> Value {
    let mut objects = Map::new();
    objects.insert(format!("trb/{JOB}.json"), json!({"json": transcript("my bill is wrong", "I see")}));
    if !codes.is_empty() {
        let metadata = json!({"postcalltranscribecomprehendanalysis": codes});
        objects.insert("trb/locks/c-0001.lock".into(), json!({"text": "IN_PROGRESS", "metadata": metadata}));
    }
    Value::Object(objects)
}

#[tokio::test]
async fn a_failed_second_attachment_is_made_up_for_without_doubles() {
    let world = World::new(json!({"s3": both_transcripts("")})).await;
    world.org.lock().unwrap().refuses.push("AgentTranscripts.json");

    let error = world.invoke(RESULT, job(JOB)).await.unwrap_err();
    assert_eq!(error.error_type, "dip.crm_rejected");
    assert!(error.error_message.contains("STORAGE_LIMIT_EXCEEDED"), "{error}");
    assert_eq!(world.files(), ["CustomerTranscripts.json"]);
    assert_eq!(world.lock().0, "IN_PROGRESS");

    for _ in 0..2 {
        assert_eq!(world.invoke(RESULT, job(JOB)).await.unwrap(), json!({"Done": true}));
    }
    assert_eq!(world.analytics().len(), 1);
    assert_eq!(world.files(), ["AgentTranscripts.json", "CustomerTranscripts.json"]);
    assert_eq!(world.lock().0, "COMPLETED");
}

#[tokio::test]
async fn two_invocations_at_once_import_an_analysis_once() {
    let world = World::new(json!({
        "s3": {format!("recb/{ANALYSIS}"): {"json": analysis("Hi")}},
        "responses": attributes(json!({"contactLensImportEnabled": "true"})),
    }))
    .await;
    let (first, second) = (world.functions("2024-02-28T23:30:15Z"), world.functions("2024-02-28T23:30:15Z"));
    let event = created(&[ANALYSIS]);

    let (first, second) = tokio::join!(first.invoke(LENS, &event), second.invoke(LENS, &event));

    assert_eq!((first.unwrap(), second.unwrap()), (json!({"Done": true}), json!({"Done": true})));
    assert_eq!(world.analytics().len(), 1);
    assert_eq!(world.files(), ["ContactLensTranscripts.json"]);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_does_not_stop_the_others() {
    let secret = "my PIN is 4711";
    let world = World::new(json!({
        "s3": {
            "recb/Analysis/Voice/bad.json": {"text": format!("{{\"Content\": \"{secret}\"")},
            format!("recb/{ANALYSIS}"): {"json": analysis(secret)},
        },
        "responses": attributes(json!({"contactLensImportEnabled": "true"})),
    }))
    .await;
    let event = created(&["Analysis/Voice/bad.json", ANALYSIS, "Analysis/Voice/gone.json"]);

    for _ in 0..2 {
        let error = world.invoke(LENS, event.clone()).await.unwrap_err();
        assert_eq!(error.error_type, "lambda.document_malformed");
        assert!(error.error_message.starts_with("2 of 3 files: "), "{error}");
        assert!(!error.error_message.contains("4711"), "{error}");
        assert_eq!(world.analytics().len(), 1);
        assert_eq!(world.files().len(), 1);
    }
    assert_eq!(world.analytics()[0]["ContactLensTranscriptsFullText__c"], secret);
}

#[tokio::test]
async fn recording_analysis_and_transcript_share_one_record() {
    let mut objects = both_transcripts("");
    objects[format!("recb/{ANALYSIS}")] = json!({"json": analysis("Hi")});
    let mut replies = attributes(json!({"contactLensImportEnabled": "true"}));
    replies["transcribe.start_transcription_job"] = json!([{"TranscriptionJob": {}}]);
    replies["comprehend.detect_sentiment"] =
        json!([{"Sentiment": "NEGATIVE", "SentimentScore": {"Negative": 0.5, "Positive": 1e-7}}]);
    let world = World::new(json!({"s3": objects, "responses": replies})).await;
    let switches = json!({
        "postcallRecordingImportEnabled": "true", "postcallTranscribeEnabled": "true",
        "postcallTranscribeLanguage": "en-US", "postcallTranscribeComprehendAnalysis": "snt, xx",
    });

    world.invoke(LENS, created(&[ANALYSIS])).await.unwrap();
    let record = contact_record(switches, audio());
    for _ in 0..2 {
        assert_eq!(world.invoke(START, handed_on(&record)).await.unwrap(), "Done");
    }
    world.invoke(RESULT, job(JOB)).await.unwrap();

    let records = world.analytics();
    assert_eq!(records.len(), 1);
    let record = &records[0];
    assert_eq!(record["ContactLensCustomerSentiment__c"], 0, "zero is a score");
    assert_eq!(record["RecordingPath__c"], audio()["Location"]);
    assert_eq!(record["InstanceId__c"], "inst-1");
    assert_eq!(record["Sentiment__c"], "NEGATIVE, 0.5");
    assert_eq!(record["Keywords__c"], "");
    assert_eq!(
        world.files(),
        ["AgentTranscripts.json", "ContactLensTranscripts.json", "CustomerTranscripts.json"]
    );
    let started = world.asked("transcribe.start_transcription_job");
    assert_eq!(started.len(), 1, "the second record found it started");
    assert_eq!(
        started[0]["Media"]["MediaFileUri"],
        "s3://recb/connect/x/CallRecordings/2024/02/28/c-0001.wav"
    );
    assert_eq!(started[0]["OutputEncryptionKMSKeyId"], "arn:aws:kms:us-west-2:111122223333:key/k");
    assert_eq!(world.asked("comprehend.detect_sentiment")[0]["Text"], "my bill is wrong ");
    let (body, metadata) = world.lock();
    assert_eq!(body, "COMPLETED");
    assert_eq!(metadata["postcalltranscribecomprehendanalysis"], "snt, xx");
    assert!(!metadata.contains_key("tieline-lease"));
}

#[tokio::test]
async fn an_early_contact_record_does_not_keep_out_the_complete_one() {
    let world = World::new(json!({})).await;
    let switches = json!({"postcallRecordingImportEnabled": "true"});
    let early = contact_record(switches.clone(), Value::Null);
    let complete = contact_record(switches, audio());

    world.invoke(START, handed_on(&early)).await.unwrap();
    assert!(world.analytics().is_empty());
    for _ in 0..2 {
        world.invoke(START, handed_on(&complete)).await.unwrap();
    }
    assert_eq!(world.analytics().len(), 1);
}

#[tokio::test]
async fn a_start_that_failed_is_tried_again_and_starts_one_job() {
    let conflict = json!({"$error": "ConflictException"});
    let failure = json!({"$error": "LimitExceededException"});
    let world =
        World::new(json!({"responses": {"transcribe.start_transcription_job": [failure, conflict]}})).await;
    let switches = json!({
        "postcallRedactedRecordingImportEnabled": "true", "postcallTranscribeEnabled": "true",
        "postcallTranscribeLanguage": "de-DE",
    });
    let event = handed_on(&contact_record(switches, audio()));

    let error = world.invoke(START, event.clone()).await.unwrap_err();
    assert!(error.error_message.contains("StartTranscriptionJob"), "{error}");
    assert_eq!(world.invoke(START, event).await.unwrap(), "Done");

    let records = world.analytics();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["RecordingPath__c"], Value::Null, "only the redacted recording may be shown");
    let started = world.asked("transcribe.start_transcription_job");
    assert_eq!(started[0]["TranscriptionJobName"], started[1]["TranscriptionJobName"]);
}

#[tokio::test]
async fn the_reference_s_state_machine_stays_in_charge_where_there_is_one() {
    let world =
        World::new(json!({"responses": {"stepfunctions.start_execution": [{"executionArn": "arn:e"}]}}))
            .await
            .with("TRANSCRIBE_STATE_MACHINE_ARN", "arn:sm")
            .with("WAIT_TIME", "20");
    let switches = json!({"postcallTranscribeEnabled": "true", "postcallTranscribeLanguage": "en-US"});
    let event = handed_on(&contact_record(switches, audio()));
    for _ in 0..2 {
        assert_eq!(world.invoke(START, event.clone()).await.unwrap(), "Done");
    }
    let started = world.asked("stepfunctions.start_execution");
    assert_eq!(started.len(), 1);
    assert_eq!(started[0]["stateMachineArn"], "arn:sm");
    let input: Value = serde_json::from_str(started[0]["input"].as_str().unwrap()).unwrap();
    assert_eq!(input["jobName"], started[0]["name"]);
    assert_eq!(
        input["fileUri"],
        "https://s3.amazonaws.com/recb/connect/x/CallRecordings/2024/02/28/c-0001.wav"
    );
    assert_eq!(input["wait_time"], "20");
    assert_eq!(input["settings"], json!({"ChannelIdentification": true}));
    assert!(world.analytics().is_empty() && world.asked("transcribe.start_transcription_job").is_empty());
}

#[tokio::test]
async fn a_batch_says_which_of_its_records_failed() {
    let world = World::new(json!({})).await;
    let good = STANDARD
        .encode(contact_record(json!({"postcallRecordingImportEnabled": "true"}), audio()).to_string());
    let agent_event = STANDARD.encode(r#"{"AgentARN": "arn"}"#);
    let record = |number: &str, data: &str| json!({"kinesis": {"sequenceNumber": number, "data": data}});
    let event =
        json!({"Records": [record("1", &agent_event), record("2", "no base64!"), record("3", &good)]});

    let answer = world.invoke("transcription-start", event).await.unwrap();

    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "2"}]}));
    assert_eq!(world.analytics().len(), 1);
}

#[tokio::test]
async fn a_lock_of_the_reference_s_is_left_to_it() {
    let locked = json!({"trb/locks/c-0001.lock": {"text": "IN_PROGRESS", "metadata": {}}});
    let world = World::new(json!({"s3": locked})).await;
    let record = contact_record(json!({"postcallRecordingImportEnabled": "true"}), audio());
    assert_eq!(world.invoke(START, handed_on(&record)).await.unwrap(), "Done");
    assert!(world.analytics().is_empty() && world.asked("s3.put_object").is_empty());
}

#[tokio::test]
async fn what_a_killed_invocation_left_is_found() {
    let world = World::new(json!({
        "s3": {
            format!("recb/{ANALYSIS}"): {"json": analysis("Hi")},
            "trb/locks/c-0001.lock": {"text": "IN_PROGRESS", "metadata": {"tieline-begun": "lens", "tieline-lease": "1709162900"}},
        },
        "responses": attributes(json!({"contactLensImportEnabled": "true"})),
    }))
    .await;
    {
        let mut org = world.org.lock().unwrap();
        let fields = |value: Value| value.as_object().unwrap().clone();
        org.records.push((
            "AC_ContactChannelAnalytics__c".into(),
            "a0X000000000001AAA".into(),
            fields(json!({"ContactId__c": CONTACT})),
        ));
        org.records.push((
            "Attachment".into(),
            "00P000000000001AAA".into(),
            fields(json!({"ParentId": "a0X000000000001AAA", "Name": "ContactLensTranscripts.json"})),
        ));
    }

    world.invoke(LENS, created(&[ANALYSIS])).await.unwrap();

    assert_eq!(world.analytics().len(), 1);
    assert_eq!(world.analytics()[0]["DataSource__c"], "Contact_Lens");
    assert_eq!(world.files().len(), 1);
    assert!(decoded(&world.records("Attachment")[0]["Body"]).contains("\"content\": \"Hi\""));
}

#[tokio::test]
async fn attributes_that_cannot_be_had_are_an_error_and_nothing_is_written() {
    let world = World::new(json!({
        "s3": {format!("recb/{ANALYSIS}"): {"json": analysis("Hi")}},
        "responses": {"connect.get_contact_attributes": [{"$error": "AccessDeniedException"}]},
    }))
    .await;
    let error = world.invoke(LENS, created(&[ANALYSIS])).await.unwrap_err();
    assert_eq!(error.error_type, "lambda.aws_refused");
    assert!(
        error.error_message.contains("GetContactAttributes") && error.error_message.contains("AccessDenied")
    );
    assert!(world.analytics().is_empty() && world.asked("s3.put_object").is_empty());
}

#[tokio::test]
async fn gates_keep_an_analysis_out() {
    for (name, value, switch) in [
        ("CONTACT_LENS_IMPORT_ENABLED", "false", "true"),
        ("AMAZON_CONNECT_INSTANCE_ID", "other", "true"),
        ("UNUSED", "", "True"),
        ("UNUSED", "", ""),
        ("TIELINE_REDACTED", "only", "true"),
    ] {
        let world = World::new(json!({
            "s3": {format!("recb/{ANALYSIS}"): {"json": analysis("Hi")}},
            "responses": attributes(json!({"contactLensImportEnabled": switch})),
        }))
        .await
        .with(name, value);
        let answer = world.invoke(LENS, created(&[ANALYSIS])).await.unwrap();
        assert_eq!(answer, json!({"Done": false}), "{name}={value} {switch}");
        assert!(world.analytics().is_empty());
    }
    let world = World::new(json!({"s3": {format!("recb/{ANALYSIS}"): {"json": analysis("Hi")}}}))
        .await
        .with("TIELINE_IMPORT", "all");
    let event = json!({"detail-type": "Object Created", "source": "aws.s3", "detail": {"bucket": {"name": "recb"}, "object": {"key": ANALYSIS}}});
    assert_eq!(world.invoke("contact-lens", event).await.unwrap(), json!({"imported": 1, "skipped": 0}));
    assert!(world.asked("connect.get_contact_attributes").is_empty());
}

#[tokio::test]
async fn the_redacted_analysis_is_the_one_that_stays() {
    for keys in [[ANALYSIS, REDACTED], [REDACTED, ANALYSIS]] {
        let world = World::new(json!({
            "s3": {
                format!("recb/{ANALYSIS}"): {"json": analysis("card 4711")},
                format!("recb/{REDACTED}"): {"json": analysis("card [PII]")},
            },
            "responses": attributes(json!({"contactLensImportEnabled": "true"})),
        }))
        .await;
        for key in keys {
            world.invoke("contact-lens", created(&[key])).await.unwrap();
        }
        assert_eq!(world.analytics().len(), 1);
        assert_eq!(world.analytics()[0]["ContactLensTranscriptsFullText__c"], "card [PII]", "{keys:?}");
        assert_eq!(world.files().len(), 1);
        assert!(!decoded(&world.records("Attachment")[0]["Body"]).contains("4711"), "{keys:?}");
    }
}

#[tokio::test]
async fn a_redacted_recording_is_named_where_there_is_one() {
    let derived =
        "Analysis/Voice/Redacted/2024/02/28/c-0001_call_recording_redacted_2024-02-28T10:10:00Z.wav";
    let later = "Analysis/Voice/Redacted/2024/02/28/c-0001_call_recording_redacted_2024-02-28T10:11:00Z.wav";
    let odd = "Analysis/Voice/2024/02/28/c-0001_odd.json";
    for (function, key, stored, path) in [
        ("contact-lens", ANALYSIS, Some(derived), Some(format!("recb/{derived}"))),
        ("contact-lens", ANALYSIS, Some(later), Some(format!("recb/{later}"))),
        ("contact-lens", ANALYSIS, None, None),
        ("contact-lens", odd, Some(later), Some(format!("recb/{later}"))),
        ("contact-lens", odd, None, None),
        (LENS, ANALYSIS, None, Some(format!("recb/{derived}"))),
        (LENS, odd, None, Some(String::new())),
    ] {
        let mut objects = json!({format!("recb/{key}"): {"json": analysis("Hi")}});
        if let Some(stored) = stored {
            objects[format!("recb/{stored}")] = json!({"text": "RIFF"});
        }
        let switches =
            json!({"contactLensImportEnabled": "true", "postcallRedactedRecordingImportEnabled": "true"});
        let world = World::new(json!({"s3": objects, "responses": attributes(switches)})).await;
        world.invoke(function, created(&[key])).await.unwrap();
        let found = world.analytics()[0].get("RecordingPath__c").and_then(Value::as_str).map(str::to_owned);
        assert_eq!(found, path, "{function} {key} {stored:?}");
    }
}

#[tokio::test]
async fn a_field_the_org_does_not_have_is_left_out() {
    let world = World::new(json!({
        "s3": {format!("recb/{ANALYSIS}"): {"json": analysis("Hi")}},
        "responses": attributes(json!({"contactLensImportEnabled": "true"})),
    }))
    .await;
    world.org.lock().unwrap().lacks = vec!["DataSource__c", "ContactLensMatchedDetails__c"];
    world.invoke(LENS, created(&[ANALYSIS])).await.unwrap();
    let record = &world.analytics()[0];
    assert!(!record.contains_key("DataSource__c") && record.contains_key("ContactLensAgentSentiment__c"));
}

#[tokio::test]
async fn all_analyses_of_a_transcript_are_made_as_the_reference_makes_them() {
    let world = World::new(json!({"s3": both_transcripts("snt,kw,dl,ne,syn,zz"), "responses": {
        "comprehend.detect_sentiment": [{"Sentiment": "MIXED", "SentimentScore": {"Mixed": 0.912_345_678_9, "Negative": 0.1}}],
        "comprehend.detect_key_phrases": [{"KeyPhrases": [{"Text": "my bill"}, {"Text": "größe"}]}],
        "comprehend.detect_dominant_language": [{"Languages": [{"LanguageCode": "en", "Score": 0.9}, {"LanguageCode": "de", "Score": 0.1}]}],
        "comprehend.detect_entities": [{"Entities": [{"Text": "Anna", "Type": "PERSON"}, {"Text": "Berlin", "Type": "LOCATION"}]}],
        "comprehend.detect_syntax": [{"SyntaxTokens": [{"Text": "bill", "PartOfSpeech": {"Tag": "NOUN"}}, {"Text": "bill", "PartOfSpeech": {"Tag": "NOUN"}}]}],
    }}))
    .await;
    assert_eq!(world.invoke(RESULT, job(JOB)).await.unwrap(), json!({"Done": true}));
    let record = &world.analytics()[0];
    assert_eq!(record["Sentiment__c"], "MIXED, 0.9123456789");
    assert_eq!(record["Keywords__c"], "my bill, größe");
    assert_eq!(record["DominantLanguage__c"], "en");
    assert_eq!(record["NamedEntities__c"], "Anna:PERSON, Berlin:LOCATION");
    let syntax =
        world.records("Attachment").into_iter().find(|it| it["Name"] == "ComprehendSyntax.json").unwrap();
    assert_eq!(decoded(&syntax["Body"]), r#"[{"text": "NOUN:bill", "size": 2}]"#);
    assert_eq!(syntax["Description"], "Comprehend Syntax");
    assert_eq!(world.asked("comprehend.detect_syntax")[0]["LanguageCode"], "en");
    assert_eq!(world.asked("comprehend.detect_dominant_language")[0].get("LanguageCode"), None);
}

#[tokio::test]
async fn a_failed_analysis_keeps_the_transcript_and_is_tried_again() {
    let passing = json!({"$error": "InternalServerException"});
    let never = json!({"$error": "UnsupportedLanguageException"});
    let phrases = json!({"KeyPhrases": [{"Text": "my bill"}]});
    let world = World::new(json!({"s3": both_transcripts("kw,syn"), "responses": {
        "comprehend.detect_key_phrases": [passing, phrases],
        "comprehend.detect_syntax": [never.clone(), never],
    }}))
    .await;

    let error = world.invoke("transcription-result", job(JOB)).await.unwrap_err();
    assert_eq!(error.error_type, "lambda.analysis_incomplete");
    assert!(error.error_message.contains("kw"), "{error}");
    assert_eq!(world.files().len(), 2, "the transcript is there");

    let answer = world.invoke("transcription-result", job(JOB)).await.unwrap();
    assert_eq!(answer, json!({"imported": true, "failed_analyses": ["syn"]}));
    assert_eq!(world.analytics().len(), 1);
    assert_eq!(world.analytics()[0]["Keywords__c"], "my bill");
    assert_eq!(world.files().len(), 2);
}

#[tokio::test]
async fn a_long_text_is_asked_about_in_pieces() {
    let long = "word ".repeat(2_500);
    let mut objects = both_transcripts("snt,kw");
    objects[format!("trb/{JOB}.json")] = json!({"json": transcript(&long, "")});
    let piece = |name: &str, positive: f64| json!({"Sentiment": name, "SentimentScore": {"Positive": positive, "Negative": 1.0 - positive}});
    let world = World::new(json!({"s3": objects, "responses": {
        "comprehend.detect_sentiment": [piece("POSITIVE", 0.9), piece("POSITIVE", 0.9), piece("NEGATIVE", 0.0)],
        "comprehend.detect_key_phrases": [{"KeyPhrases": [{"Text": "word"}]}],
    }}))
    .await;
    world.invoke(RESULT, job(JOB)).await.unwrap();
    let asked = world.asked("comprehend.detect_sentiment");
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|call| call["Text"].as_str().unwrap().len() <= 5_000));
    assert_eq!(world.analytics()[0]["Sentiment__c"], "POSITIVE, 0.72");
    assert_eq!(world.asked("comprehend.detect_key_phrases").len(), 1, "100 KB are one piece");
}

#[tokio::test]
async fn a_job_s_end_comes_through_event_bridge() {
    let event = |name: &str, status: &str| {
        json!({"detail-type": "Transcribe Job State Change", "source": "aws.transcribe",
        "detail": {"TranscriptionJobName": name, "TranscriptionJobStatus": status}})
    };
    let failed = json!({"TranscriptionJob": {"TranscriptionJobName": JOB, "TranscriptionJobStatus": "FAILED", "FailureReason": "Unsupported audio format"}});
    let world = World::new(json!({"s3": both_transcripts(""), "responses": {
        "transcribe.get_transcription_job": [failed, job(JOB)],
    }}))
    .await;

    for (name, status) in [("somebody-else-s", "COMPLETED"), (JOB, "IN_PROGRESS"), ("x_y", "FAILED")] {
        let answer = world.invoke(RESULT, event(name, status)).await.unwrap();
        assert_eq!(answer, json!({"Done": false}), "{name} {status}");
    }
    let error = world.invoke(RESULT, event(JOB, "FAILED")).await.unwrap_err();
    assert_eq!(error.error_type, "lambda.transcription_failed");
    assert!(error.error_message.contains("Unsupported audio format"), "{error}");
    assert_eq!(world.invoke(RESULT, event(JOB, "COMPLETED")).await.unwrap(), json!({"Done": true}));
    assert_eq!(world.files().len(), 2);
}

#[tokio::test]
async fn whatever_comes_is_answered_with_a_code_and_without_its_text() {
    let deep = format!("{{\"CustomerMetadata\":{{\"ContactId\":\"c\"}},\"x\":{}", "[".repeat(50_000));
    let mut traversal = analysis("4711");
    traversal["CustomerMetadata"]["ContactId"] = json!("../../x");
    let files = [
        ("a.json", json!({"text": deep}), "lambda.document_malformed"),
        ("b.json", json!({"text": ""}), "lambda.document_malformed"),
        ("c.json", json!({"b64": "/////w=="}), "lambda.document_malformed"),
        ("d.json", json!({"json": {"CustomerMetadata": 7}}), "lambda.document_malformed"),
        ("e.json", json!({"json": traversal}), "lambda.document_malformed"),
        // In the words of the reference's SDK, like every refusal of AWS by its names.
        ("none.json", json!({"text": "x"}), "ClientError"),
    ];
    let objects: Map<String, Value> =
        files[..5].iter().map(|(name, file, _)| (format!("recb/{name}"), file.clone())).collect();
    let world = World::new(
        json!({"s3": objects, "responses": attributes(json!({"contactLensImportEnabled": "true"}))}),
    )
    .await;
    for (name, _, code) in &files {
        let error = world.invoke(LENS, created(&[name])).await.unwrap_err();
        assert_eq!(&error.error_type, code, "{name}");
        assert!(!error.error_message.contains("4711") && error.error_message.len() < 300, "{error}");
    }
    for function in [LENS, START, RESULT, "sfSubmitTranscribeJob.lambda_handler", "sfGetTranscribeJobStatus"]
    {
        for event in [
            json!(null),
            json!([]),
            json!(7),
            json!({}),
            json!({"Records": [7]}),
            json!({"TranscriptionJob": 7}),
            json!({"record": 7}),
        ] {
            let answer = world.invoke(function, event.clone()).await;
            if let Err(error) = answer {
                assert!(error.error_type.starts_with("lambda."), "{function} {event}: {error}");
            }
        }
    }
    assert!(world.analytics().is_empty());
}

#[tokio::test]
async fn forward_mode_hands_everything_to_the_server_and_asks_nobody_else() {
    let server = StandIn::start(|request| match request.json().to_string() {
        text if text.contains("refused") => Reply::Json(400, json!({"code": "delivery_malformed"})),
        _ => Reply::Json(200, json!({})),
    })
    .await;
    let world = World::new(json!({}))
        .await
        .with("TIELINE_URL", server.url().as_str())
        .with("TIELINE_CONNECTION", "connect")
        .with("TIELINE_DELIVERY_KEY", "k3y");

    let event = created(&[ANALYSIS]);
    assert_eq!(world.invoke("contact-lens", event.clone()).await.unwrap(), json!({"forwarded": 1}));
    assert_eq!(world.invoke(LENS, event.clone()).await.unwrap(), json!({"Done": true}));
    assert!(server.seen().iter().all(|request| request.json() == event));
    assert_eq!(server.seen().len(), 2);
    world.invoke("contact-lens", created(&["recording.wav"])).await.unwrap();
    assert_eq!(server.seen().len(), 2, "what is no analysis is nobody's");
    let error = world.invoke("contact-lens", created(&["refused.json"])).await.unwrap_err();
    assert_eq!(error.error_type, "lambda.not_forwarded");

    let record = contact_record(json!({"postcallRecordingImportEnabled": "true"}), audio());
    assert_eq!(world.invoke(START, handed_on(&record)).await.unwrap(), json!("Done"));
    assert_eq!(world.invoke("transcription-start", record.clone()).await.unwrap(), json!({"job": null}));
    let sent = server.seen().pop().unwrap().json()["records"][0]["data"].clone();
    assert_eq!(
        serde_json::from_slice::<Value>(&STANDARD.decode(sent.as_str().unwrap()).unwrap()).unwrap(),
        record
    );

    assert_eq!(world.invoke(RESULT, job(JOB)).await.unwrap(), json!({"Done": true}));
    let sent = server.seen().pop().unwrap().json();
    assert_eq!(sent["detail-type"], "Transcribe Job State Change");
    assert_eq!(sent["detail"]["TranscriptionJobName"], job(JOB)["TranscriptionJob"]["TranscriptionJobName"]);
    assert!(world.aws.calls().is_empty() && world.server.seen().is_empty());
}

#[tokio::test]
async fn a_missing_setting_has_a_code_of_its_own_and_the_reference_s_type_by_its_name() {
    let functions =
        Functions::new(Environment::default(), Arc::new(FixedClock("2024-02-28T23:30:15Z".parse().unwrap())));
    let record = contact_record(json!({"postcallRecordingImportEnabled": "true"}), audio());
    for (name, code) in [("transcription-start", "lambda.not_configured"), (START, "Exception")] {
        let error = functions.invoke(name, &record).await.unwrap_err();
        assert_eq!(error.error_type, code);
        assert!(error.error_message.contains("TRANSCRIPTS_DESTINATION"), "{error}");
    }
}

#[tokio::test]
async fn a_failed_record_without_a_name_fails_the_batch_in_words() {
    let world = World::new(json!({})).await;
    let error = world.invoke("transcription-start", created(&[ANALYSIS])).await.unwrap_err();
    assert_eq!(error.error_type, "lambda.malformed_event");
}
