//! Starts simulated Amazon Connect alone, on a free port, and prints where as one line of
//! JSON: what the browser tests of the softphone drive. Ends when its standard input does.
//!
//! `cargo run -p tieline-sandbox --example world -- [--allow-origin ORIGIN] [--deliver-to URL]
//! [--agent LOGIN] [--seed N] [--frozen TIME]`

use std::io::Read;

use tieline_sandbox::connect::{AmazonConnect, DeliverTo, Settings};
use tieline_sandbox::{Addresses, Part, SimClock, World};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut addresses = Addresses::default();
    let mut settings = Settings::default();
    let mut clock = SimClock::new();
    let mut seed = 1;
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--allow-origin" => addresses.allow_origin(value),
            "--deliver-to" => settings.deliver_to = Some(DeliverTo::sandbox(value.parse()?)),
            "--agent" => settings.default_agent = Some(value),
            "--seed" => seed = value.parse()?,
            "--frozen" => clock = SimClock::frozen(value.parse()?),
            _ => return Err(format!("there is no option {name}").into()),
        }
    }
    let world = World::with_clock(seed, addresses, clock);
    let running = AmazonConnect::start(&world, ([127, 0, 0, 1], 0).into(), settings)?;
    let port = world.addresses().port(Part::AmazonConnect);
    println!(r#"{{"amazon_connect":"{}","port":{port}}}"#, running.url());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
