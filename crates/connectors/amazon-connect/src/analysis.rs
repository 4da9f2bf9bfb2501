//! Contact Lens analysis files of finished contacts, voice and chat.
//!
//! Read tolerantly: a member that is missing or of another type is as if it were not there, and
//! versions are not looked at. "Amazon Connect Administrator Guide", "Example Contact Lens output
//! files for a call" and "… for a chat" (read 2026-11-21): a chat has `DetailsByParticipantRole`
//! where a call has `DetailsByParticipant` or the roles themselves, knows neither interruptions
//! nor quarters, and names participants by id.

use serde_json::{Map, Value, json};
use tieline_core::{ConnectorErrorKind, JsonMap};

use crate::{not_json, refused};

/// The analysis of one contact.
#[derive(Debug, Clone)]
pub struct Analysis {
    document: Value,
}

/// How the role of who said something is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roles {
    /// For every participant of the contact.
    Everybody,
    /// Only where the id is `AGENT` or `CUSTOMER`, as the reference functions do.
    Named,
}

impl Analysis {
    /// # Errors
    ///
    /// [`ConnectorErrorKind::Malformed`] when `file` is no JSON or nested deeper than 128 levels,
    /// [`ConnectorErrorKind::Rejected`] when it is about no contact.
    pub fn parse(file: &[u8]) -> Result<Self, ConnectorErrorKind> {
        let document: Value = serde_json::from_slice(file).map_err(not_json)?;
        let analysis = Self { document };
        if analysis.contact_id().is_empty() {
            return Err(refused("NOT_AN_ANALYSIS", "the file has no `CustomerMetadata.ContactId`"));
        }
        Ok(analysis)
    }

    /// The file as it came.
    pub fn document(&self) -> &Value {
        &self.document
    }

    pub fn into_document(self) -> Value {
        self.document
    }

    pub fn contact_id(&self) -> &str {
        self.at("/CustomerMetadata/ContactId").and_then(Value::as_str).unwrap_or_default()
    }

    /// The id of the instance; empty when the file does not say.
    pub fn instance_id(&self) -> &str {
        self.at("/CustomerMetadata/InstanceId").and_then(Value::as_str).unwrap_or_default()
    }

