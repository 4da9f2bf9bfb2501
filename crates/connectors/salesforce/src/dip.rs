//! A contact flow's parameters, and their operations against the org.
//!
//! The names (`sf_operation`, `sf_object`, …) are those of the reference functions, so that a flow
//! keeps working when it is pointed here, or plain ones (`operation`, `object`, …); the answers are our
//! flat ones. For the reference's own
//! answers see [`crate::legacy`].

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tieline_bridge::dip::find::{FindCaller, FindSettings, MOST_MATCHES, Wanted};
use tieline_bridge::dip::{
    DipCode, DipError, DipTarget, Found, Names, Operation, Shape, Touched, Understood,
};
use tieline_core::{
    Caller, Comparison, Condition, ConnectorError, JsonMap, Paging, PhoneError, PhoneNumber, Query,
};

use crate::crm::Salesforce;
use crate::template::{self, Matching};
use crate::{find, rows, search, touched};

/// Rows a query answers at most; more never fit what a contact flow takes.
const MAX_ROWS: usize = 2_000;

/// Operations of the reference functions that are not here yet.
pub(crate) const LATER: [&str; 10] = [
    "lookup_all",
    "update",
    "delete",
    "queryOne",
    "search",
    "searchOne",
    "searchSOSL",
    "searchOneSOSL",
    "createChatterPost",
    "createChatterComment",
];

const NAMES: Names = Names { count: "sf_count", rows: "sf_records", id: "Id", about: "attributes" };

#[async_trait]
impl DipTarget for Salesforce {
    fn names(&self) -> Names {
        NAMES
    }

    fn understand(&self, parameters: &JsonMap, region: Option<&str>) -> Result<Understood, DipError> {
        understand(parameters, region, &self.finding.settings)
    }

    fn touched(&self, operation: &Operation) -> Option<Vec<Touched>> {
        match operation {
            Operation::Query { text } => touched::by_query(text),
            Operation::Lookup(_)
            | Operation::PhoneLookup { .. }
            | Operation::Create { .. }
            | Operation::FindCaller(_) => None,
        }
    }

    async fn perform(&self, operation: &Operation) -> Result<Found, ConnectorError> {
        match operation {
            Operation::Lookup(query) => {
                let found =
                    rows::select(&self.client, query).await.map_err(|failure| failure.during("lookup"))?;
                Ok(Found::First { row: found.rows.into_iter().next(), total: found.total })
            }
            Operation::PhoneLookup { caller, object, fields } => {
                let Some(number) = caller.number() else {
                    return Ok(Found::Party { best: None, row: None, total: 0 });
                };
                let (parties, row) =
                    search::find_with_fields(&self.client, number, object.as_deref(), fields)
                        .await
                        .map_err(|failure| failure.during("phone_lookup"))?;
                let total = parties.len();
                Ok(Found::Party { best: parties.into_iter().next(), row, total })
            }
            Operation::Create { object, fields } => self.create(object, fields).await.map(Found::Created),
            Operation::FindCaller(asked) => {
                find::find_caller(self, asked).await.map_err(|failure| failure.during("find_caller"))
            }
            Operation::Query { text } => {
                let found = rows::run(&self.client, text, Paging::UpTo(MAX_ROWS))
                    .await
                    .map_err(|failure| failure.during("query"))?;
                Ok(Found::Rows { rows: found.rows, total: found.total })
            }
        }
    }
}

/// Our own words for the reference's; a flow that writes `operation` uses these throughout.
const WORDS: [(&str, &str); 4] =
    [("operation", "sf_operation"), ("object", "sf_object"), ("fields", "sf_fields"), ("phone", "sf_phone")];

/// The parameters in the reference's words. `phone` is a parameter of `phoneLookup` alone:
/// elsewhere it is a field of the org.
fn in_reference_words(parameters: &JsonMap) -> Option<JsonMap> {
    if parameters.contains_key("sf_operation") {
        return None;
    }
    let about_a_phone = parameters.get("operation")?.as_str() == Some("phoneLookup");
    let word = |name: &str| {
        let known = WORDS.iter().find(|(ours, _)| *ours == name && (*ours != "phone" || about_a_phone));
        known.map_or_else(|| name.to_owned(), |(_, theirs)| (*theirs).to_owned())
    };
    Some(parameters.iter().map(|(name, value)| (word(name), value.clone())).collect())
}

