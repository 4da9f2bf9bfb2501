//! Transcripts as Amazon Transcribe writes them for a call recorded on two channels.
//!
//! "Amazon Transcribe Developer Guide", "Transcribing multi-channel audio" (read 2026-11-21):
//! `results.channel_labels.channels[]`, each with `items[]` of words and punctuation, their
//! numbers written as text.

use serde_json::{Value, json};
use tieline_core::ConnectorErrorKind;

use crate::{not_json, refused};

/// Seconds from a segment's first word within which words still join it.
const JOINS_WITHIN: f64 = 2.0;

/// Marks that end a segment.
const ENDS: [char; 5] = ['.', ',', '?', ':', '!'];

/// What both sides said; Amazon Connect records the customer on the first channel.
#[derive(Debug, Clone, PartialEq)]
pub struct Transcript {
    pub customer: Vec<Segment>,
    pub agent: Vec<Segment>,
}

/// Words said together; times in seconds from the start of the recording.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub start_time: f64,
    pub end_time: f64,
    pub content: String,
}

/// The end of a segment that words have joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    OfLastWord,
    /// As the reference functions leave it.
    OfFirstWord,
}

impl Transcript {
    /// # Errors
    ///
    /// [`ConnectorErrorKind::Malformed`] when `file` is no JSON,
    /// [`ConnectorErrorKind::Rejected`] when it holds no channels.
    pub fn parse(file: &[u8], end: End) -> Result<Self, ConnectorErrorKind> {
        let document: Value = serde_json::from_slice(file).map_err(not_json)?;
        let channels =
            document.pointer("/results/channel_labels/channels").and_then(Value::as_array).ok_or_else(
                || refused("NOT_A_TRANSCRIPT", "the file has no `results.channel_labels.channels`"),
            )?;
        let side = |channel: usize| {
            let items = channels.get(channel).and_then(|it| it.get("items")).and_then(Value::as_array);
            segments(items.map(Vec::as_slice).unwrap_or_default(), end)
        };
        Ok(Self { customer: side(0), agent: side(1) })
    }
}

/// One side as an attachment holds it.
pub fn segments_json(segments: &[Segment]) -> Value {
    segments
        .iter()
        .map(|it| json!({"start_time": it.start_time, "end_time": it.end_time, "content": it.content}))
        .collect()
}

fn segments(items: &[Value], end: End) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for item in items {
        let alternatives =
            item.get("alternatives").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if item.get("type").and_then(Value::as_str) == Some("punctuation") {
            let mark = alternatives.first().and_then(|it| it.get("content")).and_then(Value::as_str);
            if let (Some(mark), Some(last)) = (mark, segments.last_mut().filter(|it| !it.is_ended())) {
                last.content.push_str(mark);
            }
            continue;
        }
        let Some(word) = best(alternatives) else { continue };
        let last_end = segments.last().map_or(0.0, |last| last.end_time);
        let start_time = item.get("start_time").and_then(seconds).unwrap_or(last_end);
        let end_time = item.get("end_time").and_then(seconds).map_or(start_time, |end| end.max(start_time));
        match segments.last_mut() {
            Some(last) if start_time - last.start_time <= JOINS_WITHIN && !last.is_ended() => {
                last.content.push(' ');
                last.content.push_str(word);
                if end == End::OfLastWord {
                    last.end_time = last.end_time.max(end_time);
                }
            }
            _ => segments.push(Segment { start_time, end_time, content: word.to_owned() }),
        }
    }
    segments
}

impl Segment {
    fn is_ended(&self) -> bool {
        self.content.ends_with(ENDS)
    }
}

/// The word Transcribe is surest of; `None` when it is not sure of any.
fn best(alternatives: &[Value]) -> Option<&str> {
    let mut best = (0.0, "");
    for alternative in alternatives {
        let confidence = alternative.get("confidence").and_then(seconds).unwrap_or(0.0);
        if confidence > best.0 {
            best = (confidence, alternative.get("content").and_then(Value::as_str).unwrap_or_default());
        }
    }
    Some(best.1).filter(|word| !word.is_empty())
}

