//! Control of the simulated instance: calls, agents, deliveries; `files` has what is written into
//! its bucket.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::{Json, Router};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::call::{Call, Direction, Ending, Utterance};
use super::center::{Callee, Center, NewCall, Refusal};
use super::conversation::Who;
use super::deliveries::Delivery;
use super::files;
use super::server::Hall;
use crate::world::{self, Body, Part, Problem};

pub fn routes(hall: Arc<Hall>) -> Router {
    let world = hall.world.clone();
    let own = OpenApiRouter::new()
        .routes(routes!(list_calls, place_call))
        .routes(routes!(show_call))
        .routes(routes!(act_on_call))
        .routes(routes!(list_agents))
        .routes(routes!(set_agent_state))
        .routes(routes!(show_callee, set_callee))
        .routes(routes!(list_deliveries))
        .routes(routes!(send_again))
        .merge(files::routes())
        .with_state(hall);
    world::control::routes(&world, Part::AmazonConnect, own)
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unknown(why) => Self::not_found(why),
            Refusal::State(why) => Self::conflict(why),
            Refusal::Endpoint(why) => Self::invalid(why),
        }
    }
}

/// A customer's call.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct PlaceCall {
    /// A number, `anonymous`, a SIP address, or anything else a network may send.
    #[schema(example = "+12025550143")]
    from: String,
    /// The number dialled.
    to: Option<String>,
    /// `Sales`, `Billing` or `Support`; `Sales` when absent.
    queue: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    /// Only this agent may get it.
    agent: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CallPlaced {
    #[serde(rename = "contactId")]
    contact_id: String,
}

/// A customer calls.
#[utoipa::path(post, path = "/sandbox/v1/calls", tag = "calls", request_body = PlaceCall,
    responses((status = CREATED, body = CallPlaced), (status = "4XX", body = Problem)))]
async fn place_call(
    State(hall): State<Arc<Hall>>,
    Body(body): Body<PlaceCall>,
) -> Result<(StatusCode, Json<CallPlaced>), Problem> {
    let PlaceCall { from, to, queue, attributes, agent } = body;
    if from.len() > 256 || to.as_ref().is_some_and(|to| to.len() > 256) {
        return Err(Problem::invalid("an address has at most 256 bytes"));
    }
    let new = NewCall { from, to, queue, attributes, agent };
    let placed = hall.with(|center, now| center.call(now, new));
    let contact_id = placed.map_err(|refusal| match refusal {
        // The address of the request is right; a name in its body is not.
        Refusal::Unknown(why) => Problem::invalid(why),
        other => other.into(),
    })?;
    Ok((StatusCode::CREATED, Json(CallPlaced { contact_id })))
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct CallDescription {
    #[serde(rename = "contactId")]
    contact_id: String,
    /// `inbound` or `outbound`.
    direction: &'static str,
    /// `queued`, `ringing`, `dialing`, `connected`, `on_hold`, `after_contact_work`, `failed`, `over`.
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    started: Timestamp,
    customer: String,
    system: String,
    queue: Option<String>,
    agent: Option<String>,
    attributes: BTreeMap<String, String>,
    /// Why it ended, in the contact record's words.
    #[serde(rename = "disconnectReason")]
    disconnect_reason: Option<&'static str>,
    transcript: Vec<Utterance>,
}

impl From<&Call> for CallDescription {
    fn from(call: &Call) -> Self {
        Self {
            contact_id: call.id.clone(),
            direction: if call.direction == Direction::Inbound { "inbound" } else { "outbound" },
            state: call.state(),
            since: call.since,
            started: call.started,
            customer: call.customer.clone(),
            system: call.system.clone(),
            queue: call.queue.as_ref().map(|queue| queue.name.clone()),
            agent: call.agent.clone(),
            attributes: call.attributes.clone(),
            disconnect_reason: call.ending.map(Ending::reason),
            transcript: call.transcript.clone(),
        }
    }
}

/// All calls since the start, oldest first.
#[utoipa::path(get, path = "/sandbox/v1/calls", tag = "calls",
    responses((status = OK, body = Vec<CallDescription>)))]
async fn list_calls(State(hall): State<Arc<Hall>>) -> Json<Vec<CallDescription>> {
    let mut calls: Vec<CallDescription> =
        hall.with(|center, _| center.calls.values().map(CallDescription::from).collect());
    calls.sort_by(|a, b| (a.started, &a.contact_id).cmp(&(b.started, &b.contact_id)));
    Json(calls)
}

/// One call, with what was said.
#[utoipa::path(get, path = "/sandbox/v1/calls/{contactId}", tag = "calls", params(("contactId" = String, Path)),
    responses((status = OK, body = CallDescription), (status = "4XX", body = Problem)))]
