//! What an author's statement names: objects and their fields, for keys that are bound to some.
//!
//! Understands what people write in contact flows. Everything else (`TYPEOF`, data categories,
//! snippets, bind variables) is `None`, and a bound key may not send it: a part nobody read could
//! name anything. Whether Salesforce accepts the statement is Salesforce's to say.
//!
//! (SOQL and SOSL Reference, "SOQL SELECT Syntax", "SOSL Syntax". Read 2026-11-21.)

use tieline_bridge::dip::Touched;

use crate::soql;

/// Deeper than any person writes.
const MAX_DEPTH: usize = 40;

/// Objects and fields a query names. Those of a child query are `Contacts.Name`.
pub(crate) fn by_query(text: &str) -> Option<Vec<Touched>> {
    let mut parser = Parser::new(text)?;
    let block = parser.select(0)?;
    parser.end()?;
    parser.others.push(block);
    Some(parser.others)
}

/// Objects and fields a search returns, and filters and sorts by.
pub(crate) fn by_search(text: &str) -> Option<Vec<Touched>> {
    let rest = strip_word(text.trim_start(), "FIND")?.trim_start();
    let after = match rest.chars().next()? {
        '{' => end_of(&rest[1..], '}')?,
        '\'' => end_of(&rest[1..], '\'')?,
        _ => return None,
    };
    let mut parser = Parser::new(&rest[1 + after..])?;
    if parser.word("IN") {
        parser.name()?;
        parser.word("FIELDS").then_some(())?;
    }
    // Without it, all objects answer.
    parser.word("RETURNING").then_some(())?;
    loop {
        let block = parser.returning()?;
        parser.others.push(block);
        if !parser.symbol(',') {
            break;
        }
    }
    while parser.word("LIMIT") || parser.word("OFFSET") {
        parser.value_token()?;
    }
    parser.end()?;
    Some(parser.others)
}

/// Objects and fields a condition on `object` names.
pub(crate) fn by_filter(object: &str, text: &str) -> Option<Vec<Touched>> {
    let mut parser = Parser::new(text)?;
    let mut fields = Vec::new();
    parser.condition(&mut fields, 0)?;
    parser.end()?;
    parser.others.push(own(object.to_owned(), None, fields));
    Some(parser.others)
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

/// Where what follows the closing character begins.
fn end_of(text: &str, close: char) -> Option<usize> {
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next()?;
        } else if c == close {
            return Some(at + c.len_utf8());
        }
    }
    None
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// A word or a path of them.
    Name(String),
    /// A literal, number or date.
    Value,
    Symbol(char),
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = match c {
            c if c.is_whitespace() => c.len_utf8(),
            '\'' => {
                tokens.push(Token::Value);
                1 + end_of(&rest[1..], '\'')?
            }
            c if c.is_ascii_alphabetic() => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.')));
                let name = &rest[..end.unwrap_or(rest.len())];
                // `Account. Owner.Name` is one name to the org, and would be a field and an alias here.
                if !soql::is_path(name) {
                    return None;
                }
                tokens.push(Token::Name(name.to_owned()));
                name.len()
            }
            c if c.is_ascii_digit() => {
                let of_value = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-' | '+');
                tokens.push(Token::Value);
                rest.find(|c| !of_value(c)).unwrap_or(rest.len())
            }
            '(' | ')' | ',' | '=' | '<' | '>' | '!' | ':' | '-' | '+' => {
                tokens.push(Token::Symbol(c));
                1
            }
            _ => return None,
        };
        rest = &rest[len..];
    }
    Some(tokens)
}

/// Words that end what stands before them.
const CLAUSES: [&str; 13] = [
    "FROM", "WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "USING", "ALL",
    "TYPEOF",
];

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    /// What inner queries on objects of their own name, and everything that is done.
    others: Vec<Touched>,
}

