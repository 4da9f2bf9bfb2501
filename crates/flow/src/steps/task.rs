use std::time::Duration;

use serde_json::Value;
use tieline_core::JsonMap;

use super::inputs::scalar_text;
use super::{Behaviour, Inputs, Outcome, Prepared, Surroundings};
use crate::{Branch, Category, InputKind, InputSpec, OutputSpec, Place, Rights, StepSpec};

const fn optional(name: &'static str, kind: InputKind, help: &'static str) -> InputSpec {
    InputSpec { name, kind, required: false, default: None, help }
}

pub(super) static CREATE_TASK: StepSpec = StepSpec {
    name: "crm.create_task",
    title: "Create task",
    category: Category::Crm,
    help: "Writes the activity of this contact: a contact has one, so a second step adds to it. Empty text means: do not set.",
    inputs: &[
        optional(
            "contact",
            InputKind::Text,
            "The contact the activity belongs to; recording and transcript follow it.",
        ),
        optional("type", InputKind::Text, "`Call`, `Email`, …"),
        optional("status", InputKind::Text, "`In Progress`, `Completed`, …"),
        optional("priority", InputKind::Text, "`High`, `Normal`, `Low`."),
        optional("is_closed", InputKind::Bool, "Whether the activity is done."),
        optional("subtype", InputKind::Text, "`Call` or `Task`."),
        optional("who", InputKind::RecordId, "The person: a contact or lead of the CRM."),
        optional("what", InputKind::RecordId, "The related record: an account, a case, …"),
        optional("disposition", InputKind::Text, "The outcome of the call."),
        optional("duration_secs", InputKind::Number, "How long the call was, in whole seconds."),
        optional("call_type", InputKind::Text, "`inbound` or `outbound`."),
        optional("activity_date", InputKind::Text, "The due date, `2026-11-20`."),
        optional("subject1", InputKind::Text, "First part of the subject; the parts are joined with ` - `."),
        optional("subject2", InputKind::Text, "Second part of the subject."),
        optional("subject3", InputKind::Text, "Third part of the subject."),
        optional("fields", InputKind::Map, "Any further fields of the task."),
    ],
    outputs: &[
        OutputSpec { name: "id", help: "The task." },
        OutputSpec { name: "values", help: "What was saved, by the names of the inputs." },
    ],
    branches: &[Branch::Success, Branch::Failure],
    place: Place::Server,
    rights: Rights::Agent,
    deadline: Duration::from_secs(8),
    once: false,
    behaviour: Behaviour::Outside { prepare: create_task, settle: Outcome::success },
};

fn create_task(inputs: &Inputs, _: &Surroundings) -> Prepared {
    let mut args = JsonMap::new();
    let mut subject = Vec::new();
    for (name, value) in inputs.as_map() {
        match (name.as_str(), value) {
            ("subject1" | "subject2" | "subject3", part) => {
                let part = scalar_text(part);
                if !part.trim().is_empty() {
                    subject.push(part);
                }
            }
            ("fields", Value::Object(fields)) => {
                let fields: JsonMap = fields
                    .iter()
                    .filter(|(_, v)| !is_blank(v))
                    .map(|(n, v)| (n.clone(), v.clone()))
                    .collect();
                if !fields.is_empty() {
                    args.insert(name.clone(), Value::Object(fields));
                }
            }
            (_, value) if is_blank(value) => {}
            (_, value) => {
                args.insert(name.clone(), value.clone());
            }
        }
    }
    if !subject.is_empty() {
        args.insert("subject".into(), subject.join(" - ").into());
    }
    Prepared::Perform(args)
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn args(inputs: &Value) -> Value {
        let around = Surroundings { contact: &Value::Null, region: None };
        let Prepared::Perform(args) = create_task(&Inputs::new(inputs.as_object().unwrap().clone()), &around)
        else {
            panic!("always asks the CRM")
        };
        Value::Object(args)
    }

    #[test]
    fn the_subject_is_joined_and_empty_parts_are_skipped() {
        assert_eq!(
            args(&json!({"subject1": "Callback", "subject2": "", "subject3": "Doe"})),
            json!({"subject": "Callback - Doe"})
        );
        assert_eq!(args(&json!({"subject1": "", "subject2": " "})), json!({}));
    }

    #[test]
    fn empty_text_means_do_not_set() {
        assert_eq!(
            args(&json!({
                "contact": "c-42", "type": "Call", "is_closed": false, "disposition": "", "activity_date": "",
                "fields": {"Description": "x", "Extra__c": ""}
            })),
            json!({"contact": "c-42", "type": "Call", "is_closed": false, "fields": {"Description": "x"}})
        );
        assert_eq!(args(&json!({"fields": {}})), json!({}));
    }
}
