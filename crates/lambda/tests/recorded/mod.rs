//! The recorded exchanges of the reference functions, run against ours by whatever a test calls.
//!
//! A scripted Salesforce and a scripted AWS give the recorded replies; what we send and answer is
//! compared with the record. Every line of the file is run: as recorded, or as its group's table of
//! [`Deviation`]s says, with the reason. One file per group of functions; [`GROUPS`] lists them.

#![allow(dead_code, reason = "helpers that a group may or may not need")]

pub mod aws;
mod effects;

mod analytics;
mod dips;
mod helpers;
mod metrics;
mod records;
mod reports;
mod transcription;

#[path = "../../../connectors/salesforce/tests/stand_in/mod.rs"]
pub mod stand_in;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Value, json};

use aws::{Aws, AwsCall};
use stand_in::{Reply, Seen, StandIn};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data/serverless-vectors.jsonl");

/// The name the recorded dip function had.
pub const FUNCTION: &str = "sfInvokeAPI.lambda_handler";

const GROUPS: [&Group; 7] = [
    &dips::GROUP,
    &records::GROUP,
    &reports::GROUP,
    &metrics::GROUP,
    &analytics::GROUP,
    &transcription::GROUP,
    &helpers::GROUP,
];

/// Functions whose vectors are compared alike.
pub struct Group {
    /// By the reference's names.
    pub functions: &'static [&'static str],
    pub deviations: &'static [Deviation],
    /// What has to be as recorded besides the answer.
    pub compare: fn(&Run),
}

/// A vector ours differs from on purpose.
pub struct Deviation {
    pub name: &'static str,
    /// With the paragraph of the specification that calls the recorded behaviour a defect.
    pub reason: &'static str,
    /// Salesforce's replies beyond the recorded ones, for requests that were not recorded.
    pub further: fn() -> Vec<Value>,
    pub check: fn(&Run),
}

/// What one invocation has: function, variables, event, and the time it stands at.
pub struct Invocation {
    /// The reference's handler, for example `sfInvokeAPI.lambda_handler`.
    pub function: String,
    pub variables: Vec<(String, String)>,
    pub event: Value,
    pub now: Timestamp,
}

/// The answer, or type and text of the error.
pub type Outcome = Result<Value, (String, String)>;

/// What happened when a vector was run.
pub struct Run {
    pub name: String,
    pub vector: Value,
    pub result: Outcome,
    /// What Salesforce was asked, in order.
    pub requests: Vec<Seen>,
    /// What the login host was asked, where the vector has one of its own.
    pub login_requests: Vec<Seen>,
    /// What AWS was asked, as the recorded `aws_calls` are written.
    pub aws: Vec<AwsCall>,
}

impl Run {
    pub fn answer(&self) -> &Value {
        self.result.as_ref().unwrap()
    }

    pub fn error(&self) -> (&str, &str) {
        let error = self.result.as_ref().unwrap_err();
        (&error.0, &error.1)
    }

    pub fn soql(&self, request: usize) -> &str {
        self.requests[request].soql()
    }

    pub fn exchanges(&self) -> &[Value] {
        self.vector["salesforce_exchanges"].as_array().unwrap()
    }

    /// What was recorded and what ours did of one AWS operation, for example `s3.put_object`.
    pub fn aws_parameters(&self, operation: &str) -> (Vec<Value>, Vec<Value>) {
        let recorded = self.vector["aws_calls"].as_array().unwrap().iter().filter(|call| {
            format!("{}.{}", call["service"].as_str().unwrap(), call["operation"].as_str().unwrap())
                == operation
        });
        let ours = self.aws.iter().filter(|call| call.operation == operation);
        (
            recorded.map(|call| call["params"].clone()).collect(),
            ours.map(|call| call.parameters.clone()).collect(),
        )
    }
}

/// Runs every vector through `invoke` and compares.
pub async fn compare_all(invoke: impl AsyncFn(Invocation) -> Outcome) {
    let Ok(text) = std::fs::read_to_string(Path::new(VECTORS)) else {
        assert!(std::env::var_os("CI").is_none(), "CI needs {VECTORS}");
        eprintln!("skipped: {VECTORS} is absent");
        return;
    };
    let vectors: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let count = vectors.len();
    let (mut same, mut different) = (0, 0);
    for (n, vector) in vectors.into_iter().enumerate() {
        let name = vector["name"].as_str().unwrap().to_owned();
        let function = vector["function"].as_str().unwrap().to_owned();
        eprintln!("{function}: {name}");
        let group = GROUPS.iter().find(|group| group.functions.contains(&function.as_str()));
        let group = group.unwrap_or_else(|| panic!("no group has {function}"));
        let deviation = group.deviations.iter().find(|deviation| deviation.name == name);
        let further = deviation.map_or_else(Vec::new, |deviation| (deviation.further)());
        let run = run(vector, further, n % 2 == 0, &invoke).await;
        check_secrets(&run);
        if let Some(deviation) = deviation {
            eprintln!("  differs: {}", deviation.reason);
            (deviation.check)(&run);
            different += 1;
        } else {
            compare_result(&run);
            (group.compare)(&run);
            same += 1;
        }
    }
    eprintln!("{same} as recorded, {different} different on purpose");
    let listed = GROUPS.iter().flat_map(|group| group.deviations).count();
    assert_eq!(different, listed, "every deviation is a vector");
    assert!(same + different == count && count >= 136, "{same} and {different} of {count}");
}

