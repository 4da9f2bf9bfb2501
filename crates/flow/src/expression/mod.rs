//! Expressions: the Common Expression Language inside fences.
//!
//! The crate `cel` parses and evaluates. What it leaves open is closed here: a source has at most
//! [`SOURCE_BYTES`] and [`NODES`] nodes, one level of comprehension, only names and functions that
//! exist, patterns that are written out; evaluation has a budget for what it may build
//! ([`budget`]), because `list.map(x, x + text)` over a caller's data has no natural end.
//!
//! The parsed tree is rewritten once ([`compile`]): `+`, the range of a comprehension and
//! `matches` become our own bounded functions, and the first argument of `default`, `empty`,
//! `text`, `number` and `e164` may be absent.

mod budget;
mod compile;
mod convert;
mod functions;
mod roots;

use std::sync::{Arc, LazyLock};

use cel::common::ast::{Expr, IdedExpr, operators};
use cel::{Context, Env, ExecutionError, Value};
use regex::Regex;

pub(crate) use roots::Roots;

use crate::value::{Evaluated, cut};

/// Longest source, in bytes.
pub(crate) const SOURCE_BYTES: usize = 2048;
/// Most nodes of the syntax tree.
pub(crate) const NODES: usize = 200;

/// A tree no deeper than this is evaluated on any stack: the evaluator takes some 25 KB of it for
/// every level in a build without optimisation.
const SHALLOW: usize = 8;
/// Bytes of stack for the others; address space, taken only as far as it is used.
const LARGE_STACK: usize = 32 * 1024 * 1024;

static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(functions::environment()));

/// A compiled expression.
pub(crate) struct Expression {
    source: String,
    tree: IdedExpr,
    /// Roots that are read, by name.
    roots: Vec<&'static str>,
    /// Steps that are read by a name written out, each with the output where one is named.
    steps: Vec<(String, Option<String>)>,
    /// True when every use of `steps` names its step, so that only those need to be given.
    steps_known: bool,
    /// The patterns of `matches`, by position.
    patterns: Arc<[Regex]>,
    /// Whether `||` or `&&` occur, which swallow errors.
    logic: bool,
    /// Longest way down the tree.
    depth: usize,
}

/// Why an expression does not compile.
#[derive(Debug)]
pub(crate) struct CompileError {
    pub code: &'static str,
    pub message: String,
}

impl Expression {
    /// `source` is what stands behind the `=`.
    pub fn compile(source: &str) -> Result<Self, CompileError> {
        compile::compile(source)
    }

    pub fn steps(&self) -> &[(String, Option<String>)] {
        &self.steps
    }

    /// Never panics and never runs away; whatever goes wrong is an error, and what is not there is absent.
    pub fn evaluate(&self, roots: &Roots) -> Evaluated {
        let done = if self.depth <= SHALLOW {
            caught(|| self.evaluate_here(roots))
        } else {
            on_a_large_stack(|| self.evaluate_here(roots))
        };
        done.unwrap_or_else(|| Evaluated {
            error: Some("it could not be evaluated".into()),
            ..Evaluated::default()
        })
    }

    fn evaluate_here(&self, roots: &Roots) -> Evaluated {
        let _budget = budget::begin(roots.region(), &self.patterns);
        let mut context = Context::with_env(Arc::clone(&ENV));
        for root in &self.roots {
            match roots.to_cel(root, (*root == "steps" && self.steps_known).then_some(&self.steps)) {
                Ok(value) => context.add_variable_as_val(*root, value),
                Err(why) => return Evaluated { error: Some(why), ..Evaluated::default() },
            }
        }
        let mut notes = Vec::new();
        if self.logic {
            swallowed(&self.tree, &context, &mut notes);
            budget::refill();
        }
        match Value::resolve_val(&self.tree, &context) {
            Ok(value) => match convert::to_json(value.as_ref()) {
                Ok(value) => Evaluated { value, error: None, notes },
                Err(why) => Evaluated { value: None, error: Some(why), notes },
            },
            // CEL has no "absent"; for the step it is the same as a reference to nothing.
            Err(error @ (ExecutionError::NoSuchKey(_) | ExecutionError::IndexOutOfBounds(_))) => {
                notes.push(describe(&error));
                Evaluated { value: None, error: None, notes }
            }
            Err(error) => Evaluated { value: None, error: Some(describe(&error)), notes },
        }
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expression(={})", self.source)
    }
}

/// Runs `work` where its recursion cannot run out of stack: a worker thread of the server has 2 MiB
/// and may be deep in its own calls. `None` when there is no thread to be had, or `work` panicked.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("expression".into()).stack_size(LARGE_STACK);
        thread.spawn_scoped(scope, work).ok()?.join().ok()
    })
}

/// The last line of defence: we know of no expression that makes `cel` panic, but authors write
/// them and callers fill them, and one call must not take a worker of the server with it.
fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok()
}

/// Notes every operand of `||` and `&&` that failed without changing the result.
///
/// CEL defines `error || true` as true. An author who mistyped a field there would never learn of
/// it, so the operands are evaluated once more, following the same branches.
fn swallowed(tree: &IdedExpr, context: &Context, notes: &mut Vec<String>) {
    let mut visit = |child: &IdedExpr| swallowed(child, context, notes);
    match &tree.expr {
        Expr::Call(call) => match (call.func_name.as_str(), call.args.as_slice()) {
            (operator @ (operators::LOGICAL_OR | operators::LOGICAL_AND), [left, right]) => {
                visit(left);
                match Value::resolve(left, context) {
                    Ok(Value::Bool(decided)) if decided == (operator == operators::LOGICAL_OR) => {}
                    Ok(_) => visit(right),
                    Err(error) => {
                        let operator = if operator == operators::LOGICAL_OR { "||" } else { "&&" };
                        notes.push(format!("an operand of `{operator}` failed: {}", describe(&error)));
                        swallowed(right, context, notes);
                    }
                }
            }
            (operators::CONDITIONAL, [condition, then, otherwise]) => {
                visit(condition);
                match Value::resolve(condition, context) {
                    Ok(Value::Bool(true)) => visit(then),
                    Ok(Value::Bool(false)) => visit(otherwise),
                    _ => {}
                }
            }
            (_, arguments) => {
                call.target.iter().map(AsRef::as_ref).chain(arguments).for_each(visit);
            }
        },
        Expr::Select(select) => visit(&select.operand),
        Expr::List(list) => list.elements.iter().for_each(visit),
        // Inside, the loop's own variable would be missing.
        Expr::Comprehension(comprehension) => visit(&comprehension.iter_range),
        _ => {}
    }
}

/// What went wrong, short enough for a trace; the crate prints whole values.
fn describe(error: &ExecutionError) -> String {
    match error {
        ExecutionError::NoSuchKey(key) => format!("there is no `{}`", cut(key)),
        ExecutionError::IndexOutOfBounds(_) => "the list is shorter than that".into(),
        ExecutionError::FunctionError { message, .. } => cut(message),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "division by zero".into(),
        ExecutionError::Overflow(..) => "the number is too large".into(),
        other => cut(&other.to_string()),
    }
}

#[cfg(test)]
mod tests;
