use tieline_core::ContactId;
use tieline_engine::pipeline::queries;
use tieline_store::{ContactFilter, ContactRow};

use crate::cli::Contacts;
use crate::outcome::{Failure, Outcome, plain, say, say_json, say_table};
use crate::setting;

pub async fn run(command: Contacts, json: bool) -> Outcome {
    match command {
        Contacts::List { limit, since, stored } => {
            let opened = setting::open(&stored)?;
            let filter = ContactFilter { since, ..ContactFilter::default() };
            let rows = queries::contacts(&*opened.store, &opened.workspace().await?, &filter, limit).await?;
            if json {
                return say_json(&rows);
            }
            let rows: Vec<_> = rows.iter().map(line).collect();
            say_table(&["CONTACT", "STARTED", "STATE", "DIRECTION", "QUEUE", "AGENT", "CUSTOMER"], &rows);
            Ok(())
        }
        Contacts::Show { contact, stored } => {
            let opened = setting::open(&stored)?;
            let workspace = opened.workspace().await?;
            let id = ContactId::new(contact).map_err(|error| Failure::usage(error.to_string()))?;
            let detail = queries::contact(&*opened.store, &workspace, &id).await?;
            let detail = detail.ok_or_else(|| Failure::bad(format!("{workspace} knows no contact {id}")))?;
            if json {
                return say_json(&detail);
            }
            say(&plain_lines(&serde_json::to_string_pretty(&detail.contact)?));
            let rows: Vec<_> = detail
                .records
                .iter()
                .map(|record| {
                    let error = match (&record.code, &record.message) {
                        (Some(code), Some(message)) => format!("{code}: {}", plain(message)),
                        (Some(code), None) => code.clone(),
                        _ => String::new(),
                    };
                    let id = record.record.as_ref().map_or("-", |id| id.as_str());
                    vec![record.object.clone(), id.to_owned(), word(&record.state), error]
                })
                .collect();
            say_table(&["RECORD", "ID", "STATE", "ERROR"], &rows);
            Ok(())
        }
    }
}

fn line(row: &ContactRow) -> Vec<String> {
    let text = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), plain);
    let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    vec![
        row.contact.to_string(),
        or_dash(row.started_at.map(|at| at.to_string())),
        or_dash(row.state.as_ref().map(word)),
        or_dash(row.direction.as_ref().map(word)),
        text(&row.queue),
        text(&row.agent),
        text(&row.customer),
    ]
}

/// The word an enumeration has in JSON.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn plain_lines(text: &str) -> String {
    text.lines().map(plain).collect::<Vec<_>>().join("\n")
}
