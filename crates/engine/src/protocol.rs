//! What a page and the server say to each other: `tieline.v1`.
//!
//! JSON text frames tagged `t`, at most [`MAX_FRAME_BYTES`]. A frame with an unknown `t` is
//! ignored in both directions, and so are unknown members of a known frame; everything else
//! that does not fit is answered with a [`Bye`] and a [`ByeCode`].
//!
//! Nothing here knows a socket or keeps state. The TypeScript of these types is generated into
//! `web/shared/protocol.ts` and compared by a test; the meaning of the frames is shown by the
//! transcripts in `crates/engine/tests/transcripts`, which both sides run.
//!
//! To add a frame: a variant here, a transcript, and `TIELINE_WRITE=1 cargo test -p tieline-engine
//! --test protocol` to write the TypeScript again.

mod decode;
mod frames;
mod limits;
mod typescript;
mod values;

pub use decode::{BadFrame, decode, encode};
pub use frames::{
    Ack, Bye, ByeCode, Cancel, CancelReason, Cause, CauseKind, Command, CommandResult, CommandStatus,
    Contact, DoneEvent, ErrorDetail, Fallback, Hello, Notice, NoticeLevel, PageEvent, PageFrame, PageInfo,
    PageUpdate, Panel, PanelAttribute, PanelDoc, PanelStep, PanelTrace, Phone, PhoneAgent, Resume, SeqAck,
    ServerFrame, Settings, SettingsAgent, Subscribe, SubscribedEvent, Welcome,
};
pub use limits::{
    ACTION_FRESH, COMMAND_LEASE, DEAD_AFTER, DIAL_WAITS, HELLO_WITHIN, MAX_CONTACTS, MAX_DEPTH,
    MAX_FRAME_BYTES, MAX_UNACKNOWLEDGED, PERSON_WAITS, PING_EVERY, RECHECK_EVERY, RUN_LASTS, SUBPROTOCOL,
    TICKET_LASTS,
};
pub use typescript::typescript;
pub use values::{Millis, Token};
