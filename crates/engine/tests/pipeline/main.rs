//! The pipeline from deliveries to a CRM, one file per behaviour: the CRM is held in memory, but in
//! `sandbox.rs`, where it is the simulated Salesforce over HTTP.
#![allow(clippy::unwrap_used)]

mod bursts;
mod conversations;
mod crm;
mod documents;
mod failures;
mod flows;
mod journeys;
mod letters;
mod sandbox;
mod support;
