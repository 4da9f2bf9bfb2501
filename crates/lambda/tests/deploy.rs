//! What is imported into Amazon Connect, and what the template says of the functions.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// What may stand for something of an instance, and is filled in before the import.
const PLACEHOLDERS: [&str; 4] =
    ["${DipFunctionArn}", "${RecordingCallbackFunctionArn}", "${QueueArn}", "${NextFlowArn}"];

/// The actions in use and the errors each must lead on from. ("Actions in the Amazon Connect flow
/// language", API reference, read 2026-11-21; an export of the designer gives a recording
/// behaviour no error.)
const ACTIONS: [(&str, &[&str]); 10] = [
    ("Compare", &["NoMatchingCondition"]),
    ("DisconnectParticipant", &[]),
    ("GetParticipantInput", &["InputTimeLimitExceeded", "NoMatchingCondition", "NoMatchingError"]),
    ("InvokeLambdaFunction", &["NoMatchingError"]),
    ("MessageParticipant", &["NoMatchingError"]),
    ("TransferContactToQueue", &["QueueAtCapacity", "NoMatchingError"]),
    ("TransferToFlow", &["NoMatchingError"]),
    ("UpdateContactAttributes", &["NoMatchingError"]),
    ("UpdateContactRecordingBehavior", &[]),
    ("UpdateContactTargetQueue", &["NoMatchingError"]),
];

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

fn flows() -> BTreeMap<String, Value> {
    let folder = Path::new(ROOT).join("deploy/aws/contact-flows");
    let flows: BTreeMap<String, Value> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap())
        })
        .collect();
    assert_eq!(flows.len(), 3);
    flows
}

fn texts<'a>(value: &'a Value, of: &mut Vec<&'a str>) {
    match value {
        Value::String(text) => of.push(text),
        Value::Array(members) => members.iter().for_each(|member| texts(member, of)),
        Value::Object(members) => members.values().for_each(|member| texts(member, of)),
        _ => {}
    }
}

#[test]
fn every_way_through_a_contact_flow_leads_somewhere() {
    for (name, flow) in flows() {
        assert_eq!(flow["Version"], "2019-10-30", "{name}");
        let actions = flow["Actions"].as_array().unwrap();
        let by_id: BTreeMap<&str, &Value> =
            actions.iter().map(|action| (action["Identifier"].as_str().unwrap(), action)).collect();
        assert_eq!(by_id.len(), actions.len(), "{name}: an identifier is there twice");
        for (id, action) in &by_id {
            assert!(id.len() <= 50 && !id.contains(|c| "(%:\\/)=$,;[]{}".contains(c)), "{name}: {id}");
            let kind = action["Type"].as_str().unwrap();
            let (_, errors) = ACTIONS.iter().find(|(known, _)| *known == kind).unwrap_or_else(|| {
                panic!("{name}: {id} is a {kind}, which is not in the table of actions");
            });
            let transitions = &action["Transitions"];
            let handled: BTreeSet<&str> = transitions["Errors"]
                .as_array()
                .map(|errors| errors.iter().map(|error| error["ErrorType"].as_str().unwrap()).collect())
                .unwrap_or_default();
            assert_eq!(handled, errors.iter().copied().collect(), "{name}: {id}");
            assert_eq!(
                transitions.get("NextAction").is_none(),
                kind == "DisconnectParticipant",
                "{name}: {id}"
            );
            assert!(flow["Metadata"]["ActionMetadata"][id]["position"]["x"].is_number(), "{name}: {id}");
        }

        let mut reached = BTreeSet::new();
        let mut todo = vec![flow["StartAction"].as_str().unwrap()];
        while let Some(id) = todo.pop() {
            if !reached.insert(id) {
                continue;
            }
            let action = by_id.get(id).unwrap_or_else(|| panic!("{name}: there is no {id}"));
            let transitions = &action["Transitions"];
            todo.extend(transitions["NextAction"].as_str());
            for list in ["Errors", "Conditions"] {
                for branch in transitions[list].as_array().into_iter().flatten() {
                    todo.push(branch["NextAction"].as_str().unwrap());
                }
            }
        }
        assert_eq!(reached, by_id.keys().copied().collect(), "{name}: what nobody comes to");
    }
}

#[test]
fn a_contact_flow_names_nothing_of_somebody_s_instance() {
    let guide = read("docs/guides/replace-the-reference-lambdas.md");
    let mut used = BTreeSet::new();
    for (name, flow) in flows() {
        let mut all = Vec::new();
        texts(&flow, &mut all);
        for text in all {
            assert!(!text.contains("arn:"), "{name}: {text}");
            if text.contains("${") {
                assert!(PLACEHOLDERS.contains(&text), "{name}: {text}");
                used.insert(text.to_owned());
            }
        }
    }
    for placeholder in PLACEHOLDERS {
        assert!(used.contains(placeholder), "{placeholder} is in no flow");
        assert!(guide.contains(placeholder), "the guide does not explain {placeholder}");
    }
}

