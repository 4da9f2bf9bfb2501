use std::cmp::Ordering;

use serde_json::{Map, Value};

/// Whether two files say the same.
///
/// Members in any order, blocks in any order (they are found by their `id`), numbers by value, and
/// null, absent and empty (`""`, `{}`, `[]`) are one thing.
pub fn equal(a: &Value, b: &Value) -> bool {
    same(&blocks_by_id(a), &blocks_by_id(b))
}

fn blocks_by_id(file: &Value) -> Value {
    let mut file = file.clone();
    if let Some(Value::Array(actions)) = file.get_mut("actions") {
        // Ids that are not text sort by how they are written; nothing without an id moves.
        actions.sort_by_key(|block| block.get("id").map(ToString::to_string));
    }
    file
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            let covered = |from: &Map<String, Value>, by: &Map<String, Value>| {
                from.iter().all(|(name, value)| same(value, by.get(name).unwrap_or(&Value::Null)))
            };
            covered(a, b) && b.iter().all(|(name, value)| a.contains_key(name) || is_empty(value))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64().zip(b.as_f64()).is_some_and(|(a, b)| a.total_cmp(&b) == Ordering::Equal)
        }
        (a, b) => a == b || (is_empty(a) && is_empty(b)),
    }
}

/// Null, or nothing in it all the way down.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn order_emptiness_and_the_spelling_of_numbers_do_not_matter() {
        let a = json!({"actions": [
            {"id": "b", "type": "SE_End", "meta": {}, "controls": null},
            {"id": "a", "position": [-249, 1.5], "meta": {"title": ""}},
        ]});
        let b = json!({"name": null, "actions": [
            {"position": [-249.0, 1.5], "id": "a"},
            {"type": "SE_End", "id": "b", "ports": {}},
        ]});
        assert!(equal(&a, &b) && equal(&b, &a));
    }

    #[test]
    fn false_and_zero_are_values_and_texts_differ_by_case() {
        for (a, b) in [
            (json!({"x": false}), json!({})),
            (json!({"x": 0}), json!({"x": null})),
            (json!({"x": "a"}), json!({"x": "A"})),
            (json!({"x": 1}), json!({"x": "1"})),
            (json!({"x": [1, 2]}), json!({"x": [2, 1]})),
            (json!({"actions": [{"id": "a"}]}), json!({"actions": [{"id": "a"}, {"id": "b"}]})),
        ] {
            assert!(!equal(&a, &b) && !equal(&b, &a), "{a} {b}");
        }
    }
}
