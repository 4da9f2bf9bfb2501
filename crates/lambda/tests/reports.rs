//! Reports and queue metrics, beyond what was recorded: one warm process against a scripted AWS and
//! an org that keeps what it is sent.
#![allow(clippy::unwrap_used)]

mod recorded;

use std::sync::{Arc, Mutex};

use recorded::aws::Aws;
use recorded::stand_in::{Reply, Seen, StandIn};
use serde_json::{Value, json};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions, LambdaError};

const AGENT_FIELDS: [&str; 5] =
    ["AC_Object_Name__c", "StartInterval__c", "Created_Date__c", "Occupancy__c", "Own_Score__c"];

/// Functions in one process, with what they talk to.
struct House {
    functions: Functions,
    org: StandIn,
    aws: Aws,
}

/// How the org answers the write number so and so (from 0); `None` writes all.
type Writing = fn(usize, &Seen) -> Option<Reply>;

impl House {
    async fn new(aws: Value, fields: &[&str], variables: &[(&str, &str)], writing: Writing) -> Self {
        let fields: Vec<Value> = fields.iter().map(|name| json!({"name": name})).collect();
        let writes = Mutex::new(0);
        let org = StandIn::start(move |request| {
            if request.method == "GET" {
                return match fields.first() {
                    None => Reply::Json(404, json!([{"message": "no object", "errorCode": "NOT_FOUND"}])),
                    Some(_) => Reply::Json(200, json!({"name": "X", "fields": fields})),
                };
            }
            let mut writes = writes.lock().unwrap();
            *writes += 1;
            writing(*writes - 1, request).unwrap_or_else(|| all_written(request))
        })
        .await;
        let mut script = aws;
        script["secret"] = json!({"Password": "p", "AccessToken": "t", "ConsumerKey": "k", "ConsumerSecret": "s",
            "AuthToken": "T0"});
        let aws = Aws::start(&script).await;
        let mut all = aws.variables(true);
        let given = [
            ("SF_HOST", org.url().as_str()),
            ("SF_VERSION", "v62.0"),
            ("SF_USERNAME", "api@example.com"),
            ("SF_ADAPTER_NAMESPACE", "-"),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
            ("AWS_REGION", "us-west-2"),
            ("AMAZON_CONNECT_INSTANCE_ID", "inst-1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        all.extend(given);
        all.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let environment: Environment = all.into_iter().collect();
        let clock = Arc::new(FixedClock("2024-02-28T23:30:15Z".parse().unwrap()));
        Self { functions: Functions::new(environment, clock), org, aws }
    }

    async fn with_file(text: &str) -> Self {
        Self::new(json!({"s3": {"rep/x.csv": {"text": text}}}), &AGENT_FIELDS, &[], |_, _| None).await
    }

    async fn run(&self, name: &str, event: &Value) -> Result<Value, LambdaError> {
        self.functions.invoke(name, event).await
    }

    fn writes(&self) -> Vec<Seen> {
        self.org.seen().into_iter().filter(|request| request.method != "GET").collect()
    }

    /// The records of all collections, and what single upserts wrote.
    fn records(&self) -> Vec<Value> {
        self.writes()
            .iter()
            .flat_map(|request| match request.json()["records"].as_array() {
                Some(records) => records.clone(),
                None => vec![request.json()],
            })
            .collect()
    }

    fn asked(&self, operation: &str) -> Vec<Value> {
        let calls = self.aws.calls().into_iter().filter(|call| call.operation == operation);
        calls.map(|call| call.parameters).collect()
    }
}

fn all_written(request: &Seen) -> Reply {
    let Some(records) = request.json()["records"].as_array().cloned() else {
        return Reply::Json(201, json!({"id": "a01000000000001AAA", "success": true, "errors": []}));
    };
    let result =
        |n: usize| json!({"id": format!("a01{n:012}AAA"), "success": true, "created": true, "errors": []});
    Reply::Json(200, (0..records.len()).map(result).collect())
}

fn put(keys: &[&str]) -> Value {
    let record = |key: &&str| json!({"eventTime": "2024-02-28T23:30:00.000Z", "s3": {"bucket": {"name": "rep"}, "object": {"key": key}}});
    json!({"Records": keys.iter().map(record).collect::<Vec<_>>()})
}

fn report(rows: usize) -> String {
    let rows: Vec<String> = (0..rows).map(|n| format!("agent {n},T1,{n}%")).collect();
    format!("Agent,StartInterval,Occupancy\n{}\n", rows.join("\n"))
}

#[tokio::test]
async fn a_report_of_a_thousand_rows_is_six_calls_and_a_warm_process_needs_five() {
    let house = House::with_file(&report(1000)).await;
    let answer = house.run("agent-report", &put(&["x.csv"])).await.unwrap();
    assert_eq!((answer["rows"].as_u64(), answer["written"].as_u64()), (Some(1000), Some(1000)));
    assert_eq!(house.org.seen().len(), 6);
    assert!(house.writes().iter().all(|write| {
        write.path == "/services/data/v62.0/composite/sobjects/AC_AgentPerformance__c/AC_Record_Id__c"
    }));
    assert_eq!(
        house.records()[999],
        json!({"attributes": {"type": "AC_AgentPerformance__c"}, "AC_Record_Id__c": "agent 999T1",
            "AC_Object_Name__c": "agent 999", "StartInterval__c": "T1", "Occupancy__c": "999",
            "Created_Date__c": "2024-02-28T23:30:00.000Z"})
    );
    let legacy = house.run("sfIntervalAgent.lambda_handler", &put(&["x.csv"])).await;
    assert_eq!(legacy, Ok(Value::Null));
    assert_eq!(house.org.seen().len(), 11, "the description is known");
    assert_eq!(house.asked("secretsmanager.get_secret_value").len(), 1);
}

#[tokio::test]
async fn every_file_of_an_event_is_read_whatever_its_name() {
    let text = "Agent,StartInterval\njane,T1\n";
    let s3 = json!({"s3": {"rep/my report.csv": {"text": text}, "rep/a+b.CSV": {"text": text},
        "rep/Zürich: 1": {"text": text}}});
    let house = House::new(s3, &AGENT_FIELDS, &[], |_, _| None).await;
    let event = put(&["my+report.csv", "a%2Bb.CSV", "Z%C3%BCrich%3A+1", "folder/", "analysis.json"]);
    let answer = house.run("agent-report", &event).await.unwrap();
    assert_eq!(
        (answer["files"].as_u64(), answer["ignored"].as_u64(), answer["written"].as_u64()),
        (Some(3), Some(2), Some(3))
    );
    let event = json!({"detail-type": "Object Created", "time": "2026-03-17T09:20:12Z",
        "detail": {"bucket": {"name": "rep"}, "object": {"key": "a+b.CSV"}}});
    assert_eq!(house.run("agent-report", &event).await.unwrap()["written"], 1);
    assert_eq!(house.records()[3]["Created_Date__c"], "2026-03-17T09:20:12Z");
    let sent_by_s3 = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "rep"});
    assert_eq!(house.run("agent-report", &sent_by_s3).await.unwrap()["files"], 0);
    let error = house.run("agent-report", &json!({"hello": 1})).await.unwrap_err();
    assert_eq!(error.error_type, "report.malformed_event");
}

