use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde_json::Value;
use tieline_core::{Channel, Direction};

use super::{Chosen, Fact, FieldRule, FieldSource, Key, Profile, RecordProfile, Spelling, Write};

/// One thing wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileProblem {
    /// File and field, for example `task.toml: fields.Status`.
    pub place: String,
    pub message: String,
}

/// All that is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError {
    pub problems: Vec<ProfileProblem>,
}

impl std::error::Error for ProfileError {}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the field map has problems")?;
        for problem in &self.problems {
            write!(f, "\n  {}: {}", problem.place, problem.message)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordFile {
    object: String,
    key_field: String,
    key: Key,
    write: Write,
    #[serde(default)]
    flow: bool,
    after: Option<String>,
    #[serde(default)]
    skip: Vec<Direction>,
    fields: toml::Table,
    chosen: Option<Chosen>,
    #[serde(default)]
    spelling: Spelling,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    from: Option<String>,
    value: Option<Value>,
    max: Option<usize>,
    #[serde(default)]
    words: BTreeMap<String, String>,
    #[serde(default)]
    closing: bool,
    #[serde(default)]
    channels: Vec<Channel>,
    #[serde(default)]
    only: Vec<String>,
    #[serde(default)]
    unless_person: Vec<String>,
}

impl Profile {
    /// Reads a profile's files, each with its name, in the order the records are to be written.
    ///
    /// # Errors
    ///
    /// All problems of all files.
    pub fn load(files: &[(&str, &str)]) -> Result<Self, ProfileError> {
        let mut records: Vec<RecordProfile> = Vec::new();
        let mut problems = Vec::new();
        for (file, text) in files {
            match toml::from_str::<RecordFile>(text) {
                Ok(read) => {
                    let record = checked(file, read, &records, &mut problems);
                    records.push(record);
                }
                Err(error) => {
                    problems.push(ProfileProblem { place: (*file).to_owned(), message: error.to_string() });
                }
            }
        }
        if problems.is_empty() { Ok(Self { records }) } else { Err(ProfileError { problems }) }
    }
}

fn checked(
    file: &str,
    read: RecordFile,
    earlier: &[RecordProfile],
    problems: &mut Vec<ProfileProblem>,
) -> RecordProfile {
    let mut problem = |place: &str, message: String| {
        problems.push(ProfileProblem { place: format!("{file}: {place}"), message });
    };
    for (place, name) in [("object", &read.object), ("key_field", &read.key_field)] {
        if !is_name(name) {
            problem(place, format!("`{name}` is no name of the CRM"));
        }
    }
    if earlier.iter().any(|record| record.object == read.object) {
        problem("object", format!("`{}` is mapped twice", read.object));
    }
    if let Some(after) = &read.after
        && !earlier.iter().any(|record| record.object == *after)
    {
        problem("after", format!("no file before this one maps `{after}`"));
    }
    if read.flow && earlier.iter().any(|record| record.flow) {
        problem("flow", "only one record can take the fields of a flow".into());
    }
    let mut fields = Vec::new();
    for (field, rule) in read.fields {
        let place = format!("fields.{field}");
        if !is_name(&field) {
            problem(&place, format!("`{field}` is no name of the CRM"));
        }
        if field == read.key_field {
            problem(&place, "the key is set by `key`".into());
        }
        match rule.try_into::<RuleFile>() {
            Ok(rule) => {
                let (rule, wrong) = field_rule(field, rule, earlier);
                for message in wrong {
                    problem(&place, message);
                }
                fields.extend(rule);
            }
            Err(error) => problem(&place, error.message().to_owned()),
        }
    }
    RecordProfile {
        object: read.object,
        key_field: read.key_field,
        key: read.key,
        write: read.write,
        flow: read.flow,
        after: read.after,
        skip: read.skip,
        fields,
        chosen: read.chosen,
        spelling: read.spelling,
    }
}

fn field_rule(field: String, rule: RuleFile, earlier: &[RecordProfile]) -> (Option<FieldRule>, Vec<String>) {
    let mut wrong = Vec::new();
    let source = match (rule.from, rule.value) {
        (Some(_), Some(_)) => {
            wrong.push("`from` and `value` exclude each other".into());
            None
        }
        (None, None) => {
            wrong.push("either `from` or `value` is needed".into());
            None
        }
        (None, Some(value)) => Some(FieldSource::Fixed(value)),
        (Some(word), None) => {
            let fact = Fact::parse(&word);
            if fact.is_none() {
                wrong.push(format!("`{word}` is nothing that is known of a contact"));
            }
            fact.map(FieldSource::Fact)
        }
    };
    if rule.max == Some(0) {
        wrong.push("`max` must be at least 1".into());
    }
    let fact = match &source {
        Some(FieldSource::Fact(fact)) => Some(fact),
        _ => None,
    };
    if !rule.words.is_empty() && source.is_some() {
        match fact.and_then(Fact::words) {
            Some(known) => {
                for word in rule.words.keys().filter(|word| !known.contains(&word.as_str())) {
                    wrong.push(format!("`{word}` is none of {}", known.join(", ")));
                }
                for word in known.iter().filter(|word| !rule.words.contains_key(**word)) {
                    wrong.push(format!("`{word}` has no word of the CRM"));
                }
            }
            None => wrong.push("`words` needs a fact that is one of a few words".into()),
        }
    }
    if !rule.only.is_empty() && !fact.is_some_and(Fact::is_party) {
        wrong.push("`only` needs `person` or `company`".into());
    }
    if let Some(Fact::Record(object)) = fact
        && !earlier.iter().any(|record| record.object == *object)
    {
        wrong.push(format!("no file before this one maps `{object}`"));
    }
    let rule = source.map(|source| FieldRule {
        field,
        source,
        max: rule.max,
        words: rule.words,
        closing: rule.closing,
        channels: rule.channels,
        only: rule.only,
        unless_person: rule.unless_person,
    });
    (rule, wrong)
}

/// What may be sent as a name of an object or field.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 255
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_problems_of_a_map_are_told_together_each_with_its_place() {
        let text = r#"
            object = "Thing__c"
            key_field = "Key__c"
            key = "contact"
            write = "all"
            after = "Task"
            [fields]
            Key__c = { value = "x" }
            "Bad Name" = { from = "queue" }
            A__c = { from = "moon" }
            B__c = { from = "queue", value = "x" }
            C__c = { from = "direction", words = { inbound = "In", sideways = "?" } }
            D__c = { from = "queue", max = 0, words = { a = "b" }, only = ["Contact"] }
            E__c = { from = "record:Task", colour = "red" }
            F__c = { from = "record:Task" }
        "#;
        let error = Profile::load(&[("thing.toml", text)]).unwrap_err();
        insta::assert_snapshot!(error.to_string(), @r"
        the field map has problems
          thing.toml: after: no file before this one maps `Task`
          thing.toml: fields.A__c: `moon` is nothing that is known of a contact
          thing.toml: fields.B__c: `from` and `value` exclude each other
          thing.toml: fields.Bad Name: `Bad Name` is no name of the CRM
          thing.toml: fields.C__c: `sideways` is none of inbound, outbound, internal
          thing.toml: fields.C__c: `outbound` has no word of the CRM
          thing.toml: fields.C__c: `internal` has no word of the CRM
          thing.toml: fields.D__c: `max` must be at least 1
          thing.toml: fields.D__c: `words` needs a fact that is one of a few words
          thing.toml: fields.D__c: `only` needs `person` or `company`
          thing.toml: fields.E__c: unknown field `colour`, expected one of `from`, `value`, `max`, `words`, `closing`, `channels`, `only`, `unless_person`
          thing.toml: fields.F__c: no file before this one maps `Task`
          thing.toml: fields.Key__c: the key is set by `key`
        ");
    }
}
