//! Text of the searches and queries that find callers. Values are escaped, names were checked.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use tieline_bridge::dip::find::{CallerMatch, Wanted};
use tieline_core::PhoneNumber;

use super::objects::Searched;
use crate::convert;
use crate::failure::Failure;
use crate::soql;

/// Rows of one object: a switchboard's number may belong to that many people.
const MOST_ROWS: usize = 200;

/// `FIND {…} IN … FIELDS RETURNING …`; `None` when no object has a field to be found by.
///
/// `bound` says that some fields are withheld, so that words are searched for in names only.
pub(super) fn search(
    objects: &[Searched],
    wanted: &Wanted,
    bound: bool,
    weak: usize,
) -> Result<Option<String>, Failure> {
    let (words, group, returning): (String, &str, Vec<&Searched>) = match wanted {
        Wanted::Phone(number) => {
            let having: Vec<&Searched> = objects.iter().filter(|one| !one.phones.is_empty()).collect();
            let all_numbers = having.iter().flat_map(|one| &one.phones).all(|phone| phone.number);
            let group = if all_numbers { "PHONE" } else { "ALL" };
            (phone_words(number, !all_numbers, weak), group, having)
        }
        Wanted::Email(address) => {
            let having = objects.iter().filter(|one| !one.emails.is_empty()).collect();
            (quoted(address), "EMAIL", having)
        }
        Wanted::Text(text) => {
            let group = if bound { "NAME" } else { "ALL" };
            let having =
                objects.iter().filter(|one| !bound || one.all_fields || one.name.is_some()).collect();
            (text_words(text), group, having)
        }
        Wanted::Endpoint | Wanted::Nobody => return Ok(None),
    };
    if words.is_empty() || returning.is_empty() {
        return Ok(None);
    }
    let returning: Vec<String> = returning.into_iter().map(returned).collect();
    let text = format!("FIND {{{words}}} IN {group} FIELDS RETURNING {}", returning.join(", "));
    if text.len() > 20_000 {
        return Err(Failure::refused_by_us(
            "SEARCH_TOO_LONG",
            "the search names too many objects and fields",
        ));
    }
    Ok(Some(text))
}

/// `Lead(Id, Name, …, IsConverted WHERE IsConverted = false LIMIT 200)`.
fn returned(object: &Searched) -> String {
    let filter = match object.also {
        Some("IsConverted") => " WHERE IsConverted = false",
        _ => "",
    };
    format!("{}({}{filter} LIMIT {MOST_ROWS})", object.object, columns(object))
}

fn columns(object: &Searched) -> String {
    let mut columns = vec!["Id"];
    let fields = object.name.iter().chain(&object.last_contact).map(String::as_str);
    let phones = object.phones.iter().map(|phone| phone.field.as_str());
    let emails = object.emails.iter().map(String::as_str);
    for field in fields.chain(object.also).chain(phones).chain(emails) {
        if !columns.iter().any(|column| column.eq_ignore_ascii_case(field)) {
            columns.push(field);
        }
    }
    columns.join(", ")
}

/// The ways a number may be written: its digits and, for fields that are searched as text, its groups.
fn phone_words(number: &PhoneNumber, as_text: bool, weak: usize) -> String {
    let mut words = convert::search_terms(number);
    words.extend(last_digits(number, weak));
    if as_text {
        for written in [number.international(), number.national()] {
            let groups: Vec<&str> =
                written.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).collect();
            if groups.len() > 1 {
                words.push(format!("\"{}\"", groups.join(" ")));
            }
        }
    }
    let mut seen = BTreeSet::new();
    words.retain(|word| seen.insert(word.clone()));
    words.join(" OR ")
}

/// The last digits that make a weak match, when the number has more.
pub(super) fn last_digits(number: &PhoneNumber, weak: usize) -> Option<String> {
    let significant = number.significant();
    let tail = significant.len().checked_sub(weak).filter(|_| weak > 0)?;
    Some(significant[tail..].to_owned())
}

/// An address as one phrase, since its dots and dashes separate words.
fn quoted(text: &str) -> String {
    let words = soql::sosl(text);
    if words.trim().is_empty() { String::new() } else { format!("\"{}\"", words.trim()) }
}

/// What somebody said or typed, each word by itself; a word that would be an operator is quoted.
///
/// (SOQL and SOSL Reference, "FIND {SearchQuery}": AND, OR, AND NOT. Read 2026-11-21.)
fn text_words(text: &str) -> String {
    let words =
        text.split(soql::is_blank).filter(|word| word.chars().any(char::is_alphanumeric)).map(|word| {
            let word = soql::sosl(word);
            match word.to_ascii_uppercase().as_str() {
                "AND" | "OR" | "NOT" => format!("\"{word}\""),
                _ => word,
            }
        });
    words.collect::<Vec<_>>().join(" ")
}

