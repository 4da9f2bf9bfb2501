//! Answers dips as the reference functions do, for contact flows that were built on them.
//!
//! Same parameters, same calls, same answers and error texts, as recorded. Three things differ on
//! purpose: no value changes what a query says, every page of a query is read, and the clock of
//! the date language runs. Text with a `|` that is no date is just text.

mod dates;
mod error;
mod flatten;
mod operations;
mod target;

use std::sync::Arc;

use serde_json::Value;
use tieline_core::{Clock, JsonMap};

use crate::crm::Salesforce;
use crate::dip::LATER;

pub use error::LegacyError;

/// The reference's front on one org.
#[derive(Clone)]
pub struct Legacy {
    salesforce: Salesforce,
    clock: Arc<dyn Clock>,
}

impl Legacy {
    pub fn new(salesforce: Salesforce, clock: Arc<dyn Clock>) -> Self {
        Self { salesforce, clock }
    }

    /// Answers one contact-flow event.
    ///
    /// # Errors
    ///
    /// [`LegacyError`] with the reference's error type and text where it has one.
    pub async fn answer(&self, event: &Value) -> Result<Value, LegacyError> {
        let details = member(event, "Details")?;
        let Value::Object(parameters) = member(details, "Parameters")? else {
            return Err(LegacyError::new("TypeError", "'Parameters' is not a map"));
        };
        self.answer_to(parameters).await
    }

    async fn answer_to(&self, parameters: &JsonMap) -> Result<Value, LegacyError> {
        let name = match parameters.get("sf_operation") {
            None => return Err(LegacyError::key("sf_operation")),
            Some(Value::String(name)) => name.as_str(),
            Some(_) => return Err(LegacyError::unknown_operation("sf_operation unknown")),
        };
        let answer = match name {
            "lookup" => self.lookup(parameters).await,
            "phoneLookup" => self.phone_lookup(parameters).await,
            "create" => self.create(parameters).await,
            "query" => self.query(parameters).await,
            other => Err(unknown(other)),
        }?;
        Ok(Value::Object(answer))
    }

    /// `amazonconnect__` for the namespace `amazonconnect`, nothing without one.
    fn prefix(&self) -> String {
        self.salesforce.namespace.as_deref().map(|name| format!("{name}__")).unwrap_or_default()
    }
}

/// An operation that is not offered yet, or by nobody.
fn unknown(name: &str) -> LegacyError {
    LegacyError::unknown_operation(if LATER.contains(&name) {
        format!("dip.unknown_operation: the operation `{name}` is not offered yet")
    } else {
        "sf_operation unknown".to_owned()
    })
}

fn member<'a>(value: &'a Value, name: &str) -> Result<&'a Value, LegacyError> {
    value.get(name).ok_or_else(|| LegacyError::key(name))
}

/// Members of the parameters beside the named ones, in the event's order.
fn extras<'a>(parameters: &'a JsonMap, named: &'a [&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    parameters
        .iter()
        .filter(move |(name, _)| name.as_str() != "sf_operation" && !named.contains(&name.as_str()))
}
