//! How a command ends.

use std::io::Write as _;
use std::process::ExitCode;

use serde::Serialize;
use tieline_core::{error_chain, is_unseen};

/// The thing asked about is bad.
pub const BAD: u8 = 1;
/// It could not be found out.
pub const COULD_NOT_FIND_OUT: u8 = 3;

/// What a command did not do, and the exit code that goes with it.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    /// Empty when everything was said already.
    message: String,
}

pub type Outcome = Result<(), Failure>;

impl Failure {
    /// What was asked about is bad.
    pub fn bad(message: impl Into<String>) -> Self {
        Self { code: BAD, message: message.into() }
    }

    /// The command cannot be used like this.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// Something on the way failed; the question is still open.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self { code: COULD_NOT_FIND_OUT, message: message.into() }
    }

    /// Both were not done; the first one's code stands.
    pub fn and(mut self, other: &Self) -> Self {
        self.message = format!("{}\n{}", self.message, other.message);
        self
    }

    /// With this code, everything said already.
    pub fn silent(code: u8) -> Self {
        Self { code, message: String::new() }
    }
}

/// An error of the store, the network or a file: the question is still open.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::unknown(error_chain(&error))
    }
}

pub fn exit(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            for (at, line) in failure.message.lines().enumerate() {
                eprintln!("{}{line}", if at == 0 { "error: " } else { "       " });
            }
            failure.code.into()
        }
    }
}

/// Writes to stdout. A reader that went away (`| head`) is no error.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

pub fn say_json(value: &impl Serialize) -> Outcome {
    say(&serde_json::to_string(value)?);
    Ok(())
}

/// Rows under headings, each column as wide as it needs.
pub fn say_table(headings: &[&str], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        padded.join("  ").trim_end().to_owned()
    };
    say(&line(&mut headings.iter().copied()));
    for row in rows {
        say(&line(&mut row.iter().map(String::as_str)));
    }
}

/// Text of somebody else's on a terminal: no control characters, which could move the cursor, and
/// none that turn the direction of what follows.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_unseen(c) { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_caller_wrote_moves_and_turns_nothing_on_a_terminal() {
        assert_eq!(
            plain("\u{1b}[31mAnna\r\n\t\u{202e}+12"),
            "\u{fffd}[31mAnna\u{fffd}\u{fffd}\u{fffd}\u{fffd}+12"
        );
        assert_eq!(plain("Zoë O'Neil 😀"), "Zoë O'Neil 😀");
    }
}
