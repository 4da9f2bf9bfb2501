//! The simulated Salesforce over HTTP, as any client meets it. One file per behaviour.
#![allow(clippy::unwrap_used)]

mod attachments;
mod chatter;
mod collections;
mod composite;
mod control;
mod faults;
mod harness;
mod pages;
mod queries;
mod records;
mod searches;
mod sign_in;
