//! A contact flow's parameters, and their operations against the org.
//!
//! The names (`sf_operation`, `sf_object`, …) are those of the reference functions, so that a flow
//! keeps working when it is pointed here, or plain ones (`operation`, `object`, …); the answers are our
//! flat ones. For the reference's own
//! answers see [`crate::legacy`].

use std::fmt::Write as _;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tieline_bridge::dip::find::{FindCaller, FindSettings, MOST_MATCHES, Wanted};
use tieline_bridge::dip::{
    DipCode, DipError, DipTarget, Found, Names, Operation, Search, Shape, Touched, Understood, Which,
    answer_of,
};
use tieline_core::{
    Caller, Comparison, Condition, ConnectorError, JsonMap, Paging, PhoneError, PhoneNumber, Query,
};

use crate::chatter::{self, Segment};
use crate::crm::Salesforce;
use crate::failure::Failure;
use crate::template::{self, Language, Matching};
use crate::{convert, find, rows, search, soql, touched};

/// Rows a query answers at most; more never fit what a contact flow takes.
const MAX_ROWS: usize = 2_000;

/// Rows of a search that says no number, and the most it may say. ("REST API Developer Guide", Search
/// Using Parameters, `overallLimit`, read 2026-11-21.)
const SEARCH_LIMIT: usize = 100;
const MAX_SEARCH: usize = 2_000;

const OPERATIONS: &str = "lookup, lookup_all, phoneLookup, create, update, delete, query, queryOne, search, \
                          searchOne, searchSOSL, searchOneSOSL, createChatterPost, createChatterComment, \
                          findCaller";

const NAMES: Names = Names {
    count: "sf_count",
    rows: "sf_records",
    id: "Id",
    about: "attributes",
    truncated: "truncated",
    // What an update's HTTP status is: flows ask for it.
    done: ("Status", "204"),
};

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
            Operation::Query { text, .. } => touched::by_query(text),
            Operation::SearchText { text, .. } => touched::by_search(text),
            Operation::Search(search) => touched::by_filter(&search.object, search.filter.as_deref()?),
            Operation::Lookup(_)
            | Operation::LookupAll(_)
            | Operation::PhoneLookup { .. }
            | Operation::Create { .. }
            | Operation::Update { .. }
            | Operation::Delete { .. }
            | Operation::Post { .. }
            | Operation::Comment { .. }
            | Operation::FindCaller(_) => None,
        }
    }

    async fn perform(&self, operation: &Operation) -> Result<Found, ConnectorError> {
        self.found(operation).await.map_err(|failure| failure.during("dip"))
    }

    /// With the status and all of Salesforce's words, which a [`ConnectorError`] has no room for.
    async fn answer(&self, _: &JsonMap, asked: &Understood) -> Result<Value, DipError> {
        match self.found(&asked.operation).await {
            Ok(found) => Ok(answer_of(found, asked.shape, &NAMES)),
            Err(failure) => Err(told(failure)),
        }
    }
}

