use std::time::Duration;

use serde_json::Value;

use super::{Behaviour, Inputs, Outcome, Surroundings, outputs};
use crate::{Branch, Category, InputKind, InputSpec, OutputSpec, Place, Rights, StepSpec};

pub(super) static IS_TRUTHY: StepSpec = StepSpec {
    name: "logic.is_truthy",
    title: "Is truthy?",
    category: Category::Logic,
    help: "True unless the value is absent, empty text, 0, false, or null.",
    inputs: &[InputSpec {
        name: "value",
        kind: InputKind::Any,
        required: false,
        default: None,
        help: "What is looked at.",
    }],
    outputs: &[OutputSpec { name: "value", help: "The decision, true or false." }],
    branches: &[Branch::True, Branch::False],
    place: Place::Server,
    rights: Rights::Workspace,
    deadline: Duration::ZERO,
    once: false,
    behaviour: Behaviour::Here(is_truthy),
};

fn is_truthy(inputs: &Inputs, _: &Surroundings) -> Outcome {
    let truth = inputs.get("value").is_some_and(truthy);
    let branch = if truth { Branch::True } else { Branch::False };
    Outcome { branch, outputs: outputs([("value", Some(truth.into()))]), error: None }
}

/// JavaScript's table (ECMA-262, ToBoolean), for what JSON can say. Absent is `undefined`: false.
pub(crate) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        // Also -0.0; NaN does not exist in JSON.
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_table_is_that_of_javascript() {
        for value in [
            json!(true),
            json!(1),
            json!(-1),
            json!(0.1),
            json!(1e-300),
            json!("0"),
            json!("false"),
            json!("null"),
            json!(" "),
            json!([]),
            json!([0]),
            json!({}),
            json!(u64::MAX),
        ] {
            assert!(truthy(&value), "{value}");
        }
        for value in [json!(null), json!(false), json!(0), json!(0.0), json!(-0.0), json!("")] {
            assert!(!truthy(&value), "{value}");
        }
    }

    #[test]
    fn absent_is_false() {
        let around = Surroundings { contact: &Value::Null, region: None };
        assert_eq!(is_truthy(&Inputs::default(), &around).branch, Branch::False);
    }
}
