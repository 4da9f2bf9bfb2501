//! What `tieline flow check|import|export` do with the bytes of a file; the command reads, prints
//! and picks the exit code.

use crate::cti::{self, Note, Options};
use crate::{Document, Problem, check, check_json};

/// What a conversion gives.
#[derive(Debug, Clone)]
pub struct Converted {
    /// The other form, ready to print.
    pub text: String,
    /// For the reader: what was kept without being understood, or has no place in the other form.
    pub notes: Vec<Note>,
    /// What keeps the document from being published. Importing still succeeded: it is a draft.
    pub problems: Vec<Problem>,
}

/// `flow check FILE`: everything that is wrong with a document of ours, empty when nothing is.
pub fn check_file(bytes: &[u8]) -> Vec<Problem> {
    check_json(bytes)
}

/// `flow import FILE [--on SOURCE.EVENT] [--name NAME]`: a file of the reference product as a
/// document of ours.
///
/// # Errors
///
/// Everything that keeps the file from being read at all.
pub fn import_file(bytes: &[u8], options: Options) -> Result<Converted, Vec<Problem>> {
    let import = cti::import_json(bytes, options)?;
    Ok(Converted { text: import.document.to_json(), notes: import.notes, problems: check(&import.document) })
}

/// `flow export FILE`: a document of ours as a file of the reference product. Drafts export too.
///
/// # Errors
///
/// Everything that keeps the text from being read as a document.
pub fn export_file(bytes: &[u8]) -> Result<Converted, Vec<Problem>> {
    let document = Document::from_json(bytes)?;
    let export = cti::export(&document);
    let mut text = serde_json::to_string_pretty(&export.file).expect("a file holds only JSON values");
    text.push('\n');
    Ok(Converted { text, notes: export.notes, problems: check(&document) })
}

/// One line per problem, as the command prints them.
pub fn lines(problems: &[Problem]) -> String {
    let mut lines = String::new();
    for problem in problems {
        lines.push_str(&problem.to_string());
        lines.push('\n');
    }
    lines
}
