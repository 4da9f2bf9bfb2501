//! Who did what: see [`AuditStore`].

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use tieline_core::{WorkspaceName, hex};

use crate::StoreError;

/// Something that somebody did and that must not be deniable later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    pub workspace: WorkspaceName,
    pub at: Timestamp,
    /// `key:<name>` or `agent:<id>`.
    pub actor: String,
    /// `recording.play`.
    pub action: &'static str,
    /// What it was done to, for example a contact.
    pub subject: String,
    /// More of it; never a secret, an address or a number.
    pub detail: String,
}

/// How the log stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditCheck {
    /// Rows that hold together, from the first one on.
    pub rows: u64,
    /// Hash of the last of them: noted elsewhere, it shows later whether the end was cut off.
    pub head: String,
    /// The first row that was changed, or follows one that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub broken_at: Option<u64>,
}

/// A log to which rows are only added, each chained to the one before by its hash.
#[async_trait]
pub trait AuditStore: Send + Sync + 'static {
    /// Adds a row; returns when it is on disk, with its number.
    async fn audit(&self, entry: AuditEntry) -> Result<u64, StoreError>;

    /// Reads the whole log and checks every hash.
    async fn check_audit(&self) -> Result<AuditCheck, StoreError>;
}

/// The hash of a row: over the one before it and all of its own members.
pub(crate) fn chained(before: &str, seq: i64, at_ms: i64, members: [&str; 5]) -> String {
    let [workspace, actor, action, subject, detail] = members;
    let row = json!([before, seq, at_ms, workspace, actor, action, subject, detail]);
    hex(&Sha256::digest(row.to_string()))
}
