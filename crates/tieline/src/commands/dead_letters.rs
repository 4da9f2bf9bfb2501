use serde_json::json;
use tieline_engine::pipeline::{DeadLetter, DeadLetterId, queries};

use crate::cli::DeadLetters;
use crate::outcome::{BAD, Failure, Outcome, plain, say, say_json, say_table};
use crate::setting::{self, Opened};

/// More than this many at once are one mistake, not many.
const MOST: usize = 10_000;

pub async fn run(command: DeadLetters, json: bool) -> Outcome {
    match command {
        DeadLetters::List { stored } => {
            let opened = setting::open(&stored)?;
            let letters = letters(&opened).await?;
            if json {
                say_json(&letters)?;
            } else if letters.is_empty() {
                say("nothing needs a person");
            } else {
                let rows: Vec<_> = letters
                    .iter()
                    .map(|letter| {
                        let what = letter.object.clone().unwrap_or_else(|| "delivery".to_owned());
                        let contact =
                            letter.contact.as_ref().map_or("-", |contact| contact.as_str()).to_owned();
                        let why = format!("{}: {}", plain(&letter.code), plain(&letter.message));
                        vec![
                            letter.id.to_string(),
                            letter.at.to_string(),
                            letter.connection.clone(),
                            what,
                            contact,
                            why,
                        ]
                    })
                    .collect();
                say_table(&["ID", "SINCE", "CONNECTION", "WHAT", "CONTACT", "WHY"], &rows);
            }
            if letters.is_empty() { Ok(()) } else { Err(Failure::silent(BAD)) }
        }
        DeadLetters::Replay { ids, all, stored } => {
            let named: Vec<DeadLetterId> = ids
                .iter()
                .map(|id| {
                    id.parse().map_err(|_| {
                        Failure::usage(format!(
                            "`{id}`: a dead letter is named like `delivery-17` or `record-4`"
                        ))
                    })
                })
                .collect::<Result<_, Failure>>()?;
            let opened = setting::open(&stored)?;
            let ids = if all {
                letters(&opened).await?.into_iter().map(|letter| letter.id).collect()
            } else {
                named
            };
            let store = &*opened.store;
            let (mut replayed, mut missing) = (Vec::new(), Vec::new());
            for id in ids {
                if queries::replay(store, id).await? { &mut replayed } else { &mut missing }
                    .push(id.to_string());
            }
            if json {
                say_json(&json!({ "replayed": replayed, "missing": missing }))?;
            } else {
                say(&format!("{} will be tried again", replayed.len()));
                for id in &missing {
                    eprintln!("error: there is no dead letter {id}");
                }
            }
            if missing.is_empty() { Ok(()) } else { Err(Failure::silent(BAD)) }
        }
    }
}

/// All there are, or those of the workspace that was named: a delivery that could not be decoded
/// is a connection's and may concern any.
async fn letters(opened: &Opened) -> Result<Vec<DeadLetter>, Failure> {
    let named = opened.named_workspace().await?;
    let mut letters = queries::dead_letters(&*opened.store, MOST).await?;
    if let Some(named) = named {
        letters.retain(|letter| letter.workspace.as_ref().is_none_or(|workspace| *workspace == named));
    }
    Ok(letters)
}
