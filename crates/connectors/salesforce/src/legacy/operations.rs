//! Reads: `lookup`, `lookup_all`, `phoneLookup`, `query`, `queryOne`.

use serde_json::{Value, json};
use tieline_core::{JsonMap, Paging, PhoneError, national_digits};

use super::error::python_type;
use super::searches::bare;
use super::{Legacy, LegacyError, answer, extras};
use crate::soql;
use crate::template::{self, Language, Matching};
use crate::{rows, search};

/// Rows read at most, over all pages.
const MAX_ROWS: usize = 10_000;

impl Legacy {
    /// First record as given, and how many there are.
    pub(super) async fn lookup(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        let text = lookup_text(parameters)?;
        let found = rows::run(&self.salesforce.client, &text, Paging::FirstPage).await?;
        let total = found.total.max(found.rows.len());
        Ok(answer::first(bare(found.rows)?.into_iter().next(), total))
    }

    /// Every record by number.
    pub(super) async fn lookup_all(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        self.all(&lookup_all_text(parameters)?).await
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
            return Ok(answer::first(None, 0));
        }
        let digits = digits(phone)?;
        // Commas without a blank are not split: recorded behaviour, answered by Salesforce with an error.
        let fields = match fields {
            Value::String(text) => Value::Array(text.split(", ").map(Value::from).collect()),
            other => other.clone(),
        };
        let body = json!({"q": digits, "sobjects": [{"name": "Contact"}], "fields": fields});
        let found = search::parameterized(&self.salesforce.client, &body).await?;
        let total = found.len();
        Ok(answer::first(bare(found)?.into_iter().next(), total))
    }

    /// All rows by number, as `sf_records_<i>_<field>`.
    pub(super) async fn query(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        given("query", parameters, &["query"])?;
        self.all(&filled(parameters, Language::Query)?).await
    }

    pub(super) async fn query_one(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        given("queryOne", parameters, &["query"])?;
        let text = filled(parameters, Language::Query)?;
        let found = rows::run(&self.salesforce.client, &text, Paging::FirstPage).await?;
        let total = found.total.max(found.rows.len());
        Ok(answer::only_one(bare(found.rows)?, total))
    }

    async fn all(&self, text: &str) -> Result<JsonMap, LegacyError> {
        let found = rows::run_for_answer(&self.salesforce.client, text, MAX_ROWS).await?;
        Ok(answer::records(bare(found.rows)?, found.total))
    }
}

/// Complains as Python does about parameters that are not there.
pub(super) fn given(operation: &str, parameters: &JsonMap, required: &[&str]) -> Result<(), LegacyError> {
    // The reference hands its client over under this name.
    if parameters.contains_key("sf") {
        return Err(LegacyError::new(
            "TypeError",
            format!("{operation}() got multiple values for keyword argument 'sf'"),
        ));
    }
    LegacyError::missing(operation, parameters, required).map_or(Ok(()), Err)
}

/// The text at `query` with the extra parameters in it.
pub(super) fn filled(parameters: &JsonMap, language: Language) -> Result<String, LegacyError> {
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
    template::fill(template, &values, Matching::Substrings, language).map_err(LegacyError::unsafe_value)
}

pub(super) fn text<'a>(parameters: &'a JsonMap, name: &str) -> Result<&'a str, LegacyError> {
    match parameters.get(name) {
        None => Err(LegacyError::key(name)),
        Some(Value::String(text)) => Ok(text),
        Some(other) => {
            Err(LegacyError::new("TypeError", format!("{name} must be str, not {}", python_type(other))))
        }
    }
}

/// `SELECT F FROM O WHERE k='v' AND …`, with every value escaped.
pub(crate) fn lookup_text(parameters: &JsonMap) -> Result<String, LegacyError> {
    given("lookup", parameters, &["sf_object", "sf_fields"])?;
    Ok(format!("{} WHERE {}", selection(parameters)?, conditions(parameters)?))
}

/// The same with the reference's blanks, and without a `WHERE` when there is no condition.
pub(crate) fn lookup_all_text(parameters: &JsonMap) -> Result<String, LegacyError> {
    given("lookup_all", parameters, &["sf_object", "sf_fields"])?;
    let (selection, conditions) = (selection(parameters)?, conditions(parameters)?);
    Ok(if conditions.is_empty() {
        format!("{selection}  ")
    } else {
        format!("{selection}   WHERE {conditions}")
    })
}

fn selection(parameters: &JsonMap) -> Result<String, LegacyError> {
    let object = text(parameters, "sf_object")?;
    let fields = text(parameters, "sf_fields")?;
    if !soql::is_name(object.trim()) {
        return Err(LegacyError::unsafe_value("`sf_object` is no object's name"));
    }
    if !is_select_list(fields) {
        return Err(LegacyError::unsafe_value("`sf_fields` is no list of fields"));
    }
    Ok(format!("SELECT {fields} FROM {object}"))
}

