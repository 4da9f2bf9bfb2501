//! How a step is declared: once, in code, in its file under `steps/`.
//!
//! The check, the walker, the editor's palette and forms, the reference page, the JSON Schema and
//! the import and export of files all read these declarations.

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::steps::Behaviour;

/// One kind of step.
#[derive(Serialize)]
pub struct StepSpec {
    /// What documents write under `use`: `thing.verb`.
    pub name: &'static str,
    pub title: &'static str,
    pub category: Category,
    /// One or two sentences for the person who builds a flow.
    pub help: &'static str,
    pub inputs: &'static [InputSpec],
    pub outputs: &'static [OutputSpec],
    /// The branches the step may take, the ordinary one first.
    pub branches: &'static [Branch],
    pub place: Place,
    pub rights: Rights,
    /// How long the performer has before the step fails; nothing for steps the walker does itself.
    #[serde(serialize_with = "milliseconds", rename = "deadline_ms")]
    pub deadline: Duration,
    /// Performed at most once whatever happens: nobody wants two calls.
    pub once: bool,
    #[serde(skip)]
    pub(crate) behaviour: Behaviour,
}

/// One input of a step.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct InputSpec {
    pub name: &'static str,
    #[serde(rename = "type")]
    pub kind: InputKind,
    pub required: bool,
    /// What counts when the input is absent, as JSON text; `None` when absent means absent.
    pub default: Option<&'static str>,
    pub help: &'static str,
}

/// What an input takes. Numbers, true and false become text where text is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "kind", content = "choices")]
pub enum InputKind {
    Text,
    Bool,
    Number,
    /// A CRM record; `""`, `"null"` and absent are the same: none.
    RecordId,
    /// Text from a list. A value that is not known before the run is not held against it.
    Choice(&'static [&'static str]),
    /// Names and values; each value may be a literal, a reference, or an expression.
    Map,
    /// Names separated by commas, or a list of names.
    Names,
    Any,
}

/// One output of a step, read as `$.steps.<id>.<name>`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct OutputSpec {
    pub name: &'static str,
    pub help: &'static str,
}

/// Where a step can go next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Branch {
    Done,
    Success,
    Failure,
    True,
    False,
}

/// Where a step happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    Server,
    CrmPage,
    Phone,
    Panel,
}

/// Whose rights a step uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rights {
    Agent,
    Workspace,
}

/// Where the editor shows a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    Contact,
    Logic,
    Text,
    Pop,
    Crm,
    Phone,
    Diagnostics,
}

impl StepSpec {
    pub fn input(&self, name: &str) -> Option<&'static InputSpec> {
        self.inputs.iter().find(|input| input.name == name)
    }

    /// The branch a failure takes: `failure`, else `false`; `None` for steps that cannot fail.
    pub fn failure_branch(&self) -> Option<Branch> {
        [Branch::Failure, Branch::False].into_iter().find(|branch| self.branches.contains(branch))
    }

    /// True when the walker does the step itself, false when it is an [`crate::Effect`].
    pub fn is_pure(&self) -> bool {
        matches!(self.behaviour, Behaviour::Here(_))
    }
}

impl std::fmt::Debug for StepSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StepSpec").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Branch {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::True => "true",
            Self::False => "false",
        }
    }
}

impl std::fmt::Display for Branch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

fn milliseconds<S: Serializer>(deadline: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u128(deadline.as_millis())
}
