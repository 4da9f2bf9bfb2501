use serde_json::Value;
use tieline_core::JsonMap;

use crate::document::kind;
use crate::{InputKind, StepError, StepSpec};

/// The evaluated inputs of one step; absent ones are left out, the others have the declared kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inputs(JsonMap);

impl Inputs {
    pub fn new(values: JsonMap) -> Self {
        Self(values)
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    /// Text that is there and not only spaces.
    pub fn filled(&self, name: &str) -> Option<&str> {
        self.text(name).filter(|text| !text.trim().is_empty())
    }

    pub fn bool(&self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    pub fn names(&self, name: &str) -> Vec<&str> {
        self.0.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub fn as_map(&self) -> &JsonMap {
        &self.0
    }

    /// The inputs called `names`, as arguments of an effect.
    pub fn pick<const N: usize>(&self, names: [&str; N]) -> JsonMap {
        names.into_iter().filter_map(|name| Some((name.to_owned(), self.0.get(name)?.clone()))).collect()
    }
}

/// Makes `value` what the input wants; `None` is absent.
///
/// A value from outside cannot be trusted to have the kind an author expects: a number where text
/// is wanted is text, an object is an error of the step.
pub(crate) fn coerce(spec: &StepSpec, name: &str, value: Value) -> Result<Option<Value>, StepError> {
    let Some(input) = spec.input(name) else { return Ok(None) };
    let wrong = |wanted: &str, value: &Value| {
        Err(StepError::new("input.type", format!("`{name}` must be {wanted}, it was {}", kind(value))))
    };
    match (input.kind, value) {
        (InputKind::Any, value)
        | (InputKind::Number, value @ Value::Number(_))
        | (InputKind::Map, value @ Value::Object(_)) => Ok(Some(value)),
        (_, Value::Null) => Ok(None),
        (InputKind::Text | InputKind::Choice(_), Value::String(text)) => Ok(Some(text.into())),
        (InputKind::Text | InputKind::Choice(_), value @ (Value::Number(_) | Value::Bool(_))) => {
            Ok(Some(scalar_text(&value).into()))
        }
        (InputKind::Text | InputKind::Choice(_), value) => wrong("text", &value),
        (InputKind::RecordId, Value::String(text)) => {
            let id = text.trim();
            Ok((!id.is_empty() && id != "null").then(|| id.into()))
        }
        (InputKind::RecordId, value @ Value::Number(_)) => Ok(Some(scalar_text(&value).into())),
        (InputKind::RecordId, value) => wrong("the id of a record", &value),
        (InputKind::Bool, Value::Bool(truth)) => Ok(Some(truth.into())),
        (InputKind::Bool, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "true" => Ok(Some(true.into())),
            "false" => Ok(Some(false.into())),
            _ => wrong("true or false", &Value::String(text)),
        },
        (InputKind::Bool, value) => wrong("true or false", &value),
        (InputKind::Number, Value::String(text)) if text.trim().is_empty() => Ok(None),
        (InputKind::Number, Value::String(text)) => match number(&text) {
            Some(number) => Ok(Some(number)),
            None => wrong("a number", &Value::String(text)),
        },
        (InputKind::Number, value) => wrong("a number", &value),
        (InputKind::Map, Value::String(text)) if text.is_empty() => Ok(None),
        (InputKind::Map, value) => wrong("names with values", &value),
        (InputKind::Names, Value::String(text)) => Ok(Some(
            text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Value::from).collect(),
        )),
        (InputKind::Names, Value::Array(list)) => match list.iter().find(|item| !item.is_string()) {
            Some(odd) => wrong("a list of names", odd),
            None => Ok(Some(Value::Array(list))),
        },
        (InputKind::Names, value) => wrong("names separated by commas", &value),
    }
}

/// `true`, `42`, `1.5`, and text as it is; nothing for null, empty text for what has no short form.
pub(crate) fn scalar_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => match number.as_f64() {
            // JavaScript writes 1, not 1.0.
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

/// The number `text` spells, whole when it is whole.
pub(crate) fn number(text: &str) -> Option<Value> {
    let text = text.trim();
    if let Ok(whole) = text.parse::<i64>() {
        return Some(whole.into());
    }
    let looks_like = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    let float = text.parse::<f64>().ok().filter(|float| looks_like && float.is_finite())?;
    serde_json::Number::from_f64(float).map(Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn given(input: &str, value: Value) -> Result<Option<Value>, String> {
        coerce(crate::step("crm.create_task").unwrap(), input, value).map_err(|error| error.detail)
    }

    #[test]
    fn numbers_and_truth_become_text_where_text_is_wanted() {
        assert_eq!(given("subject1", json!(42)), Ok(Some(json!("42"))));
        assert_eq!(given("subject1", json!(2.0)), Ok(Some(json!("2"))));
        assert_eq!(given("subject1", json!(false)), Ok(Some(json!("false"))));
        assert_eq!(given("subject1", json!(null)), Ok(None));
        assert_eq!(given("subject1", json!({})), Err("`subject1` must be text, it was an object".into()));
    }

    #[test]
    fn an_empty_id_the_word_null_and_nothing_are_no_record() {
        for none in [json!(""), json!("null"), json!(null), json!("  ")] {
            assert_eq!(given("who", none), Ok(None));
        }
        assert_eq!(given("who", json!(" 003x ")), Ok(Some(json!("003x"))));
        assert!(given("who", json!(["003x"])).is_err());
    }

    #[test]
    fn text_that_spells_truth_or_a_number_is_taken_as_such() {
        assert_eq!(given("is_closed", json!("True")), Ok(Some(json!(true))));
        assert_eq!(given("is_closed", json!("")), Ok(None));
        assert!(given("is_closed", json!("yes")).is_err());
        assert_eq!(given("duration_secs", json!("90")), Ok(Some(json!(90))));
        assert_eq!(given("duration_secs", json!("1.5")), Ok(Some(json!(1.5))));
        assert!(given("duration_secs", json!("inf")).is_err());
        assert!(given("duration_secs", json!("soon")).is_err());
    }
}
