use tieline_salesforce::doors;
use tieline_sandbox::salesforce::doors::{Reading, query, search};

use crate::input::{parts, text};
use crate::soql::LONGEST;

/// Whatever a parameter says, the statement keeps the shape its author gave it. (`template`, `name`,
/// `value`)
pub fn soql_template(data: &[u8]) {
    let input = text(data);
    if input.len() > LONGEST {
        return;
    }
    let [template, name, value] = parts(&input);
    for anywhere in [false, true] {
        let fill = |value: &str| doors::fill_query(template, &[(name, value)], anywhere);
        kept(value, anywhere, fill, query);
        let fill = |value: &str| doors::fill_search(template, &[(name, value)], anywhere);
        kept(value, anywhere, fill, search);
    }
}

fn kept(
    value: &str,
    anywhere: bool,
    fill: impl Fn(&str) -> Option<String>,
    read: fn(&str) -> Result<Reading, &'static str>,
) {
    let plain = fill("xy").expect("a word may stand anywhere");
    let Ok(plain) = read(&plain) else { return };
    // What begins so is no word, number, date, text or list of them: it is let into quotes and nowhere else.
    let hostile = format!("={value}");
    if let Some(statement) = fill(&hostile) {
        let alike = fill(&alike(&hostile)).expect("what stands in quotes takes any value");
        match (read(&statement), read(&alike)) {
            (Ok(filled), Ok(alike)) => {
                assert_eq!(joints(&filled), joints(&alike), "{statement:?}");
                assert_eq!(filled.named, plain.named, "{statement:?}");
            }
            (Ok(_), Err(code)) => panic!("{code} of a word, and not of {statement:?}"),
            // A term of nothing but marks is refused by the search for being too short.
            (Err(code), _) => assert_eq!(code, "MALFORMED_SEARCH", "{statement:?}"),
        }
    }
    // What is let in elsewhere brings names, and no query and no condition of its own.
    if !anywhere
        && let Some(statement) = fill(value)
        && let Ok(filled) = read(&statement)
    {
        assert_eq!(filled.named.len(), plain.named.len(), "{statement:?}");
        let alike = fill(&alike(value)).and_then(|alike| read(&alike).ok()).unwrap_or(plain);
        assert_eq!(joints(&filled), joints(&alike), "{statement:?}");
    }
}

/// A word with the ends `value` has. Where an author writes a name close to `OR`, a value in quotes or with
/// a blank at its end parts them, and the operator is the author's own. (Blanks and never an operator
/// in quotes: were one of those let through, it would be in this word's statement too.)
fn alike(value: &str) -> String {
    let is_blank = |c: char| c.is_whitespace() || c.is_control();
    let is_operator = |word: &str| ["and", "or", "not"].iter().any(|it| word.eq_ignore_ascii_case(it));
    let is_quoted = value.split(is_blank).any(is_operator);
    let blank = |is_there: bool| if is_there || is_quoted { " " } else { "" };
    let word = if value.chars().all(is_blank) { "" } else { "xy" };
    format!("{}{word}{}", blank(value.starts_with(is_blank)), blank(value.ends_with(is_blank)))
}

/// How many conditions are joined and denied, and how many queries there are. Words to find that stand
/// beside each other are joined without anybody's saying so.
fn joints(read: &Reading) -> [usize; 4] {
    let count = |text: &str, word: &str| text.matches(word).count();
    let found =
        if read.shape.starts_with("(select") { 0 } else { read.shape.find(" in ").unwrap_or_default() };
    let [or, not, queries] = [" (or", " not", "(select"].map(|word| count(&read.shape, word));
    [count(&read.shape[found..], " (and"), or, not, queries]
}
