//! The nouns of Tieline: ids, contacts, agents, parties, phone numbers, events, and
//! the traits a vendor fulfils with the errors it may answer.
//!
//! Nothing here performs I/O or knows a vendor's word. To add a vendor, implement
//! [`ContactCenter`] or [`Crm`] in a crate of its own under `connectors/`.

mod clock;
mod contact;
mod contact_center;
mod crm;
mod error;
mod hex;
mod ids;
mod outbox;
mod party;
mod phone;
mod python_json;
mod recording;
mod spending;
mod text;

pub use clock::{Clock, FixedClock};
pub use contact::{
    AgentRef, Channel, Contact, ContactState, Direction, PartKind, QueueRef, RecordingState, Version,
};
pub use contact_center::{
    ContactCenter, ContactChange, Delivery, DeliverySource, FileContents, FileError, FileSource,
    SourceDocument, Telling,
};
pub use crm::{Allowance, Attached, Comparison, Condition, Crm, FieldNames, Paging, Query, RecordFile, Rows};
pub use error::{ConnectorError, ConnectorErrorKind, InvalidId, error_chain};
pub use hex::hex;
pub use ids::{AgentId, ConnectionName, ContactId, RecordId, WorkspaceName};
pub use outbox::{OutboxRow, RowFailure, RowResult, Written};
pub use party::PartyMatch;
pub use phone::{Caller, PhoneError, PhoneNumber, national_digits};
pub use python_json::python_json;
pub use recording::{Playback, Recording, RecordingError, RecordingStore, next_poll};
pub use spending::{Governor, HourOfCalls, Leave, Purpose, Report, Shares, Standing, Word, window_begins};
pub use text::is_unseen;

/// A JSON object in the order its members were written.
pub type JsonMap = serde_json::Map<String, serde_json::Value>;
