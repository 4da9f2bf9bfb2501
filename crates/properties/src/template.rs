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
    let hostile = fill(&format!("='{value}"));
    if let Some(statement) = &hostile {
        // A term of nothing but marks is refused by the search for being too short.
        match read(statement) {
            Ok(filled) => {
                assert_eq!(joints(&filled), joints(&plain), "{statement:?}");
                assert_eq!(filled.named, plain.named, "{statement:?}");
            }
            Err(code) => assert_eq!(code, "MALFORMED_SEARCH", "{statement:?}"),
        }
    }
    // What is let in elsewhere brings names, and no query and no condition of its own.
    if !anywhere
        && let Some(statement) = fill(value)
        && let Ok(filled) = read(&statement)
    {
        assert_eq!(filled.named.len(), plain.named.len(), "{statement:?}");
        assert_eq!(joints(&filled), joints(&plain), "{statement:?}");
    }
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
