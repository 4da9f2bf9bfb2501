//! What `findCaller` is asked to find.

use serde_json::Value;
use tieline_bridge::dip::find::{FindCaller, FindSettings, MOST_MATCHES, Wanted};
use tieline_bridge::dip::{DipCode, DipError, Operation};
use tieline_core::{Caller, JsonMap, PhoneError, PhoneNumber};

use super::parameters::invalid;
use crate::find;

/// Parameters of `findCaller`, in both manners.
const FIND: [&str; 5] = ["phone", "email", "text", "objects", "limit"];

pub(super) fn find_caller(
    parameters: &JsonMap,
    region: Option<&str>,
    settings: &FindSettings,
) -> Result<Operation, DipError> {
    if let Some((name, _)) = parameters.iter().find(|(name, _)| {
        !FIND.contains(&name.as_str())
            && !matches!(name.as_str(), "operation" | "sf_operation" | "shape" | "deadline_ms")
    }) {
        return Err(DipError::new(
            DipCode::InvalidParameter,
            format!("`{name}` is no parameter of findCaller: {}", FIND.join(", ")),
        ));
    }
    // A flow that fills in an attribute the contact has not sends nothing, or an empty text.
    let given: Vec<(&str, &str)> = FIND[..3]
        .iter()
        .filter_map(|name| match parameters.get(*name) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(Ok((*name, text.trim()))),
            Some(_) => Some(Err(invalid(name, "is text"))),
        })
        .collect::<Result<_, _>>()?;
    let filled: Vec<_> = given.iter().filter(|(_, text)| !text.is_empty()).collect();
    let wanted = match filled.as_slice() {
        [] if given.is_empty() => Wanted::Endpoint,
        [] => Wanted::Nobody,
        [("phone", text)] => match Caller::parse(text, region) {
            Caller::Known(number) => Wanted::Phone(number),
            Caller::Withheld => Wanted::Nobody,
            Caller::Other(_) => return Err(invalid("phone", phone_advice(text, region))),
        },
        [("email", text)] => Wanted::Email(email(text)?),
        [(_, text)] if text.chars().count() > 200 => {
            return Err(invalid("text", "has at most 200 characters"));
        }
        // The index knows no single letters.
        [(_, text)] if text.chars().filter(|c| c.is_alphanumeric()).count() < 2 => Wanted::Nobody,
        [(_, text)] => Wanted::Text((*text).to_owned()),
        _ => {
            return Err(DipError::new(
                DipCode::InvalidParameter,
                "give only one of `phone`, `email` and `text`",
            ));
        }
    };
    Ok(Operation::FindCaller(FindCaller {
        wanted,
        objects: find_objects(parameters, settings)?,
        limit: find_limit(parameters)?,
        region: region.map(str::to_owned),
        grants: None,
    }))
}

fn find_objects(parameters: &JsonMap, settings: &FindSettings) -> Result<Vec<String>, DipError> {
    let what = "is a list of object names";
    let named: Vec<&str> = match parameters.get("objects") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(text)) => text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
        Some(Value::Array(items)) => {
            items.iter().map(Value::as_str).collect::<Option<_>>().ok_or_else(|| invalid("objects", what))?
        }
        Some(_) => return Err(invalid("objects", what)),
    };
    named
        .into_iter()
        .map(|name| {
            find::is_known(settings, name).map(str::to_owned).ok_or_else(|| {
                let known: Vec<&str> = settings.objects.iter().map(|one| one.object.as_str()).collect();
                invalid("objects", &format!("is made of: {}", known.join(", ")))
            })
        })
        .collect()
}

fn find_limit(parameters: &JsonMap) -> Result<usize, DipError> {
    let limit = match parameters.get("limit") {
        None | Some(Value::Null) => return Ok(MOST_MATCHES),
        Some(Value::Number(number)) => number.as_u64().and_then(|limit| usize::try_from(limit).ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    limit
        .filter(|limit| (1..=MOST_MATCHES).contains(limit))
        .ok_or_else(|| invalid("limit", "is a whole number from 1 to 10"))
}

/// `anna@example.com`, also as `Anna <anna@example.com>` and `mailto:anna@example.com`.
fn email(text: &str) -> Result<String, DipError> {
    let inside = text.rsplit_once('<').map_or(text, |(_, rest)| rest.trim_end_matches('>'));
    let address = inside.trim();
    let address = address.strip_prefix("mailto:").unwrap_or(address);
    let good = address.len() <= 254
        && address.split_once('@').is_some_and(|(user, host)| {
            !user.is_empty() && host.contains(|c: char| c.is_alphanumeric()) && !host.contains('@')
        })
        && !address.contains(|c: char| c.is_whitespace() || c.is_control());
    if good { Ok(address.to_owned()) } else { Err(invalid("email", "is an address like anna@example.com")) }
}

pub(super) fn phone_advice(phone: &str, region: Option<&str>) -> &'static str {
    match PhoneNumber::parse(phone, region) {
        Err(PhoneError::NeedsRegion) => "is a number that begins with `+` and the country",
        Err(PhoneError::UnknownCountry) => "begins with a country code that does not exist",
        Err(PhoneError::TooShort) => "is too short for a phone number",
        Err(PhoneError::TooLong) => "is too long for a phone number",
        Ok(_) | Err(PhoneError::NotANumber | PhoneError::UnknownRegion) => {
            "is a phone number in the form +12025550143"
        }
    }
}
