//! What goes to Tieline, in the two forms AWS sends it: contact events one by one as an
//! EventBridge API destination, contact records as a Firehose HTTP endpoint. Everything
//! is kept, so that it can be looked at and sent again.
//!
//! Waiting is on the sandbox's clock, time-outs of a request on the machine's.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tieline_core::Clock;
use tokio::sync::Notify;
use url::Url;

use super::center::{Outgoing, Payload};
use crate::world::{Fault, FaultKind, Ids, Part, Probe, World, stable_bytes};

/// Where Tieline takes deliveries, and the keys it knows the senders by.
#[derive(Debug, Clone)]
pub struct DeliverTo {
    /// For example `http://127.0.0.1:8430/v1/connections/connect/deliveries`.
    pub url: Url,
    pub eventbridge_key: String,
    pub firehose_key: String,
    /// Firehose compresses its requests.
    pub gzip: bool,
}

impl DeliverTo {
    /// With the keys of `sandbox.md` §2.
    pub fn sandbox(url: Url) -> Self {
        Self {
            url,
            eventbridge_key: "sandbox-eventbridge-key".to_owned(),
            firehose_key: "sandbox-firehose-key".to_owned(),
            gzip: false,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Event,
    Record,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Will be sent (again) at `next`.
    Waiting,
    Sending,
    Delivered,
    /// Given up: the answer was one that is not retried, or the time for retries is over.
    Failed,
    /// Never sent: a fault, or nobody to send to.
    Kept,
}

/// One thing sent, or to be sent, to Tieline.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    pub id: u64,
    /// When it happened.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub kind: Kind,
    /// The event's type, for example `INITIATED` or `Object Created`; absent for contact records.
    #[serde(rename = "eventType", skip_serializing_if = "Option::is_none")]
    pub event_type: Option<&'static str>,
    #[serde(rename = "contactId")]
    pub contact: String,
    pub status: Status,
    pub attempts: u32,
    /// HTTP status of the newest answer; `null` when there was none.
    pub answered: Option<u16>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next: Option<Timestamp>,
    /// The event or contact record itself.
    pub body: Value,
    #[serde(skip)]
    request_id: String,
}

pub struct Deliveries {
    world: World,
    to: Option<DeliverTo>,
    http: reqwest::Client,
    log: Mutex<Log>,
    changed: Notify,
}

struct Log {
    all: Vec<Delivery>,
    /// Ids waiting behind the next delivery (`deliver_shuffled`).
    shuffled: Vec<u64>,
    request_ids: Ids,
    generation: u64,
}

impl Log {
    fn new(seed: u64, generation: u64) -> Self {
        Self {
            all: Vec::new(),
            shuffled: Vec::new(),
            request_ids: Ids::new(seed, "connect/request"),
            generation,
        }
    }

    fn get(&mut self, id: u64) -> Option<&mut Delivery> {
        self.all.get_mut(usize::try_from(id).ok()?.checked_sub(1)?)
    }
}

impl Deliveries {
    pub fn new(world: &World, to: Option<DeliverTo>) -> Arc<Self> {
        // Another part of the process may have chosen already; it is the same provider.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        if let Some(host) =
            to.as_ref().and_then(|to| to.url.host_str()).filter(|host| host.ends_with(".localhost"))
        {
            // RFC 6761: these names are loopback, which most resolvers do not know.
            http = http.resolve(host, ([127, 0, 0, 1], 0).into());
        }
        let http = http.build().expect("the client's settings are constant and valid");
        let log = Mutex::new(Log::new(world.seed(), 0));
        Arc::new(Self { world: world.clone(), to, http, log, changed: Notify::new() })
    }

    pub fn list(&self) -> Vec<Delivery> {
        self.lock().all.clone()
    }

    pub fn clear(&self, seed: u64) {
        let mut log = self.lock();
        *log = Log::new(seed, log.generation + 1);
    }

