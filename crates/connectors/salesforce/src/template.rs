//! Parameters into the text of a query an author wrote.
//!
//! The text is cut into literals and what stands between them. A value that goes into a literal is
//! escaped for it (inside `LIKE` its own `%` and `_` as well); between literals only a value that is
//! itself a harmless piece of the language is let in. So whatever a caller says, the query keeps
//! the shape its author gave it.

use crate::soql;

/// How a parameter's name is found in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matching {
    /// As a whole word, all parameters at once.
    Words,
    /// Anywhere, one parameter after the other, as the reference functions do it.
    Substrings,
}

/// The language of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Query,
    /// Begins with `FIND {words}`; the rest is like a query.
    Search,
}

/// A value that would change what the query says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the value of `{parameter}` stands outside of quotes and is no name, number, date, boolean, quoted text, or list of them"
)]
pub(crate) struct UnsafeValue {
    pub parameter: String,
}

pub(crate) fn fill(
    template: &str,
    parameters: &[(&str, &str)],
    matching: Matching,
    language: Language,
) -> Result<String, UnsafeValue> {
    match matching {
        Matching::Words => pass(template, parameters, matching, language),
        Matching::Substrings => parameters
            .iter()
            .try_fold(template.to_owned(), |text, parameter| pass(&text, &[*parameter], matching, language)),
    }
}

/// A run of one kind: the inside of a literal (quotes included in the text) or of `FIND {…}`
/// (braces included), or anything else.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Words { body: &'a str, closed: bool },
    Literal { body: &'a str, closed: bool, like: bool },
    Between(&'a str),
}

fn pieces(text: &str, language: Language) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    if language == Language::Search
        && let Some(start) = words_start(text)
    {
        let body = &text[start + 1..];
        let end = closing(body, '}');
        pieces.push(Piece::Between(&text[..start]));
        pieces.push(Piece::Words { body: &body[..end.unwrap_or(body.len())], closed: end.is_some() });
        rest = end.map_or("", |end| &body[end + 1..]);
    }
    while !rest.is_empty() {
        let quote = rest.find('\'').unwrap_or(rest.len());
        let (between, from_quote) = rest.split_at(quote);
        if !between.is_empty() {
            pieces.push(Piece::Between(between));
        }
        if from_quote.is_empty() {
            break;
        }
        let like = between
            .trim_end()
            .rsplit(|c: char| !is_word(c))
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("like"));
        let body = &from_quote[1..];
        let end = literal_end(body);
        pieces.push(Piece::Literal { body: &body[..end.unwrap_or(body.len())], closed: end.is_some(), like });
        rest = end.map_or("", |end| &body[end + 1..]);
    }
    pieces
}

/// Where the brace of `FIND {` is.
fn words_start(text: &str) -> Option<usize> {
    let trimmed = text.trim_start();
    let rest = trimmed.get(..4).filter(|word| word.eq_ignore_ascii_case("find")).map(|_| &trimmed[4..])?;
    rest.trim_start().starts_with('{').then(|| text.len() - rest.trim_start().len())
}

/// Where the quote is that closes a literal whose inside begins here.
fn literal_end(body: &str) -> Option<usize> {
    closing(body, '\'')
}

fn closing(body: &str, end: char) -> Option<usize> {
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == end {
            return Some(at);
        }
    }
    None
}

fn pass(
    text: &str,
    parameters: &[(&str, &str)],
    matching: Matching,
    language: Language,
) -> Result<String, UnsafeValue> {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text, language) {
        match piece {
            Piece::Words { body, closed } => {
                out.push('{');
                let start = out.len();
                replace(&mut out, &units(body, true), parameters, matching, |out, _, value| {
                    push_words(out, start, value);
                    Ok(())
                })?;
                if closed {
                    out.push('}');
                }
            }
            Piece::Between(between) => {
                let chars: Vec<(char, &str)> = units(between, false);
                replace(&mut out, &chars, parameters, matching, |out, name, value| {
                    if !is_harmless(value) {
                        return Err(UnsafeValue { parameter: name.to_owned() });
                    }
                    // With its blanks, as the reference leaves them.
                    out.push_str(value);
                    Ok(())
                })?;
            }
            Piece::Literal { body, closed, like } => {
                out.push('\'');
                // An escape is one character with a longer spelling: a name never matches half of it.
                let chars = units(body, true);
                replace(&mut out, &chars, parameters, matching, |out, _, value| {
                    if like {
                        out.push_str(&soql::like(value));
                    } else {
                        value.chars().for_each(|c| soql::push_escaped(out, c));
                    }
                    Ok(())
                })?;
                if closed {
                    out.push('\'');
                }
            }
        }
    }
    Ok(out)
}