#[test]
fn a_caller_is_never_lost_to_a_failing_function_and_only_a_yes_is_recorded() {
    let flows = flows();
    let action = |flow: &str, id: &str| -> Value {
        let actions = flows[flow]["Actions"].as_array().unwrap();
        actions.iter().find(|action| action["Identifier"] == id).unwrap().clone()
    };
    let look_up = action("look-up-with-greeting.json", "look-up");
    assert_eq!(look_up["Transitions"]["Errors"][0]["NextAction"], "greet");
    // Either manner of answers will do: the reference's has numbers in it.
    assert_eq!(look_up["Parameters"]["ResponseValidation"]["ResponseType"], "JSON");
    assert!(
        look_up["Parameters"]["InvocationTimeLimitSeconds"].as_str().unwrap().parse::<u8>().unwrap() <= 8
    );

    let consent = &flows["consent.json"];
    assert_eq!(consent["StartAction"], "record-nobody");
    let recorded =
        |id| action("consent.json", id)["Parameters"]["RecordingBehavior"]["RecordedParticipants"].clone();
    assert_eq!(recorded("record-nobody"), serde_json::json!([]));
    let ask = action("consent.json", "ask");
    assert_eq!(ask["Transitions"]["NextAction"], "refused");
    for error in ask["Transitions"]["Errors"].as_array().unwrap() {
        assert_eq!(error["NextAction"], "refused", "{error}");
    }
    let leads_to_recording: Vec<&Value> = consent["Actions"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|action| action["Transitions"].to_string().contains("\"record\""))
        .collect();
    assert_eq!(leads_to_recording.len(), 1);
    assert_eq!(leads_to_recording[0]["Identifier"], "agreed");
}

/// Values of `key:` in the template, in order.
fn values<'a>(template: &'a str, key: &str) -> Vec<&'a str> {
    template.lines().filter_map(|line| line.trim().strip_prefix(key)?.strip_prefix(": ")).collect()
}

#[tokio::test]
async fn the_template_s_handlers_are_functions() {
    let template = read("deploy/aws/template.yaml");
    let handlers = values(&template, "Handler");
    assert_eq!(handlers.len(), 9);
    let functions = tieline_lambda::Functions::new(
        tieline_lambda::Environment::default(),
        std::sync::Arc::new(tieline_core::FixedClock(jiff::Timestamp::UNIX_EPOCH)),
    );
    for handler in handlers {
        let names =
            handler.strip_prefix("!If [LegacyDips, ").map_or(handler, |both| both.trim_end_matches(']'));
        for name in names.split(", ") {
            assert_eq!(functions.knows(name), Ok(()), "{name}");
        }
    }
}

/// What a function runs, besides what all of them share.
const SOURCES: [(&str, &[&str]); 9] = [
    ("dip", &[]),
    ("contact-records", &["contact_records", "forward.rs"]),
    ("agent-report", &["report.rs", "forward.rs"]),
    ("queue-report", &["report.rs", "forward.rs"]),
    ("queue-metrics", &["queue_metrics.rs"]),
    ("contact-lens", &["contact_lens.rs", "analytics.rs", "forward.rs"]),
    ("transcription-start", &["transcription/start.rs", "contact_lens.rs", "analytics.rs", "forward.rs"]),
    ("transcription-result", &["transcription/result.rs", "forward.rs"]),
    ("recording-url", &["recording_url.rs"]),
];

