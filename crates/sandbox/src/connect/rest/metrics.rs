//! `GetCurrentMetricData`: the center as it stands, counted.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Exception;
use super::page::Pager;
use crate::connect::call::Phase;
use crate::connect::center::{Agent, Center};
use crate::connect::instance::Named;

const METRICS: [(&str, &str); 14] = [
    ("AGENTS_ONLINE", "COUNT"),
    ("AGENTS_AVAILABLE", "COUNT"),
    ("AGENTS_ON_CALL", "COUNT"),
    ("AGENTS_ON_CONTACT", "COUNT"),
    ("AGENTS_STAFFED", "COUNT"),
    ("AGENTS_AFTER_CONTACT_WORK", "COUNT"),
    ("AGENTS_NON_PRODUCTIVE", "COUNT"),
    ("AGENTS_ERROR", "COUNT"),
    ("CONTACTS_IN_QUEUE", "COUNT"),
    ("CONTACTS_SCHEDULED", "COUNT"),
    ("OLDEST_CONTACT_AGE", "SECONDS"),
    ("SLOTS_ACTIVE", "COUNT"),
    ("SLOTS_AVAILABLE", "COUNT"),
    ("ESTIMATED_WAIT_TIME", "SECONDS"),
];

/// The answer to a request. A queue about which there is nothing to say is not in it.
///
/// # Errors
///
/// When the request asks what the API, or this sandbox, does not have.
pub fn current(center: &Center, request: &Value, now: Timestamp) -> Result<Value, Exception> {
    let queues = queues(center, &request["Filters"]["Queues"])?;
    let wanted = wanted(&request["CurrentMetrics"])?;
    let groupings = texts(&request["Groupings"]);
    let channels = texts(&request["Filters"]["Channels"]);
    let voice = channels.is_empty() || channels.contains(&"VOICE");
    let size = match &request["MaxResults"] {
        Value::Null => None,
        size => Some(
            size.as_u64()
                .and_then(|size| usize::try_from(size).ok())
                .ok_or_else(|| Exception::parameter("MaxResults is no number"))?,
        ),
    };
    let asked = [&request["Filters"], &request["Groupings"], &request["CurrentMetrics"]];
    let pager = Pager::new(size, 100, request["NextToken"].as_str(), &json!(asked).to_string(), now)?;

    let results: Vec<Value> = match groupings[..] {
        [] => {
            // Without groupings, ages are in milliseconds although the unit says seconds.
            let counts = Counts::of(center, &queues, now, 1000);
            vec![json!({"Collections": counts.collections(&wanted)})]
        }
        ["QUEUE"] | ["QUEUE", "CHANNEL"] if voice => queues
            .iter()
            .map(|queue| (queue, Counts::of(center, std::slice::from_ref(queue), now, 1)))
            .filter(|(_, counts)| counts.any())
            .map(|(queue, counts)| {
                let arn = center.instance.child("queue", &queue.id);
                let mut dimensions = json!({"Queue": {"Id": queue.id, "Arn": arn}});
                if groupings.len() == 2 {
                    dimensions["Channel"] = "VOICE".into();
                }
                json!({"Dimensions": dimensions, "Collections": counts.collections(&wanted)})
            })
            .collect(),
        // Nobody waits in a channel that does not exist here.
        ["QUEUE"] | ["QUEUE", "CHANNEL"] => Vec::new(),
        _ => return Err(Exception::parameter("this instance groups by QUEUE, or QUEUE and CHANNEL")),
    };
    let mut answer = pager.answer("MetricResults", results);
    answer["DataSnapshotTime"] = super::epoch(now).into();
    Ok(answer)
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// Those asked for, by id or ARN.
fn queues<'a>(center: &'a Center, asked: &Value) -> Result<Vec<&'a Named>, Exception> {
    let asked = texts(asked);
    if asked.is_empty() || asked.len() > 100 {
        return Err(Exception::parameter("Filters.Queues must name 1 to 100 queues"));
    }
    let instance = &center.instance;
    let known = |id: &str| {
        instance.queues.iter().find(|queue| queue.id == id || instance.child("queue", &queue.id) == id)
    };
    asked
        .into_iter()
        .map(|id| known(id).ok_or_else(|| Exception::not_found("A queue of the filter does not exist")))
        .collect()
}

