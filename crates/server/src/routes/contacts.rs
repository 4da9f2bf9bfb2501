//! Contacts as Tieline knows them.

use axum::extract::{Path, Query, State};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_core::{ContactId, ContactState};
use tieline_store::{ContactFilter, ContactRow, ContactSnapshot, OutboxState};
use utoipa::{IntoParams, ToSchema};

use crate::guard;
use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

const DEFAULT_PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// How many, 1 to 200; 50 when absent.
    limit: Option<usize>,
    /// `started`, `queued`, `connected`, `ended` or `completed`.
    #[param(value_type = Option<String>)]
    state: Option<ContactState>,
    agent: Option<String>,
    queue: Option<String>,
    /// The customer's address as the contact center wrote it.
    customer: Option<String>,
    /// Started at or after (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Started before (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// `next` of the previous page.
    after: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ContactList {
    /// Latest start first.
    contacts: Vec<ContactSummary>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A contact without what its sources said one by one.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactSummary {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    queue: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<String>,
    updated_at: String,
}

/// A contact with what is known of it and where it stands in the CRM.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactDetail {
    contact: ContactSummary,
    /// What each kind of source said, newest version each.
    parts: Vec<PartView>,
    /// Its records in the CRM.
    records: Vec<RecordView>,
    /// What was or will be written there.
    writes: Vec<WriteView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct PartView {
    #[schema(example = "record")]
    kind: &'static str,
    /// When the source says it was so (RFC 3339).
    at: String,
    #[schema(value_type = Object)]
    document: serde_json::Value,
}

#[derive(Debug, Serialize, ToSchema)]
struct RecordView {
    connection: String,
    #[schema(example = "Task")]
    role: String,
    id: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct WriteView {
    connection: String,
    #[schema(example = "Interaction__c")]
    object: String,
    /// `wait`, `done` or `dead`.
    #[schema(value_type = String, example = "done")]
    state: OutboxState,
    attempts: u32,
    /// Fields the CRM does not have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dropped: Vec<String>,
    /// What the CRM said last against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl From<ContactRow> for ContactSummary {
    fn from(row: ContactRow) -> Self {
        Self {
            id: row.contact.into(),
            root: row.root.map(Into::into),
            channel: row.channel.as_ref().map(word),
            direction: row.direction.as_ref().map(word),
            state: row.state.as_ref().map(word),
            agent: row.agent,
            queue: row.queue,
            customer: row.customer,
            started_at: row.started_at.map(|at| at.to_string()),
            ended_at: row.ended_at.map(|at| at.to_string()),
            updated_at: row.updated_at.to_string(),
        }
    }
}

impl ContactDetail {
    /// `None` when nothing is known of the contact.
    pub fn of(snapshot: ContactSnapshot) -> Option<Self> {
        Some(Self {
            contact: snapshot.row?.into(),
            parts: snapshot
                .parts
                .into_iter()
                .map(|part| PartView {
                    kind: part.kind.as_str(),
                    at: part.version.at.to_string(),
                    document: part.document,
                })
                .collect(),
            records: snapshot
                .links
                .into_iter()
                .map(|link| RecordView {
                    connection: link.target.into(),
                    role: link.role,
                    id: link.record.into(),
                })
                .collect(),
            writes: snapshot
                .outbox
                .into_iter()
                .map(|entry| WriteView {
                    connection: entry.target.into(),
                    object: entry.object,
                    state: entry.state,
                    attempts: entry.attempts,
                    dropped: entry.dropped,
                    error: entry.error_code.map(|code| match entry.error_message {
                        Some(message) => format!("{code}: {message}"),
                        None => code,
                    }),
                })
                .collect(),
        })
    }
}

/// The word an enumeration has in JSON.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        _ => String::new(),
    }
}

/// Lists a workspace's contacts.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}/contacts", tag = "contacts",
    params(("workspace" = String, Path), ListQuery), security(("key" = [])),
    responses(
        (status = 200, body = ContactList),
        (status = 400, description = "`malformed_request`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`operation_not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn list(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<axum::Json<ContactList>, Problem> {
    let (workspace, _, key) = guard::keyed(&state, &workspace, &headers)?;
    guard::allowed(key, "contacts", "read")?;
    let Query(query) =
        query.map_err(|_| malformed("a parameter cannot be read; /openapi.json lists them"))?;
    let limit = query.limit.unwrap_or(DEFAULT_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(malformed("`limit` is 1 to 200"));
    }
    let after = match query.after {
        Some(text) => Some(cursor(&text).ok_or_else(|| malformed("`after` is `next` of the previous page"))?),
        None => None,
    };
    let filter = ContactFilter {
        state: query.state,
        agent: query.agent,
        queue: query.queue,
        customer: query.customer,
        since: query.since,
        until: query.until,
        after,
    };
    // One more than asked for tells whether there is another page.
    let mut rows = state.store.list_contacts(&workspace, &filter, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).and_then(|row| {
        let text = format!("{} {}", row.started_at?.as_millisecond(), row.contact);
        Some(BASE64_URL_SAFE_NO_PAD.encode(text))
    });
    Ok(axum::Json(ContactList { contacts: rows.into_iter().map(Into::into).collect(), next }))
}

/// One contact.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}/contacts/{contact}", tag = "contacts",
    params(("workspace" = String, Path), ("contact" = String, Path)), security(("key" = [])),
    responses(
        (status = 200, body = ContactDetail),
        (status = 401, description = "`unauthorized`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`operation_not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`contact_not_found`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn one(
    State(state): State<AppState>,
    Path((workspace, contact)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<axum::Json<ContactDetail>, Problem> {
    let (workspace, _, key) = guard::keyed(&state, &workspace, &headers)?;
    guard::allowed(key, "contacts", "read")?;
    let unknown = || Problem::new(Code::ContactNotFound, "this workspace knows no contact of this id");
    let contact = ContactId::new(contact).map_err(|_| unknown())?;
    let snapshots = state.store.contacts(&[(workspace, contact)]).await?;
    let detail = snapshots.into_iter().next().and_then(ContactDetail::of);
    detail.map(axum::Json).ok_or_else(unknown)
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Code::MalformedRequest, detail)
}

fn cursor(text: &str) -> Option<(Timestamp, ContactId)> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (at, contact) = text.split_once(' ')?;
    Some((Timestamp::from_millisecond(at.parse().ok()?).ok()?, ContactId::new(contact).ok()?))
}
