use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};
use tieline_core::JsonMap;

use super::{Decoded, Document, FORM, Step, Trigger};

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("tieline_flow", &FORM)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("name", &self.name)?;
        if let Some(description) = &self.description {
            map.serialize_entry("description", description)?;
        }
        if let Some(on) = &self.on {
            map.serialize_entry("on", on)?;
        }
        if let Some(order) = &self.order {
            map.serialize_entry("order", order)?;
        }
        if let Some(start) = &self.start {
            map.serialize_entry("start", start)?;
        }
        map.serialize_entry("steps", &self.steps)?;
        if !self.canvas.is_empty() {
            let canvas: JsonMap = self
                .canvas
                .iter()
                .map(|(id, [x, y])| (id.clone(), Value::Array(vec![coordinate(*x), coordinate(*y)])))
                .collect();
            map.serialize_entry("canvas", &canvas)?;
        }
        if let Some(origin) = &self.origin {
            map.serialize_entry("origin", origin)?;
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Trigger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("source", &self.source)?;
        if let Some(event) = &self.event {
            map.serialize_entry("event", event)?;
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("use", &self.use_)?;
        if let Some(title) = &self.title {
            map.serialize_entry("title", title)?;
        }
        if !self.with.is_empty() {
            map.serialize_entry("with", &self.with)?;
        }
        if !self.next.is_empty() {
            map.serialize_entry("next", &self.next)?;
        }
        if let Some(origin) = &self.origin {
            map.serialize_entry("origin", origin)?;
        }
        for (name, value) in &self.extra {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let decoded = Decoded::from_value(Value::deserialize(deserializer)?);
        if decoded.problems.is_empty() {
            return Ok(decoded.document);
        }
        let all: Vec<String> = decoded.problems.iter().map(ToString::to_string).collect();
        Err(serde::de::Error::custom(all.join("; ")))
    }
}

/// Whole coordinates without a fraction, as people write them.
pub(crate) fn coordinate(value: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, reason = "only taken when nothing is lost")]
    let whole = value as i64;
    #[expect(clippy::cast_precision_loss, clippy::float_cmp, reason = "compared to find out")]
    if whole as f64 == value {
        return whole.into();
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}
