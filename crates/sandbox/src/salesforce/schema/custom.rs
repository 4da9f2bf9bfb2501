//! Reads custom objects from `packages/salesforce` in source format, so that there is one
//! truth about what our package brings.
//!
//! Types we do not know are an error that names the file: a field silently missing here would
//! be noticed only in a real org.
//!
//! (Salesforce, Metadata API Developer Guide: CustomObject, CustomField. Read 2026-11-20.)

use std::collections::BTreeMap;

use roxmltree::{Document, Node};
use rust_embed::RustEmbed;

use super::standard::{reference, system_fields};
use super::{Field, Kind, Object, PickValue};

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../packages/salesforce/force-app/main/default/objects"]
struct Package;

/// How names of objects begin that the reference package has too.
const SHARED: &str = "AC_";

/// All custom objects of the package: our own first, then those the reference package has too,
/// whose names and fields take `namespace` as in an org where they are managed.
pub(super) fn objects(namespace: Option<&str>) -> Result<Vec<Object>, String> {
    let mut files: BTreeMap<String, Files> = BTreeMap::new();
    for path in Package::iter() {
        let Some((name, rest)) = path.split_once('/') else { continue };
        let Some(data) = Package::get(&path) else { continue };
        let text = String::from_utf8(data.data.into_owned()).map_err(|e| format!("{path}: {e}"))?;
        let entry = files.entry(name.to_owned()).or_default();
        if rest.ends_with(".object-meta.xml") {
            entry.object = Some((path.to_string(), text));
        } else if rest.starts_with("fields/") && rest.ends_with(".field-meta.xml") {
            entry.fields.insert(path.to_string(), text);
        }
    }
    let mut objects = Vec::new();
    let mut files: Vec<(String, Files)> = files.into_iter().collect();
    files.sort_by_key(|(name, _)| name.starts_with(SHARED));
    for (name, files) in files {
        // A folder without an object file extends a standard object; our package has none.
        let Some((path, text)) = &files.object else { continue };
        // Salesforce gives custom objects prefixes in the order of their creation: a00, a01, …
        let prefix = format!("a{:02}", objects.len());
        let namespace = namespace.filter(|_| name.starts_with(SHARED));
        let read = object(&name, text, &files.fields, &prefix, namespace);
        objects.push(read.map_err(|e| format!("{path}: {e}"))?);
    }
    Ok(objects)
}

#[derive(Default)]
struct Files {
    object: Option<(String, String)>,
    fields: BTreeMap<String, String>,
}

fn object(
    name: &str,
    text: &str,
    files: &BTreeMap<String, String>,
    prefix: &str,
    namespace: Option<&str>,
) -> Result<Object, String> {
    let document = Document::parse(text).map_err(|e| e.to_string())?;
    let root = document.root_element();
    let label = child(root, "label").unwrap_or(name);
    let plural = child(root, "pluralLabel").unwrap_or(label);
    let name_node = node(root, "nameField").ok_or("nameField is missing")?;
    let mut name_field =
        Field::new("Name", child(name_node, "label").unwrap_or("Name"), Kind::Text).length(80).name_field();
    name_field.custom = false;
    if child(name_node, "type") == Some("AutoNumber") {
        name_field = name_field.auto_number(child(name_node, "displayFormat").unwrap_or("{00000000}"));
    }

    let (mut fields, last) = system_fields(true);
    fields.push(name_field);
    fields.extend(last);
    for (path, text) in files {
        let mut field = field(text).map_err(|e| format!("{path}: {e}"))?;
        field.name = prefixed(&field.name, namespace);
        fields.push(field);
    }
    let mut object = Object::new(&prefixed(name, namespace), label, plural, prefix, fields);
    object.searchable = child(root, "enableSearch") == Some("true");
    Ok(object)
}

fn prefixed(name: &str, namespace: Option<&str>) -> String {
    namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}__{name}"))
}