fn understand(
    parameters: &JsonMap,
    region: Option<&str>,
    finding: &FindSettings,
) -> Result<Understood, DipError> {
    let translated = in_reference_words(parameters);
    let parameters = translated.as_ref().unwrap_or(parameters);
    let name = text(parameters, "sf_operation")?;
    let shape = match parameters.get("shape").and_then(Value::as_str) {
        None | Some("flat") => Shape::Flat,
        Some("nested") => Shape::Nested,
        Some(_) => return Err(invalid("shape", "is `flat` or `nested`")),
    };
    let deadline = deadline(parameters)?;
    let (name, operation) = match name {
        "lookup" => ("lookup", lookup(parameters)?),
        "phoneLookup" => ("phoneLookup", phone_lookup(parameters, region)?),
        "create" => ("create", create(parameters)?),
        "query" => ("query", query(parameters)?),
        "findCaller" => ("findCaller", find_caller(parameters, region, finding)?),
        later if LATER.contains(&later) => {
            return Err(DipError::new(
                DipCode::UnknownOperation,
                format!("the operation `{later}` is not offered yet"),
            ));
        }
        _ => {
            return Err(DipError::new(
                DipCode::UnknownOperation,
                "`sf_operation` is none of lookup, phoneLookup, create, query, findCaller",
            ));
        }
    };
    Ok(Understood { name, operation, shape, deadline })
}

/// Milliseconds, as a number or as the text a contact flow can only send.
fn deadline(parameters: &JsonMap) -> Result<Option<Duration>, DipError> {
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
fn extras<'a>(parameters: &'a JsonMap, named: &'a [&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    parameters.iter().filter(move |(name, _)| {
        !matches!(name.as_str(), "sf_operation" | "shape" | "deadline_ms") && !named.contains(&name.as_str())
    })
}

fn lookup(parameters: &JsonMap) -> Result<Operation, DipError> {
    let object = text(parameters, "sf_object")?.to_owned();
    let fields = fields(parameters)?;
    let conditions: Vec<Condition> = extras(parameters, &["sf_object", "sf_fields"])
        .map(|(field, value)| condition(field, value))
        .collect::<Result<_, _>>()?;
    if conditions.is_empty() {
        return Err(DipError::new(
            DipCode::MissingParameter,
            "a lookup needs at least one condition: a field's name with the value it must have",
        ));
    }
    Ok(Operation::Lookup(Query { object, fields, conditions, limit: None, paging: Paging::FirstPage }))
}

fn condition(field: &str, value: &Value) -> Result<Condition, DipError> {
    let comparison = match value {
        Value::String(text) if is_loose_phone_field(field) => phone_comparison(text),
        // A percent sign asks for a pattern; an underscore is only itself.
        Value::String(text) if text.contains('%') => Comparison::Like(text.replace('_', r"\_")),
        Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => {
            Comparison::Equals(value.clone())
        }
        Value::Array(_) | Value::Object(_) => {
            return Err(invalid(field, "is compared with a text, number, boolean or null"));
        }
    };
    Ok(Condition { field: field.to_owned(), comparison })
}

fn is_loose_phone_field(field: &str) -> bool {
    field.eq_ignore_ascii_case("MobilePhone") || field.eq_ignore_ascii_case("HomePhone")
}

/// Finds a number by its last ten digits, however it is punctuated in the org.
fn phone_comparison(text: &str) -> Comparison {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 7 {
        return Comparison::Equals(text.into());
    }
    let (head, last) = digits.split_at(digits.len() - 4);
    let (head, middle) = head.split_at(head.len() - 3);
    let first = &head[head.len().saturating_sub(3)..];
    let first = if first.is_empty() { String::new() } else { format!("{first}%") };
    Comparison::Like(format!("%{first}{middle}%{last}"))
}

fn phone_lookup(parameters: &JsonMap, region: Option<&str>) -> Result<Operation, DipError> {
    let phone = text_or_empty(parameters, "sf_phone")?;
    let fields = fields(parameters)?;
    let object = match parameters.get("sf_object") {
        None => None,
        Some(_) => Some(text(parameters, "sf_object")?.to_owned()),
    };
    let caller = match Caller::parse(phone, region) {
        Caller::Other(_) => return Err(invalid("sf_phone", phone_advice(phone, region))),
        caller => caller,
    };
    Ok(Operation::PhoneLookup { caller, object, fields })
}

fn phone_advice(phone: &str, region: Option<&str>) -> &'static str {
    match PhoneNumber::parse(phone, region) {
        Err(PhoneError::NeedsRegion) => "is a number that begins with `+` and the country",
        Err(PhoneError::UnknownCountry) => "begins with a country code that does not exist",
        Err(PhoneError::TooShort) => "is too short for a phone number",
        Err(PhoneError::TooLong) => "is too long for a phone number",
        Ok(_) | Err(PhoneError::NotANumber | PhoneError::UnknownRegion) => {
            "is a phone number in the form +12025550143"
        }
    }
}

