use std::time::Duration;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tieline_core::{Allowance, ConnectionName, ContactId, HourOfCalls, Purpose, Report, Word, WorkspaceName};

use super::values::{
    count, from_json, from_word, id, ms, optional_id, optional_timestamp, rows, small, span_ms, timestamp,
    to_json,
};
use crate::{Budget, ClaimedRow, Due, OutboxEntry, OutboxPut, QueueDepths, RowMark, RowOutcome, StoreError};

const ROW: &str = "id, workspace, target, object, key_field, key, contact, version, fields, hash, generation, priority, \
                   state, attempts, not_before, lease, in_doubt, written_generation, written_hash, \
                   written_fields, record, dropped, error_code, error_message, created_at, updated_at";

/// Due, not leased, and not held back by a row that should go first.
const CLAIMABLE: &str = "o.target = ?1 AND o.object = ?2 AND o.state = 'wait' AND o.lease_until <= ?3
    AND (o.after_key IS NULL OR NOT EXISTS (
        SELECT 1 FROM outbox b WHERE b.workspace = o.workspace AND b.target = o.target
            AND b.object = o.after_object AND b.key = o.after_key AND b.state = 'wait' AND b.attempts < ?4))";

fn entry(row: &Row<'_>) -> Result<OutboxEntry, StoreError> {
    let fields: String = row.get("fields")?;
    let written_fields: Option<String> = row.get("written_fields")?;
    let dropped: Option<String> = row.get("dropped")?;
    Ok(OutboxEntry {
        id: row.get("id")?,
        workspace: id(row, "workspace", "workspace name")?,
        target: id(row, "target", "connection name")?,
        object: row.get("object")?,
        key_field: row.get("key_field")?,
        key: row.get("key")?,
        contact: match row.get_ref("contact")?.as_str() {
            Ok("") => None,
            _ => Some(id(row, "contact", "contact id")?),
        },
        version: optional_timestamp(row.get("version")?)?,
        fields: from_json("outbox row", &fields)?,
        hash: row.get("hash")?,
        generation: row.get("generation")?,
        priority: row.get("priority")?,
        state: from_word("outbox state", row.get("state")?)?,
        attempts: small(row.get("attempts")?),
        not_before: timestamp(row.get("not_before")?)?,
        written_generation: row.get("written_generation")?,
        written_hash: row.get("written_hash")?,
        written_fields: written_fields.map(|text| from_json("outbox row", &text)).transpose()?,
        record: optional_id(row, "record", "record id")?,
        dropped: dropped.map(|text| from_json("outbox row", &text)).transpose()?.unwrap_or_default(),
        error_code: row.get("error_code")?,
        error_message: row.get("error_message")?,
        created_at: timestamp(row.get("created_at")?)?,
        updated_at: timestamp(row.get("updated_at")?)?,
    })
}

