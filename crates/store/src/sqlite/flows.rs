use rusqlite::{Connection, Row, params};
use tieline_core::WorkspaceName;

use super::values::{count, timestamp};
use crate::{FlowGrants, FlowRow, FlowVersion, NewFlowVersion, PublishedFlow, StoreError};

pub(super) fn publish(
    db: &Connection,
    workspace: &WorkspaceName,
    new: NewFlowVersion,
    now: i64,
) -> Result<FlowVersion, StoreError> {
    let version: i64 = db
        .prepare_cached(
            "SELECT coalesce(max(version), 0) + 1 FROM flow_version WHERE workspace = ?1 AND flow = ?2",
        )?
        .query_row(params![workspace.as_str(), new.flow], |row| row.get(0))?;
    db.prepare_cached(
        "INSERT INTO flow_version
         (workspace, flow, version, document, may_dial, as_workspace, published_at, published_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        workspace.as_str(),
        new.flow,
        version,
        new.document,
        new.grants.may_dial,
        new.grants.as_workspace,
        now,
        new.published_by,
    ])?;
    db.prepare_cached(
        "INSERT INTO flow (workspace, flow, name, published, position, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (workspace, flow) DO UPDATE SET name = excluded.name, published = excluded.published,
             position = excluded.position, updated_at = excluded.updated_at",
    )?
    .execute(params![workspace.as_str(), new.flow, new.name, version, new.position, now])?;
    Ok(FlowVersion {
        flow: new.flow,
        version: count(version),
        document: new.document,
        grants: new.grants,
        published_at: timestamp(now)?,
        published_by: new.published_by,
    })
}

pub(super) fn set_published(
    db: &Connection,
    workspace: &WorkspaceName,
    flow: &str,
    version: Option<u64>,
    now: i64,
) -> Result<bool, StoreError> {
    // A number too large for the column is a version that does not exist.
    let version = version.map(|number| i64::try_from(number).unwrap_or(-1));
    let changed = db
        .prepare_cached(
            "UPDATE flow SET published = ?3, updated_at = ?4
             WHERE workspace = ?1 AND flow = ?2 AND (?3 IS NULL OR EXISTS
                 (SELECT 1 FROM flow_version v
                  WHERE v.workspace = ?1 AND v.flow = ?2 AND v.version = ?3))",
        )?
        .execute(params![workspace.as_str(), flow, version, now])?;
    Ok(changed == 1)
}

pub(super) fn set_position(
    db: &Connection,
    workspace: &WorkspaceName,
    flow: &str,
    position: i64,
    now: i64,
) -> Result<bool, StoreError> {
    let changed = db
        .prepare_cached("UPDATE flow SET position = ?3, updated_at = ?4 WHERE workspace = ?1 AND flow = ?2")?
        .execute(params![workspace.as_str(), flow, position, now])?;
    Ok(changed == 1)
}

pub(super) fn list(db: &Connection, workspace: &WorkspaceName) -> Result<Vec<FlowRow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT flow, name, published, position, updated_at,
                (SELECT max(version) FROM flow_version v
                 WHERE v.workspace = flow.workspace AND v.flow = flow.flow) AS newest
         FROM flow WHERE workspace = ?1 ORDER BY position, flow",
    )?;
    let mut found = select.query([workspace.as_str()])?;
    let mut flows = Vec::new();
    while let Some(row) = found.next()? {
        flows.push(FlowRow {
            flow: row.get("flow")?,
            name: row.get("name")?,
            published: row.get::<_, Option<i64>>("published")?.map(count),
            newest: count(row.get("newest")?),
            position: row.get("position")?,
            updated_at: timestamp(row.get("updated_at")?)?,
        });
    }
    Ok(flows)
}

pub(super) fn versions(
    db: &Connection,
    workspace: &WorkspaceName,
    flow: &str,
) -> Result<Vec<FlowVersion>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT flow, version, document, may_dial, as_workspace, published_at, published_by
         FROM flow_version WHERE workspace = ?1 AND flow = ?2 ORDER BY version DESC",
    )?;
    let mut found = select.query(params![workspace.as_str(), flow])?;
    let mut versions = Vec::new();
    while let Some(row) = found.next()? {
        versions.push(version(row)?);
    }
    Ok(versions)
}

pub(super) fn published(
    db: &Connection,
    workspace: &WorkspaceName,
) -> Result<Vec<PublishedFlow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT f.position, v.flow, v.version, v.document, v.may_dial, v.as_workspace, v.published_at,
                v.published_by
         FROM flow f
         JOIN flow_version v ON v.workspace = f.workspace AND v.flow = f.flow AND v.version = f.published
         WHERE f.workspace = ?1 ORDER BY f.position, f.flow",
    )?;
    let mut found = select.query([workspace.as_str()])?;
    let mut flows = Vec::new();
    while let Some(row) = found.next()? {
        flows.push(PublishedFlow { position: row.get("position")?, version: version(row)? });
    }
    Ok(flows)
}

fn version(row: &Row<'_>) -> Result<FlowVersion, StoreError> {
    Ok(FlowVersion {
        flow: row.get("flow")?,
        version: count(row.get("version")?),
        document: row.get("document")?,
        grants: FlowGrants { may_dial: row.get("may_dial")?, as_workspace: row.get("as_workspace")? },
        published_at: timestamp(row.get("published_at")?)?,
        published_by: row.get("published_by")?,
    })
}
