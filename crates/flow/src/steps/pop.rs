use std::time::Duration;

use serde_json::Value;

use super::{Behaviour, Inputs, Outcome, Prepared, Surroundings};
use crate::{Branch, Category, InputKind, InputSpec, OutputSpec, Place, Rights, StepSpec};

/// A search pops only for calls that come in; the page decides by this word.
const CALL_TYPES: &[&str] = &["inbound", "outbound", "internal"];

pub(super) static SEARCH_AND_POP: StepSpec = StepSpec {
    name: "crm.search_and_pop",
    title: "Search and pop",
    category: Category::Pop,
    help: "Searches the CRM as its softphone layout says and opens what is found. \
           Success means that the search worked, whatever it found.",
    inputs: &[
        InputSpec {
            name: "search",
            kind: InputKind::Text,
            required: true,
            default: None,
            help: "What to look for: a number, a name, a case number. Nothing to look for is a failure.",
        },
        InputSpec {
            name: "call_type",
            kind: InputKind::Choice(CALL_TYPES),
            required: true,
            default: None,
            help: "Whose rules of the softphone layout count; only `inbound` opens anything.",
        },
        InputSpec {
            name: "query",
            kind: InputKind::Text,
            required: false,
            default: None,
            help: "Passed to the page that is opened, `name=value&…`.",
        },
        InputSpec {
            name: "defaults",
            kind: InputKind::Map,
            required: false,
            default: None,
            help: "Field values for a new record, when the layout opens one.",
        },
        InputSpec {
            name: "deferred",
            kind: InputKind::Bool,
            required: false,
            default: Some("false"),
            help: "Search now and open nothing.",
        },
    ],
    outputs: &[
        OutputSpec { name: "count", help: "How many records matched." },
        OutputSpec { name: "id", help: "The record, when exactly one matched." },
        OutputSpec { name: "results", help: "The matches, `{id, name, type}` each." },
    ],
    branches: &[Branch::Success, Branch::Failure],
    place: Place::CrmPage,
    rights: Rights::Agent,
    deadline: Duration::from_secs(8),
    once: false,
    behaviour: Behaviour::Outside { prepare: search_and_pop, settle: Outcome::success },
};

pub(super) static POP_RECORD: StepSpec = StepSpec {
    name: "crm.pop_record",
    title: "Pop record",
    category: Category::Pop,
    help: "Opens one record in the agent's CRM page.",
    inputs: &[
        InputSpec {
            name: "record",
            kind: InputKind::RecordId,
            required: false,
            default: None,
            help: "The record's id. Without one the step fails, unless it may stay quiet.",
        },
        InputSpec {
            name: "quiet_when_empty",
            kind: InputKind::Bool,
            required: false,
            default: Some("false"),
            help: "Without an id: open nothing and call it a success.",
        },
    ],
    outputs: &[],
    branches: &[Branch::Success, Branch::Failure],
    place: Place::CrmPage,
    rights: Rights::Agent,
    deadline: Duration::from_secs(3),
    once: false,
    behaviour: Behaviour::Outside { prepare: pop_record, settle: Outcome::success },
};

pub(super) static POP_NEW_RECORD: StepSpec = StepSpec {
    name: "crm.pop_new_record",
    title: "Pop new record",
    category: Category::Pop,
    help: "Opens the form for a new record, filled in as far as known. Nothing is saved.",
    inputs: &[
        InputSpec {
            name: "object",
            kind: InputKind::Text,
            required: true,
            default: None,
            help: "The kind of record: `Case`, `Contact`, an object of your own.",
        },
        InputSpec {
            name: "fields",
            kind: InputKind::Map,
            required: false,
            default: None,
            help: "Field names and what to fill in.",
        },
    ],
    outputs: &[],
    branches: &[Branch::Success, Branch::Failure],
    place: Place::CrmPage,
    rights: Rights::Agent,
    deadline: Duration::from_secs(3),
    once: false,
    behaviour: Behaviour::Outside { prepare: pop_new_record, settle: Outcome::success },
};

