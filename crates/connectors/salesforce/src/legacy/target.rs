//! The reference's front behind the same doors as ours: keys, deadline, and memory of creates.

use async_trait::async_trait;
use serde_json::Value;
use tieline_bridge::dip::{
    DipError, DipTarget, Found, Names, Operation, Search, Shape, Touched, Understood, Which,
};
use tieline_core::{Caller, Comparison, Condition, ConnectorError, JsonMap, Paging, Query};

use super::chatter::{COMMENT, POST};
use super::operations::{given, lookup_all_text, lookup_text};
use super::searches::is_something;
use super::writes::check_delete;
use super::{Legacy, LegacyError, extras, parameters_of, unknown};
use crate::dip::deadline;
use crate::template::{self, Language, Matching};

#[async_trait]
impl DipTarget for Legacy {
    fn names(&self) -> Names {
        self.salesforce.names()
    }

    /// Enough to say what is touched, so that a key's bounds hold here as well. Everything the
    /// reference complains about itself is left to [`Legacy::answer`], in its words.
    fn understand(&self, parameters: &JsonMap, region: Option<&str>) -> Result<Understood, DipError> {
        let deadline = deadline(parameters)?;
        let asked = |name, operation| Understood { name, operation, shape: Shape::Nested, deadline };
        let query = |wanted| Operation::Query { text: statement(parameters, Language::Query), wanted };
        let search_text =
            |wanted| Operation::SearchText { text: statement(parameters, Language::Search), wanted };
        match parameters.get("sf_operation").and_then(Value::as_str) {
            Some("lookup") => {
                lookup_text(parameters)?;
                Ok(asked("lookup", Operation::Lookup(read(parameters))))
            }
            Some("lookup_all") => {
                lookup_all_text(parameters)?;
                Ok(asked("lookup_all", Operation::LookupAll(read(parameters))))
            }
            Some("phoneLookup") => Ok(asked("phoneLookup", phone_lookup(parameters))),
            Some("create") => Ok(asked("create", create(parameters)?)),
            // The reference has no such operation, so it is ours in every way.
            Some("findCaller") => self.salesforce.understand(parameters, region),
            Some("update") => Ok(asked("update", update(parameters)?)),
            Some("delete") => Ok(asked("delete", delete(parameters)?)),
            Some("query") => Ok(asked("query", query(Which::All))),
            Some("queryOne") => Ok(asked("queryOne", query(Which::OnlyOne))),
            Some("search") => Ok(asked("search", search(parameters, Which::All))),
            Some("searchOne") => Ok(asked("searchOne", search(parameters, Which::OnlyOne))),
            Some("searchSOSL") => Ok(asked("searchSOSL", search_text(Which::All))),
            Some("searchOneSOSL") => Ok(asked("searchOneSOSL", search_text(Which::OnlyOne))),
            Some("createChatterPost") => Ok(asked("createChatterPost", post(parameters)?)),
            Some("createChatterComment") => Ok(asked("createChatterComment", comment(parameters)?)),
            None if !parameters.contains_key("sf_operation") => Err(LegacyError::key("sf_operation").into()),
            _ => Err(unknown().into()),
        }
    }

    fn touched(&self, operation: &Operation) -> Option<Vec<Touched>> {
        self.salesforce.touched(operation)
    }

    fn answers_by_the_letter(&self) -> bool {
        true
    }

    fn parameters<'a>(&self, event: &'a Value) -> Result<&'a JsonMap, DipError> {
        Ok(parameters_of(event)?)
    }

    async fn perform(&self, operation: &Operation) -> Result<Found, ConnectorError> {
        self.salesforce.perform(operation).await
    }

    async fn answer(&self, parameters: &JsonMap, asked: &Understood) -> Result<Value, DipError> {
        if let Operation::FindCaller(_) = asked.operation {
            return self.salesforce.answer(parameters, asked).await;
        }
        Ok(self.answer_to(parameters).await?)
    }
}

/// The statement with its values in their places, since a value may stand where a name belongs;
/// nothing where that fails, which [`Legacy::answer`] says in the reference's words.
fn statement(parameters: &JsonMap, language: Language) -> String {
    let values: Vec<(&str, &str)> = extras(parameters, &["query"])
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    template::fill(&text(parameters, "query"), &values, Matching::Substrings, language).unwrap_or_default()
}

fn read(parameters: &JsonMap) -> Query {
    let conditions = extras(parameters, &["sf_object", "sf_fields"])
        .map(|(field, value)| Condition {
            field: field.clone(),
            comparison: Comparison::Equals(value.clone()),
        })
        .collect();
    Query {
        object: text(parameters, "sf_object"),
        fields: fields(parameters),
        conditions,
        limit: None,
        paging: Paging::FirstPage,
    }
}

fn phone_lookup(parameters: &JsonMap) -> Operation {
    Operation::PhoneLookup {
        // Which numbers are withheld, and what is said of those, is the reference's business.
        caller: Caller::Other(text(parameters, "sf_phone")),
        object: Some("Contact".to_owned()),
        fields: match parameters.get("sf_fields") {
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned))
                .collect(),
            _ => fields(parameters),
        },
    }
}

fn create(parameters: &JsonMap) -> Result<Operation, LegacyError> {
    given("create", parameters, &["sf_object"])?;
    Ok(Operation::Create {
        object: text(parameters, "sf_object"),
        fields: values(parameters, &["sf_object"]),
    })
}

fn update(parameters: &JsonMap) -> Result<Operation, LegacyError> {
    given("update", parameters, &["sf_object", "sf_id"])?;
    Ok(Operation::Update {
        object: text(parameters, "sf_object"),
        id: text(parameters, "sf_id"),
        fields: values(parameters, &["sf_object", "sf_id"]),
    })
}

fn delete(parameters: &JsonMap) -> Result<Operation, LegacyError> {
    check_delete(parameters)?;
    Ok(Operation::Delete { object: text(parameters, "sf_object"), id: text(parameters, "sf_id") })
}

fn search(parameters: &JsonMap, wanted: Which) -> Operation {
    let filter = parameters.get("where").filter(|value| is_something(value));
    Operation::Search(Search {
        words: text(parameters, "q"),
        object: text(parameters, "sf_object"),
        fields: fields(parameters),
        filter: filter.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        limit: 0,
        wanted,
    })
}

fn post(parameters: &JsonMap) -> Result<Operation, LegacyError> {
    given("createChatterPost", parameters, &POST)?;
    Ok(Operation::Post {
        record: text(parameters, "sf_subjectId"),
        text: text(parameters, "sf_message"),
        mention: parameters.get("sf_mention").map(ToString::to_string),
    })
}

fn comment(parameters: &JsonMap) -> Result<Operation, LegacyError> {
    given("createChatterComment", parameters, &COMMENT)?;
    Ok(Operation::Comment {
        post: text(parameters, "sf_feedElementId"),
        text: text(parameters, "sf_commentMessage"),
    })
}

fn values(parameters: &JsonMap, named: &[&str]) -> JsonMap {
    extras(parameters, named).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn fields(parameters: &JsonMap) -> Vec<String> {
    text(parameters, "sf_fields").split(',').map(|field| field.trim().to_owned()).collect()
}

/// Text as it is, anything else as JSON, nothing as nothing: this is compared with what a key may
/// touch, and never sent.
fn text(parameters: &JsonMap, name: &str) -> String {
    match parameters.get(name) {
        None => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}
