//! Salesforce's rows to our words and back. Pure.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value;
use tieline_core::{JsonMap, PartyMatch, PhoneNumber, RecordId};

use crate::failure::Failure;

/// Removes what Salesforce says about a row beside its fields, in related rows as well.
pub(crate) fn without_attributes(mut row: JsonMap) -> JsonMap {
    strip(&mut row);
    row
}

fn strip(row: &mut JsonMap) {
    row.shift_remove("attributes");
    for value in row.values_mut() {
        match value {
            Value::Object(inner) => strip(inner),
            Value::Array(items) => {
                for item in items {
                    if let Value::Object(inner) = item {
                        strip(inner);
                    }
                }
            }
            _ => {}
        }
    }
}

/// The object a found row belongs to.
pub(crate) fn object_of(row: &JsonMap) -> Option<&str> {
    row.get("attributes")?.get("type")?.as_str()
}

pub(crate) fn text<'a>(row: &'a JsonMap, field: &str) -> Option<&'a str> {
    row.get(field)?.as_str()
}

/// Objects that own numbers, with their phone fields and whether they are persons.
pub(crate) struct PhoneOwner {
    pub object: &'static str,
    pub person: bool,
    pub phones: &'static [&'static str],
    /// Further fields needed to judge a hit.
    pub also: &'static [&'static str],
}

pub(crate) const PHONE_OWNERS: [PhoneOwner; 3] = [
    PhoneOwner {
        object: "Contact",
        person: true,
        phones: &["Phone", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone"],
        also: &[],
    },
    // A converted lead lives on as a Contact.
    PhoneOwner { object: "Lead", person: true, phones: &["Phone", "MobilePhone"], also: &["IsConverted"] },
    PhoneOwner { object: "Account", person: false, phones: &["Phone"], also: &[] },
];

/// The terms to look for `phone` by: however it is written in the org, its digits are one of these.
pub(crate) fn search_terms(phone: &PhoneNumber) -> Vec<String> {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let mut seen = HashSet::new();
    [phone.e164(), &phone.national(), &phone.significant()]
        .into_iter()
        .map(digits)
        .filter(|term| term.len() >= 4 && seen.insert(term.clone()))
        .collect()
}

/// The field of `row` that holds `phone`, however it is written there.
pub(crate) fn matching_field(
    row: &JsonMap,
    owner: &PhoneOwner,
    phone: &PhoneNumber,
    region: Option<&str>,
) -> Option<&'static str> {
    owner.phones.iter().copied().find(|field| {
        text(row, field)
            .is_some_and(|written| PhoneNumber::parse(written, region).is_ok_and(|found| found == *phone))
    })
}

/// One found row as a party, when it is one and really owns `phone`.
pub(crate) fn party(row: &JsonMap, phone: &PhoneNumber, region: Option<&str>) -> Option<PartyMatch> {
    let object = object_of(row)?;
    let owner = PHONE_OWNERS.iter().find(|owner| owner.object == object)?;
    if row.get("IsConverted").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    let field = matching_field(row, owner, phone, region)?;
    Some(PartyMatch {
        record: RecordId::new(text(row, "Id")?).ok()?,
        object: object.to_owned(),
        name: text(row, "Name").unwrap_or_default().to_owned(),
        field: Some(field.to_owned()),
        person: owner.person,
        modified_at: text(row, "LastModifiedDate").and_then(time),
    })
}

/// Persons before companies, then the most recently modified; ids last, so that the order is one.
pub(crate) fn best_first(parties: &mut [PartyMatch]) {
    parties.sort_by(|a, b| {
        b.person
            .cmp(&a.person)
            .then_with(|| b.modified_at.cmp(&a.modified_at))
            .then_with(|| a.record.cmp(&b.record))
    });
}

/// `2026-11-20T09:30:00.000+0000`, as Salesforce writes a time.
pub(crate) fn time(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

/// Whether a field still holds what was written: numbers by value, times by instant, nothing equals nothing.
pub(crate) fn same_value(current: Option<&Value>, was: &Value) -> bool {
    match (current.unwrap_or(&Value::Null), was) {
        (Value::Null, Value::Null) => true,
        // Salesforce keeps an empty text as nothing.
        (Value::Null, Value::String(text)) | (Value::String(text), Value::Null) => text.is_empty(),
        (Value::Number(a), Value::Number(b)) => {
            a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if (a - b).abs() < 1e-9)
        }
        (Value::String(a), Value::String(b)) => {
            a == b || matches!((time(a), time(b)), (Some(a), Some(b)) if a == b)
        }
        (a, b) => a == b,
    }
}

