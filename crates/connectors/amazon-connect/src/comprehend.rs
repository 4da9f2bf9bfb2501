//! What Amazon Comprehend finds in a text, however long.
//!
//! Each operation takes so many bytes: `DetectSentiment` and `DetectSyntax` 5 KB,
//! `DetectKeyPhrases`, `DetectEntities` and `DetectDominantLanguage` 100 KB ("Amazon Comprehend API
//! Reference", the `Text` of each, and "Guidelines and quotas", read 2026-11-21). A longer text is
//! asked in pieces that end at blanks, and the answers are put together: what is found stands in
//! the text's order, scores are weighted by the pieces' lengths.

use http::Method;
use serde_json::{Value, json};
use tieline_aws::{Aws, AwsCall, AwsError, Service};

/// Bytes of a piece, a little below the limits so that nobody argues what a kilobyte is.
const SHORT: usize = 5_000;
const LONG: usize = 100_000;

/// Amazon Comprehend, for texts of one language.
#[derive(Debug, Clone)]
pub struct Comprehend {
    aws: Aws,
    language: String,
}

/// How a text sounds.
#[derive(Debug, Clone, PartialEq)]
pub struct Sentiment {
    /// `POSITIVE`, `NEGATIVE`, `NEUTRAL`, `MIXED`, or what Comprehend will call it.
    pub name: String,
    /// How sure it is, 0 to 1, as Comprehend wrote it where the text was one piece.
    pub score: Value,
}

impl Comprehend {
    /// `language` as Transcribe names it (`en-US`). Comprehend knows languages without their
    /// regions, but for traditional Chinese.
    pub fn new(aws: Aws, language: &str) -> Self {
        let language = match language {
            "zh-TW" => language,
            other => other.split('-').next().unwrap_or_default(),
        };
        Self { aws, language: language.to_owned() }
    }

    /// `None` when nothing is said.
    pub async fn sentiment(&self, text: &str) -> Result<Option<Sentiment>, AwsError> {
        let mut answers = Vec::new();
        for piece in pieces(text, SHORT) {
            let answer = self.ask("Comprehend_20171127.DetectSentiment", piece, true).await?;
            answers.push((piece.len(), answer));
        }
        if let [(_, only)] = &answers[..] {
            let Some(name) = only["Sentiment"].as_str() else { return Ok(None) };
            let score = only["SentimentScore"].get(title(name)).cloned().unwrap_or(Value::Null);
            return Ok(Some(Sentiment { name: name.to_owned(), score }));
        }
        Ok(together(&answers))
    }

    /// Phrases in the text's order.
    pub async fn key_phrases(&self, text: &str) -> Result<Vec<String>, AwsError> {
        let found = self.all("Comprehend_20171127.DetectKeyPhrases", text, LONG, "KeyPhrases").await?;
        Ok(found.iter().filter_map(|phrase| phrase["Text"].as_str()).map(str::to_owned).collect())
    }

    /// Names and their kinds (`PERSON`), in the text's order.
    pub async fn entities(&self, text: &str) -> Result<Vec<(String, String)>, AwsError> {
        let found = self.all("Comprehend_20171127.DetectEntities", text, LONG, "Entities").await?;
        Ok(found
            .iter()
            .filter_map(|entity| {
                Some((entity["Text"].as_str()?.to_owned(), entity["Type"].as_str()?.to_owned()))
            })
            .collect())
    }

    /// The language most of the text is in; `None` when Comprehend cannot say.
    pub async fn dominant_language(&self, text: &str) -> Result<Option<String>, AwsError> {
        let mut weights: Vec<(String, f64)> = Vec::new();
        for piece in pieces(text, LONG) {
            let answer = self.ask("Comprehend_20171127.DetectDominantLanguage", piece, false).await?;
            // The likeliest stands first.
            let Some(first) = answer["Languages"].get(0) else { continue };
            let Some(code) = first["LanguageCode"].as_str() else { continue };
            let weight = first["Score"].as_f64().unwrap_or(1.0) * weight(piece.len());
            match weights.iter_mut().find(|(it, _)| it == code) {
                Some((_, sum)) => *sum += weight,
                None => weights.push((code.to_owned(), weight)),
            }
        }
        Ok(weights.into_iter().reduce(|a, b| if b.1 > a.1 { b } else { a }).map(|(code, _)| code))
    }