    /// Takes what happened and plans its sending, as the faults that are set want it.
    pub fn add(&self, outgoing: Outgoing) {
        let (kind, event_type, body) = match outgoing.payload {
            Payload::Event(kind, body) => (Kind::Event, Some(kind), body),
            Payload::Record(body) => (Kind::Record, None, body),
        };
        let fault = self.fault(kind, &outgoing.contact);
        let fault_kind = fault.as_ref().map(|fault| fault.kind);
        let late = |otherwise: u64| {
            Duration::from_millis(fault.as_ref().and_then(|fault| fault.delay_ms).unwrap_or(otherwise))
        };
        let next = match fault_kind {
            _ if self.to.is_none() => None,
            Some(FaultKind::DeliverNever) => None,
            Some(FaultKind::DeliverLate) => Some(outgoing.at + late(60_000)),
            Some(FaultKind::DeliverShuffled) => Some(outgoing.at + late(5_000)),
            _ => Some(outgoing.at),
        };
        let mut log = self.lock();
        let delivery = Delivery {
            id: 0,
            at: outgoing.at,
            kind,
            event_type,
            contact: outgoing.contact,
            status: if next.is_some() { Status::Waiting } else { Status::Kept },
            attempts: 0,
            answered: None,
            next,
            body,
            request_id: log.request_ids.next(outgoing.at).to_string(),
        };
        let behind = std::mem::take(&mut log.shuffled);
        let times = if fault_kind == Some(FaultKind::DeliverTwice) { 2 } else { 1 };
        for _ in 0..times {
            let id = log.all.len() as u64 + 1;
            log.all.push(Delivery { id, ..delivery.clone() });
            if fault_kind == Some(FaultKind::DeliverShuffled) && next.is_some() {
                log.shuffled.push(id);
            }
        }
        for id in behind {
            // A millisecond later is enough: one contact's deliveries leave in the order of `next`.
            if let Some(held) = log.get(id).filter(|held| held.status == Status::Waiting) {
                held.next = Some(outgoing.at + Duration::from_millis(1));
            }
        }
        drop(log);
        self.changed.notify_one();
    }

    fn fault(&self, kind: Kind, contact: &str) -> Option<Fault> {
        use FaultKind::{DeliverLate, DeliverNever, DeliverShuffled, DeliverTwice};
        let path = if kind == Kind::Event { "event" } else { "record" };
        let probe = Probe { method: "POST", path, contact };
        self.world
            .faults(Part::AmazonConnect)
            .take(&[DeliverTwice, DeliverLate, DeliverShuffled, DeliverNever], probe)
    }

    /// Sends one once more, whatever became of it. `None` when there is no such delivery.
    pub fn again(&self, id: u64) -> Option<Delivery> {
        let now = self.world.now();
        let mut log = self.lock();
        let delivery = log.get(id)?;
        if delivery.status != Status::Sending && self.to.is_some() {
            delivery.status = Status::Waiting;
            delivery.next = Some(now);
        }
        let delivery = delivery.clone();
        drop(log);
        self.changed.notify_one();
        Some(delivery)
    }

