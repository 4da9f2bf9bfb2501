use serde_json::{Value, json};
use tieline_bridge::dip::{Allowed, DipCode, DipError};
use tieline_engine::Workspaces;

use crate::cli::Dip;
use crate::outcome::{BAD, COULD_NOT_FIND_OUT, Failure, Outcome, say, say_json};
use crate::setting;

/// Whoever holds the configuration holds the credentials, so nothing is forbidden here.
pub async fn run(options: Dip, json: bool) -> Outcome {
    let event: Value = match serde_json::from_slice(&setting::read(&options.event)?) {
        Ok(event) => event,
        Err(error) => {
            let detail = format!("{} is not JSON: {error}", setting::name(&options.event));
            return refused(&DipError::new(DipCode::MalformedEvent, detail), json);
        }
    };
    let config = setting::config(&options.config)?;
    let names: Vec<_> = config.workspaces.keys().cloned().collect();
    let name = setting::pick(options.workspace.as_deref(), &names)?;
    let workspaces = Workspaces::from_config(&config, &setting::system_clock())
        .map_err(|error| Failure::bad(error.to_string()))?;
    let dips = workspaces.workspace(&name).and_then(|workspace| workspace.dips.as_ref());
    let dips = dips.ok_or_else(|| Failure::usage(format!("the CRM of `{name}` takes no dips")))?;
    match dips.answer(&event, &Allowed::everything()).await {
        Ok(answer) if json => say_json(&answer),
        Ok(answer) => {
            say(&serde_json::to_string_pretty(&answer)?);
            Ok(())
        }
        Err(error) => refused(&error, json),
    }
}

fn refused(error: &DipError, json: bool) -> Outcome {
    let exit = if error.code.http_status() < 500 { BAD } else { COULD_NOT_FIND_OUT };
    if json {
        say_json(&json!({ "code": error.code.as_str(), "detail": error.detail }))?;
    } else {
        eprintln!("error: {}: {}", error.code, error.detail);
    }
    Err(Failure::silent(exit))
}
