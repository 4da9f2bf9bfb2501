//! Dips over HTTP through a running demo, beside a bare HTTP client that makes the same exchange
//! with the simulated Salesforce itself. By turns in one run, so that whatever else the machine
//! does falls on both. Run with `make bench`.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const ROUNDS: usize = 20;
const CALLS: usize = 100;
const AT_ONCE: usize = 16;
/// Calls a second of the paced part, and how long it lasts.
const PACE: u32 = 500;
const PACED_SECS: u32 = 10;

struct Demo {
    process: Child,
    tieline: String,
    salesforce: String,
}

impl Demo {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tieline"))
            .args(["--json", "--log", "error", "demo", "--base-port", "0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let started: Value = serde_json::from_str(&line).unwrap();
        // Only browsers resolve the names under localhost.
        let loopback = |name: &str| {
            let port = url::Url::parse(started[name].as_str().unwrap()).unwrap().port().unwrap();
            format!("http://127.0.0.1:{port}")
        };
        Self { tieline: loopback("tieline"), salesforce: loopback("salesforce"), process }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let demo = Demo::start();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(compare(&demo));
}

async fn compare(demo: &Demo) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let control = async |path: &str, body: Value| -> Value {
        let url = format!("{}/sandbox/v1/{path}", demo.salesforce);
        let request = client.post(url).header("x-tieline-sandbox", "1").json(&body);
        request.send().await.unwrap().json().await.unwrap()
    };
    // More calls than an org's day allows.
    control("settings", json!({"daily_api_requests": 10_000_000})).await;
    let session = control("sessions", json!({"username": "integration@example.com"})).await;
    let token = Arc::new(session["access_token"].as_str().unwrap().to_owned());
    let query = format!("{}/services/data/v62.0/query", demo.salesforce);
    let bare = || {
        let (client, query, token) = (client.clone(), query.clone(), Arc::clone(&token));
        async move {
            let answer: Value = client
                .get(query)
                .query(&[("q", r"SELECT Id, Name FROM Contact WHERE LastName = 'O\'Neil'")])
                .bearer_auth(&token)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            assert_eq!(answer["totalSize"], 1, "{answer}");
        }
    };
    let dips = format!("{}/v1/workspaces/demo/dips", demo.tieline);
    let event = Arc::new(json!({"Details": {"Parameters": {"sf_operation": "lookup", "sf_object": "Contact",
        "sf_fields": "Id, Name", "LastName": "O'Neil"}}}));
    let dip = || {
        let (client, dips, event) = (client.clone(), dips.clone(), Arc::clone(&event));
        async move {
            let answer: Value = client
                .post(dips)
                .bearer_auth("sandbox-dip-key")
                .json(&*event)
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            assert_eq!(answer["sf_count"], "1", "{answer}");
        }
    };
    dip().await;
    bare().await;

    let (mut dip_times, mut bare_times) = (Vec::new(), Vec::new());
    let (mut dip_rates, mut bare_rates) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one_by_one(&bare, &mut bare_times).await;
        one_by_one(&dip, &mut dip_times).await;
        bare_rates.push(many_at_once(&bare).await);
        dip_rates.push(many_at_once(&dip).await);
    }
    println!("one at a time, {} calls each, in milliseconds", ROUNDS * CALLS);
    report("bare reqwest to the sandbox", &mut bare_times);
    report("dip over HTTP", &mut dip_times);
    println!("  own time of a dip, p50: {:.3}", middle(&mut dip_times) - middle(&mut bare_times));
    let (dip_rate, bare_rate) = (middle(&mut dip_rates), middle(&mut bare_rates));
    println!(
        "{AT_ONCE} at once: dip {dip_rate:.0}/s, bare {bare_rate:.0}/s, ratio {:.2}",
        dip_rate / bare_rate
    );

    println!("paced at {PACE} a second for {PACED_SECS} s, in milliseconds from when each was due");
    report("bare reqwest to the sandbox", &mut paced(&bare).await);
    report("dip over HTTP", &mut paced(&dip).await);
}

async fn one_by_one<F: Future<Output = ()>>(call: &impl Fn() -> F, times: &mut Vec<f64>) {
    for _ in 0..CALLS {
        let start = Instant::now();
        call().await;
        times.push(millis(start.elapsed()));
    }
}

async fn many_at_once<F: Future<Output = ()> + Send + 'static>(call: &impl Fn() -> F) -> f64 {
    let start = Instant::now();
    let mut done = 0_u32;
    while (done as usize) < CALLS {
        let tasks: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(call())).collect();
        for task in tasks {
            task.await.unwrap();
            done += 1;
        }
    }
    f64::from(done) / start.elapsed().as_secs_f64()
}

/// Starts calls at their time whether or not earlier ones have been answered.
async fn paced<F: Future<Output = ()> + Send + 'static>(call: &impl Fn() -> F) -> Vec<f64> {
    let start = Instant::now();
    let mut running = Vec::new();
    for n in 0..PACE * PACED_SECS {
        let due = start + Duration::from_secs_f64(f64::from(n) / f64::from(PACE));
        tokio::time::sleep_until(due.into()).await;
        let work = call();
        running.push(tokio::spawn(async move {
            work.await;
            millis(due.elapsed())
        }));
    }
    let mut times = Vec::with_capacity(running.len());
    for task in running {
        times.push(task.await.unwrap());
    }
    times
}

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

fn middle(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn report(what: &str, times: &mut [f64]) {
    times.sort_by(f64::total_cmp);
    let at = |percent: usize| times[(times.len() - 1) * percent / 100];
    println!("  {what:<28} p50 {:.3}  p99 {:.3}", at(50), at(99));
}