    /// What is known of the contact, whichever channel it had; what is not known is absent.
    ///
    /// Scores −5 to 5 (`customerSentiment`, `agentSentiment`); counts (`interruptions`); lists as
    /// they came (`agentInterruptions`, `customerInterruptions`); milliseconds (`nonTalkTime`,
    /// `talkTime`, `talkTimeCustomer`, `talkTimeAgent`); words a minute (`talkSpeedCustomer`,
    /// `talkSpeedAgent`); categories joined by `|` (`matchedCategories`) and their places
    /// (`matchedDetails`); `sentimentCurve`; everything said, joined by blanks (`fullText`).
    pub fn facts(&self) -> JsonMap {
        let mut facts = JsonMap::new();
        let mut note = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                facts.insert(name.to_owned(), value);
            }
        };
        let traits = |path: &str| self.at("/ConversationCharacteristics").and_then(|all| all.pointer(path));
        let sentiment = traits("/Sentiment/OverallSentiment");
        note("customerSentiment", sentiment.and_then(|it| self.of(it, "CUSTOMER")).and_then(number));
        note("agentSentiment", sentiment.and_then(|it| self.of(it, "AGENT")).and_then(number));
        note("interruptions", traits("/Interruptions/TotalCount").and_then(number));
        let interrupters = traits("/Interruptions/InterruptionsByInterrupter");
        note("agentInterruptions", interrupters.and_then(|it| self.of(it, "AGENT")).cloned());
        note("customerInterruptions", interrupters.and_then(|it| self.of(it, "CUSTOMER")).cloned());
        note("nonTalkTime", traits("/NonTalkTime/TotalTimeMillis").and_then(number));
        let (speed, time) = (traits("/TalkSpeed"), traits("/TalkTime"));
        let part = |whole: Option<&Value>, role: &str, member: &str| {
            whole.and_then(|it| self.of(it, role)).and_then(|it| it.get(member)).and_then(number)
        };
        note("talkSpeedCustomer", part(speed, "CUSTOMER", "AverageWordsPerMinute"));
        note("talkSpeedAgent", part(speed, "AGENT", "AverageWordsPerMinute"));
        note("talkTime", traits("/TalkTime/TotalTimeMillis").and_then(number));
        note("talkTimeCustomer", part(time, "CUSTOMER", "TotalTimeMillis"));
        note("talkTimeAgent", part(time, "AGENT", "TotalTimeMillis"));
        note("matchedCategories", self.categories().map(Value::from));
        note("matchedDetails", self.at("/Categories/MatchedDetails").filter(|it| !it.is_null()).cloned());
        let quarters = traits("/Sentiment/SentimentByPeriod/QUARTER").and_then(|it| self.of(it, "CUSTOMER"));
        note("sentimentCurve", quarters.and_then(Value::as_array).and_then(|it| curve(it)).map(Value::from));
        note("fullText", Some(self.full_text().into()));
        facts
    }

    /// What was said, in order: per utterance `id`, `participantId`, `beginOffsetMillis`,
    /// `endOffsetMillis`, `content`, `sentiment`, `loudness_score`, then `issues_detected` and
    /// `redaction` where there are any, and `participantRole` (empty when unknown; for named roles
    /// only of those who have one). A chat's message has null offsets and `absoluteTime` instead.
    pub fn utterances(&self, roles: Roles) -> Vec<Value> {
        self.said().map(|turn| self.utterance(turn, roles)).collect()
    }

    fn utterance(&self, turn: &Map<String, Value>, roles: Roles) -> Value {
        let member = |name: &str| turn.get(name).cloned().unwrap_or(Value::Null);
        let mut utterance = json!({
            "id": member("Id"),
            "participantId": member("ParticipantId"),
            "beginOffsetMillis": member("BeginOffsetMillis"),
            "endOffsetMillis": member("EndOffsetMillis"),
            "content": member("Content"),
            "sentiment": member("Sentiment"),
            "loudness_score": member("LoudnessScore"),
        });
        let members = utterance.as_object_mut().expect("made so above");
        for (ours, theirs) in [
            ("issues_detected", "IssuesDetected"),
            ("redaction", "Redaction"),
            ("absoluteTime", "AbsoluteTime"),
        ] {
            if let Some(value) = turn.get(theirs).filter(|value| !value.is_null()) {
                members.insert(ours.into(), value.clone());
            }
        }
        let id = turn.get("ParticipantId").and_then(Value::as_str).unwrap_or_default();
        if roles == Roles::Everybody || matches!(id, "AGENT" | "CUSTOMER") {
            let role = self.role(id).or(turn.get("ParticipantRole").and_then(Value::as_str));
            members.insert("participantRole".into(), role.unwrap_or_default().into());
        }
        utterance
    }

    /// Turns with words; a chat's list holds events and attachments too.
    fn said(&self) -> impl Iterator<Item = &Map<String, Value>> {
        let turns = self.at("/Transcript").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        turns.iter().filter_map(Value::as_object).filter(|turn| {
            turn.get("Content").is_some_and(Value::is_string)
                && turn.get("Type").and_then(Value::as_str).is_none_or(|kind| kind == "MESSAGE")
        })
    }

    fn full_text(&self) -> String {
        let words: Vec<&str> = self.said().filter_map(|turn| turn["Content"].as_str()).collect();
        words.join(" ")
    }

    fn categories(&self) -> Option<String> {
        let names: Vec<&str> = self
            .at("/Categories/MatchedCategories")
            .and_then(Value::as_array)?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        (!names.is_empty()).then(|| names.join("|"))
    }

    /// A party's part of `whole`, by its role or by the id of who has that role.
    fn of<'a>(&'a self, whole: &'a Value, role: &str) -> Option<&'a Value> {
        let parts = ["DetailsByParticipantRole", "DetailsByParticipant"]
            .iter()
            .find_map(|name| whole.get(name))
            .unwrap_or(whole);
        let part = parts
            .get(role)
            .or_else(|| self.participants().filter(|(_, it)| *it == role).find_map(|(id, _)| parts.get(id)));
        part.filter(|part| !part.is_null())
    }

    fn role(&self, id: &str) -> Option<&str> {
        self.participants().find(|(it, _)| *it == id).map(|(_, role)| role)
    }

    /// Ids and roles.
    fn participants(&self) -> impl Iterator<Item = (&str, &str)> {
        let list = self.at("/Participants").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter()
            .filter_map(|it| Some((it.get("ParticipantId")?.as_str()?, it.get("ParticipantRole")?.as_str()?)))
    }

    fn at(&self, path: &str) -> Option<&Value> {
        self.document.pointer(path)
    }
}

