//! One parameter at a time: there, of the right type, and nothing that must not stand where it goes.

use std::time::Duration;

use serde_json::Value;
use tieline_bridge::dip::{DipCode, DipError};
use tieline_core::JsonMap;

use crate::soql;
use crate::template::{self, Language, Matching};

/// Milliseconds, as a number or as the text a contact flow can only send.
pub(crate) fn deadline(parameters: &JsonMap) -> Result<Option<Duration>, DipError> {
    let millis = match parameters.get("deadline_ms") {
        None => return Ok(None),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    match millis {
        Some(millis @ 1..=60_000) => Ok(Some(Duration::from_millis(millis))),
        _ => Err(invalid("deadline_ms", "is a number of milliseconds from 1 to 60000")),
    }
}

/// What the flow adds to the named parameters: conditions, fields, or values of a query.
pub(super) fn extras<'a>(
    parameters: &'a JsonMap,
    named: &'a [&str],
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    parameters.iter().filter(move |(name, _)| {
        !matches!(name.as_str(), "sf_operation" | "shape" | "deadline_ms") && !named.contains(&name.as_str())
    })
}

/// The extra parameters as fields to write.
pub(super) fn new_values(parameters: &JsonMap, named: &[&str]) -> Result<JsonMap, DipError> {
    let mut fields = JsonMap::new();
    for (name, value) in extras(parameters, named) {
        if !soql::is_name(name) {
            return Err(DipError::new(DipCode::UnsafeValue, format!("`{name}` is no field's name")));
        }
        if value.is_array() || value.is_object() {
            return Err(invalid(name, "is a text, number, boolean or null"));
        }
        fields.insert(name.clone(), value.clone());
    }
    Ok(fields)
}

/// The template at `name` with the extra parameters in it.
pub(super) fn filled(
    parameters: &JsonMap,
    name: &str,
    named: &[&str],
    language: Language,
) -> Result<String, DipError> {
    let template = text(parameters, name)?;
    let mut values = Vec::new();
    for (name, value) in extras(parameters, named) {
        let Some(value) = value.as_str() else { return Err(invalid(name, "is text")) };
        values.push((name.as_str(), value));
    }
    template::fill(template, &values, Matching::Words, language)
        .map_err(|unsafe_value| DipError::new(DipCode::UnsafeValue, unsafe_value.to_string()))
}

/// A parameter that can only say one thing, and may be left out.
pub(super) fn fixed(parameters: &JsonMap, name: &str, only: &str) -> Result<(), DipError> {
    match parameters.get(name).map(|value| value.as_str()) {
        None => Ok(()),
        Some(Some(text)) if text == only => Ok(()),
        Some(_) => Err(invalid(name, &format!("is `{only}`"))),
    }
}

/// A message with its `{{ name }}` replaced by the extra parameters, all at once: a value is a value,
/// whatever braces it has.
pub(super) fn message(template: &str, parameters: &JsonMap, named: &[&str]) -> Result<String, DipError> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, from)) = rest.split_once("{{") {
        let Some((name, after)) = from.split_once("}}") else {
            return Err(DipError::new(DipCode::InvalidParameter, "a `{{` of the message is not closed"));
        };
        let name = name.trim();
        let value = extras(parameters, named).find(|(known, _)| *known == name).map(|(_, value)| value);
        out.push_str(before);
        match value {
            Some(Value::String(value)) => out.push_str(value),
            Some(Value::Number(value)) => out.push_str(&value.to_string()),
            Some(_) => return Err(invalid(name, "is text")),
            None => return Err(DipError::missing(name)),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

pub(super) fn object(parameters: &JsonMap) -> Result<String, DipError> {
    let object = text(parameters, "sf_object")?;
    if soql::is_name(object) {
        return Ok(object.to_owned());
    }
    Err(DipError::new(DipCode::UnsafeValue, "`sf_object` is no object's name"))
}

/// An id goes into an address.
pub(super) fn id(parameters: &JsonMap, name: &str) -> Result<String, DipError> {
    let id = text(parameters, name)?;
    if id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(id.to_owned());
    }
    Err(DipError::new(DipCode::UnsafeValue, format!("`{name}` is no record's id")))
}

/// `Id, Name`, `Id,Name`, or a JSON list.
pub(super) fn fields(parameters: &JsonMap) -> Result<Vec<String>, DipError> {
    let fields: Vec<String> = match parameters.get("sf_fields") {
        None => return Err(DipError::missing("sf_fields")),
        Some(Value::String(text)) => {
            text.split(',').map(str::trim).filter(|field| !field.is_empty()).map(str::to_owned).collect()
        }
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| invalid("sf_fields", "is a list of field names"))?,
        Some(_) => return Err(invalid("sf_fields", "is a list of field names")),
    };
    if fields.is_empty() {
        return Err(invalid("sf_fields", "names at least one field"));
    }
    if fields.iter().any(|field| !soql::is_path(field)) {
        return Err(DipError::new(
            DipCode::UnsafeValue,
            "`sf_fields` holds something that is no field's name",
        ));
    }
    Ok(fields)
}

pub(super) fn text<'a>(parameters: &'a JsonMap, name: &str) -> Result<&'a str, DipError> {
    match text_or_empty(parameters, name)? {
        "" => Err(invalid(name, "is not empty")),
        text => Ok(text),
    }
}

pub(super) fn text_or_empty<'a>(parameters: &'a JsonMap, name: &str) -> Result<&'a str, DipError> {
    match parameters.get(name) {
        None | Some(Value::Null) => Err(DipError::missing(name)),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(invalid(name, "is text")),
    }
}

pub(super) fn invalid(parameter: &str, what: &str) -> DipError {
    DipError::new(
        DipCode::InvalidParameter,
        format!("the parameter `{parameter}` must be something that {what}"),
    )
}
