//! Field maps of records a contact center sends whole: which member of its JSON document goes into
//! which field of which CRM object.
//!
//! [`crate::profile`] maps what is known of a contact, merged from all sources, in our words. The
//! maps here are for the records a vendor writes itself (a contact record, one row of a report, an
//! analysis): a document in, one [`tieline_core::OutboxRow`] out, with the vendor's own member
//! names. They are TOML files, `profiles/<contact center>/<CRM>/<name>.toml`, that an
//! administrator can replace, or extend with fields of the org's own, without a line of code:
//! `docs/guides/field-maps.md` has the format.
//!
//! Nothing here fails on a document for what it lacks but its key: a member that is absent, null
//! or empty is nothing, and whatever the shape of a value, a field gets a text, a number, a flag
//! or null.

mod file;
mod fit;
mod header;
mod path;
mod rule;
mod set;

#[cfg(test)]
mod tests;

pub use fit::{Fitted, fit};
pub use rule::{Column, FieldMap, Kind, MapContext, MapError};
pub use set::FieldMaps;
