//! The analysis of a call.
//!
//! Written from Amazon Connect Administrator Guide, "Example Contact Lens output files for a call"
//! (read 2026-11-21).

use serde_json::{Map, Value, json};

use super::analyses::About;
use super::redaction::Redacted;
use super::said::{Line, Who, by_role};
use super::tone::{self, Tone};

/// A silence this long is no breath.
const SILENCE_MS: i64 = 3_000;

pub fn analysis(about: &About<'_>, lines: &[Line]) -> Value {
    let participants =
        Who::BOTH.map(|who| json!({"ParticipantId": who.role(), "ParticipantRole": who.role()}));
    let transcript: Vec<Value> =
        lines.iter().enumerate().map(|(place, line)| turn(about, place, line)).collect();
    json!({
        "Version": "1.1.0",
        "AccountId": about.instance.account,
        "Channel": "VOICE",
        "ContentMetadata": about.content(),
        "JobStatus": "COMPLETED",
        "LanguageCode": "en-US",
        "Participants": participants,
        "Categories": categories(lines),
        "ConversationCharacteristics": {
            "TotalConversationDurationMillis": duration(lines),
            "Sentiment": {
                "OverallSentiment": by_role(lines, |lines| score(lines).into()),
                "SentimentByPeriod": {"QUARTER": by_role(lines, |own| quarters(own, duration(lines)))},
            },
            // Nobody interrupts anybody here.
            "Interruptions": {"InterruptionsByInterrupter": {}, "TotalCount": 0, "TotalTimeMillis": 0},
            "NonTalkTime": non_talk_time(lines),
            "TalkSpeed": {"DetailsByParticipant": by_role(lines, |lines| {
                let words: i64 = lines.iter().map(|line| line.words()).sum();
                json!({"AverageWordsPerMinute": words * 60_000 / talk_time(lines).max(1)})
            })},
            "TalkTime": {
                "TotalTimeMillis": talk_time(&lines.iter().collect::<Vec<_>>()),
                "DetailsByParticipant": by_role(lines, |lines| json!({"TotalTimeMillis": talk_time(lines)})),
            },
        },
        "CustomModels": [],
        "CustomerMetadata": about.metadata(),
        "Transcript": transcript,
    })
}

fn turn(about: &About<'_>, place: usize, line: &Line) -> Value {
    let redacted = about.redacted.then(|| Redacted::of(&line.text));
    let mut turn = json!({
        "BeginOffsetMillis": line.begin,
        "Content": redacted.as_ref().map_or(&line.text, |redacted| &redacted.text),
        "EndOffsetMillis": line.end,
        "Id": about.turn_id(place),
        "ParticipantId": line.who.role(),
        "Sentiment": Tone::of(&line.text).word(),
        "LoudnessScore": loudness(line),
    });
    if let Some(redacted) = redacted.filter(|redacted| !redacted.places.is_empty()) {
        let length = i64::try_from(redacted.length).unwrap_or(i64::MAX);
        let moment = |char: usize| line.begin + line.length() * i64::try_from(char).unwrap_or(0) / length;
        let hidden: Vec<Value> = redacted
            .places
            .iter()
            .map(|place| {
                json!({
                    "BeginOffsetMillis": moment(place.before.start),
                    "EndOffsetMillis": moment(place.before.end),
                })
            })
            .collect();
        turn["Redaction"] = json!({"RedactedTimestamps": hidden});
    }
    turn
}

/// One value a second, of a voice that goes up and down.
fn loudness(line: &Line) -> Vec<f64> {
    let seconds = (line.length() + 999) / 1000;
    (0..seconds)
        .map(|second| f64::from(u8::try_from((line.begin / 100 + second * 7) % 20).unwrap_or(0)) + 65.25)
        .collect()
}

fn score(lines: &[&Line]) -> f64 {
    tone::score(lines.iter().map(|line| line.text.as_str()))
}

fn duration(lines: &[Line]) -> i64 {
    lines.last().map_or(0, |last| last.end)
}

fn talk_time(lines: &[&Line]) -> i64 {
    lines.iter().map(|line| line.length()).sum()
}

fn quarters(lines: &[&Line], total: i64) -> Value {
    (0..4)
        .map(|quarter| {
            let (begin, end) = (total * quarter / 4, total * (quarter + 1) / 4);
            let within: Vec<&Line> =
                lines.iter().copied().filter(|line| (begin..end).contains(&line.begin)).collect();
            json!({"BeginOffsetMillis": begin, "EndOffsetMillis": end, "Score": score(&within)})
        })
        .collect()
}

fn non_talk_time(lines: &[Line]) -> Value {
    let mut total = 0;
    let mut instances = Vec::new();
    for pair in lines.windows(2) {
        let (begin, end) = (pair[0].end, pair[1].begin);
        if end - begin >= SILENCE_MS {
            total += end - begin;
            instances.push(json!({
                "BeginOffsetMillis": begin, "DurationMillis": end - begin, "EndOffsetMillis": end,
            }));
        }
    }
    json!({"TotalTimeMillis": total, "Instances": instances})
}

fn categories(lines: &[Line]) -> Value {
    let mut details = Map::new();
    for (name, places) in super::analyses::categories(lines) {
        let points: Vec<Value> = places
            .iter()
            .map(|place| json!({"BeginOffsetMillis": lines[*place].begin, "EndOffsetMillis": lines[*place].end}))
            .collect();
        details.insert(name.to_owned(), json!({"PointsOfInterest": points}));
    }
    json!({"MatchedCategories": details.keys().collect::<Vec<_>>(), "MatchedDetails": details})
}
