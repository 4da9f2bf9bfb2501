use crate::cli::Audit;
use crate::outcome::{BAD, Failure, Outcome, say, say_json};
use crate::setting;

pub async fn run(command: Audit, json: bool) -> Outcome {
    match command {
        Audit::Verify { stored } => {
            let opened = setting::open(&stored)?;
            let check = opened.store.check_audit().await?;
            if json {
                say_json(&check)?;
            } else if let Some(row) = check.broken_at {
                say(&format!(
                    "the audit log is broken at row {row}; {} rows before it hold together",
                    check.rows
                ));
            } else if check.rows == 0 {
                say("the audit log is empty");
            } else {
                say(&format!("{} rows hold together; the last one is {}", check.rows, check.head));
            }
            if check.broken_at.is_none() { Ok(()) } else { Err(Failure::silent(BAD)) }
        }
    }
}
