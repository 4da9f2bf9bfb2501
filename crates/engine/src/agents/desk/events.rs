//! What pages report: noted once, then the flows that wait for it run.

use serde_json::{Value, json};
use tieline_core::ContactId;
use tieline_store::{RunRow, RunState, SeenEvent};

use super::page::PageKey;
use super::runs::{Gesture, Happening, Job, Queued};
use super::{Desk, Output, Turn};
use crate::agents::event;
use crate::protocol::{Ack, ByeCode, CauseKind, PageEvent, ServerFrame};

/// Events of one agent whose flows run at the same time.
const MAX_JOBS: usize = 128;

/// An event on its way into the store.
#[derive(Debug)]
pub(super) struct Recording {
    page: PageKey,
    n: u64,
    job: Option<Job>,
}

impl Desk {
    pub(super) fn event(&mut self, turn: &mut Turn<'_>, key: PageKey, event: &PageEvent) {
        let Some(page) = self.page(key) else { return };
        if event.n <= page.recorded {
            // Sent again before our acknowledgement reached the page.
            self.acknowledge(turn, key);
            return;
        }
        let source = event.source.as_str();
        let book = turn.book;
        let flows = if event.handled_locally { &[][..] } else { book.flows_for(source, &event.event) };
        if let Some(snapshot) = &event.snapshot {
            self.cards.snapshot(snapshot);
        }
        if !flows.is_empty() && self.jobs.len() >= MAX_JOBS {
            // Not acknowledged: the page keeps it and sends it again when it is back.
            let why = "More is running for you than there is room for; trying again in a moment.".to_owned();
            self.give_up_page(turn, key, ByeCode::Unavailable.bye_because(why));
            return;
        }
        if flows.is_empty() && !event::always_sent(source, &event.event) {
            // A subscription that has ended, or an event of a newer page: nobody wants to know.
            self.recorded_up_to(turn, key, event.n);
            return;
        }
        let repeated = event::is_click(source, &event.event)
            && self.repeats_a_click(
                event.payload.as_ref().and_then(|p| p.get("number")).unwrap_or(&Value::Null),
            );
        let flows = if repeated { &[][..] } else { flows };

        let happening = self.happening(turn, key, event);
        let mut runs = Vec::with_capacity(flows.len());
        let mut queue = Vec::with_capacity(flows.len());
        for loaded in flows {
            let run = self.token();
            runs.push(RunRow {
                run: run.to_string(),
                workspace: self.owner.workspace.clone(),
                agent: self.owner.agent.id.clone(),
                contact: event.contact.clone(),
                flow: loaded.flow.id().to_owned(),
                version: loaded.version,
                source: source.to_owned(),
                event: event.event.clone(),
                state: RunState::Running,
                detail: None,
                started_at: turn.now,
                ended_at: None,
            });
            queue.push(Queued { run, loaded: loaded.clone() });
        }
        let job = (!queue.is_empty()).then(|| Job::new(happening, queue));
        let seen = SeenEvent {
            workspace: self.owner.workspace.clone(),
            agent: self.owner.agent.id.clone(),
            key: event::key(event),
            contact: event.contact.clone(),
            source: source.to_owned(),
            event: event.event.clone(),
            life_cycle: event::is_life_cycle(source, &event.event),
            handled_locally: event.handled_locally,
            seen_at: turn.now,
        };
        let login = self.page(key).and_then(|page| page.login.clone());
        let part = event::as_part(event, login.as_deref(), turn.now).map(Box::new);
        if event.event == "destroy"
            && event::is_contact_source(source)
            && let Some(contact) = &event.contact
        {
            self.cards.removed(contact);
        }
        self.recording = Some(Recording { page: key, n: event.n, job });
        turn.out.push(Output::Record { event: seen, runs, part });
    }

    /// What the runs of an event will know of it.
    fn happening(&self, turn: &Turn<'_>, key: PageKey, event: &PageEvent) -> Happening {
        let verified = matches!(
            event.cause.as_ref().map(|cause| cause.kind),
            Some(CauseKind::Click | CauseKind::Action)
        );
        let gesture = (verified && event::is_gesture(event.source.as_str(), &event.event)).then(|| Gesture {
            event: event.id.clone(),
            page: key,
            at: turn.now,
        });
        let snapshot = event.snapshot.as_ref().or_else(|| self.cards.known(event.contact.as_ref()?));
        Happening {
            source: event.source.to_string(),
            event: event.event.clone(),
            contact: event.contact.clone(),
            gesture,
            details: json!({
                "source": event.source,
                "event": event.event,
                "id": event.id,
                "state_at": event.state_at,
            }),
            payload: event.payload.clone().map_or(Value::Null, Value::Object),
            snapshot: snapshot.map_or(Value::Null, |contact| {
                serde_json::to_value(contact).expect("a snapshot has text keys only")
            }),
        }
    }

    pub(super) fn recorded(&mut self, turn: &mut Turn<'_>, new: Result<bool, ()>) {
        let Some(Recording { page, n, job }) = self.recording.take() else { return };
        match new {
            Ok(true) => {
                self.recorded_up_to(turn, page, n);
                if let Some(job) = job {
                    self.begin(turn, job);
                }
            }
            Ok(false) => self.recorded_up_to(turn, page, n),
            // Not acknowledged, so the page sends it again when it is back.
            Err(()) => self.give_up_page(turn, page, ByeCode::Unavailable.bye()),
        }
    }

    fn recorded_up_to(&mut self, turn: &mut Turn<'_>, key: PageKey, n: u64) {
        if let Some(page) = self.page(key) {
            page.recorded = n;
            self.acknowledge(turn, key);
        }
    }

    fn acknowledge(&mut self, turn: &mut Turn<'_>, key: PageKey) {
        if let Some(page) = self.page(key)
            && let Some(socket) = page.socket
        {
            let n = page.recorded;
            turn.out.push(Output::Send { socket, frame: ServerFrame::Ack(Ack { n }) });
        }
    }

    /// Whether a contact is known to have been removed.
    pub(super) fn contact_of_card(&self, contact: Option<&ContactId>) -> Option<ContactId> {
        contact.filter(|contact| self.cards.known(contact).is_some()).cloned()
    }
}
