//! A contact flow's parameters, and their operations against the org.
//!
//! The names (`sf_operation`, `sf_object`, …) are those of the reference functions, so that a flow
//! keeps working when it is pointed here, or plain ones (`operation`, `object`, …); the answers are our
//! flat ones. For the reference's own answers see [`crate::legacy`].
//!
//! `understand` says which operation is asked for, `perform` does it. A new operation is one arm in each
//! of them, and one in [`DipTarget::touched`] where its text names what it reads.

mod find_caller;
mod parameters;
mod perform;
#[cfg(test)]
mod tests;
mod understand;

use async_trait::async_trait;
use serde_json::Value;
use tieline_bridge::dip::{DipError, DipTarget, Found, Names, Operation, Touched, Understood, answer_of};
use tieline_core::{ConnectorError, JsonMap};

use crate::crm::Salesforce;
use crate::touched;

pub(crate) use parameters::deadline;

const NAMES: Names = Names {
    count: "sf_count",
    rows: "sf_records",
    id: "Id",
    about: "attributes",
    truncated: "truncated",
    // What an update's HTTP status is: flows ask for it.
    done: ("Status", "204"),
};

#[async_trait]
impl DipTarget for Salesforce {
    fn names(&self) -> Names {
        NAMES
    }

    fn understand(&self, parameters: &JsonMap, region: Option<&str>) -> Result<Understood, DipError> {
        understand::understand(parameters, region, &self.finding.settings)
    }

    fn touched(&self, operation: &Operation) -> Option<Vec<Touched>> {
        match operation {
            Operation::Query { text, .. } => touched::by_query(text),
            Operation::SearchText { text, .. } => touched::by_search(text),
            Operation::Search(search) => touched::by_filter(&search.object, search.filter.as_deref()?),
            Operation::Lookup(_)
            | Operation::LookupAll(_)
            | Operation::PhoneLookup { .. }
            | Operation::Create { .. }
            | Operation::Update { .. }
            | Operation::Delete { .. }
            | Operation::Post { .. }
            | Operation::Comment { .. }
            | Operation::FindCaller(_) => None,
        }
    }

    async fn perform(&self, operation: &Operation) -> Result<Found, ConnectorError> {
        self.found(operation).await.map_err(|failure| failure.during("dip"))
    }

    /// With the status and all of Salesforce's words, which a [`ConnectorError`] has no room for.
    async fn answer(&self, _: &JsonMap, asked: &Understood) -> Result<Value, DipError> {
        match self.found(&asked.operation).await {
            Ok(found) => Ok(answer_of(found, asked.shape, &NAMES)),
            Err(failure) => Err(perform::told(failure)),
        }
    }
}