fn search_and_pop(inputs: &Inputs, _: &Surroundings) -> Prepared {
    if inputs.filled("search").is_none() {
        return Prepared::fail("input.empty", "there is nothing to search for");
    }
    let call_type = inputs.text("call_type").unwrap_or_default().trim().to_ascii_lowercase();
    if !CALL_TYPES.contains(&call_type.as_str()) {
        return Prepared::fail(
            "input.choice",
            format!("`call_type` must be one of {}", CALL_TYPES.join(", ")),
        );
    }
    let mut args = inputs.pick(["search"]);
    args.insert("call_type".into(), call_type.into());
    if let Some(query) = inputs.filled("query") {
        args.insert("query".into(), query.into());
    }
    args.extend(filled_map(inputs, "defaults"));
    args.insert("deferred".into(), inputs.bool("deferred").unwrap_or(false).into());
    Prepared::Perform(args)
}

fn pop_record(inputs: &Inputs, _: &Surroundings) -> Prepared {
    match (inputs.text("record"), inputs.bool("quiet_when_empty")) {
        (Some(_), _) => Prepared::Perform(inputs.pick(["record"])),
        (None, Some(true)) => Prepared::Settled(Outcome::success(tieline_core::JsonMap::new())),
        (None, _) => Prepared::fail("input.empty", "there is no record to open"),
    }
}

fn pop_new_record(inputs: &Inputs, _: &Surroundings) -> Prepared {
    if inputs.filled("object").is_none() {
        return Prepared::fail("input.empty", "the kind of record is not given");
    }
    let mut args = inputs.pick(["object"]);
    // The page takes the fields as given, so there is always something to give.
    args.insert(
        "fields".into(),
        inputs.get("fields").cloned().unwrap_or_else(|| Value::Object(tieline_core::JsonMap::new())),
    );
    Prepared::Perform(args)
}

/// The map input `name` as an argument, when it holds anything.
fn filled_map(inputs: &Inputs, name: &str) -> Option<(String, Value)> {
    let map = inputs.get(name)?.as_object()?;
    (!map.is_empty()).then(|| (name.to_owned(), Value::Object(map.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prepared(step: fn(&Inputs, &Surroundings) -> Prepared, inputs: &Value) -> Result<Value, String> {
        let around = Surroundings { contact: &Value::Null, region: None };
        match step(&Inputs::new(inputs.as_object().unwrap().clone()), &around) {
            Prepared::Perform(args) => Ok(Value::Object(args)),
            Prepared::Settled(outcome) => Err(outcome.branch.to_string()),
        }
    }

    #[test]
    fn an_empty_search_fails_without_asking_the_page() {
        for search in ["", "   "] {
            let inputs = json!({"search": search, "call_type": "inbound"});
            assert_eq!(prepared(search_and_pop, &inputs), Err("failure".into()));
        }
    }

    #[test]
    fn empty_extras_are_left_out_of_a_search() {
        let inputs = json!({"search": "+12025550143", "call_type": "Inbound", "query": "", "defaults": {}, "deferred": false});
        assert_eq!(
            prepared(search_and_pop, &inputs),
            Ok(json!({"search": "+12025550143", "call_type": "inbound", "deferred": false}))
        );
        let inputs = json!({"search": "x", "call_type": "internal", "query": "a=b", "defaults": {"Name": "Anna"}, "deferred": true});
        assert_eq!(prepared(search_and_pop, &inputs), Ok(inputs));
        assert!(prepared(search_and_pop, &json!({"search": "x", "call_type": "sideways"})).is_err());
    }

    #[test]
    fn popping_without_an_id_fails_unless_it_may_stay_quiet() {
        assert_eq!(prepared(pop_record, &json!({})), Err("failure".into()));
        assert_eq!(prepared(pop_record, &json!({"quiet_when_empty": false})), Err("failure".into()));
        assert_eq!(prepared(pop_record, &json!({"quiet_when_empty": true})), Err("success".into()));
        assert_eq!(
            prepared(pop_record, &json!({"record": "003x", "quiet_when_empty": true})),
            Ok(json!({"record": "003x"}))
        );
    }

    #[test]
    fn a_new_record_needs_its_kind_and_takes_fields() {
        assert_eq!(prepared(pop_new_record, &json!({"object": ""})), Err("failure".into()));
        assert_eq!(
            prepared(pop_new_record, &json!({"object": "Case"})),
            Ok(json!({"object": "Case", "fields": {}}))
        );
        let inputs = json!({"object": "Case", "fields": {"Subject": "Call"}});
        assert_eq!(prepared(pop_new_record, &inputs), Ok(inputs));
    }
}
