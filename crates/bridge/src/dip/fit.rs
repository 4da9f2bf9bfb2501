//! What a contact flow can take of an answer.

use serde_json::Value;
use tieline_core::JsonMap;

/// The largest answer, as JSON text: a contact flow takes 32 KB, and a larger one fails the call.
///
/// ("Invoke AWS Lambda functions", Amazon Connect Administrator Guide: "The Lambda function response
/// must be … UTF-8 data … up to 32 KB", read 2026-11-20.)
pub const ANSWER_LIMIT: usize = 32_000;

/// Counts what an object takes as JSON text, so that rows are taken whole or left.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    left: usize,
}

impl Budget {
    /// The limit without what every answer of several rows says: how many there are, and that
    /// some were left out.
    pub fn new() -> Self {
        Self { left: ANSWER_LIMIT - 100 }
    }

    /// Takes the entries of one row; `false` when they do not fit any more.
    pub fn take<'a>(&mut self, entries: impl IntoIterator<Item = (&'a String, &'a Value)>) -> bool {
        self.take_bytes(entries.into_iter().map(|(name, value)| entry_size(name, value)).sum())
    }

    /// Takes what stands between entries.
    pub fn take_bytes(&mut self, size: usize) -> bool {
        match self.left.checked_sub(size) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self::new()
    }
}

/// Leaves the largest entries out, whole, until the rest fits; whether any was.
pub fn fit_one(row: &mut JsonMap) -> bool {
    let mut sizes: Vec<(usize, String)> =
        row.iter().map(|(name, value)| (entry_size(name, value), name.clone())).collect();
    let mut size: usize = sizes.iter().map(|(size, _)| size).sum();
    let limit = Budget::new().left;
    if size <= limit {
        return false;
    }
    sizes.sort_unstable();
    while size > limit {
        let Some((largest, name)) = sizes.pop() else { break };
        row.shift_remove(&name);
        size -= largest;
    }
    true
}

/// `"name":value,` as it will be written.
fn entry_size(name: &str, value: &Value) -> usize {
    text_size(name) + value_size(value) + 2
}

fn value_size(value: &Value) -> usize {
    match value {
        Value::String(text) => text_size(text),
        other => other.to_string().len(),
    }
}

/// With its quotes and escapes.
fn text_size(text: &str) -> usize {
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 1,
            0..=0x1f => 5,
            _ => 0,
        })
        .sum();
    text.len() + escapes + 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn the_largest_fields_of_one_record_go_whole() {
        let mut row =
            json!({"Id": "1", "Big": "x".repeat(40_000), "Name": "Ann", "Also": "y".repeat(31_000)});
        let Value::Object(row) = &mut row else { panic!() };
        assert!(fit_one(row));
        assert_eq!(row.keys().collect::<Vec<_>>(), ["Id", "Name", "Also"]);
        assert!(!fit_one(row), "what fits is left alone");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sizes_are_those_of_the_text(name in any::<String>(), text in any::<String>(), number in any::<f64>()) {
            for value in [json!(text), json!(number), json!({ "a": [text.as_str(), null] })] {
                let object = Value::Object(JsonMap::from_iter([(name.clone(), value.clone())]));
                prop_assert_eq!(object.to_string().len() - 1, entry_size(&name, &value));
            }
        }
    }
}
