use serde_json::Value;

use super::{ByeCode, MAX_DEPTH, MAX_FRAME_BYTES, PageFrame, ServerFrame, limits::MAX_CONTACTS};

/// A frame that is answered with a `bye`.
#[derive(Debug, thiserror::Error)]
#[error("{}: {detail}", code.as_str())]
pub struct BadFrame {
    pub code: ByeCode,
    /// Names the member; never holds a value, which may be a person's.
    pub detail: String,
}

/// Reads a page's frame; `None` when its `t` is not known here.
///
/// # Errors
///
/// [`BadFrame`] when it is too large, nested too deeply, not JSON, or lacks what its kind needs.
pub fn decode(text: &str) -> Result<Option<PageFrame>, BadFrame> {
    if text.len() > MAX_FRAME_BYTES {
        return Err(bad(ByeCode::TooLarge, "at most 65536 bytes"));
    }
    // Counted before parsing, so that depth costs neither stack nor memory.
    if depth(text) > MAX_DEPTH {
        return Err(bad(ByeCode::TooDeep, "at most 32 levels"));
    }
    let value: Value = serde_json::from_str(text).map_err(|error| {
        bad(ByeCode::NotJson, &format!("line {} column {}", error.line(), error.column()))
    })?;
    let Some(kind) = value.get("t").and_then(Value::as_str) else {
        return Err(bad(ByeCode::Malformed, "`t` is missing or no text"));
    };
    if !matches!(kind, "hello" | "event" | "result" | "page" | "ack") {
        return Ok(None);
    }
    let kind = kind.to_owned();
    let frame: PageFrame = serde_json::from_value(value)
        .map_err(|error| bad(ByeCode::Malformed, &format!("{kind}: {}", without_values(&error))))?;
    check(&frame)?;
    Ok(Some(frame))
}

/// Writes a server's frame.
pub fn encode(frame: &ServerFrame) -> String {
    serde_json::to_string(frame).expect("our own frames have text keys only")
}

fn check(frame: &PageFrame) -> Result<(), BadFrame> {
    match frame {
        PageFrame::Hello(hello) if hello.phone.contacts.len() > MAX_CONTACTS => {
            Err(bad(ByeCode::Malformed, "hello: more than 64 contacts"))
        }
        PageFrame::Hello(hello) if hello.page.capabilities.len() > 64 => {
            Err(bad(ByeCode::Malformed, "hello: more than 64 capabilities"))
        }
        PageFrame::Event(event) if event.n == 0 || event.n > (1 << 53) => {
            Err(bad(ByeCode::Malformed, "event: `n` counts from 1"))
        }
        PageFrame::Event(event) if event.event.len() > 64 || event.event.chars().any(char::is_control) => {
            Err(bad(ByeCode::Malformed, "event: `event` is no event name"))
        }
        PageFrame::Event(event)
            if event.snapshot.as_ref().is_some_and(|s| Some(&s.id) != event.contact.as_ref()) =>
        {
            Err(bad(ByeCode::Malformed, "event: `snapshot` is of another contact"))
        }
        _ => Ok(()),
    }
}

fn bad(code: ByeCode, detail: &str) -> BadFrame {
    BadFrame { code, detail: detail.to_owned() }
}

/// Serde quotes values it did not expect ("invalid type: string \"+1…\""); those stay out.
fn without_values(error: &serde_json::Error) -> String {
    let text = error.to_string();
    if text.starts_with("missing field") {
        return text;
    }
    match text.rsplit_once("expected ") {
        Some((_, expected)) => format!("expected {expected}"),
        None => "a member does not fit".to_owned(),
    }
}

/// How deeply `text` nests, quotes respected; for text that is no JSON any number will do.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => quoted = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_a_kind_we_do_not_know_is_ignored() {
        assert!(decode(r#"{"t":"weather","sunny":true}"#).unwrap().is_none());
    }

    #[test]
    fn members_we_do_not_know_are_ignored() {
        let frame = decode(r#"{"t":"ack","seq":3,"mood":"good"}"#).unwrap();
        assert_eq!(frame, Some(PageFrame::Ack(super::super::SeqAck { seq: 3 })));
    }

    #[test]
    fn each_way_to_be_wrong_has_its_own_code() {
        let code = |text: &str| decode(text).unwrap_err().code;
        assert_eq!(code(&format!(r#"{{"t":"ack","x":"{}"}}"#, "y".repeat(65_536))), ByeCode::TooLarge);
        assert_eq!(code(&format!("{}1{}", "[".repeat(33), "]".repeat(33))), ByeCode::TooDeep);
        assert_eq!(code(&"{\"t\":".repeat(8_000)), ByeCode::TooDeep);
        assert_eq!(code("{"), ByeCode::NotJson);
        assert_eq!(code("hello"), ByeCode::NotJson);
        assert_eq!(code("[]"), ByeCode::Malformed);
        assert_eq!(code(r#"{"t":7}"#), ByeCode::Malformed);
        assert_eq!(code(r#"{"t":"ack"}"#), ByeCode::Malformed);
        assert_eq!(code(r#"{"t":"ack","seq":"3"}"#), ByeCode::Malformed);
        assert_eq!(code(r#"{"t":"ack","seq":-1}"#), ByeCode::Malformed);
    }

    #[test]
    fn what_is_said_about_a_bad_frame_never_repeats_its_values() {
        let error = decode(r#"{"t":"result","cmd":"c1","status":"+12025550143"}"#).unwrap_err();
        assert!(!error.to_string().contains("2025550143"), "{error}");
        let error = decode(r#"{"t":"ack","seq":"+12025550143"}"#).unwrap_err();
        assert!(!error.to_string().contains("2025550143"), "{error}");
    }

    #[test]
    fn brackets_inside_text_do_not_count_as_depth() {
        assert_eq!(depth(r#"{"a":"[[[[\"[["}"#), 1);
    }

    #[test]
    fn a_snapshot_must_be_of_the_events_contact() {
        let text = r#"{"t":"event","n":1,"id":"e","source":"voice_contact","event":"connecting","contact":"a",
            "seen_at":1,"snapshot":{"id":"b","channel":"voice","state":"connecting","since":1,
            "direction":"inbound","attributes":{}}}"#;
        assert_eq!(decode(text).unwrap_err().code, ByeCode::Malformed);
    }
}
