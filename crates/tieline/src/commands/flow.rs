use std::path::Path;

use serde::Serialize;
use serde_json::json;
use tieline_engine::agents::{PublishError, publish};
use tieline_flow::command::{check_file, export_file, import_file};
use tieline_flow::cti::{Note, Options};
use tieline_flow::{Document, Problem, SourceSpec, parse_event, sources};
use tieline_store::FlowGrants;

use crate::cli::{Flow, Stored};
use crate::outcome::{BAD, Failure, Outcome, plain, say, say_json, say_table};
use crate::setting;

pub async fn run(command: Flow, json: bool) -> Outcome {
    match command {
        Flow::Check { files } => check(&files, json),
        Flow::Import { file, on, name } => import(&file, on.as_deref(), name.as_deref(), json),
        Flow::Export { file } => {
            let bytes = setting::read(&file)?;
            let converted = export_file(&bytes).map_err(|problems| refused(&file, &problems, json))?;
            converted_to(&converted.text, &converted.notes, &converted.problems);
            Ok(())
        }
        Flow::Publish { file, may_dial, as_workspace, stored } => {
            let bytes = setting::read(&file)?;
            let document = Document::from_json(&bytes).map_err(|problems| refused(&file, &problems, json))?;
            let grants = FlowGrants { may_dial, as_workspace };
            put_in_force(&file, document, grants, &stored, json).await
        }
        Flow::Unpublish { flow, stored } => switch(&flow, None, &stored, json).await,
        Flow::RollBack { flow, version, stored } => switch(&flow, Some(version), &stored, json).await,
        Flow::List { stored } => list(&stored, json).await,
    }
}

fn import(file: &Path, on: Option<&str>, name: Option<&str>, json: bool) -> Outcome {
    // Before the file is looked at: what was typed is wrong whatever the file holds.
    if let Some(on) = on
        && parse_event(on).is_none()
    {
        return Err(Failure::usage(format!("there is no event `{on}`; there are:\n{}", known_events())));
    }
    let bytes = setting::read(file)?;
    let stem = file.file_stem().and_then(|stem| stem.to_str()).filter(|_| file != Path::new("-"));
    let options = Options { name, stem, on };
    let converted = import_file(&bytes, options).map_err(|problems| refused(file, &problems, json))?;
    converted_to(&converted.text, &converted.notes, &converted.problems);
    if on.is_none() {
        eprintln!("Imported as a draft. With `--on voice_contact.connecting`, say, it can be published.");
    }
    Ok(())
}

/// One line per source, as `--on` takes them.
fn known_events() -> String {
    let line = |source: &SourceSpec| {
        let names: Vec<String> =
            source.events.iter().map(|event| format!("{}.{}", source.name, event.name)).collect();
        if names.is_empty() { source.name.to_owned() } else { names.join(", ") }
    };
    sources().iter().map(line).collect::<Vec<_>>().join("\n")
}

async fn put_in_force(
    file: &Path,
    document: Document,
    grants: FlowGrants,
    stored: &Stored,
    json: bool,
) -> Outcome {
    let opened = setting::open(stored)?;
    let workspace = opened.workspace().await?;
    let on = document.on.clone();
    let version = match publish(&opened.store, &workspace, document, grants, "tieline flow publish").await {
        Ok(version) => version,
        Err(PublishError::Problems(problems)) => return Err(refused(file, &problems, json)),
        Err(error) => return Err(error.into()),
    };
    if json {
        say_json(&json!({ "flow": version.flow, "version": version.version, "workspace": workspace }))?;
    } else {
        say(&format!("{} is in force in {workspace} as version {}", version.flow, version.version));
    }
    // All flows of an event run. Whoever meant to replace one would otherwise see two pops.
    for other in opened.store.published_flows(&workspace).await? {
        let theirs = Document::from_json(other.version.document.as_bytes()).ok().and_then(|other| other.on);
        if other.version.flow != version.flow && theirs.is_some() && theirs == on {
            eprintln!(
                "note: {0} runs at the same event too; `tieline flow unpublish {0}` takes it out of force",
                other.version.flow
            );
        }
    }
    Ok(())
}

