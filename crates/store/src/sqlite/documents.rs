//! Rows made from documents, by one source or by several together.

use rusqlite::{Connection, OptionalExtension, params};
use tieline_core::JsonMap;

use super::outbox;
use super::values::{from_json, ms, timestamp, to_json};
use crate::{DocumentPart, DocumentPut, OutboxPut, StoreError};

pub(super) fn put(db: &Connection, now: i64, document: &DocumentPut) -> Result<(), StoreError> {
    let save = |put: &OutboxPut, version| {
        let origin = Some((version, document.delivery));
        outbox::put(db, now, &document.workspace, document.contact.as_ref(), origin, put)
    };
    let Some(part) = &document.part else { return save(&document.put, document.version) };
    let mut row = document.put.clone();
    row.hash = label(&part.source, &row.hash);
    let standing = standing(db, document)?;
    let Some((id, version)) = standing else {
        save(&row, document.version)?;
        if let Some((id, _)) = self::standing(db, document)? {
            keep(db, id, part, document)?;
        }
        return Ok(());
    };
    if !keep(db, id, part, document)? {
        return Ok(());
    }
    if !part.alone {
        (row.fields, row.hash) = together(db, id)?;
    }
    // What counts is the versions of the parts.
    let version = version.map(timestamp).transpose()?.map_or(document.version, |it| it.max(document.version));
    save(&row, version)
}

/// Id and version of the row.
fn standing(db: &Connection, document: &DocumentPut) -> Result<Option<(i64, Option<i64>)>, StoreError> {
    let put = &document.put;
    let found = db
        .prepare_cached(
            "SELECT id, version FROM outbox WHERE workspace = ?1 AND target = ?2 AND object = ?3 AND key = ?4",
        )?
        .query_row(params![document.workspace.as_str(), put.target.as_str(), put.object, put.key], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(found)
}

/// Keeps the part unless there is a newer one of its source.
fn keep(db: &Connection, id: i64, part: &DocumentPart, document: &DocumentPut) -> Result<bool, StoreError> {
    let nothing = JsonMap::new();
    let fields = if part.alone { &nothing } else { &document.put.fields };
    let kept = db
        .prepare_cached(
            "INSERT INTO document_part (outbox, source, rank, version, hash, fields, delivery)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (outbox, source) DO UPDATE SET rank = excluded.rank, version = excluded.version,
                 hash = excluded.hash, fields = excluded.fields, delivery = excluded.delivery
             WHERE (excluded.rank, excluded.version) >= (rank, version)",
        )?
        .execute(params![
            id,
            part.source,
            part.rank,
            ms(document.version),
            document.put.hash,
            to_json("document part", fields)?,
            document.delivery,
        ])?;
    Ok(kept > 0)
}

/// Fields of all parts, and a hash that tells their contents and which stands over which.
fn together(db: &Connection, id: i64) -> Result<(JsonMap, String), StoreError> {
    let mut select = db.prepare_cached(
        "SELECT source, hash, fields FROM document_part WHERE outbox = ?1 ORDER BY rank, version, source",
    )?;
    let mut found = select.query([id])?;
    let (mut fields, mut hashes) = (JsonMap::new(), Vec::new());
    while let Some(row) = found.next()? {
        let (source, hash, text): (String, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        hashes.push(label(&source, &hash));
        fields.extend(from_json::<JsonMap>("document part", &text)?);
    }
    Ok((fields, hashes.join(" ")))
}

fn label(source: &str, hash: &str) -> String {
    format!("{source}:{hash}")
}
