use indexmap::IndexMap;
use serde_json::Value;
use tieline_core::JsonMap;

use super::{Document, FORM, Step, Trigger, json};
use crate::Problem;

/// Longest document read, in bytes. The largest published flow has 5 KB.
pub const DOCUMENT_BYTES: usize = 1024 * 1024;

/// What could be read of a document, beside everything that could not.
///
/// [`Document::from_json`] wants a document without problems of form; `flow check` wants to say
/// everything at once, so it goes on with what there is.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    pub document: Document,
    pub problems: Vec<Problem>,
    /// False when the text is not a JSON object at all: there is nothing to check further.
    pub is_object: bool,
}

impl Decoded {
    pub fn from_json(bytes: &[u8]) -> Self {
        if bytes.len() > DOCUMENT_BYTES {
            return Self::hopeless(Problem::new(
                "document.too_large",
                "",
                format!("a flow document has at most {DOCUMENT_BYTES} bytes, this one has {}", bytes.len()),
            ));
        }
        match json::parse(bytes) {
            Ok((value, twice)) => {
                let mut decoded = Self::from_value(value);
                decoded.problems.extend(twice.into_iter().map(|place| {
                    Problem::new("document.member_twice", place, "is written twice; only the last one counts")
                }));
                decoded
            }
            Err(error) => Self::hopeless(not_json(&error)),
        }
    }

    pub fn from_value(value: Value) -> Self {
        let mut reader = Reader::default();
        let Value::Object(members) = value else {
            return Self::hopeless(Problem::new(
                "document.type",
                "",
                format!("a flow document is an object, this is {}", kind(&value)),
            ));
        };
        // The other form, given to the wrong command: one answer is better than ten about its members.
        if !members.contains_key("tieline_flow") && members.get("actions").is_some_and(Value::is_array) {
            return Self::hopeless(Problem::new(
                "document.cti",
                "actions",
                "this is a CTI Flow file; `tieline flow import` makes a flow of it",
            ));
        }
        let document = reader.document(members);
        Self { document, problems: reader.problems, is_object: true }
    }

    fn hopeless(problem: Problem) -> Self {
        Self { document: Document::default(), problems: vec![problem], is_object: false }
    }
}

/// The problem of a text that is not JSON, placed by line and column.
pub(crate) fn not_json(error: &serde_json::Error) -> Problem {
    let message = error.to_string();
    // serde_json repeats the position at the end of its text; the place says it already.
    let message = message.split(" at line ").next().unwrap_or_default().to_owned();
    Problem::new(
        "document.json",
        format!("line {}, column {}", error.line(), error.column()),
        format!("this is not JSON: {message}"),
    )
}

/// What a JSON value is, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn document(&mut self, mut members: JsonMap) -> Document {
        match members.shift_remove("tieline_flow") {
            Some(Value::Number(form)) if form.as_u64() == Some(FORM) => {}
            Some(other) => self.report(
                "document.form",
                "tieline_flow",
                format!("this version reads form {FORM}, not {}", short(&other)),
            ),
            None => self.report("document.form", "tieline_flow", format!("is missing; write {FORM}")),
        }
        Document {
            id: self.required_text(&mut members, "", "id"),
            name: self.required_text(&mut members, "", "name"),
            description: self.text(&mut members, "", "description"),
            on: self.trigger(&mut members),
            order: self.whole_number(&mut members, "order"),
            start: self.text(&mut members, "", "start"),
            steps: self.steps(&mut members),
            canvas: self.canvas(&mut members),
            origin: members.shift_remove("origin").filter(|value| !value.is_null()),
            extra: members,
        }
    }

    fn trigger(&mut self, members: &mut JsonMap) -> Option<Trigger> {
        let mut on = self.object(members, "", "on")?;
        Some(Trigger {
            source: self.required_text(&mut on, "on", "source"),
            event: self.text(&mut on, "on", "event"),
            extra: on,
        })
    }

    fn steps(&mut self, members: &mut JsonMap) -> IndexMap<String, Step> {
        if !members.contains_key("steps") {
            self.report("document.missing", "steps", "is missing; a flow needs at least one step".into());
        }
        let mut steps = IndexMap::new();
        for (id, value) in self.object(members, "", "steps").unwrap_or_default() {
            let place = join("steps", &id);
            match value {
                Value::Object(step) => {
                    let step = self.step(&place, step);
                    steps.insert(id, step);
                }
                other => self.wrong_type(&place, "an object", &other),
            }
        }
        steps
    }

    fn step(&mut self, place: &str, mut members: JsonMap) -> Step {
        let use_ = self.required_text(&mut members, place, "use");
        let title = self.text(&mut members, place, "title");
        let with = self.object(&mut members, place, "with").unwrap_or_default();
        let mut next = IndexMap::new();
        for (branch, target) in self.object(&mut members, place, "next").unwrap_or_default() {
            match target {
                Value::String(target) => {
                    next.insert(branch, target);
                }
                Value::Null => {}
                other => self.wrong_type(&join(&join(place, "next"), &branch), "the id of a step", &other),
            }
        }
        let origin = members.shift_remove("origin").filter(|value| !value.is_null());
        Step { use_, title, with, next, origin, extra: members }
    }

    fn canvas(&mut self, members: &mut JsonMap) -> IndexMap<String, [f64; 2]> {
        let mut canvas = IndexMap::new();
        for (id, value) in self.object(members, "", "canvas").unwrap_or_default() {
            match position(&value) {
                Some(at) => {
                    canvas.insert(id, at);
                }
                None => self.wrong_type(&join("canvas", &id), "a list of two numbers", &value),
            }
        }
        canvas
    }

    fn object(&mut self, members: &mut JsonMap, place: &str, name: &str) -> Option<JsonMap> {
        match members.shift_remove(name)? {
            Value::Object(map) => Some(map),
            Value::Null => None,
            other => {
                self.wrong_type(&join(place, name), "an object", &other);
                None
            }
        }
    }

    fn text(&mut self, members: &mut JsonMap, place: &str, name: &str) -> Option<String> {
        match members.shift_remove(name)? {
            Value::String(text) => Some(text),
            Value::Null => None,
            other => {
                self.wrong_type(&join(place, name), "text", &other);
                None
            }
        }
    }

    fn required_text(&mut self, members: &mut JsonMap, place: &str, name: &str) -> String {
        if members.get(name).is_none_or(Value::is_null) {
            self.report("document.missing", &join(place, name), "is missing".into());
        }
        self.text(members, place, name).unwrap_or_default()
    }

    fn whole_number(&mut self, members: &mut JsonMap, name: &str) -> Option<i64> {
        let value = members.shift_remove(name).filter(|value| !value.is_null())?;
        let number = value.as_i64();
        if number.is_none() {
            self.wrong_type(name, "a whole number", &value);
        }
        number
    }

    fn wrong_type(&mut self, place: &str, wanted: &str, got: &Value) {
        self.report("document.type", place, format!("must be {wanted}, this is {}", kind(got)));
    }

    fn report(&mut self, code: &'static str, place: &str, message: String) {
        self.problems.push(Problem::new(code, place, message));
    }
}

/// `[x, y]` with finite numbers.
pub(crate) fn position(value: &Value) -> Option<[f64; 2]> {
    let [x, y] = value.as_array()?.as_slice() else { return None };
    Some([x.as_f64()?, y.as_f64()?])
}

pub(crate) fn join(place: &str, name: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") }
}

/// A value as it may be shown inside a message.
pub(crate) fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 40 { text } else { text.chars().take(40).chain(['…']).collect() }
}
