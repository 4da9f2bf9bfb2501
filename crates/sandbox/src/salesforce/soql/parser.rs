//! Tokens to tree.

use jiff::Timestamp;
use jiff::civil::Date;

use super::QueryError;
use super::ast::{
    Aggregate, FieldSet, Filter, Function, Literal, Op, Operand, Order, Path, Query, Relative, Select,
};
use super::dates;
use super::lexer::{Lexer, Token};

/// Deeper nesting than any person writes; keeps hostile text from using up the stack.
const MAX_DEPTH: usize = 60;
/// (Salesforce, SOQL and SOSL Reference, "SOQL and SOSL Limits": 100,000 characters.)
const MAX_LENGTH: usize = 100_000;

/// Reads a whole query.
pub(crate) fn parse(source: &str) -> Result<Query, QueryError> {
    if source.len() > MAX_LENGTH {
        return Err(QueryError::malformed("SOQL statements cannot be longer than 100,000 characters."));
    }
    let mut parser = Parser::new(source, Lexer::new(source).all()?);
    let query = parser.query(0)?;
    parser.expect_end()?;
    Ok(query)
}

/// Shared with SOSL, whose RETURNING holds conditions of the same form.
#[derive(Debug)]
pub(crate) struct Parser<'a> {
    source: &'a str,
    tokens: Vec<(Token, usize)>,
    next: usize,
}

impl<'a> Parser<'a> {
    pub fn new(source: &'a str, tokens: Vec<(Token, usize)>) -> Self {
        Self { source, tokens, next: 0 }
    }