async fn run(
    mut vector: Value,
    further: Vec<Value>,
    one_endpoint: bool,
    invoke: &impl AsyncFn(Invocation) -> Outcome,
) -> Run {
    let name = vector["name"].as_str().unwrap().to_owned();
    // Recorded as it was sent, compared decoded.
    for exchange in vector["salesforce_exchanges"].as_array_mut().unwrap() {
        let path = exchange["request"]["path"].as_str().unwrap();
        let path = percent_encoding::percent_decode_str(path).decode_utf8().unwrap().into_owned();
        exchange["request"]["path"] = path.into();
    }
    let exchanges = vector["salesforce_exchanges"].as_array().unwrap();
    // The production vector asks a second host for its token.
    let (login, main): (Vec<Value>, Vec<Value>) =
        exchanges.iter().cloned().partition(|exchange| exchange["request"]["host"] != "__SF_HOST__");
    let has_login = !login.is_empty();
    if has_login {
        assert_eq!(login[0]["request"]["host"], "https://login.salesforce.com");
    }
    let salesforce = scripted(main, further).await;
    let login_host = scripted(login, Vec::new()).await;
    let aws = Aws::start(&vector["aws"]).await;

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
    if has_login {
        variables.push(("SF_LOGIN_URL".into(), login_host.url().to_string()));
    }
    variables.extend(aws.variables(one_endpoint));
    if let Some(region) = vector["aws"]["region"].as_str()
        && !variables.iter().any(|(name, _)| name == "AWS_REGION")
    {
        variables.push(("AWS_REGION".into(), region.to_owned()));
    }
    // Recorded without a zone, in UTC.
    let now = format!("{}Z", vector["now"].as_str().unwrap()).parse().unwrap();
    let function = format!("{}.lambda_handler", vector["function"].as_str().unwrap());
    let result = invoke(Invocation { function, variables, event: vector["event"].clone(), now }).await;
    Run {
        name,
        result,
        requests: salesforce.seen(),
        login_requests: login_host.seen(),
        aws: aws.calls(),
        vector,
    }
}

/// Answers a recorded request with its recorded reply, each once and in order where several are
/// alike, rows of a collection with those of their single requests, and everything else with the
/// `further` replies.
async fn scripted(exchanges: Vec<Value>, further: Vec<Value>) -> StandIn {
    let script = Mutex::new((exchanges, VecDeque::from(further)));
    StandIn::start(move |request| {
        let (exchanges, further) = &mut *script.lock().unwrap();
        let recorded = exchanges.iter().position(|exchange| {
            exchange["request"]["method"] == *request.method && exchange["request"]["path"] == *request.path
        });
        if let Some(position) = recorded {
            return reply(&exchanges.remove(position)["response"]);
        }
        if let Some(reply) = effects::collection_reply(request, exchanges) {
            return reply;
        }
        match further.pop_front() {
            Some(body) => Reply::Json(200, body),
            None => Reply::Text(500, "text/plain", "the script is over".into()),
        }
    })
    .await
}

fn reply(response: &Value) -> Reply {
    let status = u16::try_from(response["status"].as_u64().unwrap()).unwrap();
    match response.get("body_text").and_then(Value::as_str) {
        Some(text) => Reply::Text(status, "text/html", text.to_owned()),
        None => Reply::Json(status, response["body"].clone()),
    }
}

/// At most one read, never a write, and nothing secret in any address.
fn check_secrets(run: &Run) {
    let of_secrets: Vec<&AwsCall> =
        run.aws.iter().filter(|call| call.operation.starts_with("secretsmanager.")).collect();
    assert!(of_secrets.len() <= 1, "{} calls of Secrets Manager", of_secrets.len());
    for call in of_secrets {
        assert_eq!(call.operation, "secretsmanager.get_secret_value");
        assert_eq!(call.parameters["SecretId"], run.vector["env"]["SF_CREDENTIALS_SECRETS_MANAGER_ARN"]);
    }
    for request in run.requests.iter().chain(&run.login_requests) {
        for secret in ["pwtok", "client_secret", "ck", "password", "T0", "T1"] {
            let query = request.target.split_once('?').map_or("", |(_, query)| query);
            assert!(!query.contains(secret), "{} is in {}", secret, request.target);
        }
    }
}

/// Every request as recorded, in order.
pub fn compare_requests(run: &Run) {
    let name = &run.name;
    let (mut ours, mut ours_at_login) = (run.requests.iter(), run.login_requests.iter());
    for exchange in run.exchanges() {
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

/// The same records with the same values stand in Salesforce afterwards: in fewer calls or in
/// another order is as good, and so are fewer describes.
pub fn compare_effects(run: &Run) {
    let name = &run.name;
    let recorded = run.exchanges().iter().flat_map(|exchange| effects::of_record(&exchange["request"]));
    let mut recorded: Vec<Value> = recorded.collect();
    let mut ours: Vec<Value> = run.requests.iter().flat_map(effects::of_request).collect();
    recorded.sort_by_key(Value::to_string);
    ours.sort_by_key(Value::to_string);
    assert_eq!(json!(ours), json!(recorded), "{name}: what is written");
    assert!(run.requests.len() <= run.exchanges().len(), "{name}: we sent more");
    for request in run.requests.iter().filter(|request| !request.is_token_request()) {
        assert!(request.authorization().is_some_and(|value| value.starts_with("Bearer ")), "{name}");
    }
}

pub fn compare_result(run: &Run) {
    let name = &run.name;
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

/// The text of an attachment's body.
pub fn decoded(body: &Value) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(body.as_str().unwrap()).unwrap();
    String::from_utf8(bytes).unwrap()
}