pub(super) fn of_contact(
    db: &Connection,
    workspace: &WorkspaceName,
    contact: &ContactId,
) -> Result<Vec<OutboxEntry>, StoreError> {
    // What is said in files is for who writes them.
    let row = ROW.replace(" fields,", " CASE WHEN key_field = '' THEN '{}' ELSE fields END AS fields,");
    let mut select = db.prepare_cached(&format!(
        "SELECT {row} FROM outbox WHERE workspace = ?1 AND contact = ?2 ORDER BY id"
    ))?;
    let mut found = select.query([workspace.as_str(), contact.as_str()])?;
    let mut entries = Vec::new();
    while let Some(row) = found.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

pub(super) fn get(
    db: &Connection,
    workspace: &WorkspaceName,
    target: &ConnectionName,
    object: &str,
    key: &str,
) -> Result<Option<OutboxEntry>, StoreError> {
    db.prepare_cached(&format!(
        "SELECT {ROW} FROM outbox WHERE workspace = ?1 AND target = ?2 AND object = ?3 AND key = ?4"
    ))?
    .query_row(params![workspace.as_str(), target.as_str(), object, key], |row| Ok(entry(row)))
    .optional()?
    .transpose()
}

pub(super) fn put(
    db: &Connection,
    now: i64,
    workspace: &WorkspaceName,
    contact: Option<&ContactId>,
    origin: Option<(Timestamp, i64)>,
    put: &OutboxPut,
) -> Result<(), StoreError> {
    let (after_object, after_key) = match &put.after {
        Some((object, key)) => (Some(object), Some(key)),
        None => (None, None),
    };
    // The same content: only its time and urgency may come forward. Content that the CRM was
    // given last, with nothing sent since, needs no write at all: a file's is not kept again.
    db.prepare_cached(
        "INSERT INTO outbox (workspace, target, object, key, key_field, contact, fields, hash, generation,
                             after_object, after_key, priority, state, not_before, version, delivery,
                             created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, ?9, ?10, ?11, 'wait', ?12, ?14, ?15, ?13, ?13)
         ON CONFLICT (workspace, target, object, key) DO UPDATE SET
             generation = generation + (hash <> excluded.hash),
             fields = CASE WHEN key_field = '' AND excluded.hash = written_hash AND in_doubt = 0 THEN '{}'
                           ELSE excluded.fields END,
             after_object = excluded.after_object, after_key = excluded.after_key,
             attempts = CASE WHEN hash = excluded.hash THEN attempts ELSE 0 END,
             priority = CASE WHEN state = 'wait' THEN min(priority, excluded.priority)
                             ELSE excluded.priority END,
             not_before = CASE WHEN state = 'wait' THEN min(not_before, excluded.not_before)
                               ELSE excluded.not_before END,
             state = CASE WHEN hash = excluded.hash THEN state
                          WHEN excluded.hash = written_hash AND in_doubt = 0 THEN 'done'
                          ELSE 'wait' END,
             hash = excluded.hash,
             version = excluded.version, delivery = excluded.delivery,
             updated_at = excluded.updated_at
         WHERE version IS NULL OR excluded.version IS NULL OR excluded.version >= version",
    )?
    .execute(params![
        workspace.as_str(),
        put.target.as_str(),
        put.object,
        put.key,
        put.key_field,
        contact.map_or("", ContactId::as_str),
        to_json("outbox row", &put.fields)?,
        put.hash,
        after_object,
        after_key,
        put.priority,
        ms(put.not_before),
        now,
        origin.map(|(version, _)| ms(version)),
        origin.map(|(_, delivery)| delivery),
    ])?;
    Ok(())
}

pub(super) fn due(
    db: &Connection,
    now: i64,
    target: &ConnectionName,
    object: &str,
    patience: u32,
    limit: usize,
) -> Result<Due, StoreError> {
    let (found, priority, since): (i64, Option<u8>, Option<i64>) = db
        .prepare_cached(&format!(
            "SELECT count(*), min(priority), min(not_before) FROM (
                 SELECT priority, not_before FROM outbox o WHERE {CLAIMABLE} AND o.not_before <= ?3
                 ORDER BY priority, not_before, id LIMIT ?5)"
        ))?
        .query_row(params![target.as_str(), object, now, patience, rows(limit)], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let next: Option<i64> = db
        .prepare_cached(
            "SELECT min(max(not_before, lease_until)) FROM outbox
             WHERE target = ?1 AND object = ?2 AND state = 'wait' AND (not_before > ?3 OR lease_until > ?3)",
        )?
        .query_row(params![target.as_str(), object, now], |row| row.get(0))?;
    Ok(Due {
        rows: usize::try_from(found).unwrap_or(0),
        priority,
        since: optional_timestamp(since)?,
        next: optional_timestamp(next)?,
    })
}

pub(super) fn claim(
    db: &Connection,
    now: i64,
    target: &ConnectionName,
    object: &str,
    patience: u32,
    limit: usize,
    lease_for: Duration,
) -> Result<Vec<ClaimedRow>, StoreError> {
    let mut claim = db.prepare_cached(&format!(
        "UPDATE outbox SET lease = lower(hex(randomblob(16))), lease_until = ?6, in_doubt = in_doubt + 1
         WHERE id IN (SELECT id FROM outbox o WHERE {CLAIMABLE} AND o.not_before <= ?3
                      ORDER BY priority, not_before, id LIMIT ?5)
         RETURNING {ROW}"
    ))?;
    let mut found = claim.query(params![
        target.as_str(),
        object,
        now,
        patience,
        rows(limit),
        now.saturating_add(span_ms(lease_for)),
    ])?;
    let mut claimed = Vec::new();
    while let Some(row) = found.next()? {
        let in_doubt = row.get::<_, i64>("in_doubt")? > 1;
        claimed.push(ClaimedRow { entry: entry(row)?, lease: row.get("lease")?, in_doubt });
    }
    // RETURNING promises no order.
    claimed.sort_by_key(|row| (row.entry.priority, row.entry.not_before, row.entry.id));
    Ok(claimed)
}