#[tokio::test]
async fn without_a_description_nothing_is_written() {
    let s3 = json!({"s3": {"rep/x.csv": {"text": report(3)}}});
    let house = House::new(s3, &[], &[], |_, _| None).await;
    let error = house.run("sfIntervalAgent.lambda_handler", &put(&["x.csv"])).await.unwrap_err();
    assert_eq!(
        (error.error_type.as_str(), error.error_message.as_str()),
        ("Exception", "NOT_FOUND: no object")
    );
    assert_eq!(house.run("agent-report", &put(&["x.csv"])).await.unwrap_err().error_type, "dip.crm_rejected");
    assert!(house.writes().is_empty());
}

#[tokio::test]
async fn a_bad_row_is_told_and_the_others_are_written() {
    let house =
        House::with_file("Queue,StartInterval,Occupancy\nA-B,T1,1\nshort\nAB,T1,2\n,T1,3\nAB,T1,4\n").await;
    let answer = house.run("queue-report", &put(&["x.csv"])).await.unwrap();
    assert_eq!(
        answer,
        json!({"files": 1, "ignored": 0, "rows": 5, "written": 2, "superseded": 1, "refused_count": 2,
            "refused": [{"file": 0, "line": 3, "code": "report.row_too_short"},
                {"file": 0, "line": 5, "code": "report.row_without_name"}]})
    );
    let ids: Vec<Value> = house.records().iter().map(|record| record["AC_Record_Id__c"].clone()).collect();
    assert!(ids[0].as_str().unwrap().starts_with("ABT1~"), "{ids:?}");
    assert_eq!(ids[1], "ABT1");
    assert_eq!(house.records()[1]["Occupancy__c"], "4", "the last row of a name and interval");
}

