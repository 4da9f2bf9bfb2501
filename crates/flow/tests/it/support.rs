use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_flow::cti::{self, Options};
use tieline_flow::{Answer, Document, Ended, Flow, Next, Run, Scope, TraceStep};

/// A document around `steps`, beginning with the first of them.
pub fn document(steps: Value) -> Document {
    let start = steps.as_object().unwrap().keys().next().unwrap().clone();
    let whole = json!({
        "tieline_flow": 1, "id": "test", "name": "Test", "start": start, "steps": steps,
        "on": {"source": "voice_contact", "event": "connecting"},
    });
    Document::from_json(whole.to_string().as_bytes()).unwrap()
}

/// An ordinary inbound call of Anna Tanaka, with these attributes.
pub fn inbound_call(attributes: Value) -> Scope {
    Scope {
        event: json!({"source": "voice_contact", "event": "connecting"}),
        payload: json!({}),
        contact: json!({
            "id": "c-42", "channel": "voice", "state": "connecting", "direction": "inbound",
            "queue": "Billing", "customer": "+12025550143", "attributes": attributes, "is_monitor": false,
        }),
        agent: json!({"id": "005x", "name": "Sam"}),
        properties: json!({}),
        region: Some("US".into()),
    }
}

/// The same with a caller who hides the number.
pub fn anonymous_call(attributes: Value) -> Scope {
    let mut scope = inbound_call(attributes);
    scope.contact["customer"] = "anonymous".into();
    scope
}

pub fn click(number: &str) -> Scope {
    Scope {
        event: json!({"source": "crm_page", "event": "click_to_dial"}),
        payload: json!({"number": number, "recordId": "003x"}),
        region: Some("US".into()),
        ..Scope::default()
    }
}

/// A run told step by step: what is asked for, what is answered, how it ends.
pub struct Walk {
    run: Run,
    now: Timestamp,
    next: Next,
}

impl Walk {
    pub fn of(document: &Document, scope: Scope) -> Self {
        let flow = Flow::load(document.clone()).unwrap_or_else(|problems| panic!("{problems:#?}"));
        let mut run = Run::new(Arc::new(flow), scope);
        let now = "2026-11-20T09:00:00Z".parse().unwrap();
        let next = run.next(now, None);
        Self { run, now, next }
    }

    /// The run waits for this effect, with exactly these arguments.
    #[track_caller]
    pub fn asks(self, op: &str, args: Value) -> Self {
        match &self.next {
            Next::Perform(effect) => {
                assert_eq!((effect.op, Value::Object(effect.args.clone())), (op, args));
            }
            Next::Finished(ended) => panic!("finished ({ended:?}) instead of asking for {op}"),
        }
        self
    }

    /// The answer takes 100 ms.
    pub fn done(self, outputs: Value) -> Self {
        let Value::Object(outputs) = outputs else { panic!("outputs are an object") };
        self.answer(Answer::Done(outputs))
    }

    pub fn fails(self, code: &str) -> Self {
        self.answer(Answer::Failed { code: code.into(), detail: "as the test wants it".into() })
    }

    fn answer(mut self, answer: Answer) -> Self {
        self.now = self.now.checked_add(Duration::from_millis(100)).unwrap();
        self.next = self.run.next(self.now, Some(answer));
        self
    }

    #[track_caller]
    pub fn completes(self) -> Self {
        assert_eq!(self.next, Next::Finished(Ended::Completed));
        self
    }

    /// The run ended because this step failed with nowhere to go.
    #[track_caller]
    pub fn breaks_at(self, at: &str, why: &str) -> Self {
        match &self.next {
            Next::Finished(Ended::Failed { step, code, .. }) => {
                assert_eq!((step.as_str(), code.as_str()), (at, why));
            }
            other => panic!("{other:?} instead of failing at {at}"),
        }
        self
    }

    /// The way taken: `number:done search:failure note:done`.
    #[track_caller]
    pub fn by(self, way: &str) -> Self {
        let taken: Vec<String> = self
            .trace()
            .iter()
            .map(|step| format!("{}:{}", step.step, step.branch.map_or("…", tieline_flow::Branch::as_str)))
            .collect();
        assert_eq!(taken.join(" "), way);
        self
    }

    pub fn trace(&self) -> &[TraceStep] {
        self.run.trace()
    }

    /// The trace entry of a step that ran.
    #[track_caller]
    pub fn step(&self, id: &str) -> &TraceStep {
        self.trace().iter().find(|step| step.step == id).unwrap_or_else(|| panic!("{id} did not run"))
    }

    pub fn next(&self) -> &Next {
        &self.next
    }
}

/// One of the published flows, imported; `None` where the data beside the project is absent, which
/// it never is in CI.
pub fn published(name: &str, on: &str) -> Option<Document> {
    let bytes = published_bytes(name)?;
    let options = Options { stem: Some(name), on: Some(on), ..Options::default() };
    Some(cti::import_json(&bytes, options).unwrap().document)
}

pub fn published_bytes(name: &str) -> Option<Vec<u8>> {
    let path = published_folder()?.join(format!("{name}.json"));
    Some(std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

pub fn published_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/cti-flows");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{} is missing", folder.display());
    None
}
