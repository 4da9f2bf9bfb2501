use serde_json::{Value, json};
use tieline_core::JsonMap;

use super::Found;
use super::find::CallerMatch;

/// How an answer looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Text by name, nothing nested: what a contact flow can read.
    #[default]
    Flat,
    /// JSON as the CRM gave it.
    Nested,
}

/// Names an answer uses beside the CRM's fields; the connector's choice, kept for the flows that read them.
#[derive(Debug, Clone, Copy)]
pub struct Names {
    /// How many rows there are in all.
    pub count: &'static str,
    /// Where several rows stand.
    pub rows: &'static str,
    /// The id of a created record.
    pub id: &'static str,
    /// What the CRM says about a row beside its fields; left out of flat answers.
    pub about: &'static str,
}

/// The largest flat answer: a contact flow takes 32 KiB. Rows that do not fit are left out; the
/// count still says how many there are.
///
/// ("Invoke AWS Lambda functions", Amazon Connect Administrator Guide, read 2026-11-20.)
const MAX_FLAT: usize = 32_000;

/// Puts what was found into the shape that was asked for.
pub fn answer_of(found: Found, shape: Shape, names: &Names) -> Value {
    match shape {
        Shape::Flat => Value::Object(flat(found, names)),
        Shape::Nested => nested(found, names),
    }
}

fn flat(found: Found, names: &Names) -> JsonMap {
    let mut answer = JsonMap::new();
    let count = |total: usize| Value::String(total.to_string());
    match found {
        Found::First { row, total } | Found::Party { row, total, .. } => {
            if let Some(row) = row {
                flatten_row(&row, "", names, &mut answer);
            }
            answer.insert(names.count.into(), count(total));
        }
        Found::Rows { rows, total } => {
            let mut size = 0;
            for (i, row) in rows.iter().enumerate() {
                let mut one = JsonMap::new();
                flatten_row(row, &format!("{}_{i}_", names.rows), names, &mut one);
                size += one.iter().map(|(name, value)| entry_size(name, value)).sum::<usize>();
                if size > MAX_FLAT {
                    break;
                }
                answer.extend(one);
            }
            answer.insert(names.count.into(), count(total));
        }
        Found::Created(id) => {
            answer.insert(names.id.into(), Value::String(id.into()));
        }
        Found::Callers { matches, total } => {
            answer.insert("match_count".into(), count(total));
            for (i, one) in matches.iter().enumerate() {
                flatten_row(&told(one), &format!("match_{i}_"), names, &mut answer);
            }
        }
    }
    answer
}

/// What is said of one match, the same in both shapes.
fn told(one: &CallerMatch) -> JsonMap {
    let mut row = JsonMap::new();
    if one.told.id {
        row.insert("id".into(), one.record.as_str().into());
    }
    row.insert("object".into(), one.object.clone().into());
    if let Some(name) = &one.told.name {
        row.insert("name".into(), name.clone().into());
    }
    row.insert("reason".into(), one.reason.clone().into());
    if let Some(at) = one.last_contact.filter(|_| one.told.last_contact) {
        row.insert("last_contact".into(), at.strftime("%Y-%m-%d").to_string().into());
    }
    if let Some(open) = one.told.open_cases {
        row.insert("open_cases".into(), open.into());
    }
    row
}

/// Name and value with quotes, colon and comma; escapes make it longer, hence the distance to 32 KiB.
fn entry_size(name: &str, value: &Value) -> usize {
    name.len() + value.as_str().map_or(0, str::len) + 6
}

fn flatten_row(row: &JsonMap, prefix: &str, names: &Names, answer: &mut JsonMap) {
    for (name, value) in row {
        if name != names.about {
            flatten(value, format!("{prefix}{name}"), names, answer);
        }
    }
}

fn flatten(value: &Value, name: String, names: &Names, answer: &mut JsonMap) {
    match value {
        Value::Null => {}
        Value::String(text) => {
            answer.insert(name, Value::String(text.clone()));
        }
        Value::Bool(flag) => {
            answer.insert(name, Value::String(flag.to_string()));
        }
        Value::Number(number) => {
            answer.insert(name, Value::String(number.to_string()));
        }
        Value::Object(inner) => flatten_row(inner, &format!("{name}."), names, answer),
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                flatten(item, format!("{name}_{i}"), names, answer);
            }
        }
    }
}

