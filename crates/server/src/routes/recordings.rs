//! Recordings: the notice that there will be one, what there is, and playing it.
//!
//! An address by which one can be heard is a bearer token. It is made for one play, after asking
//! who plays, lives minutes, goes nowhere but into the `Location` of the answer, and leaves a row
//! in the audit log.

use std::ops::Range;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tieline_amazon_connect::recordings::is_contact_id;
use tieline_bridge::merge::{KeptPart, merge};
use tieline_core::{
    Channel, Contact, ContactId, Playback, Recording, RecordingError, RecordingState, WorkspaceName,
    next_poll,
};
use tieline_engine::Recordings;
use tieline_store::{AuditEntry, ContactSnapshot, Insertion};
use utoipa::ToSchema;

use crate::body::{self, DELIVERY_LIMIT};
use crate::guard;
use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

/// The longest piece of a recording in one answer.
const LONGEST_PIECE: u64 = 4 * 1024 * 1024;

/// The longest number or address of a customer.
const LONGEST_NUMBER: usize = 256;

/// The notice, in both spellings: `contactId`, or the reference tutorial's `ContactId`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Notice {
    #[serde(alias = "ContactId")]
    #[schema(example = "0123abcd-4567-89ab-cdef-0123456789ab")]
    contact_id: Option<String>,
    /// As the contact center wrote it; `anonymous` and its like are none.
    #[serde(alias = "ContactNumber")]
    customer_number: Option<String>,
    channel: Option<String>,
    /// When the agent joined (RFC 3339): the recording is filed under that day.
    connected_at: Option<String>,
    initial_contact_id: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Noted {
    contact_id: String,
    /// The first notice of this contact.
    new: bool,
}

