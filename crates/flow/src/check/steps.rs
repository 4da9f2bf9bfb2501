use tieline_core::JsonMap;

use super::graph::Graph;
use super::{hint, is_absent, list, report_unknown, suggestion};
use crate::document::join;
use crate::flow::CompiledStep;
use crate::steps::{catalog, coerce};
use crate::value::{Compiled, StepReference, cut};
use crate::{Branch, Document, InputKind, InputSpec, Problem, Step, StepSpec, cti};

/// Checks one step; compiled when its kind is known.
pub(super) fn check(
    document: &Document,
    graph: &Graph,
    id: &str,
    step: &Step,
    problems: &mut Vec<Problem>,
) -> Option<CompiledStep> {
    let place = join("steps", id);
    let named = (1..=64).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !named {
        problems.push(Problem::new(
            "step.id",
            &place,
            "the id of a step is 1 to 64 letters, digits, `-` and `_`",
        ));
    }
    if !graph.is_reachable(id) {
        problems.push(Problem::new("step.unreachable", &place, "no branch leads here"));
    }
    report_unknown(&step.extra, &place, &["use", "title", "with", "next", "origin"], problems);
    let spec = crate::step(&step.use_);
    if spec.is_none() {
        problems.push(unknown_step(&place, &step.use_));
    }
    let next = branches(document, graph, id, step, spec, problems);
    let inputs = match spec {
        Some(spec) => inputs(spec, &step.with, &join(&place, "with"), problems),
        None => Vec::new(),
    };
    let mut references = Vec::new();
    for (input, value) in &inputs {
        value.step_references(&join(&join(&place, "with"), input.name), &mut references);
    }
    for reference in &references {
        let problem = reference_problem(document, graph, id, reference, problems);
        problems.extend(problem);
    }
    Some(CompiledStep { id: id.to_owned(), title: step.title.clone(), spec: spec?, inputs, next })
}

fn unknown_step(place: &str, name: &str) -> Problem {
    let place = join(place, "use");
    if let Some(described) = cti::foreign_step(name) {
        return Problem::new(
            "step.unknown",
            place,
            format!("{described} is a block of the imported file that Tieline cannot run yet; it is kept"),
        );
    }
    let hint = suggestion(name, catalog().iter().map(|spec| spec.name));
    Problem::new("step.unknown", place, format!("there is no step `{}`{hint}", cut(name)))
}

fn branches(
    document: &Document,
    graph: &Graph,
    id: &str,
    step: &Step,
    spec: Option<&StepSpec>,
    problems: &mut Vec<Problem>,
) -> Vec<(Branch, usize)> {
    let mut next = Vec::new();
    for (name, target) in &step.next {
        let place = join(&join(&join("steps", id), "next"), name);
        let branch = spec.map(|spec| spec.branches.iter().find(|branch| branch.as_str() == name));
        if let (Some(None), Some(spec)) = (branch, spec) {
            let known = list(spec.branches.iter().map(|branch| branch.as_str()));
            problems.push(Problem::new(
                "branch.unknown",
                &place,
                format!("`{}` has no branch `{}`; it has {known}", spec.name, cut(name)),
            ));
            continue;
        }
        let Some(index) = document.steps.get_index_of(target) else {
            let hint = hint(problems, target, document.steps.keys().map(String::as_str));
            problems.push(Problem::new(
                "branch.dangling",
                &place,
                format!("there is no step `{}`{hint}", cut(target)),
            ));
            continue;
        };
        if graph.position(id).is_some_and(|own| graph.on_cycle(own, index)) {
            problems.push(Problem::new(
                "branch.cycle",
                &place,
                format!("leads back to where it came from, by way of `{target}`; a flow has no loops"),
            ));
            continue;
        }
        if let Some(Some(branch)) = branch {
            next.push((*branch, index));
        }
    }
    next
}

fn inputs(
    spec: &'static StepSpec,
    with: &JsonMap,
    place: &str,
    problems: &mut Vec<Problem>,
) -> Vec<(&'static InputSpec, Compiled)> {
    for name in with.keys().filter(|name| spec.input(name).is_none()) {
        let hint = hint(problems, name, spec.inputs.iter().map(|input| input.name));
        problems.push(Problem::new(
            "input.unknown",
            join(place, name),
            format!("`{}` has no input `{}`{hint}", spec.name, cut(name)),
        ));
    }
    let mut compiled = Vec::new();
    for input in spec.inputs {
        let place = join(place, input.name);
        let written = with.get(input.name);
        if is_absent(written) {
            if input.required {
                problems.push(Problem::new(
                    "input.missing",
                    place,
                    format!("`{}` needs it: {}", spec.name, input.help),
                ));
            }
            continue;
        }
        let Some(value) = written.and_then(|value| Compiled::parse(value, input.kind, &place, problems))
        else {
            continue;
        };
        problems.extend(literal_problem(spec, input, &value, &place));
        compiled.push((input, value));
    }
    compiled
}

/// What can be said of a literal before the run.
fn literal_problem(spec: &StepSpec, input: &InputSpec, value: &Compiled, place: &str) -> Option<Problem> {
    let Compiled::Literal(value) = value else { return None };
    if let Err(error) = coerce(spec, input.name, value.clone()) {
        return Some(Problem::new("input.type", place, error.detail.replacen("it was", "this is", 1)));
    }
    match (input.kind, value.as_str()) {
        (InputKind::Choice(choices), Some(text))
            if !choices.iter().any(|choice| choice.eq_ignore_ascii_case(text.trim())) =>
        {
            let choices = list(choices.iter().copied());
            Some(Problem::new(
                "input.choice",
                place,
                format!("must be one of {choices}, this is `{}`", cut(text)),
            ))
        }
        _ => None,
    }
}

fn reference_problem(
    document: &Document,
    graph: &Graph,
    id: &str,
    reference: &StepReference,
    problems: &[Problem],
) -> Option<Problem> {
    let StepReference { step, output, place } = reference;
    let Some(target) = document.steps.get(step) else {
        let hint = hint(problems, step, document.steps.keys().map(String::as_str));
        return Some(Problem::new(
            "reference.step",
            place,
            format!("there is no step `{}`{hint}", cut(step)),
        ));
    };
    if let (Some(earlier), Some(later)) = (graph.position(step), graph.position(id))
        && !graph.can_precede(earlier, later)
    {
        return Some(Problem::new(
            "reference.order",
            place,
            format!("`{step}` cannot have run before `{id}`"),
        ));
    }
    let (spec, output) = (crate::step(&target.use_)?, output.as_ref()?);
    if spec.outputs.iter().any(|known| known.name == output) {
        return None;
    }
    let gives = match spec.outputs {
        [] => "it gives nothing".to_owned(),
        known => format!("it gives {}", list(known.iter().map(|output| output.name))),
    };
    Some(Problem::new(
        "reference.output",
        place,
        format!("`{step}` ({}) gives no `{}`; {gives}", spec.name, cut(output)),
    ))
}
