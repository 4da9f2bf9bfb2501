use std::collections::HashSet;

use serde_json::Value;
use tieline_core::JsonMap;

/// The reference's list of records, `sf_records_<i>_<path>`, row by row.
///
/// As recorded: `i` is the place of the first record that is equal, so equal records become one;
/// elements of a list share one name and the last one stays; empty objects and lists vanish.
pub(super) fn records(rows: Vec<JsonMap>) -> impl Iterator<Item = JsonMap> {
    let mut seen: HashSet<String> = HashSet::new();
    rows.into_iter().enumerate().filter_map(move |(i, row)| {
        let flat = seen.insert(Value::Object(row.clone()).to_string());
        flat.then(|| dotted_below(&format!("sf_records_{i}_"), &row))
    })
}

/// One record, its related ones as `Account.Name`.
pub(super) fn dotted(row: &JsonMap) -> JsonMap {
    dotted_below("", row)
}

fn dotted_below(prefix: &str, row: &JsonMap) -> JsonMap {
    let mut answer = JsonMap::new();
    for (name, value) in row {
        flatten(value, format!("{prefix}{name}"), &mut answer);
    }
    answer
}

fn flatten(value: &Value, name: String, answer: &mut JsonMap) {
    match value {
        Value::Object(inner) => {
            for (member, value) in inner {
                flatten(value, format!("{name}.{member}"), answer);
            }
        }
        Value::Array(items) => {
            for item in items {
                flatten(item, name.clone(), answer);
            }
        }
        other => {
            answer.insert(name, other.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn flat(rows: Value) -> Value {
        let rows: Vec<JsonMap> = serde_json::from_value(rows).unwrap();
        Value::Object(records(rows).flatten().collect())
    }

    #[test]
    fn equal_records_become_one_as_recorded() {
        assert_eq!(
            flat(json!([{"Name": "Same"}, {"Name": "Same"}, {"Name": "Other"}])),
            json!({"sf_records_0_Name": "Same", "sf_records_2_Name": "Other"})
        );
    }

    #[test]
    fn nesting_is_dotted_and_lists_keep_their_last() {
        assert_eq!(
            flat(json!([{"A": {"attributes": {"type": "T"}, "B": 1.5}, "C": null, "D": {}, "E": [],
                         "F": {"records": [{"Id": "1"}, {"Id": "2"}]}}])),
            json!({"sf_records_0_A.attributes.type": "T", "sf_records_0_A.B": 1.5, "sf_records_0_C": null,
                   "sf_records_0_F.records.Id": "2"})
        );
        assert_eq!(flat(json!([])), json!({}));
    }
}
