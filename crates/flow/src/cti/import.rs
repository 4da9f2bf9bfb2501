use indexmap::IndexMap;
use serde_json::{Value, json};
use tieline_core::JsonMap;

use super::Note;
use super::references::{Remarks, Steps, export_value, import_value};
use super::table::{self, FOREIGN, MISSPELT, Row};
use crate::document::{kind, not_json, parse, position};
use crate::value::{cut, disguised};
use crate::{Document, InputKind, Problem, Step, Trigger, events};

/// Largest file read, in bytes. The largest published flow has 5 KB.
pub const FILE_BYTES: usize = 4 * 1024 * 1024;

/// What a file does not say about itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// The flow's name; the file's own when absent, else [`Options::stem`].
    pub name: Option<&'a str>,
    /// The file's name without its ending.
    pub stem: Option<&'a str>,
    /// When it runs, `voice_contact.connecting`; a draft without it.
    pub on: Option<&'a str>,
}

/// A file as one of our documents.
#[derive(Debug, Clone)]
pub struct Import {
    pub document: Document,
    /// What is kept without being understood.
    pub notes: Vec<Note>,
}

/// Reads the bytes of a file.
///
/// # Errors
///
/// Everything that keeps the file from being read as a flow at all.
pub fn import_json(bytes: &[u8], options: Options) -> Result<Import, Vec<Problem>> {
    if bytes.len() > FILE_BYTES {
        let message = format!("a flow file has at most {FILE_BYTES} bytes, this one has {}", bytes.len());
        return Err(vec![Problem::new("cti.too_large", "", message)]);
    }
    let (file, twice) = parse(bytes).map_err(|error| vec![not_json(&error)])?;
    let mut import = import(&file, options)?;
    import.notes.extend(twice.into_iter().map(|place| {
        Note::new("cti.member_twice", place, "is written twice in the file; only the last one counts")
    }));
    Ok(import)
}

/// Makes a document of a file.
///
/// # Errors
///
/// Everything that keeps the file from being read as a flow at all: not an object, no list of
/// blocks, two blocks with one id, an event that does not exist.
pub fn import(file: &Value, options: Options) -> Result<Import, Vec<Problem>> {
    let mut problems = Vec::new();
    let on = match options.on.map(|text| (text, events::parse(text))) {
        None => None,
        Some((_, Some((source, event)))) => Some(Trigger {
            source: source.name.to_owned(),
            event: event.map(|event| event.name.to_owned()),
            extra: JsonMap::new(),
        }),
        Some((text, None)) => {
            let message =
                format!("there is no event `{}`; write for example `voice_contact.connecting`", cut(text));
            problems.push(Problem::new("on.event", "on", message));
            None
        }
    };
    let Value::Object(root) = file else {
        let message = format!("a flow file is an object with a list `actions`, this is {}", kind(file));
        problems.push(Problem::new("cti.form", "", message));
        return Err(problems);
    };
    let actions = match root.get("actions") {
        Some(Value::Array(actions)) => actions.as_slice(),
        other => {
            let message = match other {
                Some(other) => format!("must be the list of blocks, this is {}", kind(other)),
                None if root.contains_key("tieline_flow") => {
                    "is missing; this is a flow of Tieline already and needs no import".to_owned()
                }
                None => "is missing; a flow file has its blocks there".to_owned(),
            };
            problems.push(Problem::new("cti.form", "actions", message));
            &[]
        }
    };
    if actions.len() > 2 * crate::check::STEPS {
        let message =
            format!("a flow has at most {} blocks, this one has {}", crate::check::STEPS, actions.len());
        problems.push(Problem::new("cti.too_large", "actions", message));
        return Err(problems);
    }
    let blocks = Blocks::sort(actions, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Reader { blocks, notes: Vec::new() }.read(root, options, on))
}

/// The elements of `actions`, told apart.
struct Blocks<'f> {
    /// By id.
    steps: IndexMap<String, &'f JsonMap>,
    ends: Vec<String>,
    start: Option<&'f JsonMap>,
    /// Position in the file and element: Start, End, and what is no block.
    others: Vec<(usize, &'f Value)>,
    stray: Vec<usize>,
    rows: Steps,
}

impl<'f> Blocks<'f> {
    fn sort(actions: &'f [Value], problems: &mut Vec<Problem>) -> Self {
        let mut blocks = Self {
            steps: IndexMap::new(),
            ends: Vec::new(),
            start: None,
            others: Vec::new(),
            stray: Vec::new(),
            rows: Steps::new(),
        };
        let mut places: IndexMap<String, usize> = IndexMap::new();
        for (index, element) in actions.iter().enumerate() {
            let block = element.as_object();
            let (Some(block), Some(id)) = (block, block.and_then(|block| block.get("id")).and_then(id_text))
            else {
                blocks.others.push((index, element));
                blocks.stray.push(index);
                continue;
            };
            if let Some(first) = places.get(&id) {
                problems.push(Problem::new(
                    "cti.duplicate_id",
                    format!("actions.{index}"),
                    format!("has the id `{}`, as actions.{first} has", cut(&id)),
                ));
                continue;
            }
            places.insert(id.clone(), index);
            let kind = block.get("type").and_then(Value::as_str).unwrap_or_default();
            if table::is_start(kind) {
                blocks.start = blocks.start.or(Some(block));
                blocks.others.push((index, element));
            } else if table::is_end(kind) {
                blocks.ends.push(id);
                blocks.others.push((index, element));
            } else {
                blocks.rows.insert(id.clone(), table::by_kind(kind));
                blocks.steps.insert(id, block);
            }
        }
        blocks
    }
}

