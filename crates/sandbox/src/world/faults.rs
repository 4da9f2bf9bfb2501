use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Part, Problem};

/// What can be broken on request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Answers after `delay_ms`.
    Slow,
    /// Closes the connection without an answer.
    Refuse,
    /// Answers with `status` and the vendor's body.
    Status,
    /// Answers half of the JSON.
    Truncate,
    /// Does it, then closes the connection.
    CommitThenLose,
    /// Does it, then holds the answer until the fault is deleted.
    CommitThenHang,
    /// Rows answer `UNABLE_TO_LOCK_ROW`.
    Lock,
    /// Sends to Tieline twice.
    DeliverTwice,
    /// Sends to Tieline `delay_ms` later (a minute when absent).
    DeliverLate,
    /// Sends to Tieline behind the next delivery, or after `delay_ms` when none comes.
    DeliverShuffled,
    /// Does not send to Tieline; the delivery is kept and can be sent by hand.
    DeliverNever,
    /// The CCP page does not say its first `acknowledge`.
    NoAck,
    /// The CCP page leaves `synchronize` unanswered.
    DropAcks,
    /// The agent API method `method` fails with the exception `code`.
    ApiError,
    /// The agent API method `method` never answers.
    ApiSilent,
    /// The CCP page says `access_denied`.
    AccessDenied,
    /// The CCP page says `terminated`.
    Terminated,
    /// The Open CTI method `method` fails with `code`.
    OpenctiError,
    /// The Open CTI method `method` never calls back.
    OpenctiSilent,
}

impl FaultKind {
    /// Whether `part` can be broken in this way.
    pub fn applies_to(self, part: Part) -> bool {
        use FaultKind as K;
        match self {
            K::Slow | K::Refuse | K::Status | K::Truncate => part != Part::Tieline,
            K::CommitThenLose | K::CommitThenHang | K::Lock | K::OpenctiError | K::OpenctiSilent => {
                part == Part::Salesforce
            }
            K::DeliverTwice
            | K::DeliverLate
            | K::DeliverShuffled
            | K::DeliverNever
            | K::NoAck
            | K::DropAcks
            | K::ApiError
            | K::ApiSilent
            | K::AccessDenied
            | K::Terminated => part == Part::AmazonConnect,
        }
    }
}

/// Which requests a fault is for; an absent member matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultMatch {
    /// HTTP method, or the method of the page's API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Part of the path (or, for deliveries, the kind: `event` or `record`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// A contact's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// Body of `POST /sandbox/v1/faults`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FaultRequest {
    pub kind: FaultKind,
    #[serde(rename = "match", default)]
    pub matches: FaultMatch,
    /// How often; 0 is every time until the fault is deleted.
    #[serde(default = "once")]
    pub times: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// For `status`: 200 to 599.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// For the `…_error` kinds: short for `match.method`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// For the kinds that name an error: the vendor's code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

fn once() -> u32 {
    1
}

/// A fault that is set; kept, once used up, until it is deleted.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Fault {
    pub id: u64,
    pub kind: FaultKind,
    #[serde(rename = "match")]
    pub matches: FaultMatch,
    /// How often it still happens; `null` is every time.
    pub left: Option<u32>,
    /// How often it happened.
    pub taken: u32,
    pub delay_ms: Option<u64>,
    pub status: Option<u16>,
    pub code: Option<String>,
}

/// What is about to happen, to be compared with the faults.
#[derive(Debug, Clone, Copy, Default)]
pub struct Probe<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub contact: &'a str,
}

/// The faults of one part.
#[derive(Debug)]
pub struct Faults {
    part: Part,
    set: Mutex<Vec<Fault>>,
    /// The next id; also tells holders and pages that the list has changed.
    changed: watch::Sender<u64>,
}

impl Faults {
    pub fn new(part: Part) -> Self {
        Self { part, set: Mutex::new(Vec::new()), changed: watch::Sender::new(1) }
    }