/// The id of a record the org has just made.
pub(crate) fn record_id(id: String) -> Result<RecordId, Failure> {
    RecordId::new(id).map_err(|error| Failure::malformed(201, serde::de::Error::custom(error.to_string())))
}

/// Whether `text` has the form of a record's id: 15 or 18 letters and digits.
pub(crate) fn is_record_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> JsonMap {
        match value {
            Value::Object(row) => row,
            _ => panic!("not an object"),
        }
    }

    fn phone(text: &str) -> PhoneNumber {
        PhoneNumber::parse(text, None).unwrap()
    }

    #[test]
    fn attributes_go_at_every_depth_and_fields_stay() {
        let plain = without_attributes(row(json!({
            "attributes": {"type": "Contact"},
            "Id": "003", "Account": {"attributes": {"type": "Account"}, "Name": "Acme"},
            "Cases": {"totalSize": 1, "records": [{"attributes": {}, "Id": "500"}]},
            "Manager": null
        })));
        assert_eq!(
            Value::Object(plain),
            json!({"Id": "003", "Account": {"Name": "Acme"}, "Cases": {"totalSize": 1, "records": [{"Id": "500"}]},
                   "Manager": null})
        );
    }

    #[test]
    fn a_number_is_recognised_however_it_is_written() {
        let contact = |written: &str| {
            row(json!({"attributes": {"type": "Contact"}, "Id": "003000000000001", "MobilePhone": written}))
        };
        for written in ["+12025550147", "(202) 555-0147", "2025550147", "1-202-555-0147", "202.555.0147"] {
            let found = party(&contact(written), &phone("+12025550147"), Some("US"));
            assert_eq!(found.unwrap().field.as_deref(), Some("MobilePhone"), "{written}");
        }
        for other in ["+442025550147", "(202) 555-0148", "12025550147999", "", "call me"] {
            assert_eq!(party(&contact(other), &phone("+12025550147"), Some("US")), None, "{other}");
        }
    }

    #[test]
    fn an_italian_zero_belongs_to_the_number() {
        let owner =
            row(json!({"attributes": {"type": "Account"}, "Id": "001000000000001", "Phone": "06 5550 0123"}));
        let found = party(&owner, &phone("+390655500123"), Some("IT")).unwrap();
        assert!(!found.person);
        assert_eq!(search_terms(&phone("+390655500123")), ["390655500123", "0655500123"]);
    }

    #[test]
    fn search_terms_cover_the_ways_a_number_is_written() {
        assert_eq!(search_terms(&phone("+442079460018")), ["442079460018", "02079460018", "2079460018"]);
        assert_eq!(search_terms(&phone("+12025550147")), ["12025550147", "2025550147"]);
    }

    #[test]
    fn a_converted_lead_is_not_a_party() {
        let lead = |converted| {
            row(json!({"attributes": {"type": "Lead"}, "Id": "00Q000000000001", "Phone": "+12025550147",
                       "IsConverted": converted}))
        };
        assert!(party(&lead(false), &phone("+12025550147"), None).is_some());
        assert!(party(&lead(true), &phone("+12025550147"), None).is_none());
    }

    #[test]
    fn persons_come_first_then_what_changed_last() {
        let at = |object: &str, id: &str, modified: &str| {
            party(
                &row(json!({"attributes": {"type": object}, "Id": id, "Phone": "+12025550147",
                            "LastModifiedDate": modified})),
                &phone("+12025550147"),
                None,
            )
            .unwrap()
        };
        let mut found = [
            at("Account", "001", "2026-11-20T09:00:00.000+0000"),
            at("Contact", "003", "2026-11-18T09:00:00.000+0000"),
            at("Lead", "00Q", "2026-11-19T09:00:00.000+0000"),
        ];
        best_first(&mut found);
        assert_eq!(found.each_ref().map(|party| party.object.as_str()), ["Lead", "Contact", "Account"]);
    }

    #[test]
    fn what_was_written_is_recognised_again() {
        assert!(same_value(None, &json!(null)));
        assert!(same_value(Some(&json!(5.0)), &json!(5)));
        assert!(same_value(Some(&json!("2026-11-20T09:00:00.000+0000")), &json!("2026-11-20T09:00:00Z")));
        assert!(same_value(Some(&json!(null)), &json!("")));
        assert!(!same_value(Some(&json!("Completed")), &json!("Not Started")));
        assert!(!same_value(Some(&json!(6)), &json!(5)));
    }
}
