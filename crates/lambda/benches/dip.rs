//! A dip in-process beside a bare HTTP client making the same exchange.
//!
//! Both ask the same stand-in, which answers at once, by turns in one run, so that whatever else
//! the machine does falls on both. Run with `cargo bench -p tieline-lambda`.
#![allow(clippy::unwrap_used)]

#[path = "../../connectors/salesforce/tests/stand_in/mod.rs"]
mod stand_in;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stand_in::{Reply, StandIn};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions};

const ROUNDS: usize = 20;
const CALLS: usize = 200;
const AT_ONCE: usize = 16;

fn main() {
    rustls::crypto::ring::default_provider().install_default().unwrap();
    // The stand-in has a runtime and threads of its own, so that it is not what is measured.
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let stand_in = server.block_on(StandIn::quiet(|request| {
        if request.header("x-amz-target").is_some() {
            let secret = json!({"ConsumerKey": "ck", "ConsumerSecret": "cs", "Password": "pw", "AuthToken": "T1"});
            return Reply::Json(200, json!({"SecretString": secret.to_string()}));
        }
        Reply::Json(
            200,
            json!({"totalSize": 1, "done": true, "records": [
                {"attributes": {"type": "Contact", "url": "/x"}, "Id": "003000000000001AAA", "Name": "Anna Keller"}]}),
        )
    }));
    let client = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    client.block_on(compare(&stand_in));
}

async fn compare(stand_in: &StandIn) {
    let url = stand_in.url();
    let environment: Environment = [
        ("SF_HOST", url.as_str()),
        ("SF_VERSION", "v62.0"),
        ("SF_USERNAME", "api@example.com"),
        ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "sf"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", url.as_str()),
        ("AWS_ACCESS_KEY_ID", "dummy"),
        ("AWS_SECRET_ACCESS_KEY", "dummy"),
    ]
    .into_iter()
    .collect();
    let now = "2026-11-20T09:00:00Z".parse().unwrap();
    let functions = Arc::new(Functions::new(environment, Arc::new(FixedClock(now))));
    let event = Arc::new(json!({"Details": {"Parameters": {"sf_operation": "lookup", "sf_object": "Contact",
        "sf_fields": "Id, Name", "LastName": "O'Neil"}}}));
    let bare = reqwest::Client::builder().no_proxy().build().unwrap();
    let query = url.join("/services/data/v62.0/query").unwrap();

    let dip = || {
        let (functions, event) = (Arc::clone(&functions), Arc::clone(&event));
        async move {
            let answer = functions.invoke("dip", &event).await.unwrap();
            assert_eq!(answer["sf_count"], "1");
        }
    };
    let reqwest = || {
        let (bare, query) = (bare.clone(), query.clone());
        async move {
            let answer: Value = bare
                .get(query)
                .query(&[("q", r"SELECT Id, Name FROM Contact WHERE LastName = 'O\'Neil'")])
                .header("authorization", "Bearer T1")
                .send()
                .await
                .unwrap()
                .json()
                .await
                .unwrap();
            assert_eq!(answer["totalSize"], 1);
        }
    };

    let start = Instant::now();
    dip().await;
    println!("first dip, secret and connection included: {:.2} ms", millis(start.elapsed()));
    reqwest().await;

    let (mut dips, mut bares) = (Vec::new(), Vec::new());
    let (mut dip_rate, mut bare_rate) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        one_by_one(&dip, &mut dips).await;
        one_by_one(&reqwest, &mut bares).await;
        dip_rate.push(many_at_once(&dip).await);
        bare_rate.push(many_at_once(&reqwest).await);
    }
    let (dip_p50, dip_p99) = percentiles(&mut dips);
    let (bare_p50, bare_p99) = percentiles(&mut bares);
    println!("one at a time, {} calls each", ROUNDS * CALLS);
    println!("  dip           p50 {dip_p50:.3} ms  p99 {dip_p99:.3} ms");
    println!("  bare reqwest  p50 {bare_p50:.3} ms  p99 {bare_p99:.3} ms");
    println!("  own time of a dip, p50: {:.3} ms", dip_p50 - bare_p50);
    let (dip_rate, bare_rate) = (median(&mut dip_rate), median(&mut bare_rate));
    println!("{AT_ONCE} at once, median of {ROUNDS} rounds");
    println!("  dip           {dip_rate:.0} calls/s");
    println!("  bare reqwest  {bare_rate:.0} calls/s");
    println!("  dip / bare reqwest: {:.2}", dip_rate / bare_rate);
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

fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1000.0
}

fn percentiles(times: &mut [f64]) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    (times[times.len() / 2], times[times.len() * 99 / 100])
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
