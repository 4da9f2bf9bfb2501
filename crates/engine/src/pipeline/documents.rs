//! The contact center's own records, made into outbox rows by field maps, and prepared to be sent.

use std::collections::BTreeSet;

use tieline_bridge::map::{FieldMap, MapContext, fit};
use tieline_bridge::merge::document_hash;
use tieline_core::{ConnectorErrorKind, Purpose, SourceDocument, error_chain};
use tieline_store::{ClaimedRow, DocumentPut, OutboxPut, RowMark, RowOutcome, StoredDelivery};
use tracing::warn;

use super::prepare::{Failure, Prepared, release};
use super::send::{call, kept_until, retry_at};
use super::setup::{RecordMaps, Shared, WorkspaceSetup};
use super::timing::{CALL_LOG, THE_REST};
use super::writer::{Target, mark};

/// The row of one document in one workspace; `None` when the workspace does not keep such records.
///
/// The same document gives the same row, however often it is delivered: what it takes for now is when
/// the delivery came.
///
/// # Errors
///
/// Why it is none, without a word of what is in it.
pub(super) fn row(
    shared: &Shared,
    workspace: &WorkspaceSetup,
    delivery: &StoredDelivery,
    document: &SourceDocument,
    tells_regions_apart: bool,
) -> Result<Option<DocumentPut>, String> {
    let records = &workspace.records;
    let Some(map) = records.maps.get(document.map) else { return Ok(None) };
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
    let row = map.row(&document.document, &context).map_err(|error| format!("{}: {error}", document.map))?;
    let hash = document_hash(&serde_json::Value::Object(row.fields.clone()));
    let priority = match RecordMaps::purpose(document.map) {
        Purpose::Other => THE_REST,
        Purpose::CallLog | Purpose::Dip => CALL_LOG,
    };
    Ok(Some(DocumentPut {
        workspace: workspace.name.clone(),
        contact: document.contact.clone(),
        version: document.version,
        delivery: delivery.id,
        part: None,
        put: OutboxPut {
            target: workspace.crm.clone(),
            object: row.object,
            key_field: row.key_field,
            key: row.key,
            fields: row.fields,
            hash,
            after: None,
            priority,
            not_before: shared.clock.now(),
        },
    }))
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
