use std::collections::HashSet;

use serde_json::{Value, json};
use tieline_core::JsonMap;

use super::Note;
use super::import::{id_text, input_kind, our_input};
use super::references::{Remarks, Steps, export_value, import_value};
use super::table::{self, END, FOREIGN, MISSPELT, Row, START};
use crate::document::coordinate;
use crate::{Document, Step};

/// A document as a file.
#[derive(Debug, Clone)]
pub struct Export {
    pub file: Value,
    /// What such a file cannot say.
    pub notes: Vec<Note>,
}

/// Makes a file of a document; of an imported one, the file it came from with what has changed since.
pub fn export(document: &Document) -> Export {
    let rows: Steps =
        document.steps.iter().map(|(id, step)| (id.clone(), table::by_step(&step.use_))).collect();
    let origin = document.origin.as_ref().and_then(Value::as_object);
    let mut others = others(origin);
    let imported = origin.is_some();
    if !imported {
        others = terminals(document);
    }
    let ends: HashSet<String> = others
        .iter()
        .filter(|(_, block)| table::is_end(kind_of(block)))
        .filter_map(|(_, block)| id_text(block.get("id")?))
        .collect();
    wire_start(document, &ends, &mut others);

    let mut writer = Writer { document, rows, ends, imported, notes: Vec::new() };
    let mut actions: Vec<Value> = document.steps.iter().map(|(id, step)| writer.block(id, step)).collect();
    for (at, block) in others {
        actions.insert(at.min(actions.len()), block);
    }
    let mut file = JsonMap::new();
    if let Some(name) = name(document, origin) {
        file.insert("name".into(), name);
    }
    file.insert("actions".into(), Value::Array(actions));
    for (name, value) in origin.and_then(|origin| origin.get("members")?.as_object()).into_iter().flatten() {
        file.entry(name.clone()).or_insert_with(|| value.clone());
    }
    Export { file: Value::Object(file), notes: writer.notes }
}

/// Start, End and what was no block, with their positions in the file.
fn others(origin: Option<&JsonMap>) -> Vec<(usize, Value)> {
    let blocks = origin.and_then(|origin| origin.get("blocks")?.as_array()).into_iter().flatten();
    let mut others: Vec<(usize, Value)> = blocks
        .filter_map(|kept| {
            let at = kept.get("at").and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
            Some((at.unwrap_or(usize::MAX), kept.get("block")?.clone()))
        })
        .collect();
    others.sort_by_key(|(at, _)| *at);
    others
}

/// Start and End for a document that never had any.
fn terminals(document: &Document) -> Vec<(usize, Value)> {
    let mut free = (0..).map(|n| format!("uid-{n}")).filter(|id| !document.steps.contains_key(id));
    let (start, end) = (free.next().unwrap_or_default(), free.next().unwrap_or_default());
    let left = document.canvas.values().map(|at| at[0]).fold(0.0, f64::min);
    let right = document.canvas.values().map(|at| at[0]).fold(0.0, f64::max);
    let block = |id: String, kind: &str, x: f64| json!({"id": id, "type": kind, "meta": {}, "controls": {}, "ports": {}, "position": [coordinate(x), 0]});
    vec![(0, block(start, START, left - 220.0)), (usize::MAX, block(end, END, right + 220.0))]
}

/// Lets the first Start lead to where the document starts. One without an id is no block: it led
/// nowhere when the file was imported, and stays as it was unless it is needed.
fn wire_start(document: &Document, ends: &HashSet<String>, others: &mut [(usize, Value)]) {
    let is_start = |(_, block): &(usize, Value)| table::is_start(kind_of(block));
    let taken = others
        .iter()
        .position(|other| is_start(other) && other.1.get("id").and_then(id_text).is_some())
        .or_else(|| document.start.as_ref().and_then(|_| others.iter().position(is_start)));
    let Some((_, Value::Object(start))) = taken.map(|at| &mut others[at]) else {
        return;
    };
    let was = start.get("ports").and_then(|ports| ports.get("done")).and_then(id_text);
    let unchanged = match (&document.start, &was) {
        (Some(now), Some(was)) => now == was,
        (None, Some(was)) => ends.contains(was) || was.is_empty(),
        (None, None) => true,
        (Some(_), None) => false,
    };
    if unchanged {
        return;
    }
    let mut ports = start.get("ports").and_then(Value::as_object).cloned().unwrap_or_default();
    match &document.start {
        Some(first) => drop(ports.insert("done".into(), first.as_str().into())),
        None => drop(ports.shift_remove("done")),
    }
    start.insert("ports".into(), Value::Object(ports));
}

/// The root `name`: as the file had it, unless the flow was renamed since.
fn name(document: &Document, origin: Option<&JsonMap>) -> Option<Value> {
    let kept = origin.and_then(|origin| origin.get("name"));
    match kept {
        Some(kept) if kept.get("as").and_then(Value::as_str) == Some(&document.name) => {
            kept.get("was").filter(|was| !was.is_null()).cloned()
        }
        _ => Some(document.name.as_str().into()),
    }
}

struct Writer<'d> {
    document: &'d Document,
    rows: Steps,
    ends: HashSet<String>,
    imported: bool,
    notes: Vec<Note>,
}

