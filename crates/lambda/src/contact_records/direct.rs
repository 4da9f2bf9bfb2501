use std::collections::HashMap;

use serde_json::{Value, json};
use tieline_amazon_connect::{Batch, BatchItem, RecordDocument, Said, UnreadableRecord, read_item};
use tieline_bridge::map::{FieldMap, MapContext};
use tieline_core::{JsonMap, OutboxRow, RowFailure};
use tieline_salesforce::Salesforce;
use tracing::{debug, info, warn};

use super::{Work, is_trigger};
use crate::LambdaError;
use crate::config::Environment;
use crate::context::Context;
use crate::name::Manner;
use crate::{rows, transcription};

const MAP: &str = "contact-record";

/// Either switches on what the reference's transcription function did; attributes say what of it.
const RECORDING_SWITCHES: [&str; 2] = ["POSTCALL_RECORDING_IMPORT_ENABLED", "POSTCALL_TRANSCRIBE_ENABLED"];

/// A contact record and the item it came in.
struct Found {
    item: usize,
    record: RecordDocument,
}

pub(super) async fn run(context: &Context, manner: Manner, batch: &Batch) -> Work {
    let mut work = Work::default();
    let environment = &context.environment;
    let trigger = manner == Manner::Legacy && is_trigger(batch);
    let imports = imports_records(environment, trigger);
    let recordings = trigger && RECORDING_SWITCHES.iter().any(|switch| environment.is_true(switch));
    if !imports && !recordings {
        return work;
    }
    let found = read(batch, manner, &mut work);
    if recordings {
        for found in &found {
            let event = json!({ "async": true, "record": encoded(&found.record.document) });
            if let Err(error) = transcription::start(context, manner, &event).await {
                warn!(contact.id = %found.record.contact, code = error.error_type, "The recording was not imported");
                // Of an event that is none, nothing will come another time either.
                let permanent = error.error_type == "lambda.malformed_event";
                work.fail(found.item, error, permanent);
            }
        }
    }
    if !imports {
        return work;
    }
    let all = environment.get("TIELINE_IMPORT").is_some_and(|mode| mode.eq_ignore_ascii_case("all"));
    let wanted = found
        .into_iter()
        // Exactly so: the reference takes no other spelling.
        .filter(|found| all || found.record.attribute("postcallCTRImportEnabled") == Some("true"));
    let newest = newest(wanted);
    if !newest.is_empty() {
        import(context, manner, newest, &mut work).await;
    }
    work
}

/// The package-level switch. By the trigger's name it must be on, as in the reference; by ours it
/// may be left out.
fn imports_records(environment: &Environment, trigger: bool) -> bool {
    match environment.get("POSTCALL_CTR_IMPORT_ENABLED").filter(|switch| !switch.is_empty()) {
        Some(switch) => switch.eq_ignore_ascii_case("true"),
        None => !trigger,
    }
}

fn encoded(document: &Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(document.to_string())
}

/// Whether a document without a contact says that it wants to be imported.
fn asks_for_import(item: &BatchItem) -> bool {
    let document: Option<Value> = item.data.as_deref().and_then(|data| serde_json::from_slice(data).ok());
    document.is_some_and(|document| document["Attributes"]["postcallCTRImportEnabled"] == "true")
}

fn read(batch: &Batch, manner: Manner, work: &mut Work) -> Vec<Found> {
    let mut found = Vec::new();
    for (place, item) in batch.items.iter().enumerate() {
        match read_item(item) {
            Ok(documents) => {
                for said in documents {
                    match said {
                        Said::Record(record) => found.push(Found { item: place, record }),
                        // The record that follows says all of it and more.
                        Said::Event | Said::Nothing => debug!(item = place, "Not a contact record"),
                    }
                }
            }
            Err(UnreadableRecord::NoContact) if manner == Manner::Legacy && !asks_for_import(item) => {
                debug!(item = place, "A document of something else");
            }
            Err(problem) => {
                warn!(item = place, %problem, "A record of the batch cannot be read");
                let error = LambdaError::malformed_event(format!("record {place}: {problem}"));
                work.fail(place, error, true);
            }
        }
    }
    found
}

/// One version per contact: the newest, and of those equally new the last one sent.
fn newest(found: impl Iterator<Item = Found>) -> Vec<Found> {
    let mut kept: Vec<Found> = Vec::new();
    let mut places: HashMap<tieline_core::ContactId, usize> = HashMap::new();
    for found in found {
        match places.get(&found.record.contact) {
            None => {
                places.insert(found.record.contact.clone(), kept.len());
                kept.push(found);
            }
            Some(&place) => {
                let older = matches!(
                    (found.record.updated_at, kept[place].record.updated_at),
                    (Some(this), Some(kept)) if this < kept
                );
                if !older {
                    kept[place] = found;
                }
            }
        }
    }
    kept
}