fn nested(found: Found, names: &Names) -> Value {
    match found {
        Found::First { row, total } | Found::Party { row, total, .. } => {
            let mut answer = row.unwrap_or_default();
            answer.insert(names.count.into(), total.into());
            Value::Object(answer)
        }
        Found::Rows { rows, total } => json!({ names.rows: rows, names.count: total }),
        Found::Created(id) => json!({ names.id: id.as_str() }),
        Found::Callers { matches, total } => {
            let matches: Vec<JsonMap> = matches.iter().map(told).collect();
            json!({ "match_count": total, "matches": matches })
        }
    }
}

#[cfg(test)]
mod tests {
    use tieline_core::RecordId;

    use super::*;

    const NAMES: Names = Names { count: "sf_count", rows: "sf_records", id: "Id", about: "attributes" };

    fn row(value: Value) -> JsonMap {
        match value {
            Value::Object(row) => row,
            _ => panic!("not an object"),
        }
    }

    fn anna() -> JsonMap {
        row(json!({
            "attributes": {"type": "Contact"}, "Id": "003A1", "Age": 41, "Score": 1.5, "Vip": true, "Fax": null,
            "Account": {"attributes": {"type": "Account"}, "Name": "Acme", "Owner": {"Name": "Bo"}},
            "Parent": null
        }))
    }

    #[test]
    fn a_flat_answer_is_text_by_name_and_leaves_nothing_out_but_nothing() {
        let found = Found::First { row: Some(anna()), total: 17 };
        assert_eq!(
            answer_of(found, Shape::Flat, &NAMES),
            json!({"Id": "003A1", "Age": "41", "Score": "1.5", "Vip": "true", "Account.Name": "Acme",
                   "Account.Owner.Name": "Bo", "sf_count": "17"})
        );
        assert_eq!(
            answer_of(Found::First { row: None, total: 0 }, Shape::Flat, &NAMES),
            json!({"sf_count": "0"})
        );
    }

    #[test]
    fn several_rows_are_numbered_and_equal_rows_stay_apart() {
        let same = || row(json!({"Id": "1", "A": {"B": "x"}}));
        let found = Found::Rows { rows: vec![same(), same()], total: 5_000 };
        assert_eq!(
            answer_of(found, Shape::Flat, &NAMES),
            json!({"sf_records_0_Id": "1", "sf_records_0_A.B": "x", "sf_records_1_Id": "1",
                   "sf_records_1_A.B": "x", "sf_count": "5000"})
        );
    }

    #[test]
    fn child_rows_keep_their_place() {
        let found = Found::First {
            row: Some(row(json!({"Cases": {"totalSize": 2, "records": [{"Id": "a"}, {"Id": "b"}]}}))),
            total: 1,
        };
        assert_eq!(
            answer_of(found, Shape::Flat, &NAMES),
            json!({"Cases.totalSize": "2", "Cases.records_0.Id": "a", "Cases.records_1.Id": "b", "sf_count": "1"})
        );
    }

    #[test]
    fn a_flat_answer_never_outgrows_what_a_contact_flow_takes() {
        let long = || row(json!({"Description": "x".repeat(10_000)}));
        let found = Found::Rows { rows: (0..9).map(|_| long()).collect(), total: 9 };
        let answer = answer_of(found, Shape::Flat, &NAMES);
        assert_eq!(answer.as_object().unwrap().len(), 4);
        assert_eq!(answer["sf_count"], "9");
        assert!(answer.to_string().len() < 32 * 1024);
    }

    #[test]
    fn a_nested_answer_is_what_the_crm_said() {
        let answer = answer_of(Found::First { row: Some(anna()), total: 1 }, Shape::Nested, &NAMES);
        assert_eq!(answer["Account"]["Name"], "Acme");
        assert_eq!(answer["sf_count"], 1);
        let rows = answer_of(Found::Rows { rows: vec![anna()], total: 1 }, Shape::Nested, &NAMES);
        assert_eq!(rows["sf_records"][0]["Age"], 41);
        let created = Found::Created(RecordId::new("500").unwrap());
        assert_eq!(answer_of(created, Shape::Flat, &NAMES), json!({"Id": "500"}));
    }
}