async fn show_call(
    State(hall): State<Arc<Hall>>,
    Path(contact): Path<String>,
) -> Result<Json<CallDescription>, Problem> {
    let call = hall.with(|center, _| center.existing(&contact).map(CallDescription::from))?;
    Ok(Json(call))
}

/// What can be done with a call. The customer's side: `hangup`, `answer`, `busy`, `no-answer` (the
/// last three on outbound calls), `speak`, `press`. The instance's: `attributes`. The agent's, for
/// tests without a page: `accept`, `reject`, `hold`, `resume`, `end`, `clear`.
#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Action {
    Hangup,
    Answer,
    Busy,
    NoAnswer,
    Speak,
    Press,
    Attributes,
    Accept,
    Reject,
    Hold,
    Resume,
    End,
    Clear,
}

/// What an action needs besides its name.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ActionDetails {
    /// `speak`: what is said.
    text: Option<String>,
    /// `press`: `0` to `9`, `*`, `#`.
    digits: Option<String>,
    /// `speak`, `press`: `customer` (when absent) or `agent`.
    who: Option<Who>,
    /// `attributes`: added to those the contact has.
    attributes: Option<BTreeMap<String, String>>,
}

/// Does something with a call; answers with the call afterwards.
#[utoipa::path(post, path = "/sandbox/v1/calls/{contactId}/{action}", tag = "calls",
    params(("contactId" = String, Path), ("action" = inline(Action), Path)), request_body = ActionDetails,
    responses((status = OK, body = CallDescription), (status = "4XX", body = Problem)))]
async fn act_on_call(
    State(hall): State<Arc<Hall>>,
    Path((contact, action)): Path<(String, String)>,
    Body(details): Body<ActionDetails>,
) -> Result<Json<CallDescription>, Problem> {
    let action: Action = serde_json::from_value(action.clone().into())
        .map_err(|_| Problem::not_found(format!("a call has no action {action}")))?;
    hall.with(|center, now| {
        center.existing(&contact)?;
        act(center, now, &contact, action, details)?;
        Ok(Json(CallDescription::from(center.existing(&contact)?)))
    })
}

fn act(
    center: &mut Center,
    now: Timestamp,
    contact: &str,
    action: Action,
    details: ActionDetails,
) -> Result<(), Problem> {
    let who = details.who.unwrap_or(Who::Customer).word();
    match action {
        Action::Hangup => center.customer_hangs_up(now, contact)?,
        Action::Answer => center.answer(now, contact)?,
        Action::Busy => center.fail_dial(now, contact, Ending::Busy)?,
        Action::NoAnswer => center.fail_dial(now, contact, Ending::Unanswered)?,
        Action::Speak => {
            let text = details.text.filter(|text| !text.is_empty());
            let text = text.ok_or_else(|| Problem::invalid("`speak` needs `text`"))?;
            center.speak(now, contact, who, text)?;
        }
        Action::Press => {
            let usable = |digits: &String| {
                !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#')
            };
            let digits = details.digits.filter(usable);
            let digits = digits.ok_or_else(|| Problem::invalid("`press` needs `digits`: 0 to 9, * and #"))?;
            center.press(now, contact, who, digits)?;
        }
        Action::Attributes => {
            let attributes = details.attributes;
            let attributes = attributes.ok_or_else(|| Problem::invalid("`attributes` needs `attributes`"))?;
            center.set_attributes(now, contact, attributes)?;
        }
        Action::Accept | Action::Reject | Action::Hold | Action::Resume | Action::End | Action::Clear => {
            act_as_agent(center, now, contact, action)?;
        }
    }
    Ok(())
}

fn act_as_agent(center: &mut Center, now: Timestamp, contact: &str, action: Action) -> Result<(), Problem> {
    let shown_to = |center: &Center| {
        let missed = |agent: &&super::center::Agent| {
            agent.not_taken.as_ref().is_some_and(|missed| missed.contact == contact)
        };
        center.agents.values().find(missed).map(|agent| agent.login.clone())
    };
    let agent = center.existing(contact)?.agent.clone().or_else(|| shown_to(center));
    let agent = agent.ok_or_else(|| Problem::conflict("no agent has this contact"))?;
    match action {
        Action::Accept => center.accept(now, &agent, contact, true)?,
        Action::Reject => center.reject(now, &agent, contact)?,
        Action::Hold => center.hold(now, &agent, contact, true)?,
        Action::Resume => center.hold(now, &agent, contact, false)?,
        Action::End => center.agent_hangs_up(now, &agent, contact)?,
        _ => center.clear(now, &agent, contact)?,
    }
    Ok(())
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AgentDescription {
    username: String,
    /// The state the agent has chosen.
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Entered after the present contact.
    #[serde(rename = "nextState")]
    next_state: Option<&'static str>,
    contacts: Vec<AgentContact>,
    /// Open CCP pages.
    pages: usize,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AgentContact {
    #[serde(rename = "contactId")]
    contact_id: String,
    /// `connecting`, `connected`, `hold`, `ended` (after-contact work), `missed` or `error` (a
    /// call that reached nobody).
    state: &'static str,
}

/// The agents and what they are doing.
#[utoipa::path(get, path = "/sandbox/v1/agents", tag = "agents",
    responses((status = OK, body = Vec<AgentDescription>)))]
