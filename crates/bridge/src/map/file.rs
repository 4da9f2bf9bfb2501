use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::header::Headers;
use super::path::Path;
use super::rule::{Field, FieldMap, Kind, Shape, Source};
use crate::profile::{ProfileError, ProfileProblem, is_name};

/// One map as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MapFile {
    /// `built-in`: the map that comes with Tieline under the same name, with these fields added.
    extends: Option<String>,
    object: Option<String>,
    key_field: Option<String>,
    key: Option<String>,
    /// Fields of the extended map to leave out.
    #[serde(default)]
    without: Vec<String>,
    #[serde(default)]
    fields: toml::Table,
    /// Of a report: fields by the header of their column, where the rule of headers gives another.
    headers: Option<BTreeMap<String, String>>,
}

/// One field as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    from: Option<String>,
    value: Option<Value>,
    #[serde(default)]
    when: OneOrMore,
    #[serde(default)]
    json_text: bool,
    #[serde(default)]
    int: bool,
    join: Option<String>,
    max: Option<usize>,
    default: Option<Value>,
    #[serde(default)]
    skip_empty: bool,
    packaged: Option<bool>,
    kind: Option<Kind>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(untagged, expecting = "expected a path, or a list of paths")]
enum OneOrMore {
    #[default]
    None,
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::None => Vec::new(),
            Self::One(one) => vec![one],
            Self::More(more) => more,
        }
    }
}

/// Whether a text means to extend the built-in map; a text that cannot be read does not.
pub(super) fn extends(text: &str) -> bool {
    toml::from_str::<toml::Table>(text).is_ok_and(|table| table.contains_key("extends"))
}

/// Reads a whole map, or, with `base`, one that extends it. `file` begins every place.
pub(super) fn read(file: &str, text: &str, base: Option<&FieldMap>) -> Result<FieldMap, ProfileError> {
    let read: MapFile = match toml::from_str(text) {
        Ok(read) => read,
        Err(error) => {
            let place = match error.span() {
                Some(span) => {
                    let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
                    joined(file, &format!("line {line}"))
                }
                None => joined(file, "the file"),
            };
            return Err(ProfileError {
                problems: vec![ProfileProblem { place, message: error.message().to_owned() }],
            });
        }
    };
    let mut problems = Problems { file, list: Vec::new() };
    let map = match (&read.extends, base) {
        (Some(word), Some(base)) => {
            if word != "built-in" {
                problems.add("extends", format!("`{word}` is nothing to extend; write \"built-in\""));
            }
            Some(extended(read, base, &mut problems))
        }
        (Some(_), None) => {
            problems.add(
                "extends",
                "no map of this name comes with Tieline; name `object`, `key_field`, `key` and all fields instead",
            );
            None
        }
        (None, _) => whole(read, &mut problems),
    };
    match map {
        Some(map) if problems.list.is_empty() => Ok(map),
        _ => Err(ProfileError { problems: problems.list }),
    }
}

struct Problems<'a> {
    file: &'a str,
    list: Vec<ProfileProblem>,
}

impl Problems<'_> {
    fn add(&mut self, place: &str, message: impl Into<String>) {
        self.list.push(ProfileProblem { place: joined(self.file, place), message: message.into() });
    }

    fn path(&mut self, place: &str, text: &str) -> Option<Path> {
        Path::parse(text).map_err(|message| self.add(place, message)).ok()
    }
}

fn joined(file: &str, place: &str) -> String {
    if file.is_empty() { place.to_owned() } else { format!("{file}: {place}") }
}

fn whole(read: MapFile, problems: &mut Problems<'_>) -> Option<FieldMap> {
    let mut needed = |place: &str, given: Option<String>, example: &str| {
        if given.is_none() {
            problems.add(place, format!("is missing; write for example {place} = \"{example}\""));
        }
        given
    };
    let object = needed("object", read.object, "AC_ContactTraceRecord__c");
    let key_field = needed("key_field", read.key_field, "ContactId__c");
    let key = needed("key", read.key, "ContactId");
    if !read.without.is_empty() {
        problems.add("without", "only a map that extends the built-in one has fields to leave out");
    }
    for (place, name) in [("object", &object), ("key_field", &key_field)] {
        if let Some(name) = name
            && !is_name(name)
        {
            problems.add(place, format!("`{name}` is no name of the CRM"));
        }
    }
    if read.fields.is_empty() {
        problems.add("fields", "at least one field is needed");
    }
    let key = key.and_then(|text| source("key", &text, problems));
    let mut fields = Vec::new();
    for (name, rule) in read.fields {
        if key_field.as_deref() == Some(name.as_str()) {
            problems.add(&format!("fields.{name}"), "the key is set by `key`");
        }
        fields.extend(field(name, rule, true, problems));
    }
    let headers = read.headers.map(|given| headers(Headers::default(), given, true, problems));
    Some(FieldMap { object: object?, key_field: key_field?, key: key?, fields, headers })
}

