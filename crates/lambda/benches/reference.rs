//! Our functions beside the reference package's: `scripts/bench-reference.sh CHECKOUT`.
//!
//! Three programs are driven by turns, one call at a time, against one stand-in that is Salesforce,
//! Secrets Manager and S3: the reference as deployed, the reference without what it makes anew on
//! every call, and ours in a loop like theirs. Then `bootstrap` under a Runtime API.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Request;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions};

const ROUNDS: usize = 5;
/// Calls of one round; as deployed the reference makes about ten a second.
const CALLS: usize = 200;
const CALLS_AS_DEPLOYED: usize = 20;
const RECORDS: usize = 1_000;
const BATCH: usize = 200;

fn main() {
    if std::env::args().any(|argument| argument == "--ours") {
        ours();
        return;
    }
    let Some(python) = std::env::var_os("REFERENCE_PYTHON") else {
        println!("run scripts/bench-reference.sh CHECKOUT");
        return;
    };
    let world = World::start();
    let variables = world.variables();
    let reference = |manner: &'static str| {
        let mut command = Command::new(&python);
        command.arg(std::env::var_os("REFERENCE_DRIVER").unwrap());
        command.arg(std::env::var_os("REFERENCE_HANDLERS").unwrap()).arg(manner);
        Driver::start(manner, command, &variables)
    };
    let mut loop_of_ours = Command::new(std::env::current_exe().unwrap());
    loop_of_ours.arg("--ours");
    let mut drivers =
        [reference("deployed"), reference("bare"), Driver::start("ours", loop_of_ours, &variables)];

    println!("| Call | | calls/s | p50 ms | p99 ms | RSS MiB |\n|---|---|---|---|---|---|");
    for operation in ["phoneLookup", "lookup", "create"] {
        dips(&mut drivers, operation);
    }
    println!("\n| Import of 1,000 | | seconds | CRM calls |\n|---|---|---|---|");
    contact_records(&world, &mut drivers);
    for delay in [0, 50] {
        report(&world, &mut drivers, delay);
    }
    drop(drivers);
    bootstrap(&world, &variables);
}

// ---- what is measured

fn dips(drivers: &mut [Driver], operation: &str) {
    let mut ms: Vec<Vec<f64>> = vec![Vec::new(); drivers.len()];
    let mut rss = vec![0; drivers.len()];
    for round in 0..=ROUNDS {
        for (at, driver) in drivers.iter_mut().enumerate() {
            let calls = if driver.name == "deployed" { CALLS_AS_DEPLOYED } else { CALLS };
            let events: Vec<Value> = (0..calls).map(|call| dip(operation, round * calls + call)).collect();
            let (took, kib) = driver.run("sfInvokeAPI", &events);
            // The first round warms up.
            if round > 0 {
                ms[at].extend(took);
            }
            rss[at] = kib;
        }
    }
    for ((driver, ms), kib) in drivers.iter().zip(&mut ms).zip(rss) {
        let per_second = 1_000.0 * count(ms.len()) / ms.iter().sum::<f64>();
        let (p50, p99) = (quantile(ms, 0.50), quantile(ms, 0.99));
        let mib = f64::from(kib) / 1_024.0;
        println!("| {operation} | {} | {per_second:.1} | {p50:.3} | {p99:.3} | {mib:.1} |", driver.name);
    }
}

