//! Changes: `create`, `update`, `delete`.

use serde_json::Value;
use tieline_core::JsonMap;

use super::operations::{given, text};
use super::{Legacy, LegacyError, dates, extras};
use crate::rows;

impl Legacy {
    pub(super) async fn create(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        given("create", parameters, &["sf_object"])?;
        let object = text(parameters, "sf_object")?;
        let fields = self.fields(object, parameters, &["sf_object"])?;
        let id = rows::create(&self.salesforce.client, object, &fields).await?;
        Ok(JsonMap::from_iter([("Id".into(), Value::String(id))]))
    }

    /// Answers the HTTP status, a number.
    pub(super) async fn update(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        given("update", parameters, &["sf_object", "sf_id"])?;
        let (object, id) = (text(parameters, "sf_object")?, text(parameters, "sf_id")?);
        let fields = self.fields(object, parameters, &["sf_object", "sf_id"])?;
        let status = rows::update(&self.salesforce.client, object, id, &fields).await?;
        Ok(JsonMap::from_iter([("Status".into(), status.into())]))
    }

    pub(super) async fn delete(&self, parameters: &JsonMap) -> Result<JsonMap, LegacyError> {
        check_delete(parameters)?;
        let (object, id) = (text(parameters, "sf_object")?, text(parameters, "sf_id")?);
        rows::delete(&self.salesforce.client, object, id).await?;
        Ok(JsonMap::from_iter([("Response".into(), Value::Null)]))
    }

    /// The extra parameters with their dates written out.
    fn fields(&self, object: &str, parameters: &JsonMap, named: &[&str]) -> Result<JsonMap, LegacyError> {
        // Lists of categories use the bar for themselves.
        let verbatim = object == format!("{}AC_ContactChannelAnalytics__c", self.prefix());
        let now = self.clock.now();
        extras(parameters, named)
            .map(|(name, value)| {
                let value = match value {
                    Value::String(text) if !verbatim => Value::String(dates::parse(text, now)?),
                    other => other.clone(),
                };
                Ok((name.clone(), value))
            })
            .collect()
    }
}

/// A delete takes no field: one is a mistake that must not end in a record being gone.
pub(super) fn check_delete(parameters: &JsonMap) -> Result<(), LegacyError> {
    if let Some((name, _)) = extras(parameters, &["sf_object", "sf_id"]).next() {
        return Err(LegacyError::new(
            "TypeError",
            format!("delete() got an unexpected keyword argument '{name}'"),
        ));
    }
    given("delete", parameters, &["sf_object", "sf_id"])
}
