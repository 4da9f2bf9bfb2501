//! What follows from a change: deliveries, and what pages are told.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

#[derive(Debug)]
pub enum Payload {
    /// With the event's type.
    Event(&'static str, Value),
    Record(Value),
}

/// Something to send to Tieline.
#[derive(Debug)]
pub struct Outgoing {
    pub contact: String,
    pub at: Timestamp,
    pub payload: Payload,
}

/// A file that somebody else's service writes into a bucket.
#[derive(Debug)]
pub struct NewFile {
    pub bucket: String,
    pub key: String,
    pub text: String,
    pub at: Timestamp,
}

/// Something to say to all pages of an agent, besides the agent's new snapshot.
#[derive(Debug)]
pub struct Said {
    pub agent: String,
    pub event: String,
    pub data: Value,
}

#[derive(Debug, Default)]
pub struct News {
    pub outgoing: Vec<Outgoing>,
    pub files: Vec<NewFile>,
    pub said: Vec<Said>,
    /// Agents whose snapshot is different now.
    pub agents: BTreeSet<String>,
}