#[tokio::test]
async fn rows_the_org_refuses_are_told_by_line_and_code_and_never_by_its_words() {
    let refusing: Writing = |_, request| {
        let refused = json!({"success": false, "errors": [
            {"statusCode": "STRING_TOO_LONG", "message": "secret value", "fields": []}]});
        let records = request.json()["records"].as_array().cloned();
        Some(match records {
            None => Reply::Json(400, json!([{"message": "secret value", "errorCode": "STRING_TOO_LONG"}])),
            Some(records) => Reply::Json(200, vec![refused; records.len()].into()),
        })
    };
    let some: Writing = |_, request| {
        let Reply::Json(status, mut answer) = all_written(request) else { return None };
        answer[1] = json!({"success": false, "errors": [
            {"statusCode": "STRING_TOO_LONG", "message": "secret value", "fields": []}]});
        Some(Reply::Json(status, answer))
    };
    let s3 = json!({"s3": {"rep/x.csv": {"text": report(3)}}});
    let house = House::new(s3.clone(), &AGENT_FIELDS, &[], some).await;
    let answer = house.run("agent-report", &put(&["x.csv"])).await.unwrap();
    assert_eq!(answer["written"], 2);
    assert_eq!(answer["refused"], json!([{"file": 0, "line": 3, "code": "STRING_TOO_LONG"}]));

    let house = House::new(s3, &AGENT_FIELDS, &[], refusing).await;
    let error = house.run("agent-report", &put(&["x.csv"])).await.unwrap_err();
    assert_eq!(error.error_type, "report.rows_refused");
    assert_eq!(error.error_message, "none of 3 rows could be written; line 2 of file 0: STRING_TOO_LONG");
    let legacy = house.run("sfIntervalAgent.lambda_handler", &put(&["x.csv"])).await.unwrap_err();
    assert_eq!(legacy.error_message, "STRING_TOO_LONG: secret value");
}

#[tokio::test]
async fn an_org_that_goes_down_fails_the_invocation_which_can_be_repeated() {
    let down: Writing =
        |n, _| (n == 1).then(|| Reply::Text(503, "text/html", "<html>down</html>".to_owned()));
    let s3 = json!({"s3": {"rep/x.csv": {"text": report(500)}, "rep/y.csv": {"text": report(1)}}});
    let house = House::new(s3, &AGENT_FIELDS, &[], down).await;
    let error = house.run("agent-report", &put(&["x.csv", "y.csv"])).await.unwrap_err();
    assert_eq!(error.error_type, "dip.crm_unavailable");
    assert_eq!(house.writes().len(), 3, "the other file is written all the same");
    let answer = house.run("agent-report", &put(&["x.csv", "y.csv"])).await.unwrap();
    assert_eq!(answer["written"], 501);
}

#[tokio::test]
async fn a_file_that_cannot_be_read_says_why() {
    let files = json!({"s3": {
        "rep/utf16.csv": {"b64": "//5BAA=="}, "rep/latin1.csv": {"b64": "QWdlbnQKSvxyZ2Vu"},
        "rep/quote.csv": {"text": "Agent,StartInterval\n\"jane,T1\nbob,T1\n"},
        "rep/other.csv": {"text": "Queue,StartInterval\nSales,T1\n"}}});
    let house = House::new(files, &AGENT_FIELDS, &[], |_, _| None).await;
    for (key, code) in [
        ("utf16.csv", "report.not_utf8"),
        ("latin1.csv", "report.not_utf8"),
        ("quote.csv", "report.open_quote"),
        ("other.csv", "report.no_column"),
        ("gone.csv", "report.not_found"),
    ] {
        let error = house.run("agent-report", &put(&[key])).await.unwrap_err();
        assert_eq!(error.error_type, code, "{key}");
        assert!(!error.error_message.contains("jane"));
    }
    let gone = house.run("sfIntervalQueue.lambda_handler", &put(&["gone.csv"])).await.unwrap_err();
    assert_eq!(
        (gone.error_type.as_str(), gone.error_message.as_str()),
        (
            "ClientError",
            "An error occurred (NoSuchKey) when calling the get_object operation: The specified key does not exist."
        )
    );
    assert!(house.writes().is_empty());
}

