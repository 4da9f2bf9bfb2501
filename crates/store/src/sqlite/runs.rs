use jiff::Timestamp;
use rusqlite::{Connection, Row, params};
use tieline_core::{AgentId, ContactId, WorkspaceName};

use super::values::{count, id, ms, optional_id, optional_timestamp, rows, timestamp};
use crate::{RunEnd, RunFilter, RunRow, RunState, SeenEvent, StoreError};

pub(super) fn record_event(
    db: &Connection,
    event: &SeenEvent,
    opened: &[RunRow],
) -> Result<bool, StoreError> {
    let inserted = db
        .prepare_cached(
            "INSERT INTO seen
             (workspace, agent, key, contact, source, event, life_cycle, handled_locally, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT DO NOTHING",
        )?
        .execute(params![
            event.workspace.as_str(),
            event.agent.as_str(),
            event.key,
            event.contact.as_ref().map(ContactId::as_str),
            event.source,
            event.event,
            event.life_cycle,
            event.handled_locally,
            ms(event.seen_at),
        ])?;
    if inserted == 0 {
        return Ok(false);
    }
    let mut open = db.prepare_cached(
        "INSERT INTO run
         (run, workspace, agent, contact, flow, version, source, event, state, detail, started_at, ended_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for run in opened {
        open.execute(params![
            run.run,
            run.workspace.as_str(),
            run.agent.as_str(),
            run.contact.as_ref().map(ContactId::as_str),
            run.flow,
            i64::try_from(run.version).unwrap_or(i64::MAX),
            run.source,
            run.event,
            run.state.as_str(),
            run.detail,
            ms(run.started_at),
            run.ended_at.map(ms),
        ])?;
    }
    Ok(true)
}

pub(super) fn events_done(
    db: &Connection,
    workspace: &WorkspaceName,
    agent: &AgentId,
    contacts: &[ContactId],
) -> Result<Vec<(ContactId, String, String)>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT DISTINCT source, event FROM seen
         WHERE workspace = ?1 AND agent = ?2 AND contact = ?3 AND life_cycle = 1 ORDER BY source, event",
    )?;
    let mut done = Vec::new();
    for contact in contacts {
        let mut found = select.query(params![workspace.as_str(), agent.as_str(), contact.as_str()])?;
        while let Some(row) = found.next()? {
            done.push((contact.clone(), row.get("source")?, row.get("event")?));
        }
    }
    Ok(done)
}

pub(super) fn close(db: &Connection, end: &RunEnd) -> Result<(), StoreError> {
    let changed = db
        .prepare_cached(
            "UPDATE run SET state = ?2, detail = ?3, ended_at = ?4 WHERE run = ?1 AND state = 'running'",
        )?
        .execute(params![end.run, end.state.as_str(), end.detail, ms(end.ended_at)])?;
    if changed == 0 {
        return Ok(());
    }
    let mut insert =
        db.prepare_cached("INSERT INTO run_step (run, position, document) VALUES (?1, ?2, ?3)")?;
    for (position, step) in end.steps.iter().enumerate() {
        insert.execute(params![end.run, rows(position), step])?;
    }
    Ok(())
}

pub(super) fn interrupt(db: &Connection, at: Timestamp) -> Result<usize, StoreError> {
    let changed = db
        .prepare_cached("UPDATE run SET state = 'interrupted', ended_at = ?1 WHERE state = 'running'")?
        .execute([ms(at)])?;
    Ok(changed)
}

pub(super) fn list(
    db: &Connection,
    workspace: &WorkspaceName,
    filter: &RunFilter,
) -> Result<Vec<RunRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT run, workspace, agent, contact, flow, version, source, event, state, detail, started_at,
                ended_at
         FROM run
         WHERE workspace = ?1 AND (?2 IS NULL OR agent = ?2) AND (?3 IS NULL OR contact = ?3)
           AND (?4 IS NULL OR flow = ?4)
         ORDER BY started_at DESC, run DESC LIMIT ?5",
    )?;
    let mut found = select.query(params![
        workspace.as_str(),
        filter.agent.as_ref().map(AgentId::as_str),
        filter.contact.as_ref().map(ContactId::as_str),
        filter.flow,
        rows(filter.limit),
    ])?;
    let mut runs = Vec::new();
    while let Some(row) = found.next()? {
        runs.push(run(row)?);
    }
    Ok(runs)
}

fn run(row: &Row<'_>) -> Result<RunRow, StoreError> {
    let state: String = row.get("state")?;
    Ok(RunRow {
        run: row.get("run")?,
        workspace: id(row, "workspace", "workspace name")?,
        agent: id(row, "agent", "agent id")?,
        contact: optional_id(row, "contact", "contact id")?,
        flow: row.get("flow")?,
        version: count(row.get("version")?),
        source: row.get("source")?,
        event: row.get("event")?,
        state: RunState::parse(&state)
            .ok_or_else(|| StoreError::corrupt("run state", std::io::Error::other("unknown word")))?,
        detail: row.get("detail")?,
        started_at: timestamp(row.get("started_at")?)?,
        ended_at: optional_timestamp(row.get("ended_at")?)?,
    })
}

pub(super) fn steps(db: &Connection, run: &str) -> Result<Vec<String>, StoreError> {
    let mut select = db.prepare_cached("SELECT document FROM run_step WHERE run = ?1 ORDER BY position")?;
    let steps = select.query_map([run], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(steps)
}

pub(super) fn sweep(db: &Connection, runs_before: i64, events_before: i64) -> Result<usize, StoreError> {
    let steps = db
        .prepare_cached(
            "DELETE FROM run_step WHERE run IN (SELECT run FROM run WHERE started_at < ?1 AND state <> 'running')",
        )?
        .execute([runs_before])?;
    let runs = db
        .prepare_cached("DELETE FROM run WHERE started_at < ?1 AND state <> 'running'")?
        .execute([runs_before])?;
    let events = db.prepare_cached("DELETE FROM seen WHERE seen_at < ?1")?.execute([events_before])?;
    Ok(steps + runs + events)
}
