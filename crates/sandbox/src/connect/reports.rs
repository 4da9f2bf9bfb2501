//! Historical reports: the CSV a schedule of the instance would write, on request.
//!
//! One row per agent or queue and half hour, the newest half hours first, counted from the calls of
//! this world; half hours without a call are zero. The file lands in the instance's bucket
//! (`storage`), and the answer holds the notification the bucket would send (`bucket`).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::call::{Call, Ending};
use super::center::Center;
use super::event::seconds;

const HALF_HOUR: i64 = 1800;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum About {
    Agent,
    Queue,
}

/// A report to write.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteReport {
    pub kind: About,
    /// At most 50,000; those of the last half hour when absent.
    pub rows: Option<usize>,
    /// A name for the file instead of the schedule's; blanks and signs are welcome.
    pub name: Option<String>,
    /// As spreadsheets save it: with a byte-order mark and `\r\n`.
    #[serde(default)]
    pub from_spreadsheet: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ReportWritten {
    pub bucket: String,
    pub key: String,
    pub rows: usize,
    /// What the bucket tells a function.
    pub event: Value,
}

pub const MOST_ROWS: usize = 50_000;

/// The report's key and text.
pub fn report(center: &Center, ask: &WriteReport, now: Timestamp) -> (String, String, usize) {
    let names: Vec<&str> = match ask.kind {
        About::Agent => center.agents.keys().map(String::as_str).collect(),
        About::Queue => center.instance.queues.iter().map(|queue| queue.name.as_str()).collect(),
    };
    let rows = ask.rows.unwrap_or(names.len());
    let newest = now.as_second().div_euclid(HALF_HOUR) * HALF_HOUR;
    let mut lines = vec![header(ask.kind)];
    for row in 0..rows {
        let back = i64::try_from(row / names.len()).unwrap_or(0) * HALF_HOUR;
        let begin = Timestamp::from_second(newest - back).unwrap_or(Timestamp::UNIX_EPOCH);
        let name = names[row % names.len()];
        let values = match ask.kind {
            About::Agent => agent(center, name, begin),
            About::Queue => queue(center, name, begin),
        };
        let end = begin.saturating_add(SignedDuration::from_secs(HALF_HOUR)).unwrap_or(begin);
        lines.push(format!("{},{},{},{values}", quoted(name), seconds(begin), seconds(end)));
    }
    let (mark, end) = if ask.from_spreadsheet { ("\u{FEFF}", "\r\n") } else { ("", "\n") };
    let kind = if ask.kind == About::Agent { "Agent" } else { "Queue" };
    let name = ask.name.clone().unwrap_or_else(|| format!("{kind} interval-{}.csv", seconds(now)));
    let key = format!("connect/{}/Reports/{name}", center.instance.alias);
    (key, format!("{mark}{}{end}", lines.join(end)), rows)
}

/// Every value is quoted that has to be, and no other.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

fn header(kind: About) -> String {
    let columns: &[&str] = match kind {
        About::Agent => &[
            "Agent",
            "StartInterval",
            "EndInterval",
            "Contacts handled",
            "Contacts handled (connected to agent timestamp)",
            "Agent interaction time",
            "Customer hold time",
            "After contact work time",
            "Average agent interaction and customer hold time",
            "Contacts put on hold",
            "Agent non-response",
            "Occupancy",
        ],
        About::Queue => &[
            "Queue",
            "StartInterval",
            "EndInterval",
            "Contacts queued",
            "Contacts handled",
            "Contacts abandoned",
            "Average queue answer time",
            "Maximum queued time",
            "After contact work time",
            "Service level 60 seconds",
        ],
    };
    columns.join(",")
}

fn during(at: Option<Timestamp>, begin: Timestamp) -> bool {
    at.is_some_and(|at| (0..HALF_HOUR).contains(&at.duration_since(begin).as_secs()))
}

fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> i64 {
    match (from, to) {
        (Some(from), Some(to)) => to.duration_since(from).as_secs().max(0),
        _ => 0,
    }
}

fn sum(calls: &[&Call], of: impl Fn(&Call) -> i64) -> i64 {
    calls.iter().map(|call| of(call)).sum()
}

/// `85.50%`; a report leaves the cell empty where there is nothing to divide by.
#[expect(clippy::cast_precision_loss, reason = "seconds of half an hour")]
fn percent(part: i64, whole: i64) -> String {
    if whole == 0 { String::new() } else { format!("{:.2}%", part as f64 * 100.0 / whole as f64) }
}

fn mean(total: i64, count: usize) -> String {
    i64::try_from(count)
        .ok()
        .and_then(|count| total.checked_div(count))
        .map_or_else(String::new, |mean| mean.to_string())
}

fn agent(center: &Center, login: &str, begin: Timestamp) -> String {
    let calls: Vec<&Call> = center
        .calls
        .values()
        .filter(|call| call.agent.as_deref() == Some(login) && during(call.joined, begin))
        .collect();
    let interaction = sum(&calls, |call| between(call.joined, call.ended) - call.holds.total_ms / 1000);
    let held = sum(&calls, |call| call.holds.total_ms / 1000);
    let wrapping = sum(&calls, |call| between(call.wrap_up.0, call.wrap_up.1));
    let put_on_hold = calls.iter().filter(|call| call.holds.count > 0).count();
    format!(
        "{0},{0},{interaction},{held},{wrapping},{1},{put_on_hold},0,{2}",
        calls.len(),
        mean(interaction + held, calls.len()),
        percent((interaction + held + wrapping).min(HALF_HOUR), HALF_HOUR),
    )
}

fn queue(center: &Center, name: &str, begin: Timestamp) -> String {
    let calls: Vec<&Call> = center
        .calls
        .values()
        .filter(|call| {
            call.queue.as_ref().is_some_and(|queue| queue.name == name) && during(call.queued, begin)
        })
        .collect();
    let handled: Vec<&Call> = calls.iter().copied().filter(|call| call.joined.is_some()).collect();
    let abandoned =
        calls.iter().filter(|call| call.joined.is_none() && call.ending == Some(Ending::Customer)).count();
    let waited = |call: &Call| between(call.queued, call.dequeued.or(call.ended));
    let soon = handled.iter().filter(|call| waited(call) <= 60).count();
    format!(
        "{},{},{abandoned},{},{},{},{}",
        calls.len(),
        handled.len(),
        mean(sum(&handled, waited), handled.len()),
        calls.iter().map(|call| waited(call)).max().unwrap_or(0),
        sum(&handled, |call| between(call.wrap_up.0, call.wrap_up.1)),
        percent(i64::try_from(soon).unwrap_or(0), i64::try_from(calls.len()).unwrap_or(0)),
    )
}
