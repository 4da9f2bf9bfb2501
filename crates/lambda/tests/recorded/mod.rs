//! The recorded exchanges of the reference functions, run against ours by whatever a test calls.
//!
//! A scripted server gives the recorded replies in order; what we send and answer is compared with
//! the record. Where ours differs on purpose, [`DEVIATIONS`] says why and what ours does instead.

#[path = "../../../connectors/salesforce/tests/stand_in/mod.rs"]
mod stand_in;

use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};
use stand_in::{Reply, Seen, StandIn};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/serverless-vectors.jsonl");

/// The name the recorded functions had.
pub const FUNCTION: &str = "sfInvokeAPI.lambda_handler";

const OPERATIONS: [&str; 4] = ["lookup", "phoneLookup", "create", "query"];

/// A vector ours differs from on purpose.
struct Deviation {
    name: &'static str,
    /// With the paragraph of the specification that calls the recorded behaviour a defect.
    reason: &'static str,
    /// Replies beyond the recorded ones.
    further: fn() -> Vec<Value>,
    check: fn(&Run),
}

const DEVIATIONS: [Deviation; 6] = [
    Deviation {
        name: "lookup_apostrophe_breaks_query",
        reason: "15.1 S1, S2: a value is escaped, so O'Neil is a name and not a broken query",
        further: Vec::new,
        check: |run| assert_eq!(run.soql(0), r"SELECT Id, Name FROM Contact WHERE LastName='O\'Neil'"),
    },
    Deviation {
        name: "create_503_html",
        reason: "15.2 C20: the status is kept where the reference loses it in a parser's error",
        further: Vec::new,
        check: |run| {
            assert_eq!(run.error(), ("Exception", "request returned status code: 503"));
        },
    },
    Deviation {
        name: "create_date_error_lone_pipe",
        reason: "15.2 C6: a bar in ordinary text is text",
        further: || vec![json!({"id": "00T1", "success": true, "errors": []})],
        check: |run| {
            assert_eq!(run.requests[0].json(), json!({"ActivityDate": "|"}));
            assert_eq!(run.answer(), &json!({"Id": "00T1"}));
        },
    },
    Deviation {
        name: "create_cca_wrong_prefix_still_parsed",
        reason: "15.2 C6: a bar in ordinary text is text, whatever the object's prefix",
        further: || vec![json!({"id": "a001", "success": true, "errors": []})],
        check: |run| {
            assert_eq!(run.requests[0].json(), json!({"X__c": "a|b"}));
            assert_eq!(run.answer(), &json!({"Id": "a001"}));
        },
    },
    Deviation {
        name: "lookup_second_page_ignored",
        reason: "15.2 C2: the count is the number of rows there are, not of those on the page",
        further: Vec::new,
        check: |run| {
            let total = &run.vector["salesforce_exchanges"][0]["response"]["body"]["totalSize"];
            assert_eq!(&run.answer()["sf_count"], total);
            assert_eq!(run.answer()["Id"], "003A1");
            assert_eq!(run.requests.len(), 1, "the first row is on the first page");
        },
    },
    Deviation {
        name: "auth_secret_write_denied_fails_call",
        reason: "15.1 S4: the token stays in memory, so no right to write the secret is needed",
        further: || vec![json!({"totalSize": 1, "done": true, "records": [{"Id": "003A1", "Name": "Ann"}]})],
        check: |run| {
            assert_eq!(run.answer(), &json!({"Id": "003A1", "Name": "Ann", "sf_count": 1}));
            assert_eq!(run.requests[2].authorization(), Some("Bearer T1"));
        },
    },
];

/// What one invocation has: variables, event, and the time it stands at.
pub struct Invocation {
    pub variables: Vec<(String, String)>,
    pub event: Value,
    pub now: Timestamp,
}

/// The answer, or type and text of the error.
pub type Outcome = Result<Value, (String, String)>;

