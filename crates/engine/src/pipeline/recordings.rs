//! What is known of a contact's recording, taken in outside of what the contact center delivers.

use std::time::Duration;

use tieline_bridge::merge::absorb;
use tieline_core::{Contact, ContactChange, ContactId, PartKind, Version, WorkspaceName};
use tieline_store::{Insertion, StoreError};

use super::Pipeline;
use super::project::{Agents, kept_parts, replace, update, view};

const REPEATS: usize = 20;

impl Pipeline {
    /// Notes that a contact was recorded, or what became of its recording; returns when it is on
    /// disk. `None` for an unknown workspace.
    ///
    /// `first_only` is for a notice that may be sent again: the first one stays as it is, and the
    /// answer is [`Insertion::Duplicate`].
    pub async fn note_recording(
        &self,
        workspace: &WorkspaceName,
        contact: &ContactId,
        facts: Contact,
        first_only: bool,
    ) -> Result<Option<Insertion>, StoreError> {
        let shared = &self.shared;
        let Some(workspace) = shared.workspaces.get(workspace) else { return Ok(None) };
        let mut facts = facts;
        for _ in 0..REPEATS {
            let id = [(workspace.name.clone(), contact.clone())];
            let Some(snapshot) = shared.store.contacts(&id).await?.pop() else { return Ok(None) };
            let mut parts = kept_parts(&snapshot);
            let kept = parts.iter().find(|part| part.kind == PartKind::Recording);
            let mut at = shared.clock.now();
            if let Some(kept) = kept {
                if first_only {
                    return Ok(Some(Insertion::Duplicate));
                }
                // What the notice said of the contact stays; only the state is news.
                let said = serde_json::from_value::<Contact>(kept.document.clone()).unwrap_or_default();
                if said.recording == facts.recording {
                    return Ok(Some(Insertion::Duplicate));
                }
                facts = Contact { recording: facts.recording, ..said };
                // Two in one millisecond have an order all the same.
                let later = kept.version.at.checked_add(Duration::from_millis(1));
                at = at.max(later.unwrap_or(at));
            }
            let change = ContactChange {
                contact: contact.clone(),
                kind: PartKind::Recording,
                version: Version { rank: 0, at },
                document: facts.clone(),
            };
            let Some(part) = absorb(kept, &change) else { return Ok(Some(Insertion::Duplicate)) };
            replace(&mut parts, part);
            let view = view(shared, workspace, &snapshot, &parts, &mut Agents::default()).await?;
            let update = update(shared, workspace, &snapshot, &parts, &[PartKind::Recording], &view, false);
            if shared.store.save_contacts(vec![update], Vec::new()).await? {
                shared.wake_writers();
                return Ok(Some(Insertion::Stored));
            }
        }
        Err(StoreError::Closed)
    }
}