    /// # Errors
    ///
    /// When the part has no such fault, or the status is none.
    pub fn add(&self, request: FaultRequest) -> Result<Fault, Problem> {
        if !request.kind.applies_to(self.part) {
            return Err(Problem::invalid(format!("{} has no such fault", self.part.name())));
        }
        if request.kind == FaultKind::Status && !request.status.is_some_and(|s| (200..600).contains(&s)) {
            return Err(Problem::invalid("`status` must be 200 to 599"));
        }
        let mut matches = request.matches;
        matches.method = matches.method.or(request.method);
        let mut fault = Fault {
            id: 0,
            kind: request.kind,
            matches,
            left: (request.times > 0).then_some(request.times),
            taken: 0,
            delay_ms: request.delay_ms,
            status: request.status,
            code: request.code,
        };
        let mut set = self.lock();
        fault.id = *self.changed.borrow();
        set.push(fault.clone());
        drop(set);
        self.changed.send_modify(|next| *next += 1);
        Ok(fault)
    }

    pub fn list(&self) -> Vec<Fault> {
        self.lock().clone()
    }

    /// Whether there was such a fault. Whoever waits in [`Faults::deleted`] goes on.
    pub fn delete(&self, id: u64) -> bool {
        let mut set = self.lock();
        let before = set.len();
        set.retain(|fault| fault.id != id);
        let found = set.len() < before;
        drop(set);
        self.changed.send_modify(|_| {});
        found
    }

    pub fn clear(&self) {
        self.lock().clear();
        self.changed.send_modify(|_| {});
    }

    /// The oldest fault of one of `kinds` that matches, used up by one.
    pub fn take(&self, kinds: &[FaultKind], probe: Probe<'_>) -> Option<Fault> {
        let mut set = self.lock();
        let fault = set.iter_mut().find(|fault| kinds.contains(&fault.kind) && fault.matches(probe))?;
        fault.left = fault.left.map(|left| left - 1);
        fault.taken += 1;
        Some(fault.clone())
    }

    /// As [`Faults::take`], leaving the fault as it is.
    pub fn peek(&self, kinds: &[FaultKind], probe: Probe<'_>) -> Option<Fault> {
        self.lock().iter().find(|fault| kinds.contains(&fault.kind) && fault.matches(probe)).cloned()
    }

    /// Returns when the fault is no longer set.
    pub async fn deleted(&self, id: u64) {
        let mut changed = self.changed.subscribe();
        // The sender lives as long as `self`, so an error cannot come.
        let _ = changed.wait_for(|_| !self.lock().iter().any(|fault| fault.id == id)).await;
    }

    /// Tells when faults were set or deleted.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Fault>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fault {
    fn matches(&self, probe: Probe<'_>) -> bool {
        let FaultMatch { method, path, contact } = &self.matches;
        self.left != Some(0)
            && method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(probe.method))
            && path.as_deref().is_none_or(|path| probe.path.contains(path))
            && contact.as_deref().is_none_or(|contact| contact == probe.contact)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> FaultRequest {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_fault_happens_as_often_as_asked_and_only_where_it_matches() {
        let faults = Faults::new(Part::Salesforce);
        faults
            .add(request(r#"{"kind": "status", "status": 503, "match": {"path": "/query"}, "times": 2}"#))
            .unwrap();
        let query = Probe { method: "GET", path: "/services/data/v62.0/query", contact: "" };

        assert!(faults.take(&[FaultKind::Status], Probe { path: "/limits", ..query }).is_none());
        assert!(faults.take(&[FaultKind::Slow], query).is_none());
        assert!(faults.take(&[FaultKind::Status], query).is_some());
        assert!(faults.take(&[FaultKind::Status], query).is_some());
        assert!(faults.take(&[FaultKind::Status], query).is_none());
        assert_eq!(faults.list()[0].taken, 2);
    }

    #[test]
    fn a_fault_of_another_part_is_refused() {
        let refused = Faults::new(Part::Salesforce).add(request(r#"{"kind": "deliver_twice"}"#));

        assert_eq!(refused.unwrap_err().status, 422);
    }

    #[tokio::test]
    async fn whoever_waits_for_a_fault_to_go_is_told() {
        let faults = std::sync::Arc::new(Faults::new(Part::Salesforce));
        let fault = faults.add(request(r#"{"kind": "commit_then_hang"}"#)).unwrap();
        let waiting = {
            let f = faults.clone();
            tokio::spawn(async move { f.deleted(fault.id).await })
        };
        tokio::task::yield_now().await;

        assert!(faults.delete(fault.id));

        waiting.await.unwrap();
    }
}
