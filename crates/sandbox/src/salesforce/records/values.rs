//! One JSON value into one column.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::Date;
use rusqlite::types::Value as Sql;
use serde_json::Value;

use super::Failure;
use crate::salesforce::ids;
use crate::salesforce::schema::{Field, Kind, Schema};
use crate::salesforce::soql::timestamp;
use crate::salesforce::storage::stored_time;

/// Checks `value` against the field's type and limits.
///
/// # Errors
///
/// What Salesforce says of a value of the wrong type, too long, or not in the list.
pub(super) fn stored(schema: &Schema, field: &Field, value: &Value) -> Result<Sql, Failure> {
    let stored = match value {
        Value::Null => Sql::Null,
        Value::Array(_) | Value::Object(_) => return Err(not_a(field, value)),
        _ => match field.kind {
            Kind::Boolean => boolean(field, value)?,
            kind if kind.is_number() => number(field, value)?,
            Kind::Date => date(field, value)?,
            Kind::DateTime => time(field, value)?,
            Kind::Id | Kind::Reference => reference(schema, field, value)?,
            Kind::Base64 => file(field, value)?,
            _ => text(field, value)?,
        },
    };
    if stored == Sql::Null && !field.nillable {
        // An empty checkbox is an unticked one.
        if field.kind == Kind::Boolean {
            return Ok(Sql::Integer(0));
        }
        return Err(required(&field.name));
    }
    Ok(stored)
}

pub(super) fn required(field: &str) -> Failure {
    Failure::bad("REQUIRED_FIELD_MISSING", format!("Required fields are missing: [{field}]")).on(field)
}

fn text(field: &Field, value: &Value) -> Result<Sql, Failure> {
    // Leading and trailing blanks of a field are dropped, and what is empty is null.
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    if text.is_empty() {
        return Ok(Sql::Null);
    }
    let length = text.chars().count();
    if field.length > 0 && length > field.length {
        let shown: String = text.chars().take(255).collect();
        let message = format!("{}: data value too large: {shown} (max length={})", field.label, field.length);
        return Err(Failure::bad("STRING_TOO_LONG", message).on(&field.name));
    }
    if field.kind == Kind::Email && !is_email(&text) {
        let message = format!("{}: invalid email address: {text}", field.label);
        return Err(Failure::bad("INVALID_EMAIL_ADDRESS", message).on(&field.name));
    }
    if field.restricted {
        // The list's spelling wins over the caller's.
        return if let Some(value) = field.values.iter().find(|v| v.value.eq_ignore_ascii_case(&text)) {
            Ok(Sql::Text(value.value.clone()))
        } else {
            let message = format!("{}: bad value for restricted picklist field: {text}", field.label);
            Err(Failure::bad("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message).on(&field.name))
        };
    }
    Ok(Sql::Text(text))
}

/// Most bytes of a file. (Object Reference, Attachment, "Usage": 25 MB. Read 2026-11-21.)
const LARGEST_FILE: usize = 25 * 1024 * 1024;

/// Line breaks within the base64 are taken, as MIME makes them.
fn file(field: &Field, value: &Value) -> Result<Sql, Failure> {
    let Value::String(text) = value else { return Err(not_a(field, value)) };
    let text: String = text.split_ascii_whitespace().collect();
    if text.is_empty() {
        return Ok(Sql::Null);
    }
    let Ok(bytes) = STANDARD.decode(&text) else {
        let shown: String = text.chars().take(255).collect();
        return Err(not_a(field, &Value::String(shown)));
    };
    if bytes.len() > LARGEST_FILE {
        // The words are those of any value too large; no page we found quotes them for a file.
        let message = format!("{}: data value too large: (max length={LARGEST_FILE})", field.label);
        return Err(Failure::bad("STRING_TOO_LONG", message).on(&field.name));
    }
    Ok(Sql::Blob(bytes))
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.rsplit_once('@') else { return false };
    !name.is_empty()
        && host.contains('.')
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !text.contains(char::is_whitespace)
}

fn boolean(field: &Field, value: &Value) -> Result<Sql, Failure> {
    match value {
        Value::Bool(flag) => Ok(Sql::Integer(i64::from(*flag))),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Sql::Integer(1)),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Sql::Integer(0)),
        _ => Err(not_a(field, value)),
    }
}

