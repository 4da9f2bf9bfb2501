//! The contact center's own records, made into outbox rows by field maps, and prepared to be sent.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tieline_bridge::map::{FieldMap, MapContext, fit};
use tieline_bridge::merge::document_hash;
use tieline_core::{ConnectorErrorKind, JsonMap, Purpose, RecordFile, SourceDocument, error_chain};
use tieline_store::{
    ClaimedRow, DocumentPart, DocumentPut, OutboxEntry, OutboxPut, RowMark, RowOutcome, StoreError,
    StoredDelivery,
};
use tracing::warn;

use super::prepare::{Failure, Prepared, release};
use super::send::{call, kept_until, retry_at};
use super::setup::{RecordMaps, Shared, WorkspaceSetup};
use super::timing::{CALL_LOG, THE_REST};
use super::writer::{Target, mark};

const HOUR: Duration = Duration::from_secs(3600);

/// A file in the outbox: after the row of the record it stands with, and with no key of its own.
#[derive(Serialize, Deserialize)]
pub(super) struct FileRow {
    /// Object and key of that row.
    pub of: (String, String),
    #[serde(flatten)]
    pub file: RecordFile,
}

/// What one document puts into the outbox for one workspace: nothing when the workspace does not keep
/// such records, else the record's row and after it those of its files.
///
/// The same document gives the same rows, however often it is delivered: what it takes for now is
/// when the delivery came.
///
/// # Errors
///
/// Why it is none, without a word of what is in it.
pub(super) fn puts(
    shared: &Shared,
    workspace: &WorkspaceSetup,
    delivery: &StoredDelivery,
    document: &SourceDocument,
    tells_regions_apart: bool,
) -> Result<Vec<DocumentPut>, String> {
    let records = &workspace.records;
    let Some(map) = records.maps.get(document.map) else { return Ok(Vec::new()) };
    let mut extra = document.extra.clone();
    if tells_regions_apart {
        extra.extend(document.extra_in_region.clone());
    }
    let context = MapContext {
        namespace: records.namespace.as_deref(),
        region: records.region.as_deref(),
        now: delivery.delivery.received_at,
        extra: &extra,
    };
    let mut row =
        map.row(&document.document, &context).map_err(|error| format!("{}: {error}", document.map))?;
    if document.rank.is_some() {
        // What this source does not know, another may.
        row.fields.retain(|_, value| !value.is_null());
    }
    let priority = match RecordMaps::purpose(document.map) {
        Purpose::Other => THE_REST,
        Purpose::CallLog | Purpose::Dip => CALL_LOG,
    };
    let put =
        |object: String, key_field: String, key: String, fields: JsonMap, after: Option<_>| DocumentPut {
            workspace: workspace.name.clone(),
            contact: document.contact.clone(),
            version: document.version,
            delivery: delivery.id,
            part: document.rank.map(|rank| DocumentPart {
                source: document.map.to_owned(),
                alone: after.is_some(),
                rank,
            }),
            put: OutboxPut {
                target: workspace.crm.clone(),
                object,
                key_field,
                key,
                hash: document_hash(&Value::Object(fields.clone())),
                fields,
                after,
                priority,
                not_before: shared.clock.now(),
            },
        };
    let of = (row.object.clone(), row.key.clone());
    let mut puts = vec![put(row.object, row.key_field, row.key, row.fields, None)];
    if let Some(files) = shared.targets[&workspace.crm].files.clone() {
        for file in &document.files {
            let key = format!("{}/{}/{}", of.0, of.1, file.name);
            let fields = fields_of(&FileRow { of: of.clone(), file: file.clone() });
            puts.push(put(files.clone(), String::new(), key, fields, Some(of.clone())));
        }
    }
    Ok(puts)
}

fn fields_of(row: &FileRow) -> JsonMap {
    match serde_json::to_value(row) {
        Ok(Value::Object(fields)) => fields,
        _ => unreachable!("a struct of texts is a JSON object"),
    }
}

