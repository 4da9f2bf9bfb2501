//! Everything that can be wrong with a document, found in one go.
//!
//! The order of the report is the order of the document. A problem that only follows from another
//! one (the inputs of a step that does not exist) is not reported.

mod graph;
mod steps;

use serde_json::Value;

use crate::document::join;
use crate::events::{self, SourceSpec};
use crate::flow::CompiledStep;
use crate::{Decoded, Document, Problem};

use graph::Graph;

/// Most steps of a document. The largest published flow has nine.
pub(crate) const STEPS: usize = 500;

/// After so many problems no more names are guessed: comparing each with all would take a hostile
/// document seconds.
const GUESSES: usize = 100;

/// All that keeps the document from being published.
pub fn check(document: &Document) -> Vec<Problem> {
    analyse(document).problems
}

/// All that is wrong with a text that should be a document: its form and, as far as it can be
/// read, its meaning.
pub fn check_json(bytes: &[u8]) -> Vec<Problem> {
    let decoded = Decoded::from_json(bytes);
    let mut problems = decoded.problems;
    if decoded.is_object {
        // A member of the wrong type was reported; that it is then missing is no news.
        let known: Vec<String> = problems.iter().map(|problem| problem.place.clone()).collect();
        problems.extend(
            check(&decoded.document)
                .into_iter()
                .filter(|problem| !known.iter().any(|place| !place.is_empty() && place == &problem.place)),
        );
    }
    problems
}

pub(crate) struct Analysis {
    pub problems: Vec<Problem>,
    /// The steps that could be compiled; all of them when there are no problems.
    pub steps: Vec<CompiledStep>,
    pub start: Option<usize>,
}

pub(crate) fn analyse(document: &Document) -> Analysis {
    let mut problems = Vec::new();
    names(document, &mut problems);
    unknown_members(document, &mut problems);
    trigger(document, &mut problems);
    if document.steps.is_empty() {
        problems.push(Problem::new("steps.none", "steps", "a flow needs at least one step"));
        return Analysis { problems, steps: Vec::new(), start: None };
    }
    if document.steps.len() > STEPS {
        let count = document.steps.len();
        problems.push(Problem::new(
            "steps.too_many",
            "steps",
            format!("a flow has at most {STEPS} steps, this one has {count}"),
        ));
        return Analysis { problems, steps: Vec::new(), start: None };
    }
    let start = start(document, &mut problems);
    let graph = Graph::new(document, start);
    let mut compiled = Vec::new();
    for (id, step) in &document.steps {
        compiled.extend(steps::check(document, &graph, id, step, &mut problems));
    }
    Analysis { problems, steps: compiled, start }
}

fn names(document: &Document, problems: &mut Vec<Problem>) {
    let id = &document.id;
    let well_formed = (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    if !well_formed {
        problems.push(Problem::new(
            "document.id",
            "id",
            "must be 1 to 64 small letters, digits, `-` and `_`, for example `pop-the-caller`",
        ));
    }
    if document.name.trim().is_empty() || document.name.chars().count() > 200 {
        problems.push(Problem::new("document.name", "name", "must be 1 to 200 characters"));
    }
}

fn unknown_members(document: &Document, problems: &mut Vec<Problem>) {
    let known =
        ["tieline_flow", "id", "name", "description", "on", "order", "start", "steps", "canvas", "origin"];
    report_unknown(&document.extra, "", &known, problems);
    if let Some(on) = &document.on {
        report_unknown(&on.extra, "on", &["source", "event"], problems);
    }
}

/// Members nobody reads are mostly typing errors, so they are never passed over in silence.
fn report_unknown(extra: &tieline_core::JsonMap, place: &str, known: &[&str], problems: &mut Vec<Problem>) {
    for name in extra.keys() {
        let message = format!("is not known here{}", hint(problems, name, known.iter().copied()));
        problems.push(Problem::new("member.unknown", join(place, name), message));
    }
}

fn trigger(document: &Document, problems: &mut Vec<Problem>) {
    let Some(on) = &document.on else {
        problems.push(Problem::new(
            "on.missing",
            "on",
            "choose when it runs, for example {\"source\": \"voice_contact\", \"event\": \"connecting\"}",
        ));
        return;
    };
    let Some(source) = events::source(&on.source) else {
        let names = events::sources().iter().map(|source| source.name);
        let hint = match suggestion(&on.source, names.clone()) {
            hint if hint.is_empty() => format!("; there are {}", list(names)),
            hint => hint,
        };
        problems.push(Problem::new(
            "on.source",
            "on.source",
            format!("there is no source `{}`{hint}", crate::value::cut(&on.source)),
        ));
        return;
    };
    match (&on.event, source.events.is_empty()) {
        (None, true) => {}
        (None, false) => problems.push(Problem::new(
            "on.event",
            "on.event",
            format!("choose an event of `{}`: {}", source.name, event_names(source)),
        )),
        (Some(_), true) => problems.push(Problem::new(
            "on.event",
            "on.event",
            format!("`{}` has no events; leave it out", source.name),
        )),
        (Some(event), false) if source.events.iter().any(|known| known.name == event) => {}
        (Some(event), false) => problems.push(Problem::new(
            "on.event",
            "on.event",
            format!(
                "`{}` has no event `{}`; it has {}",
                source.name,
                crate::value::cut(event),
                event_names(source)
            ),
        )),
    }
}

fn event_names(source: &SourceSpec) -> String {
    list(source.events.iter().map(|event| event.name))
}

fn start(document: &Document, problems: &mut Vec<Problem>) -> Option<usize> {
    let Some(start) = &document.start else {
        problems.push(Problem::new("start.missing", "start", "name the step that comes first"));
        return None;
    };
    let index = document.steps.get_index_of(start);
    if index.is_none() {
        let hint = suggestion(start, document.steps.keys().map(String::as_str));
        problems.push(Problem::new(
            "start.dangling",
            "start",
            format!("there is no step `{}`{hint}", crate::value::cut(start)),
        ));
    }
    index
}

/// `a, b, c`, each in backquotes.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// As [`suggestion`], unless too much is wrong already.
fn hint<'a>(problems: &[Problem], written: &str, known: impl Iterator<Item = &'a str>) -> String {
    if problems.len() < GUESSES { suggestion(written, known) } else { String::new() }
}

/// `; did you mean …` when one of `known` is nearly `written`, else nothing.
fn suggestion<'a>(written: &str, known: impl Iterator<Item = &'a str>) -> String {
    let written = written.chars().take(64).collect::<String>().to_lowercase();
    let allowed = written.len() / 4 + 1;
    known
        .map(|name| (distance(&written, &name.to_lowercase()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| format!("; did you mean `{name}`?"))
        .unwrap_or_default()
}

/// How many characters must be changed, added or removed to make `b` of `a`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let changed = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

/// Whether `value` counts as not written.
fn is_absent(value: Option<&Value>) -> bool {
    value.is_none_or(Value::is_null)
}
