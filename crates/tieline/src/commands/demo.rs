//! The whole world in one process: simulated Salesforce and Amazon Connect, Tieline between
//! them, one clock for all.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::json;
use tieline_engine::config::{Config, DemoAddresses};
use tieline_engine::sign_in::random_word;
use tieline_sandbox::connect::{AmazonConnect, DeliverTo, Settings};
use tieline_sandbox::salesforce::{Options, Salesforce};
use tieline_sandbox::{Addresses, Part, World};
use tieline_server::{Hosts, Tieline, open_store};
use tieline_store::private_folder;

use super::{sandbox, stop};
use crate::cli::Demo;
use crate::outcome::{Failure, Outcome, say, say_json};

const OPTION: &str = "--base-port";
/// The agent whose softphone the stage shows.
const AGENT: &str = "nora.quist";

pub async fn run(options: Demo, json: bool) -> Outcome {
    let port = |offset: u16| -> Result<SocketAddr, Failure> {
        let port = match options.base_port {
            0 => 0,
            base => base.checked_add(offset).ok_or_else(|| Failure::usage("--base-port is at most 65533"))?,
        };
        Ok((Ipv4Addr::LOCALHOST, port).into())
    };
    let (at_tieline, at_salesforce, at_connect) = (port(0)?, port(1)?, port(2)?);
    let stop = stop::asked_to_stop()?;
    let data = Data::new(options.data)?;

    let world = World::new(options.seed, Addresses::from_base(options.base_port));
    // First of all, because Amazon Connect is told where to deliver to.
    let listener = stop::listen(at_tieline, OPTION).await?;
    let at_tieline = listener.local_addr()?;
    world.update_addresses(|addresses| addresses.set_port(Part::Tieline, at_tieline.port()));

    eprintln!("Starting the simulated Salesforce …");
    let salesforce = Salesforce::start(&world, Options::new(at_salesforce))
        .await
        .map_err(|error| sandbox::not_started(&error, OPTION))?;
    eprintln!("Starting the simulated Amazon Connect …");
    let deliveries = format!("http://{at_tieline}/v1/connections/connect/deliveries");
    let settings = Settings {
        deliver_to: Some(DeliverTo::sandbox(deliveries.parse()?)),
        default_agent: Some(AGENT.to_owned()),
        lifelike: options.life.lifelike,
        rate: options.life.rate,
    };
    let connect = AmazonConnect::start(&world, at_connect, settings)
        .map_err(|error| stop::taken(at_connect, OPTION, &error))?;

    eprintln!("Starting Tieline …");
    let parts = world.addresses();
    let addresses = DemoAddresses {
        listen: at_tieline,
        tieline: parts.origin(Part::Tieline).parse()?,
        salesforce: parts.origin(Part::Salesforce).parse()?,
        amazon_connect: parts.origin(Part::AmazonConnect).parse()?,
    };
    let config = Config::demo(&addresses, data.path().to_owned(), data.secret_key()?);
    let clock = world.shared_clock();
    let store = open_store(&config, &clock)?;
    let hosts = Hosts::on_loopback(Part::Tieline.host(), at_tieline.port());
    let tieline = Tieline::assemble(config, clock, store, hosts).await?;

    let stage = format!("{}/stage", parts.origin(Part::Salesforce));
    eprintln!("The database is in {} (`--data` of the other commands).", data.path().display());
    eprintln!("Everything runs. Open this address in a browser (ctrl-C stops it):");
    if json {
        say_json(&json!({
            "stage": stage, "seed": options.seed, "data": data.path(),
            "tieline": parts.origin(Part::Tieline), "salesforce": parts.origin(Part::Salesforce),
            "amazon_connect": parts.origin(Part::AmazonConnect),
        }))?;
    } else {
        say(&stage);
    }
    tieline.serve(listener, stop).await;
    eprintln!("Stopping …");
    drop((salesforce, connect));
    Ok(())
}

/// Where the demo keeps its database.
struct Data {
    path: PathBuf,
    temporary: bool,
}

impl Data {
    fn new(chosen: Option<PathBuf>) -> Result<Self, Failure> {
        if let Some(path) = chosen {
            return Ok(Self { path, temporary: false });
        }
        let path = std::env::temp_dir().join(format!("tieline-demo-{}", random_word()));
        private_folder(&path)?;
        Ok(Self { path, temporary: true })
    }

    fn path(&self) -> &Path {
        &self.path
    }

    /// Kept beside a kept database, so that agents stay signed in; else made anew each time.
    fn secret_key(&self) -> Result<SecretString, Failure> {
        if self.temporary {
            return Ok(random_word().into());
        }
        private_folder(&self.path)?;
        let file = self.path.join("secret-key");
        if let Ok(kept) = std::fs::read_to_string(&file) {
            return Ok(kept.trim_end().to_owned().into());
        }
        let key = random_word();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        std::io::Write::write_all(&mut options.open(&file)?, key.as_bytes())?;
        Ok(key.into())
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, folder = %self.path.display(), "The demo's folder could not be removed");
        }
    }
}
