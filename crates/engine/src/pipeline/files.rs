//! Files that deliveries tell of: read from the contact center's storage, made into outbox rows.
//!
//! Decoding only notes that a delivery tells of files; they are read here, so that a slow storage
//! holds up no contact. What cannot be read now is tried again for as long as it takes, with the
//! delivery still waiting; what can never be read is a dead letter that can be replayed. A file's
//! rows are written in pieces, the delivery is done with the last: killed in between, it is read again,
//! which changes nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use jiff::Timestamp;
use tieline_core::{
    ConnectionName, ConnectorErrorKind, Delivery, FileContents, FileError, Telling, error_chain,
};
use tieline_store::{DeliveryMark, DeliveryOutcome, DocumentPut, StoreError, StoredDelivery};
use tracing::{error, info, warn};

use super::documents::{puts, tells_regions_apart};
use super::metrics::add;
use super::send::kept_until;
use super::setup::{CONTACT_RECORD, Shared};

/// Deliveries read at a time: each may hold a file of 64 MB in memory.
const AT_ONCE: usize = 2;
/// How long one is ours; longer than reading and writing it takes.
const LEASE: Duration = Duration::from_secs(180);
/// Rows of one transaction: few enough that intake, which waits behind it, hardly notices.
const PIECE: usize = 100;
const FIRST_BACKOFF: Duration = Duration::from_secs(5);
const LONGEST_BACKOFF: Duration = Duration::from_secs(900);
/// A file that cannot be read for longer than this needs a person.
const ALARM: Duration = Duration::from_secs(72 * 3600);
/// Said of what came when somebody kept it.
pub(super) const NOT_KEPT: &str = "no workspace keeps what is in files any more";
/// Refused rows of one file that are told one by one; their number is always told.
const TOLD: usize = 100;

/// What is to be read for the delivery, and whether it is to be decoded as well.
pub(super) fn telling(shared: &Shared, connection: &ConnectionName, delivery: &Delivery) -> Telling {
    let source = shared.contact_centers.get(connection).and_then(|center| center.files());
    source.map_or(Telling::Nothing, |source| source.tells_of_files(delivery, &wanted(shared, connection)))
}

/// Names of the field maps that workspaces have for what is in files.
fn wanted<'a>(shared: &'a Shared, connection: &ConnectionName) -> Vec<&'a str> {
    let names: BTreeSet<&str> = shared
        .workspaces_of(connection)
        .flat_map(|workspace| workspace.records.maps.keys())
        .map(String::as_str)
        .filter(|name| *name != CONTACT_RECORD)
        .collect();
    names.into_iter().collect()
}

/// Reads some; `false` when nothing waits.
pub(super) async fn step(shared: &Shared) -> Result<bool, StoreError> {
    let claimed = shared.store.claim_files(AT_ONCE, LEASE).await?;
    if claimed.is_empty() {
        return Ok(false);
    }
    for done in join_all(claimed.iter().map(|delivery| take(shared, delivery))).await {
        done?;
    }
    shared.wake_writers();
    Ok(true)
}

