use tieline_core::{ConnectionName, ConnectorErrorKind, DeliverySource, Telling};
use tieline_store::{Insertion, StoreError};

use super::decode::unreadable;
use super::metrics::add;
use super::{Pipeline, files};

/// What became of a request body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Deliveries that are now on disk.
    pub stored: usize,
    /// Deliveries that were there before.
    pub duplicates: usize,
}

/// Why nothing of a body was stored.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    #[error("there is no such connection")]
    UnknownConnection,
    /// The same body will be refused again.
    #[error("the body was refused with {code}: {message}")]
    Refused { code: String, message: String },
    /// The sender should try again.
    #[error("the delivery could not be stored")]
    Store(#[source] StoreError),
}

impl Pipeline {
    /// Takes a verified request body apart and stores it; returns when all of it is on disk.
    /// Decoding comes later. A body is stored as a whole or not at all.
    pub async fn intake(
        &self,
        connection: &ConnectionName,
        source: DeliverySource,
        body: &[u8],
    ) -> Result<Taken, IntakeError> {
        let shared = &self.shared;
        let center = shared.contact_centers.get(connection).ok_or(IntakeError::UnknownConnection)?;
        let deliveries = center.split(source, body, shared.clock.now()).map_err(|error| {
            add(&shared.counters.bodies_refused, 1);
            match error.kind {
                ConnectorErrorKind::Rejected { code, message, .. } => IntakeError::Refused { code, message },
                other => IntakeError::Refused { code: "UNREADABLE".into(), message: unreadable(&other) },
            }
        })?;
        if deliveries.is_empty() {
            return Ok(Taken { stored: 0, duplicates: 0 });
        }
        // Of several files those that nobody keeps become dead letters, and the others go on.
        if deliveries.iter().all(|it| files::telling(shared, connection, it) == Telling::Unkept) {
            add(&shared.counters.bodies_refused, 1);
            return Err(IntakeError::Refused {
                code: "FILES_NOT_KEPT".into(),
                message: "no workspace of this connection keeps what is in these files; see its `records`"
                    .into(),
            });
        }
        let insertions =
            shared.store.add_deliveries(connection, deliveries).await.map_err(IntakeError::Store)?;
        let stored = insertions.iter().filter(|insertion| **insertion == Insertion::Stored).count();
        let duplicates = insertions.len() - stored;
        add(&shared.counters.deliveries_stored, stored);
        add(&shared.counters.deliveries_duplicate, duplicates);
        if stored > 0 {
            shared.arrived.notify_one();
        }
        Ok(Taken { stored, duplicates })
    }
}
