//! What happens to claimed rows before they are sent: the customer is looked up in the CRM, and
//! the contact is projected once more, with the parties, the records it has become meanwhile, and
//! whatever else is new. So a row carries the newest state, replaying a dead one sees a mended
//! map, and an interaction carries the id of the task that was written just before it.

use std::collections::{BTreeMap, HashMap};

use tieline_bridge::merge::{KeptPart, PartyPart, flow_fields, merge, party, party_part};
use tieline_bridge::project::{Projected, customer_number, outbox_row};
use tieline_core::{
    ConnectorErrorKind, ContactId, JsonMap, OutboxRow, PartKind, PhoneNumber, WorkspaceName, error_chain,
};
use tieline_store::{ClaimedRow, ContactSnapshot, OutboxEntry, RowMark, RowOutcome, StoreError};
use tracing::warn;

use super::documents;
use super::metrics::add;
use super::project::{Agents, kept_parts, replace, update, view};
use super::send::{call, retry_at, row_backoff};
use super::setup::{Shared, WorkspaceSetup};
use super::writer::{PIECE, Target, mark};

/// Most parties kept of one customer: enough to choose from.
const PARTIES: usize = 10;
/// Numbers of one look-up.
const NUMBERS: usize = 200;
/// How often saving is begun again because a contact changed meanwhile.
const REPEATS: usize = 20;

/// A row ready to be sent.
#[derive(Debug, Clone)]
pub(super) struct Prepared {
    pub id: i64,
    pub lease: String,
    pub generation: i64,
    pub hash: String,
    pub fields: JsonMap,
    pub attempts: u32,
    pub row: OutboxRow,
}

impl Prepared {
    /// The row as it stands.
    pub fn of(entry: &OutboxEntry, lease: &str) -> Self {
        Self {
            id: entry.id,
            lease: lease.to_owned(),
            generation: entry.generation,
            hash: entry.hash.clone(),
            fields: entry.fields.clone(),
            attempts: entry.attempts,
            row: OutboxRow {
                object: entry.object.clone(),
                key_field: entry.key_field.clone(),
                key: entry.key.clone(),
                record: None,
                fields: entry.fields.clone(),
                unless_changed: JsonMap::new(),
            },
        }
    }
}

type Contacts = Vec<(WorkspaceName, ContactId)>;

/// Rows to send, and marks of those that need not or cannot be sent.
pub(super) async fn prepare(
    shared: &Shared,
    target: &Target,
    claimed: Vec<ClaimedRow>,
) -> Result<(Vec<Prepared>, Vec<RowMark>), StoreError> {
    let (documents, claimed): (Vec<_>, Vec<_>) =
        claimed.into_iter().partition(|row| row.entry.version.is_some());
    let (files, documents): (Vec<_>, Vec<_>) =
        documents.into_iter().partition(|row| target.files.as_ref() == Some(&row.entry.object));
    let (mut ready, mut marks) = documents::prepare(shared, target, documents).await;
    let (files, of_files) = documents::prepare_files(shared, files).await?;
    ready.extend(files);
    marks.extend(of_files);
    if claimed.is_empty() {
        return Ok((ready, marks));
    }
    let mut contacts: Contacts = Vec::new();
    for row in &claimed {
        let Some(contact) = row.entry.contact.clone() else { continue };
        let key = (row.entry.workspace.clone(), contact);
        if !contacts.contains(&key) {
            contacts.push(key);
        }
    }
    let found = match look_up(shared, target, &contacts).await? {
        Ok(found) => found,
        Err(failure) => {
            marks.extend(claimed.iter().map(|row| release(shared, row, &failure)));
            return Ok((ready, marks));
        }
    };
    for piece in contacts.chunks(PIECE) {
        refresh(shared, piece, &found).await?;
    }
    let fresh: HashMap<i64, _> = shared
        .store
        .contacts(&contacts)
        .await?
        .into_iter()
        .flat_map(|snapshot| snapshot.outbox)
        .map(|entry| (entry.id, entry))
        .collect();

    for claim in claimed {
        let entry = fresh.get(&claim.entry.id).unwrap_or(&claim.entry);
        let mut prepared = Prepared::of(entry, &claim.lease);
        let record = shared
            .workspaces
            .get(&entry.workspace)
            .and_then(|workspace| workspace.profile.record(&entry.object));
        let Some(record) = record else {
            let message = "the workspace or its field map no longer has this record".to_owned();
            marks.push(mark(&prepared, RowOutcome::Dead { code: "NOT_MAPPED".into(), message }));
            continue;
        };
        let projected = Projected {
            object: entry.object.clone(),
            key_field: entry.key_field.clone(),
            key: entry.key.clone(),
            fields: entry.fields.clone(),
            hash: entry.hash.clone(),
            after: None,
        };
        let same = entry.written_hash.as_deref() == Some(entry.hash.as_str()) && !claim.in_doubt;
        let row = outbox_row(
            record,
            &projected,
            entry.record.as_ref(),
            entry.written_fields.as_ref(),
            claim.in_doubt,
        );
        match row {
            Some(row) if !same => {
                prepared.row = row;
                ready.push(prepared);
            }
            _ => marks.push(mark(&prepared, RowOutcome::Unchanged)),
        }
    }
    Ok((ready, marks))
}

/// Gives a claimed row back because the CRM could not be asked.
pub(super) fn release(shared: &Shared, row: &ClaimedRow, failure: &Failure) -> RowMark {
    row.mark(RowOutcome::Retry {
        not_before: failure.retry.unwrap_or_else(|| row_backoff(shared, row.entry.id, row.entry.attempts)),
        code: failure.code.clone(),
        message: failure.message.clone(),
        counts: failure.retry.is_none(),
        in_doubt: false,
    })
}

