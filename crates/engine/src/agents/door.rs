//! The first seconds of a socket: one good `hello`, in time, with a ticket.

use std::sync::Arc;

use jiff::Timestamp;
use tieline_core::WorkspaceName;
use tieline_store::Store;

use super::desk::Owner;
use super::{Gate, binding};
use crate::protocol::{Bye, ByeCode, DoneEvent, HELLO_WITHIN, Hello, PageFrame, decode};

/// Waits for the `hello` of one socket. Holds no socket and no clock.
#[derive(Debug)]
pub struct Door {
    closes_at: Timestamp,
}

impl Door {
    pub fn new(now: Timestamp) -> Self {
        Self { closes_at: now.checked_add(HELLO_WITHIN).unwrap_or(Timestamp::MAX) }
    }

    /// When to give up, with [`ByeCode::NoHello`].
    pub fn closes_at(&self) -> Timestamp {
        self.closes_at
    }

    /// Takes a frame that came before `hello` was accepted; `None` to go on waiting.
    ///
    /// # Errors
    ///
    /// What to say before the socket is closed.
    pub fn text(&self, now: Timestamp, text: &str) -> Result<Option<Box<Hello>>, Bye> {
        if now >= self.closes_at {
            return Err(ByeCode::NoHello.bye());
        }
        match decode(text) {
            Ok(Some(PageFrame::Hello(hello))) => Ok(Some(hello)),
            Ok(Some(_)) => Err(ByeCode::Unexpected.bye()),
            Ok(None) => Ok(None),
            Err(bad) => Err(bad.code.bye_because(bad.detail)),
        }
    }
}

/// Who came in, and what is known of the contacts their softphone shows.
#[derive(Debug)]
pub struct Admission {
    pub owner: Owner,
    pub session: [u8; 32],
    pub done: Vec<DoneEvent>,
}

/// Lets a page in: its ticket, the agent its softphone claims, and what was done before.
///
/// # Errors
///
/// What to say before the socket is closed.
pub async fn admit(
    workspace: &WorkspaceName,
    gate: &dyn Gate,
    store: &Arc<dyn Store>,
    now: Timestamp,
    hello: &Hello,
) -> Result<Admission, Bye> {
    let signed_in = gate
        .redeem(workspace, &hello.ticket)
        .await
        .map_err(|error| unavailable(&error))?
        .ok_or_else(|| ByeCode::BadTicket.bye())?;
    let agent = signed_in.agent;
    if let Some(claim) = &hello.phone.agent {
        let refused = binding::check(store, workspace, &agent, &claim.login, now)
            .await
            .map_err(|error| unavailable(&error))?;
        if let Some(why) = refused {
            return Err(ByeCode::AgentMismatch.bye_because(why));
        }
    }
    let contacts: Vec<_> = hello.phone.contacts.iter().map(|contact| contact.id.clone()).collect();
    let done = store
        .events_done(workspace, &agent.id, &contacts)
        .await
        .map_err(|error| unavailable(&error))?
        .into_iter()
        .map(|(contact, _, event)| DoneEvent { contact, event })
        .collect();
    let owner = Owner { workspace: workspace.clone(), agent };
    Ok(Admission { owner, session: signed_in.session, done })
}

fn unavailable(error: &(dyn std::error::Error + 'static)) -> Bye {
    tracing::error!(error, "Cannot let a page in");
    ByeCode::Unavailable.bye()
}
