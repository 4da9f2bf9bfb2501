//! What the functions share: the org's daily calls, an administrator's field maps, the time of an
//! invocation; and a contact record that is a row, a recording and a transcription at once.
#![allow(clippy::unwrap_used)]

mod recorded;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use recorded::aws::Aws;
use recorded::stand_in::{Reply, Seen, StandIn};
use serde_json::{Value, json};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions};
use tokio::time::Instant;

const ANALYSIS: &str = "Analysis/Voice/2024/02/28/c-1_analysis_2024-02-28T10:10:00Z.json";
const FIELDS: [&str; 8] = [
    "ContactId__c",
    "Channel__c",
    "AC_Record_Id__c",
    "AC_Object_Name__c",
    "StartInterval__c",
    "Own_Team__c",
    "Own_Channel__c",
    "Queue_Id__c",
];

/// One warm process, its org and its AWS.
struct House {
    functions: Functions,
    org: StandIn,
    aws: Aws,
    /// What the org says is used of its 1,000 calls a day, in every answer.
    used: Arc<AtomicU64>,
}

impl House {
    async fn new(aws: Value, variables: &[(&str, &str)]) -> Self {
        Self::with_org(aws, variables, written).await
    }

    async fn with_org(aws: Value, variables: &[(&str, &str)], answer: fn(&Seen) -> Reply) -> Self {
        let used = Arc::new(AtomicU64::new(0));
        let told = Arc::clone(&used);
        let org = StandIn::start(move |request| match answer(request) {
            Reply::Json(status, body) => {
                // So many rows cost the day's last calls.
                if request.json()["records"].as_array().is_some_and(|rows| rows.len() == 200) {
                    told.store(850, Ordering::SeqCst);
                }
                let usage = format!("api-usage={}/1000", told.load(Ordering::SeqCst));
                Reply::With(status, body, "sforce-limit-info", usage)
            }
            other => other,
        })
        .await;
        let mut script = aws;
        script["secret"] = json!({"Password": "p", "AccessToken": "t", "ConsumerKey": "k", "ConsumerSecret": "s",
            "AuthToken": "T1"});
        let aws = Aws::start(&script).await;
        let mut all = aws.variables(true);
        let (url, given) = (org.url(), |name: &str, value: &str| (name.to_owned(), value.to_owned()));
        all.extend([
            given("SF_HOST", url.as_str()),
            given("SF_VERSION", "v62.0"),
            given("SF_USERNAME", "api@example.com"),
            given("SF_ADAPTER_NAMESPACE", "-"),
            given("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
            given("AWS_REGION", "us-west-2"),
            given("TRANSCRIPTS_DESTINATION", "trb"),
            given("AMAZON_CONNECT_INSTANCE_ID", "inst-1"),
            given("AMAZON_CONNECT_INSTANCE_REGION", "us-west-2"),
        ]);
        all.extend(variables.iter().map(|(name, value)| given(name, value)));
        let environment: Environment = all.into_iter().collect();
        let clock = Arc::new(FixedClock("2024-02-28T23:30:15Z".parse().unwrap()));
        Self { functions: Functions::new(environment, clock), org, aws, used }
    }

    /// The error's type, or the answer.
    async fn run(&self, name: &str, event: &Value) -> Result<Value, String> {
        self.functions.invoke(name, event).await.map_err(|error| error.error_type)
    }

    fn dip(&self) -> impl Future<Output = Result<Value, String>> {
        self.run("dip", &LOOK_UP)
    }

    /// Everything that was written to an object: records of collections, upserts, creates.
    fn rows(&self, object: &str) -> Vec<Value> {
        let of_object = |path: &str| path.split('/').any(|piece| piece == object);
        self.org
            .seen()
            .iter()
            .filter(|request| request.method != "GET" && of_object(&request.path))
            .flat_map(|request| match request.json()["records"].as_array() {
                Some(records) => records.clone(),
                None => vec![request.json()],
            })
            .collect()
    }
}

static LOOK_UP: std::sync::LazyLock<Value> = std::sync::LazyLock::new(
    || json!({"Details": {"Parameters": {"operation": "lookup", "object": "Contact", "fields": "Id", "LastName": "x"}}}),
);

/// Has every object with the same fields, finds nothing and takes everything.
fn written(request: &Seen) -> Reply {
    if request.is_token_request() {
        return Reply::Json(200, json!({"access_token": "T1"}));
    }
    if request.path.ends_with("/describe") {
        let keys = ["ContactId__c", "AC_Record_Id__c", "Queue_Id__c"];
        let field = |name: &&str| json!({"name": name, "externalId": keys.contains(name)});
        return Reply::Json(
            200,
            json!({"name": "X", "fields": FIELDS.iter().map(field).collect::<Vec<_>>()}),
        );
    }
    if request.method == "GET" {
        return Reply::Json(200, json!({"totalSize": 0, "done": true, "records": []}));
    }
    let saved = json!({"id": "a00000000000001AAA", "success": true, "created": true, "errors": []});
    match request.json()["records"].as_array() {
        Some(rows) => Reply::Json(200, rows.iter().map(|_| saved.clone()).collect()),
        None => Reply::Json(201, saved),
    }
}

fn contact_record(contact: &str, attributes: &Value) -> Value {
    json!({
        "ContactId": contact, "Channel": "VOICE", "LastUpdateTimestamp": "2024-02-28T23:00:00Z",
        "Attributes": attributes,
        "Recording": {"Location": format!("recb/{contact}.wav"), "Status": "AVAILABLE", "Type": "AUDIO"},
    })
}

fn kinesis(data: &[String]) -> Value {
    let record = |(n, data): (usize, &String)| json!({"eventSource": "aws:kinesis", "kinesis": {"sequenceNumber": format!("s{n}"), "data": STANDARD.encode(data)}});
    json!({"Records": data.iter().enumerate().map(record).collect::<Vec<_>>()})
}

fn records(number: usize) -> Value {
    let record = |n| contact_record(&format!("c-{n}"), &json!({})).to_string();
    kinesis(&(0..number).map(record).collect::<Vec<_>>())
}

fn put(bucket: &str, key: &str) -> Value {
    json!({"Records": [{"eventName": "ObjectCreated:Put", "eventTime": "2024-02-28T23:30:00.000Z",
        "s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]})
}

fn analysis() -> Value {
    json!({
        "Channel": "VOICE",
        "CustomerMetadata": {"ContactId": "c-1", "InstanceId": "inst-1"},
        "Participants": [{"ParticipantId": "CUSTOMER", "ParticipantRole": "CUSTOMER"}],
        "ConversationCharacteristics": {"Sentiment": {"OverallSentiment": {"CUSTOMER": 0, "AGENT": 1.0}}},
        "Transcript": [],
    })
}

/// A file of every import.
fn files() -> Value {
    json!({"s3": {
        format!("recb/{ANALYSIS}"): {"json": analysis()},
        "rep/x.csv": {"text": "Agent,StartInterval,Team\njane,T1,Blue\n"},
    }, "responses": {
        "connect.list_queues": [{"$sticky": true, "QueueSummaryList": [{"Id": "q1", "Name": "Q", "Arn": "arn:q1"}]}],
        "connect.get_current_metric_data": [{"$sticky": true, "MetricResults": []}],
    }})
}

const ALL: [(&str, &str); 3] = [
    ("TIELINE_IMPORT", "all"),
    ("CONTACT_LENS_IMPORT_ENABLED", "true"),
    ("POSTCALL_CTR_IMPORT_ENABLED", "true"),
];
const KEPT: &str = "lambda.allowance_kept";

#[tokio::test]
async fn the_less_urgent_wait_when_the_daily_calls_run_low_and_are_told_so() {
    let house = House::new(files(), &ALL).await;
    let imports = [
        ("agent-report", put("rep", "x.csv")),
        ("sfIntervalAgent.lambda_handler", put("rep", "x.csv")),
        ("queue-metrics", json!({})),
        ("contact-lens", put("recb", ANALYSIS)),
        ("sfProcessContactLens.lambda_handler", put("recb", ANALYSIS)),
        ("profiles-check", json!({})),
    ];

    house.used.store(750, Ordering::SeqCst);
    house.dip().await.unwrap();
    let before = house.org.seen().len();
    for (name, event) in &imports {
        let error = house.functions.invoke(name, event).await.unwrap_err();
        assert_eq!(error.error_type, KEPT, "{name}: {error}");
        assert!(error.error_message.contains("try again in 900 s"), "{error}");
    }
    assert_eq!(house.org.seen().len(), before, "nothing was asked of the org");
    let answer = house.run("contact-records", &records(2)).await;
    assert_eq!(answer, Ok(json!({"batchItemFailures": []})), "contact records go on up to 80 %");

    house.used.store(850, Ordering::SeqCst);
    house.dip().await.unwrap();
    let before = house.org.seen().len();
    for name in ["contact-records", "sfCTRTrigger.lambda_handler"] {
        assert_eq!(house.run(name, &records(2)).await, Err(KEPT.into()), "the stream keeps the batch");
    }
    assert_eq!(house.org.seen().len(), before);
    house.dip().await.unwrap();
    assert_eq!(house.org.seen().len(), before + 1, "a dip never waits");
}

#[tokio::test]
async fn what_was_not_written_when_the_calls_ran_low_is_told_item_by_item() {
    let house = House::new(json!({}), &ALL).await;
    let answer = house.run("contact-records", &records(203)).await.unwrap();
    let left = ["s200", "s201", "s202"].map(|item| json!({"itemIdentifier": item}));
    assert_eq!(answer, json!({"batchItemFailures": left}));
    assert_eq!(house.rows("AC_ContactTraceRecord__c").len(), 200);
}

#[tokio::test]
async fn what_was_kept_back_is_imported_once_there_is_room_again() {
    let house = House::new(files(), &ALL).await;
    house.used.store(750, Ordering::SeqCst);
    house.dip().await.unwrap();
    let event = put("recb", ANALYSIS);
    assert_eq!(house.run("contact-lens", &event).await, Err(KEPT.into()));
    house.used.store(100, Ordering::SeqCst);
    house.dip().await.unwrap();
    let answer = house.run("contact-lens", &event).await;
    assert_eq!(answer, Ok(json!({"imported": 1, "skipped": 0})), "no lock stands in the way");
    assert_eq!(house.rows("AC_ContactChannelAnalytics__c").len(), 1);
}

#[tokio::test]
async fn an_administrator_s_file_adds_a_field_wherever_rows_are_made() {
    let folder = tempfile::tempdir().unwrap();
    for (name, line) in [
        ("analytics", "Own_Channel__c = \"Channel\""),
        ("recording", "Own_Channel__c = \"Channel\""),
        ("agent-report", "Own_Team__c = \"team\""),
        ("queue-metrics", "Own_Team__c = \"Name\""),
        ("contact-record", "Own_Channel__c = \"Channel\""),
    ] {
        let text = format!("extends = \"built-in\"\n\n[fields]\n{line}\n");
        std::fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    let profiles = ("TIELINE_PROFILES", folder.path().to_str().unwrap());
    let house = House::new(files(), &[ALL[0], ALL[1], ALL[2], profiles]).await;

    house.run("contact-lens", &put("recb", ANALYSIS)).await.unwrap();
    house.run("transcription-start", &contact_record("c-2", &json!({}))).await.unwrap();
    house.run("agent-report", &put("rep", "x.csv")).await.unwrap();
    house.run("queue-metrics", &json!({})).await.unwrap();
    house.run("contact-records", &records(1)).await.unwrap();

    let analytics = house.rows("AC_ContactChannelAnalytics__c");
    assert_eq!(analytics[0]["Own_Channel__c"], "VOICE", "{analytics:?}");
    assert_eq!(analytics[1]["Own_Channel__c"], "VOICE", "{analytics:?}");
    assert_eq!(house.rows("AC_AgentPerformance__c")[0]["Own_Team__c"], "Blue");
    assert_eq!(house.rows("AC_QueueMetrics__c")[0]["Own_Team__c"], "Q");
    assert_eq!(house.rows("AC_ContactTraceRecord__c")[0]["Own_Channel__c"], "VOICE");
}

#[tokio::test]
async fn one_batch_becomes_rows_recordings_and_transcriptions_and_poison_stops_none() {
    let replies = json!({"transcribe.start_transcription_job": [{"$sticky": true, "TranscriptionJob": {}}]});
    let house = House::new(
        json!({"s3": {}, "responses": replies}),
        &[
            ("POSTCALL_CTR_IMPORT_ENABLED", "true"),
            ("POSTCALL_RECORDING_IMPORT_ENABLED", "true"),
            ("POSTCALL_TRANSCRIBE_ENABLED", "true"),
        ],
    )
    .await;
    let everything = json!({
        "postcallCTRImportEnabled": "true", "postcallRecordingImportEnabled": "true",
        "postcallTranscribeEnabled": "true", "postcallTranscribeLanguage": "en-US",
    });
    let event = kinesis(&[
        contact_record("c-0", &everything).to_string(),
        "{\"ContactId\": \"cut".into(),
        // Its id can be in no name of a lock or job: it is a row and nothing else.
        contact_record("c/1", &everything).to_string(),
        contact_record("c-2", &json!({"postcallCTRImportEnabled": "true"})).to_string(),
        contact_record("c-3", &everything).to_string(),
    ]);

    let answer = house.run("sfCTRTrigger.lambda_handler", &event).await.unwrap();

    let failed = ["s1", "s2"].map(|item| json!({"itemIdentifier": item}));
    assert_eq!(answer, json!({"batchItemFailures": failed}));
    let contacts = |object: &str| -> Vec<Value> {
        house.rows(object).iter().map(|row| row["ContactId__c"].clone()).collect()
    };
    assert_eq!(contacts("AC_ContactTraceRecord__c"), ["c-0", "c/1", "c-2", "c-3"]);
    assert_eq!(contacts("AC_ContactChannelAnalytics__c"), ["c-0", "c-3"]);
    let jobs = || {
        let calls = house.aws.calls().into_iter();
        calls
            .filter(|call| call.operation == "transcribe.start_transcription_job")
            .map(|call| call.parameters)
    };
    let media: Vec<Value> = jobs().map(|job| job["Media"]["MediaFileUri"].clone()).collect();
    assert_eq!(media, ["s3://recb/c-0.wav", "s3://recb/c-3.wav"]);

    // The stream sends it again: rows are upserted, and nothing is started twice.
    house.run("sfCTRTrigger.lambda_handler", &event).await.unwrap();
    assert_eq!(contacts("AC_ContactChannelAnalytics__c").len(), 2);
    assert_eq!(jobs().count(), 2);
}

#[tokio::test]
async fn either_switch_opens_recordings_and_transcriptions_by_the_trigger_s_name() {
    for switch in ["POSTCALL_RECORDING_IMPORT_ENABLED", "POSTCALL_TRANSCRIBE_ENABLED"] {
        let replies =
            json!({"transcribe.start_transcription_job": [{"$sticky": true, "TranscriptionJob": {}}]});
        let house = House::new(json!({"s3": {}, "responses": replies}), &[(switch, "true")]).await;
        let event = kinesis(&[
            contact_record("c-0", &json!({"postcallRecordingImportEnabled": "true"})).to_string(),
            contact_record(
                "c-1",
                &json!({"postcallTranscribeEnabled": "true", "postcallTranscribeLanguage": "en-US"}),
            )
            .to_string(),
            contact_record("c-2", &json!({})).to_string(),
        ]);
        house.run("sfCTRTrigger.lambda_handler", &event).await.unwrap();
        let noted = house.rows("AC_ContactChannelAnalytics__c");
        assert_eq!(
            noted.iter().map(|row| row["ContactId__c"].clone()).collect::<Vec<_>>(),
            ["c-0"],
            "{switch}"
        );
        let started =
            house.aws.calls().into_iter().filter(|it| it.operation.ends_with("start_transcription_job"));
        assert_eq!(started.count(), 1, "{switch}");
    }
}

#[tokio::test]
async fn a_recording_that_fails_for_now_fails_the_trigger_after_the_rows_are_written() {
    let failure = json!({"$sticky": true, "$error": "LimitExceededException"});
    let house = House::new(
        json!({"s3": {}, "responses": {"transcribe.start_transcription_job": [failure]}}),
        &[("POSTCALL_CTR_IMPORT_ENABLED", "true"), ("POSTCALL_TRANSCRIBE_ENABLED", "true")],
    )
    .await;
    let wanted = json!({"postcallCTRImportEnabled": "true", "postcallTranscribeEnabled": "true",
        "postcallTranscribeLanguage": "en-US"});
    let event = kinesis(&[contact_record("c-0", &wanted).to_string()]);
    let error = house.run("sfCTRTrigger.lambda_handler", &event).await.unwrap_err();
    assert!(error.starts_with("lambda.aws_"), "{error}");
    assert_eq!(house.rows("AC_ContactTraceRecord__c").len(), 1);
}

#[tokio::test]
async fn a_dip_answers_before_its_invocation_ends() {
    let default = ("TIELINE_DEFAULT_ANSWER", r#"{"sf_count":"0"}"#);
    let slow = |variables: Vec<(&'static str, &'static str)>| async move {
        House::with_org(json!({}), &variables, |_| Reply::Drip("{")).await
    };
    let ask = async |house: &House| {
        let started = Instant::now();
        let ends_at = Some(started + Duration::from_millis(600));
        let answer = house.functions.invoke_text_until("dip", LOOK_UP.to_string().as_bytes(), ends_at).await;
        assert!(started.elapsed() < Duration::from_millis(600), "{:?}", started.elapsed());
        answer.map_err(|error| error.error_type)
    };
    assert_eq!(ask(&slow(vec![default]).await).await, Ok(json!({"sf_count": "0"})));
    assert_eq!(ask(&slow(vec![]).await).await, Err("dip.deadline".into()));
}
