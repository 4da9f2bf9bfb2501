//! The reference's answers, and what of them a contact flow can take.

use serde_json::Value;
use tieline_bridge::dip::{Budget, fit_one};
use tieline_core::JsonMap;

use super::flatten;

/// A record as given, its related records nested, and how many there are.
pub(super) fn first(row: Option<JsonMap>, total: usize) -> JsonMap {
    let mut answer = row.unwrap_or_default();
    let cut = fit_one(&mut answer);
    counted(answer, total, cut)
}

/// The record, dotted, when it is the only one; only how many there are otherwise.
pub(super) fn only_one(rows: Vec<JsonMap>, total: usize) -> JsonMap {
    let row = rows.into_iter().next().filter(|_| total == 1);
    first(row.as_ref().map(flatten::dotted), total)
}

/// `sf_records_<i>_<path>` and `sf_count`.
pub(super) fn records(rows: Vec<JsonMap>, total: usize) -> JsonMap {
    let (mut answer, mut cut, mut budget) = (JsonMap::new(), false, Budget::new());
    cut |= !rows.is_empty() && rows.len() < total;
    for mut row in flatten::records(rows) {
        if !budget.take(&row) {
            cut = true;
            if answer.is_empty() {
                fit_one(&mut row);
                answer = row;
            }
            break;
        }
        answer.extend(row);
    }
    counted(answer, total, cut)
}

fn counted(mut answer: JsonMap, total: usize, cut: bool) -> JsonMap {
    answer.insert("sf_count".into(), total.into());
    if cut {
        answer.insert("truncated".into(), Value::from("true"));
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tieline_bridge::dip::ANSWER_LIMIT;

    use super::*;

    fn rows(rows: Value) -> Vec<JsonMap> {
        serde_json::from_value(rows).unwrap()
    }

    #[test]
    fn rows_that_do_not_fit_are_left_out_whole() {
        let long = |id: &str| json!({"Id": id, "Description": "x".repeat(10_000)});
        let answer = records(rows(json!([long("1"), long("2"), long("3"), long("4")])), 4);
        assert_eq!(answer.len(), 8, "three rows, the count, and the word");
        assert_eq!((&answer["sf_count"], &answer["truncated"]), (&json!(4), &json!("true")));
        assert!(Value::Object(answer).to_string().len() <= ANSWER_LIMIT);
        let huge = records(rows(json!([{"Id": "1", "Big": "x".repeat(50_000)}, {"Id": "2"}])), 2);
        assert_eq!(Value::Object(huge), json!({"sf_records_0_Id": "1", "sf_count": 2, "truncated": "true"}));
        let one = first(rows(json!([{"Id": "1", "Big": {"x": "x".repeat(50_000)}}])).pop(), 1);
        assert_eq!(Value::Object(one), json!({"Id": "1", "sf_count": 1, "truncated": "true"}));
    }

    #[test]
    fn only_the_only_one_is_answered() {
        let found = |n: usize, total: usize| {
            Value::Object(only_one(rows(json!(vec![json!({"Id": "1", "A": {"B": 1}}); n])), total))
        };
        assert_eq!(found(0, 0), json!({"sf_count": 0}));
        assert_eq!(found(1, 1), json!({"Id": "1", "A.B": 1, "sf_count": 1}));
        assert_eq!(found(2, 2), json!({"sf_count": 2}));
        assert_eq!(found(1, 7), json!({"sf_count": 7}), "a page is not all");
        assert_eq!(found(0, 17), json!({"sf_count": 17}), "COUNT()");
    }
}
