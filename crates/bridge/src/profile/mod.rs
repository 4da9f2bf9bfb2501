//! Field maps, as data: which fact of a contact goes into which field of which CRM record.
//!
//! A profile is one TOML file per record under `profiles/<contact center>/<CRM>/`, checked when it
//! is loaded, with all its problems together. What a fact means is in [`Fact`]; how it is worked
//! out from a contact is in [`crate::project`].
//!
//! To map a further fact: a variant in [`Fact`], its word in `FACTS`, and its value in
//! `project::value_of`.

mod fact;
mod load;
mod record;
mod spelling;

pub use fact::Fact;
pub(crate) use load::is_name;
pub use load::{ProfileError, ProfileProblem};
pub use record::{Chosen, FieldRule, FieldSource, Key, Profile, RecordProfile, Write};
pub use spelling::Spelling;
