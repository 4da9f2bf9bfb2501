//! What Amazon Comprehend is asked about what the customer said.

use serde_json::{Value, json};
use tieline_aws::AwsError;
use tieline_core::{JsonMap, python_json};

use crate::Comprehend;

/// Longest list of phrases or names, in characters; a Salesforce field takes 131,072.
const LONGEST_LIST: usize = 131_000;

/// What was found; what was not asked for is empty.
#[derive(Debug, Default, PartialEq)]
pub struct Findings {
    pub sentiment: Option<String>,
    pub keywords: Option<String>,
    pub language: Option<String>,
    pub entities: Option<String>,
    /// JSON text.
    pub syntax: Option<String>,
    /// Codes of the analyses that failed, and why.
    pub failed: Vec<(&'static str, AwsError)>,
}

impl Findings {
    /// Asks for the analyses in `codes` (`snt,kw,dl,ne,syn`; unknown ones are ignored). One that
    /// fails does not hold up the others.
    pub async fn about(comprehend: &Comprehend, text: &str, codes: &str) -> Self {
        let mut findings = Self::default();
        let asked: Vec<&str> = codes.split(',').map(str::trim).collect();
        if asked.contains(&"snt") {
            let answer = comprehend.sentiment(text).await.map(|found| {
                found.map(|it| format!("{}, {}", it.name, python_json(&it.score))).unwrap_or_default()
            });
            findings.sentiment = findings.note("snt", answer);
        }
        if asked.contains(&"kw") {
            let answer = comprehend.key_phrases(text).await.map(list);
            findings.keywords = findings.note("kw", answer);
        }
        if asked.contains(&"dl") {
            let answer = comprehend.dominant_language(text).await.map(Option::unwrap_or_default);
            findings.language = findings.note("dl", answer);
        }
        if asked.contains(&"ne") {
            let answer = comprehend
                .entities(text)
                .await
                .map(|found| list(found.into_iter().map(|(text, kind)| format!("{text}:{kind}")).collect()));
            findings.entities = findings.note("ne", answer);
        }
        if asked.contains(&"syn") {
            let answer = comprehend.syntax(text).await.map(|found| counted(&found));
            findings.syntax = findings.note("syn", answer);
        }
        findings
    }

    fn note(&mut self, code: &'static str, answer: Result<String, AwsError>) -> Option<String> {
        match answer {
            Ok(text) => Some(text),
            Err(error) => {
                tracing::warn!(analysis = code, %error, "The analysis {code} of a transcript failed");
                self.failed.push((code, error));
                None
            }
        }
    }

    /// Whether asking again may help: not for a text or language that Comprehend does not take.
    pub fn is_worth_repeating(&self) -> bool {
        const FINAL: [&str; 4] = [
            "UnsupportedLanguageException",
            "InvalidRequestException",
            "TextSizeLimitExceededException",
            "ValidationException",
        ];
        self.failed.iter().any(|(_, error)| error.code().is_none_or(|code| !FINAL.contains(&code)))
    }

    /// For the field map: nothing for an analysis that failed, so that what an earlier attempt
    /// found stays.
    pub fn extra(&self) -> JsonMap {
        let mut extra = JsonMap::new();
        for (code, name, value) in [
            ("snt", "sentiment", &self.sentiment),
            ("kw", "keywords", &self.keywords),
            ("dl", "dominantLanguage", &self.language),
            ("ne", "namedEntities", &self.entities),
        ] {
            if self.failed.iter().all(|(failed, _)| *failed != code) {
                extra.insert(name.into(), value.clone().unwrap_or_default().into());
            }
        }
        extra
    }
}

/// Joined by `, `, ended before it grows too long. As in the reference, the separator that comes
/// next is not counted.
fn list(items: Vec<String>) -> String {
    let (mut text, mut length) = (String::new(), 0);
    for item in items {
        let more = item.chars().count();
        if length + more > LONGEST_LIST {
            break;
        }
        if !text.is_empty() {
            text.push_str(", ");
            length += 2;
        }
        text.push_str(&item);
        length += more;
    }
    text
}

/// Words with their parts of speech and how often they come, in the order they first come.
fn counted(words: &[(String, String)]) -> String {
    let mut counts: indexmap::IndexMap<String, u64> = indexmap::IndexMap::new();
    for (tag, word) in words {
        *counts.entry(format!("{tag}:{word}")).or_default() += 1;
    }
    let list: Vec<Value> =
        counts.into_iter().map(|(text, size)| json!({"text": text, "size": size})).collect();
    python_json(&Value::Array(list))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_in_the_order_they_come() {
        let words = [("NOUN", "bill"), ("VERB", "is"), ("NOUN", "bill"), ("NOUN", "Bill"), ("ADJ", "größer")];
        let words: Vec<(String, String)> = words.iter().map(|(a, b)| ((*a).into(), (*b).into())).collect();
        assert_eq!(
            counted(&words),
            r#"[{"text": "NOUN:bill", "size": 2}, {"text": "VERB:is", "size": 1}, {"text": "NOUN:Bill", "size": 1}, {"text": "ADJ:gr\u00f6\u00dfer", "size": 1}]"#
        );
        assert_eq!(counted(&[]), "[]");
    }

    #[test]
    fn a_list_ends_before_it_is_too_long_for_a_field() {
        assert_eq!(list(vec!["a".into(), "b c".into()]), "a, b c");
        assert_eq!(list(Vec::new()), "");
        let long = list(vec!["ä".repeat(50_000); 5]);
        assert_eq!(long.chars().count(), 100_002);
        let exact = list(vec!["x".repeat(131_000), "y".into()]);
        assert_eq!(exact.len(), 131_000);
        assert_eq!(list(vec!["x".repeat(131_001), "y".into()]), "");
    }

    #[test]
    fn a_failure_worth_repeating_is_one_that_passes_or_that_somebody_can_mend() {
        let with = |error: AwsError| Findings { failed: vec![("snt", error)], ..Findings::default() };
        let refused =
            |code: &str| AwsError::Refused { status: 400, code: code.into(), message: String::new() };
        assert!(with(AwsError::Unavailable("timed out".into())).is_worth_repeating());
        assert!(with(refused("AccessDeniedException")).is_worth_repeating());
        assert!(!with(refused("UnsupportedLanguageException")).is_worth_repeating());
        assert!(!Findings::default().is_worth_repeating());
        let extra = with(AwsError::Unavailable("timed out".into())).extra();
        assert!(!extra.contains_key("sentiment"));
        assert_eq!(extra["keywords"], "");
    }
}
