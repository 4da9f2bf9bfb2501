use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ConnectorError, Contact, ContactId, PartKind, Version};

/// How a delivery came in; decides how its body is split and which key removes doubles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliverySource {
    /// One event a request.
    Event,
    /// One record out of a batched stream request.
    Stream,
}

impl DeliverySource {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Stream => "stream",
        }
    }
}

/// Something that arrived, verified and stored, exactly as it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub source: DeliverySource,
    /// Removes identical deliveries, never versions.
    pub dedupe_key: String,
    pub body: Vec<u8>,
    pub received_at: Timestamp,
}

/// One source's word on one contact.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactChange {
    pub contact: ContactId,
    pub kind: PartKind,
    pub version: Version,
    pub document: Contact,
}

/// What the bridge asks of a contact center.
///
/// Implementations hold their settings and no other state: two calls with the same
/// arguments may run on different machines.
pub trait ContactCenter: Send + Sync {
    /// Takes a verified request body apart into what is stored one by one, each with the
    /// key that removes doubles. `source` says by which way it came.
    ///
    /// # Errors
    ///
    /// [`ConnectorError`] with kind `Malformed` or `Rejected` when the body as a whole cannot be
    /// taken apart; nothing of it is stored then and the sender is told.
    fn split(
        &self,
        source: DeliverySource,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Vec<Delivery>, ConnectorError>;

    /// Decodes one delivery that was verified and stored before, in vendor order. Empty when
    /// the delivery is genuine and says nothing about a contact.
    fn decode(&self, delivery: &Delivery) -> Result<Vec<ContactChange>, ConnectorError>;
}
