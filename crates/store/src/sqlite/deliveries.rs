use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use tieline_core::{ConnectionName, Delivery, DeliverySource};

use super::values::{count, from_word, id, ms, rows, small, span_ms, timestamp};
use crate::{DeadDelivery, DeliveryMark, DeliveryOutcome, Insertion, StoreError, StoredDelivery};

pub(super) fn add(
    db: &Connection,
    connection: &ConnectionName,
    deliveries: &[Delivery],
) -> Result<Vec<Insertion>, StoreError> {
    let mut insert = db.prepare_cached(
        "INSERT INTO delivery (connection, source, dedupe_key, body, received_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (connection, source, dedupe_key) DO NOTHING",
    )?;
    let mut insertions = Vec::with_capacity(deliveries.len());
    for delivery in deliveries {
        let inserted = insert.execute(params![
            connection.as_str(),
            delivery.source.as_str(),
            delivery.dedupe_key,
            delivery.body,
            delivery.received_at.as_millisecond(),
        ])?;
        insertions.push(if inserted == 0 { Insertion::Duplicate } else { Insertion::Stored });
    }
    Ok(insertions)
}

pub(super) fn claim(
    db: &Connection,
    state: &'static str,
    now: i64,
    limit: usize,
    lease: Duration,
) -> Result<Vec<StoredDelivery>, StoreError> {
    // The state as text, so that the index of that state is used.
    let mut claim = db.prepare_cached(&format!(
        "UPDATE delivery SET lease_until = ?1, attempts = attempts + 1
         WHERE id IN (SELECT id FROM delivery WHERE state = '{state}' AND lease_until <= ?2 ORDER BY id LIMIT ?3)
         RETURNING id, connection, source, dedupe_key, body, received_at, attempts"
    ))?;
    let mut found = claim.query(params![now.saturating_add(span_ms(lease)), now, rows(limit)])?;
    let mut claimed = Vec::new();
    while let Some(row) = found.next()? {
        claimed.push(stored(row)?);
    }
    // RETURNING promises no order.
    claimed.sort_by_key(|delivery| delivery.id);
    Ok(claimed)
}

fn stored(row: &Row<'_>) -> Result<StoredDelivery, StoreError> {
    let source: DeliverySource = from_word("delivery source", row.get("source")?)?;
    Ok(StoredDelivery {
        id: row.get("id")?,
        connection: id(row, "connection", "connection name")?,
        delivery: Delivery {
            source,
            dedupe_key: row.get("dedupe_key")?,
            body: row.get("body")?,
            received_at: timestamp(row.get("received_at")?)?,
        },
        attempts: small(row.get("attempts")?),
    })
}

pub(super) fn waiting(db: &Connection) -> Result<u64, StoreError> {
    let waiting = db
        .prepare_cached("SELECT count(*) FROM delivery WHERE state = 'new'")?
        .query_row([], |r| r.get(0))?;
    Ok(count(waiting))
}

pub(super) fn dead(db: &Connection, limit: usize) -> Result<Vec<DeadDelivery>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT id, connection, source, received_at, attempts, error, length(body) AS bytes
         FROM delivery WHERE state = 'dead' ORDER BY id LIMIT ?1",
    )?;
    let mut found = select.query([rows(limit)])?;
    let mut dead = Vec::new();
    while let Some(row) = found.next()? {
        dead.push(DeadDelivery {
            id: row.get("id")?,
            connection: id(row, "connection", "connection name")?,
            source: row.get("source")?,
            received_at: timestamp(row.get("received_at")?)?,
            attempts: small(row.get("attempts")?),
            error: row.get::<_, Option<String>>("error")?.unwrap_or_default(),
            bytes: count(row.get("bytes")?),
        });
    }
    Ok(dead)
}

pub(super) fn get(db: &Connection, id: i64) -> Result<Option<StoredDelivery>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT id, connection, source, dedupe_key, body, received_at, attempts FROM delivery WHERE id = ?1",
    )?;
    select.query_row([id], |row| Ok(stored(row))).optional()?.transpose()
}

pub(super) fn revive(db: &Connection, id: i64) -> Result<bool, StoreError> {
    let revived = db
        .prepare_cached(
            "UPDATE delivery SET state = 'new', attempts = 0, lease_until = 0, error = NULL
             WHERE id = ?1 AND state = 'dead'",
        )?
        .execute([id])?;
    Ok(revived == 1)
}

pub(super) fn mark(db: &Connection, marks: &[DeliveryMark]) -> Result<(), StoreError> {
    let mut end = db.prepare_cached(
        "UPDATE delivery SET state = ?2, error = ?3, lease_until = 0 WHERE id = ?1 AND state IN ('new', 'file')",
    )?;
    let mut file = db.prepare_cached(
        "UPDATE delivery SET state = 'file', attempts = 0, lease_until = 0 WHERE id = ?1 AND state = 'new'",
    )?;
    let mut later = db.prepare_cached(
        "UPDATE delivery SET lease_until = ?2, error = ?3 WHERE id = ?1 AND state IN ('new', 'file')",
    )?;
    for mark in marks {
        match &mark.outcome {
            DeliveryOutcome::Done => end.execute(params![mark.id, "done", None::<&str>])?,
            DeliveryOutcome::Dead { error } => end.execute(params![mark.id, "dead", error])?,
            DeliveryOutcome::File => file.execute(params![mark.id])?,
            DeliveryOutcome::Later { not_before, error } => {
                later.execute(params![mark.id, ms(*not_before), error])?
            }
        };
    }
    Ok(())
}

pub(super) fn sweep(db: &Connection, before: i64, limit: usize) -> Result<u64, StoreError> {
    let swept = db
        .prepare_cached(
            "DELETE FROM delivery WHERE id IN
             (SELECT id FROM delivery WHERE received_at < ?1 AND state NOT IN ('new', 'file') ORDER BY received_at LIMIT ?2)",
        )?
        .execute(params![before, rows(limit)])?;
    Ok(swept as u64)
}
