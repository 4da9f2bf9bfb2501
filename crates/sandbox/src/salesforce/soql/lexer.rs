//! Text to tokens.

use super::QueryError;

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Word(String),
    /// A string literal with its escapes undone; for LIKE the escaped wildcards keep their backslash.
    Text(String),
    /// Numbers, dates and times: told apart by the parser.
    Digits(String),
    /// One of `( ) , . : = != <> < <= > >=`, and braces for SOSL.
    Symbol(&'static str),
    End,
}

/// Tokens with the place where each begins.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    source: &'a str,
    at: usize,
}

const TWO: [&str; 4] = ["!=", "<>", "<=", ">="];
const ONE: [&str; 10] = ["(", ")", ",", ".", ":", "=", "<", ">", "{", "}"];

impl<'a> Lexer<'a> {
    pub fn new(source: &'a str) -> Self {
        Self { source, at: 0 }
    }

    /// Goes on from another place, for parsers that read some of the text themselves.
    pub fn starting_at(source: &'a str, at: usize) -> Self {
        Self { source, at }
    }

    pub fn all(mut self) -> Result<Vec<(Token, usize)>, QueryError> {
        let mut tokens = Vec::new();
        loop {
            let (token, at) = self.next()?;
            let end = token == Token::End;
            tokens.push((token, at));
            if end {
                return Ok(tokens);
            }
        }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn next(&mut self) -> Result<(Token, usize), QueryError> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        let start = self.at;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok((Token::End, start)) };

        if first == '\'' {
            return self.text(start);
        }
        let signed =
            matches!(first, '-' | '+') && rest[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.');
        if first.is_ascii_digit() || signed {
            let length = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '+' | '-')))
                .map_or(rest.len(), |(i, _)| i);
            self.at += length;
            return Ok((Token::Digits(rest[..length].to_owned()), start));
        }
        if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            self.at += length;
            return Ok((Token::Word(rest[..length].to_owned()), start));
        }
        for symbol in TWO.iter().chain(&ONE) {
            if rest.starts_with(symbol) {
                self.at += symbol.len();
                return Ok((Token::Symbol(symbol), start));
            }
        }
        Err(QueryError::malformed(format!("unexpected token: '{first}'")).at(self.source, start))
    }

    /// The escapes of SOQL strings: `\n \r \t \b \f \" \' \\ \_ \% \uXXXX`; others are an error.
    fn text(&mut self, start: usize) -> Result<(Token, usize), QueryError> {
        let mut value = String::new();
        let mut chars = self.source[start + 1..].char_indices();
        let wrong = |what: &str, at: usize| {
            QueryError::malformed(format!("unexpected token: '{what}'")).at(self.source, at)
        };
        while let Some((i, c)) = chars.next() {
            match c {
                '\'' => {
                    self.at = start + 1 + i + 1;
                    return Ok((Token::Text(value), start));
                }
                '\\' => match chars.next() {
                    Some((_, 'n' | 'N')) => value.push('\n'),
                    Some((_, 'r' | 'R')) => value.push('\r'),
                    Some((_, 't' | 'T')) => value.push('\t'),
                    Some((_, 'b' | 'B')) => value.push('\u{8}'),
                    Some((_, 'f' | 'F')) => value.push('\u{c}'),
                    Some((_, quote @ ('"' | '\''))) => value.push(quote),
                    // Kept for LIKE, where they differ from a bare wildcard or backslash.
                    Some((_, '\\')) => value.push_str("\\\\"),
                    Some((_, wildcard @ ('_' | '%'))) => {
                        value.push('\\');
                        value.push(wildcard);
                    }
                    Some((j, 'u')) => {
                        let hex: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                        let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                        value.push(code.ok_or_else(|| wrong("\\u", start + 1 + j))?);
                    }
                    Some((j, other)) => {
                        let message =
                            format!("Invalid string literal: illegal character sequence '\\{other}'");
                        return Err(QueryError::malformed(message).at(self.source, start + 1 + j));
                    }
                    None => break,
                },
                other => value.push(other),
            }
        }
        Err(QueryError::malformed("unexpected token: '<EOF>': a string is not closed").at(self.source, start))
    }
}

/// A string literal where it is not a LIKE pattern: the kept escapes are undone too.
pub(crate) fn plain(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            value.extend(chars.next());
        } else {
            value.push(c);
        }
    }
    value
}
