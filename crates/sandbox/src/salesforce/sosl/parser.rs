//! The statement around FIND.

use super::{Expression, Group, strict};
use crate::salesforce::soql::ast::{Path, Query, Select};
use crate::salesforce::soql::{Lexer, Parser, QueryError, Token};

/// (Salesforce, SOQL and SOSL Reference, "SOSL Limits": 2,000 results, 100,000 characters.)
pub(crate) const MAX_RESULTS: u64 = 2_000;
const MAX_LENGTH: usize = 100_000;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Search {
    pub expression: Expression,
    pub group: Group,
    /// Empty: all objects, their ids only.
    pub returning: Vec<Returning>,
    pub limit: u64,
}

/// One object of RETURNING: a query without a search.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Returning {
    pub query: Query,
}

impl Returning {
    /// The ids of `object`.
    pub fn ids(object: Path) -> Self {
        let path = Path { parts: vec!["Id".into()], at: object.at };
        let select = vec![Select::Field { path, alias: None }];
        let query = Query {
            select,
            object,
            alias: None,
            filter: None,
            group_by: Vec::new(),
            having: None,
            order_by: Vec::new(),
            limit: None,
            offset: None,
        };
        Self { query }
    }
}

pub(crate) fn parse(source: &str) -> Result<Search, QueryError> {
    if source.len() > MAX_LENGTH {
        return Err(malformed("SOSL statements cannot be longer than 100,000 characters."));
    }
    let trimmed = source.trim_start();
    let find = trimmed.get(..4).filter(|word| word.eq_ignore_ascii_case("FIND"));
    let rest = trimmed.get(4..).map(str::trim_start).unwrap_or_default();
    if find.is_none() {
        return Err(malformed("SOSL statements begin with FIND"));
    }
    let Some(inside) = rest.strip_prefix('{') else {
        return Err(malformed("No search term found. The search term must be enclosed in braces."));
    };
    let Some(end) = closing_brace(inside) else {
        return Err(malformed("the brace of the search term is not closed"));
    };
    let expression = strict(&inside[..end])?;
    let after = source.len() - inside.len() + end + 1;
    let tokens = Lexer::starting_at(source, after).all().map_err(in_search)?;
    let mut parser = Parser::new(source, tokens);
    clauses(&mut parser, expression).map_err(in_search)
}

/// The grammar is shared with queries, whose code for a mistake differs.
fn in_search(mut error: QueryError) -> QueryError {
    if error.code == "MALFORMED_QUERY" {
        error.code = "MALFORMED_SEARCH";
    }
    error
}

fn malformed(message: &str) -> QueryError {
    QueryError::new("MALFORMED_SEARCH", message)
}

fn closing_brace(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '}' => return Some(i),
            _ => {}
        }
    }
    None
}

fn clauses(parser: &mut Parser<'_>, expression: Expression) -> Result<Search, QueryError> {
    let mut search = Search { expression, group: Group::All, returning: Vec::new(), limit: MAX_RESULTS };
    if parser.eat("IN") {
        let Token::Word(word) = parser.peek() else { return Err(parser.unexpected()) };
        let Some(group) = Group::from_word(word) else { return Err(parser.unexpected()) };
        parser.word()?;
        if !parser.eat("FIELDS") {
            return Err(parser.unexpected());
        }
        search.group = group;
    }
    if parser.eat("RETURNING") {
        search.returning.push(returning(parser)?);
        while parser.eat_symbol(",") {
            search.returning.push(returning(parser)?);
        }
    }
    while parser.eat("WITH") {
        // Of the WITH clauses these two change nothing here; the others would.
        if !(parser.eat("SNIPPET") || parser.eat("HIGHLIGHT")) {
            return Err(parser.unexpected());
        }
    }
    if parser.eat("LIMIT") {
        search.limit = parser.number()?.min(MAX_RESULTS);
    }
    if parser.eat("UPDATE") {
        // Asks for statistics of the search to be kept; there are none.
        parser.word()?;
    }
    parser.expect_end()?;
    Ok(search)
}

fn returning(parser: &mut Parser<'_>) -> Result<Returning, QueryError> {
    let object = parser.path()?;
    let mut returning = Returning::ids(object);
    if !parser.eat_symbol("(") {
        return Ok(returning);
    }
    let query = &mut returning.query;
    query.select = vec![parser.select_item()?];
    while parser.eat_symbol(",") {
        query.select.push(parser.select_item()?);
    }
    if parser.eat("WHERE") {
        query.filter = Some(parser.filter(0)?);
    }
    query.order_by = parser.order_by()?;
    if parser.eat("LIMIT") {
        query.limit = Some(parser.number()?);
    }
    if parser.eat("OFFSET") {
        query.offset = Some(parser.number()?);
    }
    parser.expect_symbol(")")?;
    Ok(returning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_clauses_are_read() {
        let search = parse(
            "FIND {anna\\} AND keller} IN PHONE FIELDS RETURNING Contact(Id, Name WHERE LastName = 'Keller' ORDER BY Name LIMIT 3), Lead LIMIT 10",
        )
        .unwrap();
        assert_eq!(search.group, Group::Phone);
        assert_eq!(search.limit, 10);
        assert_eq!(search.returning.len(), 2);
        assert_eq!(search.returning[0].query.limit, Some(3));
        assert_eq!(search.returning[0].query.select.len(), 2);
    }

    #[test]
    fn mistakes_are_malformed_searches() {
        for bad in [
            "SELECT Id FROM Contact",
            "FIND anna",
            "FIND {anna",
            "FIND {anna} IN SOME FIELDS",
            "FIND {anna} RETURNING",
            "FIND {anna} RETURNING Contact(",
            "FIND {anna} RETURNING Contact(Id WHERE)",
            "FIND {anna} nonsense",
            "FÏND {anna}",
        ] {
            assert_eq!(parse(bad).unwrap_err().code, "MALFORMED_SEARCH", "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_a_search_or_a_mistake(text in "\\PC*", inside in "\\PC{0,40}") {
            let _ = parse(&text);
            let _ = parse(&format!("FIND {{{inside}}} IN ALL FIELDS RETURNING Contact(Id)"));
            let _ = crate::salesforce::sosl::lenient(&inside);
            let pattern = crate::salesforce::sosl::Pattern::new(&inside);
            let _ = (pattern.matches_words(&text), pattern.matches_phone(&text));
        }
    }
}
