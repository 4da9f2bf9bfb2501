//! The calls of the Amazon Connect API that Tieline makes.
//!
//! AWS allows an account a number of calls a second in each of two classes, for all its instances
//! together: real-time metrics, and everything else. [`ConnectApi`] keeps its own calls within that
//! ([`Pace`]); what others in the account spend shows as throttling, which is waited out.
//!
//! Answers are read tolerantly: a member that is missing, null or of another type is nothing.
//!
//! Amazon Connect API Reference, `ListQueues`, `GetCurrentMetricData`, `GetContactAttributes`,
//! `DescribeContact`; Amazon Connect Administrator Guide, "Amazon Connect API throttling quotas"
//! (read 2026-11-21).

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use tieline_aws::{Aws, AwsCall, AwsError, Service};
use tokio::time::Instant;

use crate::wire::Members;

/// What one `GetCurrentMetricData` may be asked about.
pub const QUEUES_A_CALL: usize = 100;

/// One instance, as an API. Cheap to clone; clones share their pace.
#[derive(Debug, Clone)]
pub struct ConnectApi {
    aws: Aws,
    instance: Arc<str>,
    metrics: Arc<Pace>,
    others: Arc<Pace>,
}

/// A queue of the instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedQueue {
    pub id: String,
    pub arn: Option<String>,
    pub name: Option<String>,
}

/// What is happening in one queue now.
#[derive(Debug, Clone, PartialEq)]
pub struct QueueNow {
    pub queue: String,
    pub arn: Option<String>,
    /// By the API's names (`AGENTS_ONLINE`); a metric that cannot be computed is absent.
    pub metrics: BTreeMap<String, f64>,
}

/// One page of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Items that name nothing and so are of no use.
    pub nameless: usize,
    pub next: Option<String>,
}

/// A real-time metric and its unit.
pub type Metric = (&'static str, &'static str);

impl ConnectApi {
    /// `instance` is its id, not its ARN.
    pub fn new(aws: Aws, instance: &str) -> Self {
        Self {
            aws,
            instance: Arc::from(instance),
            metrics: Arc::new(Pace::new(5.0, 8.0)),
            others: Arc::new(Pace::new(2.0, 5.0)),
        }
    }

    /// The instance's id.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Standard queues, at most `size` (1 to 1000) of them. Agents' own queues are left out.
    pub async fn queues(&self, size: u32, token: Option<&str>) -> Result<Page<ListedQueue>, AwsError> {
        let path = AwsCall::path_segments(&["queues-summary", &self.instance])?;
        let mut call = AwsCall::new(Service::Connect, Method::GET, path)
            .query("queueTypes", "STANDARD")
            .query("maxResults", size.to_string())
            .repeatable();
        if let Some(token) = token {
            call = call.query("nextToken", token);
        }
        let answer = self.ask(&self.others, call).await?;
        Ok(page(&answer, "QueueSummaryList", |queue| {
            Some(ListedQueue {
                id: queue.text("Id")?.to_owned(),
                arn: queue.text("Arn").map(str::to_owned),
                name: queue.text("Name").map(str::to_owned),
            })
        }))
    }

    /// What is happening in `queues` (ids, at most [`QUEUES_A_CALL`]), at most `size` (1 to 100) of
    /// them a page. A queue about which AWS has nothing to say is not in the answer.
    pub async fn current_metrics(
        &self,
        queues: &[&str],
        metrics: &[Metric],
        size: u32,
        token: Option<&str>,
    ) -> Result<Page<QueueNow>, AwsError> {
        let path = AwsCall::path_segments(&["metrics", "current", &self.instance])?;
        let metrics: Vec<Value> =
            metrics.iter().map(|(name, unit)| json!({"Name": name, "Unit": unit})).collect();
        let mut body = json!({
            "Filters": {"Channels": ["VOICE", "CHAT", "TASK"], "Queues": queues},
            "Groupings": ["QUEUE"],
            "CurrentMetrics": metrics,
            "MaxResults": size,
        });
        if let Some(token) = token {
            body["NextToken"] = token.into();
        }
        let call = AwsCall::new(Service::Connect, Method::POST, path).body(body).repeatable();
        let answer = self.ask(&self.metrics, call).await?;
        Ok(page(&answer, "MetricResults", |result| {
            let queue = result.object("Dimensions")?.object("Queue")?;
            let metrics = result.list("Collections").iter().filter_map(|collection| {
                let collection = Members::of(collection)?;
                let name = collection.object("Metric")?.text("Name")?;
                Some((name.to_owned(), collection.get("Value")?.as_f64()?))
            });
            Some(QueueNow {
                queue: queue.text("Id")?.to_owned(),
                arn: queue.text("Arn").map(str::to_owned),
                metrics: metrics.collect(),
            })
        }))
    }

    /// The contact's attributes; `None` when the instance does not know the contact. `contact` is
    /// the first of its chain of transfers, whose attributes all of them share.
    pub async fn contact_attributes(
        &self,
        contact: &str,
    ) -> Result<Option<BTreeMap<String, String>>, AwsError> {
        let path = AwsCall::path_segments(&["contact", "attributes", &self.instance, contact])?;
        let call = AwsCall::new(Service::Connect, Method::GET, path).repeatable();
        let answer = known(self.ask(&self.others, call).await)?;
        Ok(answer.map(|answer| {
            let attributes = Members::of(&answer).and_then(|answer| answer.object("Attributes"));
            attributes.map_or_else(BTreeMap::new, |attributes| {
                attributes.texts().map(|(name, text)| (name.to_owned(), text)).collect()
            })
        }))
    }

