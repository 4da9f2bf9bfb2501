use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::values::ms;
use crate::audit::chained;
use crate::{AuditCheck, AuditEntry, AuditStore, StoreError};

#[async_trait]
impl AuditStore for SqliteStore {
    async fn audit(&self, entry: AuditEntry) -> Result<u64, StoreError> {
        self.write(move |db| add(db, &entry)).await
    }

    async fn check_audit(&self) -> Result<AuditCheck, StoreError> {
        self.read(check).await
    }
}

/// One connection writes, so nobody adds a row in between.
fn add(db: &Connection, entry: &AuditEntry) -> Result<u64, StoreError> {
    let last: Option<(i64, String)> = db
        .prepare_cached("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (before, seq) = last.map_or((String::new(), 1), |(seq, hash)| (hash, seq + 1));
    let at = ms(entry.at);
    let members = [entry.workspace.as_str(), &entry.actor, entry.action, &entry.subject, &entry.detail];
    let hash = chained(&before, seq, at, members);
    db.prepare_cached(
        "INSERT INTO audit (seq, workspace, at, actor, action, subject, detail, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        seq,
        entry.workspace.as_str(),
        at,
        entry.actor,
        entry.action,
        entry.subject,
        entry.detail,
        hash
    ])?;
    Ok(seq.unsigned_abs())
}

fn check(db: &Connection) -> Result<AuditCheck, StoreError> {
    let mut select = db
        .prepare("SELECT seq, at, workspace, actor, action, subject, detail, hash FROM audit ORDER BY seq")?;
    let mut rows = select.query([])?;
    let mut seen = AuditCheck { rows: 0, head: String::new(), broken_at: None };
    while let Some(row) = rows.next()? {
        let (seq, at): (i64, i64) = (row.get(0)?, row.get(1)?);
        let text = |column: usize| row.get::<_, String>(column);
        let members = [text(2)?, text(3)?, text(4)?, text(5)?, text(6)?];
        let [workspace, actor, action, subject, detail] = members.each_ref().map(String::as_str);
        let hash = chained(&seen.head, seq, at, [workspace, actor, action, subject, detail]);
        if seq.unsigned_abs() != seen.rows + 1 || hash != text(7)? {
            seen.broken_at = Some(seq.unsigned_abs());
            break;
        }
        seen.rows += 1;
        seen.head = hash;
    }
    Ok(seen)
}