#[tokio::test]
async fn an_org_s_own_field_is_filled_with_or_without_the_namespace() {
    let text = "Agent,StartInterval,OWN-score,Elsewhere\njane,T1,7,8\n";
    let fields = ["ns__AC_Object_Name__c", "ns__StartInterval__c", "Own_Score__c", "ns__region__c"];
    let s3 = json!({"s3": {"rep/x.csv": {"text": text}}});
    let house = House::new(s3, &fields, &[("SF_ADAPTER_NAMESPACE", "ns")], |_, _| None).await;
    house.run("agent-report", &put(&["x.csv"])).await.unwrap();
    assert!(
        house.writes()[0].path.ends_with("/ns__AC_AgentPerformance__c/ns__AC_Record_Id__c/janeT1us-west-2")
    );
    assert_eq!(
        house.records()[0],
        json!({"ns__AC_Object_Name__c": "jane", "ns__StartInterval__c": "T1", "Own_Score__c": "7",
            "ns__region__c": "us-west-2"}),
        "in the org's spelling"
    );
}

fn queue(n: usize) -> Value {
    json!({"Id": format!("q-{n}"), "Arn": format!("arn:q-{n}"), "Name": format!("Queue {n}")})
}

fn result(n: usize, metrics: &Value) -> Value {
    let collections: Vec<Value> = metrics
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| json!({"Metric": {"Name": name}, "Value": value}))
        .collect();
    json!({"Dimensions": {"Queue": {"Id": format!("q-{n}")}}, "Collections": collections})
}

