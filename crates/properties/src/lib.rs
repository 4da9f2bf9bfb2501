//! What must hold whatever comes in: one function per parser, given bytes, that panics where it does not.
//!
//! The same functions are called twice: by the fuzz targets (`fuzz/`, `make fuzz`), which look for inputs
//! by coverage, millions of them; and by `tests/generated.rs`, which tries some hundreds in every test
//! run. Each says more than "no panic" where there is more to say: what is quoted is read back as it
//! was, two readers of one text agree, a second reading changes nothing, an error repeats nobody's data.
//!
//! An input is text or JSON as it would come in; where several texts are needed they are separated by
//! the control character U+001F. To add one: a function, its line in [`ALL`], a file of
//! `fuzz/fuzz_targets`, seeds in `fuzz/seeds/<name>`.

mod input;

mod aws;
mod chatter;
mod connect;
mod dates;
mod dips;
mod field_map;
mod insights;
mod phone;
mod report;
mod soql;
mod sosl;
mod storage;
mod template;

pub use aws::presign;
pub use chatter::chatter;
pub use connect::{contact_record, delivery_key};
pub use dates::date_language;
pub use dips::legacy_event;
pub use field_map::field_map;
pub use insights::{contact_lens, transcript};
pub use phone::phone;
pub use report::report;
pub use soql::{soql_statement, soql_value};
pub use sosl::sosl_statement;
pub use storage::storage_event;
pub use template::soql_template;

/// A property of one input.
pub type Property = fn(&[u8]);

/// All of them, by the name of their fuzz target.
pub const ALL: [(&str, Property); 16] = [
    ("chatter", chatter),
    ("contact_lens", contact_lens),
    ("contact_record", contact_record),
    ("date_language", date_language),
    ("delivery_key", delivery_key),
    ("field_map", field_map),
    ("legacy_event", legacy_event),
    ("phone", phone),
    ("presign", presign),
    ("report", report),
    ("soql_statement", soql_statement),
    ("soql_template", soql_template),
    ("soql_value", soql_value),
    ("sosl_statement", sosl_statement),
    ("storage_event", storage_event),
    ("transcript", transcript),
];
