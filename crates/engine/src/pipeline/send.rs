//! Sends prepared rows and says what became of each.

use std::error::Error;
use std::future::Future;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tieline_core::{
    Attached, ConnectorError, ConnectorErrorKind, Crm, OutboxRow, RecordFile, RecordId, RowFailure,
    RowResult, error_chain,
};
use tieline_store::{RowMark, RowOutcome};
use tracing::{error, info, warn};

use super::metrics::add;
use super::prepare::Prepared;
use super::setup::Shared;
use super::writer::{Target, mark};

/// A row that failed this often by its own fault is given up.
const ATTEMPTS: u32 = 30;
/// The same for rows whose answers cannot be read.
const UNREADABLE: u32 = 10;
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
/// Most bytes of files in one call, unless one alone is longer.
const TEXT: usize = 512 * 1024;
/// A CRM that is down for longer than this needs a person.
const ALARM: Duration = Duration::from_secs(72 * 3600);

/// What became of one row.
pub(super) struct Sent {
    row: Prepared,
    outcome: RowOutcome,
    /// Somebody else held the record.
    pub locked: bool,
}

impl Sent {
    pub fn into_mark(self) -> RowMark {
        mark(&self.row, self.outcome)
    }
}

/// Sends the rows. A request that the CRM refuses as a whole is halved until the row is found
/// that it does not like; `began` is when the rows were claimed.
pub(super) async fn send(shared: &Shared, target: &Target, rows: Vec<Prepared>, began: Instant) -> Vec<Sent> {
    // What is not sent by then could be claimed by somebody else while it is under way.
    let last_start = began + shared.options.lease.saturating_sub(shared.options.request);
    let mut sent = Vec::with_capacity(rows.len());
    let mut pieces = pieces(target, rows);
    while let Some(piece) = pieces.pop() {
        if Instant::now() > last_start {
            let again = shared.clock.now();
            let message = "the batch took too long";
            sent.extend(piece.into_iter().map(|row| retry(row, again, "OUT_OF_TIME", message, false)));
            continue;
        }
        let request: Vec<OutboxRow> = piece.iter().map(|row| row.row.clone()).collect();
        match write(shared, target, &request).await {
            Ok(results) if results.len() == piece.len() => {
                let outcomes = piece.into_iter().zip(results);
                sent.extend(outcomes.map(|(row, result)| outcome(shared, row, result)));
            }
            Ok(results) => {
                let message = format!("{} results for {} rows", results.len(), piece.len());
                sent.extend(piece.into_iter().map(|row| unreadable(shared, row, &message)));
            }
            Err(ConnectorErrorKind::AllowanceKept { retry_after }) if target.is_spare(&request[0].object) => {
                // What is more urgent goes on.
                let until = kept_until(shared, retry_after);
                let rest = std::iter::once(piece).chain(pieces.drain(..)).flatten();
                sent.extend(rest.map(|row| retry(row, until, "ALLOWANCE_KEPT", "", false)));
            }
            Err(kind) if kind.is_target_down() => {
                let until = retry_at(shared, target, &kind);
                let message = error_chain(&kind);
                // Those that were under way go to the end of the line, so that the next probe is
                // another row: one that breaks the CRM must not keep the others away for ever.
                let later = until.checked_add(Duration::from_millis(1)).unwrap_or(until);
                sent.extend(piece.into_iter().map(|row| retry(row, later, "TARGET_DOWN", &message, true)));
                let rest = pieces.drain(..).flatten();
                sent.extend(rest.map(|row| retry(row, until, "TARGET_DOWN", &message, false)));
            }
            Err(kind @ ConnectorErrorKind::Malformed { .. }) => {
                let message = error_chain(&kind);
                sent.extend(piece.into_iter().map(|row| unreadable(shared, row, &message)));
            }
            Err(kind) if piece.len() == 1 => {
                let (code, message) = match kind {
                    ConnectorErrorKind::Rejected { code, message, .. } => (code, message),
                    other => ("REFUSED".to_owned(), error_chain(&other)),
                };
                let outcome = RowOutcome::Dead { code, message };
                sent.extend(piece.into_iter().map(|row| Sent {
                    row,
                    outcome: outcome.clone(),
                    locked: false,
                }));
            }
            Err(_) => {
                let mut left = piece;
                let right = left.split_off(left.len() / 2);
                pieces.extend([right, left]);
            }
        }
    }
    sent
}

/// One request holds rows of one key field, as workspaces may map differently, and of files no more
/// than can be sent in its time.
fn pieces(target: &Target, rows: Vec<Prepared>) -> Vec<Vec<Prepared>> {
    let text = |row: &Prepared| {
        let text = row.row.fields.get("text").filter(|_| target.is_of_files(&row.row.object));
        text.and_then(serde_json::Value::as_str).map_or(0, str::len)
    };
    let mut pieces: Vec<(usize, Vec<Prepared>)> = Vec::new();
    for row in rows {
        let length = text(&row);
        let fits = |(sum, piece): &&mut (usize, Vec<Prepared>)| {
            piece[0].row.key_field == row.row.key_field && *sum + length <= TEXT
        };
        match pieces.iter_mut().find(fits) {
            Some((sum, piece)) => {
                *sum += length;
                piece.push(row);
            }
            None => pieces.push((length, vec![row])),
        }
    }
    pieces.into_iter().map(|(_, piece)| piece).collect()
}

