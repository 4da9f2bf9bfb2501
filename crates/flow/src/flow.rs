use crate::value::Compiled;
use crate::{Branch, Document, InputSpec, Problem, StepSpec, check};

/// A document without problems, ready to run. Runs share it: `Arc<Flow>`.
#[derive(Debug)]
pub struct Flow {
    pub(crate) document: Document,
    /// In the order of the document.
    pub(crate) steps: Vec<CompiledStep>,
    /// Position of the first step.
    pub(crate) start: usize,
}

#[derive(Debug)]
pub(crate) struct CompiledStep {
    pub id: String,
    pub title: Option<String>,
    pub spec: &'static StepSpec,
    /// In the order of the declaration.
    pub inputs: Vec<(&'static InputSpec, Compiled)>,
    /// Branches that lead somewhere, by position in [`Flow::steps`].
    pub next: Vec<(Branch, usize)>,
}

impl Flow {
    /// Checks the document and compiles its values.
    ///
    /// # Errors
    ///
    /// Every problem of the document, as [`crate::check`] reports them.
    pub fn load(document: Document) -> Result<Self, Vec<Problem>> {
        let analysis = check::analyse(&document);
        match analysis.start {
            Some(start) if analysis.problems.is_empty() => {
                Ok(Self { steps: analysis.steps, start, document })
            }
            _ => Err(analysis.problems),
        }
    }

    pub fn document(&self) -> &Document {
        &self.document
    }

    pub fn id(&self) -> &str {
        &self.document.id
    }

    pub fn name(&self) -> &str {
        &self.document.name
    }
}
