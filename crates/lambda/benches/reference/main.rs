//! Our functions beside the reference package's: `scripts/bench-reference.sh CHECKOUT`.
//!
//! Five programs answer the same events by turns, one at a time, against one stand-in that is
//! Salesforce, Secrets Manager, S3 and the Runtime API and answers at once: the reference as it is
//! deployed; the reference without the AWS sessions and clients it makes on every call; ours in a
//! loop like theirs; the `bootstrap` that is deployed, with the platform's exchange around every
//! event; and no function at all, a bare HTTP client making our requests. What is printed are
//! tables for docs/performance.md.
#![allow(clippy::unwrap_used)]

mod child;
mod contestant;
mod events;
mod figures;
mod world;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::process::Command;
use std::time::{Duration, Instant};

use contestant::{Contestant, Memory};
use figures::{Budgets, count, median, mib, quantile, ratio};
use serde_json::{Value, json};
use world::{Asked, World};

/// The first warms up and does not count.
const ROUNDS: usize = 21;
/// Calls of one round; as deployed the reference makes about ten a second.
const CALLS: usize = 50;
const CALLS_AS_DEPLOYED: usize = 5;
const STARTS: usize = 20;
const STARTS_OF_PYTHON: usize = 5;

const DEPLOYED: &str = "reference as deployed";
const KEPT: &str = "reference, SDK kept";
const OURS: &str = "Tieline";
const BOOTSTRAP: &str = "Tieline, `bootstrap`";
const BARE: &str = "bare HTTP client";

fn main() {
    // The first one in the process wins; the tree holds one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match std::env::args().nth(1).as_deref() {
        Some("--ours") => return child::ours(),
        Some("--bare-client") => return child::bare(),
        _ => {}
    }
    let Some(reference) = Reference::of_environment() else {
        println!("reference: run it with scripts/bench-reference.sh CHECKOUT");
        return;
    };
    let world = World::start();
    let mut budgets = Budgets::default();
    dips(&world, &reference, &mut budgets);
    imports(&world, &reference, &mut budgets);
    starts(&world, &reference, &mut budgets);
    budgets.print();
}

/// Says what each row of the tables is.
fn explain() {
    let calls = (ROUNDS - 1) * CALLS;
    let deployed = (ROUNDS - 1) * CALLS_AS_DEPLOYED;
    println!("| By | What it is |\n|---|---|");
    for (name, what) in [
        (DEPLOYED, "its own `lambda_handler` in one Python process that lives on, as a warm function does"),
        (
            KEPT,
            "the same with one AWS session, one client each and one reading of the secret for the process",
        ),
        (OURS, "our handler of the same name in a loop like theirs, without the platform"),
        (BOOTSTRAP, "the program that is deployed, with the Runtime API's exchange in every figure"),
        (BARE, "reqwest repeating our requests, without a function"),
    ] {
        println!("| {name} | {what} |");
    }
    println!(
        "\n{} rounds by turns, one call at a time, {calls} calls each ({deployed} of the {DEPLOYED}); calls/s is the \
         median of the rounds, and so are ratios. The stand-in answers at once; all of them get the same \
         events, give the same answers and make the same requests.\n",
        ROUNDS - 1
    );
}

/// Where the script found the checkout and put Python.
struct Reference {
    python: OsString,
    driver: OsString,
    handlers: OsString,
}

impl Reference {
    fn of_environment() -> Option<Self> {
        let [python, driver, handlers] =
            ["REFERENCE_PYTHON", "REFERENCE_DRIVER", "REFERENCE_HANDLERS"].map(std::env::var_os);
        Some(Self { python: python?, driver: driver?, handlers: handlers? })
    }

    fn start(&self, name: &'static str, world: &World) -> Contestant {
        let mut command = Command::new(&self.python);
        let manner = if name == KEPT { "kept" } else { "deployed" };
        command.arg(&self.driver).arg(&self.handlers).arg(manner);
        Contestant::of_jobs(name, command, world)
    }
}

fn itself(name: &'static str, argument: &str, world: &World) -> Contestant {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(argument);
    Contestant::of_jobs(name, command, world)
}

// ---- dips

