//! Writing records: what a value may be (`values`), what follows from it (`rules`), and the
//! four changes (`writer`).
//!
//! A row is checked whole before anything is written, so a refused row leaves nothing behind;
//! the transaction around a request is its caller's.

mod failure;
mod rules;
mod values;
mod writer;

pub(crate) use failure::Failure;
pub(crate) use rules::cascades;
pub(crate) use writer::{Actor, Upserted, Writer, record_id};