/// A number, written as text or not.
fn seconds(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
    .filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(start: &str, end: &str, content: &str) -> Value {
        json!({"type": "pronunciation", "start_time": start, "end_time": end, "alternatives": [{"content": content, "confidence": "0.99"}]})
    }

    fn mark(content: &str) -> Value {
        json!({"type": "punctuation", "alternatives": [{"content": content, "confidence": "0.0"}]})
    }

    fn side(items: &Value, end: End) -> Vec<(f64, f64, String)> {
        let file = json!({"results": {"channel_labels": {"channels": [{"items": items}]}}});
        let transcript = Transcript::parse(file.to_string().as_bytes(), end).unwrap();
        assert!(transcript.agent.is_empty());
        transcript.customer.into_iter().map(|it| (it.start_time, it.end_time, it.content)).collect()
    }

    #[test]
    fn a_segment_never_ends_before_it_begins() {
        let items = json!([word("9", "8", "Hello"), {"alternatives": [{"content": "there", "confidence": 1}], "end_time": "3"}]);
        for end in [End::OfLastWord, End::OfFirstWord] {
            assert_eq!(side(&items, end), [(9.0, 9.0, "Hello there".to_owned())]);
        }
    }

    #[test]
    fn words_join_within_two_seconds_of_the_segment_s_start() {
        let items = json!([
            word("0.5", "0.9", "Hello"),
            word("1.0", "1.4", "there"),
            mark("."),
            mark("!"),
            word("4.0", "4.4", "I"),
            word("6.0", "6.4", "need"),
            word("6.1", "6.5", "help"),
            mark("?"),
            word("6.6", "7", "now")
        ]);
        let texts = |end| side(&items, end);
        assert_eq!(
            texts(End::OfLastWord),
            [
                (0.5, 1.4, "Hello there.".into()),
                (4.0, 6.4, "I need".into()),
                (6.1, 6.5, "help?".into()),
                (6.6, 7.0, "now".into())
            ]
        );
        assert_eq!(texts(End::OfFirstWord)[0], (0.5, 0.9, "Hello there.".into()));
        assert_eq!(texts(End::OfFirstWord)[1], (4.0, 4.4, "I need".into()));
    }

    #[test]
    fn a_mark_needs_a_word_without_one() {
        assert_eq!(side(&json!([mark(","), mark(".")]), End::OfLastWord), []);
        for (marks, text) in [(",.", "a,"), (";.", "a;."), (":", "a:"), ("…?", "a…?")] {
            let mut items = vec![word("1", "2", "a")];
            items.extend(marks.chars().map(|it| mark(&it.to_string())));
            assert_eq!(side(&json!(items), End::OfLastWord)[0].2, text);
        }
    }

    #[test]
    fn the_surest_of_several_words_is_taken() {
        let item = |alternatives: Value| {
            let items = json!([{"type": "pronunciation", "start_time": "0.1", "end_time": "0.5", "alternatives": alternatives}]);
            side(&items, End::OfLastWord).into_iter().map(|it| it.2).collect::<Vec<_>>()
        };
        assert_eq!(
            item(json!([{"content": "a", "confidence": "0.6"}, {"content": "b", "confidence": "0.7"}])),
            ["b"]
        );
        assert_eq!(
            item(json!([{"content": "a", "confidence": 0.7}, {"content": "b", "confidence": "0.7"}])),
            ["a"]
        );
        for nothing in [
            json!([]),
            json!([{"content": "mumble", "confidence": "0.0"}]),
            json!([{"content": "", "confidence": "0.9"}]),
            json!([{"content": "x", "confidence": "NaN"}]),
            json!([{"content": "x"}]),
            json!("x"),
        ] {
            assert_eq!(item(nothing), [] as [&str; 0]);
        }
    }

    #[test]
    fn a_word_without_a_time_follows_the_last() {
        let items = json!([
            word("1", "1.5", "a"),
            {"type": "pronunciation", "alternatives": [{"content": "b", "confidence": "1"}]},
            {"type": "pronunciation", "start_time": "soon", "end_time": null, "alternatives": [{"content": "c", "confidence": "1"}]}
        ]);
        assert_eq!(side(&items, End::OfLastWord), [(1.0, 1.5, "a b c".into())]);
    }

    #[test]
    fn a_file_without_channels_is_refused() {
        for file in ["", "7", "{}", "{\"results\":{\"channel_labels\":{\"channels\":7}}}"] {
            assert!(Transcript::parse(file.as_bytes(), End::OfLastWord).is_err(), "{file}");
        }
        for file in [json!([]), json!([7, null]), json!([{"items": 7}, {}])] {
            let file = json!({"results": {"channel_labels": {"channels": file}}}).to_string();
            let transcript = Transcript::parse(file.as_bytes(), End::OfLastWord).unwrap();
            assert_eq!(transcript, Transcript { customer: Vec::new(), agent: Vec::new() });
        }
    }
}
