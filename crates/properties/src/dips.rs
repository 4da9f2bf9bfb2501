use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use tieline_bridge::dip::DipTarget;
use tieline_core::{FixedClock, JsonMap};
use tieline_salesforce::legacy::Legacy;
use tieline_salesforce::{CredentialError, CredentialSource, Credentials, OrgSettings, Salesforce, doors};
use tieline_sandbox::salesforce::doors::query;
use url::Url;

use crate::soql::LONGEST;

/// An org that is never called.
pub(crate) fn salesforce() -> Salesforce {
    struct Nobody;

    #[async_trait]
    impl CredentialSource for Nobody {
        async fn credentials(&self) -> Result<Credentials, CredentialError> {
            Err(CredentialError::Unavailable("nobody is signed in".into()))
        }
    }

    // An error only says that somebody has installed it before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = Url::parse("https://acme.my.salesforce.com").expect("an address");
    let clock = Arc::new(FixedClock(Timestamp::UNIX_EPOCH));
    Salesforce::new(&OrgSettings::new(address), Arc::new(Nobody), clock).expect("settings of an org")
}

static FRONTS: LazyLock<(Salesforce, Legacy)> = LazyLock::new(|| {
    let ours = salesforce();
    let legacy = Legacy::new(ours.clone(), Arc::new(FixedClock(Timestamp::UNIX_EPOCH)));
    (ours, legacy)
});

/// Not a word of any message, so that a message with it has a value in it.
const MARK: &str = "\u{2063}7f3a";

/// Parameters that say what to do, and not with whose data.
const WORDS: [&str; 6] = ["sf_operation", "operation", "sf_object", "sf_fields", "shape", "deadline_ms"];

/// A contact flow's event is refused without a word of what it holds, or becomes one operation; a
/// look-up asks for what the flow named and compares with what the flow said.
pub fn legacy_event(data: &[u8]) {
    if data.len() > LONGEST {
        return;
    }
    let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
    let (ours, legacy) = &*FRONTS;
    for front in [ours as &dyn DipTarget, legacy] {
        let Ok(parameters) = front.parameters(&event) else { continue };
        if let Ok(asked) = front.understand(parameters, Some("US")) {
            let again = front.understand(parameters, Some("US"));
            assert_eq!(again.as_ref(), Ok(&asked), "the same event means the same");
            front.touched(&asked.operation);
        }
        let marked = marked(parameters);
        if let Err(error) = front.understand(&marked, Some("US")) {
            assert!(!error.to_string().contains(MARK), "{error}");
        }
        for all in [false, true] {
            looked_up(parameters, all);
            if let Err(error) = doors::lookup(&marked, all) {
                assert!(!error.to_string().contains(MARK), "{error}");
            }
        }
    }
}

fn marked(parameters: &JsonMap) -> JsonMap {
    let mark = |(name, value): (&String, &Value)| {
        let value = match value {
            Value::String(text) if !WORDS.contains(&name.as_str()) => format!("{text}{MARK}").into(),
            other => other.clone(),
        };
        (name.clone(), value)
    };
    parameters.iter().map(mark).collect()
}

fn looked_up(parameters: &JsonMap, all: bool) {
    let Ok(statement) = doors::lookup(parameters, all) else { return };
    let Ok(read) = query(&statement) else { return };
    let object = parameters["sf_object"].as_str().expect("a text, or it would have been refused");
    let named: Vec<&str> = read.named.iter().map(|(object, _)| object.as_str()).collect();
    assert_eq!(named, [object.trim()], "{statement}");
    let named = ["sf_operation", "deadline_ms", "sf_object", "sf_fields"];
    let values = parameters.iter().filter(|(name, _)| !named.contains(&name.as_str()));
    let values: Vec<(&String, &str)> =
        values.map(|(name, value)| (name, value.as_str().expect("a text"))).collect();
    assert_eq!(read.texts.len(), values.len(), "{statement}");
    for ((name, value), text) in values.into_iter().zip(&read.texts) {
        let loose = ["mobilephone", "homephone"].iter().any(|it| name.eq_ignore_ascii_case(it));
        if !loose && !value.contains('%') {
            assert_eq!(text, value, "{statement}");
        }
    }
}
