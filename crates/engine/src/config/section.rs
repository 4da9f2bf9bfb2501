//! Reads one table of the file key by key, noting what is wrong instead of stopping.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use tieline_core::JsonMap;
use toml::{Table, Value};
use url::Url;

use super::{ConfigProblem, Environment};

/// What the reading of one file shares.
pub(super) struct Reading<'a> {
    pub(super) environment: &'a Environment,
    /// Place of a key → the variable that set it.
    pub(super) overridden: BTreeMap<String, String>,
    pub(super) problems: RefCell<Vec<ConfigProblem>>,
}

impl Reading<'_> {
    pub(super) fn problem(&self, place: &str, message: impl Into<String>) {
        // Whoever set the value by a variable looks for the variable, not for the key.
        let place = self.overridden.get(place).map_or(place, String::as_str).to_owned();
        self.problems.borrow_mut().push(ConfigProblem { place, message: message.into() });
    }
}

/// One table; keys are taken out as they are read, and what is left in the end is unknown.
pub(super) struct Section<'a> {
    reading: &'a Reading<'a>,
    place: String,
    table: Table,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(super) fn new(reading: &'a Reading<'a>, place: impl Into<String>, table: Table) -> Self {
        Self { reading, place: place.into(), table, known: Vec::new() }
    }

    pub(super) fn place(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }

    pub(super) fn problem(&self, key: &str, message: impl Into<String>) {
        self.reading.problem(&self.place(key), message);
    }

    pub(super) fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if text.is_empty() => {
                self.problem(key, "must not be empty");
                None
            }
            Value::String(text) => Some(text),
            other => {
                self.problem(key, format!("must be text in quotes, not {}", kind(&other)));
                None
            }
        }
    }

    /// Whether the file says anything of `key`: an empty list is an answer too.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Text, or a reference (`env:NAME`, `file:PATH`) to it: for what is no secret and still
    /// kept beside one, such as a client id.
    pub(super) fn required_or_reference(&mut self, key: &'static str) -> Option<String> {
        let text = self.required(key)?;
        if text.starts_with("env:") || text.starts_with("file:") {
            return self.resolve(&self.place(key), &text).map(|value| value.expose_secret().to_owned());
        }
        Some(text)
    }

    pub(super) fn required(&mut self, key: &'static str) -> Option<String> {
        if !self.table.contains_key(key) {
            self.known.push(key);
            self.problem(key, "is missing");
            return None;
        }
        self.text(key)
    }

    /// Text that must read as `T`; `what` says what was expected.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &'static str, what: &str) -> Option<T> {
        let text = self.text(key)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.problem(key, format!("`{text}` is not {what}"));
        }
        parsed
    }

    /// An `http` or `https` address without user, query or fragment.
    pub(super) fn url(&mut self, key: &'static str) -> Option<Url> {
        let text = self.text(key)?;
        let url = Url::parse(&text).ok().filter(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.host().is_some()
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
                && url.fragment().is_none()
        });
        if url.is_none() {
            self.problem(key, format!("`{text}` is not an address like `https://host[:port][/path]`"));
        }
        url
    }

    pub(super) fn required_url(&mut self, key: &'static str) -> Option<Url> {
        if !self.table.contains_key(key) {
            self.known.push(key);
            self.problem(key, "is missing");
            return None;
        }
        self.url(key)
    }

    /// An address together with how it was written.
    pub(super) fn required_url_with_text(&mut self, key: &'static str) -> (Option<Url>, Option<String>) {
        let text = self.table.get(key).and_then(Value::as_str).map(str::to_owned);
        (self.required_url(key), text)
    }

    /// A whole number inside `range`, or `default`.
    pub(super) fn whole(
        &mut self,
        key: &'static str,
        range: std::ops::RangeInclusive<u64>,
        default: u64,
    ) -> u64 {
        let number = match self.take(key) {
            None => return default,
            Some(Value::Integer(number)) => u64::try_from(number).ok(),
            // Variables hold text only.
            Some(Value::String(text)) if self.reading.overridden.contains_key(&self.place(key)) => {
                text.trim().parse().ok()
            }
            Some(_) => None,
        };
        number.filter(|number| range.contains(number)).unwrap_or_else(|| {
            self.problem(key, format!("must be a whole number from {} to {}", range.start(), range.end()));
            default
        })
    }

    /// A variable of the process, by its own name.
    pub(super) fn variable(&self, name: &str) -> Option<&'a str> {
        self.reading.environment.get(name)
    }

    pub(super) fn secret(&mut self, key: &'static str) -> Option<SecretString> {
        let place = self.place(key);
        // A variable that overrides a secret holds the secret: `TIELINE_SECRET_KEY` means
        // what `secret_key = "env:TIELINE_SECRET_KEY"` means.
        if let Some(variable) = self.reading.overridden.get(&place)
            && let Some(Value::String(text)) = self.table.get(key)
            && !text.starts_with("env:")
            && !text.starts_with("file:")
        {
            let reference = format!("env:{variable}");
            self.take(key);
            return self.resolve(&place, &reference);
        }
        let reference = self.text(key)?;
        self.resolve(&place, &reference)
    }

    pub(super) fn required_secret(&mut self, key: &'static str) -> Option<SecretString> {
        if !self.table.contains_key(key) {
            self.known.push(key);
            self.problem(key, "is missing");
            return None;
        }
        self.secret(key)
    }

    /// A list of secrets, at most `most`.
    pub(super) fn secrets(&mut self, key: &'static str, most: usize) -> Vec<SecretString> {
        let references = self.texts(key);
        if references.len() > most {
            self.problem(key, format!("holds {} keys; at most {most} are live at once", references.len()));
        }
        let place = self.place(key);
        references.iter().filter_map(|reference| self.resolve(&place, reference)).collect()
    }

    fn resolve(&self, place: &str, reference: &str) -> Option<SecretString> {
        match self.reading.environment.secret(reference) {
            Ok(secret) => Some(secret),
            Err(message) => {
                self.reading.problem(place, message);
                None
            }
        }
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let overridden = self.reading.overridden.contains_key(&self.place(key));
        match self.take(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                let count = items.len();
                let texts: Vec<String> =
                    items.into_iter().filter_map(|item| item.as_str().map(str::to_owned)).collect();
                if texts.len() != count || texts.iter().any(String::is_empty) {
                    self.problem(key, "must be a list of texts, none of them empty");
                }
                texts
            }
            // Variables hold text only: a list is written with commas.
            Some(Value::String(text)) if overridden => {
                text.split(',').map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
            }
            Some(other) => {
                self.problem(key, format!("must be a list of texts, not {}", kind(&other)));
                Vec::new()
            }
        }
    }

    /// A table inside this one.
    pub(super) fn table(&mut self, key: &'static str) -> Option<Section<'a>> {
        let place = self.place(key);
        match self.take(key)? {
            Value::Table(table) => Some(Section::new(self.reading, place, table)),
            other => {
                self.problem(key, format!("must be a table, not {}", kind(&other)));
                None
            }
        }
    }

    /// The tables of a list of tables.
    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Section<'a>> {
        let place = self.place(key);
        let Some(value) = self.take(key) else { return Vec::new() };
        let Value::Array(items) = value else {
            self.problem(key, format!("must be a list of tables, not {}", kind(&value)));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (at, item) in items.into_iter().enumerate() {
            let place = format!("{place}[{at}]");
            match item {
                Value::Table(table) => sections.push(Section::new(self.reading, place, table)),
                other => self.reading.problem(&place, format!("must be a table, not {}", kind(&other))),
            }
        }
        sections
    }

    /// A table as the JSON object it stands for; in a variable it is written as JSON.
    pub(super) fn object(&mut self, key: &'static str) -> Option<JsonMap> {
        let object = match self.take(key)? {
            Value::Table(table) => {
                table.into_iter().map(|(name, value)| Some((name, json(value)?))).collect()
            }
            Value::String(text) if self.reading.overridden.contains_key(&self.place(key)) => {
                serde_json::from_str(&text).ok()
            }
            _ => None,
        };
        if object.is_none() {
            self.problem(key, "must be a table of texts, numbers, flags, lists and tables of these");
        }
        object
    }

    /// Tables whose names the operator picks.
    pub(super) fn named_tables(&mut self, key: &'static str) -> Vec<(String, Section<'a>)> {
        let Some(mut outer) = self.table(key) else { return Vec::new() };
        let mut sections = Vec::new();
        for (name, value) in std::mem::take(&mut outer.table) {
            let place = outer.place(&name);
            match value {
                Value::Table(table) => sections.push((name, Section::new(outer.reading, place, table))),
                other => outer.reading.problem(&place, format!("must be a table, not {}", kind(&other))),
            }
        }
        sections
    }

    /// Lists of texts under names the operator picks.
    pub(super) fn named_texts(&mut self, key: &'static str) -> Option<BTreeMap<String, Vec<String>>> {
        let table = self.table(key)?;
        let mut lists = BTreeMap::new();
        for (name, value) in &table.table {
            let list =
                value.as_array().map(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
            match list.flatten() {
                Some(texts) => {
                    lists.insert(name.clone(), texts.into_iter().map(str::to_owned).collect());
                }
                None => table.problem(name, "must be a list of texts"),
            }
        }
        Some(lists)
    }

    /// Everything that was not read is a mistake: a misspelt key would otherwise do nothing, silently.
    pub(super) fn finish(self) {
        for key in self.table.keys() {
            let near = self.known.iter().find(|known| distance(known, key) <= 2);
            let hint = near.map_or_else(
                || format!("known here: {}", self.known.join(", ")),
                |known| format!("did you mean `{known}`?"),
            );
            self.problem(key, format!("is not a key Tieline knows; {hint}"));
        }
    }
}

/// Nothing for a date or a number that JSON cannot say.
fn json(value: Value) -> Option<serde_json::Value> {
    Some(match value {
        Value::String(text) => text.into(),
        Value::Integer(number) => number.into(),
        Value::Float(number) => serde_json::Number::from_f64(number)?.into(),
        Value::Boolean(flag) => flag.into(),
        Value::Array(items) => items.into_iter().map(json).collect::<Option<Vec<_>>>()?.into(),
        Value::Table(table) => {
            let object: Option<JsonMap> =
                table.into_iter().map(|(name, value)| Some((name, json(value)?))).collect();
            object?.into()
        }
        Value::Datetime(_) => return None,
    })
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "text",
        Value::Integer(_) | Value::Float(_) => "a number",
        Value::Boolean(_) => "true or false",
        Value::Datetime(_) => "a date",
        Value::Array(_) => "a list",
        Value::Table(_) => "a table",
    }
}

/// How many letters to change to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
