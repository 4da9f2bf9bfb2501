//! What a function's environment says of dips beyond Salesforce: rights, where callers are looked
//! for, and how long answers are remembered. `tieline.toml` says the same for a workspace.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use tieline_bridge::dip::find::{FindObject, FindSettings};
use tieline_bridge::dip::recent::RecentSettings;
use tieline_bridge::dip::{Allowed, Grants};

use crate::config::{ConfigError, Environment};

/// The variables, read once.
#[derive(Debug, Clone)]
pub(crate) struct DipRights {
    pub allowed: Allowed,
    pub find_caller: Option<FindSettings>,
    pub answer_cache: Option<RecentSettings>,
}

impl DipRights {
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            allowed: allowed(environment)?,
            find_caller: find_caller(environment)?,
            answer_cache: answer_cache(environment)?,
        })
    }
}

fn wrong(name: &'static str, problem: impl Into<String>) -> ConfigError {
    ConfigError::Wrong { name, problem: problem.into() }
}

fn given<'a>(environment: &'a Environment, name: &str) -> Option<&'a str> {
    environment.get(name).map(str::trim).filter(|text| !text.is_empty())
}

/// `TIELINE_ALLOW`: `{"operations": ["lookup"], "objects": {"Contact": ["Id", "Name"]}}`.
fn allowed(environment: &Environment) -> Result<Allowed, ConfigError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Allow {
        operations: Option<Vec<String>>,
        objects: Option<Grants>,
    }
    const NAME: &str = "TIELINE_ALLOW";
    let Some(text) = given(environment, NAME) else { return Ok(Allowed::everything()) };
    let allow: Allow =
        serde_json::from_str(text).map_err(|error| wrong(NAME, format!("cannot be read: {error}")))?;
    let operations = allow.operations.map_or_else(
        || vec!["dips:*".to_owned()],
        |operations| {
            let full = |name: String| if name.starts_with("dips:") { name } else { format!("dips:{name}") };
            operations.into_iter().map(full).collect()
        },
    );
    Ok(Allowed { operations, objects: allow.objects })
}

/// `TIELINE_FIND_OBJECTS`: a list of names, or of objects with their fields
/// (`{"object": "Member__c", "phones": ["Phone__c"]}`); `TIELINE_FIND_WEAK_DIGITS`: a number.
fn find_caller(environment: &Environment) -> Result<Option<FindSettings>, ConfigError> {
    const OBJECTS: &str = "TIELINE_FIND_OBJECTS";
    const DIGITS: &str = "TIELINE_FIND_WEAK_DIGITS";
    let (objects, digits) = (given(environment, OBJECTS), given(environment, DIGITS));
    if objects.is_none() && digits.is_none() {
        return Ok(None);
    }
    let mut settings = tieline_salesforce::find_defaults();
    if let Some(text) = objects {
        let unread = |error: serde_json::Error| wrong(OBJECTS, format!("cannot be read: {error}"));
        let listed: Vec<Value> = serde_json::from_str(text).map_err(unread)?;
        let object = |one: Value| match one {
            Value::String(name) => Ok(FindObject::named(name)),
            other => serde_json::from_value(other).map_err(unread),
        };
        settings.objects = listed.into_iter().map(object).collect::<Result<_, _>>()?;
        if settings.objects.is_empty() {
            return Err(wrong(OBJECTS, "names no object"));
        }
    }
    if let Some(text) = digits {
        settings.weak_digits = text
            .parse()
            .ok()
            .filter(|digits| *digits <= 12)
            .ok_or_else(|| wrong(DIGITS, "is a whole number from 0 to 12"))?;
    }
    Ok(Some(settings))
}

/// Off unless one of the `TIELINE_CACHE_…` variables is set.
fn answer_cache(environment: &Environment) -> Result<Option<RecentSettings>, ConfigError> {
    const NAMES: [&str; 4] = [
        "TIELINE_CACHE_FRESH_SECS",
        "TIELINE_CACHE_STALE_SECS",
        "TIELINE_CACHE_ENTRIES",
        "TIELINE_CACHE_BYTES",
    ];
    if NAMES.iter().all(|name| given(environment, name).is_none()) {
        return Ok(None);
    }
    let number = |name: &'static str| {
        given(environment, name)
            .map(|text| text.parse::<u32>().map_err(|_| wrong(name, "is a whole number")))
            .transpose()
    };
    let mut settings = RecentSettings::default();
    let [fresh, stale, entries, bytes] = NAMES.map(number);
    if let Some(secs) = fresh? {
        settings.fresh = Duration::from_secs(u64::from(secs));
    }
    if let Some(secs) = stale? {
        settings.stale = Duration::from_secs(u64::from(secs));
    }
    if let Some(entries) = entries? {
        settings.entries = entries as usize;
    }
    if let Some(bytes) = bytes? {
        settings.bytes = bytes as usize;
    }
    Ok(Some(settings))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<DipRights, ConfigError> {
        DipRights::read(&variables.iter().copied().collect())
    }

    #[test]
    fn nothing_is_bound_or_remembered_unless_it_is_said() {
        let rights = read(&[("TIELINE_ALLOW", " ")]).unwrap();
        assert_eq!(rights.allowed, Allowed::everything());
        assert_eq!((rights.find_caller, rights.answer_cache), (None, None));
    }

    #[test]
    fn rights_are_json() {
        let text = r#"{"operations": ["lookup", "dips:query"], "objects": {"Contact": ["Id"]}}"#;
        let allowed = read(&[("TIELINE_ALLOW", text)]).unwrap().allowed;
        assert_eq!(allowed.operations, ["dips:lookup", "dips:query"]);
        assert!(allowed.objects.unwrap().field("contact", "id"));
        for bad in ["lookup", "[]", r#"{"object": {}}"#] {
            let error = read(&[("TIELINE_ALLOW", bad)]).unwrap_err();
            assert!(matches!(error, ConfigError::Wrong { name: "TIELINE_ALLOW", .. }), "{bad}");
        }
    }

    #[test]
    fn objects_are_names_or_say_where_they_keep_what() {
        let text = r#"["Contact", {"object": "Member__c", "phones": ["Phone__c"]}]"#;
        let find = read(&[("TIELINE_FIND_OBJECTS", text), ("TIELINE_FIND_WEAK_DIGITS", "0")]).unwrap();
        let find = find.find_caller.unwrap();
        assert_eq!(find.objects[1].phones.as_deref(), Some(&["Phone__c".to_owned()][..]));
        assert_eq!((find.objects.len(), find.weak_digits), (2, 0));
        for bad in ["[]", "[5]", r#"[{"object": "A", "phone": []}]"#] {
            assert!(read(&[("TIELINE_FIND_OBJECTS", bad)]).is_err(), "{bad}");
        }
        assert!(read(&[("TIELINE_FIND_WEAK_DIGITS", "99")]).is_err());
    }

    #[test]
    fn one_variable_switches_the_memory_on() {
        let cache = read(&[("TIELINE_CACHE_FRESH_SECS", "5")]).unwrap().answer_cache.unwrap();
        assert_eq!(cache, RecentSettings { fresh: Duration::from_secs(5), ..RecentSettings::default() });
        assert!(read(&[("TIELINE_CACHE_BYTES", "much")]).is_err());
    }
}
