//! What Amazon Transcribe writes of a recording.
//!
//! Amazon Connect records the customer on the first channel and the agent on the second.
//!
//! Written from Amazon Transcribe Developer Guide, "Channel identification output" (read 2026-11-21).

use serde_json::{Value, json};

use super::said::{Line, Who, lines};
use crate::connect::call::Call;
use crate::connect::center::NewJob;

/// What is heard on the recording of `call`.
pub fn heard(call: Option<&Call>) -> Vec<Line> {
    lines(None, call).unwrap_or_default()
}

/// The transcript; by channel where the job asks for that.
pub fn document(account: &str, job: &NewJob, said: &[Line]) -> Value {
    let text: Vec<&str> = said.iter().map(|line| line.text.as_str()).collect();
    let by_channel = job.settings.as_ref().is_some_and(|settings| settings["ChannelIdentification"] == true);
    let mut results = json!({"transcripts": [{"transcript": text.join(" ")}]});
    if by_channel {
        let channels = Who::BOTH.map(|who| {
            let own = said.iter().filter(|line| line.who == who);
            let items: Vec<Value> = own.flat_map(|line| items(line, true)).collect();
            json!({"channel_label": label(who), "items": items})
        });
        results["channel_labels"] = json!({"channels": channels, "number_of_channels": channels.len()});
    }
    results["items"] = said.iter().flat_map(|line| items(line, by_channel)).collect();
    json!({"jobName": job.name, "accountId": account, "status": "COMPLETED", "results": results})
}

fn label(who: Who) -> &'static str {
    match who {
        Who::Customer => "ch_0",
        Who::Agent => "ch_1",
    }
}

/// Words with their times, in seconds, and the marks behind them, which have none. Numbers are text.
fn items(line: &Line, labelled: bool) -> Vec<Value> {
    let mut items = Vec::new();
    let words = line.words().max(1);
    for (place, word) in (0..).zip(line.text.split_whitespace()) {
        let time = |place: i64| {
            let ms = line.begin + line.length() * place / words;
            format!("{}.{:03}", ms / 1000, ms % 1000)
        };
        let spoken = word.trim_end_matches(MARKS);
        if !spoken.is_empty() {
            items.push(json!({
                "start_time": time(place),
                "end_time": time(place + 1),
                "alternatives": [{"confidence": "0.99", "content": spoken}],
                "type": "pronunciation",
            }));
        }
        if let Some(mark) = word[spoken.len()..].chars().next() {
            items.push(json!({
                "alternatives": [{"confidence": "0.0", "content": mark.to_string()}],
                "type": "punctuation",
            }));
        }
    }
    if labelled {
        for item in &mut items {
            item["channel_label"] = label(line.who).into();
        }
    }
    items
}

const MARKS: [char; 6] = ['.', ',', '?', '!', ':', ';'];
