use tieline_core::error_chain;
use tieline_engine::Workspaces;
use tieline_engine::config::{Config, ConfigProblem, Environment, is_loopback};
use tieline_server::{Hosts, Tieline, open_store};

use super::stop;
use crate::cli::Serve;
use crate::outcome::{BAD, Failure, Outcome, say, say_json};
use crate::setting;

pub async fn run(options: Serve, json: bool) -> Outcome {
    let text = setting::read_text(&options.config)?;
    let clock = setting::system_clock();
    let config = Config::parse(&text, &Environment::of_process()).and_then(|config| {
        let problems = config.sandbox_credentials();
        if !problems.is_empty() {
            return Err(tieline_engine::config::ConfigError { problems });
        }
        Workspaces::from_config(&config, &clock).map(|_| config)
    });
    let file = options.config.display();
    let config = match config {
        Ok(config) => config,
        Err(error) if options.check && json => {
            say_json(
                &serde_json::json!({ "problems": error.problems.iter().map(listed).collect::<Vec<_>>() }),
            )?;
            return Err(Failure::silent(BAD));
        }
        Err(error) => return Err(Failure::bad(format!("{file}: the configuration cannot be used\n{error}"))),
    };
    if options.check {
        if json {
            return say_json(&serde_json::json!({ "problems": [] }));
        }
        say(&format!("{file} is good: {} workspace(s)", config.workspaces.len()));
        return Ok(());
    }

    let stop = stop::asked_to_stop()?;
    let listener = stop::listen(config.listen, "`listen` in the configuration").await?;
    let address = listener.local_addr()?;
    let hosts = hosts(&config, address.port());
    let store = open_store(&config, &clock).map_err(|error| {
        Failure::unknown(format!("{}: {}", config.database().display(), error_chain(&error)))
    })?;
    let public_url = config.public_url.clone();
    let tieline = Tieline::assemble(config, clock, store, hosts).await?;
    tracing::info!(listen = %address, public_url = %public_url, "Tieline is ready");
    tieline.serve(listener, stop).await;
    tracing::info!("Tieline has stopped");
    Ok(())
}

fn listed(problem: &ConfigProblem) -> serde_json::Value {
    serde_json::json!({ "place": problem.place, "message": problem.message })
}

/// A server that is only for this machine answers to its own names; any other has a proxy in
/// front that knows which names lead here.
fn hosts(config: &Config, port: u16) -> Hosts {
    let url = &config.public_url;
    if !is_loopback(url) {
        return Hosts::Any;
    }
    let name = url.host_str().unwrap_or("localhost");
    Hosts::on_loopback(name, port).and(Hosts::on_loopback(name, url.port_or_known_default().unwrap_or(port)))
}
