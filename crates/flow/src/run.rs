use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use tieline_core::JsonMap;

use crate::expression::Roots;
use crate::flow::CompiledStep;
use crate::steps::{Behaviour, Inputs, Outcome, Prepared, Surroundings, coerce, describe_customer};
use crate::value::Evaluated;
use crate::{Answer, Branch, Effect, Ended, Flow, Next, Scope, StepError, TraceStep};

/// Most steps of one run. A flow has no cycles, so this only stops one that is far too long.
pub const STEP_LIMIT: usize = 200;

/// One run of one flow, for one event.
///
/// [`Run::next`] walks until something must be done outside and returns it as an effect; the
/// caller performs it and comes back with the answer. The walker keeps no clock and no connection,
/// so the same answers at the same times give the same trace.
#[derive(Debug)]
pub struct Run {
    flow: Arc<Flow>,
    roots: Roots,
    trace: Vec<TraceStep>,
    at: At,
}

#[derive(Debug)]
enum At {
    /// About to begin this step.
    Step(usize),
    /// This step's effect is being performed.
    Waiting(usize, Box<Effect>),
    End(Ended),
}

impl Run {
    pub fn new(flow: Arc<Flow>, mut scope: Scope) -> Self {
        if let Value::Object(contact) = &mut scope.contact {
            describe_customer(contact, scope.region.as_deref());
        }
        let at = At::Step(flow.start);
        Self { flow, roots: Roots::new(scope), trace: Vec::new(), at }
    }

    /// Goes on, with the answer to the effect returned last.
    ///
    /// Without an answer while one is awaited, the same effect is returned again; an answer nobody
    /// waits for is ignored.
    pub fn next(&mut self, now: Timestamp, mut answer: Option<Answer>) -> Next {
        loop {
            match std::mem::replace(&mut self.at, At::End(Ended::Completed)) {
                At::End(ended) => {
                    self.at = At::End(ended.clone());
                    return Next::Finished(ended);
                }
                At::Waiting(index, effect) => {
                    let Some(answer) = answer.take() else {
                        self.at = At::Waiting(index, effect.clone());
                        return Next::Perform(*effect);
                    };
                    self.settle(index, answer, now);
                }
                At::Step(_) if self.trace.len() >= STEP_LIMIT => self.at = At::End(Ended::StepLimit),
                At::Step(index) => {
                    answer = None;
                    self.begin(index, now);
                }
            }
        }
    }

    /// Ends the run from outside: its time is over, its contact is gone, the server stops.
    ///
    /// A step that waits is closed in the trace with this as its error. A run that ended before
    /// stays as it ended.
    pub fn stop(&mut self, now: Timestamp, code: &str, detail: &str) -> Ended {
        if let At::End(ended) = &self.at {
            return ended.clone();
        }
        if matches!(self.at, At::Waiting(..))
            && let Some(step) = self.trace.last_mut()
        {
            step.ended = Some(now);
            step.error = Some(StepError::new(code, detail));
        }
        let ended = Ended::Stopped { code: code.to_owned(), detail: detail.to_owned() };
        self.at = At::End(ended.clone());
        ended
    }

    /// What happened so far, step by step; the last may still be waiting.
    pub fn trace(&self) -> &[TraceStep] {
        &self.trace
    }

    pub fn flow(&self) -> &Arc<Flow> {
        &self.flow
    }

    /// How the run ended, once it has.
    pub fn ended(&self) -> Option<&Ended> {
        match &self.at {
            At::End(ended) => Some(ended),
            At::Step(_) | At::Waiting(..) => None,
        }
    }

