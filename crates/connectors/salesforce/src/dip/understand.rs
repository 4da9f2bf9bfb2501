//! What a contact flow's parameters ask for.

use serde_json::Value;
use tieline_bridge::dip::find::FindSettings;
use tieline_bridge::dip::{DipCode, DipError, Operation, Search, Shape, Understood, Which};
use tieline_core::{Caller, Comparison, Condition, JsonMap, Paging, Query};

use super::find_caller::{find_caller, phone_advice};
use super::parameters::{
    deadline, extras, fields, filled, fixed, id, invalid, message, new_values, object, text, text_or_empty,
};
use crate::template::Language;

/// Rows of a search that says no number, and the most it may say. ("REST API Developer Guide", Search
/// Using Parameters, `overallLimit`, read 2026-11-21.)
const SEARCH_LIMIT: usize = 100;
const MAX_SEARCH: usize = 2_000;

pub(super) const OPERATIONS: &str = "lookup, lookup_all, phoneLookup, create, update, delete, query, queryOne, search, \
                          searchOne, searchSOSL, searchOneSOSL, createChatterPost, createChatterComment, \
                          findCaller";

/// Our own words for the reference's, and the operations that have them (all when none is named); a
/// flow that writes `operation` uses these throughout. Elsewhere such a word is a field of the org.
const WORDS: [(&str, &str, &[&str]); 10] = [
    ("operation", "sf_operation", &[]),
    ("object", "sf_object", &[]),
    ("fields", "sf_fields", &[]),
    ("phone", "sf_phone", &["phoneLookup"]),
    ("id", "sf_id", &["update", "delete"]),
    ("limit", "overallLimit", &["search"]),
    ("record", "sf_subjectId", &["createChatterPost"]),
    ("message", "sf_message", &["createChatterPost"]),
    ("mention", "sf_mention", &["createChatterPost"]),
    ("post", "sf_feedElementId", &["createChatterComment"]),
];

/// The parameters in the reference's words.
fn in_reference_words(parameters: &JsonMap) -> Option<JsonMap> {
    if parameters.contains_key("sf_operation") {
        return None;
    }
    let operation = parameters.get("operation")?.as_str().unwrap_or_default();
    let word = |name: &str| {
        if (operation, name) == ("createChatterComment", "message") {
            return "sf_commentMessage".to_owned();
        }
        let known = WORDS.iter().find(|(ours, _, operations)| {
            *ours == name && (operations.is_empty() || operations.contains(&operation))
        });
        known.map_or_else(|| name.to_owned(), |(_, theirs, _)| (*theirs).to_owned())
    };
    Some(parameters.iter().map(|(name, value)| (word(name), value.clone())).collect())
}

pub(super) fn understand(
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
        "lookup_all" => ("lookup_all", Operation::LookupAll(read(parameters)?)),
        "phoneLookup" => ("phoneLookup", phone_lookup(parameters, region)?),
        "create" => ("create", create(parameters)?),
        "update" => ("update", update(parameters)?),
        "delete" => ("delete", delete(parameters)?),
        "query" => ("query", query(parameters, Which::All)?),
        "queryOne" => ("queryOne", query(parameters, Which::OnlyOne)?),
        "search" => ("search", words(parameters, Which::All)?),
        "searchOne" => ("searchOne", words(parameters, Which::OnlyOne)?),
        "searchSOSL" => ("searchSOSL", search_text(parameters, Which::All)?),
        "searchOneSOSL" => ("searchOneSOSL", search_text(parameters, Which::OnlyOne)?),
        "createChatterPost" => ("createChatterPost", post(parameters)?),
        "createChatterComment" => ("createChatterComment", comment(parameters)?),
        "findCaller" => ("findCaller", find_caller(parameters, region, finding)?),
        _ => {
            return Err(DipError::new(
                DipCode::UnknownOperation,
                format!("the operation is none of {OPERATIONS}"),
            ));
        }
    };
    Ok(Understood { name, operation, shape, deadline })
}