/// Rows of `object` with a number that ends in `digits`, however it is punctuated, or has an extension
/// (`ext. 7`, `x7`) behind them: the search index takes its digits for the number's.
pub(super) fn ending_in(object: &Searched, digits: &str) -> String {
    let mut pattern = String::from("%");
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 {
            pattern.push('%');
        }
        pattern.push(digit);
    }
    let (end, extended) = (soql::pattern(&pattern), soql::pattern(&format!("{pattern}%x%")));
    let phones = object.phones.iter().map(|phone| &phone.field);
    let any: Vec<String> =
        phones.map(|field| format!("{field} LIKE {end} OR {field} LIKE {extended}")).collect();
    let mut text = format!("SELECT {} FROM {} WHERE ({})", columns(object), object.object, any.join(" OR "));
    if object.also == Some("IsConverted") {
        text.push_str(" AND IsConverted = false");
    }
    let _ = write!(text, " LIMIT {MOST_ROWS}");
    text
}

/// Open cases by person and company; `None` when there is neither.
pub(super) fn open_cases(matches: &[CallerMatch]) -> Option<String> {
    let ids = |object: &str| {
        let of_object = matches.iter().filter(|one| one.object == object);
        of_object.map(|one| soql::literal(one.record.as_str())).collect::<Vec<_>>().join(", ")
    };
    let (contacts, accounts) = (ids("Contact"), ids("Account"));
    let mut any = Vec::new();
    if !contacts.is_empty() {
        any.push(format!("ContactId IN ({contacts})"));
    }
    if !accounts.is_empty() {
        any.push(format!("AccountId IN ({accounts})"));
    }
    if any.is_empty() {
        return None;
    }
    Some(format!(
        "SELECT ContactId, AccountId, COUNT(Id) total FROM Case WHERE IsClosed = false AND ({}) \
         GROUP BY ContactId, AccountId",
        any.join(" OR ")
    ))
}

#[cfg(test)]
mod tests {
    use super::super::objects::Phone;
    use super::*;

    fn object(name: &str, phones: &[(&str, bool)]) -> Searched {
        Searched {
            object: name.into(),
            place: 0,
            name: Some("Name".into()),
            phones: phones
                .iter()
                .map(|&(field, number)| Phone { field: field.into(), label: "phone", number })
                .collect(),
            emails: vec!["Email".into()],
            last_contact: Some("LastActivityDate".into()),
            also: (name == "Lead").then_some("IsConverted"),
            tells_id: true,
            tells_last_contact: true,
            all_fields: true,
        }
    }

    fn text(wanted: &Wanted, objects: &[Searched]) -> String {
        search(objects, wanted, false, 7).unwrap().unwrap()
    }

    #[test]
    fn a_number_is_looked_for_in_all_its_spellings_by_one_search() {
        let number = Wanted::Phone(PhoneNumber::parse("+442079460018", None).unwrap());
        assert_eq!(
            text(&number, &[object("Contact", &[("Phone", true)]), object("Lead", &[("Phone", true)])]),
            "FIND {442079460018 OR 02079460018 OR 2079460018 OR 9460018} IN PHONE FIELDS RETURNING \
             Contact(Id, Name, LastActivityDate, Phone, Email LIMIT 200), \
             Lead(Id, Name, LastActivityDate, IsConverted, Phone, Email WHERE IsConverted = false LIMIT 200)"
        );
        assert!(
            text(&number, &[object("Case", &[("SuppliedPhone", false)])])
                .starts_with("FIND {442079460018 OR 02079460018 OR 2079460018 OR 9460018 OR \"44 20 7946 0018\" OR \"020 7946 0018\"} IN ALL FIELDS")
        );
        assert_eq!(search(&[object("Contact", &[])], &number, false, 7).unwrap(), None);
    }

    #[test]
    fn what_a_caller_says_is_words_and_nothing_else() {
        let all = [object("Contact", &[])];
        let of = |said: &str| text(&Wanted::Text(said.into()), &all);
        assert!(
            of("Anna} RETURNING User(Id)").starts_with(r"FIND {Anna\} RETURNING User\(Id\)} IN ALL FIELDS")
        );
        assert!(of("Marks and Spencer").starts_with("FIND {Marks \"and\" Spencer} IN"));
        assert!(of("O'Neil * ?").starts_with(r"FIND {O\'Neil} IN"));
        assert_eq!(search(&all, &Wanted::Text(" * ".into()), false, 7).unwrap(), None);
        let mail = text(&Wanted::Email("a\"b@example.com".into()), &all);
        assert!(mail.starts_with(r#"FIND {"a\"b@example.com"} IN EMAIL FIELDS"#), "{mail}");
    }

    #[test]
    fn last_digits_are_found_whatever_stands_between_them() {
        let text = ending_in(&object("Lead", &[("Phone", true), ("MobilePhone", true)]), "5550147");
        assert!(
            text.ends_with(
                "FROM Lead WHERE (Phone LIKE '%5%5%5%0%1%4%7' OR Phone LIKE '%5%5%5%0%1%4%7%x%' OR MobilePhone LIKE '%5%5%5%0%1%4%7' OR MobilePhone LIKE '%5%5%5%0%1%4%7%x%') AND IsConverted = false LIMIT 200"
            ),
            "{text}"
        );
        let short = PhoneNumber::parse("+442079460018", None).unwrap();
        assert_eq!(last_digits(&short, 0), None);
        assert_eq!(last_digits(&short, 4).as_deref(), Some("0018"));
    }
}