fn field(text: &str) -> Result<Field, String> {
    let document = Document::parse(text).map_err(|e| e.to_string())?;
    let root = document.root_element();
    let name = child(root, "fullName").ok_or("fullName is missing")?;
    let label = child(root, "label").unwrap_or(name);
    let number = |tag: &str| child(root, tag).and_then(|t| t.parse::<usize>().ok()).unwrap_or(0);
    let digits = |tag: &str| child(root, tag).and_then(|t| t.parse::<u32>().ok()).unwrap_or(0);
    let flag = |tag: &str| child(root, tag) == Some("true");

    let kind = child(root, "type").ok_or("type is missing")?;
    let mut field = match kind {
        "Text" => Field::new(name, label, Kind::Text).length(number("length")),
        "TextArea" => Field::new(name, label, Kind::TextArea).length(255),
        "LongTextArea" => Field::new(name, label, Kind::LongTextArea).length(number("length")),
        "Phone" => Field::new(name, label, Kind::Phone).length(40).indexed(),
        "Email" => Field::new(name, label, Kind::Email).length(80),
        "Url" => Field::new(name, label, Kind::Url).length(255),
        "Number" => Field::new(name, label, Kind::Double).digits(digits("precision"), digits("scale")),
        "Currency" => Field::new(name, label, Kind::Currency).digits(digits("precision"), digits("scale")),
        "Percent" => Field::new(name, label, Kind::Percent).digits(digits("precision"), digits("scale")),
        "Checkbox" => {
            Field::new(name, label, Kind::Boolean).default(child(root, "defaultValue") == Some("true"))
        }
        "Date" => Field::new(name, label, Kind::Date),
        "DateTime" => Field::new(name, label, Kind::DateTime),
        "Picklist" => picklist(Field::new(name, label, Kind::Picklist).length(255), root)?,
        "Lookup" => {
            let to = child(root, "referenceTo").ok_or("referenceTo is missing")?;
            let relationship = name.replace("__c", "__r");
            let children = child(root, "relationshipName").map(|n| format!("{n}__r"));
            reference(name, label, &[to], &relationship, children.as_deref())
        }
        other => return Err(format!("the sandbox does not know the field type {other}")),
    };
    field.external_id = flag("externalId");
    field.unique = flag("unique");
    field.case_sensitive = flag("caseSensitive");
    Ok(if flag("required") { field.required() } else { field })
}

fn picklist(mut field: Field, root: Node<'_, '_>) -> Result<Field, String> {
    let set = node(root, "valueSet").ok_or("valueSet is missing")?;
    let values = node(set, "valueSetDefinition").ok_or("valueSetDefinition is missing")?;
    for value in
        values.children().filter(|n| n.has_tag_name((values.tag_name().namespace().unwrap_or(""), "value")))
    {
        let text = child(value, "fullName").ok_or("a value has no fullName")?;
        let default = child(value, "default") == Some("true");
        if default {
            field.default = Some(text.into());
        }
        field.values.push(PickValue {
            value: text.to_owned(),
            label: child(value, "label").unwrap_or(text).to_owned(),
            default,
        });
    }
    field.restricted = child(set, "restricted") == Some("true");
    Ok(field)
}

fn node<'a, 'input>(parent: Node<'a, 'input>, name: &str) -> Option<Node<'a, 'input>> {
    parent.children().find(|n| n.is_element() && n.tag_name().name() == name)
}

fn child<'a>(parent: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node(parent, name)?.text()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_brings_the_interaction_with_its_unique_key() {
        let objects = objects(None).unwrap();
        let interaction = objects.iter().find(|o| o.name == "Interaction__c").unwrap();
        let key = interaction.field("key__c").unwrap();
        assert!(key.external_id && key.unique && key.required && key.case_sensitive);
        assert_eq!(key.length, 255);
        assert_eq!(interaction.relationship("Contact__r").unwrap().references, ["Contact"]);
        assert_eq!(interaction.field("Channel__c").unwrap().values[0].value, "Voice");
        assert_eq!(interaction.name_field().unwrap().auto_number.as_deref(), Some("INT-{00000000}"));
        assert_eq!(interaction.prefix, "a00");
    }

    #[test]
    fn what_the_reference_package_has_too_takes_a_namespace() {
        let plain = objects(None).unwrap();
        let record = plain.iter().find(|object| object.name == "AC_ContactTraceRecord__c").unwrap();
        let key = record.field("ContactId__c").unwrap();
        assert!(key.external_id && key.unique && key.case_sensitive);
        let managed = objects(Some("amazonconnect")).unwrap();
        let named = |name: &str| managed.iter().find(|object| object.name == name);
        let record = named("amazonconnect__AC_ContactTraceRecord__c").unwrap();
        assert!(
            record.field("amazonconnect__ContactId__c").is_some() && record.field("ContactId__c").is_none()
        );
        assert_eq!(named("Interaction__c").unwrap().prefix, "a00", "ours stays as it is");
        assert_eq!(plain.len(), managed.len());
    }

    #[test]
    fn an_unknown_field_type_is_refused_by_name() {
        let xml = "<CustomField><fullName>X__c</fullName><type>Hologram</type></CustomField>";
        assert!(field(xml).unwrap_err().contains("Hologram"));
    }
}