impl Salesforce {
    async fn found(&self, operation: &Operation) -> Result<Found, Failure> {
        let client = &self.client;
        Ok(match operation {
            Operation::Lookup(query) => {
                let found = rows::select(client, query).await?;
                Found::First { row: found.rows.into_iter().next(), total: found.total }
            }
            Operation::LookupAll(query) => {
                let found = rows::run_for_answer(client, &soql::select(query)?, MAX_ROWS).await?;
                Found::Rows { rows: found.rows, total: found.total }
            }
            Operation::PhoneLookup { caller, object, fields } => {
                let Some(number) = caller.number() else {
                    return Ok(Found::Party { best: None, row: None, total: 0 });
                };
                let (parties, row) =
                    search::find_with_fields(client, number, object.as_deref(), fields).await?;
                let total = parties.len();
                Found::Party { best: parties.into_iter().next(), row, total }
            }
            Operation::FindCaller(asked) => find::find_caller(self, asked).await?,
            Operation::Create { object, fields } => {
                Found::Created(convert::record_id(rows::create(client, object, fields).await?)?)
            }
            Operation::Update { object, id, fields } => {
                rows::update(client, object, id, fields).await?;
                Found::Changed(id.clone())
            }
            Operation::Delete { object, id } => {
                rows::delete(client, object, id).await?;
                Found::Changed(id.clone())
            }
            Operation::Query { text, wanted: Which::All } => {
                let found = rows::run_for_answer(client, text, MAX_ROWS).await?;
                Found::Rows { rows: found.rows, total: found.total }
            }
            Operation::Query { text, wanted: Which::OnlyOne } => {
                let found = rows::run(client, text, Paging::FirstPage).await?;
                let total = found.total.max(found.rows.len());
                Found::wanted(found.rows, total, Which::OnlyOne)
            }
            Operation::Search(asked) => {
                let rows = search::parameterized(client, &search_body(asked)).await?;
                let total = rows.len();
                Found::wanted(rows, total, asked.wanted)
            }
            Operation::SearchText { text, wanted } => {
                let rows = search::by_text(client, text).await?;
                let total = rows.len();
                Found::wanted(rows, total, *wanted)
            }
            Operation::Post { record, text, mention } => {
                let segment = Segment { kind: &"Text".into(), text };
                let mention = mention.as_deref().map(Value::from);
                let (element, record) = ("FeedItem".into(), record.as_str().into());
                let id = chatter::post(client, &element, &record, &segment, mention.as_ref()).await?;
                Found::Created(convert::record_id(id)?)
            }
            Operation::Comment { post, text } => {
                let segment = Segment { kind: &"Text".into(), text };
                Found::Created(convert::record_id(chatter::comment(client, post, &segment).await?)?)
            }
        })
    }
}

fn search_body(asked: &Search) -> Value {
    let mut object = json!({ "name": asked.object });
    if let Some(filter) = &asked.filter {
        object["where"] = filter.as_str().into();
    }
    let mut body = json!({ "q": asked.words, "fields": asked.fields, "sobjects": [object] });
    // Who wants the only one wants to know whether there are others.
    if asked.wanted == Which::All {
        body["overallLimit"] = asked.limit.into();
    }
    body
}

/// A failure by its code, with the HTTP status and everything the org said.
fn told(failure: Failure) -> DipError {
    let (status, words) = failure.words();
    let mut error = DipError::from(failure.during("dip"));
    if !words.is_empty() {
        if error.code == DipCode::CrmRejected {
            error.detail = words;
        } else {
            error.detail.push_str(": ");
            error.detail.push_str(&words);
        }
    }
    if let Some(status) = status.map(|status| status.to_string())
        && !error.detail.contains(&status)
    {
        let _ = write!(error.detail, " (status {status})");
    }
    error
}

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
fn extras<'a>(parameters: &'a JsonMap, named: &'a [&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    parameters.iter().filter(move |(name, _)| {
        !matches!(name.as_str(), "sf_operation" | "shape" | "deadline_ms") && !named.contains(&name.as_str())
    })
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