pub(super) fn mark(db: &Connection, now: i64, marks: &[RowMark]) -> Result<(), StoreError> {
    for mark in marks {
        match &mark.outcome {
            RowOutcome::Written { record, created, dropped } => {
                let record = record.as_ref().map(|record| (record.as_str(), *created));
                written(db, now, mark, record, dropped)?;
            }
            RowOutcome::Unchanged => written(db, now, mark, None, &[])?,
            RowOutcome::Dead { code, message } => {
                // A newer generation may fare better: only the one that failed is dead.
                db.prepare_cached(
                    "UPDATE outbox SET state = CASE WHEN generation = ?3 THEN 'dead' ELSE state END,
                         attempts = attempts + 1, error_code = ?4, error_message = ?5,
                         in_doubt = max(in_doubt - 1, 0), lease = NULL, lease_until = 0, updated_at = ?6
                     WHERE id = ?1 AND lease = ?2",
                )?
                .execute(params![
                    mark.id,
                    mark.lease,
                    mark.generation,
                    code,
                    message,
                    now
                ])?;
            }
            RowOutcome::Retry { not_before, code, message, counts, in_doubt } => {
                // A claim adds a doubt. Only that one is taken away: an earlier claim whose outcome
                // nobody knows stays in doubt until the row is written.
                db.prepare_cached(
                    "UPDATE outbox SET attempts = attempts + ?3, error_code = ?4, error_message = ?5,
                         not_before = CASE WHEN generation = ?6 THEN ?7 ELSE not_before END,
                         in_doubt = max(in_doubt - ?9, 0),
                         lease = NULL, lease_until = 0, updated_at = ?8
                     WHERE id = ?1 AND lease = ?2",
                )?
                .execute(params![
                    mark.id,
                    mark.lease,
                    i64::from(*counts),
                    code,
                    message,
                    mark.generation,
                    ms(*not_before),
                    now,
                    i64::from(!*in_doubt),
                ])?;
            }
        }
    }
    Ok(())
}

/// Notes what the CRM holds now. This stands even when the lease was lost meanwhile: the write
/// did happen. What a file says is not kept any longer.
fn written(
    db: &Connection,
    now: i64,
    mark: &RowMark,
    record: Option<(&str, bool)>,
    dropped: &[String],
) -> Result<(), StoreError> {
    let dropped = if dropped.is_empty() { None } else { Some(to_json("outbox row", &dropped)?) };
    if let Some((record, created)) = record {
        let linked = db
            .prepare_cached(
                "INSERT INTO link (workspace, target, contact, role, record, made_by, linked_at)
                 SELECT workspace, target, contact, object, ?2, ?3, ?4 FROM outbox
                 WHERE id = ?1 AND contact <> '' AND key_field <> ''
                 ON CONFLICT (workspace, target, contact, role) DO UPDATE
                     SET record = excluded.record, linked_at = excluded.linked_at
                     WHERE record <> excluded.record",
            )?
            .execute(params![mark.id, record, if created { "tieline" } else { "found" }, now])?;
        if linked > 0 {
            // Rows that name this record were projected without it; files may have waited for it.
            db.prepare_cached(
                "UPDATE outbox SET state = 'wait', not_before = ?2, attempts = 0
                 WHERE (state = 'done' OR (state = 'wait' AND key_field = '')) AND (workspace, target, after_object, after_key) =
                     (SELECT workspace, target, object, key FROM outbox WHERE id = ?1)",
            )?
            .execute(params![mark.id, now])?;
        }
    }
    db.prepare_cached(
        "UPDATE outbox SET
             state = CASE WHEN generation = ?2 THEN 'done' ELSE state END,
             attempts = CASE WHEN generation = ?2 THEN 0 ELSE attempts END,
             fields = CASE WHEN generation = ?2 AND key_field = '' THEN '{}' ELSE fields END,
             written_generation = ?2, written_hash = ?3, written_fields = ?4,
             record = coalesce(?5, record), dropped = ?6, error_code = NULL, error_message = NULL,
             in_doubt = CASE WHEN lease = ?7 THEN 0 ELSE in_doubt END,
             lease_until = CASE WHEN lease = ?7 THEN 0 ELSE lease_until END,
             lease = CASE WHEN lease = ?7 THEN NULL ELSE lease END,
             updated_at = ?8
         WHERE id = ?1 AND written_generation <= ?2",
    )?
    .execute(params![
        mark.id,
        mark.generation,
        mark.hash,
        to_json("outbox row", &mark.fields)?,
        record.map(|(id, _)| id),
        dropped,
        mark.lease,
        now,
    ])?;
    Ok(())
}

