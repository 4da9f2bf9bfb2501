use std::time::Duration;

/// The WebSocket subprotocol both sides must name.
pub const SUBPROTOCOL: &str = "tieline.v1";
/// Longest frame in either direction.
pub const MAX_FRAME_BYTES: usize = 64 * 1024;
/// Deepest nesting of objects and lists in a frame.
pub const MAX_DEPTH: usize = 32;
/// Most contacts a page may report in `hello`.
pub const MAX_CONTACTS: usize = 64;
/// How many unacknowledged events a page keeps and sends again.
pub const MAX_UNACKNOWLEDGED: usize = 500;

/// A socket that has not said a valid `hello` by then is closed.
pub const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// How long a ticket may wait for its one use.
pub const TICKET_LASTS: Duration = Duration::from_secs(60);
/// The server pings a silent socket this often …
pub const PING_EVERY: Duration = Duration::from_secs(15);
/// … and gives it up when nothing at all was heard for this long.
pub const DEAD_AFTER: Duration = Duration::from_secs(40);
/// How often the agent's session is checked again.
pub const RECHECK_EVERY: Duration = Duration::from_secs(300);
/// How long commands wait for a page whose socket was lost before they go elsewhere.
pub const COMMAND_LEASE: Duration = Duration::from_secs(5);
/// A dial needs a click or an action on its page no older than this, unless the flow may dial.
pub const ACTION_FRESH: Duration = Duration::from_secs(10);
/// How long a dial waits for a softphone that is not ready yet.
pub const DIAL_WAITS: Duration = Duration::from_secs(20);
/// How long a question to the agent stays open.
pub const PERSON_WAITS: Duration = Duration::from_secs(600);
/// How long a run may take, waiting for a person not counted.
pub const RUN_LASTS: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_declare_the_deadlines_of_the_table() {
        for (step, secs) in [
            ("crm.pop_record", 3),
            ("crm.pop_new_record", 3),
            ("crm.search_and_pop", 8),
            ("crm.create_task", 8),
            ("phone.dial", 15),
        ] {
            let declared = tieline_flow::step(step).unwrap().deadline;
            assert_eq!(declared, Duration::from_secs(secs), "{step}");
        }
    }
}
