use std::time::Duration;

use serde_json::Value;
use tieline_core::{Caller, JsonMap};

use super::inputs::scalar_text;
use super::{Behaviour, Inputs, Outcome, Surroundings, outputs};
use crate::{Branch, Category, InputKind, InputSpec, OutputSpec, Place, Rights, StepSpec};

pub(super) static ATTRIBUTE: StepSpec = StepSpec {
    name: "contact.attribute",
    title: "Contact attribute",
    category: Category::Contact,
    help: "Reads one attribute of the contact, as the contact center or an IVR set it.",
    inputs: &[
        InputSpec {
            name: "name",
            kind: InputKind::Text,
            required: true,
            default: None,
            help: "The attribute's key, exactly as it was set.",
        },
        InputSpec {
            name: "default",
            kind: InputKind::Any,
            required: false,
            default: None,
            help: "The value when the contact has no such attribute.",
        },
    ],
    outputs: &[OutputSpec { name: "value", help: "The attribute's text, or the default." }],
    branches: &[Branch::Done],
    place: Place::Server,
    rights: Rights::Workspace,
    deadline: Duration::ZERO,
    once: false,
    behaviour: Behaviour::Here(attribute),
};

pub(super) static PROPERTIES: StepSpec = StepSpec {
    name: "contact.properties",
    title: "Contact properties",
    category: Category::Contact,
    help: "What is known of the contact this run belongs to.",
    inputs: &[],
    outputs: &[
        OutputSpec { name: "contact_id", help: "The contact's id in the contact center." },
        OutputSpec { name: "type", help: "The kind of contact: `voice`, `chat`, `task`, …" },
        OutputSpec { name: "channel", help: "The channel: `voice`, `chat`, `task`, …" },
        OutputSpec { name: "queue", help: "The name of the queue it came through." },
        OutputSpec { name: "e164", help: "The customer's number, as `+12025550143`; absent when withheld." },
        OutputSpec { name: "direction", help: "`inbound` or `outbound`." },
        OutputSpec { name: "initiation", help: "The contact center's word for how it began." },
        OutputSpec { name: "is_monitor", help: "True when the agent listens to another agent's contact." },
    ],
    branches: &[Branch::Done],
    place: Place::Server,
    rights: Rights::Workspace,
    deadline: Duration::ZERO,
    once: false,
    behaviour: Behaviour::Here(properties),
};

pub(super) static CUSTOMER_NUMBER: StepSpec = StepSpec {
    name: "contact.customer_number",
    title: "Customer's number",
    category: Category::Contact,
    help: "The number of the customer, who calls or is called. A withheld number leaves all but `withheld` absent.",
    inputs: &[],
    outputs: &[
        OutputSpec { name: "e164", help: "The number as `+12025550143`." },
        OutputSpec { name: "country", help: "Two letters, `US`; absent for numbers of no country." },
        OutputSpec { name: "national", help: "The number as its country writes it, `(202) 555-0143`." },
        OutputSpec { name: "withheld", help: "True when the caller or the network hides the number." },
    ],
    branches: &[Branch::Done],
    place: Place::Server,
    rights: Rights::Workspace,
    deadline: Duration::ZERO,
    once: false,
    behaviour: Behaviour::Here(customer_number),
};

fn attribute(inputs: &Inputs, around: &Surroundings) -> Outcome {
    let found = inputs
        .text("name")
        .and_then(|name| around.contact.get("attributes")?.get(name))
        .filter(|value| !value.is_null())
        .or_else(|| inputs.get("default").filter(|value| !value.is_null()));
    Outcome::done(outputs([("value", found.cloned())]))
}

fn properties(_: &Inputs, around: &Surroundings) -> Outcome {
    let of = |name: &str| around.contact.get(name).filter(|value| !value.is_null()).cloned();
    // A queue arrives as its name, or as `{id, name}`.
    let queue = of("queue").and_then(|queue| match queue {
        Value::Object(parts) => parts.get("name").cloned(),
        name => Some(name),
    });
    Outcome::done(outputs([
        ("contact_id", of("id")),
        ("type", of("type").or_else(|| of("channel"))),
        ("channel", of("channel")),
        ("queue", queue.filter(|name| !name.is_null())),
        ("e164", of("e164")),
        ("direction", of("direction")),
        ("initiation", of("initiation")),
        ("is_monitor", Some(of("is_monitor").unwrap_or(Value::Bool(false)))),
    ]))
}

