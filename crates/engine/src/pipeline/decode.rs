//! Deliveries to parts, and what follows from them.

use std::collections::HashMap;
use std::time::Duration;

use tieline_bridge::merge::absorb;
use tieline_core::{
    ConnectorErrorKind, ContactChange, ContactId, PartKind, Telling, WorkspaceName, error_chain,
};
use tieline_store::{DeliveryMark, DeliveryOutcome, DocumentPut, StoreError, StoredDelivery};
use tracing::{error, warn};

use super::metrics::add;
use super::project::{Agents, kept_parts, replace, update, view};
use super::setup::{CONTACT_RECORD, Shared, WorkspaceSetup};
use super::{documents, files};

/// Deliveries of one transaction: few enough that intake, which waits behind it, hardly notices.
const BATCH: usize = 64;
/// How long a claimed delivery belongs to this decoder.
const LEASE: Duration = Duration::from_secs(10);
/// A delivery that could not be decoded this often is given up.
const ATTEMPTS: u32 = 8;
/// How often a batch is begun again because a contact changed meanwhile.
const REPEATS: usize = 20;

/// Decodes one batch; `false` when nothing waits.
pub(super) async fn step(shared: &Shared) -> Result<bool, StoreError> {
    let claimed = shared.store.claim_deliveries(BATCH, LEASE).await?;
    if claimed.is_empty() {
        return Ok(false);
    }
    // One that was tried before may be what stopped its whole batch: it goes alone.
    let (again, fresh): (Vec<_>, Vec<_>) = claimed.into_iter().partition(|delivery| delivery.attempts > 1);
    if !fresh.is_empty() {
        take(shared, fresh).await?;
    }
    for delivery in again {
        let (id, attempts) = (delivery.id, delivery.attempts);
        if let Err(error) = take(shared, vec![delivery]).await {
            if attempts < ATTEMPTS {
                return Err(error);
            }
            error!(
                delivery.id = id,
                error = error_chain(&error),
                "Gave up a delivery after {attempts} attempts"
            );
            let outcome = DeliveryOutcome::Dead { error: error_chain(&error) };
            shared.store.save_contacts(Vec::new(), vec![DeliveryMark { id, outcome }]).await?;
        }
    }
    shared.wake_writers();
    Ok(true)
}

async fn take(shared: &Shared, deliveries: Vec<StoredDelivery>) -> Result<(), StoreError> {
    let mut marks = Vec::with_capacity(deliveries.len());
    let mut order: Vec<(WorkspaceName, ContactId)> = Vec::new();
    let mut changes: HashMap<(WorkspaceName, ContactId), Vec<ContactChange>> = HashMap::new();
    let (mut decoded, mut dead) = (0, 0);
    let mut documents = Vec::new();
    for delivery in deliveries {
        let telling = files::telling(shared, &delivery.connection, &delivery.delivery);
        let done = match telling {
            Telling::Files => Ok(DeliveryOutcome::File),
            Telling::Unkept => Err(files::NOT_KEPT.to_owned()),
            Telling::Nothing | Telling::FilesToo => decode(shared, &delivery).and_then(|said| {
                for change in said {
                    for workspace in shared.workspaces_of(&delivery.connection) {
                        let key = (workspace.name.clone(), change.contact.clone());
                        let of_contact = changes.entry(key.clone()).or_insert_with(|| {
                            order.push(key);
                            Vec::new()
                        });
                        of_contact.push(change.clone());
                    }
                }
                // What cannot become a row is no reason to leave the contact out.
                contact_records(shared, &delivery, &mut documents)?;
                Ok(if telling == Telling::FilesToo { DeliveryOutcome::File } else { DeliveryOutcome::Done })
            }),
        };
        let outcome = match done {
            Ok(outcome) => {
                decoded += usize::from(outcome == DeliveryOutcome::Done);
                outcome
            }
            Err(error) => {
                dead += 1;
                warn!(
                    delivery.id = delivery.id,
                    error, "A delivery cannot be decoded and is kept as a dead letter"
                );
                DeliveryOutcome::Dead { error }
            }
        };
        marks.push(DeliveryMark { id: delivery.id, outcome });
    }
    let tells_of_files = marks.iter().any(|mark| mark.outcome == DeliveryOutcome::File);
    let contacts = save(shared, &order, &changes, &documents, marks).await?;
    if tells_of_files {
        shared.files.notify_one();
    }
    add(&shared.counters.deliveries_decoded, decoded);
    add(&shared.counters.deliveries_dead, dead);
    add(&shared.counters.contacts_changed, contacts);
    Ok(())
}