fn number(field: &Field, value: &Value) -> Result<Sql, Failure> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) if text.is_empty() => return Ok(Sql::Null),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let Some(number) = number.filter(|n| n.is_finite()) else { return Err(not_a(field, value)) };
    let scale = i32::try_from(field.scale).unwrap_or(0);
    if field.kind == Kind::Int && number.fract() != 0.0 {
        return Err(not_a(field, value));
    }
    let factor = 10_f64.powi(scale);
    let rounded = (number * factor).round() / factor;
    let whole = i32::try_from(field.precision.saturating_sub(field.scale)).unwrap_or(18);
    // Int fields are 32 bits wide whatever their digits say.
    let limit = if field.kind == Kind::Int { f64::from(i32::MAX) } else { 10_f64.powi(whole) };
    if field.precision > 0 && rounded.abs() >= limit {
        let message = format!("{}: value outside of valid range on numeric field: {number}", field.label);
        return Err(Failure::bad("NUMBER_OUTSIDE_VALID_RANGE", message).on(&field.name));
    }
    Ok(Sql::Real(rounded))
}

fn date(field: &Field, value: &Value) -> Result<Sql, Failure> {
    let Value::String(text) = value else { return Err(not_a(field, value)) };
    if text.is_empty() {
        return Ok(Sql::Null);
    }
    // A time is taken too; its day counts.
    let day = text.parse::<Date>().ok().filter(|_| text.len() == 10).map(|day| day.to_string());
    let day = day.or_else(|| timestamp(text).map(|time| stored_time(time)[..10].to_owned()));
    day.map(Sql::Text).ok_or_else(|| not_a(field, value))
}

fn time(field: &Field, value: &Value) -> Result<Sql, Failure> {
    let Value::String(text) = value else { return Err(not_a(field, value)) };
    if text.is_empty() {
        return Ok(Sql::Null);
    }
    if text.len() == 10
        && let Ok(day) = text.parse::<Date>()
    {
        return Ok(Sql::Text(crate::salesforce::storage::start_of_day(day)));
    }
    timestamp(text).map(|time| Sql::Text(stored_time(time))).ok_or_else(|| not_a(field, value))
}

/// The id in its 18 characters; whether the record exists is the writer's question.
fn reference(schema: &Schema, field: &Field, value: &Value) -> Result<Sql, Failure> {
    let Value::String(text) = value else { return Err(not_a(field, value)) };
    if text.is_empty() {
        return Ok(Sql::Null);
    }
    let wrong = || {
        let message = format!("{}: id value of incorrect type: {text}", field.label);
        Failure::bad("MALFORMED_ID", message).on(&field.name)
    };
    let id = ids::normalize(text).ok_or_else(wrong)?;
    let object = schema.object_of(&id).ok_or_else(wrong)?;
    if field.kind == Kind::Reference && !field.references.contains(&object.name) {
        let message = format!("{}: id value of incorrect type: {text}", field.label);
        return Err(Failure::bad("FIELD_INTEGRITY_EXCEPTION", message).on(&field.name));
    }
    Ok(Sql::Text(id))
}

