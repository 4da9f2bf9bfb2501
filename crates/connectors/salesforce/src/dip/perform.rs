//! An operation against the org, and its failure in all of the org's words.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tieline_bridge::dip::{DipCode, DipError, Found, Operation, Search, Which};
use tieline_core::Paging;

use crate::chatter::{self, Segment};
use crate::crm::Salesforce;
use crate::failure::Failure;
use crate::{convert, find, rows, search, soql};

/// Rows a query answers at most; more never fit what a contact flow takes.
const MAX_ROWS: usize = 2_000;

impl Salesforce {
    pub(super) async fn found(&self, operation: &Operation) -> Result<Found, Failure> {
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
pub(super) fn told(failure: Failure) -> DipError {
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