impl Writer<'_> {
    fn block(&mut self, id: &str, step: &Step) -> Value {
        let origin = step.origin.as_ref().and_then(Value::as_object);
        let kept = |name: &str| origin.and_then(|origin| origin.get(name));
        let place = format!("steps.{id}");
        let row = table::by_step(&step.use_);

        let mut block = JsonMap::new();
        let own_id = kept("id").filter(|kept| id_text(kept).as_deref() == Some(id)).cloned();
        block.insert("id".into(), own_id.unwrap_or_else(|| id.into()));
        block.insert("type".into(), self.kind(&place, step, row, kept("type")));

        let mut meta = match kept("meta") {
            Some(Value::Object(meta)) => Value::Object(meta.clone()),
            Some(odd) => odd.clone(),
            None => Value::Object(JsonMap::new()),
        };
        if let Some(title) = &step.title {
            match &mut meta {
                Value::Object(meta) => drop(meta.insert("title".into(), title.as_str().into())),
                odd => *odd = json!({"title": title}),
            }
        }
        block.insert("meta".into(), meta);
        block.insert("controls".into(), self.controls(&place, step, row, kept("controls")));
        block.insert("ports".into(), self.ports(step, kept("ports")));
        let at =
            self.document.canvas.get(id).map(|[x, y]| Value::Array(vec![coordinate(*x), coordinate(*y)]));
        if let Some(at) = at.or_else(|| kept("position").cloned()) {
            block.insert("position".into(), at);
        }
        for (name, value) in kept("members").and_then(Value::as_object).into_iter().flatten() {
            block.entry(name.clone()).or_insert_with(|| value.clone());
        }
        Value::Object(block)
    }

    fn kind(&mut self, place: &str, step: &Step, row: Option<&Row>, kept: Option<&Value>) -> Value {
        // An original type counts as long as it still means this step.
        let means_this = |kept: &&Value| match (kept.as_str(), row) {
            (Some(text), Some(row)) => table::by_kind(text).is_some_and(|found| found.step == row.step),
            (None, None) => step.use_ == FOREIGN,
            _ => false,
        };
        if let Some(kept) = kept.filter(means_this) {
            return kept.clone();
        }
        match (row, step.use_.strip_prefix(FOREIGN)) {
            (Some(row), _) => row.kind.into(),
            (None, Some(kind)) => kind.into(),
            (None, None) => {
                let shown = crate::value::cut(&step.use_);
                self.note(
                    "cti.step",
                    format!("{place}.use"),
                    format!("such a file has no block for `{shown}`"),
                );
                step.use_.as_str().into()
            }
        }
    }

    fn controls(
        &mut self,
        place: &str,
        step: &Step,
        row: Option<&'static Row>,
        kept: Option<&Value>,
    ) -> Value {
        let original = match kept {
            Some(Value::Object(original)) => original.clone(),
            Some(odd) if step.with.is_empty() => return odd.clone(),
            _ => JsonMap::new(),
        };
        let mut controls = JsonMap::new();
        for (ours, value) in &step.with {
            let unchanged = their_names(row, ours).filter_map(|theirs| original.get_key_value(theirs)).find(
                |(theirs, control)| {
                    our_input(row, theirs, &original).as_deref() == Some(ours)
                        && !control.is_null()
                        && import_value(
                            control,
                            input_kind(row, ours, control),
                            &self.rows,
                            &mut Remarks::new(),
                        ) == *value
                },
            );
            if let Some((theirs, control)) = unchanged {
                controls.insert(theirs.clone(), control.clone());
                continue;
            }
            let mut remarks = Remarks::new();
            let control = export_value(value, input_kind(row, ours, value), &self.rows, &mut remarks);
            let theirs = row.map_or(Some(ours.as_str()), |row| row.their_input(ours));
            match theirs {
                Some(theirs) => drop(controls.insert(theirs.to_owned(), control)),
                None => {
                    remarks.push(("cti.control", "such a file has no such control; it is left out".into()));
                }
            }
            for (code, message) in remarks {
                self.note(code, format!("{place}.with.{ours}"), message);
            }
        }
        // Controls nobody here knows, and nulls nobody has filled.
        for (theirs, control) in original {
            let ours = our_input(row, &theirs, &controls);
            let known = row.is_some() && ours.is_some();
            if !controls.contains_key(&theirs) && (!known || control.is_null()) {
                controls.insert(theirs, control);
            }
        }
        Value::Object(controls)
    }

    fn ports(&self, step: &Step, kept: Option<&Value>) -> Value {
        let original = match kept {
            Some(Value::Object(original)) => original.clone(),
            Some(odd) if step.next.is_empty() => return odd.clone(),
            _ => JsonMap::new(),
        };
        let mut ports = JsonMap::new();
        for (branch, target) in &step.next {
            let written = original.get(branch).filter(|kept| id_text(kept).as_deref() == Some(target));
            ports.insert(branch.clone(), written.cloned().unwrap_or_else(|| target.as_str().into()));
        }
        for (branch, target) in original {
            // A wire to an End, or one that never led anywhere; one to a step was cut since.
            let to_step = id_text(&target).is_some_and(|id| !self.ends.contains(&id));
            if !to_step && !ports.contains_key(&branch) {
                ports.insert(branch, target);
            }
        }
        if !self.imported
            && let (Some(spec), Some(end)) = (crate::step(&step.use_), self.ends.iter().next())
        {
            for branch in spec.branches {
                ports.entry(branch.as_str()).or_insert_with(|| end.as_str().into());
            }
        }
        Value::Object(ports)
    }

    fn note(&mut self, code: &'static str, place: String, message: impl Into<String>) {
        self.notes.push(Note::new(code, place, message));
    }
}

/// What our input may be called in a file, the right name first.
fn their_names<'n>(row: Option<&'static Row>, ours: &'n str) -> impl Iterator<Item = &'n str> {
    let right = row.map_or(Some(ours), |row| row.their_input(ours));
    let wrong = MISSPELT.iter().filter(move |(_, meant)| row.is_some() && right == Some(meant));
    right.into_iter().chain(wrong.map(|(wrong, _)| *wrong))
}

fn kind_of(block: &Value) -> &str {
    block.get("type").and_then(Value::as_str).unwrap_or_default()
}