#[tokio::test]
async fn many_queues_are_asked_in_hundreds_and_written_in_two_hundreds() {
    let queues: Vec<Value> = (0..250).map(queue).collect();
    let one = |n| json!({"MetricResults": [result(n, &json!({"AGENTS_ONLINE": 2.9, "AGENTS_ERROR": null}))]});
    let aws = json!({"responses": {"connect.list_queues": [{"QueueSummaryList": queues}],
        "connect.get_current_metric_data": [one(5), one(105), one(205)]}});
    let variables =
        [("AMAZON_CONNECT_QUEUE_MAX_RESULT", "1000"), ("AMAZON_CONNECT_QUEUEMETRICS_MAX_RESULT", "50")];
    let house = House::new(aws, &["Name"], &variables, |_, _| None).await;
    let answer = house.run("queue-metrics", &json!({})).await.unwrap();
    assert_eq!(answer, json!({"queues": 250, "idle": 247, "written": 250}));
    let asked = house.asked("connect.get_current_metric_data");
    let sizes: Vec<usize> =
        asked.iter().map(|asked| asked["Filters"]["Queues"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    assert_eq!(asked[0]["MaxResults"], 50);
    assert_eq!(house.asked("connect.list_queues")[0]["MaxResults"], 1000);
    assert_eq!(house.org.seen().len(), 3, "one description, two writes");
    let records = house.records();
    assert_eq!(records[105]["Agents_Online__c"], 2, "truncated");
    assert_eq!(records[105]["Agents_Error__c"], 0, "null is nothing");
    assert_eq!(records[105]["Agents_Staffed__c"], 0, "missing is nothing");
    assert_eq!(
        records[7],
        json!({"attributes": {"type": "AC_QueueMetrics__c"}, "Queue_Id__c": "q-7", "Name": "Queue 7",
            "Queue_ARN__c": "arn:q-7", "Agents_Online__c": 0, "Agents_Available__c": 0, "Agents_On_Call__c": 0,
            "Agents_Staffed__c": 0, "Agents_After_Contact_Work__c": 0, "Agents_Non_Productive__c": 0,
            "Agents_Error__c": 0, "Contacts_In_Queue__c": 0, "Oldest_Contact_Age__c": 0,
            "Contacts_Scheduled__c": 0}),
        "idle, and no region where the org has none"
    );
}

#[tokio::test]
async fn pages_in_a_circle_end_and_what_is_known_is_written() {
    let aws = json!({"responses": {
        "connect.list_queues": [{"QueueSummaryList": [queue(1)], "NextToken": "n"},
            {"QueueSummaryList": [queue(2)]}],
        "connect.get_current_metric_data": [{"MetricResults": [result(1, &json!({"AGENTS_ONLINE": 1}))]},
            {"MetricResults": [], "NextToken": "m", "$sticky": true}]}});
    let house = House::new(aws, &["Name", "Region__c"], &[], |_, _| None).await;
    let error = house.run("queue-metrics", &json!({})).await.unwrap_err();
    assert_eq!(error.error_type, "queue_metrics.endless_pages");
    assert_eq!(house.asked("connect.get_current_metric_data").len(), 3);
    let writes = house.writes();
    assert_eq!(writes.len(), 1, "a queue whose page is missing is not an idle one");
    assert!(writes[0].path.ends_with("/AC_QueueMetrics__c/Queue_Id__c/q-1-us-west-2"));
}

#[tokio::test]
async fn settings_of_the_metrics_are_read_and_their_mistakes_named() {
    let aws = json!({"responses": {"connect.list_queues": [{"QueueSummaryList": []}]}});
    let arn = [("AMAZON_CONNECT_INSTANCE_ID", "arn:aws:connect:us-west-2:1:instance/inst-2")];
    let house = House::new(aws, &["Name"], &arn, |_, _| None).await;
    assert_eq!(house.run("queue-metrics", &json!({})).await.unwrap()["queues"], 0);
    assert_eq!(house.asked("connect.list_queues")[0]["InstanceId"], "inst-2");
    assert!(house.org.seen().is_empty(), "nothing to write, nothing to describe");
    for (name, value) in [
        ("AMAZON_CONNECT_QUEUE_MAX_RESULT", "0"),
        ("AMAZON_CONNECT_QUEUEMETRICS_MAX_RESULT", "101"),
        ("AMAZON_CONNECT_QUEUE_MAX_RESULT", "many"),
        ("AMAZON_CONNECT_INSTANCE_ID", ""),
    ] {
        let house = House::new(json!({}), &["Name"], &[(name, value)], |_, _| None).await;
        let error = house.run("queue-metrics", &json!({})).await.unwrap_err();
        assert!(error.error_message.contains(name), "{error}");
    }
}

#[tokio::test]
async fn the_loop_counts_on_and_has_the_metrics_written_once() {
    let aws = json!({"responses": {"connect.list_queues": [{"QueueSummaryList": [queue(1)]}],
        "connect.get_current_metric_data": [{}]}});
    let variables = [("SFDC_REALTIME_QUEUE_METRICS_LAMBDA", "arn:lambda:rt")];
    let house = House::new(aws.clone(), &["Name"], &variables, |_, _| None).await;
    let event = json!({"iterator": {"index": 0, "count": 4}});
    let answer = house.run("sfRealTimeQueueMetricsLoopJob.lambda_handler", &event).await;
    assert_eq!(answer, Ok(json!({"index": 1, "continue": true, "count": 4})));
    assert_eq!(house.records().len(), 1);
    let error = house.run("sfRealTimeQueueMetricsLoopJob", &json!({"iterator": {}})).await.unwrap_err();
    assert_eq!(error.error_type, "KeyError");
    let house = House::new(aws, &["Name"], &[], |_, _| None).await;
    assert_eq!(house.run("sfRealTimeQueueMetricsLoopJob", &event).await, Ok(Value::Null));
    assert!(house.aws.calls().is_empty());
}

#[test]
fn every_code_of_reports_and_metrics_has_a_page_and_every_page_a_code() {
    use std::collections::BTreeSet;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = [
        "src/report.rs",
        "src/queue_metrics.rs",
        "../connectors/amazon-connect/src/report.rs",
        "../connectors/amazon-connect/src/files/mod.rs",
        "../connectors/amazon-connect/src/files/reports.rs",
        "../connectors/amazon-connect/src/files/conversations.rs",
    ];
    let is_code = |text: &str| {
        ["report.", "queue_metrics.", "import."].iter().any(|of| text.starts_with(of) && text != *of)
            && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'))
    };
    let mut codes = BTreeSet::new();
    for source in sources {
        let text = std::fs::read_to_string(root.join(source)).unwrap();
        codes.extend(text.split('"').filter(|text| is_code(text)).map(str::to_owned));
    }
    let folder = root.join("../../docs/errors");
    let pages: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().into_string().unwrap().strip_suffix(".md").map(str::to_owned)
        })
        .filter(|name| is_code(name))
        .collect();
    assert_eq!(codes, pages);
    for code in codes {
        let text = std::fs::read_to_string(folder.join(format!("{code}.md"))).unwrap();
        assert!(text.starts_with(&format!("# {code}\n\n## What happened\n\n")), "{code}");
        assert!(text.contains("\n## What to try\n\n- "), "{code}");
    }
}

