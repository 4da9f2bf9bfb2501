use std::net::TcpListener;

use crate::harness::{repository, run_with};

const VARIABLES: [(&str, &str); 8] = [
    ("TIELINE_METRICS_KEY", "zero"),
    ("TIELINE_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
    ("TIELINE_EVENTBRIDGE_KEY", "one"),
    ("TIELINE_FIREHOSE_KEY", "two"),
    ("TIELINE_DIP_KEY", "three"),
    ("TIELINE_REPORTING_KEY", "four"),
    ("SALESFORCE_CLIENT_ID", "client"),
    ("SALESFORCE_CLIENT_SECRET", "secret"),
];

fn example() -> String {
    repository("tieline.example.toml").display().to_string()
}

#[test]
fn a_good_configuration_is_good_and_starts_nothing() {
    let ran = run_with(&["serve", "--check", "--config", &example()], &VARIABLES, "");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stdout.contains("is good"), "{ran:?}");
}

#[test]
fn every_problem_is_listed_with_its_place() {
    let ran = run_with(&["serve", "--check", "--config", &example()], &[], "");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran:?}");
    for place in
        ["secret_key: ", "connections.connect.eventbridge_keys: ", "workspaces.acme.keys[1].secret: "]
    {
        assert!(ran.stderr.contains(place), "{place}: {}", ran.stderr);
    }
    let ran = run_with(&["serve", "--check", "--json", "--config", &example()], &[], "");
    assert_eq!(ran.code, 1);
    assert!(ran.json()["problems"].as_array().unwrap().len() >= 7, "{ran:?}");
}

#[test]
fn the_sandboxs_credentials_do_not_guard_a_real_org() {
    let mut variables = VARIABLES;
    for (name, value) in &mut variables {
        match *name {
            "TIELINE_DIP_KEY" => *value = "sandbox-dip-key",
            "SALESFORCE_CLIENT_ID" => *value = "tieline-sandbox",
            _ => {}
        }
    }
    let ran = run_with(&["serve", "--config", &example()], &variables, "");
    assert_eq!(ran.code, 1, "{ran:?}");
    for place in [
        "workspaces.acme.keys[0].secret: is a credential of the sandbox",
        "connections.salesforce.client_id: ",
    ] {
        assert!(ran.stderr.contains(place), "{place}: {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("sandbox-dip-key"), "{}", ran.stderr);
}

#[test]
fn a_taken_port_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    let mut variables = VARIABLES.to_vec();
    variables.extend([("TIELINE_LISTEN", address.as_str()), ("TIELINE_DATA", data.as_str())]);
    let ran = run_with(&["serve", "--config", &example()], &variables, "");
    assert_eq!(ran.code, 3, "{ran:?}");
    let port = taken.local_addr().unwrap().port();
    assert!(
        ran.stderr.contains(&format!("port {port} is taken")) && ran.stderr.contains("`listen`"),
        "{ran:?}"
    );

    let salesforce = ["sandbox", "salesforce", "--listen"];
    for (more, option) in
        [(&[address.as_str()][..], "--listen"), (&["127.0.0.1:0", "--tls-listen", &address], "--tls-listen")]
    {
        let ran = run_with(&[&salesforce[..], more].concat(), &[], "");
        assert_eq!(ran.code, 3, "{ran:?}");
        let told = format!(
            "port {port} is taken by another program (maybe another Tieline); choose another with {option}\n"
        );
        assert!(ran.stderr.ends_with(&told), "{ran:?}");
    }

    let base = port.to_string();
    let ran = run_with(&["demo", "--base-port", &base], &[], "");
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.stderr.contains(&format!("port {port} is taken")) && ran.stderr.contains("--base-port"),
        "{ran:?}"
    );
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_database_that_is_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display().to_string();
    let database = dir.path().join("tieline.db");
    std::fs::write(&database, "this is no database, whatever its name says".repeat(100)).unwrap();
    let mut variables = VARIABLES.to_vec();
    variables.extend([("TIELINE_LISTEN", "127.0.0.1:0"), ("TIELINE_DATA", data.as_str())]);
    for arguments in [&["serve", "--config", &example()][..], &["contacts", "list", "--data", &data]] {
        let ran = run_with(arguments, &variables, "");
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stderr.contains(&database.display().to_string()), "{ran:?}");
    }
}