fn extended(read: MapFile, base: &FieldMap, problems: &mut Problems<'_>) -> FieldMap {
    for (place, given) in [
        ("object", read.object.is_some()),
        ("key_field", read.key_field.is_some()),
        ("key", read.key.is_some()),
    ] {
        if given {
            problems.add(place, "is the built-in map's; leave this line out, or `extends`");
        }
    }
    let mut map = base.clone();
    for name in &read.without {
        let before = map.fields.len();
        map.fields.retain(|field| field.name != *name);
        if map.fields.len() == before {
            problems.add("without", format!("the built-in map has no field `{name}`"));
        }
    }
    for (name, rule) in read.fields {
        if name == base.key_field {
            problems.add(&format!("fields.{name}"), "the key is set by the built-in map");
        }
        let place = base.fields.iter().position(|field| field.name == name);
        // A field the package does not have is one the org has made itself.
        if let Some(field) = field(name, rule, place.is_some(), problems) {
            map.fields.retain(|known| known.name != field.name);
            map.fields.push(field);
        }
    }
    match (read.headers, map.headers.take()) {
        (Some(given), Some(known)) => map.headers = Some(headers(known, given, false, problems)),
        (Some(_), None) => problems.add("headers", "the built-in map is of no report"),
        (None, known) => map.headers = known,
    }
    map
}

fn headers(
    mut known: Headers,
    given: BTreeMap<String, String>,
    packaged: bool,
    problems: &mut Problems<'_>,
) -> Headers {
    for (header, field) in given {
        if !field.is_empty() && !is_name(&field) {
            problems.add(
                &format!("headers.{header}"),
                format!("`{field}` is no name of the CRM; write \"\" to leave the column out"),
            );
        }
        known.put(&header, field, packaged);
    }
    known
}

fn source(place: &str, text: &str, problems: &mut Problems<'_>) -> Option<Source> {
    if let Some(word) = text.strip_prefix("context.") {
        return match word {
            "region" => Some(Source::Region),
            "now" => Some(Source::Now),
            _ => {
                problems.add(
                    place,
                    format!("`{text}` is not known; there are `context.region` and `context.now`"),
                );
                None
            }
        };
    }
    match text.strip_prefix("extra.") {
        Some(rest) => problems.path(place, rest).map(Source::Extra),
        None => problems.path(place, text).map(Source::Member),
    }
}

fn field(name: String, rule: toml::Value, packaged: bool, problems: &mut Problems<'_>) -> Option<Field> {
    let place = format!("fields.{name}");
    if !is_name(&name) {
        problems.add(&place, format!("`{name}` is no name of the CRM"));
    }
    let rule = match rule {
        // `Language__c = "Attributes.language"` is short for `{ from = … }`.
        toml::Value::String(from) => {
            toml::Value::Table(toml::Table::from_iter([("from".into(), from.into())]))
        }
        rule @ toml::Value::Table(_) => rule,
        _ => {
            problems
                .add(&place, "must be a path, or a table such as { from = \"Agent.Username\", max = 255 }");
            return None;
        }
    };
    let rule: RuleFile = match rule.try_into() {
        Ok(rule) => rule,
        Err(error) => {
            problems.add(&place, error.message());
            return None;
        }
    };
    let source = match (rule.from, rule.value) {
        (Some(text), None) => source(&place, &text, problems),
        (None, Some(value)) if is_plain(&value) => Some(Source::Fixed(value)),
        (None, Some(_)) => {
            problems.add(&place, "`value` must be a text, a number or a flag");
            None
        }
        (Some(_), Some(_)) => {
            problems.add(&place, "`from` and `value` exclude each other");
            None
        }
        (None, None) => {
            problems.add(&place, "either `from` (a path in the document) or `value` is needed");
            None
        }
    };
    if rule.max == Some(0) {
        problems.add(&place, "`max` must be at least 1");
    }
    if rule.default.as_ref().is_some_and(|value| !is_plain(value)) {
        problems.add(&place, "`default` must be a text, a number or a flag");
    }
    if rule.default.is_some() && rule.skip_empty {
        problems.add(&place, "`default` and `skip_empty` exclude each other");
    }
    let when: Vec<Path> =
        rule.when.into_vec().iter().filter_map(|text| problems.path(&place, text)).collect();
    let shape = match (rule.json_text, rule.int, rule.join) {
        (false, false, None) => Shape::Plain,
        (true, false, None) => Shape::JsonText,
        (false, true, None) => Shape::Int,
        (false, false, Some(between)) => Shape::Join(between),
        _ => {
            problems.add(&place, "`json_text`, `int` and `join` exclude each other");
            return None;
        }
    };
    Some(Field {
        name,
        packaged: rule.packaged.unwrap_or(packaged),
        source: source?,
        when,
        shape,
        max: rule.max,
        default: rule.default,
        skip_empty: rule.skip_empty,
        kind: rule.kind,
    })
}

fn is_plain(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}
