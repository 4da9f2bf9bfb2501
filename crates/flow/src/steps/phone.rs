use std::time::Duration;

use serde_json::Value;
use tieline_core::{Caller, PhoneNumber};

use super::{Behaviour, Inputs, Outcome, Prepared, Surroundings, outputs};
use crate::{Branch, Category, InputKind, InputSpec, OutputSpec, Place, Rights, StepSpec};

const NUMBER: InputSpec = InputSpec {
    name: "number",
    kind: InputKind::Text,
    required: true,
    default: None,
    help: "The number, in any form people or networks write.",
};

const REGION: InputSpec = InputSpec {
    name: "region",
    kind: InputKind::Text,
    required: false,
    default: None,
    help: "Two letters, `US`: the country of numbers without `+`. The workspace's country when absent.",
};

pub(super) static FORMAT: StepSpec = StepSpec {
    name: "phone.format",
    title: "Format phone number",
    category: Category::Phone,
    help: "Writes a number as its own country does: `(202) 555-0143`.",
    inputs: &[NUMBER, REGION],
    outputs: &[OutputSpec { name: "value", help: "The national form; absent when it is not a number." }],
    branches: &[Branch::Done],
    place: Place::Server,
    rights: Rights::Workspace,
    deadline: Duration::ZERO,
    once: false,
    behaviour: Behaviour::Here(|inputs, around| formatted(inputs, around, PhoneNumber::national)),
};

pub(super) static FORMAT_E164: StepSpec = StepSpec {
    name: "phone.format_e164",
    title: "Format phone number (E.164)",
    category: Category::Phone,
    help: "Writes a number as it is dialled from anywhere: `+12025550143`.",
    inputs: &[NUMBER, REGION],
    outputs: &[OutputSpec { name: "value", help: "The E.164 form; absent when it is not a number." }],
    branches: &[Branch::Done],
    place: Place::Server,
    rights: Rights::Workspace,
    deadline: Duration::ZERO,
    once: false,
    behaviour: Behaviour::Here(|inputs, around| formatted(inputs, around, |number| number.e164().to_owned())),
};

pub(super) static DIAL: StepSpec = StepSpec {
    name: "phone.dial",
    title: "Dial number",
    category: Category::Phone,
    help: "Calls a number from the agent's softphone. Never dialled twice for one run of the step.",
    inputs: &[
        NUMBER,
        InputSpec {
            name: "queue",
            kind: InputKind::Text,
            required: false,
            default: None,
            help: "The queue whose caller id is shown; the agent's own outbound queue when absent.",
        },
    ],
    outputs: &[OutputSpec {
        name: "contact_id",
        help: "The new contact, when the softphone told it in time.",
    }],
    branches: &[Branch::Success, Branch::Failure],
    place: Place::Phone,
    rights: Rights::Agent,
    deadline: Duration::from_secs(15),
    once: true,
    behaviour: Behaviour::Outside { prepare: dial, settle: Outcome::success },
};

fn formatted(inputs: &Inputs, around: &Surroundings, form: impl Fn(&PhoneNumber) -> String) -> Outcome {
    let region = inputs.filled("region").map(str::trim).or(around.region);
    // `Caller` knows what networks write for a withheld number; one of those words is a vanity number otherwise.
    let value = match inputs.text("number").map(|number| Caller::parse(number, region)) {
        Some(Caller::Known(number)) => Some(Value::String(form(&number))),
        Some(Caller::Withheld | Caller::Other(_)) | None => None,
    };
    Outcome::done(outputs([("value", value)]))
}

fn dial(inputs: &Inputs, _: &Surroundings) -> Prepared {
    if inputs.filled("number").is_none() {
        return Prepared::fail("input.empty", "there is no number to dial");
    }
    let mut args = inputs.pick(["number"]);
    if let Some(queue) = inputs.filled("queue") {
        args.insert("queue".into(), queue.into());
    }
    Prepared::Perform(args)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(number: &str, region: Option<&str>) -> (Option<String>, Option<String>) {
        let mut inputs = json!({"number": number});
        if let Some(region) = region {
            inputs["region"] = region.into();
        }
        let Value::Object(inputs) = inputs else { unreachable!() };
        let around = Surroundings { contact: &Value::Null, region: Some("GB") };
        let of = |spec: &StepSpec| {
            let Behaviour::Here(walk) = spec.behaviour else { panic!("formats here") };
            let outcome = walk(&Inputs::new(inputs.clone()), &around);
            assert_eq!(outcome.branch, Branch::Done);
            outcome.outputs.get("value").map(|value| value.as_str().unwrap().to_owned())
        };
        (of(&FORMAT), of(&FORMAT_E164))
    }

    fn both(national: &str, e164: &str) -> (Option<String>, Option<String>) {
        (Some(national.into()), Some(e164.into()))
    }

    #[test]
    fn the_region_is_only_for_numbers_without_a_plus() {
        assert_eq!(value("2025550143", Some("US")), both("(202) 555-0143", "+12025550143"));
        assert_eq!(value("+44 20 7946 0018", Some("US")), both("020 7946 0018", "+442079460018"));
        assert_eq!(value("020 7946 0018", None), both("020 7946 0018", "+442079460018"));
        assert_eq!(value("020 7946 0018", Some(" ")), both("020 7946 0018", "+442079460018"));
        assert_eq!(value("+390655500123", Some("us")), both("06 5550 0123", "+390655500123"));
    }

    #[test]
    fn a_withheld_or_unreadable_number_gives_nothing() {
        for odd in ["anonymous", "", "hello", "+", "anna@example.com"] {
            assert_eq!(value(odd, Some("US")), (None, None), "{odd}");
        }
        assert_eq!(value("2025550143", Some("Atlantis")), (None, None));
    }

    #[test]
    fn nothing_to_dial_fails_before_the_softphone_is_asked() {
        let inputs = json!({"number": " "}).as_object().unwrap().clone();
        let around = Surroundings { contact: &Value::Null, region: None };
        assert!(
            matches!(dial(&Inputs::new(inputs), &around), Prepared::Settled(o) if o.branch == Branch::Failure)
        );
    }

    #[test]
    fn an_empty_queue_is_no_queue() {
        let inputs = json!({"number": "+12025550143", "queue": ""}).as_object().unwrap().clone();
        let around = Surroundings { contact: &Value::Null, region: None };
        let Prepared::Perform(args) = dial(&Inputs::new(inputs), &around) else { panic!("dials") };
        assert_eq!(Value::Object(args), json!({"number": "+12025550143"}));
    }
}
