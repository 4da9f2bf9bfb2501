//! The command: one binary for the demo, the server, the simulated vendors, and the small
//! tools around them.
//!
//! Answers go to stdout, everything else to stderr, so that `--json` can be piped. Exit
//! codes: 0 good, 1 the thing asked about is bad, 2 wrong usage, 3 could not find out.
//!
//! To add a command: a variant in `cli.rs`, a file in `commands/`, a test in `tests/command`.

mod cli;
mod commands;
mod outcome;
mod setting;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, LogFormat};

fn main() -> ExitCode {
    // Clap prints usage errors itself and leaves with 2.
    let cli = Cli::parse();
    log_to_stderr(&cli);
    std::panic::set_hook(Box::new(stumbled));
    // The first one in the process wins; the tree holds one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the runtime could not be started: {error}");
            return outcome::COULD_NOT_FIND_OUT.into();
        }
    };
    let outcome = runtime.block_on(commands::run(cli));
    // What still runs (a database's writer, a pool of connections) ends with the process.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    outcome::exit(outcome)
}

fn log_to_stderr(cli: &Cli) {
    let default = if cli.command.is_a_server() { "info" } else { "warn" };
    let filter = cli.log.as_deref().unwrap_or(default);
    let filter = tracing_subscriber::EnvFilter::builder().parse_lossy(filter);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for eyes: a file, a pipe or a journal would keep them as rubbish.
    let builder = builder.with_ansi(std::io::stderr().is_terminal());
    match cli.log_format {
        LogFormat::Human => builder.with_target(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

/// Says where the program stumbled, and what it said there if that quotes nobody's data.
fn stumbled(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, ToString::to_string);
    // Function names only, and only when RUST_BACKTRACE asks for them.
    let backtrace = std::backtrace::Backtrace::capture();
    if backtrace.status() == std::backtrace::BacktraceStatus::Captured {
        eprintln!("{backtrace}");
    }
    let what = panic.payload().downcast_ref::<&'static str>().copied().unwrap_or_default();
    tracing::error!(place, what, "Tieline stumbled: this is a mistake in the program");
}
