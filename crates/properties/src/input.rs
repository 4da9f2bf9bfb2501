//! Bytes as what a property takes, and what errors may say of them.

use std::borrow::Cow;

use serde_json::Value;

/// Text, whatever the bytes are.
pub(crate) fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// Texts separated by U+001F; the last one is the rest, those that are not there are empty.
pub(crate) fn parts<const N: usize>(text: &str) -> [&str; N] {
    let mut rest = text.splitn(N, '\u{1f}');
    std::array::from_fn(|_| rest.next().unwrap_or_default())
}

/// Panics when a message repeats a text of the document long and odd enough to be somebody's. A text that
/// happens to be the message's own words is told by `again`: the messages of another document.
pub(crate) fn says_nothing_of(document: &Value, message: &str, again: impl Fn(&Value) -> Vec<String>) {
    let mut repeated = Vec::new();
    each_text(&mut document.clone(), &mut |text| {
        let is_data = text.len() >= 8 && text.bytes().any(|b| b.is_ascii_digit());
        if is_data && message.contains(text.as_str()) {
            repeated.push(text.clone());
        }
    });
    for repeated in repeated {
        let mut without = document.clone();
        each_text(&mut without, &mut |text| {
            if *text == repeated {
                "7 other words".clone_into(text);
            }
        });
        let own = again(&without).iter().any(|message| message.contains(&repeated));
        assert!(own, "the message {message:?} holds {repeated:?}");
    }
}

fn each_text(document: &mut Value, see: &mut impl FnMut(&mut String)) {
    match document {
        Value::String(text) => see(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, see)),
        Value::Object(members) => members.values_mut().for_each(|value| each_text(value, see)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_message_may_have_words_a_document_has_too() {
        says_nothing_of(&json!({"a": "record 0"}), "record 0: no key", |_| vec!["record 0: no key".into()]);
    }

    #[test]
    #[should_panic(expected = "holds \"+442079460000\"")]
    fn a_message_that_repeats_a_text_is_found() {
        let tell = |document: &Value| format!("{} is no number", document["a"]);
        let document = json!({"a": "+442079460000"});
        says_nothing_of(&document, &tell(&document), |other| vec![tell(other)]);
    }
}
