use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Parses JSON and notes every member that is written twice in one object, which a plain
/// `Value` would silently drop. The last one wins, as everywhere.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Value, Vec<String>), serde_json::Error> {
    let seen = RefCell::new(Seen::default());
    // Some editors put a byte order mark in front, which RFC 8259 lets a reader ignore.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Node(&seen).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok((value, seen.into_inner().twice))
}

#[derive(Default)]
struct Seen {
    path: Vec<String>,
    twice: Vec<String>,
}

#[derive(Clone, Copy)]
struct Node<'a>(&'a RefCell<Seen>);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            self.0.borrow_mut().path.push(list.len().to_string());
            let next = seq.next_element_seed(self);
            self.0.borrow_mut().path.pop();
            match next? {
                Some(value) => list.push(value),
                None => return Ok(Value::Array(list)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            self.0.borrow_mut().path.push(name.clone());
            let value = members.next_value_seed(self);
            {
                let mut seen = self.0.borrow_mut();
                if map.contains_key(&name) {
                    let place = seen.path.join(".");
                    seen.twice.push(place);
                }
                seen.path.pop();
            }
            map.insert(name, value?);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_written_twice_is_noticed_with_its_place() {
        let (value, twice) =
            parse(br#"{"steps": {"a": {"use": "log"}, "b": [1, {"x": 1, "x": 2}], "a": {}}}"#).unwrap();
        assert_eq!(twice, ["steps.b.1.x", "steps.a"]);
        assert_eq!(value["steps"]["a"], serde_json::json!({}));
    }

    #[test]
    fn numbers_survive_as_written() {
        let (value, _) = parse(b"[-450.5, 445.130810110223, 18446744073709551615, -1, 1e3]").unwrap();
        assert_eq!(value.to_string(), "[-450.5,445.130810110223,18446744073709551615,-1,1000.0]");
    }

    #[test]
    fn a_byte_order_mark_is_passed_over() {
        assert_eq!(parse(b"\xef\xbb\xbf{}").unwrap().0, serde_json::json!({}));
    }

    #[test]
    fn text_behind_the_value_and_bottomless_nesting_are_errors() {
        assert!(parse(b"{} {}").is_err());
        assert!(parse("[".repeat(100_000).as_bytes()).is_err());
    }
}