    fn begin(&mut self, index: usize, now: Timestamp) {
        let flow = Arc::clone(&self.flow);
        let step = &flow.steps[index];
        let Gathered { inputs, notes, error } = gather(step, &self.roots);
        self.trace.push(TraceStep {
            step: step.id.clone(),
            use_: step.spec.name.to_owned(),
            title: step.title.clone(),
            started: now,
            ended: None,
            inputs: inputs.clone(),
            outputs: JsonMap::new(),
            branch: None,
            error: None,
            notes,
        });
        if let (Some(error), Some(branch)) = (&error, step.spec.failure_branch()) {
            let outcome = Outcome { branch, outputs: JsonMap::new(), error: Some(error.clone()) };
            return self.leave(index, outcome, now);
        }
        let inputs = Inputs::new(inputs);
        let around = Surroundings { contact: self.roots.contact(), region: self.roots.region() };
        match &step.spec.behaviour {
            Behaviour::Here(walk) => {
                let mut outcome = walk(&inputs, &around);
                outcome.error = outcome.error.or(error);
                self.leave(index, outcome, now);
            }
            Behaviour::Outside { prepare, .. } => match prepare(&inputs, &around) {
                Prepared::Settled(outcome) => self.leave(index, outcome, now),
                Prepared::Perform(args) => {
                    let effect = Effect {
                        step: step.id.clone(),
                        op: step.spec.name,
                        place: step.spec.place,
                        rights: step.spec.rights,
                        args,
                        once: step.spec.once,
                        deadline: step.spec.deadline,
                    };
                    self.at = At::Waiting(index, Box::new(effect));
                }
            },
        }
    }

    fn settle(&mut self, index: usize, answer: Answer, now: Timestamp) {
        let spec = self.flow.steps[index].spec;
        let outcome = match (answer, &spec.behaviour) {
            (Answer::Done(outputs), Behaviour::Outside { settle, .. }) => settle(outputs),
            (Answer::Done(outputs), Behaviour::Here(_)) => Outcome::done(outputs),
            (Answer::Failed { code, detail }, _) => Outcome {
                branch: spec.failure_branch().unwrap_or(spec.branches[0]),
                outputs: JsonMap::new(),
                error: Some(StepError::new(code, detail)),
            },
        };
        self.leave(index, outcome, now);
    }

    fn leave(&mut self, index: usize, outcome: Outcome, now: Timestamp) {
        let step = &self.flow.steps[index];
        if let Some(entry) = self.trace.last_mut() {
            entry.ended = Some(now);
            entry.branch = Some(outcome.branch);
            entry.outputs.clone_from(&outcome.outputs);
            entry.error.clone_from(&outcome.error);
        }
        self.roots.step_done(&step.id, outcome.outputs);
        let target = step.next.iter().find(|(branch, _)| *branch == outcome.branch).map(|(_, to)| *to);
        self.at = match (target, outcome.branch, outcome.error) {
            (Some(target), ..) => At::Step(target),
            (None, Branch::Failure, Some(StepError { code, detail })) => {
                At::End(Ended::Failed { step: step.id.clone(), code, detail })
            }
            (None, ..) => At::End(Ended::Completed),
        };
    }
}

struct Gathered {
    /// What is there, by name.
    inputs: JsonMap,
    notes: Vec<String>,
    /// Why the step cannot do its work.
    error: Option<StepError>,
}

/// Evaluates the inputs of `step`, in the order of its declaration.
fn gather(step: &CompiledStep, roots: &Roots) -> Gathered {
    let mut gathered = Gathered { inputs: JsonMap::new(), notes: Vec::new(), error: None };
    for input in step.spec.inputs {
        let written = step.inputs.iter().find(|(spec, _)| spec.name == input.name);
        let Evaluated { value, error, notes } =
            written.map(|(_, value)| value.evaluate(roots)).unwrap_or_default();
        gathered.notes.extend(notes.into_iter().map(|note| format!("{}: {note}", input.name)));
        if let Some(error) = error {
            let error = StepError::new("expression.failed", format!("`{}`: {error}", input.name));
            gathered.error.get_or_insert(error);
        }
        let value = match value.map(|value| coerce(step.spec, input.name, value)) {
            None | Some(Ok(None)) => None,
            Some(Ok(value)) => value,
            Some(Err(error)) => {
                gathered.error.get_or_insert(error);
                None
            }
        };
        let value = value.or_else(|| serde_json::from_str(input.default?).ok());
        match value {
            Some(value) => {
                gathered.inputs.insert(input.name.to_owned(), value);
            }
            None if input.required && step.spec.failure_branch().is_some() => {
                let error = StepError::new("input.absent", format!("`{}` has no value", input.name));
                gathered.error.get_or_insert(error);
            }
            None => {}
        }
    }
    gathered
}
