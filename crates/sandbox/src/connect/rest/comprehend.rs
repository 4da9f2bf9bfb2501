//! Amazon Comprehend, which understands nothing here: lists of words decide, so that a test knows
//! what comes out. Shapes and limits are the service's.
//!
//! Offsets count characters. Written from Amazon Comprehend API Reference, `DetectSentiment`,
//! `DetectKeyPhrases`, `DetectEntities`, `DetectDominantLanguage`, `DetectSyntax` (read 2026-11-21).

use serde_json::{Value, json};

use super::Exception;
use super::words::{Token, tokens};
use crate::connect::conversation::{Tone, words};

const LANGUAGES: [&str; 12] = ["ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "pt", "zh", "zh-TW"];
/// Those whose syntax is known.
const PARSED: [&str; 6] = ["de", "en", "es", "fr", "it", "pt"];

const SHORT: usize = 5_000;
const LONG: usize = 100_000;

/// Words by which a language is told.
const TELLING: [(&str, [&str; 8]); 6] = [
    ("en", ["the", "is", "you", "and", "with", "have", "hello", "my"]),
    ("de", ["der", "die", "das", "und", "ich", "nicht", "ist", "hallo"]),
    ("es", ["el", "los", "usted", "por", "hola", "es", "una", "gracias"]),
    ("fr", ["le", "les", "vous", "est", "bonjour", "je", "merci", "une"]),
    ("it", ["il", "che", "sono", "per", "ciao", "grazie", "non", "della"]),
    ("pt", ["os", "não", "você", "obrigado", "uma", "para", "olá", "com"]),
];

/// The answer to an operation; `None` when there is no such operation.
///
/// # Errors
///
/// `TextSizeLimitExceededException`, and `ValidationException` for a text or language that is none.
pub fn answer(operation: &str, request: &Value) -> Result<Option<Value>, Exception> {
    let (limit, languages): (usize, &[&str]) = match operation {
        "DetectSentiment" => (SHORT, &LANGUAGES),
        "DetectSyntax" => (SHORT, &PARSED),
        "DetectKeyPhrases" | "DetectEntities" => (LONG, &LANGUAGES),
        "DetectDominantLanguage" => (LONG, &[]),
        _ => return Ok(None),
    };
    let text = checked(request, limit, languages)?;
    Ok(Some(match operation {
        "DetectSentiment" => sentiment(text),
        "DetectSyntax" => json!({"SyntaxTokens": syntax(text)}),
        "DetectKeyPhrases" => json!({"KeyPhrases": key_phrases(text)}),
        "DetectEntities" => json!({"Entities": entities(text)}),
        _ => json!({"Languages": [language(text)]}),
    }))
}

fn checked<'a>(request: &'a Value, limit: usize, languages: &[&str]) -> Result<&'a str, Exception> {
    let invalid = |what: &str, why: &str| {
        let message =
            format!("1 validation error detected: Value at '{what}' failed to satisfy constraint: {why}");
        Exception::bad("ValidationException", message)
    };
    let text = request["Text"].as_str().ok_or_else(|| invalid("text", "Member must not be null"))?;
    if text.is_empty() {
        return Err(invalid("text", "Member must have length greater than or equal to 1"));
    }
    if !languages.is_empty() {
        let code = request["LanguageCode"].as_str();
        let code = code.ok_or_else(|| invalid("languageCode", "Member must not be null"))?;
        if !languages.contains(&code) {
            let why = format!("Member must satisfy enum value set: [{}]", languages.join(", "));
            return Err(invalid("languageCode", &why));
        }
    }
    if text.len() > limit {
        let message = format!(
            "Input text size exceeds limit. Max length of request text allowed is {limit} bytes while in this request the text size is {} bytes",
            text.len()
        );
        return Err(Exception::bad("TextSizeLimitExceededException", message));
    }
    Ok(text)
}

fn sentiment(text: &str) -> Value {
    let tone = Tone::of(text);
    let score = |of: Tone| if of == tone { 0.91 } else { 0.03 };
    json!({
        "Sentiment": tone.word(),
        "SentimentScore": {
            "Positive": score(Tone::Positive),
            "Negative": score(Tone::Negative),
            "Neutral": score(Tone::Neutral),
            "Mixed": score(Tone::Mixed),
        },
    })
}

/// The language most telling words are of; English, unsurely, where there are none.
fn language(text: &str) -> Value {
    let spoken: Vec<String> = words(text).collect();
    let told = |telling: &[&str]| spoken.iter().filter(|word| telling.contains(&word.as_str())).count();
    let (code, times) = TELLING
        .iter()
        .map(|(code, telling)| (*code, told(telling)))
        .reduce(|best, next| if next.1 > best.1 { next } else { best })
        .unwrap_or(("en", 0));
    json!({"LanguageCode": code, "Score": if times > 0 { 0.99 } else { 0.5 }})
}

/// A stretch of a text, from the first to the last of `tokens`.
fn stretch(text: &str, tokens: &[Token<'_>]) -> Value {
    let (first, last) = (&tokens[0], &tokens[tokens.len() - 1]);
    let shown = &text[first.start..last.start + last.text.len()];
    json!({"Text": shown, "BeginOffset": first.begin, "EndOffset": last.end(), "Score": 0.99})
}

/// Words in a row that are nouns or belong to one.
fn key_phrases(text: &str) -> Vec<Value> {
    let tokens = tokens(text);
    let belongs = |token: &Token<'_>| matches!(token.tag(), "DET" | "ADJ" | "NOUN" | "PROPN" | "NUM");
    let names = |token: &Token<'_>| matches!(token.tag(), "NOUN" | "PROPN");
    tokens
        .chunk_by(|a, b| belongs(a) && belongs(b))
        .filter(|row| row.iter().any(names) && row.iter().all(belongs))
        .map(|row| stretch(text, row))
        .collect()
}

/// Capitalised words within a sentence are a person, days and months a date, numbers a quantity.
fn entities(text: &str) -> Vec<Value> {
    let tokens = tokens(text);
    tokens
        .chunk_by(|a, b| a.entity().is_some() && a.entity() == b.entity())
        .filter_map(|row| {
            let mut entity = stretch(text, row);
            entity["Type"] = row[0].entity()?.into();
            Some(entity)
        })
        .collect()
}

fn syntax(text: &str) -> Vec<Value> {
    let token = |(number, token): (usize, &Token<'_>)| {
        json!({
            "TokenId": number + 1,
            "Text": token.text,
            "BeginOffset": token.begin,
            "EndOffset": token.end(),
            "PartOfSpeech": {"Tag": token.tag(), "Score": 0.99},
        })
    };
    tokens(text).iter().enumerate().map(token).collect()
}
