//! What a run leaves behind: rows in the store, and what the panel shows of the last one.

use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_core::JsonMap;
use tieline_flow::{Ended, TraceStep};
use tieline_store::RunState;

use crate::protocol::{MAX_FRAME_BYTES, PanelDoc, PanelStep, PanelTrace};

/// How much personal data is kept in stored traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redaction {
    /// Texts are replaced by their length; ids, words of our own and small numbers stay.
    #[default]
    Masked,
    /// Everything as it was.
    Kept,
}

/// What [`crate::agents::desk`] stops runs with.
const TIMED_OUT: &str = "run.timed_out";
const INTERRUPTED: &str = "run.interrupted";

pub(super) fn event_name(source: &str, event: &str) -> String {
    if event.is_empty() { source.to_owned() } else { format!("{source}.{event}") }
}

/// The state a run ends in, and why in words without personal data.
pub(super) fn outcome(ended: &Ended) -> (RunState, Option<String>) {
    match ended {
        Ended::Completed => (RunState::Completed, None),
        Ended::Failed { step, code, .. } => (RunState::Failed, Some(format!("{step}: {code}"))),
        Ended::StepLimit => (RunState::Failed, Some("run.too_many_steps".to_owned())),
        Ended::Stopped { code, .. } if code == TIMED_OUT => (RunState::TimedOut, Some(code.clone())),
        Ended::Stopped { code, .. } if code == INTERRUPTED => (RunState::Interrupted, None),
        Ended::Stopped { code, .. } => (RunState::Failed, Some(code.clone())),
    }
}

/// The steps as they are stored, one JSON text each.
pub(super) fn stored(steps: &[TraceStep], redaction: Redaction) -> Vec<String> {
    steps
        .iter()
        .map(|step| {
            let mut value = json!(step);
            if redaction == Redaction::Masked {
                for member in ["inputs", "outputs"] {
                    if let Some(member) = value.get_mut(member) {
                        mask(member);
                    }
                }
                // What went wrong may quote what it went wrong with; the code says enough.
                if let Some(Value::Object(error)) = value.get_mut("error") {
                    error.remove("detail");
                }
                if let Value::Object(value) = &mut value {
                    value.remove("notes");
                }
            }
            value.to_string()
        })
        .collect()
}

/// What the agent sees of a run.
pub(super) fn shown(
    flow: &str,
    event: String,
    state: RunState,
    began: Timestamp,
    ended: Timestamp,
    steps: &[TraceStep],
) -> PanelTrace {
    PanelTrace {
        flow: flow.to_owned(),
        event,
        ended: state.as_str().to_owned(),
        ms: millis(began, ended),
        steps: steps
            .iter()
            .map(|step| PanelStep {
                step: step.step.clone(),
                use_: step.use_.clone(),
                title: step.title.clone(),
                branch: step.branch.map(|branch| branch.as_str().to_owned()),
                ms: millis(step.started, step.ended.unwrap_or(ended)),
                inputs: step.inputs.clone(),
                outputs: step.outputs.clone(),
                error: step.error.as_ref().map(|error| format!("{}: {}", error.code, error.detail)),
            })
            .collect(),
    }
}

/// Makes a document fit into a frame: long texts are cut first, then the details of steps go, then attributes.
pub(super) fn fit(mut doc: PanelDoc) -> PanelDoc {
    // Room for the other members of the frame.
    let limit = MAX_FRAME_BYTES - 2048;
    if size(&doc) <= limit {
        return doc;
    }
    let cut = |map: &mut JsonMap| map.values_mut().for_each(|value| shorten(value, 200));
    for step in doc.trace.iter_mut().flat_map(|trace| &mut trace.steps) {
        cut(&mut step.inputs);
        cut(&mut step.outputs);
    }
    if size(&doc) > limit {
        for step in doc.trace.iter_mut().flat_map(|trace| &mut trace.steps) {
            step.inputs.clear();
            step.outputs.clear();
        }
    }
    while size(&doc) > limit && doc.attributes.pop().is_some() {}
    while size(&doc) > limit && doc.trace.as_mut().is_some_and(|trace| trace.steps.pop().is_some()) {}
    doc
}

fn size(doc: &PanelDoc) -> usize {
    serde_json::to_string(doc).map_or(usize::MAX, |text| text.len())
}

fn shorten(value: &mut Value, most: usize) {
    match value {
        Value::String(text) if text.chars().count() > most => {
            let cut: String = text.chars().take(most).chain(std::iter::once('…')).collect();
            *text = cut;
        }
        Value::Array(items) => {
            items.truncate(20);
            for item in items {
                shorten(item, most);
            }
        }
        Value::Object(map) => map.values_mut().for_each(|value| shorten(value, most)),
        _ => {}
    }
}

fn millis(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.as_millisecond() - from.as_millisecond()).unwrap_or(0)
}

fn mask(value: &mut Value) {
    match value {
        Value::String(text) => {
            if !is_harmless(text) {
                *text = format!("‹{} characters›", text.chars().count());
            }
        }
        Value::Number(number) => {
            // Phone numbers arrive as numbers, too.
            if number.as_f64().is_none_or(|number| number.abs() >= 100_000.0) {
                *value = Value::String("‹number›".to_owned());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(map) => map.values_mut().for_each(mask),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Nothing, a word of our own (`inbound`), or an id.
fn is_harmless(text: &str) -> bool {
    let word = text.len() <= 20 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let id = matches!(text.len(), 15 | 18 | 36)
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic());
    word || id
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::PanelAttribute;

    #[test]
    fn masked_traces_keep_ids_and_words_but_no_names_or_numbers() {
        let mut value = json!({
            "search": "+12025550143", "call_type": "inbound", "count": 1, "id": "003000000000001AAA",
            "results": [{"name": "Anna O'Neil", "type": "Contact"}], "digits": 12_025_550_143_i64,
            "contact": "6f9b1e0a-1111-4222-8333-444455556666", "empty": "", "ok": true,
        });
        mask(&mut value);
        assert_eq!(
            value,
            json!({
                "search": "‹12 characters›", "call_type": "inbound", "count": 1, "id": "003000000000001AAA",
                "results": [{"name": "‹11 characters›", "type": "‹7 characters›"}], "digits": "‹number›",
                "contact": "6f9b1e0a-1111-4222-8333-444455556666", "empty": "", "ok": true,
            })
        );
    }

    #[test]
    fn a_panel_document_always_fits_into_a_frame() {
        let long = "x".repeat(40_000);
        let step = |n: usize| PanelStep {
            step: format!("s{n}"),
            use_: "log".into(),
            title: None,
            branch: None,
            ms: 0,
            inputs: [("message".to_owned(), Value::from(long.clone()))].into_iter().collect(),
            outputs: JsonMap::new(),
            error: None,
        };
        let doc = PanelDoc {
            attributes: (0..40)
                .map(|n| PanelAttribute { name: format!("a{n}"), value: "y".repeat(5_000) })
                .collect(),
            trace: Some(PanelTrace {
                flow: "f".into(),
                event: "e".into(),
                ended: "completed".into(),
                ms: 1,
                steps: (0..200).map(step).collect(),
            }),
            notices: Vec::new(),
        };
        let fitted = fit(doc);
        assert!(size(&fitted) <= MAX_FRAME_BYTES - 2048);
        assert!(!fitted.attributes.is_empty());
        assert_eq!(fitted.trace.unwrap().steps.len(), 200);
    }
}