async fn import(context: &Context, manner: Manner, newest: Vec<Found>, work: &mut Work) {
    let ready = match ready(context, manner).await {
        Ok(ready) => ready,
        Err(error) => {
            for found in newest {
                work.fail(found.item, error.clone(), false);
            }
            return;
        }
    };
    let extra = JsonMap::new();
    let map_context = MapContext {
        namespace: ready.salesforce.namespace(),
        region: ready.region.as_deref(),
        now: context.clock.now(),
        extra: &extra,
    };
    let mut items = Vec::with_capacity(newest.len());
    let mut all: Vec<OutboxRow> = Vec::with_capacity(newest.len());
    for found in newest {
        match ready.map.row(&found.record.document, &map_context) {
            Ok(row) => {
                items.push(found.item);
                all.push(row);
            }
            Err(problem) => {
                let error = LambdaError::malformed_event(format!("record {}: {problem}", found.item));
                work.fail(found.item, error, true);
            }
        }
    }
    let outcome = rows::write_all(&ready.salesforce, &all).await;
    let tried = outcome.results.len();
    for (item, result) in items.iter().zip(&outcome.results) {
        match result {
            Ok(_) => work.done += 1,
            Err(failure) => {
                let permanent = matches!(failure, RowFailure::Permanent { .. });
                work.fail(*item, LambdaError::of_row(manner, failure), permanent);
            }
        }
    }
    if let Some(error) = outcome.stopped {
        warn!(%error, rows = all.len() - tried, "Contact records wait: Salesforce takes no rows now");
        let error = LambdaError::of_crm(manner, error);
        for item in &items[tried..] {
            work.fail(*item, error.clone(), false);
        }
    }
    info!(rows = work.done, failed = work.failures.len(), "Wrote contact records");
}

struct Ready {
    salesforce: Salesforce,
    map: std::sync::Arc<FieldMap>,
    /// Where this runs, when the org has a field for it.
    region: Option<String>,
}

async fn ready(context: &Context, manner: Manner) -> Result<Ready, LambdaError> {
    let map = context.map(MAP)?;
    let salesforce = context.org_for_call_log().await?;
    let namespace = salesforce.namespace();
    let fields = salesforce
        .fields(&map.object(namespace))
        .await
        .map_err(|error| LambdaError::of_crm(manner, error))?;
    if context.first_time(MAP) {
        for complaint in rows::complaints(&map, namespace, &fields) {
            warn!(map = MAP, complaint, "The org and the field map disagree; the rest is written");
        }
    }
    let column = map.columns(namespace).find(|column| column.optional);
    let region =
        column.filter(|column| fields.has(&column.name)).and_then(|_| context.region()).map(str::to_owned);
    Ok(Ready { salesforce: salesforce.clone(), map, region })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(item: usize, contact: &str, updated_at: Option<&str>) -> Found {
        Found {
            item,
            record: RecordDocument {
                contact: tieline_core::ContactId::new(contact).unwrap(),
                updated_at: updated_at.map(|text| text.parse().unwrap()),
                document: Value::Null,
            },
        }
    }

    #[test]
    fn the_newest_version_of_a_contact_wins_and_the_last_of_equals() {
        let (old, new) = (Some("2026-03-17T09:22:04Z"), Some("2026-03-17T09:22:05Z"));
        let kept = newest(
            [
                found(0, "a", new),
                found(1, "a", old),
                found(2, "b", old),
                found(3, "b", old),
                found(4, "c", old),
                found(5, "c", None),
                found(6, "a", old),
            ]
            .into_iter(),
        );
        let kept: Vec<usize> = kept.iter().map(|found| found.item).collect();
        assert_eq!(kept, [0, 3, 5]);
    }

    #[test]
    fn the_switch_must_be_on_by_the_trigger_s_name_only() {
        let with = |value: Option<&str>, trigger| {
            let environment: Environment =
                value.map(|value| ("POSTCALL_CTR_IMPORT_ENABLED", value)).into_iter().collect();
            imports_records(&environment, trigger)
        };
        assert!(with(Some("True"), true) && with(Some("true"), false) && with(None, false));
        assert!(!with(None, true) && !with(Some("false"), false) && !with(Some("yes"), true));
    }
}
