//! From what is known of a contact to what the CRM should hold.
//!
//! Pure: the same facts give the same rows, with the same hash, on every machine, so that a
//! projection equal to what was written is recognised and not written again.

mod record;
mod value;
mod who;
mod write;

#[cfg(test)]
mod tests;

pub use record::{Known, Projected, key_of, project};
pub use value::{customer_number, has_ended};
pub use write::outbox_row;
