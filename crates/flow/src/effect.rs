use std::time::Duration;

use serde::Serialize;
use serde_json::Value;
use tieline_core::JsonMap;

use crate::{Place, Rights};

/// What a run knows when it starts: the roots of its references.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// `{source, event, …}` of what happened.
    pub event: Value,
    /// What came with the event: `{number, recordId, …}` of a click.
    pub payload: Value,
    /// The contact's snapshot: `{id, channel, state, direction, customer, queue, attributes, …}`.
    /// The run adds what it reads from `customer`: `e164`, `national`, `country`, `withheld`.
    pub contact: Value,
    /// `{id, name, login, …}`.
    pub agent: Value,
    /// The agent's property store.
    pub properties: Value,
    /// The workspace's default country (`US`) for numbers without `+`.
    pub region: Option<String>,
}

/// Something to be done outside; the run waits for its [`Answer`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// The step's id in the document.
    pub step: String,
    /// The catalog's name, for example `crm.search_and_pop`.
    pub op: &'static str,
    pub place: Place,
    pub rights: Rights,
    /// Evaluated and checked; what is absent is left out.
    pub args: JsonMap,
    /// Must not be performed twice: after a doubt the answer is a failure, never a second try.
    pub once: bool,
    /// From being issued to being answered.
    #[serde(skip)]
    pub deadline: Duration,
}

impl Effect {
    /// The name without its thing, as commands to a page write it: `search_and_pop`.
    pub fn command(&self) -> &'static str {
        self.op.rsplit('.').next().unwrap_or(self.op)
    }
}

/// What came of an [`Effect`].
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Done; the step's outputs by the names of the catalog.
    Done(JsonMap),
    /// Not done (refused, late, or wrong): the step takes its failure branch.
    Failed { code: String, detail: String },
}

/// What the caller of a run does next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Perform this and come back with the answer.
    Perform(Effect),
    Finished(Ended),
}

/// How a run came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "how")]
pub enum Ended {
    Completed,
    /// A step failed and its failure branch leads nowhere.
    Failed {
        step: String,
        code: String,
        detail: String,
    },
    /// More steps than a run may have; see [`crate::STEP_LIMIT`].
    StepLimit,
    /// The caller stopped it: its 60 seconds were over, the contact is gone, the server stops.
    Stopped {
        code: String,
        detail: String,
    },
}
