use std::sync::Arc;

use cel::common::ast::{CallExpr, ComprehensionExpr, EntryExpr, Expr, IdedExpr, LiteralValue, operators};
use cel::common::types::{CelInt, CelString};
use regex::{Regex, RegexBuilder};

use super::functions::{ADD, FUNCTIONS, MATCHES, RANGE, TAKES_ABSENT};
use super::{CompileError, ENV, Expression, NODES, SOURCE_BYTES, caught, on_a_large_stack};
use crate::path::ROOTS;
use crate::value::cut;

/// Names of types, for `type(x) == int`.
const TYPES: [&str; 9] = ["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "uint"];
/// Deepest nesting of brackets. The parser of `cel` walks down the stack for each.
const DEPTH: u16 = 24;
/// An expression of so many tokens is parsed on any stack.
const SMALL: usize = 16;
/// Memory a compiled pattern may take, in bytes.
const PATTERN_BYTES: usize = 256 * 1024;

pub(super) fn compile(source: &str) -> Result<Expression, CompileError> {
    if source.trim().is_empty() {
        return Err(error("expression.empty", "there is nothing behind the `=`"));
    }
    if source.len() > SOURCE_BYTES {
        return Err(error(
            "expression.too_long",
            format!("an expression has at most {SOURCE_BYTES} bytes, this one has {}", source.len()),
        ));
    }
    // Counted before the parser sees it: it walks down the stack for every bracket, and its own limit
    // comes after it has looked ahead.
    let Shape { tokens, depth } = shape(source);
    if tokens > 2 * NODES {
        return Err(too_many());
    }
    if depth > DEPTH {
        return Err(error(
            "expression.too_deep",
            format!("at most {DEPTH} brackets may stand inside each other"),
        ));
    }
    let mut tree = if tokens > SMALL { on_a_large_stack(|| parse(source)) } else { caught(|| parse(source)) }
        .unwrap_or_else(|| Err(error("expression.compile", "does not compile: it cannot be read")))?;
    let mut pass = Pass::default();
    pass.visit(&mut tree, 0)?;
    pass.roots.sort_unstable();
    pass.roots.dedup();
    Ok(Expression {
        source: source.to_owned(),
        tree,
        roots: pass.roots,
        steps_known: !pass.steps_at_large,
        steps: pass.steps,
        patterns: Arc::from(pass.patterns),
        logic: pass.logic,
        depth: pass.deepest,
    })
}

fn parse(source: &str) -> Result<IdedExpr, CompileError> {
    ENV.parser().max_recursion_depth(DEPTH).parse(source).map_err(|errors| {
        let first = errors.errors.first();
        let column = first.map_or(0, |e| e.pos.1);
        let why = first.map_or("it cannot be read", |e| e.msg.lines().next().unwrap_or_default());
        error("expression.compile", format!("does not compile at column {column}: {}", plainly(why)))
    })
}

/// The parser's words for what it met, without the list of everything it would have liked better.
fn plainly(why: &str) -> String {
    let why = why.trim_start_matches("Syntax error: ");
    let met = why.split_once('\'').and_then(|(_, rest)| rest.split('\'').next());
    match met {
        Some("<EOF>") => "it ends too early".to_owned(),
        Some(met) if !met.is_empty() && !why.starts_with("missing") => {
            format!("`{}` was not expected", cut(met))
        }
        _ => cut(why),
    }
}

fn error(code: &'static str, message: impl Into<String>) -> CompileError {
    CompileError { code, message: message.into() }
}

fn too_many() -> CompileError {
    error("expression.too_long", format!("an expression has at most {NODES} parts"))
}

struct Shape {
    /// Roughly: runs of letters and digits, texts, and single signs.
    tokens: usize,
    /// Most brackets open at one time, and `?` of conditions in a row.
    depth: u16,
}

fn shape(source: &str) -> Shape {
    let mut shape = Shape { tokens: 0, depth: 0 };
    let mut open = 0_u16;
    let mut conditions = 0_u16;
    let mut rest = source.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            c if c.is_whitespace() => continue,
            c if c.is_alphanumeric() || c == '_' => {
                while rest.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {}
            }
            '\'' | '"' => {
                while let Some(inside) = rest.next() {
                    match inside {
                        '\\' => drop(rest.next()),
                        end if end == c => break,
                        _ => {}
                    }
                }
            }
            '(' | '[' | '{' => open = open.saturating_add(1),
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '?' => conditions = conditions.saturating_add(1),
            _ => {}
        }
        shape.tokens += 1;
        shape.depth = shape.depth.max(open).max(conditions);
    }
    shape
}

