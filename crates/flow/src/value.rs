use serde_json::Value;
use tieline_core::JsonMap;

use crate::expression::{Expression, Roots};
use crate::path::{Path, ROOTS, follow};
use crate::{InputKind, Problem};

/// One value of a document, understood.
#[derive(Debug)]
pub(crate) enum Compiled {
    Literal(Value),
    Reference(Path),
    Expression(Box<Expression>),
    /// A map input whose values are each one of the above.
    Map(Vec<(String, Compiled)>),
}

/// What a value came to.
#[derive(Debug, Default)]
pub(crate) struct Evaluated {
    /// `None` is absent.
    pub value: Option<Value>,
    /// Why nothing could be computed; absence is no error.
    pub error: Option<String>,
    /// For the trace: what failed without mattering.
    pub notes: Vec<String>,
}

impl Compiled {
    /// Reads what an author wrote for an input of `kind`; wrong values are reported at `place` and
    /// stand for nothing.
    pub fn parse(written: &Value, kind: InputKind, place: &str, problems: &mut Vec<Problem>) -> Option<Self> {
        match written {
            Value::String(text) if text.starts_with("$.") => match Path::parse(text) {
                Ok(path) if ROOTS.contains(&path.root.as_str()) => Some(Self::Reference(path)),
                Ok(path) => {
                    problems.push(Problem::new(
                        "reference.root",
                        place,
                        format!("`$.{}` does not exist; references begin with {}", path.root, roots()),
                    ));
                    None
                }
                Err(why) => {
                    problems.push(Problem::new(
                        "reference.form",
                        place,
                        format!("`{}` is not a reference: {why}", cut(text)),
                    ));
                    None
                }
            },
            Value::String(text) if text.starts_with('=') => match Expression::compile(&text[1..]) {
                Ok(expression) => Some(Self::Expression(Box::new(expression))),
                Err(error) => {
                    problems.push(Problem::new(error.code, place, error.message));
                    None
                }
            },
            Value::Object(map) => match disguised(map) {
                // In a map input `{"literal": "x"}` is a member called `literal`.
                Some(literal) if kind != InputKind::Map || literal.is_object() => {
                    Some(Self::Literal(literal.clone()))
                }
                _ if kind == InputKind::Map => {
                    let members = map.iter().filter_map(|(name, value)| {
                        let place = format!("{place}.{name}");
                        Some((name.clone(), Self::parse(value, InputKind::Any, &place, problems)?))
                    });
                    Some(Self::Map(members.collect()))
                }
                _ => Some(Self::Literal(written.clone())),
            },
            literal => Some(Self::Literal(literal.clone())),
        }
    }

    pub fn evaluate(&self, roots: &Roots) -> Evaluated {
        match self {
            Self::Literal(value) => Evaluated { value: Some(value.clone()), ..Evaluated::default() },
            Self::Reference(path) => {
                let value = roots.get(&path.root).and_then(|root| follow(root, &path.rest));
                Evaluated { value: value.cloned(), ..Evaluated::default() }
            }
            Self::Expression(expression) => expression.evaluate(roots),
            Self::Map(members) => {
                let mut whole = Evaluated::default();
                let mut map = JsonMap::new();
                for (name, member) in members {
                    let one = member.evaluate(roots);
                    whole.notes.extend(one.notes.into_iter().map(|note| format!("{name}: {note}")));
                    if let Some(error) = one.error {
                        whole.error.get_or_insert(format!("{name}: {error}"));
                    }
                    if let Some(value) = one.value.filter(|value| !value.is_null()) {
                        map.insert(name.clone(), value);
                    }
                }
                whole.value = Some(Value::Object(map));
                whole
            }
        }
    }

    /// Everything this value reads of other steps, with the place of each.
    pub fn step_references(&self, place: &str, found: &mut Vec<StepReference>) {
        match self {
            Self::Literal(_) => {}
            Self::Reference(path) => {
                if let Some(step) = path.step() {
                    let output = match path.rest.get(1) {
                        Some(crate::path::Segment::Name(name)) => Some(name.clone()),
                        _ => None,
                    };
                    found.push(StepReference { step: step.to_owned(), output, place: place.to_owned() });
                }
            }
            Self::Expression(expression) => {
                found.extend(expression.steps().iter().map(|(step, output)| StepReference {
                    step: step.clone(),
                    output: output.clone(),
                    place: place.to_owned(),
                }));
            }
            Self::Map(members) => {
                for (name, member) in members {
                    member.step_references(&format!("{place}.{name}"), found);
                }
            }
        }
    }
}

/// A use of what another step gave.
pub(crate) struct StepReference {
    pub step: String,
    /// The output, where the reference names one.
    pub output: Option<String>,
    pub place: String,
}

/// The text itself of `{"literal": …}`.
pub(crate) fn disguised(map: &JsonMap) -> Option<&Value> {
    if map.len() == 1 { map.get("literal") } else { None }
}

/// How a literal must be written so that it is not taken for a reference, an expression or a disguise.
pub(crate) fn literal(value: Value, kind: InputKind) -> Value {
    let hidden = match &value {
        Value::String(text) => text.starts_with("$.") || text.starts_with('='),
        Value::Object(map) => match disguised(map) {
            Some(inner) => kind != InputKind::Map || inner.is_object(),
            None => false,
        },
        _ => false,
    };
    if !hidden {
        return value;
    }
    let mut map = JsonMap::new();
    map.insert("literal".into(), value);
    Value::Object(map)
}

fn roots() -> String {
    ROOTS.map(|root| format!("`$.{root}`")).join(", ")
}

/// Text as it may be shown inside a message.
pub(crate) fn cut(text: &str) -> String {
    if text.chars().count() <= 60 { text.to_owned() } else { text.chars().take(60).chain(['…']).collect() }
}
