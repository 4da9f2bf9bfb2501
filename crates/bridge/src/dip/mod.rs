//! Dips: a contact flow asks the CRM something while the caller waits.
//!
//! A connector understands the flow's parameters ([`DipTarget::understand`]) and performs the
//! [`Operation`]; here stands what is the same for every CRM: who may ask what ([`Allowed`]), how
//! long the caller waits and what is said when that is over ([`DipSettings`]), that a repeated
//! create answers what the first one did ([`AnswerCache`]), the shape of the answer ([`Shape`]) and
//! its size ([`ANSWER_LIMIT`]), and that a message repeats nothing the caller said. Nothing here knows a CRM's words or keeps anything.

mod allowed;
mod answer;
mod cache;
mod error;
pub mod find;
mod fit;
mod operation;
mod private;
pub mod recent;
mod run;

pub use allowed::{Allowed, Grants, Touched};
pub use answer::{Names, Shape, answer_of};
pub use cache::{AnswerCache, Claim, MemoryCache, Outcome};
pub use error::{DipCode, DipError};
pub use fit::{ANSWER_LIMIT, Budget, fit_one};
pub use operation::{Found, Operation, Search, Understood, Which};
pub use run::{DipSettings, DipTarget, Dips, flow_parameters};