/// Parameters of `findCaller`, in both manners.
const FIND: [&str; 5] = ["phone", "email", "text", "objects", "limit"];

pub(crate) fn find_caller(
    parameters: &JsonMap,
    region: Option<&str>,
    settings: &FindSettings,
) -> Result<Operation, DipError> {
    if let Some((name, _)) = parameters.iter().find(|(name, _)| {
        !FIND.contains(&name.as_str())
            && !matches!(name.as_str(), "operation" | "sf_operation" | "shape" | "deadline_ms")
    }) {
        return Err(DipError::new(
            DipCode::InvalidParameter,
            format!("`{name}` is no parameter of findCaller: {}", FIND.join(", ")),
        ));
    }
    // A flow that fills in an attribute the contact has not sends nothing, or an empty text.
    let given: Vec<(&str, &str)> = FIND[..3]
        .iter()
        .filter_map(|name| match parameters.get(*name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(Ok((*name, text.trim()))),
            Some(_) => Some(Err(invalid(name, "is text"))),
        })
        .collect::<Result<_, _>>()?;
    let filled: Vec<_> = given.iter().filter(|(_, text)| !text.is_empty()).collect();
    let wanted = match filled.as_slice() {
        [] if given.is_empty() => Wanted::Endpoint,
        [] => Wanted::Nobody,
        [("phone", text)] => match Caller::parse(text, region) {
            Caller::Known(number) => Wanted::Phone(number),
            Caller::Withheld => Wanted::Nobody,
            Caller::Other(_) => return Err(invalid("phone", phone_advice(text, region))),
        },
        [("email", text)] => Wanted::Email(email(text)?),
        [(_, text)] if text.chars().count() > 200 => {
            return Err(invalid("text", "has at most 200 characters"));
        }
        // The index knows no single letters.
        [(_, text)] if text.chars().filter(|c| c.is_alphanumeric()).count() < 2 => Wanted::Nobody,
        [(_, text)] => Wanted::Text((*text).to_owned()),
        _ => {
            return Err(DipError::new(
                DipCode::InvalidParameter,
                "give only one of `phone`, `email` and `text`",
            ));
        }
    };
    Ok(Operation::FindCaller(FindCaller {
        wanted,
        objects: find_objects(parameters, settings)?,
        limit: find_limit(parameters)?,
        region: region.map(str::to_owned),
        grants: None,
    }))
}

fn find_objects(parameters: &JsonMap, settings: &FindSettings) -> Result<Vec<String>, DipError> {
    let what = "is a list of object names";
    let named: Vec<&str> = match parameters.get("objects") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
        Some(Value::Array(items)) => {
            items.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(|| invalid("objects", what))?
        }
        Some(_) => return Err(invalid("objects", what)),
    };
    named
        .into_iter()
        .map(|name| {
            find::is_known(settings, name).map(str::to_owned).ok_or_else(|| {
                let known: Vec<&str> = settings.objects.iter().map(|one| one.object.as_str()).collect();
                invalid("objects", &format!("is made of: {}", known.join(", ")))
            })
        })
        .collect()
}

fn find_limit(parameters: &JsonMap) -> Result<usize, DipError> {
    let limit = match parameters.get("limit") {
        None | Some(Value::Null) => return Ok(MOST_MATCHES),
        Some(Value::Number(number)) => number.as_u64().and_then(|limit| usize::try_from(limit).ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    limit
        .filter(|limit| (1..=MOST_MATCHES).contains(limit))
        .ok_or_else(|| invalid("limit", "is a whole number from 1 to 10"))
}

/// `anna@example.com`, also as `Anna <anna@example.com>` and `mailto:anna@example.com`.
fn email(text: &str) -> Result<String, DipError> {
    let inside = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'));
    let address = inside.trim();
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    let good = address.len() <= 254
        && address.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains(|c: char| c.is_alphanumeric()) && !host.contains('@')
        })
        && !address.contains(|c: char| c.is_whitespace() || c.is_control());
    if good { Ok(address.to_owned()) } else { Err(invalid("email", "is an address like anna@example.com")) }
}