    pub fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        // The last token is `End`, and nothing lies behind it.
        self.tokens.get(self.next + ahead).map_or(&Token::End, |(token, _)| token)
    }

    pub fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.source.len(), |(_, at)| *at)
    }

    fn advance(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    pub fn unexpected(&self) -> QueryError {
        let shown = match self.peek() {
            Token::Word(w) | Token::Digits(w) => w.clone(),
            Token::Text(t) => format!("'{t}'"),
            Token::Symbol(s) => (*s).to_owned(),
            Token::End => "<EOF>".to_owned(),
        };
        QueryError::malformed(format!("unexpected token: '{shown}'")).at(self.source, self.at())
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek_at(ahead), Token::Word(w) if w.eq_ignore_ascii_case(word))
    }

    /// Takes `word` when it is next.
    pub fn eat(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.next += usize::from(found);
        found
    }

    pub fn eat_symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(s) if *s == symbol);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, word: &str) -> Result<(), QueryError> {
        if self.eat(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub fn expect_symbol(&mut self, symbol: &str) -> Result<(), QueryError> {
        if self.eat_symbol(symbol) { Ok(()) } else { Err(self.unexpected()) }
    }

    pub fn expect_end(&self) -> Result<(), QueryError> {
        if *self.peek() == Token::End { Ok(()) } else { Err(self.unexpected()) }
    }

    pub fn word(&mut self) -> Result<String, QueryError> {
        match self.peek() {
            Token::Word(_) => match self.advance() {
                Token::Word(word) => Ok(word),
                _ => Err(self.unexpected()),
            },
            _ => Err(self.unexpected()),
        }
    }

    pub fn path(&mut self) -> Result<Path, QueryError> {
        let at = self.at();
        let mut parts = vec![self.word()?];
        while self.eat_symbol(".") {
            parts.push(self.word()?);
        }
        Ok(Path { parts, at })
    }

    pub fn number(&mut self) -> Result<u64, QueryError> {
        let Token::Digits(digits) = self.peek() else { return Err(self.unexpected()) };
        let Ok(number) = digits.parse() else { return Err(self.unexpected()) };
        self.next += 1;
        Ok(number)
    }

    fn query(&mut self, depth: usize) -> Result<Query, QueryError> {
        Self::guard(depth)?;
        self.expect("SELECT")?;
        let mut select = vec![self.select_item()?];
        while self.eat_symbol(",") {
            select.push(self.select_item()?);
        }
        self.expect("FROM")?;
        let object = self.path()?;
        let alias = self.alias(&CLAUSES)?;
        if matches!(self.peek(), Token::Symbol(",")) {
            return Err(self.not_offered("several objects in FROM"));
        }
        if self.eat("USING") {
            self.expect("SCOPE")?;
            // Everyone sees everything here, so the one scope that changes nothing is taken.
            self.expect("EVERYTHING")?;
        }
        let filter = if self.eat("WHERE") { Some(self.filter(depth + 1)?) } else { None };
        if self.eat("WITH") {
            self.security()?;
        }
        let mut group_by = Vec::new();
        if self.eat("GROUP") {
            self.expect("BY")?;
            if self.is_word(0, "ROLLUP") || self.is_word(0, "CUBE") {
                return Err(self.not_offered("ROLLUP and CUBE"));
            }
            group_by.push(self.path()?);
            while self.eat_symbol(",") {
                group_by.push(self.path()?);
            }
        }
        let having = if self.eat("HAVING") { Some(self.filter(depth + 1)?) } else { None };
        let order_by = self.order_by()?;
        let limit = if self.eat("LIMIT") { Some(self.number()?) } else { None };
        let offset = if self.eat("OFFSET") { Some(self.number()?) } else { None };
        while self.eat("FOR") {
            // They only mark records as seen, or lock them within Apex.
            if !(self.eat("VIEW") || self.eat("REFERENCE")) {
                return Err(self.unexpected());
            }
        }
        Ok(Query { select, object, alias, filter, group_by, having, order_by, limit, offset })
    }

    fn security(&mut self) -> Result<(), QueryError> {
        if self.eat("SECURITY_ENFORCED") || self.eat("USER_MODE") || self.eat("SYSTEM_MODE") {
            return Ok(());
        }
        Err(self.not_offered("WITH followed by anything but SECURITY_ENFORCED, USER_MODE or SYSTEM_MODE"))
    }

    pub fn order_by(&mut self) -> Result<Vec<Order>, QueryError> {
        let mut order = Vec::new();
        if !self.eat("ORDER") {
            return Ok(order);
        }
        self.expect("BY")?;
        loop {
            let at = self.at();
            let by = self.operand()?;
            let descending = !self.eat("ASC") && self.eat("DESC");
            let mut nulls_last = false;
            if self.eat("NULLS") {
                nulls_last = !self.eat("FIRST");
                if nulls_last {
                    self.expect("LAST")?;
                }
            }
            order.push(Order { by, descending, nulls_last, at });
            if !self.eat_symbol(",") {
                return Ok(order);
            }
        }
    }

    fn guard(depth: usize) -> Result<(), QueryError> {
        if depth > MAX_DEPTH {
            return Err(QueryError::new("QUERY_TOO_COMPLICATED", "the query is nested too deeply"));
        }
        Ok(())
    }

    fn not_offered(&self, what: &str) -> QueryError {
        QueryError::malformed(format!("the sandbox does not offer {what}")).at(self.source, self.at())
    }

    /// A word that is not one of `clauses`, with or without AS before it.
    fn alias(&mut self, clauses: &[&str]) -> Result<Option<String>, QueryError> {
        if self.eat("AS") {
            return self.word().map(Some);
        }
        match self.peek() {
            Token::Word(w) if !clauses.iter().any(|c| w.eq_ignore_ascii_case(c)) => self.word().map(Some),
            _ => Ok(None),
        }
    }

    pub fn select_item(&mut self) -> Result<Select, QueryError> {
        if matches!(self.peek(), Token::Symbol("(")) {
            return Err(self.not_offered("sub-queries in SELECT"));
        }
        if self.is_word(0, "TYPEOF") {
            return Err(self.not_offered("TYPEOF"));
        }
        if matches!(self.peek_at(1), Token::Symbol("(")) {
            return self.call();
        }
        let path = self.path()?;
        let alias = self.alias(&CLAUSES)?;
        Ok(Select::Field { path, alias })
    }

    fn call(&mut self) -> Result<Select, QueryError> {
        let at = self.at();
        let name = self.word()?;
        self.expect_symbol("(")?;
        if name.eq_ignore_ascii_case("COUNT") && self.eat_symbol(")") {
            return Ok(Select::Count);
        }
        if name.eq_ignore_ascii_case("FIELDS") {
            let which = match self.word()?.to_ascii_uppercase().as_str() {
                "ALL" => FieldSet::All,
                "STANDARD" => FieldSet::Standard,
                "CUSTOM" => FieldSet::Custom,
                _ => return Err(self.unexpected()),
            };
            self.expect_symbol(")")?;
            return Ok(Select::Fields { which, at });
        }
        if name.eq_ignore_ascii_case("TOLABEL") || name.eq_ignore_ascii_case("FORMAT") {
            // Labels are the values here and nothing is localised, so both are the field itself.
            let path = self.path()?;
            self.expect_symbol(")")?;
            let alias = self.alias(&CLAUSES)?;
            return Ok(Select::Field { path, alias });
        }
        let call = self.aggregate(&name, at)?;
        let alias = self.alias(&CLAUSES)?;
        Ok(Select::Aggregate { call, alias })
    }

    /// The rest of a call whose name and opening parenthesis were read.
    fn aggregate(&mut self, name: &str, at: usize) -> Result<Aggregate, QueryError> {
        let function = match name.to_ascii_uppercase().as_str() {
            "COUNT" => Function::Count,
            "COUNT_DISTINCT" => Function::CountDistinct,
            "SUM" => Function::Sum,
            "AVG" => Function::Avg,
            "MIN" => Function::Min,
            "MAX" => Function::Max,
            _ => {
                let message = format!("the sandbox does not offer the function {name}");
                return Err(QueryError::malformed(message).at(self.source, at));
            }
        };
        let path = self.path()?;
        self.expect_symbol(")")?;
        Ok(Aggregate { function, path })
    }

    fn operand(&mut self) -> Result<Operand, QueryError> {
        if !matches!(self.peek_at(1), Token::Symbol("(")) {
            return self.path().map(Operand::Field);
        }
        let at = self.at();
        let name = self.word()?;
        self.expect_symbol("(")?;
        if name.eq_ignore_ascii_case("COUNT") && self.eat_symbol(")") {
            return Ok(Operand::Count);
        }
        if name.eq_ignore_ascii_case("TOLABEL") {
            let path = self.path()?;
            self.expect_symbol(")")?;
            return Ok(Operand::Field(path));
        }
        self.aggregate(&name, at).map(Operand::Aggregate)
    }

    /// Conditions joined by AND or by OR; mixing them needs parentheses, as in Salesforce.
    pub fn filter(&mut self, depth: usize) -> Result<Filter, QueryError> {
        Self::guard(depth)?;
        let first = self.condition(depth)?;
        let and = self.is_word(0, "AND");
        if !and && !self.is_word(0, "OR") {
            return Ok(first);
        }
        let joint = if and { "AND" } else { "OR" };
        let mut all = vec![first];
        while self.eat(joint) {
            all.push(self.condition(depth)?);
        }
        if self.is_word(0, "AND") || self.is_word(0, "OR") {
            return Err(self.unexpected());
        }
        Ok(if and { Filter::And(all) } else { Filter::Or(all) })
    }

    fn condition(&mut self, depth: usize) -> Result<Filter, QueryError> {
        Self::guard(depth)?;
        if self.eat("NOT") {
            return Ok(Filter::Not(Box::new(self.condition(depth + 1)?)));
        }
        if self.eat_symbol("(") {
            let inner = self.filter(depth + 1)?;
            self.expect_symbol(")")?;
            return Ok(inner);
        }
        let at = self.at();
        let left = self.operand()?;
        let negated = self.is_word(0, "NOT") && self.is_word(1, "IN");
        self.next += usize::from(negated);
        if self.eat("IN") {
            let Operand::Field(path) = left else { return Err(self.unexpected()) };
            return self.members(path, negated, at, depth);
        }
        let op = self.operator()?;
        if matches!(op, Op::Includes | Op::Excludes) {
            return Err(self.not_offered("multi-select picklists"));
        }
        let value = self.literal()?;
        Ok(Filter::Compare { left, op, value, at })
    }

    fn members(&mut self, path: Path, negated: bool, at: usize, depth: usize) -> Result<Filter, QueryError> {
        self.expect_symbol("(")?;
        if self.is_word(0, "SELECT") {
            let query = Box::new(self.query(depth + 1)?);
            self.expect_symbol(")")?;
            return Ok(Filter::InQuery { path, negated, query, at });
        }
        let mut values = vec![self.literal()?];
        while self.eat_symbol(",") {
            values.push(self.literal()?);
        }
        self.expect_symbol(")")?;
        Ok(Filter::In { path, negated, values, at })
    }

    fn operator(&mut self) -> Result<Op, QueryError> {
        let op = match self.peek() {
            Token::Symbol("=") => Op::Eq,
            Token::Symbol("!=" | "<>") => Op::Ne,
            Token::Symbol("<") => Op::Lt,
            Token::Symbol("<=") => Op::Le,
            Token::Symbol(">") => Op::Gt,
            Token::Symbol(">=") => Op::Ge,
            Token::Word(w) if w.eq_ignore_ascii_case("LIKE") => Op::Like,
            Token::Word(w) if w.eq_ignore_ascii_case("INCLUDES") => Op::Includes,
            Token::Word(w) if w.eq_ignore_ascii_case("EXCLUDES") => Op::Excludes,
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(op)
    }

    fn literal(&mut self) -> Result<Literal, QueryError> {
        let at = self.at();
        let literal = match self.peek() {
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Digits(digits) => match number_or_date(digits) {
                Some(literal) => literal,
                None => return Err(self.unexpected()),
            },
            Token::Word(word) => match word.to_ascii_uppercase().as_str() {
                "NULL" => Literal::Null,
                "TRUE" => Literal::Bool(true),
                "FALSE" => Literal::Bool(false),
                word => match dates::literal(word) {
                    Some(dates::Word::Alone(relative)) => Literal::Relative(relative),
                    Some(dates::Word::Counted(make)) => {
                        self.next += 1;
                        return self.counted(make, at);
                    }
                    None => return Err(self.unexpected()),
                },
            },
            _ => return Err(self.unexpected()),
        };
        self.next += 1;
        Ok(literal)
    }

    /// The `:n` of `LAST_N_DAYS:n`.
    fn counted(&mut self, make: fn(i32) -> Relative, at: usize) -> Result<Literal, QueryError> {
        self.expect_symbol(":")?;
        let count = self.number()?;
        match i32::try_from(count) {
            Ok(count) if count <= 100_000 => Ok(Literal::Relative(make(count))),
            _ => Err(QueryError::malformed("the number of a date literal is too large").at(self.source, at)),
        }
    }
}

/// Words that end what stands before them, and so are nobody's alias.
const CLAUSES: [&str; 11] =
    ["FROM", "WHERE", "USING", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE"];

fn number_or_date(digits: &str) -> Option<Literal> {
    let numeric = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    if numeric
        && let Ok(number) = digits.parse::<f64>()
        && number.is_finite()
    {
        return Some(Literal::Number(number));
    }
    if digits.len() == 10
        && let Ok(date) = digits.parse::<Date>()
    {
        return Some(Literal::Date(date));
    }
    // A time needs its zone; Salesforce takes `+0100` as well as `+01:00`.
    if digits.contains(['T', 't']) {
        return timestamp(digits).map(Literal::DateTime);
    }
    None
}

/// An instant as Salesforce takes it: ISO 8601 with `Z`, `+01:00` or `+0100`.
pub(crate) fn timestamp(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let length = bytes.len();
    if length < 17 || !text.is_ascii() {
        return None;
    }
    let compact =
        matches!(bytes[length - 5], b'+' | b'-') && bytes[length - 4..].iter().all(u8::is_ascii_digit);
    let whole =
        if compact { format!("{}:{}", &text[..length - 2], &text[length - 2..]) } else { text.to_owned() };
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::salesforce::schema::Schema;
    use crate::salesforce::soql::{Context, compile};
    use crate::salesforce::storage::Storage;

    /// Pieces of queries, right and wrong, in any order.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "SELECT",
            "Id",
            "Name",
            "Account.Name",
            "FROM",
            "Contact",
            "c",
            "WHERE",
            "AND",
            "OR",
            "NOT",
            "IN",
            "LIKE",
            "(",
            ")",
            ",",
            ".",
            "=",
            "!=",
            "<",
            ">=",
            "'x'",
            "'\\''",
            "'%\\%'",
            "'",
            "\\",
            "5",
            "-1.5e3",
            "2026-11-20",
            "2026-11-20T10:00:00Z",
            "TODAY",
            "LAST_N_DAYS:",
            ":3",
            "null",
            "true",
            "ORDER",
            "BY",
            "DESC",
            "NULLS",
            "LAST",
            "LIMIT",
            "OFFSET",
            "COUNT()",
            "COUNT(Id)",
            "GROUP",
            "HAVING",
            "MAX(Name)",
            "FIELDS(ALL)",
            "Owner.Name",
            "é",
            "\n",
            "CreatedDate",
            "IsDeleted",
            "99999999999999999999",
        ]);
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.join(" "))
    }

    proptest! {
        #[test]
        fn any_text_is_a_query_or_a_mistake(text in "\\PC*") {
            let _ = parse(&text);
        }

        #[test]
        fn what_can_be_compiled_can_be_run(text in pieces(), tail in pieces()) {
            let schema = Schema::load(None).unwrap();
            let storage = Storage::open(&schema).unwrap();
            for text in [text.clone(), format!("SELECT Id FROM Contact {tail}"), format!("SELECT Id FROM Contact WHERE {tail}")] {
                let context = Context { schema: &schema, source: &text, today: "2026-11-20".parse().unwrap(), deleted: false };
                if let Ok(query) = parse(&text)
                    && let Ok(compiled) = compile(context, &query)
                {
                    crate::salesforce::soql::read_rows(&storage.conn, &compiled, "/base").unwrap();
                }
            }
        }

        #[test]
        fn a_value_in_quotes_comes_out_as_it_went_in(value in "\\PC{1,40}") {
            let escaped = value.replace('\\', "\\\\").replace('\'', "\\'");
            let query = parse(&format!("SELECT Id FROM Contact WHERE Name = '{escaped}'")).unwrap();
            let Some(Filter::Compare { value: Literal::Text(text), .. }) = query.filter else { panic!() };
            prop_assert_eq!(crate::salesforce::soql::lexer::plain(&text), value);
        }
    }

    #[test]
    fn operators_and_clauses_are_read_in_any_case() {
        let query = parse("select id, account.name from contact c where (name like 'a%' or not c.id in ('1','2')) and createddate = last_n_days:30 group by name order by name desc nulls last limit 5 offset 2").unwrap();
        assert_eq!(query.alias.as_deref(), Some("c"));
        assert_eq!((query.limit, query.offset), (Some(5), Some(2)));
        assert!(query.order_by[0].descending && query.order_by[0].nulls_last);
        let Some(Filter::And(parts)) = &query.filter else { panic!("{query:?}") };
        assert!(matches!(&parts[0], Filter::Or(both) if matches!(&both[1], Filter::Not(_))));
    }

    #[test]
    fn times_are_read_with_every_zone_salesforce_takes() {
        for text in ["2026-11-20T10:00:00Z", "2026-11-20T11:00:00+01:00", "2026-11-20T11:00:00.000+0100"] {
            assert_eq!(timestamp(text).unwrap().to_string(), "2026-11-20T10:00:00Z", "{text}");
        }
        for text in ["2026-11-20T10:00:00", "2026-11-20", "tomorrow", "2026-13-20T10:00:00Z"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}
