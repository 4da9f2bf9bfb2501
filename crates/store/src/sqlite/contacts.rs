use rusqlite::types::Value as Cell;
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use tieline_core::{ContactId, PartKind, Version, WorkspaceName};

use super::values::{
    from_json, from_word, id, ms, optional_id, optional_timestamp, optional_word, rows, timestamp, to_json,
    word,
};
use super::{deliveries, documents, outbox};
use crate::{
    ContactFilter, ContactRow, ContactSnapshot, ContactUpdate, DeliveryMark, DocumentPut, Link, Part,
    StoreError,
};

const ROW: &str = "workspace, contact, root, channel, direction, state, agent, queue, customer, started_at, \
                   ended_at, updated_at";

pub(super) fn snapshot(
    db: &Connection,
    workspace: &WorkspaceName,
    contact: &ContactId,
) -> Result<ContactSnapshot, StoreError> {
    let known = db
        .prepare_cached(&format!(
            "SELECT {ROW}, revision FROM contact WHERE workspace = ?1 AND contact = ?2"
        ))?
        .query_row([workspace.as_str(), contact.as_str()], |row| Ok((row.get("revision")?, contact_row(row))))
        .optional()?;
    let (revision, row) = match known {
        Some((revision, row)) => (revision, Some(row?)),
        None => (0, None),
    };
    Ok(ContactSnapshot {
        workspace: workspace.clone(),
        contact: contact.clone(),
        revision,
        row,
        parts: parts(db, workspace, contact)?,
        outbox: outbox::of_contact(db, workspace, contact)?,
        links: links(db, workspace, contact)?,
    })
}

fn contact_row(row: &Row<'_>) -> Result<ContactRow, StoreError> {
    let channel: Option<String> = row.get("channel")?;
    let direction: Option<String> = row.get("direction")?;
    let state: Option<String> = row.get("state")?;
    Ok(ContactRow {
        workspace: id(row, "workspace", "workspace name")?,
        contact: id(row, "contact", "contact id")?,
        root: optional_id(row, "root", "contact id")?,
        channel: channel.map(|word| from_word("channel", word)).transpose()?,
        direction: direction.map(|word| from_word("direction", word)).transpose()?,
        state: state.map(|word| from_word("contact state", word)).transpose()?,
        agent: row.get("agent")?,
        queue: row.get("queue")?,
        customer: row.get("customer")?,
        started_at: optional_timestamp(row.get("started_at")?)?,
        ended_at: optional_timestamp(row.get("ended_at")?)?,
        updated_at: timestamp(row.get("updated_at")?)?,
    })
}

fn parts(db: &Connection, workspace: &WorkspaceName, contact: &ContactId) -> Result<Vec<Part>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT kind, version_rank, version_at, hash, document FROM part WHERE workspace = ?1 AND contact = ?2",
    )?;
    let mut found = select.query([workspace.as_str(), contact.as_str()])?;
    let mut parts = Vec::new();
    while let Some(row) = found.next()? {
        let kind: PartKind = from_word("part kind", row.get("kind")?)?;
        let document: String = row.get("document")?;
        parts.push(Part {
            kind,
            version: Version { rank: row.get("version_rank")?, at: timestamp(row.get("version_at")?)? },
            hash: row.get("hash")?,
            document: from_json("part", &document)?,
        });
    }
    Ok(parts)
}

fn links(db: &Connection, workspace: &WorkspaceName, contact: &ContactId) -> Result<Vec<Link>, StoreError> {
    let mut select = db.prepare_cached(
        // The index begins with workspace and target; a contact has a handful of links.
        "SELECT target, role, record, made_by, linked_at FROM link
         WHERE workspace = ?1 AND contact = ?2 ORDER BY target, role",
    )?;
    let mut found = select.query([workspace.as_str(), contact.as_str()])?;
    let mut links = Vec::new();
    while let Some(row) = found.next()? {
        links.push(Link {
            target: id(row, "target", "connection name")?,
            role: row.get("role")?,
            record: id(row, "record", "record id")?,
            made_by: row.get("made_by")?,
            linked_at: timestamp(row.get("linked_at")?)?,
        });
    }
    Ok(links)
}

/// Writes changed contacts; `false`, with nothing to be kept, when one has moved on.
pub(super) fn save(
    db: &Connection,
    now: i64,
    updates: &[ContactUpdate],
    documents: &[DocumentPut],
    marks: &[DeliveryMark],
) -> Result<bool, StoreError> {
    for update in updates {
        if !save_row(db, now, update)? {
            return Ok(false);
        }
        let (workspace, contact) = (&update.row.workspace, &update.row.contact);
        for part in &update.parts {
            save_part(db, now, workspace, contact, part)?;
        }
        for put in &update.outbox {
            outbox::put(db, now, workspace, Some(contact), None, put)?;
        }
    }
    for document in documents {
        documents::put(db, now, document)?;
    }
    deliveries::mark(db, marks)?;
    Ok(true)
}