/// The extra parameters as fields to write.
fn new_values(parameters: &JsonMap, named: &[&str]) -> Result<JsonMap, DipError> {
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

/// The template at `name` with the extra parameters in it.
fn filled(parameters: &JsonMap, name: &str, named: &[&str], language: Language) -> Result<String, DipError> {
    let template = text(parameters, name)?;
    let mut values = Vec::new();
    for (name, value) in extras(parameters, named) {
        let Some(value) = value.as_str() else { return Err(invalid(name, "is text")) };
        values.push((name.as_str(), value));
    }
    template::fill(template, &values, Matching::Words, language)
        .map_err(|unsafe_value| DipError::new(DipCode::UnsafeValue, unsafe_value.to_string()))
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

/// A parameter that can only say one thing, and may be left out.
fn fixed(parameters: &JsonMap, name: &str, only: &str) -> Result<(), DipError> {
    match parameters.get(name).map(|value| value.as_str()) {
        None => Ok(()),
        Some(Some(text)) if text == only => Ok(()),
        Some(_) => Err(invalid(name, &format!("is `{only}`"))),
    }
}

/// A message with its `{{ name }}` replaced by the extra parameters, all at once: a value is a value,
/// whatever braces it has.
fn message(template: &str, parameters: &JsonMap, named: &[&str]) -> Result<String, DipError> {
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

fn object(parameters: &JsonMap) -> Result<String, DipError> {
    let object = text(parameters, "sf_object")?;
    if soql::is_name(object) {
        return Ok(object.to_owned());
    }
    Err(DipError::new(DipCode::UnsafeValue, "`sf_object` is no object's name"))
}

/// An id goes into an address.
fn id(parameters: &JsonMap, name: &str) -> Result<String, DipError> {
    let id = text(parameters, name)?;
    if id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(id.to_owned());
    }
    Err(DipError::new(DipCode::UnsafeValue, format!("`{name}` is no record's id")))
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
    if fields.iter().any(|field| !soql::is_path(field)) {
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
    use super::*;

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
        for name in OPERATIONS.split(", ").filter(|name| *name != "findCaller") {
            assert_eq!(code(&json!({"sf_operation": name})), DipCode::MissingParameter, "{name}");
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
    fn a_delete_with_a_field_is_a_mistake_and_an_id_is_letters_and_digits() {
        let delete = |extra: &Value| {
            let mut parameters = json!({"operation": "delete", "object": "Case", "id": "5003000000D8cuI"});
            parameters.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            ask(&parameters).map(|asked| asked.operation)
        };
        let expected = Operation::Delete { object: "Case".into(), id: "5003000000D8cuI".into() };
        assert_eq!(delete(&json!({"shape": "nested", "deadline_ms": 5})), Ok(expected));
        assert_eq!(delete(&json!({"Status": "Closed"})).unwrap_err().code, DipCode::InvalidParameter);
        for id in ["../Contact/003000000000001", "x?y=1", "50 01", "a#b", "%2e%2e", "Zoë"] {
            assert_eq!(delete(&json!({"id": id})).unwrap_err().code, DipCode::UnsafeValue, "{id}");
        }
        assert_eq!(delete(&json!({"object": "Case/1"})).unwrap_err().code, DipCode::UnsafeValue);
    }

    #[test]
    fn a_message_s_placeholders_are_values_and_nothing_more() {
        let post = |message: &str| {
            ask(&json!({"operation": "createChatterPost", "record": "003A1", "message": message,
                        "mention": "", "who": "{{x}} }}", "n": 5}))
        };
        let Operation::Post { record, text, mention } = post("{{ who }} {{n}}").unwrap().operation else {
            panic!()
        };
        assert_eq!((record.as_str(), text.as_str(), mention), ("003A1", "{{x}} }} 5", None));
        assert_eq!(post("{{nobody}}").unwrap_err().code, DipCode::MissingParameter);
        assert_eq!(post("{{who").unwrap_err().code, DipCode::InvalidParameter);
        let poll = json!({"sf_operation": "createChatterPost", "sf_feedElementType": "Poll",
                          "sf_subjectId": "003A1", "sf_messageType": "Text", "sf_message": "x"});
        assert_eq!(code(&poll), DipCode::InvalidParameter);
    }

    #[test]
    fn a_search_s_condition_takes_values_as_values() {
        let search = |extra: &Value| {
            let mut parameters = json!({"operation": "search", "object": "Case", "fields": "Id", "q": "bill*",
                                        "where": "Origin = 'o'", "o": "x' OR Id != '"});
            parameters.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            ask(&parameters).map(|asked| match asked.operation {
                Operation::Search(search) => search,
                other => panic!("{other:?}"),
            })
        };
        let asked = search(&json!({"limit": "5"})).unwrap();
        assert_eq!(asked.filter.as_deref(), Some(r"Origin = 'x\' OR Id != \''"));
        assert_eq!((asked.words.as_str(), asked.limit, asked.wanted), ("bill*", 5, Which::All));
        assert_eq!(search(&json!({"where": ""})).unwrap().filter, None);
        for limit in [json!(0), json!("many"), json!(2001), json!(-1)] {
            assert_eq!(search(&json!({"limit": limit})).unwrap_err().code, DipCode::InvalidParameter);
        }
    }

    #[test]
    fn a_query_takes_values_as_values() {
        let query = |template: &str, name: &str| {
            ask(&json!({"sf_operation": "query", "query": template, "nm": name}))
        };
        let asked = query("select Id from Contact where Name='nm'", "x' OR Id!='").unwrap();
        assert_eq!(
            asked.operation,
            Operation::Query {
                text: r"select Id from Contact where Name='x\' OR Id!=\''".into(),
                wanted: Which::All,
            }
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
