use std::net::Ipv4Addr;

use serde_json::{Map, json};
use tieline_core::error_chain;
use tieline_sandbox::connect::{AmazonConnect, DeliverTo, Settings};
use tieline_sandbox::salesforce::{Options, Salesforce, StartError};
use tieline_sandbox::{Addresses, World};

use super::stop;
use crate::cli::{Part, Sandbox};
use crate::outcome::{Failure, Outcome, say, say_json};

pub async fn run(options: Sandbox, json: bool) -> Outcome {
    let all = [Part::Salesforce, Part::AmazonConnect];
    let parts = if options.parts.is_empty() { &all[..] } else { &options.parts };
    if options.listen.is_some() && parts.len() != 1 {
        return Err(Failure::usage(
            "--listen moves one vendor: name it, `tieline sandbox salesforce --listen …`",
        ));
    }
    if options.tls_listen.is_some() && !parts.contains(&Part::Salesforce) {
        return Err(Failure::usage("--tls-listen is for salesforce"));
    }
    if options.namespace.is_some() && !parts.contains(&Part::Salesforce) {
        return Err(Failure::usage("--namespace is for salesforce"));
    }
    if (options.life.lifelike || options.life.rate > 0) && !parts.contains(&Part::AmazonConnect) {
        return Err(Failure::usage("--lifelike and --rate are for amazon-connect"));
    }
    if options.base_port == 0 || options.base_port > u16::MAX - 2 {
        return Err(Failure::usage("--base-port is 1 to 65533"));
    }
    let mut addresses = Addresses::from_base(options.base_port);
    for origin in &options.allow_origin {
        addresses.allow_origin(origin);
    }
    let stop = stop::asked_to_stop()?;
    let world = World::new(options.seed, addresses);
    let on = |offset: u16| {
        options.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, options.base_port + offset).into())
    };
    let option = if options.listen.is_some() { "--listen" } else { "--base-port" };

    // Each part runs until its handle is dropped.
    let (mut salesforce, mut connect) = (None, None);
    let mut told = Map::new();
    if parts.contains(&Part::Salesforce) {
        let mut start = Options::new(on(1));
        start.tls_listen = options.tls_listen;
        start.data.clone_from(&options.data);
        start.namespace.clone_from(&options.namespace);
        let running = Salesforce::start(&world, start).await.map_err(|error| {
            let tls =
                matches!(&error, StartError::Listen { address, .. } if Some(*address) == options.tls_listen);
            not_started(&error, if tls { "--tls-listen" } else { option })
        })?;
        told.insert("salesforce".into(), json!(running.url()));
        if let Some(tls) = running.tls_addr() {
            told.insert("salesforce_tls".into(), json!(format!("https://{tls}")));
            told.insert("authority".into(), json!(running.authority_pem()));
        }
        salesforce = Some(running);
    }
    if parts.contains(&Part::AmazonConnect) {
        let listen = on(2);
        let settings = Settings {
            deliver_to: options.deliver_to.map(DeliverTo::sandbox),
            lifelike: options.life.lifelike,
            rate: options.life.rate,
            default_agent: None,
        };
        let running = AmazonConnect::start(&world, listen, settings)
            .map_err(|error| stop::taken(listen, option, &error))?;
        told.insert("amazon_connect".into(), json!(running.url()));
        connect = Some(running);
    }
    if json {
        say_json(&told)?;
    } else {
        for (name, value) in &told {
            let value = value.as_str().unwrap_or_default();
            if name == "authority" { say(value.trim_end()) } else { say(&format!("{name} {value}")) }
        }
    }
    stop.await;
    drop((salesforce, connect));
    Ok(())
}

pub fn not_started(error: &StartError, option: &str) -> Failure {
    match error {
        StartError::Listen { address, source } => stop::taken(*address, option, source),
        other => Failure::unknown(error_chain(other)),
    }
}
