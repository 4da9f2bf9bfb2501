#![expect(
    clippy::needless_pass_by_value,
    clippy::unnecessary_wraps,
    reason = "the shape of `cel::common::functions::Function`"
)]

use cel::common::types::{
    CelBool, CelInt, CelList, CelMap, CelNull, CelOptional, CelString, DYN_TYPE, INT_TYPE,
};
use cel::common::value::{CowVal, Val};
use cel::{Env, ExecutionError};
use serde_json::Value;
use tieline_core::{Caller, PhoneNumber};

use super::budget::{self, ELEMENT};
use super::convert;
use crate::steps::{number as read_number, scalar_text};

type Args<'b, 'v> = Vec<CowVal<'b, 'v>>;
type Answer<'b, 'v> = Result<CowVal<'b, 'v>, ExecutionError>;

/// Names an author may call, besides the macros; checked when an expression is compiled.
pub(super) const FUNCTIONS: [&str; 20] = [
    "bool",
    "bytes",
    "contains",
    "default",
    "double",
    "dyn",
    "e164",
    "empty",
    "endsWith",
    "int",
    "matches",
    "number",
    "size",
    "startsWith",
    "string",
    "text",
    "type",
    "uint",
    "hasValue",
    "orValue",
];

/// Functions whose first argument may be absent.
pub(super) const TAKES_ABSENT: [&str; 5] = ["default", "empty", "text", "number", "e164"];

/// Bounded stand-ins the compiled tree calls; no author can write these names.
pub(super) const ADD: &str = "@add";
pub(super) const RANGE: &str = "@range";
pub(super) const MATCHES: &str = "@matches";

pub(super) fn environment() -> Env {
    // The optional syntax stays off: absence is what our own functions are for.
    let mut env = Env::stdlib().with_optional_support(false);
    for (name, arguments, function) in [
        ("text", vec![DYN_TYPE], text as cel::common::functions::Function),
        ("number", vec![DYN_TYPE], number),
        ("default", vec![DYN_TYPE, DYN_TYPE], default),
        ("empty", vec![DYN_TYPE], empty),
        ("e164", vec![DYN_TYPE], e164),
        ("e164", vec![DYN_TYPE, DYN_TYPE], e164),
        (ADD, vec![DYN_TYPE, DYN_TYPE], add),
        (RANGE, vec![DYN_TYPE], range),
        (MATCHES, vec![DYN_TYPE, INT_TYPE], matches),
    ] {
        let id = format!("tieline_{name}_{}", arguments.len());
        env.add_overload(name, &id, arguments, function).expect("our functions have names of their own");
    }
    env
}

/// The value itself, or nothing when it is absent or null.
fn present<'b>(value: &'b CowVal<'_, '_>) -> Option<&'b dyn Val> {
    let value: &dyn Val = value.as_ref();
    let value = match value.downcast_ref::<CelOptional>() {
        Some(optional) => optional.inner()?,
        None => value,
    };
    (value.downcast_ref::<CelNull>().is_none()).then_some(value)
}

fn json(value: &dyn Val) -> Result<Value, ExecutionError> {
    convert::to_json(value)
        .map(Option::unwrap_or_default)
        .map_err(|why| ExecutionError::function_error("text", why))
}

/// The value as text: numbers and truth as they are written, lists and maps as JSON, absent as "".
fn text<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let text = match present(&args[0]).map(json).transpose()? {
        None | Some(Value::Null) => String::new(),
        Some(value @ (Value::Array(_) | Value::Object(_))) => value.to_string(),
        Some(scalar) => scalar_text(&scalar),
    };
    budget::spend(text.len())?;
    Ok(CowVal::owned(CelString::from(text)))
}

/// The number a text spells; null for what is no number, so that `default(number(x), 0)` works.
fn number<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let value = match present(&args[0]).map(json).transpose()? {
        Some(Value::Number(number)) => Some(Value::Number(number)),
        Some(Value::String(text)) => read_number(&text),
        _ => None,
    };
    Ok(match value {
        Some(Value::Number(number)) => match number.as_i64() {
            Some(whole) => CowVal::owned(CelInt::from(whole)),
            None => CowVal::owned(cel::common::types::CelDouble::from(number.as_f64().unwrap_or(f64::NAN))),
        },
        _ => CowVal::owned(CelNull),
    })
}