/// Notes that a contact was recorded.
///
/// Idempotent by the contact's id: 201 the first time, 200 afterwards. Stored before it answers.
#[utoipa::path(post, path = "/v1/workspaces/{workspace}/recordings/callback", tag = "recordings",
    request_body = Notice,
    params(("workspace" = String, Path)), security(("key" = [])),
    responses(
        (status = 201, description = "Noted", body = Noted),
        (status = 200, description = "Was noted before", body = Noted),
        (status = 400, description = "`malformed_request`, `recording.invalid_contact`, `body_too_deep`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, description = "`unauthorized`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`operation_not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn callback(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (workspace, _, key) = guard::keyed(&state, &workspace, &headers)?;
    guard::allowed(key, "recordings", "callback")?;
    let body = body::read(&headers, body, DELIVERY_LIMIT).await?;
    if body::too_deep(&body, body::DEPTH) {
        return Err(Problem::new(
            Code::BodyTooDeep,
            format!("nest at most {} lists and objects", body::DEPTH),
        ));
    }
    // The parser's own text may quote a number.
    let notice: Notice = serde_json::from_slice(&body)
        .map_err(|_| malformed("send an object with `contactId` and `customerNumber`, all texts"))?;
    let (contact, facts) = facts(notice)?;
    let near = facts.connected_at;
    let noted = state.pipeline.note_recording(&workspace, &contact, facts, true).await?;
    let noted = noted.ok_or_else(Problem::unauthorized)?;
    let new = noted == Insertion::Stored;
    if new && state.workspaces.recordings(&workspace).is_some() {
        let near = near.unwrap_or_else(|| state.clock.now());
        tokio::spawn(watch(state.clone(), workspace, contact.clone(), near));
    }
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, axum::Json(Noted { contact_id: contact.to_string(), new })).into_response())
}

fn facts(notice: Notice) -> Result<(ContactId, Contact), Problem> {
    let invalid = || Problem::new(Code::Recording(RecordingError::InvalidContact), "`contactId` is a UUID");
    let id = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        if is_contact_id(&text) { ContactId::new(text).map_err(|_| invalid()) } else { Err(invalid()) }
    };
    let contact = id(notice.contact_id.as_deref().unwrap_or_default())?;
    let number = notice.customer_number.as_deref().map(str::trim).filter(|number| !number.is_empty());
    let number = number.ok_or_else(|| malformed("`customerNumber` is missing"))?;
    if number.len() > LONGEST_NUMBER || number.chars().any(char::is_control) {
        return Err(malformed("`customerNumber` is no number"));
    }
    let channel = match notice.channel.as_deref().map(str::to_ascii_lowercase) {
        None => Some(Channel::Voice),
        Some(word) => Some(
            serde_json::from_value(word.into()).map_err(|_| malformed("`channel` is no channel we know"))?,
        ),
    };
    let connected_at = notice
        .connected_at
        .map(|at| at.parse::<Timestamp>())
        .transpose()
        .map_err(|_| malformed("`connectedAt` is no time such as 2026-01-15T12:30:00Z"))?;
    let root = notice.initial_contact_id.as_deref().map(id).transpose()?;
    let facts = Contact {
        root,
        channel,
        customer: Some(number.to_owned()),
        connected_at,
        recording: Some(RecordingState::Pending),
        ..Contact::default()
    };
    Ok((contact, facts))
}

/// Looks for a recording that was announced, 1, 2, 5, 10 and 30 minutes after. A restart ends it;
/// whoever lists the recordings then finds it.
async fn watch(state: AppState, workspace: WorkspaceName, contact: ContactId, near: Timestamp) {
    let begun = state.clock.now();
    while let Some(at) = next_poll(begun, state.clock.now()) {
        state.clock.sleep_until(at).await;
        let Some(recordings) = state.workspaces.recordings(&workspace) else { return };
        match recordings.store.find(&contact, Some(near)).await {
            Ok(found) if found.is_empty() => {}
            Ok(_) => {
                note(&state, &workspace, &contact, RecordingState::Available).await;
                return;
            }
            Err(error) => {
                tracing::warn!(contact.id = %contact, code = error.code(), "Could not look for the recording of {contact}");
            }
        }
    }
}

async fn note(state: &AppState, workspace: &WorkspaceName, contact: &ContactId, recording: RecordingState) {
    let facts = Contact { recording: Some(recording), ..Contact::default() };
    if let Err(error) = state.pipeline.note_recording(workspace, contact, facts, false).await {
        tracing::warn!(contact.id = %contact, %error, "Could not note the recording of {contact}");
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RecordingList {
    /// `pending` while one is expected, `available`, `gone` once it was deleted, `none`.
    #[schema(example = "available")]
    state: &'static str,
    /// When it will be looked for again (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    next_look_at: Option<String>,
    /// Of this contact and the other legs of its conversation; the one to play first at the front.
    recordings: Vec<RecordingView>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RecordingView {
    id: String,
    /// The leg it belongs to; each transfer makes one.
    contact_id: String,
    redacted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    bytes: u64,
    /// Where it is played.
    media: String,
}

/// Lists what was recorded of a contact.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}/contacts/{contact}/recordings", tag = "recordings",
    params(("workspace" = String, Path), ("contact" = String, Path)), security(("key" = []), ("session" = [])),
    responses(
        (status = 200, body = RecordingList),
        (status = 401, description = "`unauthorized`, `not_signed_in`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`operation_not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`contact_not_found`, `recording.not_configured`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "`recording.access_denied` and its like: the storage refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`recording.unavailable`, `recording.clock_skew`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn list(
    State(state): State<AppState>,
    Path((workspace, contact)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::authorize(&state, &workspace, &contact, &headers).await?;
    let found = asked.find(&state).await?;
    let now = state.clock.now();
    let before = asked.contact.recording;
    let (word, next) = if found.is_empty() {
        match before {
            Some(RecordingState::Deleted | RecordingState::Available) => ("gone", None),
            Some(RecordingState::Pending) => {
                ("pending", asked.near().and_then(|near| next_poll(near, now)).map(|at| at.to_string()))
            }
            None => ("none", None),
        }
    } else {
        ("available", None)
    };
    // Only our own notice is corrected; what the contact center says, it corrects itself.
    match (word, before) {
        ("available", Some(RecordingState::Pending)) => {
            note(&state, &asked.workspace, &asked.id, RecordingState::Available).await;
        }
        ("gone", Some(RecordingState::Available)) => {
            note(&state, &asked.workspace, &asked.id, RecordingState::Deleted).await;
        }
        _ => {}
    }
    let view = |recording: Recording| RecordingView {
        media: format!(
            "/v1/workspaces/{}/contacts/{}/recordings/{}/media",
            asked.workspace, asked.id, recording.id
        ),
        id: recording.id,
        contact_id: recording.contact.to_string(),
        redacted: recording.redacted,
        started_at: recording.started_at.map(|at| at.to_string()),
        bytes: recording.bytes,
    };
    let list =
        RecordingList { state: word, next_look_at: next, recordings: found.into_iter().map(view).collect() };
    Ok(([(header::CACHE_CONTROL, "no-store")], axum::Json(list)).into_response())
}

/// Plays one: 302 to an address that lives minutes, or the bytes where a folder holds them.
///
/// Every play leaves a row in the audit log before anything is answered.
#[utoipa::path(get, path = "/v1/workspaces/{workspace}/contacts/{contact}/recordings/{recording}/media", tag = "recordings",
    params(("workspace" = String, Path), ("contact" = String, Path), ("recording" = String, Path)),
    security(("key" = []), ("session" = [])),
    responses(
        (status = 302, description = "To the recording; the address is for this play only"),
        (status = 200, description = "The recording", content_type = "audio/wav"),
        (status = 206, description = "A piece of the recording", content_type = "audio/wav"),
        (status = 401, description = "`unauthorized`, `not_signed_in`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`operation_not_allowed`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`contact_not_found`, `recording.not_found`, `recording.not_configured`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 416, description = "`range_not_satisfiable`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 502, description = "`recording.access_denied` and its like: the storage refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "`recording.unavailable`, `recording.clock_skew`, `store_unavailable`", body = ProblemBody, content_type = "application/problem+json"),
    ))]
pub(super) async fn media(
    State(state): State<AppState>,
    Path((workspace, contact, recording)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::authorize(&state, &workspace, &contact, &headers).await?;
    let found = asked.find(&state).await?.into_iter().find(|found| found.id == recording);
    let found = found.ok_or(RecordingError::NotFound)?;
    let playback = asked.recordings(&state)?.store.play(&found, asked.recordings(&state)?.life).await?;
    asked.audit(&state, &found).await?;
    let mut response = match playback {
        Playback::Address { url, .. } => {
            let location = HeaderValue::from_str(&url).map_err(|_| RecordingError::UnsafeName)?;
            (StatusCode::FOUND, [(header::LOCATION, location)]).into_response()
        }
        Playback::Bytes => piece(asked.recordings(&state)?, &found, &headers).await?,
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// One range of a recording that lies in a folder; a player asks for the next.
async fn piece(
    recordings: &Recordings,
    recording: &Recording,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let size = recording.bytes;
    let asked = headers.get(header::RANGE).and_then(|range| range.to_str().ok());
    let range = match asked.map(|text| range_of(text, size)) {
        // Without a range, and with one that cannot be read (RFC 9110 §14.2), all of it.
        None | Some(Asking::All) => None,
        Some(Asking::Piece(range)) => Some(range),
        Some(Asking::Outside) => {
            let all = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            let problem = Problem::new(Code::RangeNotSatisfiable, format!("the recording has {size} bytes"));
            return Ok((all, problem).into_response());
        }
    };
    let kind = (header::CONTENT_TYPE, "audio/wav".to_owned());
    let ranges = (header::ACCEPT_RANGES, "bytes".to_owned());
    let Some(range) = range else {
        let (store, recording) = (recordings.store.clone(), recording.clone());
        let body = futures::stream::unfold(0, move |at| {
            let (store, recording) = (store.clone(), recording.clone());
            async move {
                if at >= size {
                    return None;
                }
                let end = size.min(at + LONGEST_PIECE);
                let bytes = store.bytes(&recording, at..end).await.map(Bytes::from);
                let next = if bytes.is_ok() { end } else { size };
                Some((bytes.map_err(std::io::Error::other), next))
            }
        });
        let headers = [kind, ranges, (header::CONTENT_LENGTH, size.to_string())];
        return Ok((headers, Body::from_stream(body)).into_response());
    };
    let span = (header::CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1));
    let bytes = recordings.store.bytes(recording, range).await?;
    Ok((StatusCode::PARTIAL_CONTENT, [kind, ranges, span], bytes).into_response())
}

enum Asking {
    All,
    Piece(Range<u64>),
    Outside,
}

/// One range of bytes: `bytes=0-99`, `bytes=100-`, `bytes=-50`. Several are answered with all.
fn range_of(text: &str, size: u64) -> Asking {
    let Some((from, to)) = text.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Asking::All;
    };
    let (from, to) = (from.trim(), to.trim());
    let number = |text: &str| text.parse::<u64>().ok();
    let range = match (from.is_empty(), number(from), to.is_empty(), number(to)) {
        (true, _, false, Some(last)) => size.saturating_sub(last)..size,
        (false, Some(first), true, _) => first..size,
        (false, Some(first), false, Some(last)) if first <= last => first..size.min(last.saturating_add(1)),
        _ => return Asking::All,
    };
    if range.start >= size || range.is_empty() {
        return Asking::Outside;
    }
    Asking::Piece(range.start..range.end.min(range.start + LONGEST_PIECE))
}

/// A caller who may hear the recordings of one contact.
struct Asked {
    workspace: WorkspaceName,
    id: ContactId,
    contact: Contact,
    actor: String,
}

impl Asked {
    /// A key that was given `recordings:play`, or the agent of that very contact.
    async fn authorize(
        state: &AppState,
        workspace: &str,
        contact: &str,
        headers: &HeaderMap,
    ) -> Result<Self, Problem> {
        let unknown = || Problem::new(Code::ContactNotFound, "this workspace knows no contact of this id");
        if guard::bearer(headers).is_some() {
            let (workspace, _, key) = guard::keyed(state, workspace, headers)?;
            guard::allowed(key, "recordings", "play")?;
            let id = ContactId::new(contact).map_err(|_| unknown())?;
            let contact = known(state, &workspace, &id).await?.ok_or_else(unknown)?;
            return Ok(Self { workspace, id, contact, actor: format!("key:{}", key.name) });
        }
        let workspace = WorkspaceName::new(workspace).map_err(|_| Problem::not_signed_in())?;
        let who = guard::signed_in(state, &workspace, headers).await?;
        guard::same_site(state, &http::Method::GET, headers)?;
        // To an agent a contact of somebody else is none.
        let id = ContactId::new(contact).map_err(|_| unknown())?;
        let contact = known(state, &workspace, &id).await?.ok_or_else(unknown)?;
        let binding = state.store.binding(&workspace, &who.agent.id).await?;
        let theirs = contact.agent.as_ref().is_some_and(|agent| {
            let login = agent.login.as_deref();
            // Logins are no secrets, and their case means nothing to the contact center.
            login
                .zip(binding.as_ref())
                .is_some_and(|(login, binding)| login.eq_ignore_ascii_case(&binding.phone_login))
        });
        if !theirs {
            return Err(unknown());
        }
        Ok(Self { workspace, id, contact, actor: format!("agent:{}", who.agent.id) })
    }

    fn recordings<'a>(&self, state: &'a AppState) -> Result<&'a Recordings, Problem> {
        state.workspaces.recordings(&self.workspace).ok_or_else(|| {
            Problem::new(
                Code::RecordingNotConfigured,
                "set `[connections.<name>.recordings]` of this workspace's contact center",
            )
        })
    }

    /// When the agent joined, or what comes next to it: recordings are filed under that day.
    fn near(&self) -> Option<Timestamp> {
        self.contact.connected_at.or(self.contact.started_at).or(self.contact.ended_at)
    }

    /// Of the contact and of the other legs that this workspace knows.
    async fn find(&self, state: &AppState) -> Result<Vec<Recording>, Problem> {
        let store = &self.recordings(state)?.store;
        let near = self.near().or_else(|| Some(state.clock.now()));
        let mut found = store.find(&self.id, near).await?;
        let legs = [self.contact.root.as_ref(), self.contact.previous.as_ref()];
        let mut seen = vec![&self.id];
        for leg in legs.into_iter().flatten() {
            // An agent may hear what was said before the call came to them.
            if !seen.contains(&leg) {
                seen.push(leg);
                found.extend(store.find(leg, near).await?);
            }
        }
        Ok(found)
    }

    async fn audit(&self, state: &AppState, recording: &Recording) -> Result<(), Problem> {
        let entry = AuditEntry {
            workspace: self.workspace.clone(),
            at: state.clock.now(),
            actor: self.actor.clone(),
            action: "recording.play",
            subject: self.id.to_string(),
            detail: format!("{} of {}", recording.id, recording.contact),
        };
        let row = state.store.audit(entry).await?;
        tracing::info!(contact.id = %self.id, audit.row = row, "A recording of {} is played", self.id);
        Ok(())
    }
}

