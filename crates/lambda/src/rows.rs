//! Rows to Salesforce, as many as a function has, in as few calls as there are.

use tieline_bridge::map::{FieldMap, Kind};
use tieline_core::{ConnectorError, Crm, OutboxRow, RowFailure, RowResult};
use tieline_salesforce::{ObjectFields, Salesforce};
use tracing::warn;

/// What Salesforce takes in one call.
const ROWS_A_CALL: usize = 200;

/// What became of all rows.
pub(crate) struct Outcome {
    /// One per row that was tried, in their order.
    pub results: Vec<RowResult>,
    /// Why the rows after those were not tried: the org is down, or refuses the request itself.
    pub stopped: Option<ConnectorError>,
}

/// Writes rows of one object. A row that fails touches no other; a call that fails stops the rest,
/// because the next one would fare no better.
pub(crate) async fn write_all(salesforce: &Salesforce, rows: &[OutboxRow]) -> Outcome {
    let mut outcome = Outcome { results: Vec::with_capacity(rows.len()), stopped: None };
    for chunk in rows.chunks(ROWS_A_CALL) {
        match salesforce.write(chunk).await {
            Ok(results) => {
                note(chunk, &results);
                outcome.results.extend(results);
            }
            Err(error) => {
                outcome.stopped = Some(error);
                break;
            }
        }
    }
    outcome
}

/// Says what was refused; the org's message may quote the row, so only its code is told.
fn note(rows: &[OutboxRow], results: &[RowResult]) {
    for (row, result) in rows.iter().zip(results) {
        if let Err(failure) = result {
            let (RowFailure::Permanent { code, .. } | RowFailure::Contention { code, .. }) = failure;
            warn!(crm.object = row.object, code, "Salesforce refused a row");
        }
    }
}

/// What the org has not as the map expects it: a line a field, `Name: what is wrong`.
///
/// Only a complaint: a field the org lacks is left out of the rows, and the rest is written.
pub(crate) fn complaints(map: &FieldMap, namespace: Option<&str>, fields: &ObjectFields) -> Vec<String> {
    // A description without a type says nothing that could be checked.
    if fields.names().all(|name| fields.kind(name).is_none()) {
        return Vec::new();
    }
    map.columns(namespace)
        .filter_map(|column| match (fields.spelling(&column.name), fields.kind(&column.name)) {
            (None, _) if column.optional => None,
            (None, _) => Some(format!("{}: the org has no such field", column.name)),
            (Some(_), Some(word)) if !column.kind.is_none_or(|kind| fits(kind, word)) => {
                Some(format!("{}: the org's field is of type {word}", column.name))
            }
            (Some(_), _) => None,
        })
        .collect()
}

/// Whether values of a kind can stand in a field of Salesforce's type `word`. ("Object Reference
/// for the Salesforce Platform", "Field Types", read 2026-11-21.)
fn fits(kind: Kind, word: &str) -> bool {
    let text = matches!(
        word,
        "string" | "textarea" | "picklist" | "combobox" | "phone" | "email" | "url" | "encryptedstring"
    );
    match kind {
        Kind::Text => text || word == "reference",
        Kind::Number => text || matches!(word, "double" | "int" | "long" | "currency" | "percent"),
        Kind::Time => text || matches!(word, "datetime" | "date"),
        Kind::Flag => text || word == "boolean",
    }
}
