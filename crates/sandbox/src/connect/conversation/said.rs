//! Who said what, and when.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::connect::call::Call;
use crate::world::Problem;

/// How long a word takes, and the breath before somebody speaks.
const WORD_MS: i64 = 400;
const BREATH_MS: i64 = 300;

const MOST_LINES: usize = 1_000;
const LONGEST_LINE: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    Customer,
    Agent,
}

impl Who {
    pub const BOTH: [Self; 2] = [Self::Customer, Self::Agent];

    /// As the control API writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Agent => "agent",
        }
    }

    /// As analyses write it.
    pub fn role(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Agent => "AGENT",
        }
    }
}

/// One thing somebody says.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Say {
    pub who: Who,
    pub text: String,
}

/// One thing that was said; times in milliseconds from the begin of the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub who: Who,
    pub text: String,
    pub begin: i64,
    pub end: i64,
}

impl Line {
    pub fn length(&self) -> i64 {
        self.end - self.begin
    }

    pub fn words(&self) -> i64 {
        i64::try_from(self.text.split_whitespace().count()).unwrap_or(i64::MAX)
    }
}

/// The conversation: what is told, else what was said on the call, else a few words about a bill.
///
/// # Errors
///
/// When what is told is nothing, too much, or holds an empty text.
pub fn lines(told: Option<&[Say]>, call: Option<&Call>) -> Result<Vec<Line>, Problem> {
    let mut lines = Vec::new();
    if let Some(told) = told {
        check(told)?;
        for say in told {
            follow(&mut lines, say.who, &say.text, 0);
        }
    } else if let Some(call) = call {
        let begin = call.joined.unwrap_or(call.started);
        for said in &call.transcript {
            let Some(text) = &said.text else { continue };
            let who = if said.who == Who::Agent.word() { Who::Agent } else { Who::Customer };
            follow(&mut lines, who, text, since(begin, said.at));
        }
    }
    if lines.is_empty() {
        for (who, text) in [
            (Who::Customer, "Hello, there is a problem with my bill."),
            (Who::Agent, "I can help you with that. What is the number of the bill?"),
            (Who::Customer, "It is 4711 0815."),
            (Who::Agent, "Thank you, I have changed it."),
            (Who::Customer, "Perfect, thank you very much."),
        ] {
            follow(&mut lines, who, text, 0);
        }
    }
    Ok(lines)
}

/// `of` what each side said, by its role; a side that said nothing is left out.
pub fn by_role(lines: &[Line], of: impl Fn(&[&Line]) -> Value) -> Value {
    let mut roles = Map::new();
    for who in Who::BOTH {
        let own: Vec<&Line> = lines.iter().filter(|line| line.who == who).collect();
        if !own.is_empty() {
            roles.insert(who.role().to_owned(), of(&own));
        }
    }
    Value::Object(roles)
}

fn check(told: &[Say]) -> Result<(), Problem> {
    if told.is_empty() || told.len() > MOST_LINES {
        return Err(Problem::invalid(format!("`said` holds 1 to {MOST_LINES} texts")));
    }
    if told.iter().any(|say| say.text.trim().is_empty() || say.text.len() > LONGEST_LINE) {
        return Err(Problem::invalid(format!("a text of `said` has 1 to {LONGEST_LINE} bytes")));
    }
    Ok(())
}

fn since(begin: Timestamp, at: Timestamp) -> i64 {
    (at.as_millisecond() - begin.as_millisecond()).max(0)
}

/// Adds what is said after everything before, and not before `earliest`.
fn follow(lines: &mut Vec<Line>, who: Who, text: &str, earliest: i64) {
    let begin = lines.last().map_or(0, |last: &Line| last.end + BREATH_MS).max(earliest);
    let mut line = Line { who, text: text.trim().to_owned(), begin, end: begin };
    line.end += line.words().max(1) * WORD_MS;
    lines.push(line);
}
