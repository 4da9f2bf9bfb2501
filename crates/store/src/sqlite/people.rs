use rusqlite::{Connection, OptionalExtension, Row, params};
use tieline_core::{AgentId, WorkspaceName};

use super::values::{id, ms, timestamp};
use crate::{AgentBinding, AgentRow, BindingMaker, StoreError};

pub(super) fn put(db: &Connection, workspace: &WorkspaceName, agent: &AgentRow) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO agent (workspace, agent, name, login, email, seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (workspace, agent) DO UPDATE SET name = excluded.name, login = excluded.login,
             email = excluded.email, seen_at = excluded.seen_at",
    )?
    .execute(params![
        workspace.as_str(),
        agent.agent.as_str(),
        agent.name,
        agent.login,
        agent.email,
        ms(agent.seen_at),
    ])?;
    Ok(())
}

pub(super) fn get(
    db: &Connection,
    workspace: &WorkspaceName,
    agent: &AgentId,
) -> Result<Option<AgentRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT agent, name, login, email, seen_at FROM agent WHERE workspace = ?1 AND agent = ?2",
    )?;
    let mut found = select.query(params![workspace.as_str(), agent.as_str()])?;
    found.next()?.map(person).transpose()
}

pub(super) fn list(db: &Connection, workspace: &WorkspaceName) -> Result<Vec<AgentRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT agent, name, login, email, seen_at FROM agent WHERE workspace = ?1 ORDER BY name, agent",
    )?;
    let mut found = select.query([workspace.as_str()])?;
    let mut agents = Vec::new();
    while let Some(row) = found.next()? {
        agents.push(person(row)?);
    }
    Ok(agents)
}

fn person(row: &Row<'_>) -> Result<AgentRow, StoreError> {
    Ok(AgentRow {
        agent: id(row, "agent", "agent id")?,
        name: row.get("name")?,
        login: row.get("login")?,
        email: row.get("email")?,
        seen_at: timestamp(row.get("seen_at")?)?,
    })
}

pub(super) fn bind(db: &Connection, workspace: &WorkspaceName, new: &AgentBinding) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM agent_binding WHERE workspace = ?1 AND (agent = ?2 OR phone_login = ?3)")?
        .execute(params![workspace.as_str(), new.agent.as_str(), new.phone_login])?;
    insert(db, workspace, new)
}

pub(super) fn match_agent(
    db: &Connection,
    workspace: &WorkspaceName,
    new: &AgentBinding,
) -> Result<Option<AgentBinding>, StoreError> {
    if let Some(bound) = binding(db, workspace, &new.agent)? {
        return Ok(Some(bound));
    }
    let taken = db
        .prepare_cached("SELECT 1 FROM agent_binding WHERE workspace = ?1 AND phone_login = ?2")?
        .query_row(params![workspace.as_str(), new.phone_login], |_| Ok(()))
        .optional()?;
    if taken.is_some() {
        return Ok(None);
    }
    insert(db, workspace, new)?;
    Ok(Some(new.clone()))
}

fn insert(db: &Connection, workspace: &WorkspaceName, new: &AgentBinding) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO agent_binding (workspace, agent, phone_login, made_by, made_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        workspace.as_str(),
        new.agent.as_str(),
        new.phone_login,
        new.made_by.as_str(),
        ms(new.made_at),
    ])?;
    Ok(())
}

pub(super) fn binding(
    db: &Connection,
    workspace: &WorkspaceName,
    agent: &AgentId,
) -> Result<Option<AgentBinding>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT agent, phone_login, made_by, made_at FROM agent_binding WHERE workspace = ?1 AND agent = ?2",
    )?;
    let mut found = select.query(params![workspace.as_str(), agent.as_str()])?;
    found.next()?.map(bound).transpose()
}

pub(super) fn bindings(db: &Connection, workspace: &WorkspaceName) -> Result<Vec<AgentBinding>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT agent, phone_login, made_by, made_at FROM agent_binding WHERE workspace = ?1 ORDER BY agent",
    )?;
    let mut found = select.query([workspace.as_str()])?;
    let mut all = Vec::new();
    while let Some(row) = found.next()? {
        all.push(bound(row)?);
    }
    Ok(all)
}

fn bound(row: &Row<'_>) -> Result<AgentBinding, StoreError> {
    let made_by: String = row.get("made_by")?;
    Ok(AgentBinding {
        agent: id(row, "agent", "agent id")?,
        phone_login: row.get("phone_login")?,
        made_by: BindingMaker::parse(&made_by)
            .ok_or_else(|| StoreError::corrupt("binding", std::io::Error::other("unknown word")))?,
        made_at: timestamp(row.get("made_at")?)?,
    })
}

pub(super) fn unbind(
    db: &Connection,
    workspace: &WorkspaceName,
    agent: &AgentId,
) -> Result<bool, StoreError> {
    let removed = db
        .prepare_cached("DELETE FROM agent_binding WHERE workspace = ?1 AND agent = ?2")?
        .execute(params![workspace.as_str(), agent.as_str()])?;
    Ok(removed == 1)
}

pub(super) fn put_token(
    db: &Connection,
    workspace: &WorkspaceName,
    agent: &AgentId,
    sealed: &[u8],
    now: i64,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO agent_token (workspace, agent, sealed, updated_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (workspace, agent) DO UPDATE SET sealed = excluded.sealed, updated_at = excluded.updated_at",
    )?
    .execute(params![workspace.as_str(), agent.as_str(), sealed, now])?;
    Ok(())
}

pub(super) fn token(
    db: &Connection,
    workspace: &WorkspaceName,
    agent: &AgentId,
) -> Result<Option<Vec<u8>>, StoreError> {
    let sealed = db
        .prepare_cached("SELECT sealed FROM agent_token WHERE workspace = ?1 AND agent = ?2")?
        .query_row(params![workspace.as_str(), agent.as_str()], |row| row.get(0))
        .optional()?;
    Ok(sealed)
}

pub(super) fn delete_token(
    db: &Connection,
    workspace: &WorkspaceName,
    agent: &AgentId,
) -> Result<(), StoreError> {
    db.prepare_cached("DELETE FROM agent_token WHERE workspace = ?1 AND agent = ?2")?
        .execute(params![workspace.as_str(), agent.as_str()])?;
    Ok(())
}