fn create(parameters: &JsonMap) -> Result<Operation, DipError> {
    let object = text(parameters, "sf_object")?.to_owned();
    let mut fields = JsonMap::new();
    for (name, value) in extras(parameters, &["sf_object"]) {
        if !crate::soql::is_name(name) {
            return Err(DipError::new(DipCode::UnsafeValue, format!("`{name}` is no field's name")));
        }
        if value.is_array() || value.is_object() {
            return Err(invalid(name, "is a text, number, boolean or null"));
        }
        fields.insert(name.clone(), value.clone());
    }
    Ok(Operation::Create { object, fields })
}

fn query(parameters: &JsonMap) -> Result<Operation, DipError> {
    let template = text(parameters, "query")?;
    let mut values = Vec::new();
    for (name, value) in extras(parameters, &["query"]) {
        let Some(value) = value.as_str() else { return Err(invalid(name, "is text")) };
        values.push((name.as_str(), value));
    }
    let text = template::fill(template, &values, Matching::Words)
        .map_err(|unsafe_value| DipError::new(DipCode::UnsafeValue, unsafe_value.to_string()))?;
    Ok(Operation::Query { text })
}

/// `Id, Name`, `Id,Name`, or a JSON list.
fn fields(parameters: &JsonMap) -> Result<Vec<String>, DipError> {
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
    if fields.iter().any(|field| !crate::soql::is_path(field)) {
        return Err(DipError::new(
            DipCode::UnsafeValue,
            "`sf_fields` holds something that is no field's name",
        ));
    }
    Ok(fields)
}

fn text<'a>(parameters: &'a JsonMap, name: &str) -> Result<&'a str, DipError> {
    match text_or_empty(parameters, name)? {
        "" => Err(invalid(name, "is not empty")),
        text => Ok(text),
    }
}

fn text_or_empty<'a>(parameters: &'a JsonMap, name: &str) -> Result<&'a str, DipError> {
    match parameters.get(name) {
        None | Some(Value::Null) => Err(DipError::missing(name)),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(invalid(name, "is text")),
    }
}

