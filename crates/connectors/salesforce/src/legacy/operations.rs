use serde_json::{Value, json};
use tieline_core::{JsonMap, Paging, PhoneError, national_digits};

use super::error::python_type;
use super::{Legacy, LegacyError, dates, extras, flatten};
use crate::soql;
use crate::template::{self, Matching};
use crate::{rows, search};

/// Rows read at most, over all pages.
const MAX_ROWS: usize = 10_000;

impl Legacy {
    /// First record as given, and how many there are.
    pub(super) async fn lookup(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        let text = lookup_text(parameters)?;
        let found = rows::run(&self.salesforce.client, &text, Paging::FirstPage).await?;
        Ok(first(found.rows.into_iter().next(), found.total))
    }

    pub(super) async fn phone_lookup(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        let phone = parameters.get("sf_phone").ok_or_else(|| LegacyError::key("sf_phone"))?;
        let fields = parameters.get("sf_fields").ok_or_else(|| LegacyError::key("sf_fields"))?;
        let Value::String(phone) = phone else {
            return Err(LegacyError::new(
                "TypeError",
                format!("sf_phone is {}, not str", python_type(phone)),
            ));
        };
        if phone.eq_ignore_ascii_case("anonymous") {
            return Ok(first(None, 0));
        }
        let digits = national_digits(phone).map_err(|error| phone_error(phone, error))?;
        // Commas without a blank are not split: recorded behaviour, answered by Salesforce with an error.
        let fields = match fields {
            Value::String(text) => Value::Array(text.split(", ").map(Value::from).collect()),
            other => other.clone(),
        };
        let body = json!({"q": digits, "sobjects": [{"name": "Contact"}], "fields": fields});
        let found = search::parameterized(&self.salesforce.client, &body).await?;
        let total = found.len();
        Ok(first(found.into_iter().next(), total))
    }

    pub(super) async fn create(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        if let Some(missing) = LegacyError::missing("create", parameters, &["sf_object"]) {
            return Err(missing);
        }
        let object = text(parameters, "sf_object")?;
        // Lists of categories use the bar for themselves.
        let verbatim = object == format!("{}AC_ContactChannelAnalytics__c", self.prefix());
        let now = self.clock.now();
        let mut fields = JsonMap::new();
        for (name, value) in extras(parameters, &["sf_object"]) {
            let value = match value {
                Value::String(text) if !verbatim => Value::String(dates::parse(text, now)?),
                other => other.clone(),
            };
            fields.insert(name.clone(), value);
        }
        let id = rows::create(&self.salesforce.client, object, &fields).await?;
        Ok(JsonMap::from_iter([("Id".into(), Value::String(id))]))
    }

    /// All rows by number, as `sf_records_<i>_<field>`.
    pub(super) async fn query(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        if let Some(missing) = LegacyError::missing("query", parameters, &["query"]) {
            return Err(missing);
        }
        let template = text(parameters, "query")?;
        let mut values = Vec::new();
        for (name, value) in extras(parameters, &["query"]) {
            let Value::String(value) = value else {
                return Err(LegacyError::new(
                    "TypeError",
                    format!("replace() argument 2 must be str, not {}", python_type(value)),
                ));
            };
            values.push((name.as_str(), value.as_str()));
        }
        let text =
            template::fill(template, &values, Matching::Substrings).map_err(LegacyError::unsafe_value)?;
        let found = rows::run(&self.salesforce.client, &text, Paging::UpTo(MAX_ROWS)).await?;
        let total = found.total.max(found.rows.len());
        Ok(flatten::records(found.rows.into_iter().map(without_top_attributes).collect(), total))
    }
}

fn text<'a>(parameters: &'a JsonMap, name: &str) -> Result<&'a str, LegacyError> {
    match parameters.get(name) {
        None => Err(LegacyError::key(name)),
        Some(Value::String(text)) => Ok(text),
        Some(other) => {
            Err(LegacyError::new("TypeError", format!("{name} must be str, not {}", python_type(other))))
        }
    }
}

/// `SELECT F FROM O WHERE k='v' AND …`, with every value escaped.
pub(super) fn lookup_text(parameters: &JsonMap) -> Result<String, LegacyError> {
    if let Some(missing) = LegacyError::missing("lookup", parameters, &["sf_object", "sf_fields"]) {
        return Err(missing);
    }
    let object = text(parameters, "sf_object")?;
    let fields = text(parameters, "sf_fields")?;
    if !soql::is_name(object) {
        return Err(LegacyError::unsafe_value("`sf_object` is no object's name"));
    }
    if !is_select_list(fields) {
        return Err(LegacyError::unsafe_value("`sf_fields` is no list of fields"));
    }
    let mut text = format!("SELECT {fields} FROM {object} WHERE ");
    for (i, (field, value)) in extras(parameters, &["sf_object", "sf_fields"]).enumerate() {
        if i > 0 {
            text.push_str(" AND ");
        }
        if !soql::is_path(field) {
            return Err(LegacyError::unsafe_value("a condition's name is no field's name"));
        }
        let Value::String(value) = value else {
            return Err(LegacyError::new(
                "TypeError",
                format!("argument of type '{}' is not iterable", python_type(value)),
            ));
        };
        text.push_str(field);
        if field.eq_ignore_ascii_case("mobilephone") || field.eq_ignore_ascii_case("homephone") {
            text.push_str(" LIKE ");
            text.push_str(&phone_pattern(value));
        } else if value.contains('%') {
            text.push_str(" LIKE ");
            text.push_str(&soql::pattern(value));
        } else {
            text.push('=');
            text.push_str(&soql::literal(value));
        }
    }
    Ok(text)
}

