use std::collections::BTreeMap;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tieline_core::{AgentId, Contact, ContactId, JsonMap, RecordId, WorkspaceName, hex};

use super::value::{clean, has_ended, value_of};
use super::who::Who;
use crate::merge::PartyPart;
use crate::profile::{Fact, FieldRule, FieldSource, Key, Profile, RecordProfile};

/// Longest key of a record, in characters.
const KEY_LENGTH: usize = 255;

/// Everything a projection looks at.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    pub workspace: &'a WorkspaceName,
    pub contact_id: &'a ContactId,
    pub contact: &'a Contact,
    /// `None` before the CRM was asked.
    pub party: Option<&'a PartyPart>,
    /// Fields a flow asked for, already in the CRM's spelling.
    pub flow: Option<&'a JsonMap>,
    /// The agent's user in the CRM.
    pub agent: Option<&'a AgentId>,
    /// Records this contact has become, by object.
    pub records: &'a BTreeMap<String, RecordId>,
    /// Two letters; the country of numbers without `+`.
    pub region: &'a str,
}

/// One record as it should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Projected {
    pub object: String,
    pub key_field: String,
    pub key: String,
    pub fields: JsonMap,
    /// Of object and fields.
    pub hash: String,
    /// Object and key of the record that should be written first.
    pub after: Option<(String, String)>,
}

/// The records `known` should become, in the order they are written.
pub fn project(profile: &Profile, known: &Known<'_>) -> Vec<Projected> {
    let skipped = |record: &RecordProfile| known.contact.direction.is_some_and(|d| record.skip.contains(&d));
    let wanted: Vec<&RecordProfile> = profile.records.iter().filter(|record| !skipped(record)).collect();
    let who = Who::of(profile, known);
    wanted
        .iter()
        .map(|record| {
            let fields = fields_of(record, known, &who);
            let before = record.after.as_ref().and_then(|object| wanted.iter().find(|r| r.object == *object));
            Projected {
                object: record.object.clone(),
                key_field: record.key_field.clone(),
                key: key_of(record.key, known.workspace, known.contact_id),
                hash: hash_of(&record.object, &fields),
                after: before.map(|r| (r.object.clone(), key_of(r.key, known.workspace, known.contact_id))),
                fields,
            }
        })
        .collect()
}

/// The key of a contact's record. Where it would be too long the contact's SHA-256 stands for
/// the contact.
pub fn key_of(key: Key, workspace: &WorkspaceName, contact: &ContactId) -> String {
    let whole = |contact: &str| match key {
        Key::Contact => contact.to_owned(),
        Key::WorkspaceContact => format!("{workspace}:{contact}"),
    };
    let plain = whole(contact.as_str());
    if plain.encode_utf16().count() <= KEY_LENGTH {
        return plain;
    }
    whole(&hex(&Sha256::digest(contact.as_str().as_bytes())))
}

fn fields_of(record: &RecordProfile, known: &Known<'_>, who: &Who<'_>) -> JsonMap {
    let mut fields = JsonMap::new();
    let ended = has_ended(known.contact);
    for rule in &record.fields {
        if let Some(value) = field_value(rule, known, who) {
            fields.insert(rule.field.clone(), value);
        }
    }
    if let Some(flow) = known.flow.filter(|_| record.flow) {
        for (field, value) in flow {
            let closed = ended && record.fields.iter().any(|rule| rule.closing && rule.field == *field);
            if *field != record.key_field && !(closed && fields.contains_key(field)) {
                fields.insert(field.clone(), clean(value.clone(), None));
            }
        }
    }
    fields
}

fn field_value(rule: &FieldRule, known: &Known<'_>, who: &Who<'_>) -> Option<Value> {
    if !rule.channels.is_empty() && !known.contact.channel.is_some_and(|c| rule.channels.contains(&c)) {
        return None;
    }
    if who.person.as_ref().is_some_and(|person| rule.unless_person.contains(&person.object)) {
        return None;
    }
    let value = match &rule.source {
        FieldSource::Fixed(value) => value.clone(),
        FieldSource::Fact(fact) => {
            let party = match fact {
                Fact::Person => who.person.as_ref(),
                Fact::Company => who.company.as_ref(),
                _ => None,
            };
            if !rule.only.is_empty() && !party.is_some_and(|party| rule.only.contains(&party.object)) {
                return None;
            }
            // A call's length is only known once it is over.
            if rule.closing && *fact == Fact::CallSecs && !has_ended(known.contact) {
                return None;
            }
            value_of(fact, known, who)?
        }
    };
    if rule.words.is_empty() {
        return Some(clean(value, rule.max));
    }
    rule.words.get(value.as_str()?).map(|word| word.as_str().into())
}

fn hash_of(object: &str, fields: &JsonMap) -> String {
    // Sorted: a field map that was only reordered must not write everything again.
    let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
    let text = serde_json::to_string(&(object, sorted)).unwrap_or_default();
    hex(&Sha256::digest(text.as_bytes()))
}