fn invalid(parameter: &str, what: &str) -> DipError {
    DipError::new(
        DipCode::InvalidParameter,
        format!("the parameter `{parameter}` must be something that {what}"),
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::soql;

    fn ask(parameters: &Value) -> Result<Understood, DipError> {
        understand(parameters.as_object().unwrap(), None, &default_finding())
    }

    fn default_finding() -> FindSettings {
        (*find::Finding::default().settings).clone()
    }

    fn code(parameters: &Value) -> DipCode {
        ask(parameters).unwrap_err().code
    }

    fn lookup_text(parameters: &Value) -> String {
        match ask(parameters).unwrap().operation {
            Operation::Lookup(query) => soql::select(&query).unwrap(),
            other => panic!("not a lookup: {other:?}"),
        }
    }

    #[test]
    fn a_lookup_s_extra_parameters_are_its_conditions() {
        let text = lookup_text(
            &json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id,Account.Name",
            "shape": "nested", "deadline_ms": "1500", "LastName": "O'Neil", "FirstName": "S_%", "Vip__c": true, "N__c": 3}),
        );
        assert_eq!(
            text,
            r"SELECT Id, Account.Name FROM Contact WHERE LastName = 'O\'Neil' AND FirstName LIKE 'S\_%' AND Vip__c = true AND N__c = 3"
        );
    }

    #[test]
    fn mobile_and_home_numbers_are_found_by_their_digits() {
        let text = |phone: &str| {
            lookup_text(
                &json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "mobilephone": phone}),
            )
        };
        assert!(text("(415) 555-2671").ends_with("mobilephone LIKE '%415%555%2671'"));
        assert!(text("+14155552671").ends_with("mobilephone LIKE '%415%555%2671'"));
        assert!(text("5551212").ends_with("mobilephone LIKE '%555%1212'"));
        assert!(text("x' OR").ends_with(r"mobilephone = 'x\' OR'"));
    }

    #[test]
    fn plain_words_mean_what_the_reference_s_words_mean() {
        let same = |plain: &Value, reference: &Value| assert_eq!(ask(plain), ask(reference));
        same(
            &json!({"operation": "lookup", "object": "Contact", "fields": "Id", "phone": "x"}),
            &json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "phone": "x"}),
        );
        same(
            &json!({"operation": "phoneLookup", "phone": "+12025550143", "fields": ["Id"], "object": "Lead"}),
            &json!({"sf_operation": "phoneLookup", "sf_phone": "+12025550143", "sf_fields": ["Id"], "sf_object": "Lead"}),
        );
        // With the reference's words, `object` is a field like any other.
        let mixed = json!({"sf_operation": "create", "sf_object": "Case", "object": "x"});
        let Operation::Create { fields, .. } = ask(&mixed).unwrap().operation else { panic!() };
        assert_eq!(Value::Object(fields), json!({"object": "x"}));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_with_its_code() {
        assert_eq!(code(&json!({})), DipCode::MissingParameter);
        assert_eq!(code(&json!({"sf_operation": 5})), DipCode::InvalidParameter);
        assert_eq!(code(&json!({"sf_operation": "Lookup"})), DipCode::UnknownOperation);
        for later in LATER {
            let error = ask(&json!({"sf_operation": later})).unwrap_err();
            assert_eq!(error.code, DipCode::UnknownOperation);
            assert!(error.detail.contains("not offered yet"), "{}", error.detail);
        }
        let lookup = |extra: &Value| {
            let mut parameters =
                json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id", "Name": "x"});
            parameters.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            code(&parameters)
        };
        assert_eq!(lookup(&json!({"sf_fields": ""})), DipCode::InvalidParameter);
        assert_eq!(lookup(&json!({"sf_fields": "Id FROM User"})), DipCode::UnsafeValue);
        assert_eq!(lookup(&json!({"sf_fields": [1]})), DipCode::InvalidParameter);
        assert_eq!(lookup(&json!({"sf_object": ""})), DipCode::InvalidParameter);
        assert_eq!(lookup(&json!({"sf_object": null})), DipCode::MissingParameter);
        assert_eq!(lookup(&json!({"Name": ["x"]})), DipCode::InvalidParameter);
        assert_eq!(lookup(&json!({"shape": "round"})), DipCode::InvalidParameter);
        for wait in [json!("soon"), json!(0), json!(-1), json!(1e9), json!([])] {
            assert_eq!(lookup(&json!({"deadline_ms": wait})), DipCode::InvalidParameter);
        }
        assert_eq!(
            code(&json!({"sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id"})),
            DipCode::MissingParameter
        );
    }

    #[test]
    fn a_phone_lookup_knows_withheld_numbers_and_names_what_is_wrong_with_others() {
        let caller = |phone: &str| {
            ask(&json!({"sf_operation": "phoneLookup", "sf_phone": phone, "sf_fields": "Id"})).map(|asked| {
                match asked.operation {
                    Operation::PhoneLookup { caller, .. } => caller,
                    other => panic!("{other:?}"),
                }
            })
        };
        for withheld in ["anonymous", "restricted", "PRIVATE", ""] {
            assert_eq!(caller(withheld), Ok(Caller::Withheld), "{withheld}");
        }
        assert_eq!(caller("+390655500123").unwrap().number().unwrap().e164(), "+390655500123");
        let error = caller("2025550147").unwrap_err();
        assert_eq!(error.code, DipCode::InvalidParameter);
        assert!(error.detail.contains('+'), "{}", error.detail);
        assert!(!error.detail.contains("2025550147"), "no numbers in messages");

        let national =
            json!({"sf_operation": "phoneLookup", "sf_phone": "(202) 555-0147", "sf_fields": "Id"});
        let asked = understand(national.as_object().unwrap(), Some("US"), &default_finding()).unwrap();
        let Operation::PhoneLookup { caller, .. } = asked.operation else { panic!() };
        assert_eq!(caller.number().unwrap().e164(), "+12025550147");
    }

    #[test]
    fn a_query_takes_values_as_values() {
        let query = |template: &str, name: &str| {
            ask(&json!({"sf_operation": "query", "query": template, "nm": name}))
        };
        let asked = query("select Id from Contact where Name='nm'", "x' OR Id!='").unwrap();
        assert_eq!(
            asked.operation,
            Operation::Query { text: r"select Id from Contact where Name='x\' OR Id!=\''".into() }
        );
        assert_eq!(
            query("select Id from nm", "Contact WHERE Id != null").unwrap_err().code,
            DipCode::UnsafeValue
        );
        assert_eq!(
            code(&json!({"sf_operation": "query", "query": "select n", "n": 5})),
            DipCode::InvalidParameter
        );
    }

    #[test]
    fn a_create_writes_its_extra_parameters() {
        let asked = ask(
            &json!({"sf_operation": "create", "sf_object": "Case", "Subject": "Billing | Refund", "N__c": 5}),
        );
        let Operation::Create { object, fields } = asked.unwrap().operation else { panic!() };
        assert_eq!(object, "Case");
        assert_eq!(Value::Object(fields), json!({"Subject": "Billing | Refund", "N__c": 5}));
        assert_eq!(
            code(&json!({"sf_operation": "create", "sf_object": "Case", "Bad Name": "x"})),
            DipCode::UnsafeValue
        );
    }
}
