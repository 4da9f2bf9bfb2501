//! What the drawer of the panel shows, per contact and besides.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tieline_core::ContactId;

use super::page::PageKey;
use super::{Desk, Turn};
use crate::agents::trace;
use crate::protocol::{Contact, Notice, Panel, PanelAttribute, PanelDoc, PanelTrace, ServerFrame};

/// Contacts remembered at most; a page reports no more at once, and removed ones go.
const MAX_CARDS: usize = 64;

/// What is shown of each contact, and what is shown while none is looked at.
#[derive(Debug, Default)]
pub(super) struct Cards {
    contacts: BTreeMap<ContactId, Card>,
    /// Notices and the trace of runs without a contact.
    desk: Card,
    /// When a notice goes by itself, by its code.
    withdraw: Vec<(Timestamp, String)>,
    rev: u64,
    /// Who is to be shown what at the end of the turn.
    due: Vec<(PageKey, Option<ContactId>)>,
}

#[derive(Debug, Default)]
struct Card {
    snapshot: Option<Contact>,
    trace: Option<PanelTrace>,
    notices: Vec<Notice>,
    changed: bool,
}

impl Cards {
    /// The contacts a page's softphone shows as it says hello.
    pub fn shown_by_phone(&mut self, contacts: &[Contact]) {
        for contact in contacts {
            self.snapshot(contact);
        }
    }

    pub fn snapshot(&mut self, contact: &Contact) {
        if self.contacts.len() >= MAX_CARDS && !self.contacts.contains_key(&contact.id) {
            // The one that changed its state longest ago is the one nobody looks at any more.
            let oldest = self
                .contacts
                .iter()
                .min_by_key(|(_, card)| card.snapshot.as_ref().map(|contact| contact.since))
                .map(|(id, _)| id.clone());
            if let Some(oldest) = oldest {
                self.contacts.remove(&oldest);
            }
        }
        let card = self.contacts.entry(contact.id.clone()).or_default();
        let changed = card.snapshot.as_ref().is_none_or(|before| before.attributes != contact.attributes);
        card.changed |= changed;
        card.snapshot = Some(contact.clone());
    }

    pub fn known(&self, contact: &ContactId) -> Option<&Contact> {
        self.contacts.get(contact)?.snapshot.as_ref()
    }

    /// The contact is gone, and with it what was shown of it.
    pub fn removed(&mut self, contact: &ContactId) {
        self.contacts.remove(contact);
    }

    /// A run has ended.
    pub fn traced(&mut self, contact: Option<&ContactId>, trace: PanelTrace) {
        let card = match contact {
            Some(contact) => self.contacts.entry(contact.clone()).or_default(),
            None => &mut self.desk,
        };
        card.trace = Some(trace);
        card.changed = true;
    }

    /// Tells the agent something, until it is withdrawn or `until`.
    pub fn notice(&mut self, notice: Notice, until: Option<Timestamp>) {
        let code = notice.code.clone().unwrap_or_default();
        self.withdraw_notice(&code);
        self.desk.notices.push(notice);
        self.desk.changed = true;
        if let Some(until) = until {
            self.withdraw.push((until, code));
        }
    }

    pub fn withdraw_notice(&mut self, code: &str) {
        let before = self.desk.notices.len();
        self.desk.notices.retain(|notice| notice.code.as_deref() != Some(code));
        self.desk.changed |= self.desk.notices.len() != before;
        self.withdraw.retain(|(_, withdrawn)| withdrawn != code);
    }

    /// A new page sees everything there is.
    pub fn show_all_to(&mut self, page: PageKey) {
        if !self.desk.is_empty() {
            self.due.push((page, None));
        }
        self.due.extend(
            self.contacts.iter().filter(|(_, card)| !card.is_empty()).map(|(id, _)| (page, Some(id.clone()))),
        );
    }

    /// A page looks at another contact.
    pub fn show_to(&mut self, page: PageKey, contact: Option<&ContactId>) {
        if contact.is_none_or(|contact| self.contacts.contains_key(contact)) {
            self.due.push((page, contact.cloned()));
        }
    }

    pub fn wakes_at(&self) -> Option<Timestamp> {
        self.withdraw.iter().map(|(at, _)| *at).min()
    }

    fn grow_old(&mut self, now: Timestamp) {
        let over: Vec<String> =
            self.withdraw.iter().filter(|(at, _)| now >= *at).map(|(_, code)| code.clone()).collect();
        for code in over {
            self.withdraw_notice(&code);
        }
    }

    /// The document of a contact, if there is one.
    fn doc(&self, contact: Option<&ContactId>) -> Option<PanelDoc> {
        let card = match contact {
            Some(contact) => self.contacts.get(contact)?,
            None => &self.desk,
        };
        let attributes = card.snapshot.as_ref().map(|contact| &contact.attributes);
        Some(PanelDoc {
            attributes: attributes
                .into_iter()
                .flatten()
                .map(|(name, value)| PanelAttribute { name: name.clone(), value: value.clone() })
                .collect(),
            trace: card.trace.clone(),
            notices: card.notices.clone(),
        })
    }

    /// Contacts whose document has changed since this was asked last.
    fn changes(&mut self) -> Vec<Option<ContactId>> {
        let mut changed = Vec::new();
        if std::mem::take(&mut self.desk.changed) {
            changed.push(None);
        }
        for (id, card) in &mut self.contacts {
            if std::mem::take(&mut card.changed) {
                changed.push(Some(id.clone()));
            }
        }
        changed
    }
}

impl Card {
    fn is_empty(&self) -> bool {
        self.trace.is_none()
            && self.notices.is_empty()
            && self.snapshot.as_ref().is_none_or(|contact| contact.attributes.is_empty())
    }
}

impl Desk {
    /// Sends documents that changed to the pages that look at their contact, and what is due to new pages.
    pub(super) fn push_panels(&mut self, turn: &mut Turn<'_>) {
        self.cards.grow_old(turn.now);
        let mut due = std::mem::take(&mut self.cards.due);
        for changed in self.cards.changes() {
            for page in self.pages.iter().filter(|page| page.socket.is_some()) {
                let shown = match (&changed, &page.looks_at) {
                    (Some(changed), Some(looks_at)) => changed == looks_at,
                    _ => true,
                };
                let entry = (page.key, changed.clone());
                if shown && !due.contains(&entry) {
                    due.push(entry);
                }
            }
        }
        for (key, contact) in due {
            let Some(doc) = self.cards.doc(contact.as_ref()) else { continue };
            self.cards.rev += 1;
            let rev = self.cards.rev;
            let doc = trace::fit(doc);
            self.send_numbered(turn, key, |seq| ServerFrame::Panel(Panel { seq, contact, rev, doc }));
        }
    }
}
