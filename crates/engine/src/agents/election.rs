//! Which page a command goes to. The server decides, so that no browser lock can get stuck.

use jiff::Timestamp;
use tieline_flow::Place;

/// What is known of a page when a command looks for one.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, as pages report them")]
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate<Key> {
    pub key: Key,
    pub focused: bool,
    /// When it was last known to have the focus.
    pub focused_at: Option<Timestamp>,
    pub visible: bool,
    pub phone_ready: bool,
    pub audio_owner: bool,
    pub opened_at: Timestamp,
}

/// CRM commands: the focused page, else the one focused last, else a visible one, else the newest.
/// Phone commands: the ready page that owns the sound, else the oldest ready one.
pub(super) fn elect<Key: Copy>(place: Place, candidates: &[Candidate<Key>]) -> Option<Key> {
    let best = match place {
        Place::Phone => candidates
            .iter()
            .filter(|page| page.phone_ready)
            .max_by_key(|page| (page.audio_owner, std::cmp::Reverse(page.opened_at))),
        Place::CrmPage | Place::Panel | Place::Server => {
            candidates.iter().max_by_key(|page| (page.focused, page.focused_at, page.visible, page.opened_at))
        }
    };
    best.map(|page| page.key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(key: u8) -> Candidate<u8> {
        Candidate {
            key,
            focused: false,
            focused_at: None,
            visible: false,
            phone_ready: false,
            audio_owner: false,
            opened_at: at(i64::from(key)),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn crm_commands_go_to_the_focused_page_else_the_one_focused_last() {
        let focused = Candidate { focused: true, focused_at: Some(at(5)), ..page(1) };
        let before = Candidate { focused_at: Some(at(9)), ..page(2) };
        assert_eq!(elect(Place::CrmPage, &[focused, before, page(3)]), Some(1));
        assert_eq!(elect(Place::CrmPage, &[before, page(3)]), Some(2));
        let seen = Candidate { visible: true, ..page(1) };
        assert_eq!(elect(Place::CrmPage, &[seen, page(3)]), Some(1));
        assert_eq!(elect(Place::CrmPage, &[page(1), page(3)]), Some(3));
        assert_eq!(elect::<u8>(Place::CrmPage, &[]), None);
    }

    #[test]
    fn phone_commands_go_to_the_owner_of_the_sound_else_the_oldest_ready_page() {
        let ready = |key| Candidate { phone_ready: true, ..page(key) };
        let owner = Candidate { audio_owner: true, ..ready(3) };
        let owner_not_ready = Candidate { phone_ready: false, ..owner };
        assert_eq!(elect(Place::Phone, &[ready(1), ready(2), owner]), Some(3));
        assert_eq!(elect(Place::Phone, &[ready(2), ready(1), owner_not_ready]), Some(1));
        assert_eq!(elect(Place::Phone, &[page(1)]), None);
    }
}
