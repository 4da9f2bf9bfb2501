//! Files of the reference product: CTI Flow JSON, read and written at the edge.
//!
//! [`import`] makes a [`Document`](crate::Document) of a file, [`export`] a file of a document. This
//! module alone knows the vendor's block types and field names, through one table. Nothing of a
//! file is lost: what has no place in our document is kept under `origin` of the document or the
//! step, and a value nobody has changed since is written back as it was. [`equal`] says what "as it
//! was" means.
//!
//! Imported flows keep the meaning they have in the reference product, oddities included: nothing
//! is repaired on the way.

mod equal;
mod export;
mod import;
mod references;
mod table;

pub use equal::equal;
pub use export::{Export, export};
pub use import::{FILE_BYTES, Import, Options, import, import_json};
pub(crate) use table::foreign_step;

/// Something a reader of the result should know: kept but not understood, or not to be said there.
/// Places are those of our document, or `actions.<n>` where the file has no such place.
pub type Note = crate::Problem;