pub(super) fn dead(db: &Connection, limit: usize) -> Result<Vec<OutboxEntry>, StoreError> {
    let mut select =
        db.prepare_cached(&format!("SELECT {ROW} FROM outbox WHERE state = 'dead' ORDER BY id LIMIT ?1"))?;
    let mut found = select.query([rows(limit)])?;
    let mut entries = Vec::new();
    while let Some(row) = found.next()? {
        entries.push(entry(row)?);
    }
    Ok(entries)
}

pub(super) fn revive(db: &Connection, now: i64, id: i64) -> Result<bool, StoreError> {
    let revived = db
        .prepare_cached(
            "UPDATE outbox SET state = 'wait', attempts = 0, not_before = ?2, updated_at = ?2
             WHERE id = ?1 AND state = 'dead'",
        )?
        .execute(params![id, now])?;
    if revived == 1 {
        // What made it, a field map for example, may have been mended: it is made once more.
        db.prepare_cached(
            "UPDATE delivery SET state = 'new', attempts = 0, lease_until = 0
             WHERE state = 'done' AND (id = (SELECT delivery FROM outbox WHERE id = ?1)
                 OR id IN (SELECT delivery FROM document_part WHERE outbox = ?1))",
        )?
        .execute([id])?;
    }
    Ok(revived == 1)
}

pub(super) fn sweep(db: &Connection, before: i64, limit: usize) -> Result<u64, StoreError> {
    let swept = db
        .prepare_cached(
            "DELETE FROM outbox WHERE id IN
             (SELECT id FROM outbox WHERE updated_at < ?1 AND state <> 'wait' LIMIT ?2)",
        )?
        .execute(params![before, rows(limit)])?;
    Ok(swept as u64)
}

pub(super) fn share_budget(
    db: &Connection,
    target: &ConnectionName,
    report: &Report,
    since: i64,
) -> Result<Budget, StoreError> {
    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    if let Some(Word { allowance, heard_at }) = report.word {
        // Replicas report out of order: the latest word stands.
        db.prepare_cached(
            "INSERT INTO budget (target, used, allowed, seen_at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (target) DO UPDATE SET used = excluded.used, allowed = excluded.allowed,
                 seen_at = excluded.seen_at WHERE excluded.seen_at >= seen_at",
        )?
        .execute(params![
            target.as_str(),
            number(allowance.used),
            number(allowance.allowed),
            ms(heard_at)
        ])?;
    }
    for one in &report.calls {
        db.prepare_cached(
            "INSERT INTO budget_calls (target, hour, purpose, calls) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (target, hour, purpose) DO UPDATE SET calls = calls + excluded.calls",
        )?
        .execute(params![target.as_str(), one.hour, one.purpose.as_str(), number(one.calls)])?;
    }
    db.prepare_cached("DELETE FROM budget_calls WHERE target = ?1 AND hour < ?2")?
        .execute(params![target.as_str(), since])?;
    let word: Option<(i64, i64, i64)> = db
        .prepare_cached("SELECT used, allowed, seen_at FROM budget WHERE target = ?1")?
        .query_row([target.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let word = word
        .map(|(used, allowed, seen_at)| {
            let allowance = Allowance { used: count(used), allowed: count(allowed) };
            Ok::<_, StoreError>(Word { allowance, heard_at: timestamp(seen_at)? })
        })
        .transpose()?;
    let calls: Vec<(i64, String, i64)> = db
        .prepare_cached("SELECT hour, purpose, calls FROM budget_calls WHERE target = ?1 ORDER BY hour")?
        .query_map([target.as_str()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    // A purpose of a newer version counts all the same, as the least urgent.
    let calls = calls.into_iter().map(|(hour, purpose, calls)| HourOfCalls {
        hour,
        purpose: Purpose::from_word(&purpose).unwrap_or(Purpose::Other),
        calls: count(calls),
    });
    Ok(Budget { word, calls: calls.collect() })
}

pub(super) fn depths(db: &Connection) -> Result<QueueDepths, StoreError> {
    let number = |sql: &str| -> Result<u64, StoreError> {
        Ok(count(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
    };
    Ok(QueueDepths {
        deliveries_new: number("SELECT count(*) FROM delivery WHERE state IN ('new', 'file')")?,
        deliveries_dead: number("SELECT count(*) FROM delivery WHERE state = 'dead'")?,
        outbox_wait: number("SELECT count(*) FROM outbox WHERE state = 'wait'")?,
        outbox_dead: number("SELECT count(*) FROM outbox WHERE state = 'dead'")?,
    })
}
