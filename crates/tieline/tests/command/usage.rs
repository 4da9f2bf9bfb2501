use crate::harness::{run, run_with};

#[test]
fn help_names_every_command_and_the_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!(help.code, 0);
    for word in [
        "demo",
        "serve",
        "sandbox",
        "dip",
        "lambda",
        "flow",
        "contacts",
        "dead-letters",
        "agents",
        "Exit codes",
    ] {
        assert!(help.stdout.contains(word), "{word}: {}", help.stdout);
    }
}

#[test]
fn wrong_usage_leaves_with_two_and_says_nothing_on_stdout() {
    for arguments in [
        &["nonsense"][..],
        &["dip"],
        &["demo", "--base-port", "x"],
        &["demo", "--base-port", "65535"],
        &["dead-letters", "replay", "--data", "/nowhere"],
        &["dead-letters", "replay", "letter-1", "--data", "/nowhere"],
        &["sandbox", "--listen", "127.0.0.1:0"],
        &["sandbox", "salesforce", "--rate", "6"],
        &["demo", "--rate", "many"],
        &["contacts", "list"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 2, "{arguments:?}: {ran:?}");
        assert_eq!(ran.stdout, "", "{arguments:?}");
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
}

#[test]
fn what_cannot_be_found_out_leaves_with_three() {
    for arguments in [
        &["serve", "--config", "/nowhere/tieline.toml"][..],
        &["flow", "check", "/nowhere/flow.json"],
        &["contacts", "list", "--data", "/nowhere"],
        &["agents", "list", "--config", "/nowhere/tieline.toml"],
    ] {
        let ran = run(arguments);
        assert_eq!(ran.code, 3, "{arguments:?}: {ran:?}");
        assert!(ran.stderr.starts_with("error: ") && ran.stderr.contains("/nowhere"), "{ran:?}");
    }
}

#[test]
fn a_lambda_function_answers_on_one_line_and_fails_in_its_own_words() {
    let ran = run_with(&["lambda", "invoke", "dip", "--event", "-"], &[], "{}");
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.stdout.lines().count(), 1, "{ran:?}");
    let failure = ran.json();
    assert!(failure["errorType"].is_string() && failure["errorMessage"].is_string(), "{failure}");
    let ran = run_with(&["lambda", "invoke", "dip", "--event", "-", "--now", "yesterday"], &[], "{}");
    assert_eq!(ran.code, 2);
}
