//! The agent's socket: `tieline.v1` between a panel and its agent's desk.
//!
//! Here the upgrade is guarded, text becomes frames and frames become text; what they mean is
//! the engine's business.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::response::Response;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, header};
use tieline_core::WorkspaceName;
use tieline_engine::agents::{Door, Outgoing, PageHandle};
use tieline_engine::protocol::{
    Bye, ByeCode, Hello, MAX_FRAME_BYTES, SUBPROTOCOL, ServerFrame, decode, encode,
};
use tokio_tungstenite::tungstenite;

use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

/// A frame somewhat too large is answered with its code; one far beyond is not even read.
const MAX_READ_BYTES: usize = 4 * MAX_FRAME_BYTES;
/// Kept per socket, so small: five thousand agents idle most of the time.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// How long a page may take to read one frame.
const WRITE_WITHIN: Duration = Duration::from_secs(10);

/// The agent's socket.
#[utoipa::path(
    get, path = "/v1/workspaces/{workspace}/agent", tag = "agents",
    params(("workspace" = String, Path)),
    description = "A WebSocket with the subprotocol `tieline.v1`, from a page of Tieline's own origin. \
                   The first frame is `hello` with a ticket.",
    responses(
        (status = 101, description = "The socket is open; say `hello` within 5 seconds"),
        (status = 400, description = "`malformed_request`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, description = "`foreign_origin`", body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    )
)]
pub(super) async fn connect(
    State(state): State<AppState>,
    workspace: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let Path(workspace) = workspace.map_err(|_| Problem::not_found())?;
    let (workspace, _) = state.workspace(&workspace)?;
    // Browsers always say where a socket is opened from, and no other site may open one.
    let ours = state.origin();
    if headers.get(header::ORIGIN).is_none_or(|origin| origin.as_bytes() != ours.as_bytes()) {
        let detail = format!("open the socket from a page of {ours}, the panel's own address");
        return Err(Problem::new(Code::ForeignOrigin, detail));
    }
    let upgrade = upgrade.map_err(|_| {
        Problem::new(Code::MalformedRequest, "this address is a WebSocket: ask for the upgrade")
    })?;
    let known = upgrade.requested_protocols().any(|asked| asked.as_bytes() == SUBPROTOCOL.as_bytes());
    if !known {
        return Err(Problem::new(Code::MalformedRequest, "ask for the subprotocol `tieline.v1`"));
    }
    Ok(upgrade
        .protocols([SUBPROTOCOL])
        .max_message_size(MAX_READ_BYTES)
        .max_frame_size(MAX_READ_BYTES)
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_READ_BYTES)
        .on_upgrade(move |socket| converse(state, workspace, socket)))
}

type Writing = SplitSink<WebSocket, Message>;
type Reading = SplitStream<WebSocket>;

async fn converse(state: AppState, workspace: WorkspaceName, socket: WebSocket) {
    let (mut writing, mut reading) = socket.split();
    let bye = match hello(&state, &mut reading).await {
        Ok(Some(hello)) => match state.hub.connect(&workspace, hello).await {
            Ok(page) => relay(page, &mut writing, &mut reading).await,
            Err(bye) => Some(bye),
        },
        Ok(None) => None,
        Err(bye) => Some(bye),
    };
    if let Some(bye) = bye {
        let reason = bye.code.as_str().into();
        let text = encode(&ServerFrame::Bye(bye));
        if write(&mut writing, Message::text(text)).await {
            let close = CloseFrame { code: close_code::POLICY, reason };
            write(&mut writing, Message::Close(Some(close))).await;
        }
    }
    // Nothing is left to say; whatever the other side still sends is not read.
    let _ = tokio::time::timeout(WRITE_WITHIN, writing.close()).await;
}

/// Waits for a good `hello`; `None` when the socket ended before.
async fn hello(state: &AppState, reading: &mut Reading) -> Result<Option<Box<Hello>>, Bye> {
    let door = Door::new(state.clock.now());
    loop {
        let message = tokio::select! {
            message = reading.next() => message,
            () = state.clock.sleep_until(door.closes_at()) => return Err(ByeCode::NoHello.bye()),
        };
        match heard(message)? {
            Heard::Text(text) => {
                if let Some(hello) = door.text(state.clock.now(), &text)? {
                    return Ok(Some(hello));
                }
            }
            Heard::Alive => {}
            Heard::End => return Ok(None),
        }
    }
}

/// Carries frames both ways until one side ends; what to say at the end, if anything.
async fn relay(mut page: PageHandle, writing: &mut Writing, reading: &mut Reading) -> Option<Bye> {
    loop {
        tokio::select! {
            message = reading.next() => match heard(message) {
                Ok(Heard::Text(text)) => match decode(&text) {
                    Ok(Some(frame)) => {
                        if !page.frame(frame).await {
                            return Some(ByeCode::Unavailable.bye());
                        }
                    }
                    Ok(None) => {
                        page.heard().await;
                    }
                    Err(bad) => return Some(bad.code.bye_because(bad.detail)),
                },
                Ok(Heard::Alive) => {
                    page.heard().await;
                }
                Ok(Heard::End) => return None,
                Err(bye) => return Some(bye),
            },
            outgoing = page.outgoing.recv() => match outgoing {
                Some(Outgoing::Frame(frame)) => {
                    if !write(writing, Message::text(encode(&frame))).await {
                        return None;
                    }
                }
                Some(Outgoing::Ping) => {
                    if !write(writing, Message::Ping(bytes::Bytes::new())).await {
                        return None;
                    }
                }
                Some(Outgoing::Close(bye)) => return Some(bye),
                None => return Some(ByeCode::TooSlow.bye()),
            },
        }
    }
}

enum Heard {
    Text(axum::extract::ws::Utf8Bytes),
    /// Nothing to read, but somebody is there.
    Alive,
    End,
}

fn heard(message: Option<Result<Message, axum::Error>>) -> Result<Heard, Bye> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Heard::Text(text)),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(Heard::Alive),
        Some(Ok(Message::Binary(_))) => Err(ByeCode::NotText.bye()),
        Some(Ok(Message::Close(_))) | None => Ok(Heard::End),
        Some(Err(error)) => match error.into_inner().downcast_ref::<tungstenite::Error>() {
            Some(tungstenite::Error::Capacity(_)) => Err(ByeCode::TooLarge.bye()),
            Some(tungstenite::Error::Utf8(_)) => Err(ByeCode::NotText.bye()),
            // The connection is broken; there is nobody to say goodbye to.
            _ => Ok(Heard::End),
        },
    }
}

/// False when the page is gone or does not read.
async fn write(writing: &mut Writing, message: Message) -> bool {
    matches!(tokio::time::timeout(WRITE_WITHIN, writing.send(message)).await, Ok(Ok(())))
}
