//! Writes what is due to one CRM connection, batch by batch.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tieline_core::{ConnectionName, Crm, Purpose};
use tieline_store::{ClaimedRow, Due, RowMark, RowOutcome, StoreError};
use tokio::sync::Notify;
use tracing::warn;

use super::budget::{self, Sharing};
use super::circuit::{Circuit, Pass};
use super::metrics::add;
use super::prepare::{Prepared, prepare};
use super::send::{Sent, send};
use super::setup::Shared;
use super::timing::WAITED_FOR;

/// Most rows of one request.
pub(super) const BATCH: usize = 200;
/// The same of files, which may be megabytes each.
const FILES: usize = 10;
/// Rows of one transaction: few enough that intake, which waits behind it, hardly notices.
pub(super) const PIECE: usize = 50;
/// Fewest rows a batch shrinks to when rows are locked.
const SMALLEST_BATCH: usize = 10;
/// A row that comes after another goes without it once that has failed this often.
const PATIENCE: u32 = 3;
/// Longest a writer sleeps without looking.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// One CRM connection, as the pipeline sees it.
pub(super) struct Target {
    pub name: ConnectionName,
    pub crm: Arc<dyn Crm>,
    /// In the order they are written.
    pub objects: Vec<String>,
    /// Those of them whose writes wait first when the CRM's daily calls run low.
    spare: Vec<String>,
    /// The object of files that stand with records, where any are kept.
    pub files: Option<String>,
    /// The CRM, for those.
    spare_crm: Arc<dyn Crm>,
    pub circuit: Circuit,
    pub wake: Notify,
    /// Rows of one request at present, by object: fewer while rows are locked.
    sizes: Mutex<HashMap<String, usize>>,
    pub sharing: Sharing,
    /// Fields the CRM lacks that were told of, by object.
    told: Mutex<HashSet<(String, String)>>,
}

impl Target {
    /// With no `spare` object there are no files either.
    pub fn new(
        name: ConnectionName,
        crm: Arc<dyn Crm>,
        mut objects: Vec<String>,
        mut spare: Vec<String>,
    ) -> Self {
        let files = crm.file_object().filter(|_| !spare.is_empty()).map(str::to_owned);
        if let Some(files) = &files {
            objects.push(files.clone());
            spare.push(files.clone());
        }
        Self {
            name,
            files,
            spare_crm: crm.with_purpose(Purpose::Other).unwrap_or_else(|| Arc::clone(&crm)),
            crm,
            objects,
            spare,
            circuit: Circuit::default(),
            wake: Notify::new(),
            sizes: Mutex::default(),
            sharing: Sharing::default(),
            told: Mutex::default(),
        }
    }

    /// The CRM, for calls about `object`.
    pub fn crm_for(&self, object: &str) -> &Arc<dyn Crm> {
        if self.is_spare(object) { &self.spare_crm } else { &self.crm }
    }

    pub fn is_spare(&self, object: &str) -> bool {
        self.spare.iter().any(|spare| spare == object)
    }

    pub fn is_of_files(&self, object: &str) -> bool {
        self.files.as_deref() == Some(object)
    }

    fn most(&self, object: &str) -> usize {
        if self.is_of_files(object) { FILES } else { BATCH }
    }

    fn size(&self, object: &str) -> usize {
        let sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        sizes.get(object).copied().unwrap_or_else(|| self.most(object))
    }

    /// Whether nobody was told yet that the CRM has no such field.
    pub fn is_news(&self, object: &str, field: &str) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert((object.to_owned(), field.to_owned()))
    }

    /// Locks mean that we collide with ourselves or others: smaller batches hold fewer records.
    fn resize(&self, object: &str, locked: bool) {
        let mut sizes = self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        let most = self.most(object);
        let size = sizes.entry(object.to_owned()).or_insert(most);
        *size = if locked { (*size / 2).max(SMALLEST_BATCH) } else { (*size * 2).min(most) };
    }
}

/// What a writer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Look again at once.
    Again,
    /// Nothing before this, unless woken.
    Wait(Timestamp),
}

/// Whether rows that are due wait a moment for company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    Wait,
    Go,
}

