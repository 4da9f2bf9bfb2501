//! Reads: queries and their pages, single records, creating a record.

use serde_json::Value;
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
    let mut page: QueryPage = client.call(Call::get(&["query"]).query("q", text)).await?;
    let total = page.total_size;
    let mut rows = std::mem::take(&mut page.records);
    if let Paging::UpTo(cap) = paging {
        while rows.len() < cap {
            let Some(next) = page.next_records_url.take() else { break };
            page = client.next_page(&next).await?;
            if page.records.is_empty() && page.next_records_url.is_some() {
                // A page without rows that promises more would never end.
                break;
            }
            rows.append(&mut page.records);
        }
        rows.truncate(cap);
    }
    Ok(RawRows { rows, total })
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
    if !soql::is_name(object) {
        return Err(Failure::refused_by_us(
            "UNSAFE_NAME",
            "an object must be letters, digits and underscores",
        ));
    }
    let fields: JsonMap = fields.iter().map(|(name, value)| (name.clone(), seen(value))).collect();
    let call = Call::new(reqwest::Method::POST, &["sobjects", object]).json(&fields);
    Ok(client.call::<CreateAnswer>(call).await?.id)
}

/// A value as an agent may read it: a caller may have said what it holds.
fn seen(value: &Value) -> Value {
    match value {
        Value::String(text) => text.chars().filter(|c| !is_unseen(*c)).collect::<String>().into(),
        other => other.clone(),
    }
}
