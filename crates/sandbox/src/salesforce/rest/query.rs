//! `query`, `queryAll`, and the pages behind them.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use super::{Answer, Api, Failures, Outcome, Request};
use crate::salesforce::ids;
use crate::salesforce::records::Failure;
use crate::salesforce::soql;

/// (Salesforce, REST API Developer Guide, "Query Options Header": 200 to 2,000.)
const BATCH: std::ops::RangeInclusive<usize> = 200..=2_000;

/// Answers whose later pages may still be asked for.
///
/// The rows are those of the moment of the query, as with Salesforce's locators; the oldest
/// locator is forgotten when there are many.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    next: u64,
    kept: VecDeque<Cursor>,
}

#[derive(Debug)]
struct Cursor {
    id: String,
    size: usize,
    records: Vec<Value>,
}

impl Cursors {
    const MOST: usize = 50;

    fn keep(&mut self, records: Vec<Value>, size: usize) -> &Cursor {
        self.next += 1;
        if self.kept.len() == Self::MOST {
            self.kept.pop_front();
        }
        self.kept.push_back(Cursor { id: ids::nth("01g", self.next), size, records });
        &self.kept[self.kept.len() - 1]
    }
}

pub(super) fn query(api: &mut Api<'_>, request: &Request, deleted: bool) -> Outcome {
    let text = request.needed("q")?;
    let parsed = soql::parse(text)?;
    let compiled = soql::compile(context(api, text, deleted), &parsed)?;
    let (total, records) = soql::read_rows(&api.storage.conn, &compiled, &request.base())?;
    let size = request.batch_size.map_or(api.page_size, |size| size.clamp(*BATCH.start(), *BATCH.end()));
    if records.len() <= size {
        return Ok(Answer::ok(json!({"totalSize": total, "done": true, "records": records})));
    }
    let cursor = api.cursors.keep(records, size);
    Ok(Answer::ok(page(cursor, 0, &request.base())))
}

/// `locator` is `<id>-<first row>`.
pub(super) fn next_page(api: &mut Api<'_>, request: &Request, locator: &str) -> Outcome {
    let wrong = || Failures::from(Failure::bad("INVALID_QUERY_LOCATOR", "invalid query locator"));
    let (id, first) = locator.rsplit_once('-').ok_or_else(wrong)?;
    let first: usize = first.parse().map_err(|_| wrong())?;
    let cursor = api.cursors.kept.iter().find(|cursor| cursor.id == id).ok_or_else(wrong)?;
    if first >= cursor.records.len() {
        return Err(wrong());
    }
    Ok(Answer::ok(page(cursor, first, &request.base())))
}

fn page(cursor: &Cursor, first: usize, base: &str) -> Value {
    let total = cursor.records.len();
    let end = (first + cursor.size).min(total);
    let mut page = Map::new();
    page.insert("totalSize".into(), total.into());
    page.insert("done".into(), (end == total).into());
    if end < total {
        page.insert("nextRecordsUrl".into(), format!("{base}/query/{}-{end}", cursor.id).into());
    }
    page.insert("records".into(), cursor.records[first..end].to_vec().into());
    Value::Object(page)
}

pub(super) fn context<'a>(api: &'a Api<'_>, source: &'a str, deleted: bool) -> soql::Context<'a> {
    let today = api.actor.now.to_zoned(jiff::tz::TimeZone::UTC).date();
    soql::Context { schema: api.schema, source, today, deleted }
}
