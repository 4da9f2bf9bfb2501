//! What is said between the two sides: merging what is known of a contact, projecting it onto
//! CRM records, and dips. Calls the core traits; keeps nothing.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod dip;
pub mod map;
pub mod merge;
pub mod profile;
pub mod project;
