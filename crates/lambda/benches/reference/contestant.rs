//! The programs compared, each a process of its own that lives as long as a function's does.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};

use crate::world::{Platform, World};

/// What a contestant made of a list of events, one after the other.
pub struct Outcome {
    /// Milliseconds of each, in their order.
    pub ms: Vec<f64>,
    /// Of the last event.
    pub answer: Value,
}

impl Outcome {
    pub fn seconds(&self) -> f64 {
        self.ms.iter().sum::<f64>() / 1_000.0
    }
}

/// KiB, as the system counts them.
pub struct Memory {
    pub now: u32,
    pub peak: u32,
}

pub struct Contestant {
    pub name: &'static str,
    process: Child,
    driven: Driven,
}

enum Driven {
    /// Jobs on standard input, one a line, timed within the process.
    ByJobs { jobs: ChildStdin, answers: BufReader<ChildStdout> },
    /// As the platform does; timed from the event handed over to the answer taken.
    ByPlatform(Platform),
}

impl Contestant {
    /// A program that reads jobs.
    pub fn of_jobs(name: &'static str, mut command: Command, world: &World) -> Self {
        // A function has no proxies, bundles or profiles of whoever measures.
        command.env_clear().envs(world.variables());
        command.envs(
            ["PATH", "LD_LIBRARY_PATH"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))),
        );
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = started.unwrap_or_else(|error| panic!("{name}: {command:?}: {error}"));
        let (jobs, answers) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { name, process, driven: Driven::ByJobs { jobs, answers } }
    }

    /// `bootstrap` as the function `handler`.
    pub fn bootstrap(name: &'static str, handler: &str, world: &World) -> Self {
        let platform = world.platform();
        let program = std::env::var_os("BOOTSTRAP").expect("the script says where bootstrap is");
        let process = Command::new(program)
            .env_clear()
            .envs(world.variables())
            .envs([
                ("_HANDLER", handler),
                ("AWS_LAMBDA_RUNTIME_API", platform.address.as_str()),
                ("AWS_LAMBDA_FUNCTION_NAME", "dip"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { name, process, driven: Driven::ByPlatform(platform) }
    }

    /// Every event through the handler `module`, which a `bootstrap` knows from its start.
    pub fn run(&mut self, module: &str, events: &[Value]) -> Outcome {
        match &mut self.driven {
            Driven::ByJobs { jobs, answers } => {
                writeln!(jobs, "{}", json!({"module": module, "events": events})).unwrap();
                let mut line = String::new();
                answers.read_line(&mut line).unwrap();
                assert!(!line.is_empty(), "{} failed in {module}: its own words are above", self.name);
                let mut outcome: Value = serde_json::from_str(&line).unwrap();
                let ms = outcome["ms"].as_array().unwrap().iter().map(|ms| ms.as_f64().unwrap()).collect();
                Outcome { ms, answer: outcome["answer"].take() }
            }
            Driven::ByPlatform(platform) => {
                let mut outcome = Outcome { ms: Vec::with_capacity(events.len()), answer: Value::Null };
                for event in events {
                    let began = Instant::now();
                    outcome.answer = platform.invoke(event);
                    outcome.ms.push(began.elapsed().as_secs_f64() * 1_000.0);
                }
                outcome
            }
        }
    }

    pub fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let kib = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().next().unwrap().parse().unwrap()
        };
        Memory { now: kib("VmRSS:"), peak: kib("VmHWM:") }
    }
}

impl Drop for Contestant {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
