use std::collections::HashMap;

use serde_json::Value;
use tieline_core::JsonMap;

use super::table::Row;
use crate::InputKind;
use crate::path::{Path, ROOTS, Segment};
use crate::value::{disguised, literal};

/// The rows of the steps by id; `None` for blocks we do not know.
pub(super) type Steps = HashMap<String, Option<&'static Row>>;

/// What an untranslated value means for whoever reads the result.
pub(super) type Remarks = Vec<(&'static str, String)>;

/// Their paths of the current contact's number, ours. The last is broken in new releases of the
/// reference product and still in flows it ships.
const PARSED_NUMBER: [(&str, &str); 4] =
    [("number", "e164"), ("nationalNumber", "national"), ("country", "country"), ("phone", "e164")];

/// A control of a file as a value of our document.
pub(super) fn import_value(control: &Value, kind: InputKind, steps: &Steps, remarks: &mut Remarks) -> Value {
    match control {
        Value::String(text) if text.starts_with("$.") => match import_path(text, steps) {
            Ok(path) => path.to_string().into(),
            Err(why) => {
                remarks.push((
                    "cti.reference",
                    format!("`{}` is kept as it is: {why}", crate::value::cut(text)),
                ));
                control.clone()
            }
        },
        Value::Object(map) if kind == InputKind::Map => {
            let map: JsonMap = map
                .iter()
                .map(|(name, value)| (name.clone(), import_value(value, InputKind::Any, steps, remarks)))
                .collect();
            // A map whose only member is called `literal` would read as a disguise.
            literal_map(map)
        }
        other => literal(other.clone(), kind),
    }
}

fn literal_map(map: JsonMap) -> Value {
    match disguised(&map) {
        Some(Value::Object(_)) => literal(Value::Object(map), InputKind::Map),
        _ => Value::Object(map),
    }
}

fn import_path(text: &str, steps: &Steps) -> Result<Path, String> {
    let path = Path::parse(text)?;
    match (path.root.as_str(), path.rest.as_slice()) {
        ("actions", [block, Segment::Name(results), rest @ ..]) if results == "results" => {
            let id = match block {
                Segment::Name(id) => id.clone(),
                Segment::Index(index) => index.to_string(),
            };
            let row = steps.get(&id).copied().flatten();
            let mut parts = vec![Segment::Name(id)];
            match (rest, row.and_then(|row| row.whole)) {
                ([], Some(whole)) => parts.push(Segment::Name(whole.to_owned())),
                ([Segment::Name(output), deeper @ ..], _) => {
                    let ours = row.and_then(|row| row.our_output(output)).unwrap_or(output);
                    parts.push(Segment::Name(ours.to_owned()));
                    parts.extend_from_slice(deeper);
                }
                (rest, _) => parts.extend_from_slice(rest),
            }
            Ok(Path { root: "steps".into(), rest: parts })
        }
        ("actions", _) => Err("only `results` of a block can be read".into()),
        ("contact", [Segment::Name(parsed), Segment::Name(part)]) if parsed == "parsedNumber" => {
            match PARSED_NUMBER.iter().find(|(theirs, _)| theirs == part) {
                Some((_, ours)) => {
                    Ok(Path { root: "contact".into(), rest: vec![Segment::Name((*ours).to_owned())] })
                }
                None => Err(format!("the contact's number has no `{part}`")),
            }
        }
        ("contact", [Segment::Name(parsed), ..]) if parsed == "parsedNumber" => {
            Err("the contact's number is read part by part".into())
        }
        // `$.steps` means nothing there, and must not begin to mean something here.
        ("steps", _) => Err("there is no such root".into()),
        (root, _) if ROOTS.contains(&root) => Ok(path),
        _ => Err("there is no such root".into()),
    }
}

/// A value of our document as a control of a file.
pub(super) fn export_value(value: &Value, kind: InputKind, steps: &Steps, remarks: &mut Remarks) -> Value {
    match value {
        Value::String(text) if text.starts_with("$.") => {
            let path = Path::parse(text).map_err(|_| ()).and_then(|path| export_path(&path, steps));
            if let Ok(path) = path {
                path.to_string().into()
            } else {
                remarks.push((
                    "cti.reference",
                    format!("`{}` means nothing in such a file", crate::value::cut(text)),
                ));
                value.clone()
            }
        }
        Value::String(text) if text.starts_with('=') => {
            remarks.push((
                "cti.expression",
                "such a file has no expressions; this becomes plain text there".into(),
            ));
            value.clone()
        }
        Value::Object(map) => match disguised(map) {
            Some(inner) if kind != InputKind::Map || inner.is_object() => {
                if inner.as_str().is_some_and(|text| text.starts_with("$.")) {
                    remarks.push(("cti.literal", "this text becomes a reference in such a file".into()));
                }
                inner.clone()
            }
            _ if kind == InputKind::Map => map
                .iter()
                .map(|(name, value)| (name.clone(), export_value(value, InputKind::Any, steps, remarks)))
                .collect::<JsonMap>()
                .into(),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn export_path(path: &Path, steps: &Steps) -> Result<Path, ()> {
    match (path.root.as_str(), path.rest.as_slice()) {
        ("steps", [Segment::Name(id), rest @ ..]) => {
            let row = steps.get(id).copied().flatten();
            let mut parts = vec![Segment::Name(id.clone()), Segment::Name("results".into())];
            match rest {
                [Segment::Name(output)] if row.is_some_and(|row| row.whole == Some(output)) => {}
                [Segment::Name(output), deeper @ ..] => {
                    let theirs = row.and_then(|row| row.their_output(output)).unwrap_or(output);
                    parts.push(Segment::Name(theirs.to_owned()));
                    parts.extend_from_slice(deeper);
                }
                rest => parts.extend_from_slice(rest),
            }
            Ok(Path { root: "actions".into(), rest: parts })
        }
        ("payload", _) => Ok(path.clone()),
        ("contact", [Segment::Name(part)]) => {
            let (theirs, _) = PARSED_NUMBER.iter().find(|(_, ours)| ours == part).ok_or(())?;
            let rest = vec![Segment::Name("parsedNumber".into()), Segment::Name((*theirs).to_owned())];
            Ok(Path { root: "contact".into(), rest })
        }
        _ => Err(()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::by_kind;
    use super::*;

    fn steps() -> Steps {
        [
            ("a", "SE_ContactCustomerPhoneNumber"),
            ("t", "SE_CoreTruthy"),
            ("x", "SE_Nobody"),
            ("0", "SE_SFRetrieve"),
        ]
        .map(|(id, kind)| (id.to_owned(), by_kind(kind)))
        .into()
    }

    fn there(text: &str) -> (String, usize) {
        let mut remarks = Vec::new();
        let value = import_value(&text.into(), InputKind::Text, &steps(), &mut remarks);
        (value.as_str().unwrap().to_owned(), remarks.len())
    }

    fn back(text: &str) -> String {
        let value = export_value(&text.into(), InputKind::Text, &steps(), &mut Vec::new());
        value.as_str().unwrap().to_owned()
    }

    #[test]
    fn results_become_steps_with_our_names_and_back() {
        for (theirs, ours) in [
            ("$.actions.a.results.phone", "$.steps.a.e164"),
            ("$.actions.a.results.country", "$.steps.a.country"),
            ("$.actions.a.results", "$.steps.a"),
            ("$.actions.t.results", "$.steps.t.value"),
            ("$.actions.x.results.anything[0].Id", "$.steps.x.anything[0].Id"),
            ("$.actions.0.results.record.Name", "$.steps.0.record.Name"),
            ("$.actions.gone.results.value", "$.steps.gone.value"),
            ("$.payload.number", "$.payload.number"),
            ("$.contact.parsedNumber.number", "$.contact.e164"),
            ("$.contact.parsedNumber.nationalNumber", "$.contact.national"),
        ] {
            assert_eq!(there(theirs), (ours.to_owned(), 0), "{theirs}");
            assert_eq!(back(ours), theirs, "{ours}");
        }
        assert_eq!(there("$.contact.parsedNumber.phone"), ("$.contact.e164".to_owned(), 0));
        assert_eq!(there("$.actions.x.results.value.[0].Id"), ("$.steps.x.value[0].Id".to_owned(), 0));
    }

    #[test]
    fn what_cannot_be_mapped_is_kept_and_remarked_on() {
        for text in [
            "$.actions.a.success",
            "$.actions",
            "$.actions.a",
            "$.actions.a b.results.value",
            "$.contact.parsedNumber",
            "$.contact.parsedNumber.carrier",
            "$.steps.a.e164",
            "$.window.location",
            "$.",
        ] {
            assert_eq!(there(text), (text.to_owned(), 1), "{text}");
        }
    }
}