fn contact_records(world: &World, drivers: &mut [Driver]) {
    for driver in drivers {
        let (module, events) = if driver.name == "ours" {
            let batches = (0..RECORDS).collect::<Vec<_>>();
            let events = batches
                .chunks(BATCH)
                .map(|batch| {
                    let records: Vec<Value> = batch
                        .iter()
                        .map(|n| {
                            json!({"eventSource": "aws:kinesis", "eventID": format!("shardId-0:{n}"),
                                   "kinesis": {"sequenceNumber": n.to_string(), "partitionKey": n.to_string(),
                                               "data": contact_record(*n)}})
                        })
                        .collect();
                    json!({ "Records": records })
                })
                .collect();
            ("contact-records", events)
        } else {
            let event = |n| json!({"async": true, "record": contact_record(n)});
            // A tenth of what takes minutes, and says so by its factor below.
            let n = if driver.name == "deployed" { RECORDS / 10 } else { RECORDS };
            ("sfContactTraceRecord", (0..n).map(event).collect::<Vec<_>>())
        };
        let calls = events.len();
        let (seconds, asked) = world.counted(|| driver.run(module, &events).0.iter().sum::<f64>() / 1_000.0);
        let factor = if driver.name == "deployed" { count(RECORDS) / count(calls) } else { 1.0 };
        let (seconds, asked) = (seconds * factor, count(asked) * factor);
        println!("| contact records | {} | {seconds:.3} | {asked:.0} |", driver.name);
    }
}

fn report(world: &World, drivers: &mut [Driver], delay_ms: u64) {
    world.delay_ms.store(delay_ms, Ordering::Relaxed);
    let event = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
        "eventTime": "2026-03-17T09:20:12.000Z", "awsRegion": "eu-central-1",
        "s3": {"bucket": {"name": "reports"}, "object": {"key": "connect/acme/queues.csv", "size": 1}}}]});
    for driver in drivers {
        let run = || driver.run("sfIntervalQueue", std::slice::from_ref(&event)).0[0] / 1_000.0;
        let (seconds, asked) = world.counted(run);
        println!("| report, CRM after {delay_ms} ms | {} | {seconds:.3} | {asked} |", driver.name);
    }
    world.delay_ms.store(0, Ordering::Relaxed);
}