fn wanted(asked: &Value) -> Result<Vec<(&'static str, &'static str)>, Exception> {
    let asked = asked.as_array().filter(|asked| !asked.is_empty());
    let asked = asked.ok_or_else(|| Exception::parameter("CurrentMetrics is missing"))?;
    asked
        .iter()
        .map(|metric| {
            let name = metric["Name"].as_str().unwrap_or_default();
            METRICS
                .iter()
                .copied()
                .find(|(known, unit)| *known == name && metric["Unit"].as_str().is_none_or(|u| u == *unit))
                .ok_or_else(|| Exception::parameter(format!("there is no metric {name} of this unit")))
        })
        .collect()
}

/// What is counted for some queues. Every agent serves all of them.
#[derive(Debug, Default)]
struct Counts {
    online: u64,
    available: u64,
    on_contact: u64,
    after_contact_work: u64,
    non_productive: u64,
    error: u64,
    in_queue: u64,
    oldest: u64,
}

impl Counts {
    fn of(center: &Center, queues: &[&Named], now: Timestamp, age_factor: u64) -> Self {
        let mut counts = Self::default();
        for agent in center.agents.values() {
            counts.add(center, agent);
        }
        let waiting = center.calls.values().filter(|call| {
            matches!(call.phase, Phase::Queued | Phase::Ringing)
                && call.queue.as_ref().is_some_and(|queue| queues.iter().any(|asked| asked.id == queue.id))
        });
        for queued in waiting.filter_map(|call| call.queued) {
            counts.in_queue += 1;
            let age = u64::try_from(now.duration_since(queued).as_secs()).unwrap_or(0) * age_factor;
            counts.oldest = counts.oldest.max(age);
        }
        counts
    }

    fn add(&mut self, center: &Center, agent: &Agent) {
        let kind = center.instance.state(agent.chosen).map_or("offline", |state| state.kind);
        let phase = center.live_call(&agent.login).map(|call| call.phase);
        let busy = matches!(phase, Some(Phase::Dialing | Phase::Talking | Phase::Wrapping));
        if kind == "offline" && !busy {
            return;
        }
        self.online += 1;
        self.on_contact += u64::from(busy);
        self.after_contact_work += u64::from(phase == Some(Phase::Wrapping));
        let error = agent.not_taken.is_some() || phase == Some(Phase::Failed);
        self.error += u64::from(error);
        if kind == "not_routable" && !busy {
            self.non_productive += 1;
        } else if kind == "routable" && phase.is_none() && !error {
            self.available += 1;
        }
    }

    fn any(&self) -> bool {
        self.online + self.in_queue > 0
    }

    fn value(&self, metric: &str) -> Value {
        match metric {
            "AGENTS_ONLINE" => self.online.into(),
            "AGENTS_AVAILABLE" | "SLOTS_AVAILABLE" => self.available.into(),
            "AGENTS_ON_CALL" | "AGENTS_ON_CONTACT" | "SLOTS_ACTIVE" => self.on_contact.into(),
            "AGENTS_STAFFED" => (self.online - self.non_productive).into(),
            "AGENTS_AFTER_CONTACT_WORK" => self.after_contact_work.into(),
            "AGENTS_NON_PRODUCTIVE" => self.non_productive.into(),
            "AGENTS_ERROR" => self.error.into(),
            "CONTACTS_IN_QUEUE" => self.in_queue.into(),
            "OLDEST_CONTACT_AGE" => self.oldest.into(),
            "CONTACTS_SCHEDULED" => 0.into(),
            // Not computed here: the API's word for that is null.
            _ => Value::Null,
        }
    }

    fn collections(&self, wanted: &[(&str, &str)]) -> Vec<Value> {
        let collection = |(name, unit): &(&str, &str)| {
            // Numbers are doubles in this API.
            let value = self.value(name).as_f64().map_or(Value::Null, Value::from);
            json!({"Metric": {"Name": name, "Unit": unit}, "Value": value})
        };
        wanted.iter().map(collection).collect()
    }
}