fn customer_number(_: &Inputs, around: &Surroundings) -> Outcome {
    let of = |name: &str| around.contact.get(name).filter(|value| !value.is_null()).cloned();
    Outcome::done(outputs([
        ("e164", of("e164")),
        ("country", of("country")),
        ("national", of("national")),
        ("withheld", Some(of("withheld").unwrap_or(Value::Bool(true)))),
    ]))
}

/// What references and steps want to know of the customer's address: the snapshot holds it as the
/// contact center wrote it.
pub(crate) fn describe_customer(contact: &mut JsonMap, region: Option<&str>) {
    let customer = contact.get("customer").map(scalar_text).unwrap_or_default();
    let caller = Caller::parse(&customer, region);
    contact.insert("withheld".into(), Value::Bool(caller == Caller::Withheld));
    for (name, value) in [
        ("e164", caller.number().map(|number| number.e164().to_owned())),
        ("national", caller.number().map(tieline_core::PhoneNumber::national)),
        ("country", caller.number().and_then(tieline_core::PhoneNumber::country)),
    ] {
        match value {
            Some(value) => contact.insert(name.into(), value.into()),
            None => contact.shift_remove(name),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn contact(mut snapshot: Value) -> Value {
        describe_customer(snapshot.as_object_mut().unwrap(), Some("US"));
        snapshot
    }

    fn walk(step: fn(&Inputs, &Surroundings) -> Outcome, snapshot: Value, inputs: Value) -> Value {
        let Value::Object(inputs) = inputs else { panic!("inputs are an object") };
        let contact = contact(snapshot);
        Value::Object(step(&Inputs::new(inputs), &Surroundings { contact: &contact, region: None }).outputs)
    }

    #[test]
    fn an_attribute_is_read_as_it_was_set_even_when_empty() {
        let snapshot = json!({"attributes": {"caseNumber": "00001026", "empty": ""}});
        assert_eq!(
            walk(attribute, snapshot.clone(), json!({"name": "caseNumber", "default": "x"})),
            json!({"value": "00001026"})
        );
        assert_eq!(
            walk(attribute, snapshot.clone(), json!({"name": "empty", "default": "x"})),
            json!({"value": ""})
        );
        assert_eq!(
            walk(attribute, snapshot.clone(), json!({"name": "casenumber", "default": "x"})),
            json!({"value": "x"})
        );
        assert_eq!(walk(attribute, snapshot.clone(), json!({"name": "other"})), json!({}));
        assert_eq!(walk(attribute, snapshot, json!({"default": ""})), json!({"value": ""}));
    }

    #[test]
    fn a_known_caller_has_a_number_a_country_and_a_national_form() {
        assert_eq!(
            walk(customer_number, json!({"customer": "+442079460018"}), json!({})),
            json!({"e164": "+442079460018", "country": "GB", "national": "020 7946 0018", "withheld": false})
        );
        assert_eq!(
            walk(customer_number, json!({"customer": "sip:2025550143@gw.example.com"}), json!({}))["e164"],
            "+12025550143"
        );
    }

    #[test]
    fn a_hidden_or_missing_caller_is_withheld_and_a_strange_one_is_not() {
        for snapshot in
            [json!({"customer": "anonymous"}), json!({"customer": ""}), json!({}), json!({"customer": null})]
        {
            assert_eq!(walk(customer_number, snapshot, json!({})), json!({"withheld": true}));
        }
        assert_eq!(
            walk(customer_number, json!({"customer": "anna@example.com"}), json!({})),
            json!({"withheld": false})
        );
    }

    #[test]
    fn properties_are_those_of_the_snapshot() {
        let snapshot = json!({
            "id": "c-42", "channel": "voice", "direction": "inbound", "initiation": "INBOUND",
            "queue": {"id": "q-1", "name": "Billing"}, "customer": "+12025550143", "attributes": {}
        });
        assert_eq!(
            walk(properties, snapshot, json!({})),
            json!({
                "contact_id": "c-42", "type": "voice", "channel": "voice", "queue": "Billing",
                "e164": "+12025550143", "direction": "inbound", "initiation": "INBOUND", "is_monitor": false
            })
        );
        assert_eq!(walk(properties, json!({"queue": "Sales"}), json!({}))["queue"], "Sales");
    }
}