    /// Words and their parts of speech (`NOUN`), in the text's order.
    pub async fn syntax(&self, text: &str) -> Result<Vec<(String, String)>, AwsError> {
        let found = self.all("Comprehend_20171127.DetectSyntax", text, SHORT, "SyntaxTokens").await?;
        Ok(found
            .iter()
            .filter_map(|token| {
                Some((token["PartOfSpeech"]["Tag"].as_str()?.to_owned(), token["Text"].as_str()?.to_owned()))
            })
            .collect())
    }

    async fn all(
        &self,
        target: &'static str,
        text: &str,
        limit: usize,
        member: &str,
    ) -> Result<Vec<Value>, AwsError> {
        let mut all = Vec::new();
        for piece in pieces(text, limit) {
            if let Value::Array(found) = self.ask(target, piece, true).await?[member].take() {
                all.extend(found);
            }
        }
        Ok(all)
    }

    async fn ask(&self, target: &'static str, text: &str, in_language: bool) -> Result<Value, AwsError> {
        let mut body = json!({"Text": text});
        if in_language {
            body["LanguageCode"] = self.language.as_str().into();
        }
        let call =
            AwsCall::new(Service::Comprehend, Method::POST, "/").target(target).body(body).repeatable();
        self.aws.call(&call).await
    }
}

/// `Negative` of `NEGATIVE`: so the scores are named.
fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| format!("{first}{}", letters.as_str().to_lowercase()))
}

/// The scores of several pieces, each weighted by the piece's length.
fn together(answers: &[(usize, Value)]) -> Option<Sentiment> {
    const NAMES: [&str; 4] = ["POSITIVE", "NEGATIVE", "NEUTRAL", "MIXED"];
    let whole: f64 = answers.iter().map(|(length, _)| weight(*length)).sum();
    let mean = |name: &str| -> f64 {
        let sum: f64 = answers
            .iter()
            .map(|(length, answer)| {
                answer["SentimentScore"][title(name)].as_f64().unwrap_or(0.0) * weight(*length)
            })
            .sum();
        // Comprehend itself writes some ten digits; more would only be the sum's noise.
        (sum / whole * 1e6).round() / 1e6
    };
    let (name, score) =
        NAMES.iter().map(|name| (*name, mean(name))).reduce(|a, b| if b.1 > a.1 { b } else { a })?;
    (whole > 0.0).then(|| Sentiment { name: name.to_owned(), score: score.into() })
}

#[expect(clippy::cast_precision_loss, reason = "lengths of texts are far below 2^52")]
fn weight(length: usize) -> f64 {
    length as f64
}

/// `text` in pieces of at most `limit` bytes, ended at a blank where there is one.
fn pieces(text: &str, limit: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while rest.len() > limit {
        let most = rest.floor_char_boundary(limit);
        let end = rest[..most].rfind(' ').map_or(most, |blank| blank + 1);
        let (piece, after) = rest.split_at(end);
        pieces.push(piece);
        rest = after;
    }
    if !rest.trim().is_empty() {
        pieces.push(rest);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_at_blanks_and_lose_nothing() {
        assert_eq!(pieces("short ", 100), ["short "]);
        assert_eq!(pieces("one two three ", 8), ["one two ", "three "]);
        assert_eq!(pieces("onetwothree", 4), ["onet", "woth", "ree"]);
        assert_eq!(pieces("äöüß", 3), ["ä", "ö", "ü", "ß"]);
        assert_eq!(pieces("", 5), [] as [&str; 0]);
        let text = "Grüße aus Köln, and a word more. ".repeat(2000);
        for limit in [SHORT, LONG, 17] {
            let pieces = pieces(&text, limit);
            assert!(pieces.iter().all(|piece| piece.len() <= limit));
            assert_eq!(pieces.concat(), text);
        }
    }

    #[test]
    fn sentiments_are_weighted_by_length() {
        let answer = |positive: f64, negative: f64| json!({"Sentiment": "x", "SentimentScore": {"Positive": positive, "Negative": negative, "Neutral": 0.0, "Mixed": 0.0}});
        let found = together(&[(5000, answer(0.1, 0.9)), (1000, answer(0.9, 0.1))]).unwrap();
        assert_eq!((found.name.as_str(), found.score), ("NEGATIVE", json!(0.766_667)));
        assert_eq!(together(&[(1, json!({})), (1, json!(7))]).unwrap().score, json!(0.0));
        assert_eq!(title("NEGATIVE"), "Negative");
        assert_eq!(title(""), "");
    }
}
