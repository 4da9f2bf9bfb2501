use std::sync::Arc;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Number, Value};
use tieline_core::{JsonMap, OutboxRow, python_json};

use super::header::Headers;
use super::path::Path;
use super::{FieldMaps, file};
use crate::profile::ProfileError;

/// How one kind of document becomes one record of the CRM.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldMap {
    pub(super) object: String,
    pub(super) key_field: String,
    pub(super) key: Source,
    pub(super) fields: Vec<Field>,
    /// Of a report: where its columns go that no field names.
    pub(super) headers: Option<Headers>,
}

/// One field of the record.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Field {
    pub name: String,
    /// Whether the field is the package's and takes its namespace.
    pub packaged: bool,
    pub source: Source,
    /// Members without which the field is left out.
    pub when: Vec<Path>,
    pub shape: Shape,
    /// Longest text, in UTF-16 units; longer text is cut.
    pub max: Option<usize>,
    /// Instead of nothing.
    pub default: Option<Value>,
    /// Nothing leaves the field out rather than emptying it.
    pub skip_empty: bool,
    pub kind: Option<Kind>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Source {
    /// Of the document.
    Member(Path),
    /// Of what the function adds.
    Extra(Path),
    Region,
    Now,
    Fixed(Value),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// As it is; a list or object becomes JSON text.
    Plain,
    JsonText,
    /// A whole number, its fraction dropped.
    Int,
    /// A list's texts with this between them.
    Join(String),
}

/// What a field of the CRM is expected to hold, for the check against the org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Text,
    Number,
    /// An instant.
    Time,
    Flag,
}

/// A field of a map, as the org should have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// With its namespace.
    pub name: String,
    pub kind: Option<Kind>,
    /// Text this long is cut to fit.
    pub max: Option<usize>,
    /// An org without it loses nothing it ever had.
    pub optional: bool,
}

/// What a row is made from beside the document.
#[derive(Debug, Clone, Copy)]
pub struct MapContext<'a> {
    /// Prefix `X__` of the package's own names.
    pub namespace: Option<&'a str>,
    /// Where the contact center is, when the org wants to know.
    pub region: Option<&'a str>,
    pub now: Timestamp,
    /// What the function adds: `from = "extra.…"`.
    pub extra: &'a JsonMap,
}

/// Why a document becomes no row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    #[error("the document is no object")]
    NotAnObject,
    #[error("the document has no key for `{key_field}`")]
    NoKey { key_field: String },
}

impl FieldMap {
    /// Reads one whole map.
    ///
    /// # Errors
    ///
    /// All its problems, each with its place and what to write instead.
    pub fn parse(text: &str) -> Result<Self, ProfileError> {
        file::read("", text, None)
    }

    /// The map `name` (`contact-record`) that comes with Tieline for a pair of kinds.
    pub fn built_in(contact_center: &str, crm: &str, name: &str) -> Option<Arc<Self>> {
        FieldMaps::built_in(contact_center, crm)?.get(name)
    }

    /// The object, with its namespace.
    pub fn object(&self, namespace: Option<&str>) -> String {
        prefixed(&self.object, namespace)
    }

    /// The field rows are upserted by, with its namespace.
    pub fn key_field(&self, namespace: Option<&str>) -> String {
        prefixed(&self.key_field, namespace)
    }

    /// The field that tells where the contact center is, in a CRM that has one.
    pub fn region_column(&self, namespace: Option<&str>) -> Option<String> {
        let field = self.fields.iter().find(|field| field.source == Source::Region)?;
        Some(field.column(namespace))
    }

    /// All fields but the key's.
    pub fn columns(&self, namespace: Option<&str>) -> impl Iterator<Item = Column> {
        let of_headers = self.headers.iter().flat_map(move |headers| headers.fields(namespace));
        let of_headers = of_headers.map(|name| Column { name, kind: None, max: None, optional: true });
        let of_fields = self.fields.iter().map(move |field| Column {
            name: field.column(namespace),
            kind: field.kind.or(match field.shape {
                Shape::JsonText | Shape::Join(_) => Some(Kind::Text),
                Shape::Int => Some(Kind::Number),
                Shape::Plain => None,
            }),
            max: field.max,
            optional: field.source == Source::Region,
        });
        of_fields.chain(of_headers)
    }