/// The first value, or the second when the first is absent or null.
fn default<'b, 'v>(mut args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let fallback = args.pop();
    let value = args.pop();
    let (Some(value), Some(fallback)) = (value, fallback) else {
        return Err(ExecutionError::invalid_argument_count(2, 0));
    };
    if present(&value).is_none() {
        return Ok(fallback);
    }
    if value.downcast_ref::<CelOptional>().is_none() {
        return Ok(value);
    }
    let owned: Option<Box<dyn Val + 'v>> =
        value.downcast_ref::<CelOptional>().and_then(|optional| optional.inner()).map(Val::clone_as_boxed);
    Ok(owned.map_or(fallback, CowVal::Owned))
}

/// True for what is absent or null, and for text, lists and maps without anything in them.
fn empty<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let empty = present(&args[0]).is_none_or(|value| size(value) == Some(0));
    Ok(CowVal::owned(CelBool::from(empty)))
}

/// How much is in it: bytes of a text, elements of a list or map.
fn size(value: &dyn Val) -> Option<usize> {
    if let Some(text) = value.downcast_ref::<CelString>() {
        return Some(text.inner().len());
    }
    if let Some(list) = value.downcast_ref::<CelList>() {
        return Some(list.inner().len());
    }
    value.downcast_ref::<CelMap>().map(|map| map.inner().len())
}

/// The number as `+12025550143`; null for what is no phone number.
fn e164<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let text_of = |index: usize| {
        let value = present(args.get(index)?)?;
        value.downcast_ref::<CelString>().map(|text| text.inner().to_owned())
    };
    let region = text_of(1).filter(|region| !region.trim().is_empty()).or_else(budget::region);
    let caller = text_of(0).map(|text| Caller::parse(&text, region.as_deref().map(str::trim)));
    Ok(match caller.as_ref().and_then(Caller::number).map(PhoneNumber::e164) {
        Some(number) => CowVal::owned(CelString::from(number.to_owned())),
        None => CowVal::owned(CelNull),
    })
}

fn add<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    for side in &args {
        let value: &dyn Val = side.as_ref();
        let element = if value.downcast_ref::<CelList>().is_some() { ELEMENT } else { 1 };
        budget::spend(size(value).unwrap_or(0) * element)?;
    }
    let (left, right): (&dyn Val, &dyn Val) = (args[0].as_ref(), args[1].as_ref());
    let kinds = || {
        let (left, right) = (left.get_type().name().to_owned(), right.get_type().name().to_owned());
        ExecutionError::function_error(
            "+",
            format!("`+` does not take {left} and {right}; text(…) makes text"),
        )
    };
    let sum = left.as_adder().ok_or_else(kinds)?.add(right).map_err(|error| match error {
        ExecutionError::Overflow(..) => error,
        _ => kinds(),
    })?;
    Ok(CowVal::Owned(sum.into_owned()))
}

fn range<'b, 'v>(mut args: Args<'b, 'v>) -> Answer<'b, 'v> {
    if size(args[0].as_ref()).is_some_and(|elements| elements > budget::RANGE) {
        let why = format!("a list of more than {} elements is too long to go through", budget::RANGE);
        return Err(ExecutionError::function_error("range", why));
    }
    Ok(args.remove(0))
}

fn matches<'b, 'v>(args: Args<'b, 'v>) -> Answer<'b, 'v> {
    let text = args[0].downcast_ref::<CelString>();
    let index = args[1].downcast_ref::<CelInt>().and_then(|index| usize::try_from(*index.inner()).ok());
    match (text, index.and_then(budget::pattern)) {
        (Some(text), Some(pattern)) => Ok(CowVal::owned(CelBool::from(pattern.is_match(text.inner())))),
        _ => Err(ExecutionError::function_error("matches", "`matches` looks at text")),
    }
}
