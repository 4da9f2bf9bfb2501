use std::collections::BTreeMap;
use std::path::Path;

use secrecy::SecretString;

/// The variables a configuration may refer to or be overridden by, taken once.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables this process was started with. Those that are not text are left out.
    pub fn of_process() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Variables whose value replaces a key of the file: `TIELINE_PUBLIC_URL` stands for
    /// `public_url`, and two underscores go one table deeper
    /// (`TIELINE_CONNECTIONS__CRM__CLIENT_ID`).
    ///
    /// Other names with this prefix belong to somebody else (`TIELINE_URL` tells a Lambda
    /// function where to forward to), so only top-level keys and the two tables count.
    pub(super) fn overrides(&self, top_level: &[&str]) -> Vec<(String, Vec<String>, String)> {
        self.0
            .iter()
            .filter_map(|(name, value)| {
                let path: Vec<String> =
                    name.strip_prefix("TIELINE_")?.split("__").map(str::to_ascii_lowercase).collect();
                let ours = match path.as_slice() {
                    [one] => top_level.contains(&one.as_str()),
                    [table, ..] => table == "connections" || table == "workspaces",
                    [] => false,
                };
                ours.then(|| (name.clone(), path, value.clone()))
            })
            .collect()
    }

    /// Looks up what `reference` (`env:NAME` or `file:PATH`) refers to.
    ///
    /// # Errors
    ///
    /// A sentence for the operator. It never holds the text of a secret.
    pub(super) fn secret(&self, reference: &str) -> Result<SecretString, String> {
        if let Some(name) = reference.strip_prefix("env:") {
            let value = self.get(name).ok_or_else(|| format!("the variable `{name}` is not set"))?;
            return not_empty(value, &format!("the variable `{name}`"));
        }
        if let Some(path) = reference.strip_prefix("file:") {
            let text = std::fs::read_to_string(Path::new(path))
                .map_err(|error| format!("the file `{path}` cannot be read: {error}"))?;
            // Editors and `echo` end a file with a line break that is no part of the secret.
            return not_empty(text.trim_end_matches(['\r', '\n']), &format!("the file `{path}`"));
        }
        Err("write a secret as `env:NAME` or `file:PATH`, never as the secret itself".to_owned())
    }
}

fn not_empty(value: &str, what: &str) -> Result<SecretString, String> {
    if value.is_empty() { Err(format!("{what} is empty")) } else { Ok(SecretString::from(value)) }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

impl std::fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
