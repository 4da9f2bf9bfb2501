use std::sync::LazyLock;

use serde_json::json;
use tieline_bridge::dip::Touched;
use tieline_core::{Comparison, Condition, Paging, Query};
use tieline_salesforce::doors;
use tieline_sandbox::salesforce::doors::{EmptyOrg, Reading, is_like, query};

use crate::input::text;

/// Longer texts are refused for their length alone.
pub(crate) const LONGEST: usize = 20_000;

thread_local! {
    pub(crate) static ORG: EmptyOrg = EmptyOrg::new();
}

fn equals(value: &str) -> String {
    format!("SELECT Id FROM Contact c WHERE c.Name = {} AND Id != null LIMIT 5", doors::literal(value))
}

fn like(inside: &str) -> String {
    format!("SELECT Id FROM Contact WHERE (Name LIKE {inside} OR Phone = null) LIMIT 5")
}

static EQUALS: LazyLock<Reading> = LazyLock::new(|| query(&equals("x")).expect("a query"));
static LIKE: LazyLock<Reading> = LazyLock::new(|| query(&like("'x'")).expect("a query"));

/// A value in quotes is read back as it went in and changes nothing else of a query; as a pattern it
/// matches itself alone. A name is refused, or is the one thing that is named.
pub fn soql_value(data: &[u8]) {
    let value = text(data);
    if value.len() > LONGEST {
        return;
    }
    let statement = equals(&value);
    let read = query(&statement).expect("a query whatever the value is");
    assert_eq!((&read.shape, &read.named), (&EQUALS.shape, &EQUALS.named), "{statement}");
    assert_eq!(read.texts, [&*value], "{statement}");
    let named = doors::named_by_query(&statement).expect("understood whatever the value is");
    assert_eq!(doors::named_by_query(&equals("x")), Some(named), "{statement}");

    let statement = like(&format!("'{}'", doors::like(&value)));
    let read = query(&statement).expect("a query whatever the value is");
    assert_eq!(read.shape, LIKE.shape, "{statement}");
    let pattern = &read.texts[0];
    assert!(is_like(pattern, &value), "{statement}");
    assert!(
        !is_like(pattern, &format!("{value}x")) && !is_like(pattern, &format!("x{value}x")),
        "{statement}"
    );
    if value.contains(['%', '_']) {
        assert!(!is_like(pattern, &value.replace(['%', '_'], "zz")), "{statement}");
    }

    let statement = like(&doors::pattern(&value));
    let read = query(&statement).expect("a query whatever the pattern is");
    assert_eq!(read.shape, LIKE.shape, "{statement}");

    name(&value);
}

fn name(name: &str) {
    let condition = |comparison| Condition { field: name.to_owned(), comparison };
    let asked = Query {
        object: name.to_owned(),
        fields: vec!["Id".to_owned(), name.to_owned()],
        conditions: vec![
            condition(Comparison::Equals(json!(name))),
            condition(Comparison::In(vec![json!(name), json!(1.5), json!(null)])),
            condition(Comparison::Like(name.to_owned())),
        ],
        limit: Some(7),
        paging: Paging::FirstPage,
    };
    let Some(statement) = doors::select(&asked) else { return };
    assert!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.'), "{statement}");
    let Ok(read) = query(&statement) else { return };
    assert_eq!(read.named.len(), 1, "{statement}");
    assert_eq!(read.texts.len(), 3, "{statement}");
}

/// A statement is refused or can be run; and whoever reads one for what it names misses nothing of
/// what the org reads.
pub fn soql_statement(data: &[u8]) {
    let statement = text(data);
    if statement.len() > LONGEST {
        return;
    }
    let read = query(&statement);
    if let (Ok(read), Some(named)) = (&read, doors::named_by_query(&statement)) {
        covers(&named, read, &statement);
    }
    ORG.with(|org| org.query(&statement)).expect("what is taken can be run").ok();

    let filtered = format!("SELECT Id FROM Contact WHERE {statement}");
    if let (Ok(read), Some(named)) = (query(&filtered), doors::named_by_filter("Contact", &statement)) {
        covers(&named, &without_the_id(read), &statement);
    }
}

/// A condition alone selects nothing.
fn without_the_id(mut read: Reading) -> Reading {
    if let Some((_, fields)) = read.named.last_mut()
        && !fields.is_empty()
    {
        fields.remove(0);
    }
    read
}

/// Panics when the statement names an object or a field that `named` does not know of.
pub(crate) fn covers(named: &[Touched], read: &Reading, statement: &str) {
    for (object, fields) in &read.named {
        let of_object: Vec<&Touched> =
            named.iter().filter(|one| one.object.eq_ignore_ascii_case(object)).collect();
        assert!(!of_object.is_empty(), "the object {object} of {statement:?} is not in {named:?}");
        for field in fields {
            let known = of_object.iter().flat_map(|one| &one.fields).any(|it| it.eq_ignore_ascii_case(field));
            assert!(known, "the field {field} of {object} in {statement:?} is not in {named:?}");
        }
    }
}
