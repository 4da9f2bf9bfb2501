use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelOptional, CelString,
    CelUInt,
};
use cel::common::value::Val;
use serde_json::{Number, Value};
use tieline_core::JsonMap;

/// Most values of a root, counted through all levels.
pub(super) const NODES: usize = 20_000;
/// Deepest nesting either way; JSON text cannot be read deeper than 127 either.
const DEPTH: usize = 128;
/// Longest result, in bytes.
const RESULT_BYTES: usize = 256 * 1024;

/// JSON for CEL, texts borrowed. Whole numbers are always `int`, as authors compare them with `1`.
pub(super) fn to_cel<'v>(value: &'v Value, nodes: &mut usize) -> Result<Box<dyn Val + 'v>, String> {
    into_cel(value, nodes, DEPTH)
}

fn into_cel<'v>(value: &'v Value, nodes: &mut usize, depth: usize) -> Result<Box<dyn Val + 'v>, String> {
    *nodes = nodes.checked_sub(1).ok_or("there is too much data for an expression")?;
    let deeper = depth.checked_sub(1).ok_or("the data is nested too deeply for an expression")?;
    Ok(match value {
        Value::Null => Box::new(CelNull),
        Value::Bool(truth) => Box::new(CelBool::from(*truth)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Box::new(CelInt::from(whole)),
            None => Box::new(CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        Value::String(text) => Box::new(CelString::from(text.as_str())),
        Value::Array(list) => {
            let list: Result<Vec<_>, _> = list.iter().map(|item| into_cel(item, nodes, deeper)).collect();
            Box::new(CelList::from(list?))
        }
        Value::Object(map) => {
            let mut entries: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::with_capacity(map.len());
            for (name, value) in map {
                entries.insert(name.as_str().into(), into_cel(value, nodes, deeper)?);
            }
            Box::new(CelMap::from(entries))
        }
    })
}

/// What an expression came to; `None` for an optional without a value.
pub(super) fn to_json(value: &(dyn Val + '_)) -> Result<Option<Value>, String> {
    let mut bytes = RESULT_BYTES;
    into_json(value, &mut bytes, DEPTH)
}

fn into_json(value: &(dyn Val + '_), bytes: &mut usize, depth: usize) -> Result<Option<Value>, String> {
    let mut take = |size: usize| -> Result<(), String> {
        *bytes = bytes.checked_sub(size).ok_or("the result is too large")?;
        Ok(())
    };
    take(8)?;
    let deeper = depth.checked_sub(1).ok_or("the result is nested too deeply")?;
    if let Some(text) = value.downcast_ref::<CelString>() {
        take(text.inner().len())?;
        return Ok(Some(text.inner().into()));
    }
    if let Some(truth) = value.downcast_ref::<CelBool>() {
        return Ok(Some((*truth.inner()).into()));
    }
    if let Some(number) = value.downcast_ref::<CelInt>() {
        return Ok(Some((*number.inner()).into()));
    }
    if let Some(number) = value.downcast_ref::<CelUInt>() {
        return Ok(Some((*number.inner()).into()));
    }
    if let Some(number) = value.downcast_ref::<CelDouble>() {
        return match Number::from_f64(*number.inner()) {
            Some(number) => Ok(Some(Value::Number(number))),
            None => Err("the result is not a finite number".into()),
        };
    }
    if value.downcast_ref::<CelNull>().is_some() {
        return Ok(Some(Value::Null));
    }
    if let Some(optional) = value.downcast_ref::<CelOptional>() {
        return match optional.inner() {
            Some(inner) => into_json(inner, bytes, deeper),
            None => Ok(None),
        };
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        let mut items = Vec::new();
        for item in list.inner() {
            items.push(into_json(item.as_ref(), bytes, deeper)?.unwrap_or(Value::Null));
        }
        return Ok(Some(Value::Array(items)));
    }
    if let Some(map) = value.downcast_ref::<CelMap>() {
        let mut entries = Vec::new();
        for (key, item) in map.inner() {
            let name = match into_json(key.inner(), bytes, deeper)? {
                Some(Value::String(name)) => name,
                Some(other) => other.to_string(),
                None => continue,
            };
            entries.push((name, into_json(item.as_ref(), bytes, deeper)?.unwrap_or(Value::Null)));
        }
        // CEL keeps maps unordered; a trace that is to be compared needs an order.
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        return Ok(Some(Value::Object(entries.into_iter().collect::<JsonMap>())));
    }
    if let Some(raw) = value.downcast_ref::<CelBytes>() {
        take(raw.inner().len())?;
        return match std::str::from_utf8(raw.inner()) {
            Ok(text) => Ok(Some(text.into())),
            Err(_) => Err("the result is bytes that are no text".into()),
        };
    }
    Err("the result is a type, not a value".into())
}
