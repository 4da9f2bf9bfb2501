use serde_json::{Value, json};
use tieline_core::JsonMap;

use crate::{InputKind, InputSpec, StepSpec, catalog, sources};

/// The JSON Schema (2020-12) of a flow document, for editors that complete and check while typing.
///
/// It knows the form, the steps and the events. Whether branches and references lead somewhere only
/// [`crate::check`] can say.
pub fn schema() -> Value {
    let steps: Vec<Value> = catalog().iter().map(|spec| step(spec)).collect();
    let triggers: Vec<Value> = sources()
        .iter()
        .map(|source| {
            let events: Vec<&str> = source.events.iter().map(|event| event.name).collect();
            let mut properties = json!({"source": {"const": source.name, "title": source.title}});
            let mut required = vec!["source"];
            if !events.is_empty() {
                properties["event"] = json!({"enum": events});
                required.push("event");
            }
            json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
        })
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tieline flow",
        "type": "object",
        "properties": {
            "tieline_flow": {"const": crate::FORM},
            "id": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"},
            "name": {"type": "string", "minLength": 1, "maxLength": 200},
            "description": {"type": "string"},
            "on": {"oneOf": triggers},
            "order": {"type": "integer"},
            "start": {"type": "string"},
            "steps": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^[A-Za-z0-9_-]{1,64}$"},
                "additionalProperties": {"oneOf": steps},
            },
            "canvas": {
                "type": "object",
                "additionalProperties": {
                    "type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2,
                },
            },
            "origin": {},
        },
        "required": ["tieline_flow", "id", "name", "on", "start", "steps"],
        "additionalProperties": false,
    })
}

fn step(spec: &StepSpec) -> Value {
    let inputs: JsonMap = spec.inputs.iter().map(|input| (input.name.to_owned(), value(input))).collect();
    let needed: Vec<&str> =
        spec.inputs.iter().filter(|input| input.required).map(|input| input.name).collect();
    let branches: JsonMap =
        spec.branches.iter().map(|branch| (branch.as_str().to_owned(), json!({"type": "string"}))).collect();
    let mut required = vec!["use"];
    if !needed.is_empty() {
        required.push("with");
    }
    json!({
        "title": spec.title,
        "description": spec.help,
        "type": "object",
        "properties": {
            "use": {"const": spec.name},
            "title": {"type": "string"},
            "with": {
                "type": "object", "properties": inputs, "required": needed, "additionalProperties": false,
            },
            "next": {"type": "object", "properties": branches, "additionalProperties": false},
            "origin": {},
        },
        "required": required,
        "additionalProperties": false,
    })
}

/// Any input may be a reference, an expression or a disguised literal; a literal must fit.
fn value(input: &InputSpec) -> Value {
    let literal = match input.kind {
        InputKind::Text | InputKind::RecordId => json!({"type": ["string", "number", "boolean", "null"]}),
        InputKind::Choice(choices) => json!({"enum": choices}),
        InputKind::Bool => json!({"type": ["boolean", "null"]}),
        InputKind::Number => json!({"type": ["number", "string", "null"]}),
        InputKind::Map => json!({"type": "object"}),
        InputKind::Names => json!({"type": ["string", "array"], "items": {"type": "string"}}),
        InputKind::Any => return json!({"description": input.help}),
    };
    json!({
        "description": input.help,
        "anyOf": [
            literal,
            {"type": "string", "pattern": "^(\\$\\.|=)"},
            {"type": "object", "properties": {"literal": {}}, "required": ["literal"], "additionalProperties": false},
        ],
    })
}
