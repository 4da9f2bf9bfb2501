use std::time::Duration;

use tieline_core::JsonMap;

use super::{Behaviour, Outcome};
use crate::{Branch, Category, InputKind, InputSpec, Place, Rights, StepSpec};

/// The message goes to the trace, which follows the workspace's rules for personal data; the
/// server's own log never sees it.
pub(super) static LOG: StepSpec = StepSpec {
    name: "log",
    title: "Log",
    category: Category::Diagnostics,
    help: "Writes a line into the trace of this run.",
    inputs: &[
        InputSpec {
            name: "level",
            kind: InputKind::Choice(&["debug", "info", "warn", "error", "log"]),
            required: false,
            default: Some("\"info\""),
            help: "How much it matters.",
        },
        InputSpec {
            name: "message",
            kind: InputKind::Any,
            required: false,
            default: None,
            help: "What to write: any value, also false.",
        },
    ],
    outputs: &[],
    branches: &[Branch::Done],
    place: Place::Server,
    rights: Rights::Workspace,
    deadline: Duration::ZERO,
    once: false,
    behaviour: Behaviour::Here(|_, _| Outcome::done(JsonMap::new())),
};