    /// Sends what is due until the process ends.
    pub async fn run(self: Arc<Self>) {
        loop {
            let now = self.world.now();
            for (generation, ids) in self.take_due(now) {
                let this = Arc::clone(&self);
                tokio::spawn(async move { this.send_in_order(generation, ids).await });
            }
            let next = self.next_due();
            let due = async {
                match next {
                    Some(next) => self.world.clock().sleep_until(next).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.changed.notified() => {}
            }
        }
    }

    /// When to look again. A contact whose deliveries are under way is left out: it says so itself
    /// when they are through, and its next one may be due already.
    fn next_due(&self) -> Option<Timestamp> {
        let log = self.lock();
        let busy: Vec<&str> =
            log.all.iter().filter(|d| d.status == Status::Sending).map(|d| d.contact.as_str()).collect();
        let waiting = log.all.iter().filter(|d| d.status == Status::Waiting);
        waiting.filter(|d| !busy.contains(&d.contact.as_str())).filter_map(|d| d.next).min()
    }

    /// Marks what is due as being sent: one list per contact, in the order of `next`.
    fn take_due(&self, now: Timestamp) -> Vec<(u64, Vec<u64>)> {
        let mut log = self.lock();
        let generation = log.generation;
        // A contact whose deliveries are under way keeps its order: the rest waits for them.
        let busy: Vec<String> =
            log.all.iter().filter(|d| d.status == Status::Sending).map(|d| d.contact.clone()).collect();
        let mut due: BTreeMap<String, Vec<(Timestamp, u64)>> = BTreeMap::new();
        for delivery in &mut log.all {
            let Some(next) = delivery.next.filter(|next| *next <= now) else { continue };
            if delivery.status == Status::Waiting && !busy.contains(&delivery.contact) {
                delivery.status = Status::Sending;
                due.entry(delivery.contact.clone()).or_default().push((next, delivery.id));
            }
        }
        let in_order = |mut list: Vec<(Timestamp, u64)>| {
            list.sort_unstable();
            (generation, list.into_iter().map(|(_, id)| id).collect())
        };
        due.into_values().map(in_order).collect()
    }

    async fn send_in_order(&self, generation: u64, ids: Vec<u64>) {
        for id in ids {
            let delivery = self.lock().get(id).cloned();
            let (Some(delivery), Some(to)) = (delivery, &self.to) else { continue };
            let outcome = self.send(to, &delivery).await;
            let now = self.world.now();
            let mut log = self.lock();
            if log.generation != generation {
                return;
            }
            if let Some(delivery) = log.get(id) {
                delivery.settle(outcome, now);
            }
        }
        // Releases whatever of this contact became due meanwhile.
        self.changed.notify_one();
    }

    async fn send(&self, to: &DeliverTo, delivery: &Delivery) -> Outcome {
        let request = match delivery.kind {
            Kind::Event => self
                .http
                .post(to.url.clone())
                .timeout(Duration::from_secs(5))
                .header("Content-Type", "application/json; charset=utf-8")
                .header("User-Agent", "Amazon/EventBridge/ApiDestinations")
                .header("Accept-Encoding", "gzip,deflate")
                .header("Range", "bytes=0-1048575")
                .header("x-tieline-key", &to.eventbridge_key)
                .body(delivery.body.to_string()),
            Kind::Record => self.firehose(to, delivery),
        };
        let Ok(response) = request.send().await else { return Outcome::Unreached };
        let status = response.status().as_u16();
        let after = response.headers().get("Retry-After").and_then(|v| v.to_str().ok()?.parse::<i64>().ok());
        match delivery.kind {
            Kind::Event if response.status().is_success() => Outcome::Done(status),
            Kind::Event
                if matches!(status, 401 | 407 | 409 | 429 | 500..)
                    && after.is_none_or(|after| after >= 0) =>
            {
                let after = after.and_then(|after| u64::try_from(after).ok()).map(Duration::from_secs);
                Outcome::Again(status, after)
            }
            Kind::Event => Outcome::GivenUp(status),
            Kind::Record if status == 413 => Outcome::GivenUp(status),
            Kind::Record if status == 200 && acknowledged(response, &delivery.request_id).await => {
                Outcome::Done(200)
            }
            // An answer that breaks the protocol counts as 500.
            Kind::Record => Outcome::Again(if status == 200 { 500 } else { status }, None),
        }
    }

    fn firehose(&self, to: &DeliverTo, delivery: &Delivery) -> reqwest::RequestBuilder {
        let body = json!({
            "requestId": delivery.request_id,
            "timestamp": self.world.now().as_millisecond(),
            "records": [{"data": STANDARD.encode(delivery.body.to_string())}],
        })
        .to_string();
        let request = self
            .http
            .post(to.url.clone())
            .timeout(Duration::from_secs(180))
            .header("Content-Type", "application/json")
            .header("X-Amz-Firehose-Protocol-Version", "1.0")
            .header("X-Amz-Firehose-Request-Id", &delivery.request_id)
            .header(
                "X-Amz-Firehose-Source-Arn",
                "arn:aws:firehose:us-east-1:111122223333:deliverystream/contact-records",
            )
            .header("X-Amz-Firehose-Access-Key", &to.firehose_key);
        if !to.gzip {
            return request.body(body);
        }
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(body.as_bytes()).expect("writing to memory cannot fail");
        request
            .header("Content-Encoding", "gzip")
            .body(packed.finish().expect("writing to memory cannot fail"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Firehose's rules for a good answer: JSON that repeats the request's id, not encoded.
async fn acknowledged(response: reqwest::Response, request_id: &str) -> bool {
    let encoded = response.headers().contains_key("Content-Encoding");
    let kind = response.headers().get("Content-Type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let json_kind = kind.starts_with("application/json");
    let body: Value = response.json().await.unwrap_or_default();
    let timed = body["timestamp"].is_i64() || body["timestamp"].is_u64();
    json_kind && !encoded && timed && body["requestId"] == request_id
}

#[derive(Clone, Copy)]
enum Outcome {
    Done(u16),
    /// With the wait the receiver asked for.
    Again(u16, Option<Duration>),
    GivenUp(u16),
    Unreached,
}

impl Delivery {
    fn settle(&mut self, outcome: Outcome, now: Timestamp) {
        self.attempts += 1;
        self.next = None;
        let (answered, asked) = match outcome {
            Outcome::Done(status) => {
                self.answered = Some(status);
                self.status = Status::Delivered;
                return;
            }
            Outcome::GivenUp(status) => {
                self.answered = Some(status);
                self.status = Status::Failed;
                return;
            }
            Outcome::Again(status, asked) => (Some(status), asked),
            Outcome::Unreached => (None, None),
        };
        self.answered = answered;
        let (tries, window) = match self.kind {
            Kind::Event => (185, Duration::from_secs(24 * 3600)),
            // The longest Firehose can be set to; afterwards the batch goes to its backup bucket.
            Kind::Record => (u32::MAX, Duration::from_secs(7200)),
        };
        if self.attempts > tries || now > self.at + window {
            self.status = Status::Failed;
            return;
        }
        self.status = Status::Waiting;
        self.next = Some(now + asked.unwrap_or_default().max(self.backoff()));
    }

    /// 1 s × 2ⁿ up to two minutes, ±15 %, the same on every run.
    fn backoff(&self) -> Duration {
        let base = 1_000_u64 << (self.attempts - 1).min(7);
        let chance = stable_bytes(u64::from(self.attempts), &self.request_id)[0];
        Duration::from_millis(base.min(120_000) * (85 + u64::from(chance) * 30 / 255) / 100)
    }
}