fn number(value: &Value) -> Option<Value> {
    value.is_number().then(|| value.clone())
}

/// How the customer's sentiment went over the quarters of a contact: `S` when it rose, `Z` when it
/// fell, otherwise `Other`, as also with fewer quarters than four. `None` without any.
fn curve(quarters: &[Value]) -> Option<&'static str> {
    if quarters.is_empty() {
        return None;
    }
    let scores: Vec<f64> =
        quarters.iter().filter_map(|quarter| quarter.get("Score").and_then(Value::as_f64)).collect();
    let [first, second, third, last, ..] = scores[..] else { return Some("Other") };
    let middle = f64::midpoint(second, third);
    Some(if first <= middle - 1.0 && middle < last {
        "S"
    } else if first >= middle + 1.0 && middle > last {
        "Z"
    } else {
        "Other"
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture(name: &str) -> Analysis {
        let path = format!("{}/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        Analysis::parse(&std::fs::read(path).unwrap()).unwrap()
    }

    fn analysis(mut document: Value) -> Analysis {
        document["CustomerMetadata"] = json!({"ContactId": "c-1", "InstanceId": "i-1"});
        Analysis::parse(document.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_call_s_analysis_says_what_it_says() {
        let call = fixture("analysis-voice.json");
        assert_eq!(call.contact_id(), "b7d1f6a2-0c3e-4e58-9a47-51c8e2d0f963");
        assert_eq!(call.instance_id(), "5f0c8a1e-2b47-4d3c-9e61-7a8b9c0d1e2f");
        assert_eq!(
            Value::Object(call.facts()),
            json!({
                "customerSentiment": 3.1, "agentSentiment": 0, "interruptions": 1,
                "agentInterruptions": [{"BeginOffsetMillis": 9860, "DurationMillis": 940, "EndOffsetMillis": 10800}],
                "nonTalkTime": 5000, "talkSpeedCustomer": 163, "talkSpeedAgent": 184,
                "talkTime": 28698, "talkTimeCustomer": 13000, "talkTimeAgent": 15698,
                "matchedCategories": "Cancellation|VIP",
                "matchedDetails": {"Cancellation": {"PointsOfInterest": [{"BeginOffsetMillis": 7370, "EndOffsetMillis": 11190}]}, "VIP": {"PointsOfInterest": []}},
                "sentimentCurve": "S",
                "fullText": "Okay. I would like to cancel [PII]. I can help with that.",
            })
        );
        let said = call.utterances(Roles::Everybody);
        assert_eq!(said[0]["participantRole"], "AGENT");
        assert_eq!(said[1]["participantRole"], "CUSTOMER");
        assert_eq!(said[1]["redaction"]["RedactionTimestamps"][0]["BeginOffsetMillis"], 8100);
        let names: Vec<&String> = said[1].as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            [
                "id",
                "participantId",
                "beginOffsetMillis",
                "endOffsetMillis",
                "content",
                "sentiment",
                "loudness_score",
                "issues_detected",
                "redaction",
                "participantRole"
            ]
        );
        // The reference looks roles up for two names only, and these are ids.
        assert!(call.utterances(Roles::Named)[0].get("participantRole").is_none());
    }

    #[test]
    fn a_chat_s_analysis_has_what_a_chat_has() {
        let chat = fixture("analysis-chat.json");
        let facts = chat.facts();
        assert_eq!(facts["customerSentiment"], -1.7);
        assert_eq!(facts["agentSentiment"], 0);
        assert_eq!(facts["matchedCategories"], "Refund");
        assert_eq!(facts["fullText"], "Where is my order? Let me look.");
        for absent in ["interruptions", "nonTalkTime", "talkSpeedAgent", "talkTime", "sentimentCurve"] {
            assert!(!facts.contains_key(absent), "{absent}");
        }
        let said = chat.utterances(Roles::Everybody);
        assert_eq!(said.len(), 2, "events and attachments are not said");
        assert_eq!(said[0]["absoluteTime"], "2026-03-17T09:16:02.120Z");
        assert_eq!(said[0]["participantRole"], "CUSTOMER");
        assert_eq!(said[0]["beginOffsetMillis"], Value::Null);
    }

    #[test]
    fn the_curve_follows_the_quarters() {
        let of = |scores: &[f64]| {
            let quarters: Vec<Value> = scores.iter().map(|score| json!({"Score": score})).collect();
            let document = json!({"ConversationCharacteristics": {"Sentiment": {"SentimentByPeriod": {"QUARTER": {"CUSTOMER": quarters}}}}});
            analysis(document).facts().get("sentimentCurve").and_then(Value::as_str).map(str::to_owned)
        };
        for (scores, curve) in [
            (&[3.0, 1.0, 1.0, -1.0][..], "Z"),
            (&[-1.0, 1.0, 1.0, 3.0], "S"),
            (&[0.0, 0.0, 0.0, 0.0], "Other"),
            // On the edge: exactly one below the middle counts, an equal end does not.
            (&[0.0, 1.0, 1.0, 1.5], "S"),
            (&[0.0, 1.0, 1.0, 1.0], "Other"),
            (&[0.1, 1.0, 1.0, 2.0], "Other"),
            (&[2.0, 1.0, 1.0, 0.5], "Z"),
            (&[2.0, 1.0, 1.0, 1.0], "Other"),
            (&[3.0, 1.0, -1.0], "Other"),
            (&[1.0], "Other"),
            (&[-3.0, 0.0, 0.0, 3.0, 9.0], "S"),
        ] {
            assert_eq!(of(scores).as_deref(), Some(curve), "{scores:?}");
        }
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_not_known() {
        assert_eq!(Value::Object(analysis(json!({})).facts()), json!({"fullText": ""}));
        let facts = analysis(json!({
            "Version": 7,
            "Participants": "nobody",
            "Transcript": [null, 7, {"Content": 5}, {"Content": "Hi"}, {"Id": "x"}],
            "Categories": {"MatchedCategories": [5, null], "MatchedDetails": null},
            "ConversationCharacteristics": {
                "Sentiment": {"OverallSentiment": {"CUSTOMER": "good", "AGENT": 0.0}, "SentimentByPeriod": {"QUARTER": {"CUSTOMER": 7}}},
                "Interruptions": [], "TalkTime": {"TotalTimeMillis": "long", "DetailsByParticipant": {"AGENT": {"TotalTimeMillis": 5}}},
            },
        }))
        .facts();
        assert_eq!(
            Value::Object(facts),
            json!({"agentSentiment": 0.0, "talkTimeAgent": 5, "fullText": "Hi"})
        );
    }

    #[test]
    fn a_file_about_no_contact_is_refused() {
        for file in ["", "[]", "null", "{}", "{\"CustomerMetadata\":{\"ContactId\":7}}", "\u{feff}{"] {
            assert!(Analysis::parse(file.as_bytes()).is_err(), "{file}");
        }
        let deep = format!("{{\"CustomerMetadata\":{{\"ContactId\":\"c\"}},\"x\":{}", "[".repeat(100_000));
        assert!(matches!(Analysis::parse(deep.as_bytes()), Err(ConnectorErrorKind::Malformed { .. })));
    }
}
