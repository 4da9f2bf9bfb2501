use std::fmt::Write as _;
use std::time::Duration;

use ts_rs::{Config, TS};

use super::frames::{
    Ack, Bye, ByeCode, Cancel, CancelReason, Cause, CauseKind, Command, CommandResult, CommandStatus,
    Contact, DoneEvent, ErrorDetail, Fallback, Hello, Notice, NoticeLevel, PageEvent, PageFrame, PageInfo,
    PageUpdate, Panel, PanelAttribute, PanelDoc, PanelStep, PanelTrace, Phone, PhoneAgent, Resume, SeqAck,
    ServerFrame, Settings, SettingsAgent, Subscribe, SubscribedEvent, Welcome,
};
use super::{Token, limits};

/// The text of `web/shared/protocol.ts`.
pub fn typescript() -> String {
    let mut out = String::from(
        "// Generated from crates/engine/src/protocol by `TIELINE_WRITE=1 cargo test -p tieline-engine --test protocol`.\n\
         // Do not edit: a test compares it.\n\n",
    );
    constants(&mut out);
    let cfg = Config::default();
    macro_rules! declare {
        ($($name:ty),* $(,)?) => { $( declaration::<$name>(&mut out, &cfg); )* };
    }
    declare!(
        PageFrame,
        ServerFrame,
        Hello,
        PageInfo,
        Phone,
        PhoneAgent,
        Contact,
        Resume,
        PageEvent,
        Cause,
        CauseKind,
        CommandResult,
        CommandStatus,
        ErrorDetail,
        PageUpdate,
        SeqAck,
        Welcome,
        Subscribe,
        Fallback,
        SubscribedEvent,
        DoneEvent,
        Settings,
        SettingsAgent,
        Command,
        Cancel,
        CancelReason,
        Panel,
        PanelDoc,
        PanelAttribute,
        PanelTrace,
        PanelStep,
        Notice,
        NoticeLevel,
        Ack,
        Bye,
        ByeCode,
        Token,
    );
    out
}

fn declaration<T: TS + 'static>(out: &mut String, cfg: &Config) {
    if let Some(docs) = T::docs() {
        out.push_str(docs.trim_end());
        out.push('\n');
    }
    let _ = writeln!(out, "export {}\n", T::decl(cfg));
}

fn constants(out: &mut String) {
    let _ = writeln!(out, "export const SUBPROTOCOL = \"{}\";", limits::SUBPROTOCOL);
    for (name, value) in [
        ("MAX_FRAME_BYTES", limits::MAX_FRAME_BYTES),
        ("MAX_DEPTH", limits::MAX_DEPTH),
        ("MAX_CONTACTS", limits::MAX_CONTACTS),
        ("MAX_UNACKNOWLEDGED", limits::MAX_UNACKNOWLEDGED),
    ] {
        let _ = writeln!(out, "export const {name} = {value};");
    }
    for (name, value) in [
        ("HELLO_WITHIN_MS", limits::HELLO_WITHIN),
        ("TICKET_LASTS_MS", limits::TICKET_LASTS),
        ("PING_EVERY_MS", limits::PING_EVERY),
        ("DEAD_AFTER_MS", limits::DEAD_AFTER),
        ("ACTION_FRESH_MS", limits::ACTION_FRESH),
        ("DIAL_WAITS_MS", limits::DIAL_WAITS),
        ("PERSON_WAITS_MS", limits::PERSON_WAITS),
    ] {
        let _ = writeln!(out, "export const {name} = {};", millis(value));
    }
    out.push('\n');
}

fn millis(span: Duration) -> u128 {
    span.as_millis()
}
