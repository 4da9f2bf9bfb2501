//! What a run of ten steps costs: evaluating inputs, walking, and keeping the trace.
//!
//! `cargo bench -p tieline-flow` prints the median of many runs; the budget is 300 µs a run. The
//! harness is a loop, because the figure is compared with a budget and not with last week's.

#![allow(clippy::unwrap_used)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tieline_flow::{Answer, Document, Flow, Next, Run, Scope};

/// Ten steps, four of them effects, with references, a map and three expressions.
const TEN_STEPS: &str = r#"{
  "tieline_flow": 1, "id": "ten-steps", "name": "Ten steps",
  "on": { "source": "voice_contact", "event": "connected" },
  "start": "contact",
  "steps": {
    "contact": { "use": "contact.properties", "next": { "done": "number" } },
    "number": { "use": "contact.customer_number", "next": { "done": "national" } },
    "national": { "use": "phone.format", "with": { "number": "$.steps.number.e164" }, "next": { "done": "person" } },
    "person": { "use": "crm.find_person", "with": { "number": "$.steps.number.e164" }, "next": { "success": "record" } },
    "record": {
      "use": "crm.get_record",
      "with": { "object": "Contact", "id": "$.steps.person.id", "fields": "AccountId, Account.Name" },
      "next": { "success": "account" }
    },
    "account": {
      "use": "value.extract",
      "with": { "from": "$.steps.record.record", "path": "AccountId" },
      "next": { "done": "vip" }
    },
    "vip": {
      "use": "logic.is_truthy",
      "with": { "value": "=default(contact.attributes.tier, 'none') == 'gold' && steps.person.count == 1" },
      "next": { "true": "task", "false": "task" }
    },
    "task": {
      "use": "crm.create_task",
      "with": {
        "contact": "$.steps.contact.contact_id", "type": "Call", "who": "$.steps.person.id",
        "what": "$.steps.account.value", "subject1": "='Call of ' + steps.national.value",
        "fields": { "Description": "='From ' + default(steps.number.country, '?')", "Priority": "High" }
      },
      "next": { "success": "pop" }
    },
    "pop": { "use": "crm.pop_record", "with": { "record": "$.steps.task.id" }, "next": { "success": "note" } },
    "note": { "use": "log", "with": { "level": "debug", "message": "$.steps.task.id" } }
  }
}"#;

fn main() {
    let document = Document::from_json(TEN_STEPS.as_bytes()).unwrap();
    let flow = Arc::new(Flow::load(document.clone()).unwrap());
    assert_eq!(run(&flow), 10);
    report("load", 200, || {
        black_box(Flow::load(document.clone()).unwrap());
    });
    report("run of 10 steps with its trace", 5_000, || {
        black_box(run(&flow));
    });
}

fn run(flow: &Arc<Flow>) -> usize {
    let scope = Scope {
        event: json!({"source": "voice_contact", "event": "connected"}),
        contact: json!({
            "id": "c-42", "channel": "voice", "direction": "inbound", "queue": "Billing",
            "customer": "+12025550143", "attributes": {"tier": "gold", "language": "en", "caseNumber": "00001026"},
        }),
        region: Some("US".into()),
        ..Scope::default()
    };
    let mut run = Run::new(Arc::clone(flow), scope);
    let now = "2026-11-20T09:00:00Z".parse().unwrap();
    let mut next = run.next(now, None);
    while let Next::Perform(effect) = next {
        let outputs = match effect.op {
            "crm.find_person" => json!({"id": "003x", "count": 1}),
            "crm.get_record" => json!({"record": {"AccountId": "001x", "Account": {"Name": "Acme"}}}),
            "crm.create_task" => json!({"id": "00Tx"}),
            _ => Value::Object(Map::new()),
        };
        let Value::Object(outputs) = outputs else { unreachable!() };
        next = run.next(now, Some(Answer::Done(outputs)));
    }
    black_box(serde_json::to_string(run.trace()).unwrap());
    run.trace().len()
}

fn report(what: &str, times: usize, mut work: impl FnMut()) {
    let mut spans: Vec<Duration> = (0..times)
        .map(|_| {
            let begin = Instant::now();
            work();
            begin.elapsed()
        })
        .collect();
    spans.sort_unstable();
    println!("{what}: median {:?}, p99 {:?}", spans[times / 2], spans[times * 99 / 100]);
}
