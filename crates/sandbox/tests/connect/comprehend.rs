//! The simulated Amazon Comprehend.

use serde_json::{Value, json};

use crate::harness::Instance;

impl Instance {
    async fn detect(&self, what: &str, text: &str) -> Value {
        let ask = json!({"Text": text, "LanguageCode": "en"});
        let answer = self.operation("comprehend", &format!("Comprehend_20171127.Detect{what}"), &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

fn texts<'a>(found: &'a Value, kind: &str) -> Vec<(&'a str, &'a str)> {
    let text = |value: &'a Value| value.as_str().unwrap_or_default();
    found
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (text(&it["Text"]), text(it.pointer(kind).unwrap_or(&Value::Null))))
        .collect()
}

#[tokio::test]
async fn a_text_is_taken_for_what_its_words_are() {
    let instance = Instance::start().await;
    let text = "Hello, this is Anna Keller. Grüße! The new bill of Monday is wrong.";

    let sentiment = instance.detect("Sentiment", text).await;
    assert_eq!(
        (&sentiment["Sentiment"], &sentiment["SentimentScore"]["Negative"]),
        (&json!("NEGATIVE"), &json!(0.91))
    );
    let entities = instance.detect("Entities", text).await;
    assert_eq!(texts(&entities["Entities"], "/Type"), [("Anna Keller", "PERSON"), ("Monday", "DATE")]);
    let phrases = instance.detect("KeyPhrases", text).await;
    let phrases = &phrases["KeyPhrases"];
    assert_eq!(
        texts(phrases, ""),
        [("Anna Keller", ""), ("Grüße", ""), ("The new bill", ""), ("Monday", "")]
    );
    assert_eq!(
        (&phrases[1]["BeginOffset"], &phrases[1]["EndOffset"]),
        (&json!(28), &json!(33)),
        "characters"
    );
    let syntax = instance.detect("Syntax", "The bill is wrong.").await;
    assert_eq!(
        texts(&syntax["SyntaxTokens"], "/PartOfSpeech/Tag"),
        [("The", "DET"), ("bill", "NOUN"), ("is", "AUX"), ("wrong", "ADJ"), (".", "PUNCT")]
    );
    assert_eq!(syntax["SyntaxTokens"][0]["TokenId"], 1);
    for (text, code) in [(text, "en"), ("Guten Tag, ich habe die Rechnung nicht", "de"), ("1234", "en")] {
        let languages = instance.detect("DominantLanguage", text).await;
        assert_eq!(languages["Languages"][0]["LanguageCode"], code, "{text}");
    }
}

#[tokio::test]
async fn texts_have_limits() {
    let instance = Instance::start().await;
    for (what, limit) in [
        ("Sentiment", 5_000),
        ("Syntax", 5_000),
        ("KeyPhrases", 100_000),
        ("Entities", 100_000),
        ("DominantLanguage", 100_000),
    ] {
        instance.detect(what, &"x".repeat(limit)).await;
        let target = format!("Comprehend_20171127.Detect{what}");
        let refused = async |ask: Value| {
            let answer = instance.operation("comprehend", &target, &ask).await;
            (answer.status, answer.code)
        };
        // Bytes, not characters.
        let too_long = json!({"Text": "ü".repeat(limit / 2 + 1), "LanguageCode": "en"});
        assert_eq!(refused(too_long).await, (400, "TextSizeLimitExceededException".into()), "{what}");
        let invalid = (400, "ValidationException".to_owned());
        assert_eq!(refused(json!({"Text": "", "LanguageCode": "en"})).await, invalid, "{what}");
        assert_eq!(refused(json!({"LanguageCode": "en"})).await, invalid, "{what}");
        if what != "DominantLanguage" {
            assert_eq!(refused(json!({"Text": "x", "LanguageCode": "xx"})).await, invalid, "{what}");
            assert_eq!(refused(json!({"Text": "x"})).await, invalid, "{what}");
        }
    }
    let refused = instance.operation("comprehend", "Comprehend_20171127.DetectPiiEntities", &json!({})).await;
    assert_eq!(refused.code, "UnknownOperationException");
}