/// `bootstrap` from its start to its first answer, and under a loop of events.
fn bootstrap(world: &World, variables: &[(String, String)]) {
    let program = std::env::var_os("BOOTSTRAP").unwrap();
    let (mut starts, mut warm, mut rss) = (Vec::new(), Vec::new(), 0);
    for start in 0..20 {
        let began = Instant::now();
        let mut process = Command::new(&program)
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .envs([
                ("_HANDLER", "sfInvokeAPI.lambda_handler"),
                ("AWS_LAMBDA_RUNTIME_API", world.address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "dip"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        world.events.send(dip("lookup", start)).unwrap();
        world.answered.lock().unwrap().recv().unwrap();
        starts.push(began.elapsed().as_secs_f64() * 1_000.0);
        if start == 19 {
            for call in 0..ROUNDS * CALLS {
                let began = Instant::now();
                world.events.send(dip("lookup", call)).unwrap();
                world.answered.lock().unwrap().recv().unwrap();
                warm.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            rss = rss_kib(process.id());
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
    println!("\n| bootstrap | p50 ms | p99 ms |\n|---|---|---|");
    println!(
        "| process start to first answer | {:.1} | {:.1} |",
        quantile(&mut starts, 0.5),
        quantile(&mut starts, 0.99)
    );
    println!(
        "| lookup, with the exchange with the platform | {:.3} | {:.3} |",
        quantile(&mut warm, 0.5),
        quantile(&mut warm, 0.99)
    );
    println!("\nbootstrap after {} calls: {:.1} MiB resident", warm.len() + 1, f64::from(rss) / 1_024.0);
}

fn dip(operation: &str, n: usize) -> Value {
    let parameters = match operation {
        "phoneLookup" => {
            json!({"sf_operation": operation, "sf_phone": "+12025550143", "sf_fields": "Id, Name"})
        }
        "lookup" => json!({"sf_operation": operation, "sf_object": "Contact", "sf_fields": "Id, Name",
                           "LastName": format!("Keller {n}")}),
        _ => {
            json!({"sf_operation": operation, "sf_object": "Task", "Subject": format!("Call {n}"), "Status": "Open"})
        }
    };
    json!({"Name": "ContactFlowEvent", "Details": {"Parameters": parameters}})
}

/// With everything the reference wants to be there.
fn contact_record(n: usize) -> String {
    let record = json!({
        "AWSAccountId": "481200937715", "AWSContactTraceRecordFormatVersion": "2017-03-10",
        "Agent": {"ARN": "arn:aws:connect:eu-central-1:481200937715:instance/i/agent/a", "AfterContactWorkDuration": 5,
            "AfterContactWorkEndTimestamp": "2026-03-17T09:20:51Z", "AfterContactWorkStartTimestamp": "2026-03-17T09:19:34Z",
            "AgentInteractionDuration": 260, "ConnectedToAgentTimestamp": "2026-03-17T09:15:06Z",
            "CustomerHoldDuration": 31, "HierarchyGroups": null, "LongestHoldDuration": 31, "NumberOfHolds": 1,
            "RoutingProfile": {"ARN": "arn:aws:connect:eu-central-1:481200937715:instance/i/routing-profile/r", "Name": "Claims"},
            "Username": "m.keller"},
        "AgentConnectionAttempts": 1, "Attributes": {"postcallCTRImportEnabled": "true", "intent": "claim"},
        "Channel": "VOICE", "ConnectedToSystemTimestamp": "2026-03-17T09:14:02Z",
        "ContactId": format!("b7d1f6a2-0c3e-4e58-9a47-{n:012}"),
        "CustomerEndpoint": {"Address": "+12025550143", "Type": "TELEPHONE_NUMBER"},
        "DisconnectTimestamp": "2026-03-17T09:19:34Z", "InitialContactId": null, "InitiationMethod": "INBOUND",
        "InitiationTimestamp": "2026-03-17T09:14:02Z",
        "InstanceARN": "arn:aws:connect:eu-central-1:481200937715:instance/i",
        "LastUpdateTimestamp": "2026-03-17T09:21:00Z", "NextContactId": null, "PreviousContactId": null,
        "Queue": {"ARN": "arn:aws:connect:eu-central-1:481200937715:instance/i/queue/q", "DequeueTimestamp": "2026-03-17T09:15:06Z",
            "Duration": 25, "EnqueueTimestamp": "2026-03-17T09:14:40Z", "Name": "Claims"},
        "Recording": {"Location": "media/connect/acme/CallRecordings/x.wav", "Status": "AVAILABLE", "Type": "AUDIO", "DeletionReason": null},
        "SystemEndpoint": {"Address": "+12025550100", "Type": "TELEPHONE_NUMBER"},
        "TransferredToEndpoint": null, "TransferCompletedTimestamp": null,
    });
    STANDARD.encode(record.to_string())
}

fn csv() -> String {
    let mut text = "Queue,StartInterval,EndInterval,Contacts queued,Contacts handled,Average queue answer time,Service level 20 seconds\n".to_owned();
    for n in 0..RECORDS {
        writeln!(text, "Queue {n},2026-03-17T09:00:00Z,2026-03-17T09:30:00Z,{n},{n},12.5,87.5%").unwrap();
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark are small")]
fn count(n: usize) -> f64 {
    n as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
fn quantile(ms: &mut [f64], part: f64) -> f64 {
    ms.sort_by(f64::total_cmp);
    ms[((count(ms.len()) - 1.0) * part).round() as usize]
}

fn rss_kib(process: u32) -> u32 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

// ---- who is driven

struct Driver {
    name: &'static str,
    process: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Driver {
    fn start(name: &'static str, mut command: Command, variables: &[(String, String)]) -> Self {
        command.envs(variables.iter().map(|(name, value)| (name, value)));
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (jobs, answers) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { name, process, jobs, answers }
    }

    /// Milliseconds of each call, and the memory afterwards.
    fn run(&mut self, module: &str, events: &[Value]) -> (Vec<f64>, u32) {
        writeln!(self.jobs, "{}", json!({"module": module, "events": events})).unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "{} failed in {module}", self.name);
        let answer: Value = serde_json::from_str(&line).unwrap();
        let ms = answer["ms"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
        (ms, u32::try_from(answer["rss_kib"].as_u64().unwrap()).unwrap())
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Ours, driven like theirs: jobs on standard input, by the reference's handler names.
fn ours() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let now = "2026-11-20T09:00:00Z".parse().unwrap();
    let functions = Functions::new(Environment::of_process(), Arc::new(FixedClock(now)));
    for line in std::io::stdin().lines() {
        let job: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let module = job["module"].as_str().unwrap();
        let name =
            if module.starts_with("sf") { format!("{module}.lambda_handler") } else { module.to_owned() };
        let events: Vec<String> = job["events"].as_array().unwrap().iter().map(Value::to_string).collect();
        drop(job);
        let mut ms = Vec::new();
        for event in &events {
            let began = Instant::now();
            let answer = runtime.block_on(functions.invoke_text(&name, event.as_bytes()));
            ms.push(began.elapsed().as_secs_f64() * 1_000.0);
            let answer = answer.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(answer["batchItemFailures"].as_array().is_none_or(Vec::is_empty), "{answer}");
        }
        println!("{}", json!({"ms": ms, "rss_kib": rss_kib(std::process::id())}));
    }
}

// ---- what they ask

struct World {
    address: String,
    asked: Arc<AtomicUsize>,
    delay_ms: Arc<AtomicU64>,
    events: tokio::sync::mpsc::UnboundedSender<Value>,
    answered: std::sync::Mutex<std::sync::mpsc::Receiver<()>>,
    _runtime: tokio::runtime::Runtime,
}

impl World {
    fn start() -> Self {
        // Threads of its own, so that it is not what is measured.
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (asked, delay_ms) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicU64::new(0)));
        let (events, waiting) = tokio::sync::mpsc::unbounded_channel();
        let (told, answered) = std::sync::mpsc::channel();
        let waiting = Arc::new(tokio::sync::Mutex::new(waiting));
        let (count, delay) = (Arc::clone(&asked), Arc::clone(&delay_ms));
        let app = Router::new().fallback(move |request: Request| {
            let (count, delay) = (Arc::clone(&count), Arc::clone(&delay));
            let (waiting, told) = (Arc::clone(&waiting), told.clone());
            async move {
                let path = request.uri().path().to_owned();
                if path.starts_with("/2018-06-01/runtime/") {
                    if !path.ends_with("/next") {
                        assert!(path.ends_with("/response"), "{path}");
                        told.send(()).unwrap();
                        return reply(202, String::new());
                    }
                    let event: Value = waiting.lock().await.recv().await.unwrap();
                    let mut answer = reply(200, event.to_string());
                    for (name, value) in [
                        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
                        ("lambda-runtime-deadline-ms", "9999999999999"),
                        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:eu-central-1:1:function:dip"),
                    ] {
                        answer.headers_mut().insert(name, value.parse().unwrap());
                    }
                    return answer;
                }
                let salesforce = path.starts_with("/services/");
                if salesforce {
                    count.fetch_add(1, Ordering::Relaxed);
                    let ms = delay.load(Ordering::Relaxed);
                    if ms > 0 {
                        tokio::time::sleep(Duration::from_millis(ms)).await;
                    }
                }
                respond(request, &path).await
            }
        });
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, asked, delay_ms, events, answered: answered.into(), _runtime: runtime }
    }

    fn variables(&self) -> Vec<(String, String)> {
        let url = format!("http://{}", self.address);
        [
            ("SF_HOST", url.as_str()),
            ("SF_VERSION", "v62.0"),
            ("SF_USERNAME", "api@example.com"),
            ("SF_PRODUCTION", "false"),
            ("SF_ADAPTER_NAMESPACE", "amazonconnect"),
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
            ("LOGGING_LEVEL", "INFO"),
            ("POSTCALL_CTR_IMPORT_ENABLED", "true"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", url.as_str()),
            ("AWS_ACCESS_KEY_ID", "dummy"),
            ("AWS_SECRET_ACCESS_KEY", "dummy"),
            ("NO_PROXY", "127.0.0.1"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
    }

    /// What `work` gives, and how often Salesforce was asked meanwhile.
    fn counted<T>(&self, work: impl FnOnce() -> T) -> (T, usize) {
        let before = self.asked.load(Ordering::Relaxed);
        let result = work();
        (result, self.asked.load(Ordering::Relaxed) - before)
    }
}

fn reply(status: u16, body: String) -> axum::response::Response {
    axum::response::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(body.into())
        .unwrap()
}

async fn respond(request: Request, path: &str) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if parts.headers.contains_key("x-amz-target") {
        let secret = json!({"ConsumerKey": "ck", "ConsumerSecret": "cs", "Password": "pw", "AccessToken": "st",
                            "AuthToken": "T1"});
        return reply(
            200,
            json!({"ARN": "sf", "Name": "sf", "SecretString": secret.to_string()}).to_string(),
        );
    }
    if path.starts_with("/reports/") {
        return reply(200, csv());
    }
    let contact = json!({"attributes": {"type": "Contact", "url": "/x"}, "Id": "003000000000001AAA", "Name": "Anna Keller"});
    let done = json!({"id": "a00000000000001AAA", "success": true, "created": true, "errors": []});
    if path.ends_with("/query") {
        return reply(200, json!({"totalSize": 1, "done": true, "records": [contact]}).to_string());
    }
    if path.ends_with("/parameterizedSearch") {
        return reply(200, json!({"searchRecords": [contact]}).to_string());
    }
    if path.ends_with("/describe") {
        return reply(200, describe().to_string());
    }
    if path.contains("/composite/sobjects") {
        let body: Value = serde_json::from_slice(&body).unwrap();
        let rows = body["records"].as_array().unwrap().len();
        return reply(200, json!(vec![done; rows]).to_string());
    }
    reply(201, done.to_string())
}

/// The fields the two objects have in the reference's package, as far as they are sent here.
fn describe() -> Value {
    let names = [
        "AWSAccountId",
        "AfterContactWorkDuration",
        "AfterContactWorkEndTimestamp",
        "AfterContactWorkStartTimestamp",
        "AgentConnectedToAgentTimestamp",
        "AgentInteractionDuration",
        "AgentCustomerHoldDuration",
        "AgentHierarchyGroup",
        "AgentLongestHoldDuration",
        "AgentNumberOfHolds",
        "AgentUsername",
        "AgentRoutingProfileARN",
        "AgentRoutingProfileName",
        "AgentConnectionAttempts",
        "Attributes",
        "Channel",
        "ConnectedToSystemTimestamp",
        "CustomerEndpointAddress",
        "InitiationTimestamp",
        "InitialContactId",
        "Initiation_Method",
        "InstanceARN",
        "LastUpdateTimestamp",
        "NextContactId",
        "PreviousContactId",
        "DisconnectTimestamp",
        "QueueARN",
        "QueueDequeueTimestamp",
        "QueueDuration",
        "QueueEnqueueTimestamp",
        "QueueName",
        "RecordingLocation",
        "RecordingStatus",
        "RecordingDeletionReason",
        "SystemEndpointAddress",
        "TransferredToEndpoint",
        "TransferCompletedTimestamp",
        "Region",
        "ContactId",
        "AC_Object_Name",
        "AC_Record_Id",
        "StartInterval",
        "EndInterval",
        "Contacts_queued",
        "Contacts_handled",
        "Average_queue_answer_time",
        "Service_level_20_seconds",
        "Created_Date",
    ];
    let field = |name: &&str| {
        let key = ["ContactId", "AC_Record_Id"].contains(name);
        json!({"name": format!("amazonconnect__{name}__c"), "type": "string", "length": 32768,
               "createable": true, "updateable": true, "externalId": key, "idLookup": key, "unique": key,
               "label": name, "nillable": true})
    };
    json!({"name": "x", "createable": true, "updateable": true, "fields": names.iter().map(field).collect::<Vec<_>>()})
}
