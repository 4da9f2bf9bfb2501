//! When a contact's rows are due.
//!
//! A CRM's calls are counted. A contact is written when an agent takes it and when it is over;
//! what changes in between waits for the end, and a contact that only rings is not written at all
//! unless a flow asks for it.

use jiff::Timestamp;
use tieline_core::{Contact, ContactState};
use tieline_store::OutboxEntry;

use super::setup::PipelineOptions;

/// Somebody waits for this row.
pub(super) const WAITED_FOR: u8 = 0;
pub(super) const CALL_LOG: u8 = 1;
/// Reports, and what else nobody misses for an hour.
pub(super) const THE_REST: u8 = 2;

/// What decides when a row is due.
pub(super) struct Moment<'a> {
    pub now: Timestamp,
    pub contact: &'a Contact,
    /// Whether the contact center's final account is there.
    pub has_record: bool,
    /// Whether a flow asked for this record.
    pub asked: bool,
    /// Whether a flow is waiting for this record now.
    pub waited_for: bool,
    pub row: Option<&'a OutboxEntry>,
}

/// Time and priority of the row; `None` when nothing needs to be written yet.
pub(super) fn due(moment: &Moment<'_>, options: &PipelineOptions) -> Option<(Timestamp, u8)> {
    let after = |span| moment.now.checked_add(span).unwrap_or(Timestamp::MAX);
    if moment.waited_for {
        return Some((moment.now, WAITED_FOR));
    }
    let was_written = moment.row.is_some_and(|row| row.written_generation > 0);
    let at = match moment.contact.state {
        _ if moment.has_record => moment.now,
        Some(ContactState::Completed) => after(options.record_wait),
        Some(ContactState::Ended) => after(options.close_wait),
        Some(ContactState::Connected) if !was_written => moment.now,
        _ if was_written => after(options.open_wait),
        // A row that a flow asked for and that could not be written yet stays wanted.
        _ if moment.asked => moment.now,
        Some(ContactState::Connected | ContactState::Queued | ContactState::Started) | None => return None,
    };
    Some((at, CALL_LOG))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn when(state: Option<ContactState>, has_record: bool, asked: bool) -> Option<Duration> {
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let contact = Contact { state, ..Contact::default() };
        let moment = Moment { now, contact: &contact, has_record, asked, waited_for: false, row: None };
        let (at, _) = due(&moment, &PipelineOptions::default())?;
        Some(Duration::try_from(at.duration_since(now)).unwrap())
    }

    #[test]
    fn a_contact_that_only_rings_is_not_written() {
        assert_eq!(when(Some(ContactState::Started), false, false), None);
        assert_eq!(when(Some(ContactState::Queued), false, false), None);
        assert_eq!(when(None, false, false), None);
        assert_eq!(when(Some(ContactState::Queued), false, true), Some(Duration::ZERO));
    }

    #[test]
    fn an_answered_contact_is_written_at_once_and_a_finished_one_waits_for_its_record() {
        assert_eq!(when(Some(ContactState::Connected), false, false), Some(Duration::ZERO));
        assert_eq!(when(Some(ContactState::Ended), false, false), Some(Duration::from_secs(60)));
        assert_eq!(when(Some(ContactState::Completed), false, false), Some(Duration::from_secs(10)));
        assert_eq!(when(Some(ContactState::Completed), true, false), Some(Duration::ZERO));
    }
}
