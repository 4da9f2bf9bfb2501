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

/// Panics when a message repeats a text of the document long and odd enough to be somebody's.
pub(crate) fn says_nothing_of(document: &Value, message: &str) {
    match document {
        Value::String(text) => {
            let is_data = text.len() >= 8 && text.bytes().any(|b| b.is_ascii_digit());
            assert!(!is_data || !message.contains(text.as_str()), "the message {message:?} holds {text:?}");
        }
        Value::Array(items) => items.iter().for_each(|item| says_nothing_of(item, message)),
        Value::Object(members) => members.values().for_each(|value| says_nothing_of(value, message)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