fn lookup(parameters: &JsonMap) -> Result<Operation, DipError> {
    let query = read(parameters)?;
    if query.conditions.is_empty() {
        return Err(DipError::new(
            DipCode::MissingParameter,
            "a lookup needs at least one condition: a field's name with the value it must have",
        ));
    }
    Ok(Operation::Lookup(query))
}

fn read(parameters: &JsonMap) -> Result<Query, DipError> {
    let object = object(parameters)?;
    let fields = fields(parameters)?;
    let conditions = extras(parameters, &["sf_object", "sf_fields"])
        .map(|(field, value)| condition(field, value))
        .collect::<Result<_, _>>()?;
    Ok(Query { object, fields, conditions, limit: None, paging: Paging::FirstPage })
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

fn create(parameters: &JsonMap) -> Result<Operation, DipError> {
    let object = object(parameters)?;
    Ok(Operation::Create { object, fields: new_values(parameters, &["sf_object"])? })
}

fn update(parameters: &JsonMap) -> Result<Operation, DipError> {
    let (object, id) = (object(parameters)?, id(parameters, "sf_id")?);
    let fields = new_values(parameters, &["sf_object", "sf_id"])?;
    if fields.is_empty() {
        return Err(DipError::new(
            DipCode::MissingParameter,
            "an update needs at least one field with its new value",
        ));
    }
    Ok(Operation::Update { object, id, fields })
}

fn delete(parameters: &JsonMap) -> Result<Operation, DipError> {
    let (object, id) = (object(parameters)?, id(parameters, "sf_id")?);
    // A field beside the id is a mistake that must not end in a record being gone.
    if let Some((name, _)) = extras(parameters, &["sf_object", "sf_id"]).next() {
        return Err(invalid(name, "is not there: a delete takes the object and the id"));
    }
    Ok(Operation::Delete { object, id })
}

fn query(parameters: &JsonMap, wanted: Which) -> Result<Operation, DipError> {
    Ok(Operation::Query { text: filled(parameters, "query", &["query"], Language::Query)?, wanted })
}

fn search_text(parameters: &JsonMap, wanted: Which) -> Result<Operation, DipError> {
    Ok(Operation::SearchText { text: filled(parameters, "query", &["query"], Language::Search)?, wanted })
}

fn words(parameters: &JsonMap, wanted: Which) -> Result<Operation, DipError> {
    let named = ["q", "sf_object", "sf_fields", "where", "overallLimit"];
    let filter = match parameters.get("where") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(_) => Some(filled(parameters, "where", &named, Language::Query)?),
    };
    let limit = match parameters.get("overallLimit") {
        None => Some(SEARCH_LIMIT),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(other) => other.as_u64().and_then(|limit| usize::try_from(limit).ok()),
    };
    let limit = limit
        .filter(|limit| (1..=MAX_SEARCH).contains(limit))
        .ok_or_else(|| invalid("overallLimit", "is a number from 1 to 2000"))?;
    Ok(Operation::Search(Search {
        words: text(parameters, "q")?.to_owned(),
        object: object(parameters)?,
        fields: fields(parameters)?,
        filter,
        limit,
        wanted,
    }))
}

fn post(parameters: &JsonMap) -> Result<Operation, DipError> {
    let named = ["sf_subjectId", "sf_message", "sf_feedElementType", "sf_messageType"];
    fixed(parameters, "sf_feedElementType", "FeedItem")?;
    fixed(parameters, "sf_messageType", "Text")?;
    let mention =
        parameters.get("sf_mention").map(|_| text_or_empty(parameters, "sf_mention")).transpose()?;
    Ok(Operation::Post {
        record: id(parameters, "sf_subjectId")?,
        text: message(text(parameters, "sf_message")?, parameters, &named)?,
        mention: mention.filter(|id| !id.is_empty()).map(str::to_owned),
    })
}

fn comment(parameters: &JsonMap) -> Result<Operation, DipError> {
    let named = ["sf_feedElementId", "sf_commentMessage", "sf_commentType"];
    fixed(parameters, "sf_commentType", "Text")?;
    Ok(Operation::Comment {
        post: id(parameters, "sf_feedElementId")?,
        text: message(text(parameters, "sf_commentMessage")?, parameters, &named)?,
    })
}
