//! Who calls: one search over several objects, judged and put in order by the bridge.
//!
//! A dip costs one call for the search and one for the open cases of what was found. Only when a
//! number is found nowhere, a third looks for its last digits, which the search index does not
//! promise to find. Objects are described only where the configuration leaves something open, or
//! after the org refused a field that other orgs have.

mod objects;
mod statement;

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use tieline_bridge::dip::Found;
use tieline_bridge::dip::find::{
    CallerMatch, Closeness, FindCaller, MOST_MATCHES, Told, Wanted, judge_email, judge_name, judge_phone,
    rank,
};
use tieline_core::{JsonMap, RecordId};
use tracing::warn;

use crate::client::{Call, Client};
use crate::convert;
use crate::crm::Salesforce;
use crate::failure::Failure;
use crate::wire::{QueryPage, SearchAnswer};

use objects::Searched;
pub use objects::find_defaults;
pub(crate) use objects::{Finding, is_known};

/// Queries one composite call takes.
///
/// (REST API Developer Guide, "Composite": at most 25 subrequests, 5 of them queries. Read 2026-11-21.)
const QUERIES_AT_ONCE: usize = 5;

pub(crate) async fn find_caller(org: &Salesforce, asked: &FindCaller) -> Result<Found, Failure> {
    let (client, finding) = (&org.client, &org.finding);
    let mut searched = objects::searched(client, finding, asked).await?;
    let rows = match search(client, &searched, asked, finding).await {
        Err(Failure::Rejected { problem, .. })
            if matches!(problem.code.as_str(), "INVALID_FIELD" | "INVALID_TYPE")
                && !finding.careful.swap(true, Ordering::Relaxed) =>
        {
            searched = objects::searched(client, finding, asked).await?;
            search(client, &searched, asked, finding).await?
        }
        rows => rows?,
    };
    let mut matches: Vec<CallerMatch> =
        rows.iter().filter_map(|row| judge(row, &searched, asked, finding)).collect();
    if matches.is_empty() {
        let rows = by_last_digits(client, &searched, asked, finding).await?;
        matches = rows.iter().filter_map(|row| judge(row, &searched, asked, finding)).collect();
    }
    rank(&mut matches);
    let total = matches.len();
    matches.truncate(asked.limit.min(MOST_MATCHES));
    if asked.grants.as_ref().is_none_or(|grants| {
        ["ContactId", "AccountId", "IsClosed"].iter().all(|field| grants.field("Case", field))
    }) {
        count_open_cases(client, &mut matches).await;
    } else {
        for one in &mut matches {
            one.told.open_cases = None;
        }
    }
    Ok(Found::Callers { matches, total })
}

async fn search(
    client: &Client,
    searched: &[Searched],
    asked: &FindCaller,
    finding: &Finding,
) -> Result<Vec<JsonMap>, Failure> {
    let weak = finding.settings.weak_digits;
    let Some(text) = statement::search(searched, &asked.wanted, asked.grants.is_some(), weak)? else {
        return Ok(Vec::new());
    };
    let answer: SearchAnswer = client.call(Call::get(&["search"]).query("q", &text)).await?;
    Ok(answer.search_records)
}

/// Looks for the last digits alone, in one call of up to five queries.
async fn by_last_digits(
    client: &Client,
    searched: &[Searched],
    asked: &FindCaller,
    finding: &Finding,
) -> Result<Vec<JsonMap>, Failure> {
    let Wanted::Phone(wanted) = &asked.wanted else { return Ok(Vec::new()) };
    let Some(digits) = statement::last_digits(wanted, finding.settings.weak_digits) else {
        return Ok(Vec::new());
    };
    let having = searched.iter().filter(|object| !object.phones.is_empty());
    let queries: Vec<String> = having.map(|object| statement::ending_in(object, &digits)).collect();
    let mut rows = Vec::new();
    for some in queries.chunks(QUERIES_AT_ONCE) {
        rows.extend(queries_at_once(client, some).await?);
    }
    Ok(rows)
}

/// Rows of several queries in one call; one that the org refuses brings none.
async fn queries_at_once(client: &Client, queries: &[String]) -> Result<Vec<JsonMap>, Failure> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        composite_response: Vec<Part>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Part {
        body: Value,
        http_status_code: u16,
    }
    let requests: Vec<Value> = queries
        .iter()
        .enumerate()
        .map(|(i, text)| {
            let url = client.address_of(&["query"], &[("q", text)])?;
            Ok(json!({"method": "GET", "url": url, "referenceId": format!("q{i}")}))
        })
        .collect::<Result<_, Failure>>()?;
    let body = json!({"allOrNone": false, "compositeRequest": requests});
    let call = Call::new(reqwest::Method::POST, &["composite"]).json(&body);
    let answer: Answer = client.call(call).await?;
    let mut rows = Vec::new();
    for part in answer.composite_response {
        if part.http_status_code == 200 {
            let page: QueryPage =
                serde_json::from_value(part.body).map_err(|error| Failure::malformed(200, error))?;
            rows.extend(page.records);
        } else {
            warn!(status = part.http_status_code, "A query for the last digits of a number was refused");
        }
    }
    Ok(rows)
}