/// One walk over the parsed tree: counts, checks names, collects references, puts bounds in.
#[derive(Default)]
struct Pass {
    nodes: usize,
    depth: usize,
    deepest: usize,
    roots: Vec<&'static str>,
    steps: Vec<(String, Option<String>)>,
    /// `steps` is used without naming one.
    steps_at_large: bool,
    patterns: Vec<Regex>,
    logic: bool,
    /// Variables of the comprehensions around.
    variables: Vec<String>,
}

impl Pass {
    fn visit(&mut self, node: &mut IdedExpr, loops: usize) -> Result<(), CompileError> {
        self.nodes += 1;
        self.depth += 1;
        if self.nodes > NODES {
            return Err(too_many());
        }
        self.deepest = self.deepest.max(self.depth);
        let result = self.visit_inside(node, loops);
        self.depth -= 1;
        result
    }

    fn visit_inside(&mut self, node: &mut IdedExpr, loops: usize) -> Result<(), CompileError> {
        if let Some((step, output)) = step_read(&node.expr) {
            self.steps.push((step.to_owned(), output.map(str::to_owned)));
            self.roots.push("steps");
            return Ok(());
        }
        match &mut node.expr {
            Expr::Unspecified => Err(error("expression.compile", "does not compile: a part is missing")),
            Expr::Literal(_) => Ok(()),
            Expr::Ident(name) => self.identifier(name),
            Expr::Select(select) => self.visit(&mut select.operand, loops),
            Expr::List(list) => list.elements.iter_mut().try_for_each(|item| self.visit(item, loops)),
            Expr::Map(map) => map.entries.iter_mut().try_for_each(|entry| match &mut entry.expr {
                EntryExpr::MapEntry(entry) => {
                    self.visit(&mut entry.key, loops)?;
                    self.visit(&mut entry.value, loops)
                }
                EntryExpr::StructField(_) => Err(no_structures()),
            }),
            Expr::Struct(_) => Err(no_structures()),
            Expr::Comprehension(comprehension) => self.comprehension(comprehension, loops),
            Expr::Call(call) => self.call(call, loops),
        }
    }

    fn identifier(&mut self, name: &str) -> Result<(), CompileError> {
        if TYPES.contains(&name) || self.variables.iter().any(|variable| variable == name) {
            return Ok(());
        }
        match ROOTS.iter().find(|root| **root == name) {
            Some(root) => {
                self.steps_at_large |= *root == "steps";
                self.roots.push(root);
                Ok(())
            }
            None => Err(error(
                "expression.name",
                format!("`{}` does not exist; names begin with {}", cut(name), ROOTS.join(", ")),
            )),
        }
    }

    fn comprehension(&mut self, it: &mut ComprehensionExpr, loops: usize) -> Result<(), CompileError> {
        if loops > 0 {
            return Err(error("expression.nested", "a loop inside a loop is not allowed"));
        }
        self.visit(&mut it.iter_range, loops)?;
        wrap(&mut it.iter_range, RANGE);
        let outer = self.variables.len();
        self.variables.extend([it.iter_var.clone(), it.accu_var.clone()]);
        self.variables.extend(it.iter_var2.clone());
        for part in [&mut it.accu_init, &mut it.loop_cond, &mut it.loop_step, &mut it.result] {
            self.visit(part, loops + 1)?;
        }
        self.variables.truncate(outer);
        Ok(())
    }

    fn call(&mut self, call: &mut CallExpr, loops: usize) -> Result<(), CompileError> {
        if call.func_name == "matches" {
            return self.pattern(call, loops);
        }
        if call.target.is_none() && TAKES_ABSENT.contains(&call.func_name.as_str()) {
            let arity = match call.func_name.as_str() {
                "default" => 2..=2,
                "e164" => 1..=2,
                _ => 1..=1,
            };
            if !arity.contains(&call.args.len()) {
                let wanted = if *arity.start() == 1 { "one value" } else { "two values" };
                return Err(error("expression.compile", format!("`{}` takes {wanted}", call.func_name)));
            }
        } else if is_written(&call.func_name) && !FUNCTIONS.contains(&call.func_name.as_str()) {
            return Err(error(
                "expression.function",
                format!("there is no function `{}`", cut(&call.func_name)),
            ));
        }
        self.logic |= matches!(call.func_name.as_str(), operators::LOGICAL_AND | operators::LOGICAL_OR);
        if let Some(target) = &mut call.target {
            self.visit(target, loops)?;
        }
        for argument in &mut call.args {
            self.visit(argument, loops)?;
        }
        if call.target.is_none() && TAKES_ABSENT.contains(&call.func_name.as_str()) {
            may_be_absent(&mut call.args[0]);
        }
        // What a loop appends to its own result keeps the shape by which `cel` builds it in place.
        let appends = matches!(call.args.first(), Some(IdedExpr { expr: Expr::Ident(name), .. }) if name.starts_with('@'));
        if call.func_name == operators::ADD && !appends {
            ADD.clone_into(&mut call.func_name);
        }
        Ok(())
    }