fn dips(world: &World, reference: &Reference, budgets: &mut Budgets) {
    let mut contestants = [
        reference.start(DEPLOYED, world),
        reference.start(KEPT, world),
        itself(OURS, "--ours", world),
        Contestant::bootstrap(BOOTSTRAP, "sfInvokeAPI.lambda_handler", world),
        itself(BARE, "--bare-client", world),
    ];
    explain();
    println!("| Call | By | calls/s | p50 ms | p99 ms | CRM requests a call |\n|---|---|---|---|---|---|");
    for operation in ["phoneLookup", "lookup", "create"] {
        let rates = one_operation(world, &mut contestants, operation);
        let [_, kept, ours, _, bare] = &rates;
        budgets.at_least(&format!("`{operation}`: calls/s of the {KEPT}"), ratio(ours, kept), 3.0, " ×");
        budgets.at_least(&format!("`{operation}`: calls/s of a {BARE}"), ratio(ours, bare), 0.7, " ×");
    }
    println!("\n| Resident after these calls | MiB | at its peak |\n|---|---|---|");
    let memory: Vec<Memory> = contestants.iter().map(Contestant::memory).collect();
    for (contestant, Memory { now, peak }) in contestants.iter().zip(&memory) {
        println!("| {} | {:.1} | {:.1} |", contestant.name, mib(*now), mib(*peak));
    }
    let [deployed, kept, _, bootstrap, _] = &memory[..] else { unreachable!("there are five") };
    for (reference, of_it) in [(DEPLOYED, deployed), (KEPT, kept)] {
        budgets.at_most(
            &format!("peak resident memory of `bootstrap` to that of the {reference}"),
            mib(bootstrap.peak) / mib(of_it.peak),
            0.25,
            " ×",
        );
    }
}

/// Prints a row for each; gives the calls per second of each round of each.
fn one_operation(world: &World, contestants: &mut [Contestant; 5], operation: &str) -> [Vec<f64>; 5] {
    let mut ms: [Vec<f64>; 5] = Default::default();
    let mut rates: [Vec<f64>; 5] = Default::default();
    let mut asked = [0; 5];
    let mut calls_of = [0; 5];
    for round in 0..ROUNDS {
        let mut requests_of_ours = Vec::new();
        let mut kinds = BTreeSet::new();
        let mut answers = Vec::new();
        for (at, contestant) in contestants.iter_mut().enumerate() {
            let calls = if contestant.name == DEPLOYED { CALLS_AS_DEPLOYED } else { CALLS };
            let events: Vec<Value> = if contestant.name == BARE {
                requests_of_ours.iter().map(as_event).collect()
            } else {
                (0..calls).map(|call| events::dip(operation, round * CALLS + call)).collect()
            };
            world.asked();
            let outcome = contestant.run("sfInvokeAPI", &events);
            let requests = world.asked();
            kinds.extend(requests.iter().map(Asked::kind));
            if contestant.name != BARE {
                answers.push(outcome.answer.clone());
            }
            if round > 0 {
                rates[at].push(count(outcome.ms.len()) / outcome.seconds());
                ms[at].extend(outcome.ms);
                asked[at] += requests.len();
                calls_of[at] += calls;
            }
            if contestant.name == OURS {
                requests_of_ours = requests;
            }
        }
        // Who answers something else, or asks for something else, is not compared.
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{operation}: {answers:?}");
        assert!(kinds.len() == 1, "{operation}: {kinds:?}");
    }
    for (at, contestant) in contestants.iter().enumerate() {
        let (p50, p99) = (quantile(&ms[at], 0.50), quantile(&ms[at], 0.99));
        let requests = count(asked[at]) / count(calls_of[at]);
        let (name, rate) = (contestant.name, median(&rates[at]));
        println!("| {operation} | {name} | {rate:.0} | {p50:.3} | {p99:.3} | {requests:.2} |");
    }
    rates
}

fn as_event(asked: &Asked) -> Value {
    json!({"method": asked.method, "path_and_query": asked.path_and_query,
           "body": std::str::from_utf8(&asked.body).unwrap()})
}

// ---- imports

/// One side of an import: what it is given, and how many rows of 1,000 that is.
struct Side<'a> {
    contestant: Contestant,
    module: &'static str,
    events: &'a [Value],
    rows: usize,
}

