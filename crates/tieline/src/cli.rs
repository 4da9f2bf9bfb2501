//! What can be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::temporal::Pieces;
use jiff::tz::TimeZone;

/// Joins a cloud contact center to a CRM.
#[derive(Debug, Parser)]
#[command(name = "tieline", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Prints JSON on stdout instead of text for people.
    #[arg(long, global = true)]
    pub json: bool,
    /// How log lines look, on stderr.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Human, env = "TIELINE_LOG_FORMAT")]
    pub log_format: LogFormat,
    /// What is logged, for example `info,tieline_engine=debug`.
    #[arg(long, global = true, env = "TIELINE_LOG")]
    pub log: Option<String>,
}

const EXIT_CODES: &str =
    "Exit codes: 0 good, 1 the thing asked about is bad, 2 wrong usage, 3 could not find out.";

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LogFormat {
    Human,
    Json,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts the whole simulated world and Tieline on it, and prints the address to open.
    Demo(Demo),
    /// Runs Tieline.
    Serve(Serve),
    /// Starts simulated vendors without Tieline.
    Sandbox(Sandbox),
    /// Answers a contact flow's event once.
    Dip(Dip),
    /// The functions for AWS Lambda.
    #[command(subcommand)]
    Lambda(Lambda),
    /// Checks, converts and publishes flows.
    #[command(subcommand)]
    Flow(Flow),
    /// Contacts as Tieline knows them.
    #[command(subcommand)]
    Contacts(Contacts),
    /// What needs a person: deliveries and records that could not be used.
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Agents and their logins at the contact center.
    #[command(subcommand)]
    Agents(Agents),
    /// The log of who did what.
    #[command(subcommand)]
    Audit(Audit),
}

impl Command {
    /// Whether it runs until it is stopped.
    pub fn is_a_server(&self) -> bool {
        matches!(self, Self::Serve(_))
    }
}

#[derive(Debug, Args)]
pub struct Demo {
    /// Tieline's port; Salesforce takes the next one, Amazon Connect the one after. 0 takes free ones.
    #[arg(long, default_value_t = 8430)]
    pub base_port: u16,
    /// Keeps the database here; without it everything is forgotten in the end.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The world to make.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub life: Life,
}

/// How the simulated contact center behaves in time.
#[derive(Debug, Clone, Copy, Args)]
pub struct Life {
    /// Contact records come a minute after the call, as in life, instead of three seconds.
    #[arg(long)]
    pub lifelike: bool,
    /// Calls a minute that come by themselves, answered by as many simulated agents.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=600))]
    pub rate: u32,
}

#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = "tieline.toml", env = "TIELINE_CONFIG")]
    pub config: PathBuf,
    /// Says what is wrong with the configuration and starts nothing.
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct Sandbox {
    /// Which vendors; all when none is named.
    #[arg(value_enum)]
    pub parts: Vec<Part>,
    /// The port at which browsers find Tieline (`http://panel.localhost:8430`); Salesforce and
    /// Amazon Connect listen on the two after it.
    #[arg(long, value_name = "PORT", default_value_t = 8430)]
    pub base_port: u16,
    /// Where to listen; only when one vendor is named. Default: 127.0.0.1 on the port that
    /// follows from `--base-port`.
    #[arg(long, value_name = "HOST:PORT")]
    pub listen: Option<SocketAddr>,
    /// A second address of Salesforce with TLS, for clients that insist on it. Its throw-away
    /// authority is printed.
    #[arg(long, value_name = "HOST:PORT")]
    pub tls_listen: Option<SocketAddr>,
    /// The world to make.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the throw-away authority and keys are saved.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Prefix of the objects the reference package has too, as in an org where it is installed:
    /// `amazonconnect`. Without it they have none.
    #[arg(long, value_name = "NAME")]
    pub namespace: Option<String>,
    /// Where Amazon Connect delivers to: `http://127.0.0.1:8430/v1/connections/connect/deliveries`.
    #[arg(long, value_name = "URL")]
    pub deliver_to: Option<url::Url>,
    /// The address browsers know Tieline by, when it may frame the simulated pages.
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    #[command(flatten)]
    pub life: Life,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    Salesforce,
    AmazonConnect,
}

