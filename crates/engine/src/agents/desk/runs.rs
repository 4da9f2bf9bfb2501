//! Flows that run for this agent: one job per event, its flows one after the other.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_core::ContactId;
use tieline_flow::{Answer, Effect, Ended, Next, Place, Rights, Run, Scope};
use tieline_store::{RunEnd, RunState};

use super::page::PageKey;
use super::{Desk, Output, ServerEffect, Turn, after, dial};
use crate::agents::book::LoadedFlow;
use crate::agents::trace;
use crate::protocol::{RUN_LASTS, Token};

/// What happened, as the runs it started know it.
#[derive(Debug)]
pub(super) struct Happening {
    pub source: String,
    pub event: String,
    pub contact: Option<ContactId>,
    pub gesture: Option<Gesture>,
    pub details: Value,
    pub payload: Value,
    pub snapshot: Value,
}

/// A click or action a page verified.
#[derive(Debug, Clone)]
pub(super) struct Gesture {
    pub event: Token,
    pub page: PageKey,
    /// When its event arrived here.
    pub at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Queued {
    pub run: Token,
    pub loaded: Arc<LoadedFlow>,
}

/// The flows one event started.
#[derive(Debug)]
pub(super) struct Job {
    happening: Happening,
    queue: VecDeque<Queued>,
    current: Option<Active>,
}

#[derive(Debug)]
struct Active {
    id: Token,
    loaded: Arc<LoadedFlow>,
    run: Run,
    began: Timestamp,
    ends_at: Timestamp,
    paused_at: Option<Timestamp>,
    effects: u64,
    waits: Waits,
}

#[derive(Debug)]
enum Waits {
    Nothing,
    Server { until: Timestamp },
    Command,
}

impl Job {
    pub fn new(happening: Happening, queue: Vec<Queued>) -> Self {
        Self { happening, queue: queue.into(), current: None }
    }

    /// The number whose click started this job.
    pub fn clicked(&self) -> Option<&Value> {
        crate::agents::event::is_click(&self.happening.source, &self.happening.event)
            .then(|| self.happening.payload.get("number"))
            .flatten()
    }

    pub fn wakes_at(&self) -> Option<Timestamp> {
        let active = self.current.as_ref()?;
        // A run that waits for a person stands still, and so does its end.
        let end = active.paused_at.is_none().then_some(active.ends_at);
        let effect = match active.waits {
            Waits::Server { until } => Some(until),
            Waits::Nothing | Waits::Command => None,
        };
        end.into_iter().chain(effect).min()
    }

    fn is(&self, run: &Token) -> bool {
        self.current.as_ref().is_some_and(|active| active.id == *run)
    }
}

impl Desk {
    pub(super) fn begin(&mut self, turn: &mut Turn<'_>, job: Job) {
        self.jobs.push(job);
        self.next_of(turn, self.jobs.len() - 1);
    }

    /// Starts the next flow of a job, or ends the job.
    fn next_of(&mut self, turn: &mut Turn<'_>, at: usize) {
        let now = turn.now;
        let job = &mut self.jobs[at];
        let Some(Queued { run: id, loaded }) = job.queue.pop_front() else {
            self.jobs.remove(at);
            if self.jobs.is_empty() {
                self.jobs.shrink_to_fit();
            }
            return;
        };
        let scope = Scope {
            event: job.happening.details.clone(),
            payload: job.happening.payload.clone(),
            contact: job.happening.snapshot.clone(),
            agent: json!({
                "id": self.owner.agent.id,
                "name": self.owner.agent.name,
                "login": self.owner.agent.login,
            }),
            properties: json!({}),
            region: Some(self.settings.region.clone()),
        };
        job.current = Some(Active {
            id: id.clone(),
            run: Run::new(loaded.flow.clone(), scope),
            loaded,
            began: now,
            ends_at: after(now, RUN_LASTS),
            paused_at: None,
            effects: 0,
            waits: Waits::Nothing,
        });
        self.advance(turn, &id, None);
    }

    /// Walks a run until it waits for something outside or is over.
    fn advance(&mut self, turn: &mut Turn<'_>, run: &Token, mut answer: Option<Answer>) {
        loop {
            let Some(at) = self.jobs.iter().position(|job| job.is(run)) else { return };
            let Some(active) = self.jobs[at].current.as_mut() else { return };
            active.waits = Waits::Nothing;
            match active.run.next(turn.now, answer.take()) {
                Next::Finished(ended) => {
                    self.finish(turn, at, &ended);
                    return;
                }
                Next::Perform(effect) => match self.start_effect(turn, at, effect) {
                    Ok(()) => return,
                    Err(at_once) => answer = Some(at_once),
                },
            }
        }
    }