/// What happened when a vector was run.
struct Run {
    vector: Value,
    result: Outcome,
    requests: Vec<Seen>,
    login_requests: Vec<Seen>,
    aws: Vec<Seen>,
}

impl Run {
    fn answer(&self) -> &Value {
        self.result.as_ref().unwrap()
    }

    fn error(&self) -> (&str, &str) {
        let error = self.result.as_ref().unwrap_err();
        (&error.0, &error.1)
    }

    fn soql(&self, request: usize) -> &str {
        self.requests[request].soql()
    }
}

/// Runs every vector of the dip function through `invoke` and compares.
pub async fn compare_all(invoke: impl AsyncFn(Invocation) -> Outcome) {
    let Ok(text) = std::fs::read_to_string(Path::new(VECTORS)) else {
        assert!(std::env::var_os("CI").is_none(), "CI needs {VECTORS}");
        eprintln!("skipped: {VECTORS} is absent");
        return;
    };
    let vectors: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (mut same, mut different, mut later) = (0, 0, 0);
    let ours = vectors.into_iter().filter(|vector| vector["function"] == "sfInvokeAPI");
    for (n, vector) in ours.enumerate() {
        let name = vector["name"].as_str().unwrap().to_owned();
        let operation = vector.pointer("/event/Details/Parameters/sf_operation").and_then(Value::as_str);
        let deviation = DEVIATIONS.iter().find(|deviation| deviation.name == name);
        let offered = name.starts_with("dispatch_") || operation.is_some_and(|it| OPERATIONS.contains(&it));
        let further = deviation.map_or_else(Vec::new, |deviation| (deviation.further)());
        // The SDK's two spellings, in turn.
        let endpoint = ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER"][n % 2];
        let run = run(vector, further, endpoint, &invoke).await;
        eprintln!("{name}");
        check_secrets(&run);
        if !offered {
            let (_, message) = run.error();
            assert!(message.contains("not offered yet"), "{name}: {message}");
            assert!(run.requests.is_empty(), "{name}");
            later += 1;
        } else if let Some(deviation) = deviation {
            eprintln!("  differs: {}", deviation.reason);
            (deviation.check)(&run);
            different += 1;
        } else {
            compare_requests(&name, &run);
            compare_result(&name, &run);
            same += 1;
        }
    }
    eprintln!("{same} as recorded, {different} different on purpose, {later} of operations not offered yet");
    assert_eq!(different, DEVIATIONS.len(), "every deviation is a vector");
    assert!(same >= 40, "{same}");
}

async fn run(
    vector: Value,
    further: Vec<Value>,
    endpoint: &str,
    invoke: &impl AsyncFn(Invocation) -> Outcome,
) -> Run {
    let exchanges = vector["salesforce_exchanges"].as_array().unwrap();
    // The production vector asks a second host for its token.
    let (login, main): (Vec<&Value>, Vec<&Value>) =
        exchanges.iter().partition(|exchange| exchange["request"]["host"] != "__SF_HOST__");
    let replies = |exchanges: &[&Value]| -> Vec<Reply> {
        exchanges.iter().map(|exchange| recorded(&exchange["response"])).collect()
    };
    let salesforce = StandIn::scripted(
        replies(&main).into_iter().chain(further.into_iter().map(|body| Reply::Json(200, body))),
    )
    .await;
    let login_host = StandIn::scripted(replies(&login)).await;
    let aws = secrets_manager(&vector["aws"]["secret"]).await;

    let mut variables: Vec<(String, String)> = vector["env"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| {
            let value = value
                .as_str()
                .unwrap()
                .replace("__SF_HOST__", salesforce.url().as_str().trim_end_matches('/'));
            (name.clone(), value)
        })
        .collect();
    if !login.is_empty() {
        assert_eq!(login[0]["request"]["host"], "https://login.salesforce.com");
        variables.push(("SF_LOGIN_URL".into(), login_host.url().to_string()));
    }
    variables.extend([
        (endpoint.into(), aws.url().to_string()),
        ("AWS_ACCESS_KEY_ID".into(), "dummy".into()),
        ("AWS_SECRET_ACCESS_KEY".into(), "dummy".into()),
    ]);
    // Recorded without a zone, in UTC.
    let now = format!("{}Z", vector["now"].as_str().unwrap()).parse().unwrap();
    let result = invoke(Invocation { variables, event: vector["event"].clone(), now }).await;
    Run { result, requests: salesforce.seen(), login_requests: login_host.seen(), aws: aws.seen(), vector }
}