/// Why the CRM told us nothing of what a row needs.
pub(super) struct Failure {
    /// When the CRM as a whole failed.
    pub retry: Option<jiff::Timestamp>,
    pub code: String,
    pub message: String,
}

type Found = HashMap<(WorkspaceName, ContactId), PartyPart>;

/// Asks the CRM who the customers are that nobody has looked up yet, all in one call.
async fn look_up(
    shared: &Shared,
    target: &Target,
    contacts: &Contacts,
) -> Result<Result<Found, Failure>, StoreError> {
    let mut wanted: BTreeMap<PhoneNumber, Vec<(WorkspaceName, ContactId, String)>> = BTreeMap::new();
    for snapshot in shared.store.contacts(contacts).await? {
        let Some(workspace) = shared.workspaces.get(&snapshot.workspace) else { continue };
        if let Some((number, address)) = unknown_customer(workspace, &snapshot) {
            wanted.entry(number).or_default().push((snapshot.workspace, snapshot.contact, address));
        }
    }
    let numbers: Vec<PhoneNumber> = wanted.keys().cloned().collect();
    let mut found = Found::new();
    let mut pieces: Vec<&[PhoneNumber]> = numbers.chunks(NUMBERS).collect();
    while let Some(piece) = pieces.pop() {
        match call(shared, target.crm.find_by_phone(piece, PARTIES)).await {
            Ok(lists) if lists.len() == piece.len() => {
                for (number, matches) in piece.iter().zip(lists) {
                    for (workspace, contact, address) in &wanted[number] {
                        let part = PartyPart { customer: address.clone(), matches: matches.clone() };
                        found.insert((workspace.clone(), contact.clone()), part);
                    }
                }
            }
            Ok(_) => warn!(target = %target.name, "The CRM answered a look-up with another number of lists"),
            Err(kind) if kind.is_target_down() => {
                let retry = Some(retry_at(shared, target, &kind));
                return Ok(Err(Failure { retry, code: "TARGET_DOWN".into(), message: error_chain(&kind) }));
            }
            Err(kind @ ConnectorErrorKind::Malformed { .. }) => {
                let failure =
                    Failure { retry: None, code: "UNREADABLE_ANSWER".into(), message: error_chain(&kind) };
                return Ok(Err(failure));
            }
            // One number may be what the CRM does not like: the others must not suffer for it.
            Err(_) if piece.len() > 1 => {
                let (left, right) = piece.split_at(piece.len() / 2);
                pieces.extend([left, right]);
            }
            Err(kind) => {
                // The CRM's message may quote the number.
                let code = match &kind {
                    ConnectorErrorKind::Rejected { code, .. } => code,
                    _ => "",
                };
                warn!(target = %target.name, code, "A customer could not be looked up; the contact is logged without");
                add(&shared.counters.crm_failures, 1);
            }
        }
    }
    Ok(Ok(found))
}

/// The number to look up, with the address it was read from; `None` when it was looked up
/// already, is no number, or a flow has said who the customer is.
fn unknown_customer(workspace: &WorkspaceSetup, snapshot: &ContactSnapshot) -> Option<(PhoneNumber, String)> {
    let parts = kept_parts(snapshot);
    let contact = merge(&parts);
    let address = contact.customer.clone()?;
    if party(&parts).is_some_and(|party| party.customer == address) {
        return None;
    }
    let chosen = workspace.profile.call_log().and_then(|record| record.chosen.as_ref());
    if let (Some(chosen), Some(flow)) = (chosen, flow_fields(&parts))
        && flow.contains_key(&chosen.person)
    {
        return None;
    }
    Some((customer_number(&contact, &workspace.region)?, address))
}

/// Projects the contacts again, with what was found, and saves what is new.
async fn refresh(
    shared: &Shared,
    contacts: &[(WorkspaceName, ContactId)],
    found: &Found,
) -> Result<(), StoreError> {
    for _ in 0..REPEATS {
        let mut agents = Agents::default();
        let mut updates = Vec::new();
        for snapshot in shared.store.contacts(contacts).await? {
            let Some(workspace) = shared.workspaces.get(&snapshot.workspace) else { continue };
            let mut parts: Vec<KeptPart> = kept_parts(&snapshot);
            if parts.is_empty() {
                // Retention has removed what the row was made from: it is written as it stands.
                continue;
            }
            let mut changed = Vec::new();
            if let Some(party) = found.get(&(snapshot.workspace.clone(), snapshot.contact.clone())) {
                replace(&mut parts, party_part(party, shared.clock.now()));
                changed.push(PartKind::Party);
            }
            let view = view(shared, workspace, &snapshot, &parts, &mut agents).await?;
            let is_new = view.projected.iter().any(|projected| {
                snapshot.outbox.iter().any(|row| {
                    row.target == workspace.crm
                        && row.object == projected.object
                        && row.key == projected.key
                        && row.hash != projected.hash
                })
            });
            if is_new || !changed.is_empty() {
                updates.push(update(shared, workspace, &snapshot, &parts, &changed, &view, false));
            }
        }
        if updates.is_empty() || shared.store.save_contacts(updates, Vec::new()).await? {
            return Ok(());
        }
    }
    // What was claimed is written as it stands; the newer state is a generation of its own.
    warn!("Contacts kept changing while their rows were prepared");
    Ok(())
}