#[derive(Debug, Args)]
pub struct Dip {
    /// The event a contact flow would send; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    pub event: PathBuf,
    #[arg(long, value_name = "FILE", default_value = "tieline.toml", env = "TIELINE_CONFIG")]
    pub config: PathBuf,
    /// Needed when the configuration has several.
    #[arg(long)]
    pub workspace: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Lambda {
    /// Runs a function once, configured by the environment alone.
    Invoke {
        /// `dip`, or a name of the reference package (`sfInvokeAPI.lambda_handler`).
        function: String,
        /// The event; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        event: PathBuf,
        /// Stops the clock at this time (RFC 3339; UTC without an offset; before 9999-12-30T22:00:01Z), for
        /// runs that can be repeated.
        #[arg(long, value_name = "TIME", value_parser = time)]
        now: Option<Timestamp>,
    },
}

/// A time as RFC 3339 has it, or without its offset, as recorded exchanges have it: that is UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let pieces = Pieces::parse(text).ok();
    let time = text.parse().or_else(|error| match text.parse::<DateTime>() {
        Ok(time) if pieces.as_ref().is_some_and(|pieces| pieces.offset().is_none()) => {
            TimeZone::UTC.to_timestamp(time)
        }
        _ => Err(error),
    });
    time.map_err(|error| {
        // The library keeps room for every offset at both ends, so that any instant has a local time: the
        // last 26 hours of 9999 are no instants to it. Its own message speaks of the seconds since 1970.
        if pieces.as_ref().is_some_and(|pieces| pieces.time().is_some()) {
            format!("a time lies from {} to {}", Timestamp::MIN, Timestamp::MAX)
        } else {
            error.to_string()
        }
    })
}

/// Where the database is.
#[derive(Debug, Args)]
pub struct Stored {
    /// The configuration that names the database.
    #[arg(long, value_name = "FILE", env = "TIELINE_CONFIG")]
    pub config: Option<PathBuf>,
    /// The folder of the database, instead of a configuration.
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    pub data: Option<PathBuf>,
    /// Needed when there are several.
    #[arg(long)]
    pub workspace: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum Flow {
    /// Lists everything that is wrong with flows.
    Check {
        /// Flows of ours; `-` is standard input.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Turns a CTI Flow file into a flow of ours, on stdout.
    Import {
        /// The file; `-` is standard input.
        file: PathBuf,
        /// When it runs, for example `voice_contact.connecting`. Without it the flow is a draft.
        #[arg(long, value_name = "SOURCE.EVENT")]
        on: Option<String>,
        /// What it is called; else as in the file, else as the file.
        #[arg(long)]
        name: Option<String>,
    },
    /// Turns a flow of ours into a CTI Flow file, on stdout.
    Export {
        /// The flow; `-` is standard input.
        file: PathBuf,
    },
    /// Puts a flow in force; a running server takes it up within seconds.
    Publish {
        /// The flow; `-` is standard input.
        file: PathBuf,
        /// It may dial without a click of the agent.
        #[arg(long)]
        may_dial: bool,
        /// Its CRM steps run with the workspace's rights instead of the agent's.
        #[arg(long)]
        as_workspace: bool,
        #[command(flatten)]
        stored: Stored,
    },
    /// Takes a flow out of force; its versions are kept. A running server notices within seconds.
    Unpublish {
        /// As `list` names it.
        flow: String,
        #[command(flatten)]
        stored: Stored,
    },
    /// Puts an earlier version of a flow in force again; a running server notices within seconds.
    RollBack {
        /// As `list` names it.
        flow: String,
        version: u64,
        #[command(flatten)]
        stored: Stored,
    },
    /// Lists the flows of a workspace.
    List {
        #[command(flatten)]
        stored: Stored,
    },
}

#[derive(Debug, Subcommand)]
pub enum Contacts {
    /// Lists contacts, latest start first.
    List {
        /// How many.
        #[arg(long, default_value_t = 50)]
        limit: usize,
        /// Started at or after (RFC 3339).
        #[arg(long, value_name = "TIME")]
        since: Option<Timestamp>,
        #[command(flatten)]
        stored: Stored,
    },
    /// Shows one contact and its records in the CRM.
    Show {
        contact: String,
        #[command(flatten)]
        stored: Stored,
    },
}

#[derive(Debug, Subcommand)]
pub enum DeadLetters {
    /// Lists them, oldest first. Leaves with 1 when there are any.
    List {
        #[command(flatten)]
        stored: Stored,
    },
    /// Tries them again, once their cause is mended.
    Replay {
        /// As `list` names them: `delivery-17`, `record-4`.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        ids: Vec<String>,
        /// All there are.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        stored: Stored,
    },
}

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Checks that no row of the log of who did what was changed or taken out. Leaves with 1 when
    /// one was.
    Verify {
        #[command(flatten)]
        stored: Stored,
    },
}

#[derive(Debug, Subcommand)]
pub enum Agents {
    /// Lists everybody who has signed in or was bound, with their login at the contact center.
    List {
        #[command(flatten)]
        stored: Stored,
    },
    /// Says that an agent and a login at the contact center are one person.
    Bind {
        /// The agent's id, or the name they sign in to the CRM with.
        agent: String,
        /// The login at the contact center.
        login: String,
        #[command(flatten)]
        stored: Stored,
    },
}
