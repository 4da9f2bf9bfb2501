use std::error::Error;
use std::sync::Arc;

/// A store that could not do what was asked. Nothing of the asked change was made.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database refused or failed; trying again later may help.
    #[error("the database failed")]
    Database(#[source] Arc<dyn Error + Send + Sync>),
    /// A value in the database does not read back as what was written there.
    #[error("the stored {what} cannot be read")]
    Corrupt {
        what: &'static str,
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// The store was closed, or the operation was abandoned by a bug.
    #[error("the store is closed")]
    Closed,
    /// The database was made by a newer version of Tieline.
    #[error("the database holds the migration {0}, which this version does not know")]
    FromTheFuture(String),
}

impl StoreError {
    pub(crate) fn corrupt(what: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Corrupt { what, source: Arc::new(source) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}
