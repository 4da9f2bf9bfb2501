//! Posts and comments: `createChatterPost`, `createChatterComment`.

use serde_json::Value;
use tieline_core::JsonMap;

use super::operations::{given, text};
use super::searches::is_something;
use super::{Legacy, LegacyError, extras};
use crate::chatter::{self, Segment};

pub(crate) const POST: [&str; 4] = ["sf_feedElementType", "sf_subjectId", "sf_messageType", "sf_message"];
pub(super) const COMMENT: [&str; 3] = ["sf_feedElementId", "sf_commentType", "sf_commentMessage"];

/// Longest text made of a template: far above what Salesforce takes (10,000 characters).
const LONGEST: usize = 100_000;

impl Legacy {
    pub(super) async fn chatter_post(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        given("createChatterPost", parameters, &POST)?;
        let message = filled(text(parameters, "sf_message")?, parameters, &POST)?;
        let segment = Segment { kind: &parameters["sf_messageType"], text: &message };
        let mention = parameters.get("sf_mention").filter(|value| is_something(value));
        let (element, subject) = (&parameters["sf_feedElementType"], &parameters["sf_subjectId"]);
        let id = chatter::post(&self.salesforce.client, element, subject, &segment, mention).await?;
        Ok(JsonMap::from_iter([("Id".into(), Value::String(id))]))
    }

    pub(super) async fn chatter_comment(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        given("createChatterComment", parameters, &COMMENT)?;
        let message = filled(text(parameters, "sf_commentMessage")?, parameters, &COMMENT)?;
        let segment = Segment { kind: &parameters["sf_commentType"], text: &message };
        let element = text(parameters, "sf_feedElementId")?;
        let id = chatter::comment(&self.salesforce.client, element, &segment).await?;
        Ok(JsonMap::from_iter([("Id".into(), Value::String(id))]))
    }
}

/// The template with its `{{ name }}` replaced, one after the other, by the first `{{` and the first
/// `}}` of the whole text, as recorded.
pub(crate) fn filled(template: &str, parameters: &JsonMap, named: &[&str]) -> Result<String, LegacyError> {
    let improper = || LegacyError::exception("ERROR: string is improperly formatted");
    let mut text = template.to_owned();
    while let Some(start) = text.find("{{") {
        let end = text.find("}}").filter(|end| *end >= start + 2).ok_or_else(improper)?;
        let name = text[start + 2..end].trim();
        let value = extras(parameters, named).find(|(known, _)| *known == name).ok_or_else(improper)?.1;
        let Value::String(value) = value else {
            return Err(LegacyError::new("TypeError", "replace() argument 2 must be str"));
        };
        if value.contains("{{") {
            return Err(improper());
        }
        text.replace_range(start..end + 2, value);
        if text.len() > LONGEST {
            return Err(improper());
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates_are_filled_as_recorded() {
        let parameters = json!({"sf_operation": "x", "sf_message": "m", "sf_mention": "005U", "a": "1", "b": "2",
            "open": "x{{y", "close": "}}", "brace": "{", "n": 5, "empty": "", "ä b": "3"});
        let fill =
            |text: &str| filled(text, parameters.as_object().unwrap(), &POST).map_err(|error| error.message);
        for (template, expected) in [
            ("plain } }} {", "plain } }} {"),
            ("{{ a }}-{{a}}-{{  b}}", "1-1-2"),
            ("{{sf_mention}}", "005U"),
            ("x{{empty}}y", "xy"),
            ("{{\tä b\n}}", "3"),
            ("{{a}}}}", "1}}"),
            ("{{a}} {{close}}", "1 }}"),
            // A brace of the value and one of the text make a placeholder, since the text is read again.
            ("{{brace}}{a}}", "1"),
        ] {
            assert_eq!(fill(template).as_deref(), Ok(expected), "{template}");
        }
        let improper = "ERROR: string is improperly formatted";
        for template in [
            "x {{a",
            "}} {{a}}",
            "{{nope}}",
            "{{}}",
            "{{}",
            "{{{a}}}",
            "{{open}}",
            "{{close}} {{a}}",
            "{{A}}",
            "{{sf_message}}",
            "{{sf_operation}}",
        ] {
            assert_eq!(fill(template), Err(improper.into()), "{template}");
        }
        assert!(fill("{{n}}").is_err());
    }
}