impl Parser {
    fn new(text: &str) -> Option<Self> {
        Some(Self { tokens: tokens(text)?, next: 0, others: Vec::new() })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn is_word(&self, at: usize, word: &str) -> bool {
        matches!(self.tokens.get(at), Some(Token::Name(name)) if name.eq_ignore_ascii_case(word))
    }

    fn word(&mut self, word: &str) -> bool {
        let found = self.is_word(self.next, word);
        self.next += usize::from(found);
        found
    }

    fn symbol(&mut self, symbol: char) -> bool {
        let found = self.peek() == Some(&Token::Symbol(symbol));
        self.next += usize::from(found);
        found
    }

    fn name(&mut self) -> Option<String> {
        let Some(Token::Name(name)) = self.peek() else { return None };
        let name = name.clone();
        self.next += 1;
        Some(name)
    }

    /// A name that is no clause's first word.
    fn free_name(&mut self) -> Option<String> {
        let Some(Token::Name(name)) = self.peek() else { return None };
        if CLAUSES.iter().any(|word| name.eq_ignore_ascii_case(word)) {
            return None;
        }
        self.name()
    }

    fn value_token(&mut self) -> Option<()> {
        (self.peek() == Some(&Token::Value)).then(|| self.next += 1)
    }

    fn end(&self) -> Option<()> {
        (self.next == self.tokens.len()).then_some(())
    }

    /// `SELECT … FROM …` with its clauses.
    fn select(&mut self, depth: usize) -> Option<Touched> {
        if depth > MAX_DEPTH || !self.word("SELECT") {
            return None;
        }
        let mut fields = Vec::new();
        loop {
            if self.symbol('(') {
                let child = self.select(depth + 1)?;
                self.symbol(')').then_some(())?;
                fields.extend(child.fields.into_iter().map(|field| format!("{}.{field}", child.object)));
            } else {
                self.operand(&mut fields, depth)?;
                // An alias.
                self.free_name();
            }
            if !self.symbol(',') {
                break;
            }
        }
        self.word("FROM").then_some(())?;
        let object = self.name()?;
        let alias = self.free_name();
        self.clauses(&mut fields, depth)?;
        Some(own(object, alias.as_deref(), fields))
    }

    fn clauses(&mut self, fields: &mut Vec<String>, depth: usize) -> Option<()> {
        loop {
            if self.word("USING") {
                self.word("SCOPE").then_some(())?;
                self.name()?;
            } else if self.word("WHERE") || self.word("HAVING") {
                self.condition(fields, depth)?;
            } else if self.word("WITH") {
                let known = ["SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"];
                known.iter().any(|word| self.word(word)).then_some(())?;
            } else if self.word("GROUP") {
                self.word("BY").then_some(())?;
                self.operands(fields, depth)?;
            } else if self.word("ORDER") {
                self.word("BY").then_some(())?;
                self.order(fields, depth)?;
            } else if self.word("LIMIT") || self.word("OFFSET") {
                self.value_token()?;
            } else if self.word("FOR") || self.word("UPDATE") || self.word("ALL") {
                self.name()?;
            } else {
                return Some(());
            }
        }
    }

    fn operands(&mut self, fields: &mut Vec<String>, depth: usize) -> Option<()> {
        loop {
            self.operand(fields, depth)?;
            if !self.symbol(',') {
                return Some(());
            }
        }
    }

    fn order(&mut self, fields: &mut Vec<String>, depth: usize) -> Option<()> {
        loop {
            self.operand(fields, depth)?;
            let _ = self.word("ASC") || self.word("DESC");
            if self.word("NULLS") {
                (self.word("FIRST") || self.word("LAST")).then_some(())?;
            }
            if !self.symbol(',') {
                return Some(());
            }
        }
    }

    /// A field, or a function of fields. `FIELDS(ALL)` is all of them.
    fn operand(&mut self, fields: &mut Vec<String>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let name = self.free_name()?;
        if !self.symbol('(') {
            fields.push(name);
            return Some(());
        }
        if name.eq_ignore_ascii_case("FIELDS") {
            self.name()?;
            fields.push("*".to_owned());
            return self.symbol(')').then_some(());
        }
        if self.symbol(')') {
            return Some(());
        }
        loop {
            let sign = self.symbol('-') || self.symbol('+');
            if self.value_token().is_none() {
                (!sign).then_some(())?;
                self.operand(fields, depth + 1)?;
            }
            if !self.symbol(',') {
                return self.symbol(')').then_some(());
            }
        }
    }

    fn condition(&mut self, fields: &mut Vec<String>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        loop {
            while self.word("NOT") {}
            if self.symbol('(') {
                self.condition(fields, depth + 1)?;
                self.symbol(')').then_some(())?;
            } else {
                self.operand(fields, depth)?;
                self.comparison()?;
                self.value(depth)?;
            }
            if !self.word("AND") && !self.word("OR") {
                return Some(());
            }
        }
    }

    fn comparison(&mut self) -> Option<()> {
        if self.word("NOT") {
            return self.word("IN").then_some(());
        }
        if ["LIKE", "IN", "INCLUDES", "EXCLUDES"].iter().any(|word| self.word(word)) {
            return Some(());
        }
        let mut any = false;
        while ['=', '<', '>', '!'].iter().any(|symbol| self.symbol(*symbol)) {
            any = true;
        }
        any.then_some(())
    }

    /// A literal, a word (`null`, `TODAY`, `LAST_N_DAYS:30`, `USD5`), a list, or an inner query.
    fn value(&mut self, depth: usize) -> Option<()> {
        if self.symbol('(') {
            if self.is_word(self.next, "SELECT") {
                let inner = self.select(depth + 1)?;
                self.others.push(inner);
            } else {
                loop {
                    self.single()?;
                    if !self.symbol(',') {
                        break;
                    }
                }
            }
            return self.symbol(')').then_some(());
        }
        self.single()
    }

    fn single(&mut self) -> Option<()> {
        let sign = self.symbol('-') || self.symbol('+');
        if self.value_token().is_some() {
            return Some(());
        }
        let name = self.name().filter(|name| !sign && !name.contains('.'))?;
        if self.symbol(':') {
            return self.value_token();
        }
        // A function here would be a field in disguise.
        (!name.is_empty() && self.peek() != Some(&Token::Symbol('('))).then_some(())
    }

    /// `Contact(Id, Name WHERE … ORDER BY … LIMIT 5)`.
    fn returning(&mut self) -> Option<Touched> {
        let object = self.free_name()?;
        let mut fields = Vec::new();
        if self.symbol('(') {
            self.operands(&mut fields, 0)?;
            if self.word("WHERE") {
                self.condition(&mut fields, 0)?;
            }
            if self.word("ORDER") {
                self.word("BY").then_some(())?;
                self.order(&mut fields, 0)?;
            }
            while self.word("LIMIT") || self.word("OFFSET") {
                self.value_token()?;
            }
            self.symbol(')').then_some(())?;
        } else {
            fields.push("Id".to_owned());
        }
        Some(own(object, None, fields))
    }
}

/// The fields by their own names: an alias or the object's name in front says nothing.
fn own(object: String, alias: Option<&str>, fields: Vec<String>) -> Touched {
    let own = |field: String| match field.split_once('.') {
        Some((first, rest))
            if first.eq_ignore_ascii_case(&object)
                || alias.is_some_and(|alias| first.eq_ignore_ascii_case(alias)) =>
        {
            rest.to_owned()
        }
        _ => field,
    };
    let mut fields: Vec<String> = fields.into_iter().map(own).collect();
    fields.sort();
    fields.dedup();
    Touched { object, fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(touched: Option<Vec<Touched>>) -> String {
        let Some(touched) = touched else { return "-".into() };
        let each: Vec<String> =
            touched.iter().map(|one| format!("{}({})", one.object, one.fields.join(" "))).collect();
        each.join(" ")
    }

    #[test]
    fn every_object_and_field_of_a_query_is_found() {
        for (text, expected) in [
            ("SELECT Id FROM Contact", "Contact(Id)"),
            (
                "select Id, Account.Name from Contact where Email = 'x FROM User'",
                "Contact(Account.Name Email Id)",
            ),
            (
                "SELECT c.Name, c.Account.Name FROM Contact c ORDER BY c.Birthdate DESC NULLS LAST LIMIT 5 OFFSET 2",
                "Contact(Account.Name Birthdate Name)",
            ),
            ("SELECT Contact.Name FROM Contact", "Contact(Name)"),
            (
                "SELECT Id, (SELECT Name, Phone FROM Contacts WHERE Email != null) FROM Account",
                "Account(Contacts.Email Contacts.Name Contacts.Phone Id)",
            ),
            (
                "SELECT Id FROM Contact WHERE Id IN (SELECT ContactId FROM Case WHERE IsClosed = false)",
                "Case(ContactId IsClosed) Contact(Id)",
            ),
            (
                "SELECT COUNT() FROM Case WHERE CreatedDate = LAST_N_DAYS:30 AND (NOT Status IN ('a', 'b'))",
                "Case(CreatedDate Status)",
            ),
            (
                "SELECT COUNT(Id) n, toLabel(Status) FROM Case GROUP BY Status HAVING COUNT(Id) > 1",
                "Case(Id Status)",
            ),
            ("SELECT FIELDS(ALL) FROM Contact LIMIT 200", "Contact(*)"),
            (
                "SELECT Id FROM Case WHERE Amount__c >= -1.5 AND X__c INCLUDES ('a;b') WITH SECURITY_ENFORCED FOR VIEW",
                "Case(Amount__c Id X__c)",
            ),
            (
                "SELECT Id FROM A__c WHERE DISTANCE(Loc__c, GEOLOCATION(37.7, -122.4), 'mi') < 20",
                "A__c(Id Loc__c)",
            ),
            (
                "SELECT Id FROM Case WHERE ClosedDate > 2026-11-20T09:30:00Z AND Rate__c = USD5000 ALL ROWS",
                "Case(ClosedDate Id Rate__c)",
            ),
            (r"SELECT Id FROM Contact WHERE Name = 'O\'Neil' OR Name = '\\'", "Contact(Id Name)"),
        ] {
            assert_eq!(told(by_query(text)), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_understood_is_not() {
        for text in [
            "",
            "SELECT Id",
            "SELECT TYPEOF What WHEN Account THEN Phone END FROM Event",
            "SELECT Id FROM Contact WHERE Name = :name",
            "SELECT Id FROM Contact WHERE Name = Account.Name",
            "SELECT Id FROM Contact WHERE Name = 'x",
            "SELECT Id FROM Contact WHERE Name = 'x' nonsense here",
            "SELECT Id FROM Contact c, c.Account a",
            "SELECT Id FROM Contact WITH DATA CATEGORY Geography__c AT usa__c",
            "SELECT Id FROM Contact /* c */",
            "SELECT Id FROM Contact; SELECT Id FROM User",
            "SELECT Account. Owner.Name FROM Contact",
            "SELECT Id FROM Contact WHERE Account. Name = 'x'",
            &format!("SELECT Id FROM C WHERE {}A = 1", "(".repeat(500)),
        ] {
            assert_eq!(by_query(text), None, "{text}");
        }
    }

    #[test]
    fn every_object_and_field_a_search_returns_is_found() {
        for (text, expected) in [
            (
                "FIND {a\\} b} IN PHONE FIELDS RETURNING Contact(Id, Name WHERE Email != null ORDER BY Name LIMIT 5), Lead",
                "Contact(Email Id Name) Lead(Id)",
            ),
            ("find 'x' returning Account(Owner.Name) LIMIT 3", "Account(Owner.Name)"),
            ("FIND {a}", "-"),
            ("FIND {a} RETURNING Contact(Id) WITH SNIPPET", "-"),
            ("FIND {a", "-"),
            ("FIND a RETURNING Contact", "-"),
            ("FINÐ {a}", "-"),
        ] {
            assert_eq!(told(by_search(text)), expected, "{text}");
        }
        assert_eq!(
            told(by_filter("Contact", "Email = 'x' AND Account.Name LIKE 'a%'")),
            "Contact(Account.Name Email)"
        );
        assert_eq!(told(by_filter("Contact", "Email = 'x') OR (Id != null")), "-");
    }
}
