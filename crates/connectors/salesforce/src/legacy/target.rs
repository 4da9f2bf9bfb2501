//! The reference's front behind the same doors as ours: keys, deadline, and memory of creates.

use async_trait::async_trait;
use serde_json::Value;
use tieline_bridge::dip::{DipError, DipTarget, Found, Names, Operation, Shape, Touched, Understood};
use tieline_core::{Caller, Comparison, Condition, ConnectorError, JsonMap, Paging, Query};

use super::operations::lookup_text;
use super::{Legacy, LegacyError, extras, unknown};
use crate::template::{self, Matching};

#[async_trait]
impl DipTarget for Legacy {
    fn names(&self) -> Names {
        self.salesforce.names()
    }

    /// Enough to say what is touched, so that a key's bounds hold here as well. Everything the
    /// reference complains about itself is left to [`Legacy::answer`], in its words.
    fn understand(&self, parameters: &JsonMap, region: Option<&str>) -> Result<Understood, DipError> {
        let asked = |name, operation| Understood { name, operation, shape: Shape::Nested, deadline: None };
        match parameters.get("sf_operation").and_then(Value::as_str) {
            Some("lookup") => Ok(asked("lookup", lookup(parameters)?)),
            Some("phoneLookup") => Ok(asked("phoneLookup", phone_lookup(parameters))),
            Some("create") => Ok(asked("create", create(parameters)?)),
            Some("query") => Ok(asked("query", Operation::Query { text: statement(parameters) })),
            // The reference has no such operation, so it is ours in every way.
            Some("findCaller") => self.salesforce.understand(parameters, region),
            None if !parameters.contains_key("sf_operation") => Err(LegacyError::key("sf_operation").into()),
            name => Err(unknown(name.unwrap_or_default()).into()),
        }
    }

    fn touched(&self, operation: &Operation) -> Option<Vec<Touched>> {
        self.salesforce.touched(operation)
    }

    fn answers_by_the_letter(&self) -> bool {
        true
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
fn statement(parameters: &JsonMap) -> String {
    let values: Vec<(&str, &str)> = extras(parameters, &["query"])
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    template::fill(&text(parameters, "query"), &values, Matching::Substrings).unwrap_or_default()
}

fn lookup(parameters: &JsonMap) -> Result<Operation, LegacyError> {
    lookup_text(parameters)?;
    let conditions = extras(parameters, &["sf_object", "sf_fields"])
        .map(|(field, value)| Condition {
            field: field.clone(),
            comparison: Comparison::Equals(value.clone()),
        })
        .collect();
    Ok(Operation::Lookup(Query {
        object: text(parameters, "sf_object"),
        fields: fields(parameters),
        conditions,
        limit: None,
        paging: Paging::FirstPage,
    }))
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
    if let Some(missing) = LegacyError::missing("create", parameters, &["sf_object"]) {
        return Err(missing);
    }
    let fields = extras(parameters, &["sf_object"]).map(|(name, value)| (name.clone(), value.clone()));
    Ok(Operation::Create { object: text(parameters, "sf_object"), fields: fields.collect() })
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
