//! The server is killed after Salesforce did what it was told and before the server knew: the
//! next one finds what is there instead of writing it again.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use support::harness::tieline;
use support::{Org, Serve, firehose, until};

/// A record of a call that Nora took, as Amazon Connect writes it.
const RECORD: &str = include_str!("../../connectors/amazon-connect/fixtures/record-voice-handled.json");

/// A row that was claimed by the killed server is free again after a minute.
const RECOVERED: Duration = Duration::from_secs(120);

fn serve(org: &Org, folder: &Path) -> Command {
    // Longer than the test waits for the write to hang.
    support::serve(
        org,
        folder,
        "timeout_secs = 60\n[workspaces.demo]\ncontact_center = \"connect\"\ncrm = \"salesforce\"\n",
    )
}

async fn counts(org: &Org) -> (usize, usize) {
    let contact = serde_json::from_str::<Value>(RECORD).unwrap()["ContactId"].as_str().unwrap().to_owned();
    let tasks = org.query(&format!("SELECT Id FROM Task WHERE CallObject = '{contact}'")).await.len();
    let of_contact = format!("SELECT Id FROM Interaction__c WHERE Contact_Id__c = '{contact}'");
    (org.query(&of_contact).await.len(), tasks)
}

/// Kills the server while Salesforce holds the answer to the write of `object`, and looks at what
/// is there once another server has made sure of every record.
async fn killed_while_writing(object: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    let org = Org::start().await;
    let http = tieline_server::client().unwrap();
    let first = Serve::start(serve(&org, folder.path()));

    // Task is created through the collection, one Interaction upserted at its key's own address.
    let (method, path) = match object {
        "Task" => ("POST", "/composite/sobjects"),
        _ => ("PATCH", "/sobjects/Interaction__c/Key__c/"),
    };
    let held = json!({ "kind": "commit_then_hang", "match": { "method": method, "path": path }, "times": 1 });
    let fault = org.break_with(held).await;
    let acknowledged = firehose(&http, &first.url, "firehose-key", RECORD).await;
    assert_eq!(acknowledged.status(), 200);
    let hanging = || async {
        let seen = org.requests().await;
        seen.into_iter().find(|seen| {
            seen["committed"] == true
                && seen["status"].is_null()
                && seen["method"] == method
                && seen["path"].as_str().is_some_and(|seen| seen.contains(path))
                && (object != "Task" || seen["body"].as_str().is_some_and(|body| body.contains("\"Task\"")))
        })
    };
    until(&format!("the write of {object} to hang"), Duration::from_secs(30), hanging).await;
    let (interactions, tasks) = counts(&org).await;
    assert_eq!(if object == "Task" { tasks } else { interactions }, 1, "Salesforce has committed it");

    first.kill();
    org.mend(fault).await;
    let second = Serve::start(serve(&org, folder.path()));
    let data = folder.path().join("data").display().to_string();
    let written = || async {
        let contact =
            serde_json::from_str::<Value>(RECORD).unwrap()["ContactId"].as_str().unwrap().to_owned();
        let shown = tieline(&["contacts", "show", &contact, "--json", "--data", &data]).output().unwrap();
        let shown: Value = serde_json::from_slice(&shown.stdout).ok()?;
        let records = shown["records"].as_array()?;
        let done = records.len() == 2 && records.iter().all(|record| record["state"] == "done");
        done.then(|| records.clone())
    };
    let records = until("both records to be written and known", RECOVERED, written).await;

    assert_eq!(counts(&org).await, (1, 1), "{}", second.log());
    let task = &org.query("SELECT Id FROM Task WHERE CallObject != null").await[0]["Id"];
    let known = records.iter().find(|record| record["object"] == "Task").unwrap();
    assert_eq!(&known["record"], task, "the one the killed server made was found");
}

#[tokio::test]
async fn a_server_killed_while_the_task_was_created_leaves_one_task_and_one_interaction() {
    killed_while_writing("Task").await;
}

#[tokio::test]
async fn a_server_killed_while_the_interaction_was_written_leaves_one_task_and_one_interaction() {
    killed_while_writing("Interaction__c").await;
}
