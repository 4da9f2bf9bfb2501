use rusqlite::Connection;

use crate::StoreError;

/// Applied in this order, once each, remembered by name.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_records", include_str!("migrations/0001_records.sql")),
    ("0002_agents", include_str!("migrations/0002_agents.sql")),
    ("0003_budget", include_str!("migrations/0003_budget.sql")),
    ("0004_audit", include_str!("migrations/0004_audit.sql")),
    ("0005_documents", include_str!("migrations/0005_documents.sql")),
    ("0006_document_parts", include_str!("migrations/0006_document_parts.sql")),
];

/// Brings the database to this version's tables; each step is one transaction.
pub(super) fn migrate(connection: &mut Connection, now_ms: i64) -> Result<(), StoreError> {
    connection.execute_batch(
        "CREATE TABLE IF NOT EXISTS migration (name TEXT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)",
    )?;
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let applied: Vec<String> = transaction
        .prepare("SELECT name FROM migration ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if let Some(unknown) = applied.iter().find(|name| !MIGRATIONS.iter().any(|(known, _)| known == name)) {
        return Err(StoreError::FromTheFuture(unknown.clone()));
    }
    for (name, sql) in MIGRATIONS {
        if !applied.iter().any(|done| done == name) {
            transaction.execute_batch(sql)?;
            transaction
                .execute("INSERT INTO migration (name, applied_at) VALUES (?1, ?2)", (name, now_ms))?;
        }
    }
    transaction.commit()?;
    Ok(())
}
