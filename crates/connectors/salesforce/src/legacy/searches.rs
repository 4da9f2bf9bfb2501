//! Searches: `search`, `searchOne`, `searchSOSL`, `searchOneSOSL`.

use serde_json::{Value, json};
use tieline_core::JsonMap;

use super::operations::{filled, given, text};
use super::{Legacy, LegacyError, answer};
use crate::search;
use crate::template::Language;

impl Legacy {
    pub(super) async fn search(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        given("search", parameters, &["q", "sf_fields", "sf_object"])?;
        let mut body = body(parameters)?;
        // As given: a contact flow makes it text.
        body["overallLimit"] = parameters.get("overallLimit").cloned().unwrap_or_else(|| 100.into());
        let rows = search::parameterized(&self.salesforce.client, &body).await?;
        let total = rows.len();
        Ok(answer::records(bare(rows)?, total))
    }

    pub(super) async fn search_one(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        given("searchOne", parameters, &["q", "sf_fields", "sf_object"])?;
        let rows = search::parameterized(&self.salesforce.client, &body(parameters)?).await?;
        let total = rows.len();
        Ok(answer::only_one(bare(rows)?, total))
    }

    /// What the search gave, `attributes` included.
    pub(super) async fn search_sosl(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        let rows = self.found_by_text("searchSOSL", parameters).await?;
        let total = rows.len();
        Ok(answer::records(rows, total))
    }

    /// The reference asks the wrong address and always fails; here it finds.
    pub(super) async fn search_one_sosl(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        let rows = self.found_by_text("searchOneSOSL", parameters).await?;
        let total = rows.len();
        Ok(answer::only_one(bare(rows)?, total))
    }

    async fn found_by_text(
        &self,
        operation: &str,
        parameters: &JsonMap,
    ) -> Result<Vec<JsonMap>, LegacyError> {
        given(operation, parameters, &["query"])?;
        let text = filled(parameters, Language::Search)?;
        Ok(search::by_text(&self.salesforce.client, &text).await?)
    }
}

fn body(parameters: &JsonMap) -> Result<Value, LegacyError> {
    let fields: Vec<&str> = text(parameters, "sf_fields")?.split(", ").collect();
    let mut object = json!({ "name": parameters["sf_object"] });
    if let Some(condition) = parameters.get("where").filter(|value| is_something(value)) {
        object["where"] = condition.clone();
    }
    Ok(json!({ "q": parameters["q"], "fields": fields, "sobjects": [object] }))
}

/// What Python takes for true.
pub(super) fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// Rows without what Salesforce says about them.
pub(super) fn bare(rows: Vec<JsonMap>) -> Result<Vec<JsonMap>, LegacyError> {
    rows.into_iter()
        .map(|mut row| match row.shift_remove("attributes") {
            Some(_) => Ok(row),
            None => Err(LegacyError::malformed_answer("attributes")),
        })
        .collect()
}
