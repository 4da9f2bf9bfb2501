use serde_json::Value;
use tieline_core::JsonMap;

/// The way to one member of a document: `Agent.RoutingProfile.ARN`, `Recordings.0.Location`,
/// `Attributes."a.b"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// The message says how to write it instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut segments = Vec::new();
        let mut rest = text;
        loop {
            let segment;
            if let Some(quoted) = rest.strip_prefix('"') {
                let Some((name, after)) = quoted.split_once('"') else {
                    return Err(format!("`{text}` has a quote without its end"));
                };
                segment = name;
                rest = after;
            } else {
                let end = rest.find('.').unwrap_or(rest.len());
                (segment, rest) = rest.split_at(end);
            }
            if segment.is_empty() {
                return Err(format!(
                    "`{text}` has an empty step; write member names with dots between, and a name that has dots in quotes: Attributes.\"a.b\""
                ));
            }
            segments.push(segment.to_owned());
            if rest.is_empty() {
                return Ok(Self(segments));
            }
            let Some(after) = rest.strip_prefix('.') else {
                return Err(format!("`{text}` needs a dot after the closing quote"));
            };
            rest = after;
        }
    }

    pub fn begins_with(&self, name: &str) -> bool {
        self.0.first().is_some_and(|first| first == name)
    }

    /// The member, or `None` when it, or something on the way to it, is absent or null. Names
    /// count with their case, as the vendor writes them; a number counts into a list.
    pub fn find<'a>(&self, document: &'a Value) -> Option<&'a Value> {
        follow(document, &self.0).filter(|value| !value.is_null())
    }

    /// The same, from the members of an object.
    pub fn find_in<'a>(&self, members: &'a JsonMap) -> Option<&'a Value> {
        let (first, rest) = self.0.split_first()?;
        follow(members.get(first)?, rest).filter(|value| !value.is_null())
    }
}

fn follow<'a>(from: &'a Value, segments: &[String]) -> Option<&'a Value> {
    segments.iter().try_fold(from, |value, segment| match value {
        Value::Object(members) => members.get(segment),
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_goes_through_objects_lists_and_names_with_dots() {
        let document = json!({"A": {"B": [{"C": 1}], "x.y": 2, "n": null}});
        let find = |text| Path::parse(text).unwrap().find(&document).cloned();
        assert_eq!(find("A.B.0.C"), Some(json!(1)));
        assert_eq!(find(r#"A."x.y""#), Some(json!(2)));
        for nothing in ["A.n", "A.n.z", "a", "A.B.1", "A.B.C", "A.B.0.C.D"] {
            assert_eq!(find(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_path_with_a_hole_is_refused() {
        for bad in ["", ".", "A.", ".A", "A..B", "\"A", "\"A\"B", "\"\""] {
            assert!(Path::parse(bad).is_err(), "{bad}");
        }
    }
}