fn conditions(parameters: &JsonMap) -> Result<String, LegacyError> {
    let mut text = String::new();
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

/// The author's list of fields: names, functions, child queries in parentheses with their own
/// conditions; nothing that ends the list.
fn is_select_list(text: &str) -> bool {
    let mut depth = 0_i32;
    let mut word = String::new();
    let mut quoted = false;
    for c in text.chars().chain([' ']) {
        if quoted {
            match c {
                '\\' => return false,
                '\'' => quoted = false,
                _ => {}
            }
            continue;
        }
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
            '\'' if depth > 0 => quoted = true,
            '=' | '<' | '>' | '!' | ':' | '+' | '-' if depth > 0 => {}
            _ => return false,
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0 && !quoted && !text.trim().is_empty()
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

/// The national number as the reference's library reads it: no address of a telephone on the
/// internet, and at most 250 characters.
fn digits(phone: &str) -> Result<String, LegacyError> {
    let scheme = phone.trim_start().get(..3).is_some_and(|scheme| scheme.eq_ignore_ascii_case("sip"));
    let result = if phone.chars().count() > 250 {
        Err(PhoneError::TooLong)
    } else if scheme && phone.contains('@') {
        Err(PhoneError::NotANumber)
    } else {
        national_digits(phone)
    };
    result.map_err(|error| phone_error(phone, error))
}

fn phone_error(text: &str, error: PhoneError) -> LegacyError {
    let message = match error {
        PhoneError::NeedsRegion => "(0) Missing or invalid default region.",
        PhoneError::UnknownCountry => "(0) Could not interpret numbers after plus-sign.",
        PhoneError::NotANumber | PhoneError::UnknownRegion => {
            "(1) The string supplied did not seem to be a phone number."
        }
        PhoneError::TooShort => "(3) The string supplied is too short to be a phone number.",
        PhoneError::TooLong if text.chars().count() > 250 => "(4) The string supplied was too long to parse.",
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

    /// What `phonenumbers` 9 for Python says of the same texts.
    #[test]
    fn numbers_are_read_as_the_reference_s_library_reads_them() {
        for (text, expected) in [
            ("sip:+12025550143", "2025550143"),
            ("tel:+1-202-555-0143", "2025550143"),
            ("tel:555-0143;phone-context=+1-202", "2025550143"),
            ("+1 (202) 555-0143 ext. 9", "2025550143"),
            ("＋１２０２５５５０１４３", "2025550143"),
            ("+44 (0)20 7946 0018", "2079460018"),
            ("+390612345678", "612345678"),
            ("+80012345678", "12345678"),
            ("abc+12025550143", "2025550143"),
        ] {
            assert_eq!(digits(text).as_deref(), Ok(expected), "{text}");
        }
        let long = "1".repeat(251);
        for (text, expected) in [
            ("sip:+12025550143@host", "(1) The string supplied did not seem to be a phone number."),
            ("+12", "(1) The string supplied did not seem to be a phone number."),
            ("anonymous ", "(1) The string supplied did not seem to be a phone number."),
            ("011442079460018", "(0) Missing or invalid default region."),
            ("+9991234567", "(0) Could not interpret numbers after plus-sign."),
            ("+1234567890123456789012", "(4) The string supplied is too long to be a phone number."),
            (&long, "(4) The string supplied was too long to parse."),
        ] {
            assert_eq!(digits(text).unwrap_err().message, expected, "{text}");
        }
    }

    #[test]
    fn a_lookup_of_all_keeps_its_blanks() {
        let all = |parameters: Value| lookup_all_text(parameters.as_object().unwrap()).unwrap();
        assert_eq!(
            all(json!({"sf_object": "Contact", "sf_fields": "Id,Name", "A": "1", "B": "O'N%"})),
            r"SELECT Id,Name FROM Contact   WHERE A='1' AND B LIKE 'O\'N%'"
        );
        assert_eq!(all(json!({"sf_object": "Contact", "sf_fields": "Id"})), "SELECT Id FROM Contact  ");
    }

    #[test]
    fn names_that_are_none_never_reach_the_org() {
        let names = |object: &str, fields: &str, condition: &str| {
            lookup(&json!({"sf_object": object, "sf_fields": fields, condition: "x"}))
        };
        for fields in [
            "Id, toLabel(Status) s, (SELECT Id FROM Cases)",
            "Id, (SELECT Id FROM Cases WHERE Status = 'It (is) new' AND Priority != null LIMIT 1)",
            "DISTANCE(Place__c, GEOLOCATION(52.5,-13.4), 'km')",
        ] {
            assert!(names("Contact", fields, "Name").is_ok(), "{fields}");
        }
        assert_eq!(names(" Contact", "Id", "Name").unwrap(), "SELECT Id FROM  Contact WHERE Name='x'");
        for (object, fields, condition) in [
            ("Contact WHERE Id != null", "Id", "Name"),
            ("Contact", "Id FROM User WHERE Id != null", "Name"),
            ("Contact", "Id) FROM (User", "Name"),
            ("Contact", "Id'", "Name"),
            ("Contact", "Id = 'x'", "Name"),
            ("Contact", "(SELECT Id FROM Cases WHERE A = '') FROM User WHERE (Id = '')", "Name"),
            ("Contact", "(SELECT Id FROM Cases WHERE A = 'x", "Name"),
            ("Contact", "(SELECT Id FROM Cases WHERE A = '\\') FROM User WHERE (Id = ')", "Name"),
            ("Contact", "Id", "Name!='' OR Name"),
        ] {
            let error = names(object, fields, condition).unwrap_err();
            assert!(error.message.starts_with("dip.unsafe_value"), "{error}");
        }
    }
}
