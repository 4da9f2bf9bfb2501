use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use tieline_core::{Channel, Direction};

use super::{Fact, Spelling};

/// The records one contact becomes, in the order they are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub records: Vec<RecordProfile>,
}

/// One record of the CRM.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordProfile {
    pub object: String,
    pub key_field: String,
    pub key: Key,
    pub write: Write,
    /// Whether the fields a flow asked for are laid over the map.
    pub flow: bool,
    /// The object whose record should be written first.
    pub after: Option<String>,
    /// Directions that do not become this record.
    pub skip: Vec<Direction>,
    pub fields: Vec<FieldRule>,
    pub chosen: Option<Chosen>,
    pub spelling: Spelling,
}

/// How a record's key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Key {
    #[serde(rename = "contact")]
    Contact,
    #[serde(rename = "workspace:contact")]
    WorkspaceContact,
}

/// What is sent when the record exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Write {
    /// Every field: nobody else writes this record.
    All,
    /// Only what changed since we wrote last, and only where nobody else changed it.
    Changes,
}

/// One field of the record.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldRule {
    pub field: String,
    pub source: FieldSource,
    /// Longest text the field takes, in UTF-16 units; longer text is cut.
    pub max: Option<usize>,
    /// The CRM's words for ours; a word that is not listed is left out.
    pub words: BTreeMap<String, String>,
    /// Part of the closing map: once the contact has ended it wins over what a flow asked for.
    pub closing: bool,
    /// Only for these channels; empty means all.
    pub channels: Vec<Channel>,
    /// Only when the party is one of these objects.
    pub only: Vec<String>,
    /// Not when the person is one of these objects.
    pub unless_person: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum FieldSource {
    Fixed(Value),
    Fact(Fact),
}

/// Which of a flow's fields say who the customer is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    pub person: String,
    pub company: String,
    /// Beginnings of record ids and the objects they name.
    pub prefixes: BTreeMap<String, String>,
}

/// Names and texts.
type Files = &'static [(&'static str, &'static str)];

/// The maps that come with Tieline, by contact center and CRM, in the order they are written.
const BUILT_IN: [(&str, &str, Files); 1] = [(
    "amazon-connect",
    "salesforce",
    &[
        ("task.toml", include_str!("../../../../profiles/amazon-connect/salesforce/task.toml")),
        ("interaction.toml", include_str!("../../../../profiles/amazon-connect/salesforce/interaction.toml")),
    ],
)];

impl Profile {
    /// The map that comes with Tieline for a pair of kinds (`amazon-connect`, `salesforce`).
    pub fn built_in(contact_center: &str, crm: &str) -> Option<Self> {
        let (_, _, files) = BUILT_IN.iter().find(|(from, to, _)| *from == contact_center && *to == crm)?;
        Some(Self::load(files).expect("the maps that come with Tieline are checked by a test"))
    }

    pub fn record(&self, object: &str) -> Option<&RecordProfile> {
        self.records.iter().find(|record| record.object == object)
    }

    /// The record a flow's call log becomes.
    pub fn call_log(&self) -> Option<&RecordProfile> {
        self.records.iter().find(|record| record.flow)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_that_come_with_tieline_load() {
        let profile = Profile::built_in("amazon-connect", "salesforce").unwrap();
        let objects: Vec<&str> = profile.records.iter().map(|record| record.object.as_str()).collect();
        assert_eq!(objects, ["Task", "Interaction__c"]);
        assert_eq!(profile.call_log().unwrap().object, "Task");
        assert!(Profile::built_in("amazon-connect", "sap").is_none());
    }
}
