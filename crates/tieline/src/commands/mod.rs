//! One file per command.

mod agents;
mod audit;
mod contacts;
mod dead_letters;
mod demo;
mod dip;
mod flow;
mod lambda;
mod sandbox;
mod serve;
mod stop;

use crate::cli::{Cli, Command};
use crate::outcome::Outcome;

pub async fn run(cli: Cli) -> Outcome {
    let json = cli.json;
    match cli.command {
        Command::Demo(options) => demo::run(options, json).await,
        Command::Serve(options) => serve::run(options, json).await,
        Command::Sandbox(options) => sandbox::run(options, json).await,
        Command::Dip(options) => dip::run(options, json).await,
        Command::Lambda(command) => lambda::run(command).await,
        Command::Flow(command) => flow::run(command, json).await,
        Command::Contacts(command) => contacts::run(command, json).await,
        Command::DeadLetters(command) => dead_letters::run(command, json).await,
        Command::Agents(command) => agents::run(command, json).await,
        Command::Audit(command) => audit::run(command, json).await,
    }
}