/// Compares and sets the revision together with what lists show.
fn save_row(db: &Connection, now: i64, update: &ContactUpdate) -> Result<bool, StoreError> {
    let row = &update.row;
    let changed = db
        .prepare_cached(
            "INSERT INTO contact (workspace, contact, revision, root, channel, direction, state, agent, queue,
                                  customer, started_at, ended_at, updated_at)
             SELECT ?1, ?2, ?3 + 1, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13 WHERE ?3 = 0
                 OR EXISTS (SELECT 1 FROM contact WHERE workspace = ?1 AND contact = ?2)
             ON CONFLICT (workspace, contact) DO UPDATE SET
                 revision = excluded.revision, root = excluded.root, channel = excluded.channel,
                 direction = excluded.direction, state = excluded.state, agent = excluded.agent,
                 queue = excluded.queue, customer = excluded.customer, started_at = excluded.started_at,
                 ended_at = excluded.ended_at, updated_at = excluded.updated_at
             WHERE contact.revision = ?3",
        )?
        .execute(params![
            row.workspace.as_str(),
            row.contact.as_str(),
            update.expected_revision,
            row.root.as_ref().map(ContactId::as_str),
            optional_word("channel", row.channel.as_ref())?,
            optional_word("direction", row.direction.as_ref())?,
            optional_word("contact state", row.state.as_ref())?,
            row.agent,
            row.queue,
            row.customer,
            row.started_at.map(ms),
            row.ended_at.map(ms),
            now,
        ])?;
    Ok(changed == 1)
}

fn save_part(
    db: &Connection,
    now: i64,
    workspace: &WorkspaceName,
    contact: &ContactId,
    part: &Part,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "INSERT INTO part (workspace, contact, kind, version_rank, version_at, hash, document, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (workspace, contact, kind) DO UPDATE SET
             version_rank = excluded.version_rank, version_at = excluded.version_at, hash = excluded.hash,
             document = excluded.document, updated_at = excluded.updated_at",
    )?
    .execute(params![
        workspace.as_str(),
        contact.as_str(),
        part.kind.as_str(),
        part.version.rank,
        ms(part.version.at),
        part.hash,
        to_json("part", &part.document)?,
        now,
    ])?;
    Ok(())
}

pub(super) fn list(
    db: &Connection,
    workspace: &WorkspaceName,
    filter: &ContactFilter,
    limit: usize,
) -> Result<Vec<ContactRow>, StoreError> {
    let mut sql = format!("SELECT {ROW} FROM contact WHERE workspace = ?");
    let mut values = vec![Cell::Text(workspace.as_str().to_owned())];
    let mut condition = |text: &str, value: Cell| {
        sql.push_str(" AND ");
        sql.push_str(text);
        values.push(value);
    };
    if let Some(state) = &filter.state {
        condition("state = ?", Cell::Text(word("contact state", state)?));
    }
    for (text, value) in
        [("agent = ?", &filter.agent), ("queue = ?", &filter.queue), ("customer = ?", &filter.customer)]
    {
        if let Some(value) = value {
            condition(text, Cell::Text(value.clone()));
        }
    }
    if let Some(since) = filter.since {
        condition("started_at >= ?", Cell::Integer(ms(since)));
    }
    if let Some(until) = filter.until {
        condition("started_at < ?", Cell::Integer(ms(until)));
    }
    if let Some((at, contact)) = &filter.after {
        condition("(coalesce(started_at, 0), contact) < (?", Cell::Integer(ms(*at)));
        sql.push_str(", ?)");
        values.push(Cell::Text(contact.as_str().to_owned()));
    }
    sql.push_str(" ORDER BY coalesce(started_at, 0) DESC, contact DESC LIMIT ?");
    values.push(Cell::Integer(rows(limit)));

    let mut select = db.prepare_cached(&sql)?;
    let mut found = select.query(params_from_iter(values))?;
    let mut contacts = Vec::new();
    while let Some(row) = found.next()? {
        contacts.push(contact_row(row)?);
    }
    Ok(contacts)
}

pub(super) fn sweep_parts(db: &Connection, before: i64, limit: usize) -> Result<u64, StoreError> {
    let swept = db
        .prepare_cached(
            "DELETE FROM part WHERE (workspace, contact, kind) IN
             (SELECT workspace, contact, kind FROM part WHERE updated_at < ?1 ORDER BY updated_at LIMIT ?2)",
        )?
        .execute(params![before, rows(limit)])?;
    Ok(swept as u64)
}
