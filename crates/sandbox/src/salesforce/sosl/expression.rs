//! The words between the braces of FIND.

use super::Pattern;
use crate::salesforce::soql::QueryError;

/// Deeper than any person writes.
const MAX_DEPTH: usize = 40;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    /// A word or phrase in the form `Pattern` reads.
    Term(String),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
}

/// Reads an expression as SOSL wants it: reserved characters escaped.
pub(crate) fn strict(text: &str) -> Result<Expression, QueryError> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0 };
    if parser.tokens.is_empty() {
        return Err(malformed("No search term found. The search term must be enclosed in braces."));
    }
    let expression = parser.any(0)?;
    if parser.next < parser.tokens.len() {
        return Err(malformed("unexpected operator or parenthesis in the search term"));
    }
    long_enough(&expression, text)?;
    Ok(expression)
}

/// Reads what a person typed: as an expression when it is one, else as words.
pub(crate) fn lenient(text: &str) -> Result<Expression, QueryError> {
    // The parentheses of `(202) 555-0147` group nothing.
    if !is_number(text)
        && let Ok(expression) = strict(text)
    {
        return Ok(expression);
    }
    let escaped: String = text
        .chars()
        .flat_map(|c| if RESERVED.contains(c) || c == '\\' { vec!['\\', c] } else { vec![c] })
        .collect();
    strict(&escaped)
}

/// Characters that mean something, or nothing yet, and must be escaped to be searched for.
const RESERVED: &str = "&|!{}[]()^~:\"";

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Term(String),
    And,
    Or,
    Not,
    Open,
    Close,
}

fn malformed(message: impl Into<String>) -> QueryError {
    QueryError::new("MALFORMED_SEARCH", message)
}

fn tokens(text: &str) -> Result<Vec<Token>, QueryError> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(&c) = chars.peek() {
        match c {
            c if c.is_whitespace() => {
                chars.next();
            }
            '(' | ')' => {
                chars.next();
                tokens.push(if c == '(' { Token::Open } else { Token::Close });
            }
            '"' => {
                chars.next();
                tokens.push(phrase(&mut chars)?);
            }
            _ => tokens.push(word(&mut chars)?),
        }
    }
    Ok(numbers_together(tokens))
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn phrase(chars: &mut Chars<'_>) -> Result<Token, QueryError> {
    let mut phrase = String::new();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Ok(Token::Term(phrase)),
            '\\' => {
                phrase.push('\\');
                phrase.extend(chars.next());
            }
            c => phrase.push(c),
        }
    }
    Err(malformed("a quoted phrase is not closed"))
}

fn word(chars: &mut Chars<'_>) -> Result<Token, QueryError> {
    let mut word = String::new();
    while let Some(&c) = chars.peek() {
        match c {
            c if c.is_whitespace() || matches!(c, '(' | ')' | '"') => break,
            '\\' => {
                chars.next();
                let Some(escaped) = chars.next() else {
                    return Err(malformed("a backslash stands at the end of the search term"));
                };
                word.extend(['\\', escaped]);
            }
            c if RESERVED.contains(c) => {
                return Err(malformed(format!("the character {c} must be escaped in a search term")));
            }
            c => {
                chars.next();
                word.push(c);
            }
        }
    }
    Ok(match word.to_ascii_uppercase().as_str() {
        "AND" => Token::And,
        "OR" => Token::Or,
        "NOT" => Token::Not,
        _ => Token::Term(word),
    })
}

/// `(202) 555-0147` is one number although it has a blank in it.
fn numbers_together(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    for token in tokens {
        match (joined.last_mut(), token) {
            (Some(Token::Term(before)), Token::Term(word)) if is_number(before) && is_number(&word) => {
                before.push(' ');
                before.push_str(&word);
            }
            (_, token) => joined.push(token),
        }
    }
    joined
}

fn is_number(word: &str) -> bool {
    word.contains(|c: char| c.is_ascii_digit())
        && word
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, ' ' | '+' | '-' | '(' | ')' | '.' | '/' | '\\'))
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
}

