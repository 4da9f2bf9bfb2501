use std::fmt;

use serde_json::Value;

/// A parsed `$.` reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The first segment: `steps`, `payload`, …
    pub root: String,
    pub rest: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    Name(String),
    Index(usize),
}

/// Where references may begin.
pub(crate) const ROOTS: [&str; 6] = ["steps", "event", "payload", "contact", "agent", "properties"];

/// More segments than any record has levels; keeps hostile text from costing anything.
const LONGEST: usize = 64;

impl Path {
    /// Reads `$.steps.uid-1.value.[0].name`. The error says what is wrong, for authors.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("$.").ok_or("a reference begins with `$.`")?;
        let mut segments = segments(rest, |c| c.is_ascii_alphanumeric() || c == '_' || c == '-')?.into_iter();
        match segments.next() {
            Some(Segment::Name(root)) => Ok(Self { root, rest: segments.collect() }),
            _ => Err("a reference begins with a name".into()),
        }
    }

    /// The id, when this points at what a step gave.
    pub fn step(&self) -> Option<&str> {
        match (self.root.as_str(), self.rest.first()) {
            ("steps", Some(Segment::Name(id))) => Some(id),
            // Ids such as `0` of hand-made files, written `steps[0]`, are not offered.
            _ => None,
        }
    }
}

/// Reads the key path of `value.extract`: as a reference without `$.`, with any characters but
/// `.`, `[` and `]` in names.
pub(crate) fn key_path(text: &str) -> Result<Vec<Segment>, String> {
    segments(text.strip_prefix("$.").unwrap_or(text), |c| !matches!(c, '.' | '[' | ']'))
}

/// Follows `segments`; `None` when something on the way is not there.
pub(crate) fn follow<'v>(mut value: &'v Value, segments: &[Segment]) -> Option<&'v Value> {
    for segment in segments {
        value = match (segment, value) {
            (Segment::Name(name), Value::Object(map)) => map.get(name)?,
            // JavaScript finds `list.0` as well as `list[0]`.
            (Segment::Name(name), Value::Array(list)) => list.get(name.parse::<usize>().ok()?)?,
            (Segment::Index(index), Value::Array(list)) => list.get(*index)?,
            (Segment::Index(index), Value::Object(map)) => map.get(&index.to_string())?,
            _ => return None,
        };
    }
    Some(value)
}

fn segments(text: &str, named: impl Fn(char) -> bool) -> Result<Vec<Segment>, String> {
    let mut found = Vec::new();
    let mut rest = text;
    // A name is due at the beginning and after each dot, unless a bracket follows it.
    let mut due = true;
    loop {
        if found.len() > LONGEST {
            return Err(format!("has more than {LONGEST} parts"));
        }
        if let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']').ok_or("a `[` is not closed")?;
            let index = index.trim().parse().map_err(|_| format!("`[{index}]` is not a position"))?;
            found.push(Segment::Index(index));
            (rest, due) = (after, false);
        } else if due {
            let end = rest.find(|c| !named(c)).unwrap_or(rest.len());
            if end == 0 {
                return Err(match rest.chars().next() {
                    Some(odd) => format!("`{odd}` cannot stand there"),
                    None => "a name is missing at the end".into(),
                });
            }
            found.push(Segment::Name(rest[..end].to_owned()));
            (rest, due) = (&rest[end..], false);
        } else if let Some(after) = rest.strip_prefix('.') {
            (rest, due) = (after, true);
        } else if let Some(odd) = rest.chars().next() {
            return Err(format!("`{odd}` cannot stand there"));
        } else {
            return Ok(found);
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$.{}", self.root)?;
        for segment in &self.rest {
            match segment {
                Segment::Name(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str, value: &Value) -> Option<Value> {
        let path = Path::parse(text).unwrap();
        follow(value.get(&path.root)?, &path.rest).cloned()
    }

    #[test]
    fn hyphens_indexes_and_a_dot_before_the_bracket_are_part_of_a_path() {
        let scope = json!({"steps": {"uid-54": {"value": [{"Name": "Anna"}, 2]}}, "payload": {"0": "zero"}});
        assert_eq!(at("$.steps.uid-54.value[0].Name", &scope), Some(json!("Anna")));
        assert_eq!(at("$.steps.uid-54.value.[0].Name", &scope), Some(json!("Anna")));
        assert_eq!(at("$.steps.uid-54.value.1", &scope), Some(json!(2)));
        assert_eq!(at("$.payload[0]", &scope), Some(json!("zero")));
    }

    #[test]
    fn what_is_not_there_is_absent() {
        let scope = json!({"steps": {"a": {"value": "text"}}, "contact": null});
        for text in
            ["$.steps.b.value", "$.steps.a.value.more", "$.steps.a.value[0]", "$.contact.e164", "$.agent"]
        {
            assert_eq!(at(text, &scope), None, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_path_says_why() {
        for (text, why) in [
            ("$.", "a name is missing at the end"),
            ("$.steps.", "a name is missing at the end"),
            ("$.steps..a", "`.` cannot stand there"),
            ("$.steps.a b", "` ` cannot stand there"),
            ("$.steps.a[x]", "`[x]` is not a position"),
            ("$.steps.a[0", "a `[` is not closed"),
            ("$.[0]", "a reference begins with a name"),
            ("$.é", "`é` cannot stand there"),
        ] {
            assert_eq!(Path::parse(text).unwrap_err(), why, "{text}");
        }
        assert!(Path::parse(&format!("$.a{}", "[0]".repeat(100_000))).is_err());
    }
}
