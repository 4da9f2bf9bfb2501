use std::time::Duration;

use serde_json::Value;
use tieline_core::JsonMap;

use super::{Behaviour, Inputs, Outcome, Prepared, Surroundings};
use crate::{Branch, Category, InputKind, InputSpec, OutputSpec, Place, Rights, StepError, StepSpec};

pub(super) static FIND_PERSON: StepSpec = StepSpec {
    name: "crm.find_person",
    title: "Find person by number",
    category: Category::Crm,
    help: "Finds the person who owns a phone number. With several, the one modified last; `count` says how many.",
    inputs: &[
        InputSpec {
            name: "number",
            kind: InputKind::Text,
            required: true,
            default: None,
            help: "The number, in any form.",
        },
        InputSpec {
            name: "field",
            kind: InputKind::Text,
            required: false,
            default: None,
            help: "A person with the number in this field comes first; nobody is left out for it.",
        },
    ],
    outputs: &[
        OutputSpec { name: "id", help: "The person's record." },
        OutputSpec { name: "count", help: "How many persons own the number." },
    ],
    branches: &[Branch::Success, Branch::Failure],
    place: Place::Server,
    rights: Rights::Agent,
    deadline: Duration::from_secs(8),
    once: false,
    behaviour: Behaviour::Outside { prepare: find_person, settle: found_person },
};

pub(super) static GET_RECORD: StepSpec = StepSpec {
    name: "crm.get_record",
    title: "Get record",
    category: Category::Crm,
    help: "Reads fields of one record.",
    inputs: &[
        InputSpec {
            name: "object",
            kind: InputKind::Text,
            required: true,
            default: None,
            help: "The kind of record: `Contact`, `Case`, an object of your own.",
        },
        InputSpec {
            name: "id",
            kind: InputKind::RecordId,
            required: true,
            default: None,
            help: "The record's id.",
        },
        InputSpec {
            name: "fields",
            kind: InputKind::Names,
            required: true,
            default: None,
            help: "The fields, separated by commas: `Name, Account.Name`.",
        },
    ],
    outputs: &[OutputSpec { name: "record", help: "The record, field by field." }],
    branches: &[Branch::Success, Branch::Failure],
    place: Place::Server,
    rights: Rights::Agent,
    deadline: Duration::from_secs(8),
    once: false,
    behaviour: Behaviour::Outside { prepare: get_record, settle: got_record },
};

fn find_person(inputs: &Inputs, _: &Surroundings) -> Prepared {
    if inputs.filled("number").is_none() {
        return Prepared::fail("input.empty", "there is no number to look for");
    }
    let mut args = inputs.pick(["number"]);
    if let Some(field) = inputs.filled("field") {
        if !is_field_name(field) {
            return Prepared::fail("input.invalid", format!("`{field}` is not the name of a field"));
        }
        args.insert("field".into(), field.into());
    }
    Prepared::Perform(args)
}

/// Nobody found is the failure branch, not a success without an id.
fn found_person(outputs: JsonMap) -> Outcome {
    let found = outputs.get("id").and_then(Value::as_str).is_some_and(|id| !id.is_empty());
    if found { Outcome::success(outputs) } else { not_found("nobody owns this number", outputs) }
}

fn get_record(inputs: &Inputs, _: &Surroundings) -> Prepared {
    let Some(object) = inputs.filled("object") else {
        return Prepared::fail("input.empty", "the kind of record is not given");
    };
    let fields = inputs.names("fields");
    if fields.is_empty() {
        return Prepared::fail("input.empty", "no field is asked for");
    }
    // Whoever answers builds a query from these; names are all that may stand there.
    if let Some(odd) = std::iter::once(object).chain(fields.iter().copied()).find(|name| !is_field_name(name))
    {
        return Prepared::fail("input.invalid", format!("`{odd}` is not the name of an object or field"));
    }
    Prepared::Perform(inputs.pick(["object", "id", "fields"]))
}

fn got_record(outputs: JsonMap) -> Outcome {
    if outputs.get("record").is_some_and(Value::is_object) {
        Outcome::success(outputs)
    } else {
        not_found("there is no such record, or the agent may not see it", outputs)
    }
}

fn not_found(detail: &str, outputs: JsonMap) -> Outcome {
    Outcome { branch: Branch::Failure, outputs, error: Some(StepError::new("not_found", detail)) }
}

/// `Name`, `Account.Name`, `ns__Field__c`.
pub(super) fn is_field_name(name: &str) -> bool {
    name.split('.').all(|part| {
        part.starts_with(|c: char| c.is_ascii_alphabetic())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn prepared(step: fn(&Inputs, &Surroundings) -> Prepared, inputs: &Value) -> Result<Value, String> {
        let around = Surroundings { contact: &Value::Null, region: None };
        match step(&Inputs::new(inputs.as_object().unwrap().clone()), &around) {
            Prepared::Perform(args) => Ok(Value::Object(args)),
            Prepared::Settled(outcome) => Err(outcome.error.unwrap().code),
        }
    }

    fn map(value: Value) -> JsonMap {
        let Value::Object(map) = value else { panic!("an object") };
        map
    }

    #[test]
    fn nobody_found_takes_the_failure_branch() {
        let nobody = found_person(map(json!({"count": 0})));
        assert_eq!(nobody.branch, Branch::Failure);
        assert_eq!(nobody.outputs["count"], 0);
        assert_eq!(found_person(map(json!({"id": "003x", "count": 3}))).branch, Branch::Success);
    }

    #[test]
    fn a_person_is_looked_for_by_number_with_a_field_to_rank_by() {
        assert_eq!(prepared(find_person, &json!({"number": ""})), Err("input.empty".into()));
        assert_eq!(
            prepared(find_person, &json!({"number": "+12025550143", "field": ""})),
            Ok(json!({"number": "+12025550143"}))
        );
        let inputs = json!({"number": "+12025550143", "field": "Phone"});
        assert_eq!(prepared(find_person, &inputs), Ok(inputs));
        assert_eq!(
            prepared(find_person, &json!({"number": "1", "field": "Phone'--"})),
            Err("input.invalid".into())
        );
    }

    #[test]
    fn only_names_of_fields_are_asked_for() {
        let inputs =
            json!({"object": "Contact", "id": "003x", "fields": ["Name", "Account.Name", "ns__Tier__c"]});
        assert_eq!(prepared(get_record, &inputs), Ok(inputs));
        for odd in ["Name FROM User", "Name)", "1st", "a..b", "Näme", "x'--"] {
            let inputs = json!({"object": "Contact", "id": "003x", "fields": ["Name", odd]});
            assert_eq!(prepared(get_record, &inputs), Err("input.invalid".into()), "{odd}");
        }
        assert_eq!(
            prepared(get_record, &json!({"object": "Contact", "id": "1", "fields": []})),
            Err("input.empty".into())
        );
        assert_eq!(
            prepared(get_record, &json!({"object": "", "id": "1", "fields": ["Name"]})),
            Err("input.empty".into())
        );
    }

    #[test]
    fn an_answer_without_a_record_is_not_found() {
        assert_eq!(got_record(map(json!({"record": null}))).branch, Branch::Failure);
        assert_eq!(got_record(map(json!({"record": {"Name": "Anna"}}))).branch, Branch::Success);
    }
}
