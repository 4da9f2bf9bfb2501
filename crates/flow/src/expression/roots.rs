use std::collections::HashMap;

use cel::common::types::{CelMap, CelMapKey};
use cel::common::value::Val;
use serde_json::Value;
use tieline_core::JsonMap;

use super::convert;
use crate::Scope;

/// What references and expressions begin with.
#[derive(Debug)]
pub(crate) struct Roots {
    scope: Scope,
    /// Outputs of the steps that have run, by step id.
    steps: Value,
}

impl Roots {
    pub fn new(scope: Scope) -> Self {
        Self { scope, steps: Value::Object(JsonMap::new()) }
    }

    pub fn get(&self, root: &str) -> Option<&Value> {
        match root {
            "steps" => Some(&self.steps),
            "event" => Some(&self.scope.event),
            "payload" => Some(&self.scope.payload),
            "contact" => Some(&self.scope.contact),
            "agent" => Some(&self.scope.agent),
            "properties" => Some(&self.scope.properties),
            _ => None,
        }
    }

    pub fn contact(&self) -> &Value {
        &self.scope.contact
    }

    pub fn region(&self) -> Option<&str> {
        self.scope.region.as_deref()
    }

    pub fn step_done(&mut self, id: &str, outputs: JsonMap) {
        if let Value::Object(steps) = &mut self.steps {
            steps.insert(id.to_owned(), Value::Object(outputs));
        }
    }

    /// The root for CEL, texts borrowed; of `steps` only those in `needed`, when that is known.
    ///
    /// A root that is no object is an empty one: a click without a contact has no `contact.queue`,
    /// which is absence and no mistake in the expression.
    pub fn to_cel<'v>(
        &'v self,
        root: &str,
        needed: Option<&Vec<(String, Option<String>)>>,
    ) -> Result<Box<dyn Val + 'v>, String> {
        let mut nodes = convert::NODES;
        match (self.get(root), needed) {
            (Some(Value::Object(steps)), Some(needed)) => {
                let mut map: HashMap<CelMapKey<'v>, Box<dyn Val + 'v>> = HashMap::new();
                for (id, _) in needed {
                    if let Some((id, outputs)) = steps.get_key_value(id) {
                        map.insert(id.as_str().into(), convert::to_cel(outputs, &mut nodes)?);
                    }
                }
                Ok(Box::new(CelMap::from(map)))
            }
            (Some(value @ Value::Object(_)), None) => convert::to_cel(value, &mut nodes),
            _ => Ok(Box::new(CelMap::from(HashMap::new()))),
        }
    }
}