async fn known(
    state: &AppState,
    workspace: &WorkspaceName,
    contact: &ContactId,
) -> Result<Option<Contact>, Problem> {
    let snapshot = state.store.contacts(&[(workspace.clone(), contact.clone())]).await?.pop();
    let known = |snapshot: ContactSnapshot| {
        snapshot.row.is_some().then(|| {
            let parts: Vec<KeptPart> = snapshot
                .parts
                .into_iter()
                .map(|part| KeptPart { kind: part.kind, version: part.version, document: part.document })
                .collect();
            merge(&parts)
        })
    };
    Ok(snapshot.and_then(known))
}

fn malformed(detail: &str) -> Problem {
    Problem::new(Code::MalformedRequest, detail)
}

impl From<RecordingError> for Problem {
    fn from(error: RecordingError) -> Self {
        let problem = Self::new(Code::Recording(error), error.to_string());
        match error {
            RecordingError::Unavailable => problem.retry_after(Duration::from_secs(10)),
            _ => problem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_read_as_players_write_it() {
        let piece = |text: &str, size| match range_of(text, size) {
            Asking::All => "all".to_owned(),
            Asking::Outside => "outside".to_owned(),
            Asking::Piece(range) => format!("{}..{}", range.start, range.end),
        };
        assert_eq!(piece("bytes=0-", 10), "0..10");
        assert_eq!(piece("bytes=2-4", 10), "2..5");
        assert_eq!(piece("bytes=2-400", 10), "2..10");
        assert_eq!(piece("bytes=-3", 10), "7..10");
        assert_eq!(piece("bytes=-30", 10), "0..10");
        assert_eq!(piece("bytes=10-", 10), "outside");
        assert_eq!(piece("bytes=-0", 10), "outside");
        assert_eq!(piece("bytes=0-", 0), "outside");
        for all in ["bytes=5-2", "bytes=a-b", "bytes=0-1,4-5", "lines=0-1", "bytes=-"] {
            assert_eq!(piece(all, 10), "all", "{all}");
        }
        assert_eq!(piece("bytes=0-", LONGEST_PIECE * 2), format!("0..{LONGEST_PIECE}"));
    }
}
