//! What this program is when it is started as a contestant: jobs on standard input, one a line.

use std::io::BufRead as _;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tieline_core::FixedClock;
use tieline_lambda::{Environment, Functions};

/// Ours, driven as the reference is: by its handlers' names, without the platform between.
pub fn ours() {
    let functions = Functions::new(
        Environment::of_process(),
        Arc::new(FixedClock("2026-11-20T09:00:00Z".parse().unwrap())),
    );
    jobs(Value::to_string, &async |module: &str, event: &String| {
        let name =
            if module.starts_with("sf") { format!("{module}.lambda_handler") } else { module.to_owned() };
        let answer = functions.invoke_text(&name, event.as_bytes()).await;
        answer.unwrap_or_else(|error| panic!("{name}: {error}"))
    });
}

/// No function at all: reqwest making the requests that ours made, and reading the answers as JSON.
pub fn bare() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let environment = Environment::of_process();
    let host = environment.get("SF_HOST").unwrap();
    let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
    let request = |event: &Value| {
        let method: reqwest::Method = text(event, "method").parse().unwrap();
        let body = text(event, "body");
        (method, format!("{host}{}", text(event, "path_and_query")), body)
    };
    jobs(request, &async |_: &str, (method, url, body): &(reqwest::Method, String, String)| {
        let mut request = client.request(method.clone(), url).header("authorization", "Bearer T1");
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    });
}

/// Runs job after job; `prepare` is no part of what is timed.
fn jobs<T>(prepare: impl Fn(&Value) -> T, call: &impl AsyncFn(&str, &T) -> Value) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for line in std::io::stdin().lock().lines() {
        let job: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let module = job["module"].as_str().unwrap();
        let events: Vec<T> = job["events"].as_array().unwrap().iter().map(&prepare).collect();
        let mut last = Value::Null;
        let mut ms = Vec::with_capacity(events.len());
        for event in &events {
            let began = Instant::now();
            last = runtime.block_on(call(module, event));
            ms.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        println!("{}", json!({"ms": ms, "answer": last}));
    }
}
