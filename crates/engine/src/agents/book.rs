use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tieline_flow::Flow;
use tieline_store::FlowGrants;

use super::event;
use crate::protocol::SubscribedEvent;

/// A published version, ready to run.
#[derive(Debug)]
pub struct LoadedFlow {
    pub flow: Arc<Flow>,
    pub version: u64,
    pub grants: FlowGrants,
}

/// The flows in force in one workspace, by the event they wait for and in their order.
///
/// Never changed: publishing makes a new book, and runs keep the one they began with.
#[derive(Debug, Default)]
pub struct FlowBook {
    by_event: BTreeMap<(String, String), Vec<Arc<LoadedFlow>>>,
}

impl FlowBook {
    /// `flows` in the order they shall run.
    pub fn new(flows: impl IntoIterator<Item = LoadedFlow>) -> Self {
        let mut by_event: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for loaded in flows {
            // A flow without an event is a draft; it cannot be published and would never run.
            if let Some(on) = loaded.flow.document().on.clone() {
                let key = (on.source, on.event.unwrap_or_default());
                by_event.entry(key).or_default().push(Arc::new(loaded));
            }
        }
        Self { by_event }
    }

    pub fn flows_for(&self, source: &str, event: &str) -> &[Arc<LoadedFlow>] {
        // A tuple of owned text is what the map is keyed by; events are rare enough for two small copies.
        self.by_event.get(&(source.to_owned(), event.to_owned())).map_or(&[], Vec::as_slice)
    }

    /// What pages are told to send besides what they always send.
    pub fn subscribe(&self) -> Vec<SubscribedEvent> {
        let pairs: BTreeSet<SubscribedEvent> = self
            .by_event
            .keys()
            .filter(|(source, name)| !event::always_sent(source, name))
            .map(|(source, event)| SubscribedEvent { source: source.clone(), event: event.clone() })
            .collect();
        pairs.into_iter().collect()
    }
}