    /// What the instance knows of a contact, as `DescribeContact` writes it (instants are epoch
    /// seconds); `None` when it does not know it.
    pub async fn contact(&self, contact: &str) -> Result<Option<Value>, AwsError> {
        let path = AwsCall::path_segments(&["contacts", &self.instance, contact])?;
        let call = AwsCall::new(Service::Connect, Method::GET, path).repeatable();
        let answer = known(self.ask(&self.others, call).await)?;
        match answer {
            None => Ok(None),
            Some(mut answer) => match answer.get_mut("Contact").map(Value::take) {
                Some(contact @ Value::Object(_)) => Ok(Some(contact)),
                _ => Err(AwsError::Malformed),
            },
        }
    }

    async fn ask(&self, pace: &Pace, call: AwsCall) -> Result<Value, AwsError> {
        pace.wait().await;
        self.aws.call(&call).await
    }
}

fn known(answer: Result<Value, AwsError>) -> Result<Option<Value>, AwsError> {
    match answer {
        Err(AwsError::Refused { code, .. }) if code == "ResourceNotFoundException" => Ok(None),
        answer => answer.map(Some),
    }
}

fn page<T>(answer: &Value, list: &str, read: impl Fn(Members<'_>) -> Option<T>) -> Page<T> {
    let Some(members) = Members::of(answer) else {
        return Page { items: Vec::new(), nameless: 0, next: None };
    };
    let listed = members.list(list);
    let items: Vec<T> = listed.iter().filter_map(|item| read(Members::of(item)?)).collect();
    Page { nameless: listed.len() - items.len(), items, next: members.text("NextToken").map(str::to_owned) }
}

/// A walk through pages: an answer that leads back to where one has been ends it.
#[derive(Debug, Default)]
pub struct Walk {
    token: Option<String>,
    seen: HashSet<String>,
}

/// Pages lead in a circle, or to no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the pages of an answer of AWS come to no end")]
pub struct Endless;

/// More than any instance has queues: 1,000 pages.
const PAGES: usize = 1_000;

impl Walk {
    /// What to ask the next page with; `None` before the first.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// Goes on to `next`; whether there is such a page.
    pub fn go_on(&mut self, next: Option<String>) -> Result<bool, Endless> {
        self.token = next;
        let Some(token) = &self.token else { return Ok(false) };
        if self.seen.len() >= PAGES || !self.seen.insert(token.clone()) {
            return Err(Endless);
        }
        Ok(true)
    }
}

/// A bucket of permissions that fills at a rate: so many at once, then so many a second.
#[derive(Debug)]
pub struct Pace {
    a_second: f64,
    burst: f64,
    state: Mutex<Option<(Instant, f64)>>,
}

impl Pace {
    fn new(a_second: f64, burst: f64) -> Self {
        Self { a_second, burst, state: Mutex::new(None) }
    }

    /// Returns when one more call may be made.
    async fn wait(&self) {
        let due = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let (at, left) = state.unwrap_or((now, self.burst));
            let filled =
                (left + now.saturating_duration_since(at).as_secs_f64() * self.a_second).min(self.burst);
            // Below nothing: those who wait have taken theirs already, each behind the other.
            *state = Some((now, filled - 1.0));
            (filled < 1.0).then(|| Duration::from_secs_f64((1.0 - filled) / self.a_second))
        };
        if let Some(due) = due {
            tokio::time::sleep(due).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_come_in_a_burst_and_then_at_their_rate() {
        let pace = Arc::new(Pace::new(2.0, 5.0));
        let begin = Instant::now();
        let all = (0..9).map(|_| {
            let pace = Arc::clone(&pace);
            async move {
                pace.wait().await;
                begin.elapsed()
            }
        });
        let waited: Vec<u128> =
            futures::future::join_all(all).await.into_iter().map(|waited| waited.as_millis()).collect();
        assert_eq!(waited[..5], [0; 5]);
        // tokio's timer is as fine as a millisecond.
        for (waited, due) in waited[5..].iter().zip([500, 1000, 1500, 2000]) {
            assert!((due..due + 3).contains(waited), "{waited} for {due}");
        }
    }

    #[test]
    fn pages_that_lead_in_a_circle_come_to_an_end() {
        let mut walk = Walk::default();
        assert_eq!(walk.go_on(Some("a".into())), Ok(true));
        assert_eq!(walk.token(), Some("a"));
        assert_eq!(walk.go_on(Some("b".into())), Ok(true));
        assert_eq!(walk.go_on(Some("a".into())), Err(Endless));
        assert_eq!(Walk::default().go_on(None), Ok(false));
        let mut endless = Walk::default();
        assert!((0..2000).any(|n| endless.go_on(Some(n.to_string())) == Err(Endless)));
    }

    #[test]
    fn an_answer_may_lack_anything() {
        let read = |answer: &Value| page(answer, "L", |item| item.text("Id").map(str::to_owned));
        assert_eq!(read(&json!({})), Page { items: vec![], nameless: 0, next: None });
        assert_eq!(read(&json!(7)), Page { items: vec![], nameless: 0, next: None });
        assert_eq!(
            read(&json!({"L": [{"Id": "a"}, {}, 7, {"Id": null}], "NextToken": "t"})),
            Page { items: vec!["a".to_owned()], nameless: 3, next: Some("t".into()) }
        );
    }
}