    /// `x.matches('…')`: the pattern is compiled here, once, and must be written out.
    fn pattern(&mut self, call: &mut CallExpr, loops: usize) -> Result<(), CompileError> {
        let mut arguments: Vec<IdedExpr> = call.target.take().into_iter().map(|target| *target).collect();
        arguments.append(&mut call.args);
        let Ok([mut text, mut pattern]) = <[IdedExpr; 2]>::try_from(arguments) else {
            return Err(error("expression.compile", "`matches` takes a text and a pattern"));
        };
        self.visit(&mut text, loops)?;
        self.nodes += 1;
        let Expr::Literal(LiteralValue::String(source)) = &pattern.expr else {
            return Err(error("expression.pattern", "the pattern of `matches` must be written as text"));
        };
        let compiled = RegexBuilder::new(source.inner())
            .size_limit(PATTERN_BYTES)
            .dfa_size_limit(PATTERN_BYTES)
            .nest_limit(20)
            .build()
            .map_err(|why| {
                let why = why.to_string();
                let last = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                error("expression.pattern", format!("the pattern of `matches` is wrong: {}", cut(&last)))
            })?;
        let index = i64::try_from(self.patterns.len()).unwrap_or(i64::MAX);
        self.patterns.push(compiled);
        pattern.expr = Expr::Literal(LiteralValue::Int(CelInt::from(index)));
        *call = CallExpr { func_name: MATCHES.into(), target: None, args: vec![text, pattern] };
        Ok(())
    }
}

fn no_structures() -> CompileError {
    error("expression.compile", "structures are not available; write a map: {'name': value}")
}

/// Functions an author wrote; operators and what macros put in have signs in their names.
fn is_written(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.')
}

fn wrap(node: &mut IdedExpr, function: &str) {
    let inner = std::mem::take(node);
    node.id = inner.id;
    node.expr = Expr::Call(CallExpr { func_name: function.into(), target: None, args: vec![inner] });
}

/// `a.b["c"]` becomes the same path with optional steps, so that nothing on it fails by being absent.
fn may_be_absent(node: &mut IdedExpr) {
    match &mut node.expr {
        Expr::Select(select) if !select.test => {
            may_be_absent(&mut select.operand);
            let field = Expr::Literal(LiteralValue::String(CelString::from(select.field.clone())));
            let operand = std::mem::take(&mut *select.operand);
            let field = IdedExpr { id: node.id, expr: field };
            node.expr = Expr::Call(CallExpr {
                func_name: operators::OPT_SELECT.into(),
                target: None,
                args: vec![operand, field],
            });
        }
        Expr::Call(call) if call.func_name == operators::INDEX && call.target.is_none() => {
            may_be_absent(&mut call.args[0]);
            operators::OPT_INDEX.clone_into(&mut call.func_name);
        }
        _ => {}
    }
}

/// The step and output that `steps.a.b` or `steps["a"].b` reads, when this is such a read.
fn step_read(expr: &Expr) -> Option<(&str, Option<&str>)> {
    if let Some(step) = step_of(expr) {
        return Some((step, None));
    }
    match expr {
        Expr::Select(select) => Some((step_of(&select.operand.expr)?, Some(&select.field))),
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [of, IdedExpr { expr: Expr::Literal(LiteralValue::String(output)), .. }] => {
                Some((step_of(&of.expr)?, Some(output.inner())))
            }
            _ => None,
        },
        _ => None,
    }
}

fn step_of(expr: &Expr) -> Option<&str> {
    let is_steps = |expr: &Expr| matches!(expr, Expr::Ident(name) if name == "steps");
    match expr {
        Expr::Select(select) if is_steps(&select.operand.expr) => Some(&select.field),
        Expr::Call(call) if call.func_name == operators::INDEX => match call.args.as_slice() {
            [of, IdedExpr { expr: Expr::Literal(LiteralValue::String(step)), .. }] if is_steps(&of.expr) => {
                Some(step.inner())
            }
            _ => None,
        },
        _ => None,
    }
}
