//! The analysis of a chat.
//!
//! Written from Amazon Connect Administrator Guide, "Example Contact Lens output files for a chat"
//! (read 2026-11-21).

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::analyses::About;
use super::redaction::Redacted;
use super::said::{Line, Who, by_role};
use super::tone::{self, Tone};
use crate::connect::event::milliseconds;

pub fn analysis(about: &About<'_>, lines: &[Line]) -> Value {
    let participants = Who::BOTH.map(|who| {
        json!({"ParticipantId": about.participant(who), "ParticipantRole": who.role(), "DisplayName": name(about, who)})
    });
    let transcript: Vec<Value> =
        lines.iter().enumerate().map(|(place, line)| message(about, place, line)).collect();
    let groups: Vec<Value> = lines
        .iter()
        .enumerate()
        .map(|(place, line)| {
            json!({
                "ParticipantRole": line.who.role(),
                "ProgressiveScore": tone::score(std::iter::once(line.text.as_str())),
                "Sentiment": Tone::of(&line.text).word(),
                "TranscriptItems": [{"Id": about.turn_id(place)}],
            })
        })
        .collect();
    json!({
        "Version": "CHAT-2022-11-30",
        "AccountId": about.instance.account,
        "Channel": "CHAT",
        "ChatTranscriptVersion": "2019-08-26",
        "ContentMetadata": about.content(),
        "JobStatus": "COMPLETED",
        "LanguageCode": "en-US",
        "Participants": participants,
        "Categories": categories(about, lines),
        "ConversationCharacteristics": {
            "ContactSummary": {"SummaryItemsDetected": []},
            "ResponseTime": response_time(lines),
            "Sentiment": {
                "DetailsByTranscriptItemGroup": groups,
                "OverallSentiment": {"DetailsByParticipantRole": by_role(lines, |own| {
                    tone::score(own.iter().map(|line| line.text.as_str())).into()
                })},
                "SentimentShift": {"DetailsByParticipantRole": by_role(lines, |own| {
                    let at = |line: Option<&&Line>| tone::score(line.iter().map(|line| line.text.as_str()));
                    json!({"BeginScore": at(own.first()), "EndScore": at(own.last())})
                })},
            },
        },
        "CustomerMetadata": about.metadata(),
        "Transcript": transcript,
    })
}

fn name(about: &About<'_>, who: Who) -> &'static str {
    match who {
        _ if about.redacted => "[PII]",
        Who::Customer => "Customer",
        Who::Agent => "Agent",
    }
}

fn message(about: &About<'_>, place: usize, line: &Line) -> Value {
    let redacted = about.redacted.then(|| Redacted::of(&line.text));
    let after = Duration::from_millis(u64::try_from(line.begin).unwrap_or(0));
    let mut message = json!({
        "AbsoluteTime": milliseconds(about.began + after),
        "Content": redacted.as_ref().map_or(&line.text, |redacted| &redacted.text),
        "ContentType": "text/plain",
        "DisplayName": name(about, line.who),
        "Id": about.turn_id(place),
        "ParticipantId": about.participant(line.who),
        "ParticipantRole": line.who.role(),
        "Sentiment": Tone::of(&line.text).word(),
        "Type": "MESSAGE",
    });
    if let Some(redacted) = redacted.filter(|redacted| !redacted.places.is_empty()) {
        let hidden: Vec<Value> = redacted
            .places
            .iter()
            .map(|place| json!({"BeginOffsetChar": place.after.start, "EndOffsetChar": place.after.end}))
            .collect();
        message["Redaction"] = json!({"CharacterOffsets": hidden});
    }
    message
}

/// How long each side lets the other wait.
fn response_time(lines: &[Line]) -> Value {
    let mut roles = Map::new();
    for who in Who::BOTH {
        let waits: Vec<i64> = lines
            .windows(2)
            .filter(|pair| pair[1].who == who && pair[0].who != who)
            .map(|pair| pair[1].begin - pair[0].begin)
            .collect();
        let count = i64::try_from(waits.len()).unwrap_or(i64::MAX);
        if let (Some(most), Some(mean)) = (waits.iter().max(), waits.iter().sum::<i64>().checked_div(count)) {
            let details = json!({"Average": {"ValueMillis": mean}, "Maximum": {"ValueMillis": most}});
            roles.insert(who.role().to_owned(), details);
        }
    }
    let greeting = lines.iter().find(|line| line.who == Who::Agent).map(|line| line.begin);
    json!({"AgentGreetingTimeMillis": greeting, "DetailsByParticipantRole": roles})
}

fn categories(about: &About<'_>, lines: &[Line]) -> Value {
    let mut details = Map::new();
    for (name, places) in super::analyses::categories(lines) {
        let items: Vec<Value> = places
            .iter()
            .map(|place| {
                let length = lines[*place].text.chars().count();
                json!({
                    "Id": about.turn_id(*place),
                    "CharacterOffsets": {"BeginOffsetChar": 0, "EndOffsetChar": length},
                })
            })
            .collect();
        details.insert(name.to_owned(), json!({"PointsOfInterest": [{"TranscriptItems": items}]}));
    }
    json!({"MatchedCategories": details.keys().collect::<Vec<_>>(), "MatchedDetails": details})
}