/// One found row as a match, when it is one.
fn judge(row: &JsonMap, searched: &[Searched], asked: &FindCaller, finding: &Finding) -> Option<CallerMatch> {
    let object = convert::object_of(row)?;
    let object = searched.iter().find(|one| one.object.eq_ignore_ascii_case(object))?;
    if row.get("IsConverted").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    let name = object.name.as_deref().and_then(|field| convert::text(row, field));
    let (closeness, reason) = match &asked.wanted {
        Wanted::Phone(wanted) => {
            let weak = finding.settings.weak_digits;
            let judged = object.phones.iter().filter_map(|phone| {
                let stored = convert::text(row, &phone.field)?;
                Some((judge_phone(stored, wanted, asked.region.as_deref(), weak)?, phone.label))
            });
            // The first of the fields that are equally close.
            let (closeness, label) = judged.min_by_key(|(closeness, _)| *closeness)?;
            let reason = match closeness {
                Closeness::Exact => format!("exact {label}"),
                Closeness::Close => "national number".to_owned(),
                Closeness::Weak | Closeness::Distant => format!("weak: last {weak} digits"),
            };
            (closeness, reason)
        }
        Wanted::Email(wanted) => {
            let stored = object.emails.iter().filter_map(|field| convert::text(row, field));
            (stored.filter_map(|stored| judge_email(stored, wanted)).min()?, "exact email".to_owned())
        }
        Wanted::Text(wanted) => {
            let closeness = judge_name(name.unwrap_or_default(), wanted);
            // Of a record whose fields are not all granted, only the name may be what was found.
            if closeness > Closeness::Close && !object.all_fields {
                return None;
            }
            let reason = match closeness {
                Closeness::Exact => "exact name",
                Closeness::Close => "name",
                Closeness::Weak | Closeness::Distant => "text",
            };
            (closeness, reason.to_owned())
        }
        Wanted::Endpoint | Wanted::Nobody => return None,
    };
    let contacted =
        object.last_contact.as_deref().and_then(|field| convert::text(row, field)).and_then(moment);
    let open_cases = match object.object.as_str() {
        "Case" => row.get("IsClosed").and_then(Value::as_bool).map(|closed| usize::from(!closed)),
        // Nothing in a CRM links a case to a lead.
        "Lead" => Some(0),
        _ => None,
    };
    Some(CallerMatch {
        record: RecordId::new(convert::text(row, "Id")?).ok()?,
        object: object.object.clone(),
        place: object.place,
        closeness,
        reason,
        last_contact: contacted,
        told: Told {
            id: object.tells_id,
            name: name.map(str::to_owned),
            last_contact: object.tells_last_contact,
            open_cases,
        },
    })
}

/// A day as its first moment, or a time.
fn moment(text: &str) -> Option<Timestamp> {
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    if text.len() == 10 { day().map(|day| day.timestamp()) } else { convert::time(text) }
}

/// Counts the open cases of people and companies in one query. What is known of the caller is
/// worth answering without it, so a failure leaves the counts out.
async fn count_open_cases(client: &Client, matches: &mut [CallerMatch]) {
    let Some(text) = statement::open_cases(matches) else { return };
    let counted = client.call::<QueryPage>(Call::get(&["query"]).query("q", &text)).await;
    let rows = match counted {
        Ok(page) => page.records,
        Err(failure) => {
            warn!(error = %failure.during("find_caller"), "The open cases of a caller could not be counted");
            return;
        }
    };
    let mut open: HashMap<&str, u64> = HashMap::new();
    for row in &rows {
        let count = row.get("total").and_then(Value::as_u64).unwrap_or(0);
        for field in ["ContactId", "AccountId"] {
            if let Some(id) = convert::text(row, field) {
                *open.entry(id).or_default() += count;
            }
        }
    }
    for one in matches.iter_mut().filter(|one| matches!(one.object.as_str(), "Contact" | "Account")) {
        let count = open.get(one.record.as_str()).copied().unwrap_or(0);
        one.told.open_cases = usize::try_from(count).ok();
    }
}
