//! What an org installs (`packages/salesforce`) against itself and against the field maps.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};
use tieline_bridge::map::{FieldMaps, Kind};

const PACKAGE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../packages/salesforce/force-app/main/default");

/// Standard names a report may speak of.
const STANDARD: [&str; 3] = ["Name", "CreatedDate", "LastModifiedDate"];

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Every metadata file below `folder`, by its path there.
fn metadata(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(PACKAGE).join(folder);
    let mut found = Vec::new();
    files(&root, &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

fn texts<'a>(document: &'a Document<'_>, tag: &str) -> Vec<&'a str> {
    let named = document.descendants().filter(|node| node.tag_name().name() == tag);
    named.filter_map(|node| node.text()).map(str::trim).filter(|text| !text.is_empty()).collect()
}

fn child<'a>(node: Node<'a, '_>, tag: &str) -> Option<&'a str> {
    node.children().find(|child| child.tag_name().name() == tag)?.text()
}

/// Type of each field, by object.
fn objects() -> BTreeMap<String, BTreeMap<String, String>> {
    let mut objects: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (path, text) in metadata("objects") {
        let object = path.split('/').next().unwrap().to_owned();
        let fields = objects.entry(object).or_default();
        if path.contains("/fields/") {
            let document = Document::parse(&text).unwrap();
            let root = document.root_element();
            let name = child(root, "fullName").unwrap();
            assert!(path.ends_with(&format!("/{name}.field-meta.xml")), "{path}");
            // Salesforce: a developer name has at most 40 characters, a label as many.
            assert!(
                name.trim_end_matches("__c").len() <= 40 && child(root, "label").unwrap().len() <= 40,
                "{path}"
            );
            fields.insert(name.to_owned(), child(root, "type").unwrap().to_owned());
        }
    }
    objects
}

#[test]
fn every_file_is_well_formed_and_of_the_metadata_namespace() {
    let mut found = 0;
    for (path, text) in metadata("") {
        if Path::new(&path).extension().is_some_and(|extension| extension == "xml") {
            let document = Document::parse(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
            let namespace = document.root_element().tag_name().namespace();
            assert_eq!(namespace, Some("http://soap.sforce.com/2006/04/metadata"), "{path}");
            found += 1;
        }
    }
    assert!(found > 300, "{found}");
}

#[test]
fn every_column_of_a_map_is_a_field_of_its_object_and_of_its_kind() {
    let objects = objects();
    for (name, map) in FieldMaps::built_in("amazon-connect", "salesforce").unwrap().iter() {
        let fields = &objects[&map.object(None)];
        assert_eq!(fields[&map.key_field(None)], "Text", "{name}");
        for column in map.columns(None).filter(|column| column.name != "Name") {
            let found =
                fields.get(&column.name).unwrap_or_else(|| panic!("{name}: no field {}", column.name));
            let fits: &[&str] = match column.kind {
                Some(Kind::Text) => &["Text", "LongTextArea", "TextArea"],
                Some(Kind::Number) => &["Number", "Percent"],
                Some(Kind::Time) => &["DateTime"],
                Some(Kind::Flag) => &["Checkbox"],
                None => continue,
            };
            assert!(fits.contains(&found.as_str()), "{name}: {} is {found}", column.name);
        }
    }
}

#[test]
fn rows_are_upserted_by_a_field_that_is_unique_and_tells_cases_apart() {
    for (object, key) in [
        ("AC_ContactTraceRecord__c", "ContactId__c"),
        ("AC_AgentPerformance__c", "AC_Record_Id__c"),
        ("AC_HistoricalQueueMetrics__c", "AC_Record_Id__c"),
        ("AC_QueueMetrics__c", "Queue_Id__c"),
        ("AC_ContactChannelAnalytics__c", "ContactId__c"),
        ("Interaction__c", "Key__c"),
    ] {
        let path = format!("{PACKAGE}/objects/{object}/fields/{key}.field-meta.xml");
        let text = std::fs::read_to_string(path).unwrap();
        let document = Document::parse(&text).unwrap();
        for flag in ["externalId", "unique", "caseSensitive"] {
            assert_eq!(child(document.root_element(), flag), Some("true"), "{object}.{key} {flag}");
        }
    }
}

#[test]
fn report_types_speak_of_objects_and_fields_there_are() {
    let objects = objects();
    let types = metadata("reportTypes");
    assert!(types.len() >= 5);
    for (path, text) in types {
        let document = Document::parse(&text).unwrap();
        let object = child(document.root_element(), "baseObject").unwrap();
        let fields = objects.get(object).unwrap_or_else(|| panic!("{path}: no object {object}"));
        for columns in document.descendants().filter(|node| node.tag_name().name() == "columns") {
            let (field, table) = (child(columns, "field").unwrap(), child(columns, "table").unwrap());
            assert_eq!(table, object, "{path}");
            assert!(fields.contains_key(field) || STANDARD.contains(&field), "{path}: no field {field}");
        }
    }
}

#[test]
fn reports_use_columns_of_their_type_and_group_by_what_can_be_grouped() {
    let objects = objects();
    let types: BTreeMap<String, String> = metadata("reportTypes")
        .into_iter()
        .map(|(path, text)| {
            let document = Document::parse(&text).unwrap();
            let object = child(document.root_element(), "baseObject").unwrap().to_owned();
            (path.replace(".reportType-meta.xml", "__c"), object)
        })
        .collect();
    let reports = metadata("reports");
    assert!(reports.keys().filter(|path| path.ends_with(".report-meta.xml")).count() >= 6);
    for (path, text) in reports.iter().filter(|(path, _)| path.ends_with(".report-meta.xml")) {
        let document = Document::parse(text).unwrap();
        let root = document.root_element();
        let name = child(root, "name").unwrap();
        assert!(name.len() <= 40 && child(root, "description").unwrap().len() <= 255, "{path}");
        let kind = child(root, "reportType").unwrap();
        let object = types.get(kind).unwrap_or_else(|| panic!("{path}: no report type {kind}"));
        let check = |column: &str| {
            let (table, field) = column.split_once('$').unwrap_or_else(|| panic!("{path}: {column}"));
            assert_eq!(table, object, "{path}: {column}");
            let kind = objects[object].get(field).map_or("Text", String::as_str);
            assert!(
                kind != "Text" || objects[object].contains_key(field) || STANDARD.contains(&field),
                "{path}: {column}"
            );
            kind.to_owned()
        };
        for tag in ["field", "column", "dateColumn"] {
            for column in texts(&document, tag) {
                check(column);
            }
        }
        for grouping in document.descendants().filter(|node| node.tag_name().name() == "groupingsDown") {
            assert_ne!(check(child(grouping, "field").unwrap()), "LongTextArea", "{path}");
        }
        for summed in document.descendants().filter(|node| node.tag_name().name() == "aggregateTypes") {
            assert_eq!(check(child(summed.parent().unwrap(), "field").unwrap()), "Number", "{path}");
        }
    }
}

#[test]
fn the_dashboard_s_parts_show_reports_there_are_and_lie_beside_each_other() {
    let reports: BTreeSet<String> =
        metadata("reports").into_keys().map(|path| path.replace(".report-meta.xml", "")).collect();
    let dashboards = metadata("dashboards");
    let text = &dashboards["Tieline/Contact_Metrics.dashboard-meta.xml"];
    let document = Document::parse(text).unwrap();
    let mut taken = BTreeSet::new();
    let mut parts = 0;
    for part in document.descendants().filter(|node| node.tag_name().name() == "dashboardGridComponents") {
        let number = |tag: &str| child(part, tag).unwrap().parse::<u32>().unwrap();
        let component = part.children().find(|node| node.tag_name().name() == "dashboardComponent").unwrap();
        let report = child(component, "report").unwrap();
        assert!(reports.contains(report), "no report {report}");
        let shown = std::fs::read_to_string(format!("{PACKAGE}/reports/{report}.report-meta.xml")).unwrap();
        let of_component = |tag: &str| component.descendants().find(|node| node.tag_name().name() == tag);
        for tag in ["column", "groupingColumn"] {
            let Some(column) = of_component(tag).and_then(|node| node.text()) else { continue };
            assert!(
                column == "RowCount" || shown.contains(&format!("<field>{column}</field>")),
                "{report}: {column}"
            );
        }
        if let Some(aggregate) = of_component("aggregate").and_then(|node| node.text()) {
            assert!(
                shown.contains(&format!("<aggregateTypes>{aggregate}</aggregateTypes>")),
                "{report}: {aggregate}"
            );
        }
        assert!(number("columnIndex") + number("colSpan") <= 12);
        for row in number("rowIndex")..number("rowIndex") + number("rowSpan") {
            for column in number("columnIndex")..number("columnIndex") + number("colSpan") {
                assert!(taken.insert((row, column)), "{report} lies on another");
            }
        }
        parts += 1;
    }
    assert!(parts >= 6);
}

#[test]
fn permission_sets_name_fields_there_are_and_the_writer_may_write_all_of_them() {
    let objects = objects();
    for (path, text) in metadata("permissionsets") {
        let document = Document::parse(&text).unwrap();
        let mut named = BTreeSet::new();
        for permission in document.descendants().filter(|node| node.tag_name().name() == "fieldPermissions") {
            let field = child(permission, "field").unwrap();
            let (object, name) = field.split_once('.').unwrap();
            assert!(objects[object].contains_key(name), "{path}: no field {field}");
            assert!(named.insert(field.to_owned()), "{path}: {field} twice");
            if path.contains("Integration") {
                assert_eq!(child(permission, "editable"), Some("true"), "{path}: {field}");
            }
        }
        if path.contains("Integration") {
            for (object, fields) in &objects {
                for field in fields.keys() {
                    let metadata = std::fs::read_to_string(format!(
                        "{PACKAGE}/objects/{object}/fields/{field}.field-meta.xml"
                    ))
                    .unwrap();
                    // Rights on a required field go without saying, and may not be said.
                    let required = metadata.contains("<required>true</required>");
                    assert_eq!(
                        named.contains(&format!("{object}.{field}")),
                        !required,
                        "{path}: {object}.{field}"
                    );
                }
            }
        }
        for tab in texts(&document, "tab") {
            assert!(
                Path::new(PACKAGE).join(format!("tabs/{tab}.tab-meta.xml")).exists(),
                "{path}: no tab {tab}"
            );
        }
    }
}
