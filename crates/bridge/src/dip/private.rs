//! What a CRM's own words must not carry into logs and answers: what the caller said.

/// Stands where something was left out.
const GONE: &str = "…";

/// `message` without `values`, where they stand as words of their own.
pub(super) fn without_values(message: &str, values: &[&str]) -> String {
    let mut values: Vec<&str> =
        values.iter().map(|value| value.trim()).filter(|value| value.chars().count() >= 3).collect();
    // A longer one may hold a shorter one.
    values.sort_unstable_by_key(|value| std::cmp::Reverse(value.len()));
    values.dedup();
    let mut text = message.to_owned();
    for value in values {
        text = without(&text, value);
    }
    text
}

fn without(text: &str, value: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let end = at + value.len();
        let before = rest[..at].chars().next_back();
        let after = rest[end..].chars().next();
        let joined = before.is_some_and(char::is_alphanumeric) || after.is_some_and(char::is_alphanumeric);
        out.push_str(&rest[..at]);
        out.push_str(if joined { value } else { GONE });
        rest = &rest[end..];
    }
    out.push_str(rest);
    out
}

/// `message` without what looks like a phone number or an e-mail address.
pub(super) fn without_addresses(message: &str) -> String {
    let ends = |c: char| {
        c.is_whitespace() || matches!(c, '\'' | '"' | ',' | ';' | '<' | '>' | '[' | ']' | '{' | '}')
    };
    let mut out = String::with_capacity(message.len());
    for piece in message.split_inclusive(ends) {
        let word = piece.trim_end_matches(ends);
        let tail = &piece[word.len()..];
        let (word, dots) = word.split_at(word.trim_end_matches(['.', ':', '!', '?']).len());
        out.push_str(if is_address(word) { GONE } else { word });
        out.push_str(dots);
        out.push_str(tail);
    }
    out
}

fn is_address(word: &str) -> bool {
    if word.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.')) {
        return true;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let plain = word
        .chars()
        .all(|c| c.is_ascii_digit() || matches!(c, '+' | '-' | '(' | ')' | '.' | '/' | '%' | '*'));
    // Long digits without a plus are ids and counters.
    plain && (7..=15).contains(&digits) && !is_date(word)
}

fn is_date(word: &str) -> bool {
    word.len() == 10 && word.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_caller_said_is_not_repeated() {
        assert_eq!(
            without_values("Name: Anna Keller is no Anna", &["Anna", "Anna Keller", "is", ""]),
            "Name: … is no …"
        );
        assert_eq!(without_values("Annas", &["Anna"]), "Annas");
    }

    #[test]
    fn numbers_and_addresses_are_left_out_and_the_rest_stays() {
        for (message, expected) in [
            ("Email: invalid email address: ann@example.com", "Email: invalid email address: …"),
            ("duplicate value '+12025550143'.", "duplicate value '…'."),
            ("Phone LIKE '%2025550143%'", "Phone LIKE '…'"),
            ("ERROR at Row:1:Column:5", "ERROR at Row:1:Column:5"),
            ("entity is deleted", "entity is deleted"),
            ("on 2026-11-20 at 0035g00000ABCDE", "on 2026-11-20 at 0035g00000ABCDE"),
            ("unexpected token: 'Neil'\n^", "unexpected token: 'Neil'\n^"),
        ] {
            assert_eq!(without_addresses(message), expected);
        }
    }
}
