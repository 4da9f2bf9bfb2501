//! Columns of a report, found by their header.

use std::collections::BTreeMap;

use super::rule::prefixed;
use crate::profile::is_name;

/// Which field a column of a report goes into: by name, or by a rule. The rule is the reference
/// package's: each run of blanks and hyphens of the header is one `_`, and `__c` ends it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Headers {
    /// By header in lower case.
    named: BTreeMap<String, Named>,
}

#[derive(Debug, Clone, PartialEq)]
struct Named {
    /// Empty: the column is left out.
    field: String,
    packaged: bool,
}

impl Headers {
    /// `packaged` is whether a header new to the map names a field of the package.
    pub fn put(&mut self, header: &str, field: String, packaged: bool) {
        let packaged = packaged || self.named.values().any(|named| named.field == field);
        self.named.insert(header.to_lowercase(), Named { field, packaged });
    }

    /// The field of a column; `None` when it has none, or could not have one.
    pub fn field(&self, header: &str, namespace: Option<&str>) -> Option<String> {
        match self.named.get(&header.to_lowercase()) {
            Some(named) if named.field.is_empty() => None,
            Some(named) => Some(prefixed(&named.field, namespace.filter(|_| named.packaged))),
            None => {
                let name = by_rule(header);
                is_name(&name).then(|| prefixed(&name, namespace))
            }
        }
    }

    pub fn fields(&self, namespace: Option<&str>) -> impl Iterator<Item = String> {
        let named = self.named.values().filter(|named| !named.field.is_empty());
        named.map(move |named| prefixed(&named.field, namespace.filter(|_| named.packaged)))
    }
}

fn by_rule(header: &str) -> String {
    let mut name = String::new();
    let mut between = false;
    for letter in header.chars() {
        if letter == '-' || letter.is_whitespace() {
            between = true;
            continue;
        }
        if std::mem::take(&mut between) {
            name.push('_');
        }
        name.push(letter);
    }
    if between {
        name.push('_');
    }
    name + "__c"
}
