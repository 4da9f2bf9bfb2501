//! What objects and fields there are: the standard ones as a table in `standard`, the
//! custom ones read from `packages/salesforce` in `custom`, and what `describe` says of both.
//!
//! Everything that needs to know about a field asks here; no other module names one unless
//! it is about that field's own rule.

mod custom;
mod describe;
mod field;
mod object;
mod standard;

pub(crate) use describe::{describe, describe_brief};
pub(crate) use field::{Field, Kind, PickValue};
pub(crate) use object::{Object, Schema};
