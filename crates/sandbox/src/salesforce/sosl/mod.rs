//! Searches: the words of FIND (`expression`), what they match (`pattern`), the statement
//! around them (`parser`), and their condition in SQL (`condition`).
//!
//! A word matches a whole word of a field, without case; `*` and `?` are wildcards; quotes
//! make a phrase; words beside each other must all be there, in whichever fields. A number
//! matches a phone field by its digits: with or without the country's code, whatever the
//! punctuation.
//!
//! (Salesforce, SOQL and SOSL Reference, "SOSL Syntax"; REST API Developer Guide,
//! "Parameterized Search". Read 2026-11-20.)

mod condition;
mod expression;
mod parser;
mod pattern;

pub(crate) use condition::{Group, condition};
pub(crate) use expression::{Expression, lenient, strict};
pub(crate) use parser::{Returning, parse};
pub(crate) use pattern::Pattern;