fn imports(world: &World, reference: &Reference, budgets: &mut Budgets) {
    println!(
        "\n| Import of 1,000 | By | seconds | CRM calls to describe | to write |\n|---|---|---|---|---|"
    );
    let (one_by_one, delivered) = (events::records_one_by_one(), events::records_as_delivered());
    let theirs = |name, rows| Side {
        contestant: reference.start(name, world),
        module: "sfContactTraceRecord",
        events: &one_by_one[..rows],
        rows,
    };
    let mut sides = [
        // A tenth of what takes minutes; the table multiplies.
        theirs(DEPLOYED, events::ROWS / 10),
        theirs(KEPT, events::ROWS),
        Side {
            contestant: Contestant::bootstrap(BOOTSTRAP, "contact-records", world),
            module: "contact-records",
            events: &delivered,
            rows: events::ROWS,
        },
    ];
    let writes = import(world, "contact records", &mut sides, 1).1;
    budgets.at_most("1,000 contact records: CRM calls that write", writes, 5.0, "");

    let report = [events::report()];
    for (delay_ms, times) in [(0, 3), (50, 1)] {
        world.answer_after(Duration::from_millis(delay_ms));
        let side =
            |contestant| Side { contestant, module: "sfIntervalQueue", events: &report, rows: events::ROWS };
        let mut sides = [
            side(reference.start(DEPLOYED, world)),
            side(reference.start(KEPT, world)),
            side(Contestant::bootstrap(BOOTSTRAP, "sfIntervalQueue.lambda_handler", world)),
        ];
        let what = format!("report, CRM after {delay_ms} ms");
        let (descriptions, writes) = import(world, &what, &mut sides, times);
        budgets.at_most(&format!("{what}: CRM calls that write"), writes, 5.0, "");
        budgets.at_most(&format!("{what}: CRM calls that describe"), descriptions, 1.0, "");
    }
    world.answer_after(Duration::ZERO);
}

/// Prints a row for each; gives how often the last described and wrote, the first time.
fn import(world: &World, what: &str, sides: &mut [Side; 3], times: usize) -> (f64, f64) {
    let mut seconds: [Vec<f64>; 3] = Default::default();
    let mut asked: [(f64, f64); 3] = Default::default();
    for time in 0..times {
        for (at, side) in sides.iter_mut().enumerate() {
            world.asked();
            let outcome = side.contestant.run(side.module, side.events);
            let requests = world.asked();
            assert_eq!(
                outcome.answer["batchItemFailures"].as_array().map_or(0, Vec::len),
                0,
                "{}",
                outcome.answer
            );
            let factor = count(events::ROWS) / count(side.rows);
            seconds[at].push(outcome.seconds() * factor);
            // Later a process may know the org already.
            if time == 0 {
                let descriptions =
                    requests.iter().filter(|asked| asked.kind().ends_with("/describe")).count();
                asked[at] = (count(descriptions) * factor, count(requests.len() - descriptions) * factor);
            }
        }
    }
    for ((side, seconds), (descriptions, writes)) in sides.iter().zip(&seconds).zip(&asked) {
        let scaled = if side.rows == events::ROWS { String::new() } else { format!(" (from {})", side.rows) };
        let (name, seconds) = (side.contestant.name, median(seconds));
        println!("| {what} | {name} | {seconds:.3}{scaled} | {descriptions:.0} | {writes:.0} |");
    }
    asked[2]
}

// ---- from nothing

/// A process started, and its first look-up answered.
fn starts(world: &World, reference: &Reference, budgets: &mut Budgets) {
    println!("\n| Process start to first answer | ms, p50 | p99 |\n|---|---|---|");
    let events = [events::dip("lookup", 1)];
    let mut times: [Vec<f64>; 3] = Default::default();
    for start in 0..STARTS {
        for (at, name) in [DEPLOYED, KEPT, BOOTSTRAP].into_iter().enumerate() {
            if name != BOOTSTRAP && start >= STARTS_OF_PYTHON {
                continue;
            }
            let began = Instant::now();
            let mut contestant = if name == BOOTSTRAP {
                Contestant::bootstrap(name, "sfInvokeAPI.lambda_handler", world)
            } else {
                reference.start(name, world)
            };
            contestant.run("sfInvokeAPI", &events);
            times[at].push(began.elapsed().as_secs_f64() * 1_000.0);
        }
    }
    for (name, times) in [DEPLOYED, KEPT, BOOTSTRAP].into_iter().zip(&times) {
        println!("| {name} | {:.1} | {:.1} |", median(times), quantile(times, 0.99));
    }
    budgets.at_most("`bootstrap`: process start to first answer", median(&times[2]), 20.0, " ms");
}