impl Parser {
    fn eat(&mut self, token: &Token) -> bool {
        let found = self.tokens.get(self.next) == Some(token);
        self.next += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Expression, QueryError> {
        let mut all = vec![self.every(depth)?];
        while self.eat(&Token::Or) {
            all.push(self.every(depth)?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::Or(all) })
    }

    /// Words beside each other are joined by AND. A sign by itself (`Keller \& Sons`) is no word
    /// of the index and asks for nothing.
    fn every(&mut self, depth: usize) -> Result<Expression, QueryError> {
        let mut all = vec![self.one(depth)?];
        loop {
            if self.eat(&Token::And) {
                if self.eat(&Token::Not) {
                    all.push(Expression::Not(Box::new(self.one(depth)?)));
                } else {
                    all.push(self.one(depth)?);
                }
            } else if matches!(self.tokens.get(self.next), Some(Token::Term(_) | Token::Open)) {
                all.push(self.one(depth)?);
            } else {
                break;
            }
        }
        if all.iter().any(asks) {
            all.retain(asks);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::And(all) })
    }

    fn one(&mut self, depth: usize) -> Result<Expression, QueryError> {
        if depth > MAX_DEPTH {
            return Err(malformed("the search term is nested too deeply"));
        }
        if self.eat(&Token::Open) {
            let inner = self.any(depth + 1)?;
            if !self.eat(&Token::Close) {
                return Err(malformed("a parenthesis of the search term is not closed"));
            }
            return Ok(inner);
        }
        match self.tokens.get(self.next) {
            Some(Token::Term(text)) => {
                let text = text.clone();
                self.next += 1;
                Ok(Expression::Term(text))
            }
            _ => Err(malformed("a word is missing in the search term")),
        }
    }
}

/// Whether there is anything in it that can be found.
fn asks(expression: &Expression) -> bool {
    !matches!(expression, Expression::Term(text) if Pattern::new(text).is_empty())
}

/// (Salesforce, REST API Developer Guide, "Search": the term must have more than one character.)
fn long_enough(expression: &Expression, text: &str) -> Result<(), QueryError> {
    fn longest(expression: &Expression) -> usize {
        match expression {
            Expression::Term(text) => text.chars().filter(|c| !matches!(c, '*' | '?' | '\\' | ' ')).count(),
            Expression::Not(inner) => longest(inner),
            Expression::And(all) | Expression::Or(all) => all.iter().map(longest).max().unwrap_or(0),
        }
    }
    if longest(expression) < 2 {
        return Err(malformed(format!("search term must be longer than one character: {text}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Expression {
        Expression::Term(text.into())
    }

    #[test]
    fn words_and_operators_and_phrases_are_read() {
        use Expression::{And, Not, Or};
        assert_eq!(strict("anna keller").unwrap(), And(vec![term("anna"), term("keller")]));
        assert_eq!(
            strict("anna OR (dana AND NOT moss)").unwrap(),
            Or(vec![term("anna"), And(vec![term("dana"), Not(Box::new(term("moss")))])])
        );
        assert_eq!(strict("\"anna keller\"").unwrap(), term("anna keller"));
        assert_eq!(strict("\\(202\\) 555\\-0147").unwrap(), term("\\(202\\) 555\\-0147"));
        assert_eq!(strict("O\\'Neil").unwrap(), term("O\\'Neil"));
        assert_eq!(strict("Keller \\& Sons").unwrap(), And(vec![term("Keller"), term("Sons")]));
        assert_eq!(
            strict("Keller AND NOT \\&").unwrap(),
            And(vec![term("Keller"), Not(Box::new(term("\\&")))])
        );
        assert_eq!(strict("\\&\\&").unwrap(), term("\\&\\&"));
    }

    #[test]
    fn what_is_reserved_must_be_escaped() {
        for bad in ["", "a", "*", "x{y", "a:b", "(anna", "anna OR", "\"anna", "anna )", "anna \\", "&&"] {
            assert_eq!(strict(bad).unwrap_err().code, "MALFORMED_SEARCH", "{bad}");
        }
    }

    #[test]
    fn what_a_person_typed_is_searched_for_as_it_stands() {
        assert_eq!(lenient("x{yz").unwrap(), term("x\\{yz"));
        assert_eq!(lenient("(202) 555-0147").unwrap(), term("\\(202\\) 555-0147"));
    }
}
