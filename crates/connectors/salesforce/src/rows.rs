//! Reads: queries and their pages, single records; creating, changing and deleting one.

use serde_json::Value;
use tieline_bridge::dip::ANSWER_LIMIT;
use tieline_core::{Comparison, Condition, JsonMap, Paging, Query, is_unseen};

use crate::client::{Call, Client};
use crate::convert;
use crate::failure::Failure;
use crate::soql;
use crate::wire::{CreateAnswer, QueryPage};

/// Rows as Salesforce gave them, `attributes` included.
#[derive(Debug, Default)]
pub(crate) struct RawRows {
    pub rows: Vec<JsonMap>,
    /// Salesforce's own count of all rows.
    pub total: usize,
}

pub(crate) async fn select(client: &Client, query: &Query) -> Result<RawRows, Failure> {
    run(client, &soql::select(query)?, query.paging).await
}

/// Runs the text of a query whose values were escaped before.
pub(crate) async fn run(client: &Client, text: &str, paging: Paging) -> Result<RawRows, Failure> {
    let cap = match paging {
        Paging::FirstPage => 0,
        Paging::UpTo(cap) => cap,
    };
    let mut found = pages(client, text, cap, usize::MAX).await?;
    if let Paging::UpTo(cap) = paging {
        found.rows.truncate(cap);
    }
    Ok(found)
}

/// Runs it for an answer: pages are followed until there are `cap` rows or as many as no answer holds.
pub(crate) async fn run_for_answer(client: &Client, text: &str, cap: usize) -> Result<RawRows, Failure> {
    let mut found = pages(client, text, cap, 2 * ANSWER_LIMIT).await?;
    found.rows.truncate(cap);
    found.total = found.total.max(found.rows.len());
    Ok(found)
}

async fn pages(client: &Client, text: &str, cap: usize, enough: usize) -> Result<RawRows, Failure> {
    let mut page: QueryPage = client.call(Call::get(&["query"]).query("q", text)).await?;
    let total = page.total_size;
    let mut rows = std::mem::take(&mut page.records);
    let mut size: usize = rows.iter().map(weight).sum();
    while rows.len() < cap && size < enough {
        let Some(next) = page.next_records_url.take() else { break };
        page = client.next_page(&next).await?;
        if page.records.is_empty() && page.next_records_url.is_some() {
            // A page without rows that promises more would never end.
            break;
        }
        size += page.records.iter().map(weight).sum::<usize>();
        rows.append(&mut page.records);
    }
    Ok(RawRows { rows, total })
}

/// What a row takes in any answer, at least.
fn weight(row: &JsonMap) -> usize {
    let of_value = |value: &Value| match value {
        Value::Null | Value::Array(_) => 0,
        Value::String(text) => text.len() + 2,
        Value::Object(inner) => weight(inner),
        other => other.to_string().len(),
    };
    row.iter().filter(|(name, _)| *name != "attributes").map(|(_, value)| of_value(value)).sum()
}

/// Reads by query rather than by address, because only a query takes paths such as `Account.Name`.
pub(crate) async fn record(
    client: &Client,
    object: &str,
    id: &str,
    fields: &[String],
) -> Result<Option<JsonMap>, Failure> {
    if !convert::is_record_id(id) {
        return Ok(None);
    }
    let query = Query {
        object: object.to_owned(),
        fields: fields.to_vec(),
        conditions: vec![Condition { field: "Id".into(), comparison: Comparison::Equals(id.into()) }],
        limit: Some(1),
        paging: Paging::FirstPage,
    };
    Ok(select(client, &query).await?.rows.into_iter().next())
}

pub(crate) async fn create(client: &Client, object: &str, fields: &JsonMap) -> Result<String, Failure> {
    let call = Call::new(reqwest::Method::POST, &["sobjects", checked(object)?]).json(&all_seen(fields));
    Ok(client.call::<CreateAnswer>(call).await?.id)
}

/// Changes fields of one record; the HTTP status of the success.
pub(crate) async fn update(
    client: &Client,
    object: &str,
    id: &str,
    fields: &JsonMap,
) -> Result<u16, Failure> {
    let segments = ["sobjects", checked(object)?, id];
    client.status(Call::new(reqwest::Method::PATCH, &segments).json(&all_seen(fields))).await
}

pub(crate) async fn delete(client: &Client, object: &str, id: &str) -> Result<u16, Failure> {
    client.status(Call::new(reqwest::Method::DELETE, &["sobjects", checked(object)?, id])).await
}

fn checked(object: &str) -> Result<&str, Failure> {
    if soql::is_name(object) {
        return Ok(object);
    }
    Err(Failure::refused_by_us("UNSAFE_NAME", "an object must be letters, digits and underscores"))
}

fn all_seen(fields: &JsonMap) -> JsonMap {
    fields.iter().map(|(name, value)| (name.clone(), seen(value))).collect()
}

/// A value as an agent may read it: a caller may have said what it holds.
fn seen(value: &Value) -> Value {
    match value {
        Value::String(text) => text.chars().filter(|c| !is_unseen(*c)).collect::<String>().into(),
        other => other.clone(),
    }
}
