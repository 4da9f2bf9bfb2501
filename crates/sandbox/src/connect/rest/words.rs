//! A text taken apart, and what each word of it is taken for.

const DETERMINERS: [&str; 9] = ["a", "an", "my", "no", "that", "the", "this", "those", "your"];
const PRONOUNS: [&str; 12] =
    ["he", "i", "it", "me", "she", "them", "there", "they", "us", "we", "what", "you"];
const PREPOSITIONS: [&str; 12] =
    ["about", "at", "by", "for", "from", "in", "into", "of", "on", "to", "with", "without"];
const CONJUNCTIONS: [&str; 4] = ["and", "but", "nor", "or"];
const AUXILIARIES: [&str; 14] =
    ["am", "are", "be", "can", "do", "does", "has", "have", "is", "may", "was", "were", "will", "would"];
const VERBS: [&str; 12] =
    ["ask", "call", "cancel", "change", "get", "help", "know", "like", "look", "need", "thank", "want"];
const ADJECTIVES: [&str; 10] =
    ["bad", "big", "good", "great", "happy", "new", "old", "perfect", "small", "wrong"];
const ADVERBS: [&str; 6] = ["much", "not", "now", "please", "today", "very"];
const INTERJECTIONS: [&str; 5] = ["goodbye", "hello", "hi", "thanks", "yes"];
const DATES: [&str; 18] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "april",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "today",
];

/// A word or a mark.
#[derive(Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub text: &'a str,
    /// In characters from the start of the text.
    pub begin: usize,
    /// In bytes.
    pub start: usize,
    opens_sentence: bool,
}

impl Token<'_> {
    /// The part of speech, in Comprehend's words.
    pub fn tag(&self) -> &'static str {
        let lower = self.text.to_lowercase();
        let word = lower.as_str();
        match word {
            _ if !word.chars().any(char::is_alphanumeric) => "PUNCT",
            _ if self.is_number() => "NUM",
            _ if DETERMINERS.contains(&word) => "DET",
            _ if PRONOUNS.contains(&word) => "PRON",
            _ if PREPOSITIONS.contains(&word) => "ADP",
            _ if CONJUNCTIONS.contains(&word) => "CONJ",
            _ if AUXILIARIES.contains(&word) => "AUX",
            _ if VERBS.contains(&word) => "VERB",
            _ if ADJECTIVES.contains(&word) => "ADJ",
            _ if ADVERBS.contains(&word) || word.ends_with("ly") => "ADV",
            _ if INTERJECTIONS.contains(&word) => "INTJ",
            _ if self.is_name() => "PROPN",
            _ if word.ends_with("ed") || word.ends_with("ing") => "VERB",
            _ => "NOUN",
        }
    }

    /// Where it ends, in characters.
    pub fn end(&self) -> usize {
        self.begin + self.text.chars().count()
    }

    /// The kind of thing it names, in Comprehend's words.
    pub fn entity(&self) -> Option<&'static str> {
        if self.is_number() {
            return Some("QUANTITY");
        }
        if DATES.contains(&self.text.to_lowercase().as_str()) {
            return Some("DATE");
        }
        (self.tag() == "PROPN").then_some("PERSON")
    }

    fn is_number(&self) -> bool {
        self.text.chars().all(|c| c.is_ascii_digit())
    }

    fn is_name(&self) -> bool {
        !self.opens_sentence && self.text.chars().next().is_some_and(char::is_uppercase)
    }
}

/// Words (with apostrophes in them) and marks, one by one, in order.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let within = |c: char| c.is_alphanumeric() || c == '\'';
    let (mut tokens, mut opens_sentence) = (Vec::new(), true);
    let mut chars = text.char_indices().enumerate().peekable();
    while let Some((begin, (start, first))) = chars.next() {
        if first.is_whitespace() {
            continue;
        }
        let mut end = start + first.len_utf8();
        if within(first) {
            while let Some((_, (at, next))) = chars.next_if(|(_, (_, next))| within(*next)) {
                end = at + next.len_utf8();
            }
        }
        tokens.push(Token { text: &text[start..end], begin, start, opens_sentence });
        opens_sentence = matches!(first, '.' | '?' | '!');
    }
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_marks_stand_where_they_stand_in_the_text() {
        let tokens = tokens("Grüße, Anna! It's 7.");
        let places: Vec<(&str, usize)> = tokens.iter().map(|token| (token.text, token.begin)).collect();
        assert_eq!(
            places,
            [("Grüße", 0), (",", 5), ("Anna", 7), ("!", 11), ("It's", 13), ("7", 18), (".", 19)]
        );
        assert_eq!(tokens[2].entity(), Some("PERSON"));
        assert_eq!(tokens[4].entity(), None, "it opens a sentence");
        assert_eq!((tokens[5].tag(), tokens[6].tag()), ("NUM", "PUNCT"));
    }
}
