use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tieline_core::JsonMap;

use super::load::is_name;

/// How a flow's call log is turned into fields of the record.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spelling {
    /// Misspelt names and what they mean; a field that is there under its right name wins.
    pub rename: BTreeMap<String, String>,
    /// Fields that cannot be written.
    pub drop: Vec<String>,
    /// The CRM's spelling of words, by field, compared without case.
    pub words: BTreeMap<String, BTreeMap<String, String>>,
    /// Fields made of several inputs joined with ` - `, empty ones skipped.
    pub join: BTreeMap<String, Vec<String>>,
    /// An input that holds further fields.
    pub more: Option<String>,
}

impl Spelling {
    /// Turns what a flow asked for into fields of the record; the second part says what was left
    /// out and why, for the trace. Empty text means "do not set".
    pub fn fields(&self, asked: &JsonMap) -> (JsonMap, Vec<String>) {
        let mut fields = JsonMap::new();
        let mut notes = Vec::new();
        for (target, inputs) in &self.join {
            let pieces: Vec<&str> = inputs
                .iter()
                .filter_map(|input| asked.get(input)?.as_str())
                .map(str::trim)
                .filter(|piece| !piece.is_empty())
                .collect();
            if !pieces.is_empty() {
                fields.insert(target.clone(), pieces.join(" - ").into());
            }
        }
        let more = self.more.as_ref().and_then(|name| asked.get(name)?.as_object());
        for (name, value) in asked.iter().chain(more.into_iter().flatten()) {
            if Some(name) == self.more.as_ref() || self.join.values().flatten().any(|input| input == name) {
                continue;
            }
            if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
                continue;
            }
            if self.drop.iter().any(|dropped| dropped.eq_ignore_ascii_case(name)) {
                notes.push(format!("`{name}` cannot be written and was left out"));
                continue;
            }
            if !is_name(name) || value.is_object() || value.is_array() {
                notes.push(format!("`{name}` is no field that can be written and was left out"));
                continue;
            }
            let (name, renamed) = match self.rename.get(name) {
                Some(right) => (right.as_str(), true),
                None => (name.as_str(), false),
            };
            if renamed && (asked.contains_key(name) || fields.contains_key(name)) {
                continue;
            }
            fields.insert(name.to_owned(), self.word(name, value));
        }
        (fields, notes)
    }

    fn word(&self, field: &str, value: &Value) -> Value {
        let text = value.as_str();
        let known = text.and_then(|text| {
            self.words
                .get(field)?
                .iter()
                .find(|(word, _)| word.eq_ignore_ascii_case(text))
                .map(|(_, word)| word)
        });
        known.map_or_else(|| value.clone(), |word| word.as_str().into())
    }
}

#[cfg(test)]
mod tests {
    use crate::profile::Profile;

    #[test]
    fn a_flows_call_log_is_spelt_as_the_crm_wants_it() {
        let profile = Profile::built_in("amazon-connect", "salesforce").unwrap();
        let asked = serde_json::from_str(
            r#"{"CallType":"inbound","TaskSubType":"Task","TaskSubtype":"Call","IsClosed":true,"Priority":"",
                "subject1":"HVS","subject2":"","subject3":"voice","fields":{"Description":"x","Empty__c":""},
                "Status":"In Progress","Nested":{"a":1}}"#,
        )
        .unwrap();
        let (fields, notes) = profile.call_log().unwrap().spelling.fields(&asked);
        assert_eq!(
            serde_json::json!([fields, notes]),
            serde_json::json!([
                {
                    "Subject": "HVS - voice",
                    "CallType": "Inbound",
                    "TaskSubtype": "Call",
                    "Status": "In Progress",
                    "Description": "x"
                },
                [
                    "`IsClosed` cannot be written and was left out",
                    "`Nested` is no field that can be written and was left out"
                ]
            ])
        );
    }
}
