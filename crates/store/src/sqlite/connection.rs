use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tieline_core::Clock;
use tokio::sync::Semaphore;

use super::migrate::migrate;
use super::writer::Writer;
use crate::{StoreError, files};

/// Connections that read at the same time.
const READERS: usize = 4;
const STATEMENTS: usize = 128;

/// A database file with its one writer and its readers. Cheap to clone; all clones are the
/// same store.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    path: PathBuf,
    clock: Arc<dyn Clock>,
    writer: Writer,
    /// Readers that nobody uses at the moment; made when first needed.
    idle: Mutex<Vec<Connection>>,
    permits: Semaphore,
}

impl SqliteStore {
    /// Opens the file at `path`, makes it when it is not there, and brings its tables up to date.
    pub fn open(path: impl AsRef<Path>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_owned();
        // SQLite gives its journal the permissions of the database.
        files::private_file(&path).map_err(|error| StoreError::Database(Arc::new(error)))?;
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        // FULL: a commit that was answered survives a power cut, which an acknowledged delivery must.
        connection.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;",
        )?;
        migrate(&mut connection, clock.now().as_millisecond())?;
        let inner = Inner {
            path,
            clock,
            writer: Writer::start(connection)?,
            idle: Mutex::new(Vec::new()),
            permits: Semaphore::new(READERS),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Now, in the milliseconds the tables use.
    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.clock.now().as_millisecond()
    }

    /// Runs `operation` on the writing connection, inside a transaction it shares with others;
    /// returns when its changes are on disk. An error undoes this operation alone.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        self.inner.writer.run(operation).await
    }

    /// As [`Self::write`]; an operation that answers `false` is undone too.
    pub(crate) async fn write_if<F>(&self, operation: F) -> Result<bool, StoreError>
    where
        F: FnOnce(&Connection) -> Result<bool, StoreError> + Send + 'static,
    {
        self.inner.writer.run_if(operation, |kept| *kept).await
    }

    /// Runs `operation` on a reading connection, in one snapshot of the database.
    pub(crate) async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let inner = self.inner.clone();
        let permit = self.inner.permits.acquire().await.map_err(|_| StoreError::Closed)?;
        let task = tokio::task::spawn_blocking(move || {
            let idle = inner.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let mut connection = idle.map_or_else(|| open_reader(&inner.path), Ok)?;
            let result = {
                let snapshot = connection.transaction()?;
                operation(&snapshot)
            };
            inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
            result
        });
        let result = task.await.unwrap_or(Err(StoreError::Closed));
        drop(permit);
        result
    }
}

fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(10))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.execute_batch("PRAGMA temp_store = MEMORY;")?;
    Ok(connection)
}
