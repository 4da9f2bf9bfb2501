//! The steps: one file per family, each with its declarations, what it does, and its tests.
//!
//! To add a step: a `StepSpec` in the file of its family, its line in [`CATALOG`], its row in the
//! table of `cti`, and a flow that uses it under `fixtures/flows`.

mod contact;
mod crm;
mod inputs;
mod log;
mod logic;
mod phone;
mod pop;
mod task;
mod value;

use serde_json::Value;
use tieline_core::JsonMap;

pub(crate) use contact::describe_customer;
pub(crate) use inputs::{Inputs, coerce, number, scalar_text};

use crate::{Branch, StepError, StepSpec};

/// Every step, in the order the editor shows them.
static CATALOG: [&StepSpec; 15] = [
    &contact::CUSTOMER_NUMBER,
    &contact::PROPERTIES,
    &contact::ATTRIBUTE,
    &pop::SEARCH_AND_POP,
    &pop::POP_RECORD,
    &pop::POP_NEW_RECORD,
    &crm::FIND_PERSON,
    &crm::GET_RECORD,
    &task::CREATE_TASK,
    &phone::DIAL,
    &phone::FORMAT,
    &phone::FORMAT_E164,
    &logic::IS_TRUTHY,
    &value::EXTRACT,
    &log::LOG,
];

/// Every kind of step there is, in the order the editor shows them.
pub fn catalog() -> &'static [&'static StepSpec] {
    &CATALOG
}

/// The declaration of the step documents call `name`.
pub fn step(name: &str) -> Option<&'static StepSpec> {
    CATALOG.iter().find(|spec| spec.name == name).copied()
}

/// What a step does when its turn comes.
pub(crate) enum Behaviour {
    /// All of it, here and at once.
    Here(fn(&Inputs, &Surroundings) -> Outcome),
    /// Checks and shapes the arguments of an effect, then judges what was done.
    Outside { prepare: fn(&Inputs, &Surroundings) -> Prepared, settle: fn(JsonMap) -> Outcome },
}

/// What a step may look at besides its inputs.
pub(crate) struct Surroundings<'run> {
    pub contact: &'run Value,
    /// Default country for numbers without `+`.
    pub region: Option<&'run str>,
}

/// How a step ended.
pub(crate) struct Outcome {
    pub branch: Branch,
    pub outputs: JsonMap,
    pub error: Option<StepError>,
}

/// Whether the outside is needed.
pub(crate) enum Prepared {
    Perform(JsonMap),
    /// Settled without asking anyone.
    Settled(Outcome),
}

impl Outcome {
    pub fn done(outputs: JsonMap) -> Self {
        Self { branch: Branch::Done, outputs, error: None }
    }

    pub fn success(outputs: JsonMap) -> Self {
        Self { branch: Branch::Success, outputs, error: None }
    }
}

impl Prepared {
    /// The step fails before anyone is asked.
    pub fn fail(code: &str, detail: impl Into<String>) -> Self {
        Self::Settled(Outcome {
            branch: Branch::Failure,
            outputs: JsonMap::new(),
            error: Some(StepError::new(code, detail)),
        })
    }
}

/// Outputs from pairs; what is absent is left out.
pub(crate) fn outputs<const N: usize>(pairs: [(&str, Option<Value>); N]) -> JsonMap {
    pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Place;
    use std::time::Duration;

    #[test]
    fn every_step_is_declared_completely_and_once() {
        for (index, spec) in catalog().iter().enumerate() {
            assert!(spec.name.contains('.') || spec.name == "log", "{}", spec.name);
            assert!(catalog()[..index].iter().all(|other| other.name != spec.name), "{} twice", spec.name);
            assert!(!spec.help.is_empty() && !spec.title.is_empty() && !spec.branches.is_empty());
            for input in spec.inputs {
                assert!(!input.help.is_empty(), "{}.{}", spec.name, input.name);
                assert!(input.default.is_none_or(|text| serde_json::from_str::<Value>(text).is_ok()));
                assert!(!input.required || input.default.is_none(), "{}.{}", spec.name, input.name);
            }
            assert_eq!(spec.is_pure(), spec.deadline == Duration::ZERO, "{}", spec.name);
            assert!(!spec.is_pure() || spec.place == Place::Server, "{}", spec.name);
            assert!(spec.is_pure() || spec.failure_branch().is_some(), "{} cannot fail", spec.name);
        }
    }

    #[test]
    fn the_catalog_reads_as_json_for_the_editor() {
        let json = serde_json::to_value(step("phone.dial").unwrap()).unwrap();
        assert_eq!(json["deadline_ms"], 15_000);
        assert_eq!(json["once"], true);
        assert_eq!(json["branches"], serde_json::json!(["success", "failure"]));
        assert_eq!(json["inputs"][0]["type"]["kind"], "text");
    }
}
