use serde_json::Value;
use tieline_amazon_connect::{Analysis, End, Roles, Transcript, segments_json};

use crate::field_map::mapped;
use crate::input::says_nothing_of;

/// What an analysis says is said again when it is read again; its facts have the types the maps count
/// on, and become a row.
pub fn contact_lens(data: &[u8]) {
    let analysis = match Analysis::parse(data) {
        Ok(analysis) => analysis,
        Err(error) => {
            let document = serde_json::from_slice(data).unwrap_or(Value::Null);
            return says_nothing_of(&document, &error.to_string(), |document| {
                let parsed = Analysis::parse(document.to_string().as_bytes());
                parsed.err().iter().map(ToString::to_string).collect()
            });
        }
    };
    assert!(!analysis.contact_id().is_empty());
    let facts = analysis.facts();
    let again = Analysis::parse(analysis.document().to_string().as_bytes()).expect("an analysis, as before");
    assert_eq!(again.facts(), facts);

    for (name, value) in &facts {
        let as_told = match name.as_str() {
            "fullText" | "matchedCategories" => value.is_string(),
            "sentimentCurve" => matches!(value.as_str(), Some("S" | "Z" | "Other")),
            "agentInterruptions" | "customerInterruptions" | "matchedDetails" => !value.is_null(),
            "customerSentiment" | "agentSentiment" | "interruptions" | "nonTalkTime" | "talkTime"
            | "talkTimeCustomer" | "talkTimeAgent" | "talkSpeedCustomer" | "talkSpeedAgent" => {
                value.is_number()
            }
            _ => false,
        };
        assert!(as_told, "{name}: {value}");
    }
    let said = analysis.utterances(Roles::Everybody);
    assert_eq!(analysis.utterances(Roles::Named).len(), said.len());
    let texts: Vec<&str> = said.iter().map(|turn| turn["content"].as_str().expect("a text")).collect();
    assert_eq!(facts["fullText"], texts.join(" "));
    assert!(said.iter().all(|turn| turn["participantRole"].is_string()));
    mapped("analytics", &Value::Object(facts));
}

/// Segments have words and times; how their end is told changes neither words nor starts.
pub fn transcript(data: &[u8]) {
    let transcript = match Transcript::parse(data, End::OfLastWord) {
        Ok(transcript) => transcript,
        Err(error) => {
            let document = serde_json::from_slice(data).unwrap_or(Value::Null);
            return says_nothing_of(&document, &error.to_string(), |document| {
                let parsed = Transcript::parse(document.to_string().as_bytes(), End::OfLastWord);
                parsed.err().iter().map(ToString::to_string).collect()
            });
        }
    };
    let other = Transcript::parse(data, End::OfFirstWord).expect("a transcript, as before");
    let starts_are_told = starts_are_told(data);
    for (segments, others) in [(&transcript.customer, &other.customer), (&transcript.agent, &other.agent)] {
        for segment in segments.iter().chain(others) {
            assert!(!segment.content.is_empty());
            assert!(segment.start_time.is_finite() && segment.end_time.is_finite());
            assert!(segment.start_time <= segment.end_time, "{segment:?}");
        }
        if starts_are_told {
            assert_eq!(segments.len(), others.len());
        }
        for (segment, other) in segments.iter().zip(others).filter(|_| starts_are_told) {
            assert_eq!((segment.start_time, &segment.content), (other.start_time, &other.content));
            assert!(segment.end_time >= other.end_time, "{segment:?} {other:?}");
        }
        let written = segments_json(segments);
        let read: Value = serde_json::from_str(&written.to_string()).expect("JSON");
        assert_eq!(read, written);
        assert_eq!(written.as_array().map(Vec::len), Some(segments.len()));
    }
}

/// Whether every word says when it begins; one that does not begins where the words before it end, and
/// that depends on how ends are told.
fn starts_are_told(data: &[u8]) -> bool {
    let document: Value = serde_json::from_slice(data).unwrap_or(Value::Null);
    let channels = document.pointer("/results/channel_labels/channels").and_then(Value::as_array);
    let mut items =
        channels.into_iter().flatten().filter_map(|channel| channel["items"].as_array()).flatten();
    items.all(|item| {
        let start = match &item["start_time"] {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_f64(),
        };
        item["type"] == "punctuation" || start.is_some_and(f64::is_finite)
    })
}
