//! Answers dips as the reference functions do, for contact flows that were built on them.
//!
//! Same parameters, same calls, same answers and error texts, as recorded. What differs on purpose:
//! no value changes what a query, a search or an address says; every page of a query is read and
//! the count is the true one; `searchOneSOSL` asks the search; the clock of the date language runs,
//! and text with a `|` that is no date is just text; an answer never outgrows a contact flow; and
//! `deadline_ms` says how long the flow can wait.

mod answer;
mod chatter;
mod dates;
mod error;
mod flatten;
mod operations;
mod searches;
mod target;
mod writes;

use std::sync::Arc;

use serde_json::Value;
use tieline_bridge::dip::DipCode;
use tieline_core::{Clock, JsonMap};

use crate::crm::Salesforce;

pub(crate) use chatter::{POST, filled};
pub(crate) use dates::parse as dated;
pub use error::LegacyError;
pub(crate) use operations::{lookup_all_text, lookup_text};

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
        self.answer_to(parameters_of(event)?).await
    }

    async fn answer_to(&self, parameters: &JsonMap) -> Result<Value, LegacyError> {
        let name = match parameters.get("sf_operation") {
            None => return Err(LegacyError::key("sf_operation")),
            Some(Value::String(name)) => name.as_str(),
            Some(_) => return Err(unknown()),
        };
        let answer = match name {
            "lookup" => self.lookup(parameters).await,
            "lookup_all" => self.lookup_all(parameters).await,
            "phoneLookup" => self.phone_lookup(parameters).await,
            "create" => self.create(parameters).await,
            "update" => self.update(parameters).await,
            "delete" => self.delete(parameters).await,
            "query" => self.query(parameters).await,
            "queryOne" => self.query_one(parameters).await,
            "search" => self.search(parameters).await,
            "searchOne" => self.search_one(parameters).await,
            "searchSOSL" => self.search_sosl(parameters).await,
            "searchOneSOSL" => self.search_one_sosl(parameters).await,
            "createChatterPost" => self.chatter_post(parameters).await,
            "createChatterComment" => self.chatter_comment(parameters).await,
            _ => Err(unknown()),
        }?;
        Ok(Value::Object(answer))
    }

    /// `amazonconnect__` for the namespace `amazonconnect`, nothing without one.
    fn prefix(&self) -> String {
        self.salesforce.namespace.as_deref().map(|name| format!("{name}__")).unwrap_or_default()
    }
}

fn unknown() -> LegacyError {
    LegacyError::unknown_operation("sf_operation unknown")
}

fn parameters_of(event: &Value) -> Result<&JsonMap, LegacyError> {
    match member(member(event, "Details")?, "Parameters")? {
        Value::Object(parameters) => Ok(parameters),
        _ => Err(LegacyError::new("TypeError", "'Parameters' is not a map").coded(DipCode::MalformedEvent)),
    }
}

fn member<'a>(value: &'a Value, name: &str) -> Result<&'a Value, LegacyError> {
    value.get(name).ok_or_else(|| LegacyError::key(name).coded(DipCode::MalformedEvent))
}

/// Members of the parameters beside the named ones, in the event's order.
fn extras<'a>(parameters: &'a JsonMap, named: &'a [&str]) -> impl Iterator<Item = (&'a String, &'a Value)> {
    parameters.iter().filter(move |(name, _)| {
        !matches!(name.as_str(), "sf_operation" | "deadline_ms") && !named.contains(&name.as_str())
    })
}