    /// Starts an effect, or answers it at once.
    fn start_effect(&mut self, turn: &mut Turn<'_>, at: usize, effect: Effect) -> Result<(), Answer> {
        let job = &mut self.jobs[at];
        let contact = job.happening.contact.clone();
        let Some(active) = job.current.as_mut() else { return Ok(()) };
        active.effects += 1;
        let run = active.id.clone();
        if effect.place == Place::Server {
            active.waits = Waits::Server { until: after(turn.now, effect.deadline) };
            let rights = if active.loaded.grants.as_workspace { Rights::Workspace } else { effect.rights };
            turn.out.push(Output::Perform(Box::new(ServerEffect {
                run,
                effect: active.effects,
                step: effect.step,
                op: effect.op,
                rights,
                args: effect.args,
                contact,
                deadline: effect.deadline,
            })));
            return Ok(());
        }
        active.waits = Waits::Command;
        let gesture = if dial::is_dial(&effect) {
            dial::permitted(turn.now, job.happening.gesture.as_ref(), active.loaded.grants)
                .map_err(|why| Answer::Failed { code: "dial.not_allowed".into(), detail: why.into() })?
        } else {
            None
        };
        self.command(turn, run, contact, gesture, effect).map(|_| ())
    }

    pub(super) fn answered(&mut self, turn: &mut Turn<'_>, run: &Token, effect: u64, answer: Answer) {
        let waits = self.jobs.iter().filter_map(|job| job.current.as_ref()).any(|active| {
            active.id == *run && active.effects == effect && matches!(active.waits, Waits::Server { .. })
        });
        // Anything else is an answer that came after its deadline.
        if waits {
            self.advance(turn, run, Some(answer));
        }
    }

    pub(super) fn command_answered(&mut self, turn: &mut Turn<'_>, run: &Token, answer: Answer) {
        self.advance(turn, run, Some(answer));
    }

    pub(super) fn pause_run(&mut self, run: &Token, now: Timestamp) {
        if let Some(active) = self.active(run) {
            active.paused_at.get_or_insert(now);
        }
    }

    pub(super) fn resume_run(&mut self, run: &Token, now: Timestamp) {
        if let Some(active) = self.active(run)
            && let Some(since) = active.paused_at.take()
        {
            let stood = std::time::Duration::try_from(now.duration_since(since)).unwrap_or_default();
            active.ends_at = after(active.ends_at, stood);
        }
    }

    fn active(&mut self, run: &Token) -> Option<&mut Active> {
        self.jobs.iter_mut().filter_map(|job| job.current.as_mut()).find(|active| active.id == *run)
    }

    pub(super) fn runs_grow_old(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        let mut over = Vec::new();
        let mut late = Vec::new();
        for active in self.jobs.iter().filter_map(|job| job.current.as_ref()) {
            if active.paused_at.is_none() && now >= active.ends_at {
                over.push(active.id.clone());
            } else if matches!(active.waits, Waits::Server { until } if now >= until) {
                late.push(active.id.clone());
            }
        }
        for run in over {
            self.drop_commands_of(turn, &run);
            if let Some(at) = self.jobs.iter().position(|job| job.is(&run))
                && let Some(active) = self.jobs[at].current.as_mut()
            {
                let ended = active.run.stop(now, "run.timed_out", "the run took longer than 60 seconds");
                self.finish(turn, at, &ended);
            }
        }
        for run in late {
            let detail = "the answer did not come before the deadline".to_owned();
            self.advance(turn, &run, Some(Answer::Failed { code: "step.late".into(), detail }));
        }
    }

    /// Closes the current run of a job and goes on with its next flow.
    fn finish(&mut self, turn: &mut Turn<'_>, at: usize, ended: &Ended) {
        let now = turn.now;
        let job = &mut self.jobs[at];
        let Some(active) = job.current.take() else { return };
        let contact = job.happening.contact.clone();
        let event = trace::event_name(&job.happening.source, &job.happening.event);
        let (state, detail) = trace::outcome(ended);
        turn.out.push(Output::CloseRun(RunEnd {
            run: active.id.to_string(),
            state,
            detail,
            ended_at: now,
            steps: trace::stored(active.run.trace(), self.settings.redaction),
        }));
        let shown =
            trace::shown(active.loaded.flow.name(), event, state, active.began, now, active.run.trace());
        let card = self.contact_of_card(contact.as_ref());
        self.cards.traced(card.as_ref(), shown);
        self.next_of(turn, at);
    }

    /// Ends everything that runs because the server stops.
    pub(super) fn interrupt_all(&mut self, turn: &mut Turn<'_>) {
        let now = turn.now;
        for mut job in std::mem::take(&mut self.jobs) {
            let queued = job.queue.drain(..).map(|queued| (queued.run, Vec::new()));
            let current = job.current.take().map(|mut active| {
                active.run.stop(now, "run.interrupted", "the server stopped");
                (active.id, trace::stored(active.run.trace(), self.settings.redaction))
            });
            for (run, steps) in current.into_iter().chain(queued) {
                turn.out.push(Output::CloseRun(RunEnd {
                    run: run.to_string(),
                    state: RunState::Interrupted,
                    detail: None,
                    ended_at: now,
                    steps,
                }));
            }
        }
    }
}