/// What the JSON reader of Salesforce says; it names the type, not the field.
fn not_a(field: &Field, value: &Value) -> Failure {
    let word = match field.kind {
        Kind::Id | Kind::Reference => "reference",
        Kind::DateTime => "datetime",
        kind if kind.is_text() => "string",
        kind => kind.word(),
    };
    let (token, shown) = match value {
        Value::String(text) => ("VALUE_STRING", format!(" value {text}")),
        Value::Number(number) if number.is_f64() => ("VALUE_NUMBER_FLOAT", format!(" value {number}")),
        Value::Number(number) => ("VALUE_NUMBER_INT", format!(" value {number}")),
        Value::Bool(true) => ("VALUE_TRUE", " value true".to_owned()),
        Value::Bool(false) => ("VALUE_FALSE", " value false".to_owned()),
        Value::Array(_) => ("START_ARRAY", " value [".to_owned()),
        Value::Object(_) => ("START_OBJECT", " value {".to_owned()),
        Value::Null => ("VALUE_NULL", " value null".to_owned()),
    };
    let message = format!(
        "Cannot deserialize instance of {word} from {token}{shown} or request may be missing a required field at [line:1, column:1]"
    );
    Failure::bad("JSON_PARSER_ERROR", message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(object: &str, field: &str, value: &Value) -> Result<Sql, &'static str> {
        let schema = Schema::load(None).unwrap();
        let field = schema.object(object).unwrap().field(field).unwrap();
        stored(&schema, field, value).map_err(|failure| failure.code)
    }

    #[test]
    fn values_are_taken_or_refused_as_the_type_says() {
        let text = |t: &str| Ok(Sql::Text(t.into()));
        let long = "x".repeat(81);
        for (object, field, value, expected) in [
            ("Contact", "LastName", json!(" Keller "), text("Keller")),
            ("Contact", "LastName", json!(long), Err("STRING_TOO_LONG")),
            ("Contact", "LastName", json!(""), Err("REQUIRED_FIELD_MISSING")),
            ("Contact", "FirstName", json!(""), Ok(Sql::Null)),
            ("Contact", "FirstName", json!({"a": 1}), Err("JSON_PARSER_ERROR")),
            ("Contact", "Email", json!("nobody"), Err("INVALID_EMAIL_ADDRESS")),
            ("Contact", "DoNotCall", json!("true"), Ok(Sql::Integer(1))),
            ("Contact", "DoNotCall", Value::Null, Ok(Sql::Integer(0))),
            ("Contact", "DoNotCall", json!("perhaps"), Err("JSON_PARSER_ERROR")),
            ("Contact", "AccountId", json!("001000000000001"), text("001000000000001AAA")),
            ("Contact", "AccountId", json!("003000000000001"), Err("FIELD_INTEGRITY_EXCEPTION")),
            ("Contact", "AccountId", json!("x"), Err("MALFORMED_ID")),
            ("Contact", "Birthdate", json!("1980-02-30"), Err("JSON_PARSER_ERROR")),
            ("Contact", "Birthdate", json!("1980-02-28"), text("1980-02-28")),
            ("Task", "CallType", json!("inbound"), text("Inbound")),
            ("Task", "CallType", json!("Sideways"), Err("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")),
            ("Task", "CallDurationInSeconds", json!(30), Ok(Sql::Real(30.0))),
            ("Task", "CallDurationInSeconds", json!(1.5), Err("JSON_PARSER_ERROR")),
            ("Task", "CallDurationInSeconds", json!(3e10), Err("NUMBER_OUTSIDE_VALID_RANGE")),
            (
                "Interaction__c",
                "Started_At__c",
                json!("2026-11-20T10:00:00+01:00"),
                text("2026-11-20T09:00:00.000+0000"),
            ),
            ("Interaction__c", "Talk_Seconds__c", json!(1.6), Ok(Sql::Real(2.0))),
            ("Attachment", "Body", json!("SGV\r\nsbG8="), Ok(Sql::Blob(b"Hello".to_vec()))),
            ("Attachment", "Body", json!("SGVsbG8"), Err("JSON_PARSER_ERROR")),
            ("Attachment", "Body", json!(""), Err("REQUIRED_FIELD_MISSING")),
        ] {
            assert_eq!(check(object, field, &value), expected, "{object}.{field} {value}");
        }
    }
}