/// Claimed files, each with the record it stands with.
pub(super) async fn prepare_files(
    shared: &Shared,
    claimed: Vec<ClaimedRow>,
) -> Result<(Vec<Prepared>, Vec<RowMark>), StoreError> {
    let (mut ready, mut marks) = (Vec::new(), Vec::new());
    for claim in claimed {
        let mut prepared = Prepared::of(&claim.entry, &claim.lease);
        // What it says is not kept twice.
        let fields = std::mem::take(&mut prepared.fields);
        if claim.entry.written_hash.as_deref() == Some(claim.entry.hash.as_str()) && !claim.in_doubt {
            marks.push(mark(&prepared, RowOutcome::Unchanged));
            continue;
        }
        let row = serde_json::from_value::<FileRow>(Value::Object(fields)).ok();
        let of = match &row {
            Some(FileRow { of: (object, key), .. }) => {
                shared.store.outbox_row(&claim.entry.workspace, &claim.entry.target, object, key).await?
            }
            None => None,
        };
        let outcome = match of {
            Some(OutboxEntry { record: Some(record), .. }) => {
                prepared.row.key = record.into();
                prepared.row.record.clone_from(&claim.entry.record);
                ready.push(prepared);
                continue;
            }
            // Dead, and perhaps replayed one day; this is looked at again when it is written.
            Some(_) => RowOutcome::Retry {
                not_before: shared.clock.now().checked_add(HOUR).unwrap_or(Timestamp::MAX),
                code: "NO_RECORD".into(),
                message: "the record it stands with is not in the CRM yet".into(),
                counts: false,
                in_doubt: false,
            },
            None => RowOutcome::Dead {
                code: "NO_RECORD".into(),
                message: "the record it stands with is not to be written any more".into(),
            },
        };
        marks.push(mark(&prepared, outcome));
    }
    Ok((ready, marks))
}

/// Claimed rows of one object, with the fields the CRM has.
pub(super) async fn prepare(
    shared: &Shared,
    target: &Target,
    claimed: Vec<ClaimedRow>,
) -> (Vec<Prepared>, Vec<RowMark>) {
    let Some(first) = claimed.first() else { return (Vec::new(), Vec::new()) };
    let object = first.entry.object.clone();
    let known = match call(shared, target.crm_for(&object).field_names(&object)).await {
        Ok(known) => known,
        Err(kind) if kind.is_target_down() => {
            let retry = Some(match kind {
                ConnectorErrorKind::AllowanceKept { retry_after } if target.is_spare(&object) => {
                    kept_until(shared, retry_after)
                }
                _ => retry_at(shared, target, &kind),
            });
            let failure = Failure { retry, code: "TARGET_DOWN".into(), message: error_chain(&kind) };
            return (Vec::new(), claimed.iter().map(|row| release(shared, row, &failure)).collect());
        }
        // Writing will say what is wrong with the object.
        Err(_) => None,
    };
    let (mut ready, mut marks, mut unknown) = (Vec::new(), Vec::new(), BTreeSet::new());
    for claim in claimed {
        let mut prepared = Prepared::of(&claim.entry, &claim.lease);
        if claim.entry.written_hash.as_deref() == Some(claim.entry.hash.as_str()) && !claim.in_doubt {
            marks.push(mark(&prepared, RowOutcome::Unchanged));
            continue;
        }
        if let (Some(known), Some(workspace)) = (&known, shared.workspaces.get(&claim.entry.workspace)) {
            let namespace = workspace.records.namespace.as_deref();
            let spelling = |name: &str| known.spelling(name).map(str::to_owned);
            let mut fitted = fit(std::mem::take(&mut prepared.row.fields), namespace, spelling);
            for map in workspace.records.maps.values().filter(|map| map.object(namespace) == object) {
                // An org without it loses nothing it ever had.
                fitted.unknown.retain(|name| map.region_column(namespace).as_deref() != Some(name));
            }
            prepared.row.fields = fitted.fields;
            unknown.extend(fitted.unknown);
        }
        ready.push(prepared);
    }
    unknown.retain(|field| target.is_news(&object, field));
    if !unknown.is_empty() {
        warn!(
            target = %target.name, crm.object = object, fields = ?unknown,
            "The CRM does not have these fields; the rest is written"
        );
    }
    (ready, marks)
}

/// Whether the CRM has the field that tells regions apart, without which rows have other ids.
pub(super) async fn tells_regions_apart(
    target: &Target,
    records: &RecordMaps,
    map: &FieldMap,
) -> Result<bool, ConnectorErrorKind> {
    let namespace = records.namespace.as_deref();
    let Some(column) = map.region_column(namespace).filter(|_| records.region.is_some()) else {
        return Ok(false);
    };
    let object = map.object(namespace);
    let known = target.crm_for(&object).field_names(&object).await.map_err(|error| error.kind)?;
    Ok(known.is_some_and(|known| known.spelling(&column).is_some()))
}