fn recorded(response: &Value) -> Reply {
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    match response.get("body_text").and_then(Value::as_str) {
        Some(text) => Reply::Text(status, "text/html", text.to_owned()),
        None => Reply::Json(status, response["body"].clone()),
    }
}

async fn secrets_manager(secret: &Value) -> StandIn {
    let secret = secret.to_string();
    StandIn::start(move |request| match request.header("x-amz-target") {
        Some("secretsmanager.GetSecretValue") => {
            Reply::Json(200, json!({"ARN": "arn", "Name": "sf", "VersionId": "v", "SecretString": secret}))
        }
        _ => Reply::Json(400, json!({"__type": "AccessDeniedException", "message": "no"})),
    })
    .await
}

/// At most one read, never a write, and nothing secret in any address.
fn check_secrets(run: &Run) {
    assert!(run.aws.len() <= 1, "{} calls of Secrets Manager", run.aws.len());
    for request in &run.aws {
        assert_eq!(request.header("x-amz-target"), Some("secretsmanager.GetSecretValue"));
        assert_eq!(request.json()["SecretId"], run.vector["env"]["SF_CREDENTIALS_SECRETS_MANAGER_ARN"]);
    }
    for request in run.requests.iter().chain(&run.login_requests) {
        for secret in ["pwtok", "client_secret", "ck", "password", "T0", "T1"] {
            assert!(!request.target.contains(secret), "{} is in {}", secret, request.target);
        }
    }
}

fn compare_requests(name: &str, run: &Run) {
    let (mut ours, mut ours_at_login) = (run.requests.iter(), run.login_requests.iter());
    for exchange in run.vector["salesforce_exchanges"].as_array().unwrap() {
        let recorded = &exchange["request"];
        let sent = if recorded["host"] == "__SF_HOST__" { ours.next() } else { ours_at_login.next() };
        let sent = sent.unwrap_or_else(|| panic!("{name}: we sent less: {recorded}"));
        assert_eq!(sent.method, recorded["method"].as_str().unwrap(), "{name}");
        assert_eq!(sent.path, recorded["path"].as_str().unwrap(), "{name}");
        let query: Vec<(String, String)> = serde_json::from_value(recorded["query"].clone()).unwrap();
        if sent.is_token_request() {
            // The same parameters, in the body instead of the address (15.1 S3).
            assert!(sent.query.is_empty(), "{name}");
            assert_eq!(sent.form(), query, "{name}");
        } else {
            assert_eq!(sent.query, query, "{name}");
            assert_eq!(sent.authorization(), recorded["headers"]["Authorization"].as_str(), "{name}");
            assert_eq!(sent.json(), recorded["body"], "{name}");
        }
    }
    assert!(ours.next().is_none() && ours_at_login.next().is_none(), "{name}: we sent more");
}

fn compare_result(name: &str, run: &Run) {
    if let Some(expected) = run.vector.get("result") {
        assert_eq!(run.result.as_ref(), Ok(expected), "{name}");
        return;
    }
    let expected = &run.vector["error"];
    let (error_type, message) = run.error();
    if expected["builtin"] != true {
        assert_eq!(error_type, expected["type"], "{name}");
        assert_eq!(message, expected["message"], "{name}");
    }
}
