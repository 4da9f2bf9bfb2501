use std::sync::LazyLock;

use serde_json::json;
use tieline_bridge::dip::{DipTarget, Operation};
use tieline_core::JsonMap;
use tieline_salesforce::{Salesforce, doors};

use crate::dips::salesforce;
use crate::input::{parts, text};

static OURS: LazyLock<Salesforce> = LazyLock::new(salesforce);

/// A message is its template with values in it, of bounded length, or an error that repeats no value.
/// (`template`, `name`, `value`, `name`, `value`)
pub fn chatter(data: &[u8]) {
    let input = text(data);
    let [template, name, value, second, other] = parts(&input);
    // Not a word of any message, so that a message with it has a value in it.
    let value = format!("{value}\u{2063}7f3a");
    let mut parameters = JsonMap::new();
    parameters.insert(second.to_owned(), other.into());
    parameters.insert(name.to_owned(), value.clone().into());
    match doors::chatter(template, &parameters) {
        Ok(message) => {
            assert!(!message.contains("{{") && message.len() <= 100_000, "{message:?}");
            assert!(template.contains("{{") || message == template, "{message:?}");
        }
        Err(error) => assert!(!error.to_string().contains("\u{2063}7f3a"), "{error}"),
    }

    for (member, given) in [
        ("sf_operation", json!("createChatterPost")),
        ("sf_subjectId", json!("0055e000001AbCdAAK")),
        ("sf_message", json!(template)),
    ] {
        parameters.insert(member.to_owned(), given);
    }
    match OURS.understand(&parameters, None) {
        Ok(asked) => {
            // A parameter's name may have made it something else.
            let Operation::Post { text, .. } = asked.operation else { return };
            // All at once: each placeholder brings one value, and a value brings no placeholder.
            let most = template.len() + template.matches("{{").count() * value.len().max(other.len());
            assert!(text.len() <= most, "{text:?}");
            assert!(template.contains("{{") || text == template, "{text:?}");
        }
        Err(error) => assert!(!error.to_string().contains("\u{2063}7f3a"), "{error}"),
    }
}