async fn list_agents(State(hall): State<Arc<Hall>>) -> Json<Vec<AgentDescription>> {
    Json(
        hall.with(|center, _| {
            center.agents.keys().map(|login| describe_agent(&hall, center, login)).collect()
        }),
    )
}

fn describe_agent(hall: &Hall, center: &Center, login: &str) -> AgentDescription {
    let agent = &center.agents[login];
    let live = center.live_call(login).map(|call| (call.id.clone(), call.seen_by_agent()));
    let missed = agent.not_taken.as_ref().map(|missed| (missed.contact.clone(), "missed"));
    AgentDescription {
        username: login.to_owned(),
        state: agent.chosen,
        since: agent.chosen_since,
        next_state: agent.next,
        contacts: live
            .into_iter()
            .chain(missed)
            .map(|(contact_id, state)| AgentContact { contact_id, state })
            .collect(),
        pages: hall.pages.number(login),
    }
}

#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct SetState {
    /// `Available`, `Offline`, `Lunch` or `Training`.
    state: String,
    /// After the present contact.
    #[serde(default)]
    next: bool,
}

/// Sets an agent's state, as the agent would in the CCP.
#[utoipa::path(post, path = "/sandbox/v1/agents/{username}/state", tag = "agents",
    params(("username" = String, Path)), request_body = SetState,
    responses((status = OK, body = AgentDescription), (status = "4XX", body = Problem)))]
async fn set_agent_state(
    State(hall): State<Arc<Hall>>,
    Path(username): Path<String>,
    Body(body): Body<SetState>,
) -> Result<Json<AgentDescription>, Problem> {
    hall.with(|center, now| {
        center.agent(&username)?;
        if center.instance.state(&body.state).is_none() {
            let names: Vec<&str> = center.instance.states.iter().map(|state| state.name).collect();
            return Err(Problem::invalid(format!("agents can be {}", names.join(", "))));
        }
        center.put_state(now, &username, &body.state, body.next)?;
        Ok(Json(describe_agent(&hall, center, &username)))
    })
}

/// What the callee of every outbound call does.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct CalleeBehaviour {
    behaviour: Callee,
}

/// What the callee does.
#[utoipa::path(get, path = "/sandbox/v1/callee", tag = "calls", responses((status = OK, body = CalleeBehaviour)))]
async fn show_callee(State(hall): State<Arc<Hall>>) -> Json<CalleeBehaviour> {
    Json(CalleeBehaviour { behaviour: hall.with(|center, _| center.callee) })
}

/// Says what the callee of outbound calls does from now on, two seconds after the dial.
#[utoipa::path(put, path = "/sandbox/v1/callee", tag = "calls", request_body = CalleeBehaviour,
    responses((status = OK, body = CalleeBehaviour), (status = "4XX", body = Problem)))]
async fn set_callee(
    State(hall): State<Arc<Hall>>,
    Body(body): Body<CalleeBehaviour>,
) -> Json<CalleeBehaviour> {
    hall.with(|center, _| center.callee = body.behaviour);
    Json(body)
}

/// Everything sent, or to be sent, to Tieline, oldest first.
#[utoipa::path(get, path = "/sandbox/v1/deliveries", tag = "deliveries",
    responses((status = OK, body = Vec<Delivery>)))]
async fn list_deliveries(State(hall): State<Arc<Hall>>) -> Json<Vec<Delivery>> {
    // What is due belongs into the list, although nobody has asked for the time yet.
    hall.with(|_, _| {});
    Json(hall.deliveries.list())
}

/// Sends one once more, byte for byte.
#[utoipa::path(post, path = "/sandbox/v1/deliveries/{id}/again", tag = "deliveries", params(("id" = u64, Path)),
    responses((status = ACCEPTED, body = Delivery), (status = "4XX", body = Problem)))]
async fn send_again(
    State(hall): State<Arc<Hall>>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Delivery>), Problem> {
    let id: u64 = id.parse().map_err(|_| Problem::invalid("a delivery's id is a whole number"))?;
    let delivery =
        hall.deliveries.again(id).ok_or_else(|| Problem::not_found("there is no such delivery"))?;
    Ok((StatusCode::ACCEPTED, Json(delivery)))
}
