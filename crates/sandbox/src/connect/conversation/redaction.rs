//! What of a text is hidden: its numbers.

/// What stands in place of what is hidden.
const MASK: &str = "[PII]";

/// A text without its numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Redacted {
    pub text: String,
    pub places: Vec<Place>,
    /// Characters of the text before.
    pub length: usize,
}

/// Where something is hidden, in characters: in the text before, and in the text after.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub before: std::ops::Range<usize>,
    pub after: std::ops::Range<usize>,
}

impl Redacted {
    pub fn of(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let (mut shown, mut places, mut at) = (String::new(), Vec::new(), 0);
        let mut length = 0;
        while at < chars.len() {
            let end = end_of_number(&chars, at);
            if end == at {
                shown.push(chars[at]);
                (at, length) = (at + 1, length + 1);
                continue;
            }
            shown.push_str(MASK);
            places.push(Place { before: at..end, after: length..length + MASK.len() });
            (at, length) = (end, length + MASK.len());
        }
        Self { text: shown, places, length: chars.len() }
    }
}

/// The place behind the number that begins at `at`, groups of digits included (`4711 0815`); `at`
/// itself when none does.
fn end_of_number(chars: &[char], at: usize) -> usize {
    let digit = |at: usize| chars.get(at).is_some_and(char::is_ascii_digit);
    let mut end = if chars[at] == '+' && digit(at + 1) { at + 1 } else { at };
    if !digit(end) {
        return at;
    }
    loop {
        while digit(end) {
            end += 1;
        }
        if !(matches!(chars.get(end), Some(' ' | '-' | '.' | ',' | '/')) && digit(end + 1)) {
            return end;
        }
        end += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_hidden_whole() {
        let redacted = Redacted::of("Größe 4711 0815, +1 202-555-0143.");
        assert_eq!(redacted.text, "Größe [PII], [PII].");
        assert_eq!(redacted.length, 33);
        assert_eq!(
            redacted.places,
            [Place { before: 6..15, after: 6..11 }, Place { before: 17..32, after: 13..18 }]
        );
        assert_eq!(Redacted::of("none + here").places, []);
    }
}