/// A server that stores what does not name `refused`.
async fn server() -> StandIn {
    StandIn::start(|request| match request.header("x-tieline-key") {
        Some("k3y") if request.json().to_string().contains("refused") => {
            Reply::Json(400, json!({"code": "delivery_malformed"}))
        }
        Some("k3y") => Reply::Json(200, json!({})),
        _ => Reply::Json(401, json!({"code": "unauthorized"})),
    })
    .await
}

async fn forwarding(server: &StandIn) -> House {
    let url = server.url().to_string();
    let variables =
        [("TIELINE_URL", url.as_str()), ("TIELINE_CONNECTION", "connect"), ("TIELINE_DELIVERY_KEY", "k3y")];
    House::new(json!({}), &[], &variables, |_, _| None).await
}

#[tokio::test]
async fn forward_mode_hands_reports_to_the_server_unread() {
    let server = server().await;
    let house = forwarding(&server).await;
    let event = put(&["a.csv", "b.csv"]);
    assert_eq!(house.run("agent-report", &event).await, Ok(json!({"forwarded": 1})));
    assert_eq!(house.run("sfIntervalQueue.lambda_handler", &event).await, Ok(Value::Null));
    let seen = server.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen.iter().all(|request| request.json() == event));
    assert_eq!(seen[0].path, "/v1/connections/connect/deliveries");
    assert!(house.org.seen().is_empty() && house.aws.calls().is_empty(), "nobody else was asked");

    assert!(house.run("agent-report", &put(&["recording.wav"])).await.is_ok());
    assert_eq!(server.seen().len(), 2, "what is no report is nobody's");
    let refused = house.run("queue-report", &put(&["refused.csv"])).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "lambda.not_forwarded: the server did not store it: delivery_malformed (status 400 Bad Request)"
    );
    let error = house.run("agent-report", &json!({"hello": 1})).await.unwrap_err();
    assert_eq!(error.error_type, "report.malformed_event");
}

#[tokio::test]
async fn of_a_queue_only_what_was_not_stored_comes_again() {
    let server = server().await;
    let house = forwarding(&server).await;
    let message = |id: &str, key: &str| json!({"messageId": id, "body": put(&[key]).to_string()});
    let event =
        json!({"Records": [message("m-1", "a.csv"), message("m-2", "refused.csv"), message("m-3", "c.csv")]});
    let answer = house.run("queue-report", &event).await.unwrap();
    assert_eq!(answer, json!({"batchItemFailures": [{"itemIdentifier": "m-2"}]}));
    assert_eq!(server.seen().len(), 3);
    let legacy = house.run("sfIntervalQueue.lambda_handler", &event).await.unwrap_err();
    assert_eq!(legacy.error_type, "lambda.not_forwarded");
    let all = json!({"Records": [message("m-2", "refused.csv")]});
    assert_eq!(house.run("queue-report", &all).await.unwrap_err().error_type, "lambda.not_forwarded");
    let good = json!({"Records": [message("m-1", "a.csv")]});
    assert_eq!(house.run("queue-report", &good).await.unwrap(), json!({"batchItemFailures": []}));
}