/// A value among words to find, begun at `start`: its own operators (`AND`, `OR`) are words in quotes.
fn push_words(out: &mut String, start: usize, value: &str) {
    let operator = |word: &str| ["and", "or", "not"].iter().any(|it| word.eq_ignore_ascii_case(it));
    let needs_quotes = value.split(soql::is_blank).any(operator) && !is_in_phrase(&out[start..]);
    if needs_quotes {
        out.push('"');
    }
    out.push_str(&soql::sosl(value));
    if needs_quotes {
        out.push('"');
    }
}

/// Whether a phrase is open at the end of `words`: a value before this one may have closed its own.
fn is_in_phrase(words: &str) -> bool {
    let mut open = false;
    let mut chars = words.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' => open = !open,
            _ => {}
        }
    }
    open
}

/// The characters a text stands for, each with its spelling.
fn units(text: &str, escapes: bool) -> Vec<(char, &str)> {
    let mut units = Vec::with_capacity(text.len());
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            let Some((_, next)) = chars.next() else {
                units.push((c, &text[at..]));
                break;
            };
            let meant = match next {
                'n' | 'N' => '\n',
                'r' | 'R' => '\r',
                't' | 'T' => '\t',
                'b' | 'B' => '\u{8}',
                'f' | 'F' => '\u{c}',
                other => other,
            };
            units.push((meant, &text[at..at + 1 + next.len_utf8()]));
        } else {
            units.push((c, &text[at..at + c.len_utf8()]));
        }
    }
    units
}

fn replace(
    out: &mut String,
    units: &[(char, &str)],
    parameters: &[(&str, &str)],
    matching: Matching,
    mut put: impl FnMut(&mut String, &str, &str) -> Result<(), UnsafeValue>,
) -> Result<(), UnsafeValue> {
    let mut at = 0;
    while at < units.len() {
        let found = parameters
            .iter()
            .filter(|(name, _)| stands_at(units, at, name, matching))
            .max_by_key(|(name, _)| name.len());
        if let Some((name, value)) = found {
            put(out, name, value)?;
            at += name.chars().count();
        } else {
            out.push_str(units[at].1);
            at += 1;
        }
    }
    Ok(())
}