/// Another version in force, or none.
async fn switch(flow: &str, version: Option<u64>, stored: &Stored, json: bool) -> Outcome {
    let opened = setting::open(stored)?;
    let workspace = opened.workspace().await?;
    if !opened.store.set_published(&workspace, flow, version).await? {
        let what = version.map_or_else(String::new, |version| format!(" with a version {version}"));
        return Err(Failure::bad(format!("{workspace} has no flow `{flow}`{what}")));
    }
    if json {
        return say_json(&json!({ "flow": flow, "version": version, "workspace": workspace }));
    }
    match version {
        Some(version) => say(&format!("{flow} is in force in {workspace} as version {version}")),
        None => say(&format!("{flow} is not in force in {workspace} any more")),
    }
    Ok(())
}

async fn list(stored: &Stored, json: bool) -> Outcome {
    let opened = setting::open(stored)?;
    let flows = opened.store.flows(&opened.workspace().await?).await?;
    if json {
        let flow = |flow: &tieline_store::FlowRow| {
            json!({ "flow": flow.flow, "name": flow.name, "published": flow.published,
                    "newest": flow.newest, "position": flow.position, "updated_at": flow.updated_at })
        };
        return say_json(&flows.iter().map(flow).collect::<Vec<_>>());
    }
    let rows: Vec<_> = flows
        .into_iter()
        .map(|flow| {
            let published = flow.published.map_or_else(|| "-".to_owned(), |version| version.to_string());
            vec![flow.flow, published, flow.newest.to_string(), plain(&flow.name)]
        })
        .collect();
    say_table(&["FLOW", "IN FORCE", "NEWEST", "NAME"], &rows);
    Ok(())
}

#[derive(Serialize)]
struct Checked<'a> {
    file: String,
    problems: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    code: &'a str,
    place: String,
    message: &'a str,
}

fn listed(problems: &[Problem]) -> Vec<Listed<'_>> {
    problems
        .iter()
        .map(|problem| Listed { code: problem.code, place: problem.place.clone(), message: &problem.message })
        .collect()
}

fn check(files: &[std::path::PathBuf], json: bool) -> Outcome {
    let mut all = Vec::new();
    let mut unread = Vec::new();
    for file in files {
        match setting::read(file) {
            Ok(bytes) => all.push((file, check_file(&bytes))),
            // The others are checked all the same.
            Err(failure) => unread.push(failure),
        }
    }
    let bad = all.iter().any(|(_, problems)| !problems.is_empty());
    if json {
        let checked = |(file, problems): &(&std::path::PathBuf, Vec<Problem>)| {
            json!(Checked { file: file.display().to_string(), problems: listed(problems) })
        };
        say_json(&all.iter().map(checked).collect::<Vec<_>>())?;
    } else {
        for (file, problems) in &all {
            if problems.is_empty() {
                say(&format!("{}: good", file.display()));
            }
            for problem in problems {
                say(&plain(&format!("{}: {problem}", file.display())));
            }
        }
    }
    if let Some(failure) = unread.into_iter().reduce(|all, next| all.and(&next)) {
        return Err(failure);
    }
    if bad { Err(Failure::silent(BAD)) } else { Ok(()) }
}

/// The other form on stdout; what the reader should know about it on stderr.
fn converted_to(text: &str, notes: &[Note], problems: &[Problem]) {
    say(text.trim_end_matches('\n'));
    for note in notes {
        eprintln!("note: {}", plain(&note.to_string()));
    }
    for problem in problems {
        eprintln!("before it can be published: {}", plain(&problem.to_string()));
    }
}

fn refused(file: &Path, problems: &[Problem], json: bool) -> Failure {
    if json {
        // Already said where a program looks for it; a failing stdout changes nothing about the flow.
        let _ = say_json(&Checked { file: file.display().to_string(), problems: listed(problems) });
        return Failure::silent(BAD);
    }
    let lines: Vec<String> = problems.iter().map(|problem| plain(&problem.to_string())).collect();
    Failure::bad(format!("{}: the flow cannot be used\n{}", file.display(), lines.join("\n")))
}
