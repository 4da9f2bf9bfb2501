//! Dials: who may, waiting for a softphone, and clicks that repeat each other.

use serde_json::Value;
use tieline_flow::Effect;

use super::commands::same_number;
use super::runs::Gesture;
use super::{Desk, Turn, after};
use crate::protocol::{ACTION_FRESH, Notice, NoticeLevel, Token};
use tieline_store::FlowGrants;

/// How long the agent is told that nothing was dialled.
pub(super) const EXPIRED_SHOWN: std::time::Duration = std::time::Duration::from_secs(10);

/// Why a dial is not allowed; `Ok` with the gesture that allows it, `None` when the flow's right does.
pub(super) fn permitted(
    now: jiff::Timestamp,
    gesture: Option<&Gesture>,
    grants: FlowGrants,
) -> Result<Option<Gesture>, &'static str> {
    match gesture {
        Some(gesture) if now <= after(gesture.at, ACTION_FRESH) => Ok(Some(gesture.clone())),
        _ if grants.may_dial => Ok(None),
        Some(_) => Err(
            "the click or action is more than 10 seconds old, and the flow has no right of its own to dial",
        ),
        None => {
            Err("no click or action of the agent asked for it, and the flow has no right of its own to dial")
        }
    }
}

impl Desk {
    /// Whether a click on `number` only repeats one whose dial is still on its way.
    pub(super) fn repeats_a_click(&self, number: &Value) -> bool {
        self.jobs.iter().any(|job| job.clicked().is_some_and(|clicked| same_number(clicked, number)))
    }

    /// No softphone is ready: the dial waits, and the agent is told.
    pub(super) fn hold_dial(&mut self, turn: &mut Turn<'_>, cmd: &Token) {
        if self.held.contains_key(cmd) {
            return;
        }
        let Some(number) = self.commands.get(cmd).map(|pending| pending.args.get("number").cloned()) else {
            return;
        };
        // One dial waits at a time: whoever clicks another number meanwhile has changed their mind.
        let overtaken: Vec<Token> = self.held.keys().cloned().collect();
        for older in overtaken {
            let answer = tieline_flow::Answer::Failed {
                code: "dial.overtaken".into(),
                detail: "another number was clicked before a softphone was ready".into(),
            };
            self.command_ends(turn, &older, answer, None);
        }
        let number = number.and_then(|number| number.as_str().map(str::to_owned)).unwrap_or_default();
        self.held.insert(cmd.clone(), number);
        self.cards.notice(
            Notice {
                level: NoticeLevel::Info,
                code: Some("dial.waiting".into()),
                text: "Dialling when the softphone is ready.".into(),
            },
            None,
        );
    }

    pub(super) fn dial_goes_out(&mut self, cmd: &Token) {
        if self.held.remove(cmd).is_some() {
            self.cards.withdraw_notice("dial.waiting");
        }
    }

    pub(super) fn dial_expired(&mut self, turn: &Turn<'_>, cmd: &Token) {
        self.held.remove(cmd);
        self.cards.withdraw_notice("dial.waiting");
        self.cards.notice(
            Notice {
                level: NoticeLevel::Warning,
                code: Some("dial.expired".into()),
                text: "The softphone was not ready in time. Nothing was dialled.".into(),
            },
            Some(after(turn.now, EXPIRED_SHOWN)),
        );
    }
}

/// Whether the effect dials.
pub(super) fn is_dial(effect: &Effect) -> bool {
    effect.place == tieline_flow::Place::Phone && effect.command() == "dial"
}