fn stands_at(units: &[(char, &str)], at: usize, name: &str, matching: Matching) -> bool {
    let mut end = at;
    for c in name.chars() {
        if units.get(end).is_none_or(|unit| unit.0 != c) {
            return false;
        }
        end += 1;
    }
    if end == at {
        return false;
    }
    if matching == Matching::Substrings {
        return true;
    }
    let joined =
        |left: Option<char>, right: Option<char>| left.is_some_and(is_word) && right.is_some_and(is_word);
    let char_at = |i: usize| units.get(i).map(|unit| unit.0);
    let before = at.checked_sub(1).and_then(char_at);
    !joined(before, char_at(at)) && !joined(char_at(end - 1), char_at(end))
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Words that make the structure of a query.
const STRUCTURE: [&str; 21] = [
    "and", "or", "not", "in", "like", "includes", "excludes", "select", "from", "where", "with", "group",
    "by", "having", "order", "limit", "offset", "for", "update", "using", "typeof",
];

/// Whether `value` may stand between literals: names, numbers, dates, booleans and literals of its
/// own, separated by commas, with parentheses around them or without.
fn is_harmless(value: &str) -> bool {
    let value = value.trim();
    let inside = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(value);
    items(inside).is_some_and(|items| items.iter().all(|item| is_item(item) || is_literal(item)))
}

/// The parts between commas that are not in a literal; `None` when a literal is not closed.
fn items(text: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    let (mut start, mut at) = (0, 0);
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'\'' => at += 1 + literal_end(&text[at + 1..])?,
            b',' => {
                items.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    items.push(text[start..].trim());
    Some(items)
}

fn is_literal(item: &str) -> bool {
    item.strip_prefix('\'')
        .is_some_and(|body| literal_end(body) == Some(body.len().saturating_sub(1)) && !body.is_empty())
}

fn is_item(item: &str) -> bool {
    let is_free_name = soql::is_path(item) && !STRUCTURE.iter().any(|word| item.eq_ignore_ascii_case(word));
    is_free_name || is_number(item) || is_date(item) || is_relative_date(item)
}

fn is_number(item: &str) -> bool {
    let digits = item.strip_prefix(['-', '+']).unwrap_or(item);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    all_digits(whole) && all_digits(fraction)
}

/// `2026-11-20`, `2026-11-20T09:30:00Z`, `2026-11-20T09:30:00.000+01:00`.
fn is_date(item: &str) -> bool {
    if !item.bytes().all(|b| b.is_ascii_digit() || b"-:.+TZ".contains(&b)) {
        return false;
    }
    match item.split_once('T') {
        None => item.len() == 10 && item.parse::<jiff::civil::Date>().is_ok(),
        Some(_) => item.parse::<jiff::Timestamp>().is_ok(),
    }
}

/// `LAST_N_DAYS:30`.
fn is_relative_date(item: &str) -> bool {
    item.split_once(':').is_some_and(|(name, count)| {
        soql::is_name(name) && !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(template: &str, parameters: &[(&str, &str)]) -> Result<String, UnsafeValue> {
        fill(template, parameters, Matching::Words, Language::Query)
    }

    fn substrings(template: &str, parameters: &[(&str, &str)]) -> Result<String, UnsafeValue> {
        fill(template, parameters, Matching::Substrings, Language::Query)
    }

    #[test]
    fn a_value_stays_inside_its_quotes_in_both_modes() {
        let template = "select Id from Contact where Name='nm'";
        for fill in [words, substrings] {
            assert_eq!(
                fill(template, &[("nm", "x' OR Id!='")]).unwrap(),
                r"select Id from Contact where Name='x\' OR Id!=\''"
            );
            assert_eq!(
                fill(template, &[("nm", "O'Neil")]).unwrap(),
                r"select Id from Contact where Name='O\'Neil'"
            );
            assert_eq!(fill(template, &[("nm", "\\")]).unwrap(), r"select Id from Contact where Name='\\'");
        }
    }

    #[test]
    fn inside_like_a_value_brings_no_wildcards_of_its_own() {
        assert_eq!(
            words("select Id from Contact where Phone LIKE '%number%'", &[("number", "4%_1'")]).unwrap(),
            r"select Id from Contact where Phone LIKE '%4\%\_1\'%'"
        );
        assert_eq!(words("where a = 'x' and b='n'", &[("n", "5%")]).unwrap(), "where a = 'x' and b='5%'");
    }

    #[test]
    fn outside_of_quotes_only_harmless_pieces_are_let_in() {
        let fill = |value| words("select f from Task where x = 1", &[("f", value)]);
        for good in [
            "Id",
            "Id, Name,Account.Name",
            "5",
            "-1.5",
            "2026-11-20",
            "2026-11-20T09:30:00Z",
            "LAST_N_DAYS:30",
            "true",
            "null",
            "('a', 'it\\'s', 3)",
            "'a'",
            "'a', 'it\\'s'",
            " DESC ",
        ] {
            assert!(fill(good).is_ok(), "{good}");
        }
        for bad in [
            "Id FROM User",
            "1 OR 1=1",
            "x' OR Id!='",
            "'a' OR Id != ''",
            "'a'b'",
            "'a",
            "",
            "or",
            "Id,",
            "(SELECT Id FROM User)",
            "('a' OR 'b')",
            "('a",
            "('a')) OR (Id IN ('b')",
            "Id--",
            "a;b",
            "2026-13-40T99:99:99Z",
            "Zoë",
        ] {
            assert_eq!(fill(bad), Err(UnsafeValue { parameter: "f".into() }), "{bad}");
        }
    }

    #[test]
    fn what_is_let_in_keeps_its_blanks_and_quotes() {
        let text = substrings(
            "select list from Task where Subject = term",
            &[("term", r#"'Call "back"'"#), ("list", " Id ,Name")],
        );
        assert_eq!(text.unwrap(), r#"select  Id ,Name from Task where Subject = 'Call "back"'"#);
    }

    #[test]
    fn whole_words_are_replaced_at_once_and_nothing_else() {
        assert_eq!(words("a b abc '_a'", &[("a", "b"), ("b", "c")]).unwrap(), "b c abc '_a'");
        assert_eq!(words("where Id='x'", &[("e", "E")]).unwrap(), "where Id='x'");
    }

    #[test]
    fn substrings_are_replaced_one_after_the_other_as_recorded() {
        assert_eq!(substrings("a b", &[("a", "b"), ("b", "c")]).unwrap(), "c c");
        assert_eq!(substrings("a b", &[("b", "c"), ("a", "b")]).unwrap(), "b c");
        assert_eq!(
            substrings("select Id from Contact where Id='x'", &[("e", "E")]).unwrap(),
            "sElEct Id from Contact whErE Id='x'"
        );
    }

    #[test]
    fn a_name_never_matches_half_of_an_escape() {
        // Replacing the `n` of `\n` would leave a lone backslash in front of the value's own escape.
        let text = substrings(r"where a='x\ny'", &[("n", "' OR Id!='")]).unwrap();
        assert_eq!(text, r"where a='x\ny'");
        let text = substrings(r"where a='x' and b='y'", &[("x", "\\"), ("\\", "'")]).unwrap();
        assert_eq!(text, r"where a='\'' and b='y'");
    }

    /// Operators, quotes and other structure among words to find.
    fn operators(body: &str) -> String {
        let mut out = String::new();
        let (mut quoted, mut word) = (false, String::new());
        for (c, spelling) in units(body, true).into_iter().chain([(' ', " ")]) {
            if spelling == "\"" {
                quoted = !quoted;
            } else if !quoted && c.is_alphanumeric() {
                word.push(c);
                continue;
            } else if !quoted && spelling.len() == c.len_utf8() && "?&|!{}[]()^~*:'+-".contains(c) {
                out.push(c);
            }
            if ["AND", "OR", "NOT"].iter().any(|it| word.eq_ignore_ascii_case(it)) {
                out.push_str(&word);
            }
            word.clear();
        }
        out
    }

    #[test]
    fn a_value_among_words_to_find_brings_no_operators() {
        let find = |value: &str| {
            let template = "FIND {term} IN PHONE FIELDS RETURNING Contact(Id WHERE Name = 'term')";
            fill(template, &[("term", value)], Matching::Substrings, Language::Search).unwrap()
        };
        assert_eq!(find("415"), "FIND {415} IN PHONE FIELDS RETURNING Contact(Id WHERE Name = '415')");
        assert_eq!(
            find("O'Neil} RETURNING User(Id)"),
            r"FIND {O\'Neil\} RETURNING User\(Id\)} IN PHONE FIELDS RETURNING Contact(Id WHERE Name = 'O\'Neil} RETURNING User(Id)')"
        );
        assert!(find("a OR b*").starts_with(r#"FIND {"a OR b\*"} IN"#));
        assert!(find("a\0OR\u{1}b").starts_with(r#"FIND {"a OR b"} IN"#), "what becomes a blank is one");
        let twice = fill("FIND {t t}", &[("t", "a OR b")], Matching::Words, Language::Search).unwrap();
        assert_eq!(twice, r#"FIND {"a OR b" "a OR b"}"#);
        let quoted = fill(r#"FIND {"t"}"#, &[("t", "a or b\"")], Matching::Words, Language::Search).unwrap();
        assert_eq!(quoted, r#"FIND {"a or b\""}"#);
        let apostrophe =
            fill("find {O'Neil t} RETURNING Contact", &[("t", "x'")], Matching::Words, Language::Search);
        assert_eq!(apostrophe.unwrap(), r"find {O'Neil x\'} RETURNING Contact");
    }

    /// What a query is made of, values left out.
    fn kinds(text: &str) -> Vec<String> {
        let mut kinds = Vec::new();
        for piece in pieces(text, Language::Search) {
            match piece {
                Piece::Words { body, closed } => kinds.push(format!("words {closed} {}", operators(body))),
                Piece::Literal { closed, like, .. } => kinds.push(format!("literal {closed} {like}")),
                Piece::Between(between) => {
                    let mut word = false;
                    for c in between.chars() {
                        if !is_word(c) && !c.is_whitespace() {
                            kinds.push(c.to_string());
                        } else if is_word(c) && !word {
                            kinds.push("word".into());
                        }
                        word = is_word(c);
                    }
                }
            }
        }
        kinds
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_value_changes_the_kinds_of_a_template_s_pieces(
            value in any::<String>(),
            other in r#"[\\'"%_ a-zA-Z0-9,()=!\n]{0,24}"#,
        ) {
            for template in [
                "SELECT Id FROM Contact WHERE Name = 'v' AND Phone LIKE '%v%'",
                r"SELECT Id FROM Contact WHERE Name = '\\v\'w' AND Id IN ('v','w')",
                r#"FIND {x v AND "w" OR \} v} IN NAME FIELDS RETURNING Contact(Id WHERE Name = 'v')"#,
            ] {
                for matching in [Matching::Words, Matching::Substrings] {
                    for pair in [[("v", value.as_str()), ("w", &other)], [("w", other.as_str()), ("v", &value)]] {
                        let text = fill(template, &pair, matching, Language::Search);
                        prop_assert_eq!(kinds(&text.unwrap()), kinds(template));
                    }
                }
            }
        }

        #[test]
        fn a_value_between_literals_adds_only_its_own_harmless_pieces(
            value in r#"[\\'"a-zA-Z0-9_., ()=!:;+\-\n]{0,24}"#,
        ) {
            if let Ok(text) = fill("SELECT Id FROM Task WHERE X = v AND Y = 'z'", &[("v", &value)], Matching::Words, Language::Query) {
                let mut expected = kinds("SELECT Id FROM Task WHERE X =");
                expected.extend(kinds(&value));
                expected.extend(kinds("AND Y = 'z'"));
                prop_assert_eq!(kinds(&text), expected);
                let upper = value.to_uppercase();
                let has = |word| upper.split(|c: char| !is_word(c)).any(|found| found == word);
                for word in ["SELECT", "FROM", "OR", "AND", "WHERE"] {
                    prop_assert!(value.contains('\'') || !has(word), "{} got in", word);
                }
            }
        }
    }
}
