use rusqlite::{Connection, OptionalExtension, Row, params};
use tieline_core::WorkspaceName;

use super::values::{id, ms, timestamp};
use crate::{AttemptRow, SessionRow, StoreError};

pub(super) fn add_attempt(
    db: &Connection,
    workspace: &WorkspaceName,
    new: &AttemptRow,
) -> Result<bool, StoreError> {
    let inserted = db
        .prepare_cached(
            "INSERT INTO sign_in_attempt (workspace, attempt, state, document, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
        )?
        .execute(params![workspace.as_str(), new.attempt, new.state, new.document, ms(new.expires_at)])?;
    Ok(inserted == 1)
}

pub(super) fn attempt(
    db: &Connection,
    workspace: &WorkspaceName,
    attempt: &str,
    now: i64,
) -> Result<Option<AttemptRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT attempt, state, document, expires_at FROM sign_in_attempt
         WHERE workspace = ?1 AND attempt = ?2 AND expires_at > ?3",
    )?;
    let mut found = select.query(params![workspace.as_str(), attempt, now])?;
    found.next()?.map(attempt_row).transpose()
}

pub(super) fn move_attempt(
    db: &Connection,
    workspace: &WorkspaceName,
    attempt: &str,
    from: &str,
    to: &str,
    document: &str,
    now: i64,
) -> Result<bool, StoreError> {
    let changed = db
        .prepare_cached(
            "UPDATE sign_in_attempt SET state = ?4, document = ?5
             WHERE workspace = ?1 AND attempt = ?2 AND state = ?3 AND expires_at > ?6",
        )?
        .execute(params![workspace.as_str(), attempt, from, to, document, now])?;
    Ok(changed == 1)
}

pub(super) fn take_attempt(
    db: &Connection,
    workspace: &WorkspaceName,
    attempt: &str,
    state: &str,
    now: i64,
) -> Result<Option<AttemptRow>, StoreError> {
    let mut delete = db.prepare_cached(
        "DELETE FROM sign_in_attempt
         WHERE workspace = ?1 AND attempt = ?2 AND state = ?3 AND expires_at > ?4
         RETURNING attempt, state, document, expires_at",
    )?;
    let mut found = delete.query(params![workspace.as_str(), attempt, state, now])?;
    found.next()?.map(attempt_row).transpose()
}

fn attempt_row(row: &Row<'_>) -> Result<AttemptRow, StoreError> {
    Ok(AttemptRow {
        attempt: row.get("attempt")?,
        state: row.get("state")?,
        document: row.get("document")?,
        expires_at: timestamp(row.get("expires_at")?)?,
    })
}

pub(super) fn put_session(db: &Connection, new: &SessionRow) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO agent_session (hash, workspace, agent, document, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (hash) DO UPDATE SET document = excluded.document, expires_at = excluded.expires_at",
    )?
    .execute(params![
        new.hash,
        new.workspace.as_str(),
        new.agent.as_str(),
        new.document,
        ms(new.created_at),
        ms(new.expires_at),
    ])?;
    Ok(())
}

pub(super) fn session(
    db: &Connection,
    workspace: &WorkspaceName,
    hash: [u8; 32],
    now: i64,
) -> Result<Option<SessionRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT hash, workspace, agent, document, created_at, expires_at FROM agent_session
         WHERE hash = ?1 AND workspace = ?2 AND expires_at > ?3",
    )?;
    let mut found = select.query(params![hash, workspace.as_str(), now])?;
    found.next()?.map(session_row).transpose()
}

fn session_row(row: &Row<'_>) -> Result<SessionRow, StoreError> {
    Ok(SessionRow {
        hash: row.get("hash")?,
        workspace: id(row, "workspace", "workspace name")?,
        agent: id(row, "agent", "agent id")?,
        document: row.get("document")?,
        created_at: timestamp(row.get("created_at")?)?,
        expires_at: timestamp(row.get("expires_at")?)?,
    })
}

pub(super) fn delete_session(
    db: &Connection,
    workspace: &WorkspaceName,
    hash: [u8; 32],
) -> Result<bool, StoreError> {
    db.prepare_cached("DELETE FROM ticket WHERE session = ?1")?.execute([hash])?;
    let removed = db
        .prepare_cached("DELETE FROM agent_session WHERE hash = ?1 AND workspace = ?2")?
        .execute(params![hash, workspace.as_str()])?;
    Ok(removed == 1)
}

pub(super) fn put_ticket(
    db: &Connection,
    workspace: &WorkspaceName,
    ticket: [u8; 32],
    session: [u8; 32],
    expires: i64,
) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO ticket (hash, workspace, session, expires_at) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![ticket, workspace.as_str(), session, expires])?;
    Ok(())
}

pub(super) fn take_ticket(
    db: &Connection,
    workspace: &WorkspaceName,
    ticket: [u8; 32],
    now: i64,
) -> Result<Option<SessionRow>, StoreError> {
    let owner: Option<[u8; 32]> = db
        .prepare_cached(
            "DELETE FROM ticket WHERE hash = ?1 AND workspace = ?2 AND expires_at > ?3 RETURNING session",
        )?
        .query_row(params![ticket, workspace.as_str(), now], |row| row.get(0))
        .optional()?;
    match owner {
        Some(hash) => session(db, workspace, hash, now),
        None => Ok(None),
    }
}

pub(super) fn sweep(db: &Connection, expired_by: i64) -> Result<usize, StoreError> {
    let mut removed = 0;
    for sql in [
        "DELETE FROM sign_in_attempt WHERE expires_at <= ?1",
        "DELETE FROM agent_session WHERE expires_at <= ?1",
        "DELETE FROM ticket WHERE expires_at <= ?1",
    ] {
        removed += db.prepare_cached(sql)?.execute([expired_by])?;
    }
    Ok(removed)
}
