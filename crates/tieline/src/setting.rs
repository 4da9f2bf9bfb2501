//! Finds the configuration and the database a command works with.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tieline_core::{Clock, WorkspaceName, error_chain};
use tieline_engine::SystemClock;
use tieline_engine::config::{Config, Environment, Outline};
use tieline_store::{SqliteStore, Store};

use crate::cli::Stored;
use crate::outcome::Failure;

/// The workspace of a demo, and of a database without a configuration.
const DEMO: &str = "demo";

pub fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// A file; `-` is standard input.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    bytes.map_err(|error| Failure::unknown(format!("{} cannot be read: {error}", name(path))))
}

/// As it is called in messages.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".to_owned() } else { path.display().to_string() }
}

pub fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| Failure::bad(format!("{} is not UTF-8 text", path.display())))
}

/// The whole configuration.
pub fn config(path: &Path) -> Result<Config, Failure> {
    Config::parse(&read_text(path)?, &Environment::of_process()).map_err(|error| {
        Failure::bad(format!("{}: the configuration cannot be used\n{error}", path.display()))
    })
}

/// Picks the workspace that was named, or the only one.
pub fn pick(named: Option<&str>, all: &[WorkspaceName]) -> Result<WorkspaceName, Failure> {
    let list = || all.iter().map(WorkspaceName::as_str).collect::<Vec<_>>().join(", ");
    match (named, all) {
        (Some(named), _) => {
            all.iter().find(|name| name.as_str() == named).cloned().ok_or_else(|| {
                Failure::usage(format!("there is no workspace `{named}`; there are: {}", list()))
            })
        }
        (None, [one]) => Ok(one.clone()),
        (None, []) => Err(Failure::usage("the configuration has no workspace")),
        (None, _) => Err(Failure::usage(format!("say which workspace with --workspace: {}", list()))),
    }
}

/// An opened database and the workspace that was meant.
pub struct Opened {
    pub store: Arc<dyn Store>,
    named: Option<String>,
    /// Those of the configuration; none when only a folder is known.
    configured: Option<Vec<WorkspaceName>>,
}

impl Opened {
    /// The workspace that was meant. A folder without a configuration does not say which there
    /// are; but a workspace that was ever started has flows, so one without any is a slip of the
    /// hand, and its lists would be empty for a wrong reason.
    pub async fn workspace(&self) -> Result<WorkspaceName, Failure> {
        if let Some(all) = &self.configured {
            return pick(self.named.as_deref(), all);
        }
        let workspace = WorkspaceName::new(self.named.as_deref().unwrap_or(DEMO))
            .map_err(|error| Failure::usage(error.to_string()))?;
        if self.store.flows(&workspace).await?.is_empty() {
            let hint = if self.named.is_none() { "; say which with --workspace" } else { "" };
            return Err(Failure::usage(format!("this database has no workspace `{workspace}`{hint}")));
        }
        Ok(workspace)
    }

    /// For commands that look at all workspaces unless one is named.
    pub async fn named_workspace(&self) -> Result<Option<WorkspaceName>, Failure> {
        match self.named {
            Some(_) => self.workspace().await.map(Some),
            None => Ok(None),
        }
    }
}

/// Opens the database beside a server that may be running. Never makes one: a wrong folder
/// should be noticed, not filled.
pub fn open(stored: &Stored) -> Result<Opened, Failure> {
    let (database, configured) = if let Some(data) = &stored.data {
        (data.join(Config::DATABASE), None)
    } else {
        let config = stored.config.clone().unwrap_or_else(|| PathBuf::from("tieline.toml"));
        if stored.config.is_none() && !config.exists() {
            return Err(Failure::usage(
                "say where the database is: --config FILE, or --data DIR (there is no tieline.toml here)",
            ));
        }
        let outline = Outline::parse(&read_text(&config)?, &Environment::of_process()).map_err(|error| {
            Failure::unknown(format!("{}: the configuration cannot be read\n{error}", config.display()))
        })?;
        (outline.database(), Some(outline.workspaces))
    };
    if !database.exists() {
        return Err(Failure::unknown(format!(
            "there is no database at {}; it is made when the server starts",
            database.display()
        )));
    }
    let store = SqliteStore::open(&database, system_clock())
        .map_err(|error| Failure::unknown(format!("{}: {}", database.display(), error_chain(&error))))?;
    Ok(Opened { store: Arc::new(store), named: stored.workspace.clone(), configured })
}
