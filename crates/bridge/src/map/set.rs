use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::file;
use super::rule::FieldMap;
use crate::profile::{ProfileError, ProfileProblem};

/// All maps of one pair of contact center and CRM, by name.
#[derive(Debug, Clone, Default)]
pub struct FieldMaps {
    maps: BTreeMap<String, Arc<FieldMap>>,
    /// As they came with Tieline, for files that extend them.
    built_in: BTreeMap<String, Arc<FieldMap>>,
}

type Files = &'static [(&'static str, &'static str)];

macro_rules! built_in {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../../../../profiles/", $folder, "/", $name, ".toml")))),+]
    };
}

const BUILT_IN: [(&str, &str, Files); 1] = [(
    "amazon-connect",
    "salesforce",
    built_in!("amazon-connect/salesforce": "contact-record", "agent-report", "queue-report", "queue-metrics", "analytics", "recording", "transcript"),
)];

impl FieldMaps {
    /// The maps that come with Tieline for a pair of kinds (`amazon-connect`, `salesforce`).
    pub fn built_in(contact_center: &str, crm: &str) -> Option<Self> {
        let (_, _, files) = BUILT_IN.iter().find(|(from, to, _)| *from == contact_center && *to == crm)?;
        let maps: BTreeMap<String, Arc<FieldMap>> = files
            .iter()
            .map(|(name, text)| {
                let map =
                    FieldMap::parse(text).expect("the maps that come with Tieline are checked by a test");
                ((*name).to_owned(), Arc::new(map))
            })
            .collect();
        Some(Self { built_in: maps.clone(), maps })
    }

    /// Puts a user's own file in force: a whole map, or fields that extend the built-in one.
    /// `file` is its name (`contact-record.toml`), which says what map it is.
    ///
    /// # Errors
    ///
    /// All problems of the file; the maps stay as they are.
    pub fn put(&mut self, file: &str, text: &str) -> Result<(), ProfileError> {
        let name = file.strip_suffix(".toml").unwrap_or(file);
        let base = self.built_in.get(name);
        if base.is_none() {
            let known: Vec<&str> = self.built_in.keys().map(String::as_str).collect();
            return Err(ProfileError {
                problems: vec![ProfileProblem {
                    place: file.to_owned(),
                    message: format!("no function uses a map of this name; there are {}", known.join(", ")),
                }],
            });
        }
        let map = file::read(file, text, base.filter(|_| file::extends(text)).map(Arc::as_ref))?;
        self.maps.insert(name.to_owned(), Arc::new(map));
        Ok(())
    }

    /// Puts all `.toml` files of a folder in force, in the order of their names.
    ///
    /// # Errors
    ///
    /// What is wrong with the folder or the first bad file, each problem with its place: fit to be shown.
    pub fn put_folder(&mut self, folder: &Path) -> Result<(), String> {
        let bad =
            |place: &Path, problem: &dyn std::fmt::Display| Err(format!("{}: {problem}", place.display()));
        let mut files = Vec::new();
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return bad(folder, &error),
        };
        for entry in entries {
            let path = match entry {
                Ok(entry) => entry.path(),
                Err(error) => return bad(folder, &error),
            };
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        files.sort();
        for path in files {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = match std::fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) => return bad(&path, &error),
            };
            if let Err(error) = self.put(&name, &text) {
                return bad(folder, &error);
            }
        }
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<Arc<FieldMap>> {
        self.maps.get(name).cloned()
    }

    /// Names and maps, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FieldMap)> {
        self.maps.iter().map(|(name, map)| (name.as_str(), map.as_ref()))
    }
}
