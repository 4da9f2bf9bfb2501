use std::sync::LazyLock;

use tieline_salesforce::doors;
use tieline_sandbox::salesforce::doors::{Reading, search};

use crate::input::text;
use crate::soql::{LONGEST, ORG, covers};

fn find(words: &str) -> String {
    format!("FIND {{{words}}} IN NAME FIELDS RETURNING Contact(Id, Name WHERE Phone = null LIMIT 3) LIMIT 5")
}

static PLAIN: LazyLock<Reading> = LazyLock::new(|| search(&find("anna")).expect("a search"));

/// A search is refused or can be run, and whoever reads one for what it names misses nothing. Words
/// that were escaped are the words to find and never more of the statement.
pub fn sosl_statement(data: &[u8]) {
    let statement = text(data);
    if statement.len() > LONGEST {
        return;
    }
    let read = search(&statement);
    let named = doors::named_by_search(&statement);
    if let (Ok(read), Some(named)) = (&read, named) {
        assert!(!read.named.is_empty(), "{statement:?} asks all objects and is understood as {named:?}");
        covers(&named, read, &statement);
    }
    ORG.with(|org| org.search(&statement)).expect("what is taken can be run").ok();

    let escaped = find(&doors::sosl(&statement));
    let Ok(read) = search(&escaped) else { return };
    assert_eq!(read.named, PLAIN.named, "{escaped}");
    let after = |read: &Reading| read.shape[read.shape.find(" in ").expect("a group")..].to_owned();
    assert_eq!(after(&read), after(&PLAIN), "{escaped}");
    let operator = |word: &str| ["AND", "OR", "NOT"].iter().any(|it| word.eq_ignore_ascii_case(it));
    if !words(&statement).any(operator) {
        let found = read.texts.join(" ");
        assert_eq!(
            words(&unescaped(&found)).collect::<Vec<_>>(),
            words(&statement).collect::<Vec<_>>(),
            "{escaped}"
        );
    }
}

/// A sign by itself is no word of the index.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| word.contains(char::is_alphanumeric))
}

/// As the search reads a term; what would be a wildcard is told from what is none.
fn unescaped(term: &str) -> String {
    let mut out = String::new();
    let mut chars = term.chars();
    while let Some(c) = chars.next() {
        assert!(!matches!(c, '*' | '?'), "a wildcard in {term:?}");
        if c == '\\' {
            out.extend(chars.next());
        } else {
            out.push(c);
        }
    }
    out
}