fn decode(shared: &Shared, delivery: &StoredDelivery) -> Result<Vec<ContactChange>, String> {
    let Some(center) = shared.contact_centers.get(&delivery.connection) else {
        return Err("the connection is no longer configured".into());
    };
    center.decode(&delivery.delivery).map_err(|error| unreadable(&error.kind))
}

/// What is wrong with what was sent, in words for its sender: the kinds are made for what a vendor
/// answers.
pub(super) fn unreadable(kind: &ConnectorErrorKind) -> String {
    match kind {
        ConnectorErrorKind::Rejected { code, message, .. } => format!("{code}: {message}"),
        ConnectorErrorKind::Malformed { source, .. } => {
            format!("it is no JSON (line {}, column {})", source.line(), source.column())
        }
        other => error_chain(other),
    }
}

/// Rows of contact records, in the workspaces that keep them.
fn contact_records(
    shared: &Shared,
    delivery: &StoredDelivery,
    documents: &mut Vec<DocumentPut>,
) -> Result<(), String> {
    let keep = |workspace: &&WorkspaceSetup| workspace.records.maps.contains_key(CONTACT_RECORD);
    let mut workspaces = shared.workspaces_of(&delivery.connection).filter(keep).peekable();
    let Some(center) = shared.contact_centers.get(&delivery.connection) else { return Ok(()) };
    if workspaces.peek().is_none() {
        return Ok(());
    }
    let found = center.documents(&delivery.delivery).map_err(|error| unreadable(&error.kind))?;
    for workspace in workspaces {
        for document in &found {
            documents.extend(documents::puts(shared, workspace, delivery, document, false)?);
        }
    }
    Ok(())
}

/// Merges the changes into their contacts and saves both with the marks, beginning again when
/// somebody else changed one of the contacts in between. Answers how many contacts changed.
async fn save(
    shared: &Shared,
    order: &[(WorkspaceName, ContactId)],
    changes: &HashMap<(WorkspaceName, ContactId), Vec<ContactChange>>,
    documents: &[DocumentPut],
    marks: Vec<DeliveryMark>,
) -> Result<usize, StoreError> {
    for _ in 0..REPEATS {
        let mut agents = Agents::default();
        let mut updates = Vec::new();
        for snapshot in shared.store.contacts(order).await? {
            let Some(workspace) = shared.workspaces.get(&snapshot.workspace) else { continue };
            let mut parts = kept_parts(&snapshot);
            let mut kinds: Vec<PartKind> = Vec::new();
            for change in &changes[&(snapshot.workspace.clone(), snapshot.contact.clone())] {
                let kept = parts.iter().find(|part| part.kind == change.kind);
                if let Some(part) = absorb(kept, change) {
                    kinds.push(part.kind);
                    replace(&mut parts, part);
                }
            }
            if kinds.is_empty() {
                continue;
            }
            let view = view(shared, workspace, &snapshot, &parts, &mut agents).await?;
            updates.push(update(shared, workspace, &snapshot, &parts, &kinds, &view, false));
        }
        let contacts = updates.len();
        if shared.store.save_delivered(updates, documents.to_vec(), marks.clone()).await? {
            return Ok(contacts);
        }
    }
    // Their lease ends, and they are tried again.
    warn!("Contacts kept changing while {} deliveries were merged", marks.len());
    Ok(0)
}
