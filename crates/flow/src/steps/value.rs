use std::time::Duration;

use super::{Behaviour, Inputs, Outcome, Surroundings, outputs};
use crate::path::{follow, key_path};
use crate::{Branch, Category, InputKind, InputSpec, OutputSpec, Place, Rights, StepSpec};

pub(super) static EXTRACT: StepSpec = StepSpec {
    name: "value.extract",
    title: "Extract value",
    category: Category::Text,
    help: "Takes one value out of a record or list.",
    inputs: &[
        InputSpec {
            name: "from",
            kind: InputKind::Any,
            required: true,
            default: None,
            help: "The record or list.",
        },
        InputSpec {
            name: "path",
            kind: InputKind::Text,
            required: true,
            default: None,
            help: "Where it is: `AccountId`, `Account.Name`, `[0].Id`.",
        },
    ],
    outputs: &[OutputSpec { name: "value", help: "What is there; absent when nothing is." }],
    branches: &[Branch::Done],
    place: Place::Server,
    rights: Rights::Workspace,
    deadline: Duration::ZERO,
    once: false,
    behaviour: Behaviour::Here(extract),
};

fn extract(inputs: &Inputs, _: &Surroundings) -> Outcome {
    let found = inputs.get("from").zip(inputs.text("path")).and_then(|(from, path)| {
        // A flat answer has `Account.Name` as one key.
        from.get(path).or_else(|| follow(from, &key_path(path).ok()?))
    });
    Outcome::done(outputs([("value", found.filter(|value| !value.is_null()).cloned())]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
    fn at(from: Value, path: &str) -> Option<Value> {
        let inputs = json!({"from": from, "path": path}).as_object().unwrap().clone();
        let around = Surroundings { contact: &Value::Null, region: None };
        extract(&Inputs::new(inputs), &around).outputs.get("value").cloned()
    }

    #[test]
    fn a_key_path_goes_through_records_and_lists() {
        let record = json!({"AccountId": "001x", "Account": {"Name": "Acme"}, "Rows": [{"Id": 1}, {"Id": 2}], "odd key": true});
        assert_eq!(at(record.clone(), "AccountId"), Some(json!("001x")));
        assert_eq!(at(record.clone(), "Account.Name"), Some(json!("Acme")));
        assert_eq!(at(record.clone(), "Rows[1].Id"), Some(json!(2)));
        assert_eq!(at(record.clone(), "Rows.[1].Id"), Some(json!(2)));
        assert_eq!(at(record.clone(), "odd key"), Some(json!(true)));
        assert_eq!(at(json!([{"Id": "a"}]), "[0].Id"), Some(json!("a")));
        assert_eq!(at(json!({"Account.Name": "flat"}), "Account.Name"), Some(json!("flat")));
    }

    #[test]
    fn what_is_not_there_is_absent() {
        for (from, path) in [
            (json!({"AccountId": null}), "AccountId"),
            (json!({}), "AccountId"),
            (json!("text"), "AccountId"),
            (json!([]), "[0]"),
            (json!({"a": 1}), ""),
            (json!({"a": 1}), "a..b"),
            (json!({"a": 1}), "[999999999999999999999999]"),
        ] {
            assert_eq!(at(from, path), None, "{path}");
        }
    }
}
