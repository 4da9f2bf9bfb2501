//! What one word or phrase matches.

use crate::salesforce::wildcard::{Piece, matches};

/// A word or a phrase with its wildcards, ready to be compared.
///
/// As text: `*` and `?` are wildcards, a backslash takes the next character as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// Words in a row.
    words: Vec<Vec<Piece>>,
    /// The digits, when it can be a phone number.
    digits: Option<Vec<Piece>>,
}

impl Pattern {
    pub fn new(text: &str) -> Self {
        let mut pieces = Vec::new();
        let mut chars = text.chars();
        while let Some(c) = chars.next() {
            match c {
                '*' => pieces.push(Piece::Any),
                '?' => pieces.push(Piece::One),
                '\\' => pieces.extend(chars.next().map(Piece::Char)),
                c => pieces.push(Piece::Char(c)),
            }
        }
        let words = pieces
            .split(|piece| matches!(piece, Piece::Char(c) if !c.is_alphanumeric()))
            .filter(|word| !word.is_empty())
            .map(|word| {
                word.iter()
                    .flat_map(|piece| match piece {
                        Piece::Char(c) => c.to_lowercase().map(Piece::Char).collect(),
                        other => vec![*other],
                    })
                    .collect()
            })
            .collect();
        Self { words, digits: digits(&pieces) }
    }

    /// Whether there is nothing in it but punctuation.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether the words stand in `text` one after another.
    pub fn matches_words(&self, text: &str) -> bool {
        if self.words.is_empty() {
            return false;
        }
        let text = text.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
        words
            .windows(self.words.len())
            .any(|window| window.iter().zip(&self.words).all(|(word, pattern)| matches(pattern, word)))
    }

    /// Whether `text` is this phone number, as far as digits tell.
    ///
    /// `(202) 555-0147` is found by 2025550147 and by 12025550147, `020 7946 0018` by
    /// 442079460018; a lost digit is not forgiven.
    pub fn matches_phone(&self, text: &str) -> bool {
        let Some(pattern) = &self.digits else { return false };
        let stored: String = text.chars().filter(char::is_ascii_digit).collect();
        if stored.is_empty() {
            return false;
        }
        if pattern.iter().any(|piece| !matches!(piece, Piece::Char(_))) {
            return matches(pattern, &stored);
        }
        let wanted: String = pattern
            .iter()
            .filter_map(|piece| if let Piece::Char(c) = piece { Some(*c) } else { None })
            .collect();
        let international = text.trim_start().starts_with('+');
        same_number(&stored, &wanted)
            // A trunk zero is written in national numbers only, and never behind a country's code.
            || (!international && stored.strip_prefix('0').is_some_and(|rest| same_number(rest, &wanted)))
            || wanted.strip_prefix('0').is_some_and(|rest| same_number(&stored, rest) && international)
    }
}

/// Equal, or equal but for the country's code in front of one of them.
fn same_number(left: &str, right: &str) -> bool {
    let (long, short) = if left.len() >= right.len() { (left, right) } else { (right, left) };
    match long.strip_suffix(short) {
        Some("") => true,
        // Short numbers are numbers of their own, not ends of longer ones.
        Some(code) => short.len() >= 7 && is_calling_code(code),
        None => false,
    }
}

/// Whether `code` is a country calling code (ITU-T E.164, Annex to Operational Bulletin; by zones,
/// since a zone's free codes cannot stand in front of a number that exists).
fn is_calling_code(code: &str) -> bool {
    const TWO: [&str; 43] = [
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48",
        "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81",
        "82", "84", "86", "90", "91", "92", "93", "94", "95",
    ];
    match code {
        "1" | "7" | "98" => true,
        code if TWO.contains(&code) => true,
        // Three digits, where the first two are not a code by themselves.
        code => {
            code.len() == 3
                && !code.starts_with(['0', '1', '7'])
                && code != "983"
                && !TWO.contains(&&code[..2])
                && &code[..2] != "98"
        }
    }
}

/// The digits and wildcards, when there is nothing else but a phone number's punctuation.
fn digits(pieces: &[Piece]) -> Option<Vec<Piece>> {
    let mut digits = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Char(c) if c.is_ascii_digit() => digits.push(*piece),
            Piece::Char(' ' | '+' | '-' | '(' | ')' | '.' | '/' | '\u{a0}') => {}
            Piece::Char(_) => return None,
            wildcard => digits.push(*wildcard),
        }
    }
    digits.iter().any(|piece| matches!(piece, Piece::Char(_))).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_found_by_its_digits() {
        for (stored, wanted, expected) in [
            ("(202) 555-0147", "2025550147", true),
            ("(202) 555-0147", "12025550147", true),
            ("(202) 555-0147", "+1 202 555 0147", true),
            ("(202) 555-0147", "(202) 555-0147", true),
            ("(202) 555-0147", "5550147", false),
            ("(202) 555-0147", "*5550147", true),
            ("+12025550143", "2025550143", true),
            ("+12025550143", "02025550143", true),
            ("020 7946 0018", "442079460018", true),
            ("+442079460018", "02079460018", true),
            ("+442079460018", "2079460018", true),
            ("+39 06 5550 0123", "390655500123", true),
            ("+39 06 5550 0123", "0655500123", true),
            // The zero belongs to the number; who drops it finds nobody.
            ("+39 06 5550 0123", "655500123", false),
            ("+39 06 5550 0123", "39655500123", false),
            ("+12025550143", "anna", false),
            ("no number", "2025550143", false),
        ] {
            assert_eq!(Pattern::new(wanted).matches_phone(stored), expected, "{stored} {wanted}");
        }
    }

    #[test]
    fn words_match_whole_words_and_phrases_match_in_a_row() {
        for (pattern, text, expected) in [
            ("keller", "Anna Keller", true),
            ("kell", "Anna Keller", false),
            ("kell*", "Anna Keller", true),
            ("k?ller", "Anna Keller", true),
            ("anna keller", "Anna Keller", true),
            ("keller anna", "Anna Keller", false),
            ("O'Neil", "Sean O'Neil", true),
            ("oneil", "Sean O'Neil", false),
            ("anna.keller@example.com", "anna.keller@example.com", true),
            ("\\*", "a * b", false),
            ("MÜLLER", "Jörg Müller", true),
        ] {
            assert_eq!(Pattern::new(pattern).matches_words(text), expected, "{pattern} {text}");
        }
    }
}