    /// What the CRM should hold of `document`: the vendor's document, or one row of a report as an
    /// object. The same document gives the same row.
    pub fn row(&self, document: &Value, context: &MapContext<'_>) -> Result<OutboxRow, MapError> {
        if !document.is_object() {
            return Err(MapError::NotAnObject);
        }
        let key_field = self.key_field(context.namespace);
        let key = match self.key.value(document, context) {
            Some(Value::String(text)) if !text.is_empty() => text,
            Some(Value::Number(number)) => number.to_string(),
            _ => return Err(MapError::NoKey { key_field }),
        };
        let mut fields = JsonMap::new();
        for field in &self.fields {
            if let Some(value) = field.value(document, context) {
                fields.insert(field.column(context.namespace), value);
            }
        }
        if let Some(headers) = &self.headers {
            let own: Vec<String> = fields.keys().cloned().collect();
            for (header, value) in document.as_object().into_iter().flatten() {
                let name = headers.field(header, context.namespace).filter(|_| !self.names(header));
                // What a report says of itself counts less than what is known of it.
                if let Some(name) = name
                    && !own.iter().any(|own| own.eq_ignore_ascii_case(&name))
                {
                    fields.insert(name, plain(value.clone()));
                }
            }
        }
        Ok(OutboxRow {
            object: self.object(context.namespace),
            key_field,
            key,
            record: None,
            fields,
            unless_changed: JsonMap::new(),
        })
    }
}

impl FieldMap {
    /// Whether a field is made from the member `name` of the document.
    fn names(&self, name: &str) -> bool {
        self.fields
            .iter()
            .any(|field| matches!(&field.source, Source::Member(path) if path.begins_with(name)))
    }
}

impl Source {
    /// `None` for what is absent or null.
    fn value(&self, document: &Value, context: &MapContext<'_>) -> Option<Value> {
        match self {
            Self::Member(path) => path.find(document).cloned(),
            Self::Extra(path) => path.find_in(context.extra).cloned(),
            Self::Region => context.region.map(Value::from),
            Self::Now => Some(format!("{:.3}", context.now).into()),
            Self::Fixed(value) => Some(value.clone()),
        }
    }
}

impl Field {
    fn column(&self, namespace: Option<&str>) -> String {
        prefixed(&self.name, namespace.filter(|_| self.packaged))
    }

    /// What the field gets; `None` to leave it out.
    fn value(&self, document: &Value, context: &MapContext<'_>) -> Option<Value> {
        if self.when.iter().any(|path| path.find(document).is_none_or(is_falsy)) {
            return None;
        }
        let found = self.source.value(document, context);
        let found = match found {
            Some(value) if self.skip_empty && is_empty(&value) => return None,
            None if self.skip_empty => return None,
            None => self.default.clone(),
            found => found,
        };
        let value = match &self.shape {
            Shape::JsonText => Value::String(python_json(&found.unwrap_or(Value::Null))),
            Shape::Plain => plain(found.unwrap_or(Value::Null)),
            Shape::Int => whole(&found.unwrap_or(Value::Null)),
            Shape::Join(between) => joined(found.unwrap_or(Value::Null), between),
        };
        Some(cut(value, self.max))
    }
}

/// `X__Name__c` of `Name__c`. Standard names and names of another namespace stay as they are.
pub(super) fn prefixed(name: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) if is_custom(name) => format!("{namespace}__{name}"),
        _ => name.to_owned(),
    }
}

/// `Name__c`, and not `other__Name__c`.
fn is_custom(name: &str) -> bool {
    name.strip_suffix("__c").or_else(|| name.strip_suffix("__r")).is_some_and(|base| !base.contains("__"))
}

/// As Python sees it: what is false, zero or empty.
fn is_falsy(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        value => is_empty(value),
    }
}

/// Nothing to say; zero is something.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// No field of the CRM takes a list or an object, and one would spoil the whole batch.
fn plain(value: Value) -> Value {
    if value.is_array() || value.is_object() { python_json(&value).into() } else { value }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates")]
fn whole(value: &Value) -> Value {
    let number = match value {
        Value::Number(number) if number.is_f64() => number.as_f64(),
        Value::Number(number) => return Value::Number(number.clone()),
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
        Value::Bool(flag) => return Number::from(u8::from(*flag)).into(),
        _ => None,
    };
    number.map_or(Value::Null, |number| Value::from(number as i64))
}

fn joined(value: Value, between: &str) -> Value {
    match value {
        Value::Array(items) => {
            let texts: Vec<String> = items
                .into_iter()
                .filter(|item| !item.is_null())
                .map(|item| match item {
                    Value::String(text) => text,
                    item => python_json(&item),
                })
                .collect();
            texts.join(between).into()
        }
        value => plain(value),
    }
}

fn cut(value: Value, max: Option<usize>) -> Value {
    let (Some(max), Value::String(text)) = (max, &value) else { return value };
    let mut units = 0;
    let end = text.char_indices().find_map(|(at, letter)| {
        units += letter.len_utf16();
        (units > max).then_some(at)
    });
    match end {
        Some(end) => text[..end].into(),
        None => value,
    }
}
