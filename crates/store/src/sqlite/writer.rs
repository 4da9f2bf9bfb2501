//! Group commit: the one thread that writes.
//!
//! What waits when the thread looks up is run in one transaction, each operation inside a
//! savepoint of its own, and answered after the commit reached the disk. An operation that
//! fails is undone alone. Nobody waits for company: under load the next group gathers while
//! the previous one is being synced.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::StoreError;

/// Longest a group gathers operations before it commits.
const GROUP_TIME: Duration = Duration::from_millis(5);
/// Most operations of one commit.
const GROUP_SIZE: usize = 256;
/// Operations that may wait; more make their callers wait.
const QUEUE: usize = 4096;

/// Told how the commit went, hands the result to whoever asked.
type Completion = Box<dyn FnOnce(Result<(), StoreError>) + Send>;
type Operation = Box<dyn FnOnce(&Connection) -> Completion + Send>;

#[derive(Clone)]
pub(super) struct Writer {
    operations: mpsc::Sender<Operation>,
}

impl Writer {
    /// Starts the thread; it ends when the last handle is gone and everything waiting is done.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (operations, waiting) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("tieline-store".into())
            .spawn(move || run(connection, waiting))
            .map_err(|error| StoreError::Database(Arc::new(error)))?;
        Ok(Self { operations })
    }

    /// Runs `operation` on the writing connection and returns once its changes are on disk.
    pub(super) async fn run<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.run_if(operation, |_| true).await
    }

    /// As [`Self::run`], undoing the operation when `keep` says no to its result.
    pub(super) async fn run_if<T, F>(&self, operation: F, keep: fn(&T) -> bool) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let boxed: Operation = Box::new(move |connection| {
            let result = in_savepoint(connection, operation, keep);
            Box::new(move |committed| {
                // Nobody listens any more when the caller gave up; the work stands all the same.
                let _ = answer.send(committed.and(result));
            })
        });
        self.operations.send(boxed).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

fn run(mut connection: Connection, mut waiting: mpsc::Receiver<Operation>) {
    while let Some(first) = waiting.blocking_recv() {
        let began = Instant::now();
        let mut next = Some(first);
        let mut completions = Vec::new();
        let committed = (|| {
            let transaction =
                connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            while let Some(operation) = next.take() {
                completions.push(operation(&transaction));
                if completions.len() < GROUP_SIZE && began.elapsed() < GROUP_TIME {
                    next = waiting.try_recv().ok();
                }
            }
            transaction.commit()
        })()
        .map_err(StoreError::from);
        if let Err(error) = &committed {
            tracing::error!(error = error as &dyn std::error::Error, "The database refused a commit");
        }
        // An operation that was not even begun loses its answer channel with this drop, and its
        // caller sees a closed store rather than a wait without end.
        drop(next);
        for completion in completions {
            completion(committed.clone());
        }
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    operation: impl FnOnce(&Connection) -> Result<T, StoreError>,
    keep: fn(&T) -> bool,
) -> Result<T, StoreError> {
    connection.prepare_cached("SAVEPOINT operation")?.execute([])?;
    let result = catch_unwind(AssertUnwindSafe(|| operation(connection))).unwrap_or_else(|_| {
        tracing::error!("A database operation panicked and was undone");
        Err(StoreError::Closed)
    });
    if !result.as_ref().is_ok_and(keep) {
        connection.prepare_cached("ROLLBACK TO operation")?.execute([])?;
    }
    connection.prepare_cached("RELEASE operation")?.execute([])?;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer() -> Writer {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE t (n BIGINT)").unwrap();
        Writer::start(connection).unwrap()
    }

    async fn insert(writer: &Writer, number: i64) {
        writer.run(move |db| Ok(db.execute("INSERT INTO t VALUES (?1)", [number])?)).await.unwrap();
    }

    async fn sum(writer: &Writer) -> i64 {
        writer
            .run(|db| Ok(db.query_row("SELECT coalesce(sum(n), 0) FROM t", [], |row| row.get(0))?))
            .await
            .unwrap()
    }

    #[tokio::test]
    async fn an_operation_that_fails_or_panics_is_undone_alone() {
        let writer = writer();
        let failing = writer.run(|db| {
            db.execute("INSERT INTO t VALUES (100)", [])?;
            Ok(db.execute("INSERT INTO nowhere VALUES (1)", [])?)
        });
        let panicking = writer.run(|db| -> Result<(), StoreError> {
            db.execute("INSERT INTO t VALUES (1000)", [])?;
            panic!("a bug");
        });
        let (failed, panicked, ()) = tokio::join!(failing, panicking, insert(&writer, 1));
        assert!(matches!(failed, Err(StoreError::Database(_))));
        assert!(matches!(panicked, Err(StoreError::Closed)));
        insert(&writer, 2).await;
        assert_eq!(sum(&writer).await, 3);
    }

    #[tokio::test]
    async fn an_operation_whose_result_says_no_is_undone() {
        let writer = writer();
        let kept = writer
            .run_if(
                |db| {
                    db.execute("INSERT INTO t VALUES (7)", [])?;
                    Ok(false)
                },
                |kept| *kept,
            )
            .await;
        assert!(!kept.unwrap());
        assert_eq!(sum(&writer).await, 0);
    }
}