#[test]
fn the_template_sets_only_variables_that_the_function_reads() {
    let template = read("deploy/aws/template.yaml");
    let crate_sources = Path::new(ROOT).join("crates/lambda/src");
    let mut everywhere = String::new();
    collect(&crate_sources, &mut everywhere);
    let (mut handler, mut inside, mut seen) = (None, None, 0);
    for line in template.lines() {
        let depth = line.len() - line.trim_start().len();
        let line = line.trim();
        if let Some(named) = line.strip_prefix("Handler: ") {
            handler = SOURCES
                .iter()
                .find(|(name, _)| named.ends_with(name) || named.ends_with(&format!("{name}]")));
            assert!(handler.is_some(), "{named}");
        } else if line == "Variables:" {
            inside = Some(depth);
        } else if inside.is_some_and(|outer| depth <= outer) {
            inside = None;
        } else if inside.is_some() && !line.starts_with('#') {
            let variable = line.split(':').next().unwrap();
            let mut sources = String::new();
            for place in handler.map_or(&[][..], |(_, places)| places) {
                let path = crate_sources.join(place);
                if path.is_dir() {
                    collect(&path, &mut sources);
                } else {
                    sources.push_str(&std::fs::read_to_string(&path).unwrap());
                }
            }
            // Those before the first function are everybody's.
            let sources = if handler.is_none() { &everywhere } else { &sources };
            let told = handler.map_or("no function", |(name, _)| name);
            assert!(sources.contains(&format!("\"{variable}\"")), "{told} does not read {variable}");
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

#[test]
fn every_code_of_a_function_has_a_page_and_every_page_a_code() {
    let mut sources = String::new();
    collect(&Path::new(ROOT).join("crates/lambda/src"), &mut sources);
    let codes: BTreeSet<String> = sources
        .split('"')
        .filter(|text| text.strip_prefix("lambda.").is_some_and(|rest| !rest.is_empty()))
        .filter(|text| text.chars().all(|c| c.is_ascii_lowercase() || "._".contains(c)))
        .map(str::to_owned)
        .collect();
    let pages: BTreeSet<String> = std::fs::read_dir(Path::new(ROOT).join("docs/errors"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| Some(name.strip_suffix(".md")?.to_owned()))
        .filter(|name| name.starts_with("lambda."))
        .collect();
    assert_eq!(codes, pages);
    for code in codes {
        let page = read(&format!("docs/errors/{code}.md"));
        assert!(page.starts_with(&format!("# {code}\n\n## What happened\n")), "{code}");
        assert!(page.contains("\n## What to try\n"), "{code}");
    }
}

#[test]
fn the_guide_names_every_parameter_and_its_commands_name_no_other() {
    let (template, guide) =
        (read("deploy/aws/template.yaml"), read("docs/guides/replace-the-reference-lambdas.md"));
    let section = template.split("\nParameters:\n").nth(1).unwrap().split("\nRules:\n").next().unwrap();
    let parameters: BTreeSet<&str> = section
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| name.chars().all(char::is_alphanumeric))
        .collect();
    assert!(parameters.len() > 30, "{parameters:?}");
    for parameter in &parameters {
        assert!(guide.contains(&format!("`{parameter}`")), "the guide does not explain {parameter}");
        let used = format!("!Ref {parameter}");
        assert!(
            template.contains(&used) || template.contains(&format!("${{{parameter}}}")),
            "nothing uses {parameter}"
        );
    }
    for command in guide.split("sam deploy ").skip(1) {
        let overrides = command.split("```").next().unwrap().split("--parameter-overrides ").nth(1).unwrap();
        for pair in overrides.split_whitespace().filter(|word| word.contains('=')) {
            let name = pair.split('=').next().unwrap();
            assert!(parameters.contains(name), "the template has no parameter {name}");
        }
    }
}

/// Runs the guide's command that fills in the placeholders.
#[test]
fn the_guide_s_command_fills_in_every_placeholder() {
    let guide = read("docs/guides/replace-the-reference-lambdas.md");
    let command = guide.split("```sh\n").find(|block| block.starts_with("mkdir -p flows")).unwrap();
    let command = command.split("```").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(Path::new(ROOT).join("deploy"), folder.path().join("deploy")).unwrap();
    let ran =
        std::process::Command::new("bash").args(["-euc", command]).current_dir(&folder).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let mut filled = 0;
    for entry in std::fs::read_dir(folder.path().join("flows")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("${"), "{text}");
        serde_json::from_str::<Value>(&text).unwrap();
        filled += text.matches("arn:aws:").count();
    }
    assert!(filled >= 5, "{filled}");
}

fn collect(folder: &Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else {
            into.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn no_role_may_do_everything_or_touch_everything() {
    let template = read("deploy/aws/template.yaml");
    for (at, line) in template.lines().enumerate() {
        let line = line.trim();
        assert!(!line.starts_with("Action: \"*\"") && !line.ends_with(":*]"), "{at}: {line}");
        if line == "Resource: \"*\"" {
            let before: Vec<&str> = template.lines().take(at).collect();
            let actions: Vec<&str> =
                before.iter().rev().map(|line| line.trim()).take_while(|line| *line != "Action:").collect();
            assert!(actions.iter().all(|action| action.starts_with("- comprehend:")), "{actions:?}");
        }
    }
    let roles = values(&template, "Role");
    let own: BTreeSet<&&str> = roles.iter().collect();
    assert_eq!(roles.len(), own.len(), "each function has a role of its own");
}

#[test]
fn a_function_that_hands_over_may_not_read_what_it_hands_over() {
    let template = read("deploy/aws/template.yaml");
    let forwarding: Vec<&str> = template
        .split("\n\n")
        .filter(|part| part.contains("TIELINE_URL: !Ref TielineUrl"))
        .filter_map(|part| part.lines().find_map(|line| line.trim().strip_prefix("Role: !GetAtt ")))
        .filter_map(|role| role.strip_suffix(".Arn"))
        .collect();
    assert_eq!(forwarding.len(), 6, "{forwarding:?}");
    for role in forwarding {
        let start = template.find(&format!("\n  {role}:\n    Type: AWS::IAM::Role")).unwrap();
        let role_text = template[start..].split("\n\n").next().unwrap();
        let always =
            role_text.split("        - !If\n          - Forwards\n          - !Ref AWS::NoValue\n").next();
        for service in ["s3:", "connect:", "transcribe:", "comprehend:", "BucketsKMSKeyARN"] {
            assert!(!always.unwrap().contains(service), "{role}: {service}");
        }
    }
}
