//! The agent API: what the softphone library asks with `api_request`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::center::{Center, Refusal};
use super::snapshot;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    Library,
    /// The CCP page itself, for its agent.
    CcpButton,
}

/// An exception of the agent API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub kind: String,
    pub message: String,
}

impl Exception {
    pub fn new(kind: &str, message: impl Into<String>) -> Self {
        Self { kind: kind.to_owned(), message: message.into() }
    }

    /// The text that stands in `err` of an `api_response`.
    pub fn text(&self) -> String {
        let status = if self.kind == "AccessDeniedException" { 403 } else { 400 };
        json!({"type": self.kind, "message": self.message, "statusCode": status, "retryStatus": "none"})
            .to_string()
    }
}

impl From<Refusal> for Exception {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Endpoint(why) => Self::new("BadEndpointException", why),
            Refusal::State(why) | Refusal::Unknown(why) => Self::new("InvalidStateException", why),
        }
    }
}

/// Performs `method` for the agent. Methods that only report (logs, metrics) answer `{}`;
/// what the sandbox cannot do is an exception, never a success.
///
/// # Errors
///
/// The exception that becomes `err` of the response.
pub fn perform(
    center: &mut Center,
    now: Timestamp,
    agent: &str,
    method: &str,
    params: &Value,
    from: Caller,
) -> Result<Value, Exception> {
    let text = |name: &str| params.get(name).and_then(Value::as_str).unwrap_or_default();
    let contact = text("contactId");
    match method {
        "getAgentSnapshot" => Ok(json!({"snapshot": snapshot::snapshot(center, agent, now)})),
        "getAgentConfiguration" => Ok(json!({"configuration": snapshot::configuration(center, agent)})),
        "getAgentStates" => Ok(json!({"states": snapshot::states(&center.instance), "nextToken": null})),
        "getAgentPermissions" => Ok(json!({"permissions": snapshot::PERMISSIONS, "nextToken": null})),
        "getDialableCountryCodes" => Ok(json!({"countryCodes": snapshot::COUNTRIES, "nextToken": null})),
        "getRoutingProfileQueues" => {
            Ok(json!({"queues": snapshot::queues(&center.instance), "nextToken": null}))
        }
        "getEndpoints" => Ok(json!({"endpoints": [], "nextToken": null})),
        "putAgentState" => put_state(center, now, agent, params),
        "updateAgentConfiguration" => {
            update_configuration(center, agent, params.get("configuration").unwrap_or(&Value::Null));
            Ok(json!({}))
        }
        "acceptContact" => done(center.accept(now, agent, contact, from == Caller::CcpButton)),
        "rejectContact" => done(center.reject(now, agent, contact)),
        "clearContact" | "completeContact" | "destroyContact" => done(center.clear(now, agent, contact)),
        "destroyConnection" => {
            connection_of(center, contact, text("connectionId"))?;
            done(center.agent_hangs_up(now, agent, contact))
        }
        "holdConnection" | "resumeConnection" => {
            let connection = connection_of(center, contact, text("connectionId"))?;
            if connection == Line::Agent {
                return Err(Exception::new(
                    "InvalidStateException",
                    "the agent's own connection cannot be held",
                ));
            }
            done(center.hold(now, agent, contact, method == "holdConnection"))
        }
        "muteParticipant" | "unmuteParticipant" => {
            connection_of(center, contact, text("connectionId"))?;
            done(center.mute(agent, contact, method == "muteParticipant"))
        }
        "sendDigits" => {
            connection_of(center, contact, text("connectionId"))?;
            done(center.press(now, contact, "agent", text("digits").to_owned()))
        }
        "createOutboundContact" => {
            let endpoint = params.get("endpoint").unwrap_or(&Value::Null);
            if endpoint["type"] != "phone_number" {
                return Err(Exception::new("BadEndpointException", "only phone numbers can be dialled"));
            }
            let number = endpoint["phoneNumber"].as_str().unwrap_or_default();
            Ok(json!({"contactId": center.dial(now, agent, number)?}))
        }
        "updateContactAttributes" => {
            let attributes = params.get("attributes").cloned().unwrap_or_default();
            let attributes: BTreeMap<String, String> = serde_json::from_value(attributes)
                .map_err(|_| Exception::new("InvalidStateException", "attributes are text by name"))?;
            done(center.set_attributes(now, contact, attributes))
        }
        "createAdditionalConnection"
        | "addNewConnection"
        | "transferContact"
        | "conferenceConnections"
        | "toggleActiveConnections"
        | "pauseContact"
        | "resumeContact"
        | "updateMonitorParticipantState" => {
            Err(Exception::new("InvalidStateException", format!("{method} is not simulated")))
        }
        "createTaskContact" => Err(Exception::new("InvalidContactTypeException", "tasks are not simulated")),
        _ => Ok(json!({})),
    }
}

fn done(result: Result<(), Refusal>) -> Result<Value, Exception> {
    result.map(|()| json!({})).map_err(Exception::from)
}

fn put_state(center: &mut Center, now: Timestamp, agent: &str, params: &Value) -> Result<Value, Exception> {
    let state = params.get("state").unwrap_or(&Value::Null);
    let by_arn = state["agentStateARN"].as_str().and_then(|arn| center.instance.state_by_arn(arn));
    let by_name = || state["name"].as_str().and_then(|name| center.instance.state(name));
    let Some(name) = by_arn.or_else(by_name).map(|state| state.name) else {
        return Err(Exception::new("InvalidStateException", "there is no such agent state"));
    };
    done(center.put_state(now, agent, name, params["enqueueNextState"] == json!(true)))
}

fn update_configuration(center: &mut Center, login: &str, configuration: &Value) {
    center.change_agent(login, |agent| {
        if let Some(enabled) = configuration["softphoneEnabled"].as_bool() {
            agent.softphone_enabled = enabled;
        }
        if let Some(accept) = configuration["softphoneAutoAccept"].as_bool() {
            agent.auto_accept = accept;
        }
        if let Some(extension) = configuration["extension"].as_str() {
            extension.clone_into(&mut agent.extension);
        }
        for (name, value) in configuration["agentPreferences"].as_object().into_iter().flatten() {
            if let Some(value) = value.as_str() {
                agent.preferences.insert(name.clone(), value.to_owned());
            }
        }
    });
}

#[derive(Debug, PartialEq, Eq)]
enum Line {
    Agent,
    Customer,
}

fn connection_of(center: &Center, contact: &str, connection: &str) -> Result<Line, Exception> {
    let call = center.existing(contact)?;
    if call.agent_connection == connection {
        Ok(Line::Agent)
    } else if call.customer_connection == connection {
        Ok(Line::Customer)
    } else {
        Err(Exception::new("InvalidStateException", "the contact has no such connection"))
    }
}
