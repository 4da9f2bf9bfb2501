//! From a contact's parts to the update that is saved: what lists show, and outbox rows.

use std::collections::{BTreeMap, HashMap};

use tieline_bridge::merge::{KeptPart, document_hash, flow_fields, merge, party};
use tieline_bridge::project::{Known, Projected, project};
use tieline_core::{AgentId, Contact, PartKind, RecordId, WorkspaceName};
use tieline_store::{ContactRow, ContactSnapshot, ContactUpdate, OutboxPut, Part, StoreError};

use super::setup::{Shared, WorkspaceSetup};
use super::timing::{Moment, due};

/// The CRM's users behind contact-center logins, per workspace, read once per batch.
#[derive(Default)]
pub(super) struct Agents {
    known: HashMap<WorkspaceName, HashMap<String, AgentId>>,
}

impl Agents {
    pub async fn user(
        &mut self,
        shared: &Shared,
        workspace: &WorkspaceName,
        contact: &Contact,
    ) -> Result<Option<AgentId>, StoreError> {
        let Some(login) = contact.agent.as_ref().and_then(|agent| agent.login.as_deref()) else {
            return Ok(None);
        };
        if !self.known.contains_key(workspace) {
            let bindings = shared.store.bindings(workspace).await?;
            let users = bindings.into_iter().map(|b| (b.phone_login.to_lowercase(), b.agent)).collect();
            self.known.insert(workspace.clone(), users);
        }
        Ok(self.known[workspace].get(&login.to_lowercase()).cloned())
    }
}

/// A contact as it is now, and what the CRM should hold of it.
pub(super) struct View {
    pub contact: Contact,
    pub projected: Vec<Projected>,
}

pub(super) fn kept_parts(snapshot: &ContactSnapshot) -> Vec<KeptPart> {
    snapshot
        .parts
        .iter()
        .map(|part| KeptPart { kind: part.kind, version: part.version, document: part.document.clone() })
        .collect()
}

/// Puts a part in its kind's place.
pub(super) fn replace(parts: &mut Vec<KeptPart>, part: KeptPart) {
    match parts.iter_mut().find(|kept| kept.kind == part.kind) {
        Some(kept) => *kept = part,
        None => parts.push(part),
    }
}

/// Works out the contact and its records from `parts`.
pub(super) async fn view(
    shared: &Shared,
    workspace: &WorkspaceSetup,
    snapshot: &ContactSnapshot,
    parts: &[KeptPart],
    agents: &mut Agents,
) -> Result<View, StoreError> {
    let contact = merge(parts);
    let agent = agents.user(shared, &workspace.name, &contact).await?;
    let records: BTreeMap<String, RecordId> = snapshot
        .links
        .iter()
        .filter(|link| link.target == workspace.crm)
        .map(|link| (link.role.clone(), link.record.clone()))
        .collect();
    let customer = party(parts);
    let flow = flow_fields(parts);
    let known = Known {
        workspace: &workspace.name,
        contact_id: &snapshot.contact,
        contact: &contact,
        party: customer.as_ref(),
        flow: flow.as_ref(),
        agent: agent.as_ref(),
        records: &records,
        region: &workspace.region,
    };
    let projected = project(&workspace.profile, &known);
    Ok(View { contact, projected })
}

/// The update that brings the store from `snapshot` to `view`.
///
/// `changed` are the kinds of parts that are new; `waited_for` says that a flow waits for its
/// call log.
pub(super) fn update(
    shared: &Shared,
    workspace: &WorkspaceSetup,
    snapshot: &ContactSnapshot,
    parts: &[KeptPart],
    changed: &[PartKind],
    view: &View,
    waited_for: bool,
) -> ContactUpdate {
    let now = shared.clock.now();
    let contact = &view.contact;
    let has = |kind| parts.iter().any(|part| part.kind == kind);
    let mut outbox = Vec::new();
    for projected in &view.projected {
        let row = snapshot.outbox.iter().find(|row| {
            row.target == workspace.crm && row.object == projected.object && row.key == projected.key
        });
        let takes_flow = workspace.profile.record(&projected.object).is_some_and(|record| record.flow);
        let moment = Moment {
            now,
            contact,
            has_record: has(PartKind::Record),
            asked: takes_flow && has(PartKind::Flow),
            waited_for: takes_flow && waited_for,
            row,
        };
        let Some((not_before, priority)) = due(&moment, &shared.options) else { continue };
        outbox.push(OutboxPut {
            target: workspace.crm.clone(),
            object: projected.object.clone(),
            key_field: projected.key_field.clone(),
            key: projected.key.clone(),
            fields: projected.fields.clone(),
            hash: projected.hash.clone(),
            after: projected.after.clone(),
            priority,
            not_before,
        });
    }
    ContactUpdate {
        expected_revision: snapshot.revision,
        row: ContactRow {
            workspace: workspace.name.clone(),
            contact: snapshot.contact.clone(),
            root: contact.root.clone(),
            channel: contact.channel,
            direction: contact.direction,
            state: contact.state,
            agent: contact.agent.as_ref().and_then(|agent| agent.login.clone().or(agent.id.clone())),
            queue: contact.queue.as_ref().and_then(|queue| queue.name.clone().or(queue.id.clone())),
            customer: contact.customer.clone(),
            started_at: contact.started_at,
            ended_at: contact.ended_at,
            updated_at: now,
        },
        parts: parts
            .iter()
            .filter(|part| changed.contains(&part.kind))
            .map(|part| Part {
                kind: part.kind,
                version: part.version,
                hash: document_hash(&part.document),
                document: part.document.clone(),
            })
            .collect(),
        outbox,
    }
}
