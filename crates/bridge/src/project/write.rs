//! What a record that exists already is sent.

use serde_json::Value;
use tieline_core::{JsonMap, OutboxRow, RecordId};

use super::record::Projected;
use crate::profile::{RecordProfile, Write};

/// What the row asks the CRM to write, given what it was given last; `None` when that is nothing.
///
/// A field we filled and have nothing to say about any more is emptied. `in_doubt` says that an
/// earlier write may have happened unnoticed, so that what was given last is not to be relied on.
pub fn outbox_row(
    record: &RecordProfile,
    projected: &Projected,
    id: Option<&RecordId>,
    written: Option<&JsonMap>,
    in_doubt: bool,
) -> Option<OutboxRow> {
    let mut row = OutboxRow {
        object: projected.object.clone(),
        key_field: projected.key_field.clone(),
        key: projected.key.clone(),
        record: None,
        fields: projected.fields.clone(),
        unless_changed: JsonMap::new(),
    };
    for field in written.into_iter().flat_map(JsonMap::keys) {
        row.fields.entry(field.clone()).or_insert(Value::Null);
    }
    if record.write == Write::All {
        return Some(row);
    }
    row.record = id.cloned();
    if let (Some(_), Some(written)) = (id, written) {
        row.fields.retain(|field, value| written.get(field) != Some(value));
        if row.fields.is_empty() && !in_doubt {
            return None;
        }
        // When a write of ours may have gone unnoticed, what differs from the last known one may
        // be our own: then ours is written, rather than left stale.
        if !in_doubt {
            for field in row.fields.keys() {
                row.unless_changed.insert(field.clone(), written.get(field).cloned().unwrap_or(Value::Null));
            }
        }
    }
    if row.fields.is_empty() {
        row.fields.clone_from(&projected.fields);
    }
    Some(row)
}
