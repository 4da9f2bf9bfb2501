//! `search` and `parameterizedSearch`.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Api, Failures, Outcome, Request, query};
use crate::salesforce::records::Failure;
use crate::salesforce::soql;
use crate::salesforce::soql::ast::Path;
use crate::salesforce::sosl::{self, Expression, Group, Returning};

pub(super) fn search(api: &mut Api<'_>, request: &Request) -> Outcome {
    let text = request
        .parameter("q")
        .ok_or_else(|| Failure::bad("MALFORMED_SEARCH", "A search string has to be specified"))?;
    let search = sosl::parse(text)?;
    let records = run(api, request, text, &search.expression, search.group, search.returning, search.limit)?;
    Ok(Answer::ok(json!({"searchRecords": records})))
}

/// All matches, object by object in the order named, at most `limit` in all.
fn run(
    api: &Api<'_>,
    request: &Request,
    source: &str,
    expression: &Expression,
    group: Group,
    mut returning: Vec<Returning>,
    limit: u64,
) -> Result<Vec<Value>, Failures> {
    if returning.is_empty() {
        let searchable = api.schema.objects().iter().filter(|object| object.searchable);
        returning = searchable.map(|o| Returning::ids(Path { parts: vec![o.name.clone()], at: 0 })).collect();
    }
    let mut records: Vec<Value> = Vec::new();
    for one in &mut returning {
        let left = limit.saturating_sub(records.len() as u64);
        one.query.limit = Some(one.query.limit.map_or(left, |own| own.min(left)));
        let compiled =
            soql::compile_search(query::context(api, source, false), &one.query, |object, params| {
                Some(sosl::condition(expression, group, object, params))
            })?;
        records.extend(soql::read_rows(&api.storage.conn, &compiled, &request.base())?.1);
    }
    Ok(records)
}

/// Body of the POST form; the GET form is turned into it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    q: String,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default)]
    sobjects: Vec<Target>,
    #[serde(default, rename = "in")]
    group: Option<String>,
    #[serde(default)]
    overall_limit: Option<Number>,
    #[serde(default)]
    default_limit: Option<Number>,
    #[serde(default)]
    offset: Option<Number>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    name: String,
    #[serde(default)]
    fields: Vec<String>,
    #[serde(default, rename = "where")]
    filter: Option<String>,
    #[serde(default)]
    limit: Option<Number>,
    #[serde(default)]
    order_by: Option<String>,
}

/// Numbers come as text too, from callers that know nothing else (contact flows).
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Number {
    Number(u64),
    Text(String),
}

impl Number {
    fn value(&self, name: &str) -> Result<u64, Failure> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(text) => text
                .trim()
                .parse()
                .map_err(|_| Failure::bad("INVALID_SEARCH", format!("{name} must be a whole number"))),
        }
    }
}

pub(super) fn parameterized_post(api: &mut Api<'_>, request: &Request) -> Outcome {
    let body = Value::Object(request.object()?);
    let parameters: Parameters =
        serde_json::from_value(body).map_err(|error| Failure::bad("JSON_PARSER_ERROR", error.to_string()))?;
    parameterized(api, request, &parameters)
}

/// `?q=…&sobject=Contact&fields=Id,Name&Contact.fields=…&Contact.limit=…&in=PHONE`.
pub(super) fn parameterized_get(api: &mut Api<'_>, request: &Request) -> Outcome {
    let list = |text: &str| text.split(',').map(|f| f.trim().to_owned()).collect::<Vec<String>>();
    let number = |name: &str| request.parameter(name).map(|text| Number::Text(text.to_owned()));
    let names = request.query.iter().filter(|(key, _)| key == "sobject").flat_map(|(_, value)| list(value));
    let sobjects = names
        .map(|name| Target {
            fields: request.parameter(&format!("{name}.fields")).map(list).unwrap_or_default(),
            filter: request.parameter(&format!("{name}.where")).map(str::to_owned),
            limit: number(&format!("{name}.limit")),
            order_by: request.parameter(&format!("{name}.orderBy")).map(str::to_owned),
            name,
        })
        .collect();
    let parameters = Parameters {
        q: request.parameter("q").unwrap_or_default().to_owned(),
        fields: request.parameter("fields").map(list).unwrap_or_default(),
        sobjects,
        group: request.parameter("in").map(str::to_owned),
        overall_limit: number("overallLimit"),
        default_limit: number("defaultLimit"),
        offset: number("offset"),
    };
    parameterized(api, request, &parameters)
}

fn parameterized(api: &mut Api<'_>, request: &Request, parameters: &Parameters) -> Outcome {
    let expression = sosl::lenient(&parameters.q)?;
    let group = match &parameters.group {
        None => Group::All,
        Some(word) => Group::from_word(word)
            .ok_or_else(|| Failure::bad("INVALID_SEARCH", format!("unknown search group: {word}")))?,
    };
    let limit = match &parameters.overall_limit {
        None => 2_000,
        Some(limit) => limit.value("overallLimit")?.min(2_000),
    };
    let mut returning = Vec::new();
    for target in &parameters.sobjects {
        returning.push(target_query(parameters, target)?);
    }
    let records = run(api, request, "", &expression, group, returning, limit)?;
    Ok(Answer::ok(json!({"searchRecords": records})))
}

/// Each part is read by the grammar it belongs to, so that nothing can reach beyond its place.
fn target_query(parameters: &Parameters, target: &Target) -> Result<Returning, Failures> {
    let mut parser = soql::Parser::new(&target.name, soql::Lexer::new(&target.name).all()?);
    let object = parser.path()?;
    parser.expect_end()?;
    let mut returning = Returning::ids(object);
    let fields = if target.fields.is_empty() { &parameters.fields } else { &target.fields };
    if !fields.is_empty() {
        returning.query.select.clear();
        for field in fields {
            let mut parser = soql::Parser::new(field, soql::Lexer::new(field).all()?);
            returning.query.select.push(parser.select_item()?);
            parser.expect_end()?;
        }
    }
    if let Some(text) = target.filter.as_deref().filter(|text| !text.trim().is_empty()) {
        let mut parser = soql::Parser::new(text, soql::Lexer::new(text).all()?);
        returning.query.filter = Some(parser.filter(0)?);
        parser.expect_end()?;
    }
    if let Some(text) = target.order_by.as_deref().filter(|text| !text.trim().is_empty()) {
        let text = format!("ORDER BY {text}");
        let mut parser = soql::Parser::new(&text, soql::Lexer::new(&text).all()?);
        returning.query.order_by = parser.order_by()?;
        parser.expect_end()?;
    }
    let limit = target.limit.as_ref().or(parameters.default_limit.as_ref());
    returning.query.limit = limit.map(|limit| limit.value("limit")).transpose()?;
    returning.query.offset = parameters.offset.as_ref().map(|n| n.value("offset")).transpose()?;
    Ok(returning)
}