/// Writes at most one batch.
pub(super) async fn step(shared: &Shared, target: &Target, company: Company) -> Result<Next, StoreError> {
    let now = shared.clock.now();
    let most = match target.circuit.pass(now) {
        Pass::Free => BATCH,
        Pass::Probe => 1,
        Pass::Wait(until) => return Ok(Next::Wait(until)),
    };
    if let Some(until) = budget::waits(shared, target, now).await? {
        return Ok(Next::Wait(until));
    }
    let mut wake = now.checked_add(LONGEST_NAP).unwrap_or(Timestamp::MAX);
    for object in &target.objects {
        let limit = most.min(target.size(object));
        let due = shared.store.due_rows(&target.name, object, PATIENCE, limit).await?;
        if let Some(next) = due.next {
            wake = wake.min(next);
        }
        if due.rows == 0 {
            continue;
        }
        if target.is_spare(object)
            && let Some(until) = budget::spare_waits(target, now)
        {
            wake = wake.min(until);
            continue;
        }
        if let Some(until) = lingers(shared, &due, limit, now, company).await? {
            wake = wake.min(until);
            continue;
        }
        let lease = shared.options.lease;
        let rows = shared.store.claim_rows(&target.name, object, PATIENCE, limit, lease).await?;
        if !rows.is_empty() {
            write(shared, target, object, rows).await?;
            return Ok(Next::Again);
        }
    }
    Ok(Next::Wait(wake))
}

/// Until when the due rows wait for company, if they do.
async fn lingers(
    shared: &Shared,
    due: &Due,
    limit: usize,
    now: Timestamp,
    company: Company,
) -> Result<Option<Timestamp>, StoreError> {
    if company == Company::Go || due.rows >= limit || due.priority == Some(WAITED_FOR) {
        return Ok(None);
    }
    let since = due.since.unwrap_or(now);
    let until = |span| since.checked_add(span).unwrap_or(now);
    let short = until(shared.options.linger);
    if short > now {
        return Ok(Some(short));
    }
    let long = until(shared.options.linger_in_burst);
    if long > now && shared.store.waiting_deliveries().await? > 0 {
        // Looked at again soon: the burst may be over before the long wait is.
        let soon = now.checked_add(shared.options.linger).unwrap_or(long);
        return Ok(Some(soon.min(long)));
    }
    Ok(None)
}

async fn write(
    shared: &Shared,
    target: &Target,
    object: &str,
    rows: Vec<ClaimedRow>,
) -> Result<(), StoreError> {
    let began = std::time::Instant::now();
    let (prepared, mut marks) = prepare(shared, target, rows).await?;
    let to_send = prepared.len();
    let sent = send(shared, target, prepared, began).await;
    let locked = sent.iter().any(|sent| sent.locked);
    if to_send > 0 {
        target.resize(object, locked);
    }
    marks.extend(sent.into_iter().map(Sent::into_mark));
    count(shared, &marks);
    for piece in marks.chunks(PIECE) {
        shared.store.mark_rows(piece.to_vec()).await?;
    }
    shared.marked.notify_waiters();
    Ok(())
}

fn count(shared: &Shared, marks: &[RowMark]) {
    let counters = &shared.counters;
    for mark in marks {
        match &mark.outcome {
            RowOutcome::Written { created, dropped, .. } => {
                add(&counters.rows_written, 1);
                add(&counters.rows_created, usize::from(*created));
                if !dropped.is_empty() {
                    add(&counters.rows_partial, 1);
                    warn!(row.id = mark.id, fields = ?dropped, "The CRM does not have these fields; the rest was written");
                }
            }
            RowOutcome::Unchanged => add(&counters.rows_unchanged, 1),
            RowOutcome::Retry { .. } => add(&counters.rows_retried, 1),
            RowOutcome::Dead { code, .. } => {
                add(&counters.rows_dead, 1);
                // The CRM's message may quote what a customer said: it is in the store, not in the log.
                warn!(
                    row.id = mark.id,
                    code, "The CRM refused a record for good; it is kept as a dead letter"
                );
            }
        }
    }
}

/// What became of a row as it was prepared: its newest generation, which may be newer than the one claimed.
pub(super) fn mark(row: &Prepared, outcome: RowOutcome) -> RowMark {
    RowMark {
        id: row.id,
        lease: row.lease.clone(),
        generation: row.generation,
        hash: row.hash.clone(),
        fields: row.fields.clone(),
        outcome,
    }
}