async fn take(shared: &Shared, delivery: &StoredDelivery) -> Result<(), StoreError> {
    let (mut rows, failure) = match made(shared, delivery).await {
        Ok(made) => made,
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let outcome = match failure {
        None => DeliveryOutcome::Done,
        Some(NotMade::Never(error)) => {
            warn!(delivery.id = delivery.id, error, "A file cannot be used; its delivery is a dead letter");
            add(&shared.counters.deliveries_dead, 1);
            DeliveryOutcome::Dead { error }
        }
        Some(NotMade::Later { not_before, error }) => {
            let waits = shared.clock.now().duration_since(delivery.delivery.received_at);
            if waits > ALARM.try_into().unwrap_or_default() {
                error!(delivery.id = delivery.id, error, "A file could not be read for three days");
            } else {
                warn!(delivery.id = delivery.id, error, until = %not_before, "A file waits to be read");
            }
            DeliveryOutcome::Later { not_before, error }
        }
    };
    if outcome == DeliveryOutcome::Done {
        add(&shared.counters.deliveries_decoded, 1);
    }
    let mark = DeliveryMark { id: delivery.id, outcome };
    loop {
        let rest = rows.split_off(rows.len().min(PIECE));
        let marks = if rest.is_empty() { vec![mark.clone()] } else { Vec::new() };
        shared.store.save_delivered(Vec::new(), rows, marks).await?;
        if rest.is_empty() {
            return Ok(());
        }
        rows = rest;
    }
}

enum NotMade {
    Later { not_before: Timestamp, error: String },
    Never(String),
}

/// The rows, and why they are not all, where they are not.
async fn made(
    shared: &Shared,
    delivery: &StoredDelivery,
) -> Result<(Vec<DocumentPut>, Option<NotMade>), NotMade> {
    let center = shared.contact_centers.get(&delivery.connection);
    let Some(source) = center.and_then(|center| center.files()) else {
        return Err(NotMade::Never("the connection has no `files` any more".into()));
    };
    let maps = wanted(shared, &delivery.connection);
    if maps.is_empty() {
        return Err(NotMade::Never(NOT_KEPT.into()));
    }
    let contents = source.read(&delivery.delivery, &maps).await;
    let FileContents { documents, refused, left_alone, unfinished } =
        contents.map_err(|failure| not_read(shared, delivery, &failure))?;
    add(&shared.counters.rows_left_out, refused.len());
    for (line, code) in refused.iter().take(TOLD) {
        warn!(delivery.id = delivery.id, line, code, "A row of a file is no record and is left out");
    }
    let mut rows = Vec::with_capacity(documents.len());
    let mut never = None;
    for workspace in shared.workspaces_of(&delivery.connection) {
        let mut of_map = None;
        for document in &documents {
            let Some(map) = workspace.records.maps.get(document.map) else { continue };
            let apart = match of_map {
                Some((name, apart)) if name == document.map => apart,
                _ => {
                    let target = &shared.targets[&workspace.crm];
                    let apart = tells_regions_apart(target, &workspace.records, map).await;
                    apart.map_err(|kind| crm_down(shared, delivery, &kind))?
                }
            };
            of_map = Some((document.map, apart));
            // What cannot become a row is no reason to leave the others out.
            match puts(shared, workspace, delivery, document, apart) {
                Ok(made) => rows.extend(made),
                Err(error) => never = never.or(Some(error)),
            }
        }
    }
    info!(
        delivery.id = delivery.id,
        rows = rows.len(),
        refused = refused.len(),
        left_alone,
        "Read what a delivery tells of"
    );
    let unfinished = unfinished.map(|failure| not_read(shared, delivery, &failure));
    Ok((rows, unfinished.or(never.map(NotMade::Never))))
}

fn not_read(shared: &Shared, delivery: &StoredDelivery, failure: &FileError) -> NotMade {
    match failure {
        FileError::Later { .. } => {
            NotMade::Later { not_before: backoff(shared, delivery), error: failure.to_string() }
        }
        FileError::Never { .. } => NotMade::Never(failure.to_string()),
    }
}

/// Without the CRM's description rows might get ids of their own: it is waited for.
fn crm_down(shared: &Shared, delivery: &StoredDelivery, kind: &ConnectorErrorKind) -> NotMade {
    match kind {
        ConnectorErrorKind::AllowanceKept { retry_after } => {
            NotMade::Later { not_before: kept_until(shared, *retry_after), error: error_chain(kind) }
        }
        kind if kind.is_target_down() => {
            NotMade::Later { not_before: backoff(shared, delivery), error: error_chain(kind) }
        }
        kind => NotMade::Never(error_chain(kind)),
    }
}

fn backoff(shared: &Shared, delivery: &StoredDelivery) -> Timestamp {
    let backoff = FIRST_BACKOFF.saturating_mul(1 << delivery.attempts.saturating_sub(1).min(8));
    let now = shared.clock.now();
    now.checked_add(backoff.min(LONGEST_BACKOFF)).unwrap_or(now)
}