struct Reader<'f> {
    blocks: Blocks<'f>,
    notes: Vec<Note>,
}

impl Reader<'_> {
    fn read(mut self, root: &JsonMap, options: Options, on: Option<Trigger>) -> Import {
        for index in std::mem::take(&mut self.blocks.stray) {
            self.note(
                "cti.stray",
                format!("actions.{index}"),
                "is no block with an id; it is kept and does nothing",
            );
        }
        if self.blocks.start.is_none() {
            self.note("cti.start", "start", "the file has no Start block; choose the first step");
        }
        let mut document = Document { on, ..Document::default() };
        let own_name = root.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        let name = options.name.or(own_name).or(options.stem).unwrap_or("Imported flow");
        document.name = name.chars().take(200).collect();
        document.id = slug(&document.name);

        let start = self.blocks.start;
        document.start = start
            .and_then(|block| block.get("ports")?.get("done"))
            .and_then(id_text)
            .filter(|target| !target.is_empty() && !self.blocks.ends.contains(target));

        let blocks: Vec<(String, &JsonMap)> =
            self.blocks.steps.iter().map(|(id, block)| (id.clone(), *block)).collect();
        for (id, block) in blocks {
            if let Some(at) = block.get("position").and_then(position) {
                document.canvas.insert(id.clone(), at);
            }
            let step = self.step(&id, block);
            document.steps.insert(id, step);
        }
        document.origin = Some(self.origin(root, &document.name));
        Import { document, notes: self.notes }
    }

    fn origin(&self, root: &JsonMap, name: &str) -> Value {
        let mut origin = JsonMap::new();
        origin.insert("form".into(), "cti-flow".into());
        let was = root.get("name").cloned().unwrap_or_default();
        if was.as_str() != Some(name) {
            origin.insert("name".into(), json!({"was": was, "as": name}));
        }
        let others = self.blocks.others.iter().map(|(at, block)| json!({"at": at, "block": block}));
        origin.insert("blocks".into(), others.collect());
        let members: JsonMap = root
            .iter()
            .filter(|(name, _)| !["actions", "name"].contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !members.is_empty() {
            origin.insert("members".into(), Value::Object(members));
        }
        Value::Object(origin)
    }

    fn step(&mut self, id: &str, block: &JsonMap) -> Step {
        let mut step = Step::default();
        let mut origin = JsonMap::new();
        let place = format!("steps.{id}");
        let row = self.blocks.rows.get(id).copied().flatten();
        self.kind(&place, block, row, &mut step, &mut origin);
        if !matches!(block.get("id"), Some(Value::String(_))) {
            origin.insert("id".into(), block.get("id").cloned().unwrap_or_default());
        }
        meta(block, &mut step, &mut origin);
        self.controls(&place, block, row, &mut step, &mut origin);
        self.ports(&place, block, &mut step, &mut origin);
        if let Some(odd) = block.get("position").filter(|at| !at.is_null() && position(at).is_none()) {
            origin.insert("position".into(), odd.clone());
        }
        let members: JsonMap = block
            .iter()
            .filter(|(name, _)| {
                !["id", "type", "meta", "controls", "ports", "position"].contains(&name.as_str())
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        if !members.is_empty() {
            origin.insert("members".into(), Value::Object(members));
        }
        if !origin.is_empty() {
            step.origin = Some(Value::Object(origin));
        }
        step
    }

    fn kind(
        &mut self,
        place: &str,
        block: &JsonMap,
        row: Option<&Row>,
        step: &mut Step,
        origin: &mut JsonMap,
    ) {
        let written = block.get("type");
        let text = written.and_then(Value::as_str);
        if let Some(row) = row {
            row.step.clone_into(&mut step.use_);
            if text != Some(row.kind) {
                origin.insert("type".into(), written.cloned().unwrap_or_default());
            }
            return;
        }
        step.use_ = format!("{FOREIGN}{}", text.unwrap_or_default());
        if text.is_none() {
            origin.insert("type".into(), written.cloned().unwrap_or_default());
        }
        let shown = table::foreign_step(&step.use_).unwrap_or_default();
        self.note(
            "cti.unknown_block",
            format!("{place}.use"),
            format!("{shown} is not known here yet; it is kept, and the flow cannot be published with it"),
        );
    }

    fn controls(
        &mut self,
        place: &str,
        block: &JsonMap,
        row: Option<&'static Row>,
        step: &mut Step,
        origin: &mut JsonMap,
    ) {
        let controls = match block.get("controls") {
            None | Some(Value::Null) => return,
            Some(Value::Object(controls)) => controls,
            Some(odd) => {
                origin.insert("controls".into(), odd.clone());
                let message =
                    format!("the controls of a block are an object, these are {}; they are kept", kind(odd));
                return self.note("cti.controls", format!("{place}.with"), message);
            }
        };
        let mut kept = JsonMap::new();
        for (theirs, control) in controls {
            let Some(ours) = our_input(row, theirs, controls) else {
                kept.insert(theirs.clone(), control.clone());
                self.note(
                    "cti.control",
                    format!("{place}.with"),
                    format!("the control `{}` is not known here; it is kept", cut(theirs)),
                );
                continue;
            };
            if control.is_null() {
                kept.insert(theirs.clone(), Value::Null);
                continue;
            }
            let kind = input_kind(row, &ours, control);
            let mut remarks = Remarks::new();
            let value = import_value(control, kind, &self.blocks.rows, &mut remarks);
            for (code, message) in remarks {
                self.note(code, format!("{place}.with.{ours}"), message);
            }
            // Written back the plain way it may come out differently (`value.[0]`, an old name, a
            // path with two spellings): then the original is kept beside it.
            let plain_name = row.map_or(Some(theirs.as_str()), |row| row.their_input(&ours));
            let plain = export_value(&value, kind, &self.blocks.rows, &mut Remarks::new());
            if plain_name != Some(theirs) || plain != *control {
                kept.insert(theirs.clone(), control.clone());
            }
            step.with.insert(ours, value);
        }
        if !kept.is_empty() {
            origin.insert("controls".into(), Value::Object(kept));
        }
    }

    fn ports(&mut self, place: &str, block: &JsonMap, step: &mut Step, origin: &mut JsonMap) {
        let ports = match block.get("ports") {
            None | Some(Value::Null) => return,
            Some(Value::Object(ports)) => ports,
            Some(odd) => {
                origin.insert("ports".into(), odd.clone());
                let message =
                    format!("the ports of a block are an object, these are {}; they are kept", kind(odd));
                return self.note("cti.ports", format!("{place}.next"), message);
            }
        };
        let mut kept = JsonMap::new();
        for (port, target) in ports {
            match id_text(target) {
                Some(id) if id.is_empty() => {}
                Some(id) if self.blocks.ends.contains(&id) => {
                    kept.insert(port.clone(), target.clone());
                }
                Some(id) => {
                    if !target.is_string() {
                        kept.insert(port.clone(), target.clone());
                    }
                    step.next.insert(port.clone(), id);
                }
                None if target.is_null() => {}
                None => {
                    kept.insert(port.clone(), target.clone());
                    let message = format!("the port `{}` leads to {}; it is kept", cut(port), kind(target));
                    self.note("cti.ports", format!("{place}.next"), message);
                }
            }
        }
        if !kept.is_empty() {
            origin.insert("ports".into(), Value::Object(kept));
        }
    }

    fn note(&mut self, code: &'static str, place: impl Into<String>, message: impl Into<String>) {
        self.notes.push(Note::new(code, place, message));
    }
}

/// The author's title goes to ours, the rest is kept.
fn meta(block: &JsonMap, step: &mut Step, origin: &mut JsonMap) {
    let Some(meta) = block.get("meta") else { return };
    let Value::Object(members) = meta else {
        if !meta.is_null() {
            origin.insert("meta".into(), meta.clone());
        }
        return;
    };
    let mut rest = members.clone();
    if let Some(title) = rest.get("title").and_then(Value::as_str).filter(|title| !title.is_empty()) {
        step.title = Some(title.to_owned());
        rest.shift_remove("title");
    }
    if !rest.is_empty() {
        origin.insert("meta".into(), Value::Object(rest));
    }
}

/// Our input for the control `theirs`; `None` for a control we do not know. Of two spellings of
/// one control the right one counts.
pub(super) fn our_input(row: Option<&Row>, theirs: &str, controls: &JsonMap) -> Option<String> {
    let Some(row) = row else { return Some(theirs.to_owned()) };
    if let Some(ours) = row.our_input(theirs) {
        return Some(ours.to_owned());
    }
    let (_, right) = MISSPELT.iter().find(|(wrong, _)| *wrong == theirs)?;
    (!controls.contains_key(*right)).then(|| row.our_input(right)).flatten().map(str::to_owned)
}

/// The kind of an input; of a block we do not know, what the control looks like.
pub(super) fn input_kind(row: Option<&Row>, ours: &str, control: &Value) -> InputKind {
    let declared = row.and_then(|row| crate::step(row.step)).and_then(|spec| spec.input(ours));
    match declared {
        Some(input) => input.kind,
        // One that looks like a disguise is disguised itself, or the way back would be lost.
        None if control.as_object().is_some_and(|map| disguised(map).is_none()) => InputKind::Map,
        None => InputKind::Any,
    }
}

/// Ids are text; hand-made files also have numbers.
pub(super) fn id_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// `Voice Contact onConnecting` → `voice-contact-onconnecting`.
fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() >= 64 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "imported-flow".to_owned() } else { slug.to_owned() }
}
