use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_bridge::map::{FieldMap, FieldMaps, MapContext};
use tieline_core::JsonMap;

use crate::input::{parts, text};

static BUILT_IN: LazyLock<FieldMaps> =
    LazyLock::new(|| FieldMaps::built_in("amazon-connect", "salesforce").expect("they come with Tieline"));

/// Whatever a map says and whatever a document holds, a row has the map's fields, and in each of them
/// a plain value of the length the map allows. (`map`, `document`)
pub fn field_map(data: &[u8]) {
    let input = text(data);
    let [written, document] = parts(&input);
    let document = serde_json::from_str(document).unwrap_or_else(|_| json!({"id": document}));
    if let Ok(map) = FieldMap::parse(written) {
        row(&map, &document);
    }
    let mut maps = BUILT_IN.clone();
    if maps.put("contact-record.toml", written).is_ok() {
        let map = maps.get("contact-record").expect("it has just been put there");
        row(&map, &document);
    }
    for (_, map) in BUILT_IN.iter() {
        row(map, &document);
    }
}

/// The row that one of the maps that come with Tieline makes.
pub(crate) fn mapped(name: &str, document: &Value) {
    row(&BUILT_IN.get(name).expect("a map of this name"), document);
}

fn row(map: &FieldMap, document: &Value) {
    let extra: JsonMap =
        [("a".to_owned(), json!(1)), ("recordingPath".to_owned(), json!("x"))].into_iter().collect();
    for namespace in [None, Some("acme")] {
        let context =
            MapContext { namespace, region: Some("eu-central-1"), now: Timestamp::UNIX_EPOCH, extra: &extra };
        let made = map.row(document, &context);
        assert_eq!(map.row(document, &context), made, "the same document gives the same row");
        let Ok(row) = made else { continue };
        assert_eq!((&row.object, &row.key_field), (&map.object(namespace), &map.key_field(namespace)));
        assert!(!row.key.is_empty());
        let most: BTreeMap<String, Option<usize>> =
            map.columns(namespace).map(|column| (column.name, column.max)).collect();
        for (name, value) in &row.fields {
            assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "{name}");
            assert!(!value.is_array() && !value.is_object(), "{name}: {value}");
            if let (Some(Some(max)), Some(text)) = (most.get(name), value.as_str()) {
                assert!(text.encode_utf16().count() <= *max, "{name}: {text}");
            }
        }
    }
}
