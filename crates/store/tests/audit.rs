//! The log of who did what.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use jiff::Timestamp;
use tieline_core::{FixedClock, WorkspaceName};
use tieline_store::{AuditEntry, AuditStore, SqliteStore};

fn entry(subject: &str) -> AuditEntry {
    AuditEntry {
        workspace: WorkspaceName::new("acme").unwrap(),
        at: "2026-01-15T12:00:00Z".parse().unwrap(),
        actor: "agent:005".into(),
        action: "recording.play",
        subject: subject.into(),
        detail: "k".into(),
    }
}

async fn filled(folder: &tempfile::TempDir) -> SqliteStore {
    let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
    let store = SqliteStore::open(folder.path().join("t.sqlite"), clock).unwrap();
    for n in 1..=3 {
        assert_eq!(store.audit(entry(&format!("c-{n}"))).await.unwrap(), n);
    }
    store
}

#[tokio::test]
async fn a_log_nobody_touched_holds_together() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    let check = store.check_audit().await.unwrap();
    assert_eq!((check.rows, check.broken_at), (3, None));
    assert_eq!(check.head.len(), 64);
}

#[tokio::test]
async fn the_database_itself_refuses_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let store = filled(&folder).await;
    let raw = rusqlite::Connection::open(folder.path().join("t.sqlite")).unwrap();
    for statement in ["UPDATE audit SET actor = 'agent:006' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"]
    {
        assert!(raw.execute(statement, []).unwrap_err().to_string().contains("append-only"));
    }
    assert_eq!(store.check_audit().await.unwrap().broken_at, None);
}

#[tokio::test]
async fn a_row_that_was_changed_or_taken_out_is_found() {
    for (statement, broken) in [
        ("UPDATE audit SET actor = 'agent:006' WHERE seq = 2", 2),
        ("UPDATE audit SET detail = 'x' WHERE seq = 3", 3),
        ("DELETE FROM audit WHERE seq = 2", 3),
        ("DELETE FROM audit WHERE seq = 1", 2),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = filled(&folder).await;
        let raw = rusqlite::Connection::open(folder.path().join("t.sqlite")).unwrap();
        raw.execute_batch("DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_shortened").unwrap();
        raw.execute(statement, []).unwrap();
        assert_eq!(store.check_audit().await.unwrap().broken_at, Some(broken), "{statement}");
    }
}
