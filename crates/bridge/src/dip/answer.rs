use serde_json::Value;
use tieline_core::JsonMap;

use super::find::CallerMatch;
use super::{Budget, Found, fit_one};

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
    /// Says `true` in an answer that did not fit whole.
    pub truncated: &'static str,
    /// How a change that was made is called, and what it says.
    pub done: (&'static str, &'static str),
}

/// Puts what was found into the shape that was asked for. What does not fit into an answer
/// ([`ANSWER_LIMIT`](super::ANSWER_LIMIT)) is left out: rows whole, of a single row its largest
/// fields. The count still says how many there are.
pub fn answer_of(found: Found, shape: Shape, names: &Names) -> Value {
    match shape {
        Shape::Flat => Value::Object(flat(found, names)),
        Shape::Nested => Value::Object(nested(found, names)),
    }
}

fn flat(found: Found, names: &Names) -> JsonMap {
    let mut answer = JsonMap::new();
    let mut cut = false;
    let total = match found {
        Found::First { row, total } | Found::Party { row, total, .. } => {
            if let Some(row) = row {
                flatten_row(&row, "", names, &mut answer);
            }
            cut = fit_one(&mut answer);
            total
        }
        Found::Rows { rows, total } => {
            let mut budget = Budget::new();
            for (i, row) in rows.iter().enumerate() {
                let mut one = JsonMap::new();
                flatten_row(row, &format!("{}_{i}_", names.rows), names, &mut one);
                if !budget.take(&one) {
                    cut = true;
                    if i == 0 {
                        fit_one(&mut one);
                        answer = one;
                    }
                    break;
                }
                answer.extend(one);
            }
            cut |= rows.len() < total && !rows.is_empty();
            total
        }
        Found::Created(id) => {
            answer.insert(names.id.into(), Value::String(id.into()));
            return answer;
        }
        Found::Callers { matches, total } => {
            answer.insert("match_count".into(), Value::String(total.to_string()));
            for (i, one) in matches.iter().enumerate() {
                flatten_row(&told(one), &format!("match_{i}_"), names, &mut answer);
            }
            return answer;
        }
        Found::Changed(id) => return changed(id, names),
    };
    answer.insert(names.count.into(), Value::String(total.to_string()));
    if cut {
        answer.insert(names.truncated.into(), "true".into());
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

fn changed(id: String, names: &Names) -> JsonMap {
    let (name, text) = names.done;
    JsonMap::from_iter([(names.id.into(), id.into()), (name.into(), text.into())])
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

fn nested(found: Found, names: &Names) -> JsonMap {
    let (mut answer, total, cut) = match found {
        Found::First { row, total } | Found::Party { row, total, .. } => {
            let mut answer = row.unwrap_or_default();
            let cut = fit_one(&mut answer);
            (answer, total, cut)
        }
        Found::Rows { mut rows, total } => {
            let mut budget = Budget::new();
            // Two brackets for the commas and braces of a row.
            let fitting = rows.iter().take_while(|row| budget.take(*row) && budget.take_bytes(2)).count();
            let cut = fitting < rows.len() || (rows.len() < total && !rows.is_empty());
            if fitting == 0
                && let Some(first) = rows.first_mut()
            {
                fit_one(first);
            }
            rows.truncate(fitting.max(1));
            let rows = rows.into_iter().map(Value::Object).collect();
            (JsonMap::from_iter([(names.rows.into(), Value::Array(rows))]), total, cut)
        }
        Found::Created(id) => {
            return JsonMap::from_iter([(names.id.into(), Value::String(id.into()))]);
        }
        Found::Callers { matches, total } => {
            let matches = matches.iter().map(|one| Value::Object(told(one))).collect();
            return JsonMap::from_iter([
                ("match_count".into(), total.into()),
                ("matches".into(), Value::Array(matches)),
            ]);
        }
        Found::Changed(id) => return changed(id, names),
    };
    answer.insert(names.count.into(), total.into());
    if cut {
        answer.insert(names.truncated.into(), "true".into());
    }
    answer
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tieline_core::RecordId;

    use super::*;
    use crate::dip::ANSWER_LIMIT;

    const NAMES: Names = Names {
        count: "sf_count",
        rows: "sf_records",
        id: "Id",
        about: "attributes",
        truncated: "truncated",
        done: ("Status", "204"),
    };

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
                   "sf_records_1_A.B": "x", "sf_count": "5000", "truncated": "true"})
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
    fn rows_that_do_not_fit_are_left_out_whole_and_the_answer_says_so() {
        let long = || row(json!({"Id": "1", "Description": "x\n".repeat(5_000)}));
        let found = || Found::Rows { rows: (0..9).map(|_| long()).collect(), total: 9 };
        let answer = answer_of(found(), Shape::Flat, &NAMES);
        assert_eq!(
            answer.as_object().unwrap().keys().collect::<Vec<_>>(),
            [
                "sf_records_0_Id",
                "sf_records_0_Description",
                "sf_records_1_Id",
                "sf_records_1_Description",
                "sf_count",
                "truncated"
            ]
        );
        assert_eq!((&answer["sf_count"], &answer["truncated"]), (&json!("9"), &json!("true")));
        assert!(answer.to_string().len() <= ANSWER_LIMIT);
        let nested = answer_of(found(), Shape::Nested, &NAMES);
        assert_eq!(nested["sf_records"].as_array().unwrap().len(), 2);
        assert_eq!((&nested["sf_count"], &nested["truncated"]), (&json!(9), &json!("true")));
        assert!(nested.to_string().len() <= ANSWER_LIMIT);
    }

    #[test]
    fn an_answer_is_as_full_as_it_can_be() {
        let rows = |n: usize| Found::Rows {
            rows: (0..n).map(|_| row(json!({"Id": "003000000000001AAA"}))).collect(),
            total: n,
        };
        for shape in [Shape::Flat, Shape::Nested] {
            let size = answer_of(rows(3_000), shape, &NAMES).to_string().len();
            assert!((ANSWER_LIMIT - 200..=ANSWER_LIMIT).contains(&size), "{size}");
        }
        let few = answer_of(rows(3), Shape::Flat, &NAMES);
        assert_eq!(few.as_object().unwrap().len(), 4, "nothing is said of what fits: {few}");
    }

    #[test]
    fn of_one_huge_row_the_largest_fields_are_left_out() {
        let huge = || row(json!({"Id": "1", "Description": "x".repeat(40_000), "Name": "Ann"}));
        for shape in [Shape::Flat, Shape::Nested] {
            let one = answer_of(Found::First { row: Some(huge()), total: 1 }, shape, &NAMES);
            assert_eq!(
                (&one["Id"], &one["Name"], &one["truncated"]),
                (&json!("1"), &json!("Ann"), &json!("true"))
            );
            assert_eq!(one.get("Description"), None);
        }
        let rows = || Found::Rows { rows: vec![huge(), row(json!({"Id": "2"}))], total: 2 };
        assert_eq!(
            answer_of(rows(), Shape::Flat, &NAMES),
            json!({"sf_records_0_Id": "1", "sf_records_0_Name": "Ann", "sf_count": "2", "truncated": "true"})
        );
        assert_eq!(
            answer_of(rows(), Shape::Nested, &NAMES),
            json!({"sf_records": [{"Id": "1", "Name": "Ann"}], "sf_count": 2, "truncated": "true"})
        );
    }

    #[test]
    fn a_change_names_the_record_and_says_that_it_was_made() {
        let answer = answer_of(Found::Changed("500".into()), Shape::Flat, &NAMES);
        assert_eq!(answer, json!({"Id": "500", "Status": "204"}));
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