fn outcome(shared: &Shared, row: Prepared, result: RowResult) -> Sent {
    match result {
        Ok(written) => {
            let outcome = RowOutcome::Written {
                record: written.record,
                created: written.created,
                dropped: written.dropped,
            };
            Sent { row, outcome, locked: false }
        }
        Err(RowFailure::Permanent { code, message }) => {
            Sent { row, outcome: RowOutcome::Dead { code, message }, locked: false }
        }
        Err(RowFailure::Contention { code, message }) if row.attempts + 1 >= ATTEMPTS => {
            Sent { row, outcome: RowOutcome::Dead { code, message }, locked: true }
        }
        Err(RowFailure::Contention { code, message }) => {
            let not_before = row_backoff(shared, row.id, row.attempts);
            let outcome = RowOutcome::Retry { not_before, code, message, counts: true, in_doubt: false };
            Sent { row, outcome, locked: true }
        }
    }
}

/// The answer was cut or has another form: whether the row was written is unknown, and writing
/// it again is safe.
fn unreadable(shared: &Shared, row: Prepared, message: &str) -> Sent {
    let (code, message) = ("UNREADABLE_ANSWER".to_owned(), message.to_owned());
    let outcome = if row.attempts + 1 >= UNREADABLE {
        RowOutcome::Dead { code, message }
    } else {
        RowOutcome::Retry {
            not_before: row_backoff(shared, row.id, row.attempts),
            code,
            message,
            counts: true,
            in_doubt: true,
        }
    };
    Sent { row, outcome, locked: false }
}

/// By no fault of the row's; `in_doubt` when it was sent and nobody knows what became of it.
fn retry(row: Prepared, not_before: Timestamp, code: &str, message: &str, in_doubt: bool) -> Sent {
    let (code, message) = (code.to_owned(), message.to_owned());
    let outcome = RowOutcome::Retry { not_before, code, message, counts: false, in_doubt };
    Sent { row, outcome, locked: false }
}

/// One second, doubling to a minute, spread by the row so that a locked batch does not come
/// back as one.
pub(super) fn row_backoff(shared: &Shared, row: i64, attempts: u32) -> Timestamp {
    let backoff = FIRST_BACKOFF.saturating_mul(1 << attempts.min(10)).min(LONGEST_BACKOFF);
    let spread = (row.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % 250;
    let backoff = backoff + backoff.mul_f64(f64::from(u32::try_from(spread).unwrap_or(0)) / 1000.0);
    let now = shared.clock.now();
    now.checked_add(backoff).unwrap_or(now)
}

/// Makes one call to the CRM within its time.
pub(super) async fn call<T>(
    shared: &Shared,
    future: impl Future<Output = Result<T, ConnectorError>> + Send,
) -> Result<T, ConnectorErrorKind> {
    add(&shared.counters.crm_calls, 1);
    match tokio::time::timeout(shared.options.request, future).await {
        Ok(result) => result.map_err(|error| error.kind),
        Err(elapsed) => {
            Err(ConnectorErrorKind::Unreachable(Box::new(elapsed) as Box<dyn Error + Send + Sync>))
        }
    }
}

/// Makes one write. Only a write that is answered closes the circuit: a CRM may go on reading
/// while it takes no writes, and pauses must grow all the same.
async fn write(
    shared: &Shared,
    target: &Target,
    request: &[OutboxRow],
) -> Result<Vec<RowResult>, ConnectorErrorKind> {
    let crm = target.crm_for(&request[0].object);
    let result = if target.is_of_files(&request[0].object) {
        attach(shared, crm.as_ref(), request).await
    } else {
        call(shared, crm.write(request)).await
    };
    if !result.as_ref().is_err_and(ConnectorErrorKind::is_target_down) && target.circuit.answered() {
        info!(target = %target.name, "The CRM answers again");
    }
    result
}

/// Rows of files: the key is the record they stand with.
async fn attach(
    shared: &Shared,
    crm: &dyn Crm,
    request: &[OutboxRow],
) -> Result<Vec<RowResult>, ConnectorErrorKind> {
    let read = |row: &OutboxRow| {
        let file: RecordFile = serde_json::from_value(serde_json::Value::Object(row.fields.clone())).ok()?;
        Some((RecordId::new(&row.key).ok()?, file))
    };
    let Some(files) = request.iter().map(read).collect::<Option<Vec<_>>>() else {
        let (code, message) = ("NOT_A_FILE".to_owned(), "the row is no file".to_owned());
        return Err(ConnectorErrorKind::Rejected { status: 400, code, message });
    };
    let attached: Vec<_> = files
        .iter()
        .zip(request)
        .map(|((parent, file), row)| Attached { parent, file, record: row.record.as_ref() })
        .collect();
    call(shared, crm.attach(&attached)).await
}

/// When what waits for the CRM's daily calls is tried again.
pub(super) fn kept_until(shared: &Shared, retry_after: Option<Duration>) -> Timestamp {
    let now = shared.clock.now();
    now.checked_add(retry_after.unwrap_or(LONGEST_BACKOFF)).unwrap_or(now)
}

/// Opens the circuit; answers when the next probe may go.
pub(super) fn retry_at(shared: &Shared, target: &Target, kind: &ConnectorErrorKind) -> Timestamp {
    add(&shared.counters.crm_failures, 1);
    let asked = match kind {
        ConnectorErrorKind::Throttled { retry_after } | ConnectorErrorKind::AllowanceKept { retry_after } => {
            *retry_after
        }
        // Wrong credentials do not mend themselves within seconds.
        ConnectorErrorKind::Unauthorized => Some(LONGEST_BACKOFF),
        _ => None,
    };
    let now = shared.clock.now();
    let until = target.circuit.failed(now, asked);
    let down = target.circuit.down_since().unwrap_or(now);
    if now.duration_since(down) > ALARM.try_into().unwrap_or_default() {
        error!(target = %target.name, error = error_chain(kind), "The CRM has been down for three days");
    } else {
        warn!(target = %target.name, error = error_chain(kind), until = %until, "The CRM does not answer; writing pauses");
    }
    until
}