/// The author's list of fields: names, functions of names, child queries in parentheses; nothing
/// that ends the list.
fn is_select_list(text: &str) -> bool {
    let mut depth = 0_i32;
    let mut word = String::new();
    for c in text.chars().chain([' ']) {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
            continue;
        }
        if depth == 0 && word.eq_ignore_ascii_case("from") {
            return false;
        }
        word.clear();
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' | '.' | ' ' | '\t' | '\n' | '\r' => {}
            _ => return false,
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !text.trim().is_empty()
}

/// `%A%B%C%` of the last ten characters; characters, not digits, as recorded.
fn phone_pattern(value: &str) -> String {
    let chars: Vec<char> = value.chars().collect();
    let part = |from: usize, to: usize| -> String {
        let end = chars.len().saturating_sub(to);
        let start = chars.len().saturating_sub(from);
        soql::like(&chars[start..end].iter().collect::<String>())
    };
    format!("'%{}%{}%{}%'", part(10, 7), part(7, 4), part(4, 0))
}

/// One record as the reference answers it: its related records nested, and the count after it.
fn first(row: Option<JsonMap>, total: usize) -> JsonMap {
    let mut answer = row.map(without_top_attributes).unwrap_or_default();
    answer.insert("sf_count".into(), total.into());
    answer
}

fn without_top_attributes(mut row: JsonMap) -> JsonMap {
    row.shift_remove("attributes");
    row
}

fn phone_error(text: &str, error: PhoneError) -> LegacyError {
    let message = match error {
        PhoneError::NeedsRegion => "(0) Missing or invalid default region.",
        PhoneError::UnknownCountry => "(0) Could not interpret numbers after plus-sign.",
        PhoneError::NotANumber | PhoneError::UnknownRegion => {
            "(1) The string supplied did not seem to be a phone number."
        }
        PhoneError::TooShort => "(3) The string supplied is too short to be a phone number.",
        PhoneError::TooLong if text.len() > 250 => "(4) The string supplied was too long to parse.",
        PhoneError::TooLong => "(4) The string supplied is too long to be a phone number.",
    };
    LegacyError::new("NumberParseException", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(parameters: &Value) -> Result<String, LegacyError> {
        lookup_text(parameters.as_object().unwrap())
    }

    #[test]
    fn a_lookup_s_text_is_as_recorded_with_values_escaped() {
        let text = |name: &str, value: &str| {
            lookup(&json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id, Name", name: value})).unwrap()
        };
        assert_eq!(text("LastName", "Ann"), "SELECT Id, Name FROM Contact WHERE LastName='Ann'");
        assert_eq!(text("LastName", "O'Neil"), r"SELECT Id, Name FROM Contact WHERE LastName='O\'Neil'");
        assert_eq!(
            text("LastName", "x' OR Name LIKE '"),
            r"SELECT Id, Name FROM Contact WHERE LastName='x\' OR Name LIKE \''"
        );
        assert_eq!(text("LastName", "S%"), "SELECT Id, Name FROM Contact WHERE LastName LIKE 'S%'");
        assert!(text("homephone", "+441122334455").ends_with("homephone LIKE '%112%233%4455%'"));
        assert!(text("homephone", "5551212").ends_with("homephone LIKE '%%555%1212%'"));
        assert!(text("MobilePhone", "(415) 555-2671").ends_with("MobilePhone LIKE '%) 5%55-%2671%'"));
        assert!(text("homephone", "12'4").ends_with(r"homephone LIKE '%%%12\'4%'"));
    }

    #[test]
    fn names_that_are_none_never_reach_the_org() {
        let names = |object: &str, fields: &str, condition: &str| {
            lookup(&json!({"sf_object": object, "sf_fields": fields, condition: "x"}))
        };
        assert!(names("Contact", "Id, toLabel(Status) s, (SELECT Id FROM Cases)", "Name").is_ok());
        for (object, fields, condition) in [
            ("Contact WHERE Id != null", "Id", "Name"),
            ("Contact", "Id FROM User WHERE Id != null", "Name"),
            ("Contact", "Id) FROM (User", "Name"),
            ("Contact", "Id'", "Name"),
            ("Contact", "Id", "Name!='' OR Name"),
        ] {
            let error = names(object, fields, condition).unwrap_err();
            assert!(error.message.starts_with("dip.unsafe_value"), "{error}");
        }
    }
}
