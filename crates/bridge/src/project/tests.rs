//! Records of an ordinary call, and what changes them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;
use tieline_core::{
    AgentId, AgentRef, Channel, Contact, ContactId, ContactState, Direction, JsonMap, PartyMatch, QueueRef,
    RecordId, WorkspaceName,
};

use super::*;
use crate::merge::PartyPart;
use crate::profile::{Key, Profile};

/// An ordinary inbound call of Anna's that Nora has answered.
struct Case {
    contact: Contact,
    party: Option<PartyPart>,
    flow: Option<JsonMap>,
    records: BTreeMap<String, RecordId>,
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + second).unwrap()
}

fn party(object: &str, id: &str, name: &str) -> PartyMatch {
    PartyMatch {
        record: RecordId::new(id).unwrap(),
        object: object.into(),
        name: name.into(),
        field: None,
        person: object != "Account",
        modified_at: None,
    }
}

fn call() -> Case {
    Case {
        contact: Contact {
            channel: Some(Channel::Voice),
            direction: Some(Direction::Inbound),
            state: Some(ContactState::Connected),
            customer: Some("+12025550143".into()),
            agent: Some(AgentRef { id: None, login: Some("nora.quist".into()) }),
            queue: Some(QueueRef { id: None, name: Some("Sales".into()) }),
            started_at: Some(at(0)),
            connected_at: Some(at(20)),
            ..Contact::default()
        },
        party: None,
        flow: None,
        records: BTreeMap::new(),
    }
}

impl Case {
    fn ended(mut self) -> Self {
        self.contact.state = Some(ContactState::Completed);
        self.contact.ended_at = Some(at(140));
        self
    }

    fn matches(mut self, matches: &[PartyMatch]) -> Self {
        self.party = Some(PartyPart { customer: "+12025550143".into(), matches: matches.to_vec() });
        self
    }

    fn flow(mut self, fields: &str) -> Self {
        self.flow = Some(serde_json::from_str(fields).unwrap());
        self
    }

    fn project(&self) -> Vec<Projected> {
        let profile = Profile::built_in("amazon-connect", "salesforce").unwrap();
        let known = Known {
            workspace: &WorkspaceName::new("demo").unwrap(),
            contact_id: &ContactId::new("c-42").unwrap(),
            contact: &self.contact,
            party: self.party.as_ref(),
            flow: self.flow.as_ref(),
            agent: Some(&AgentId::new("005000000000001AAA").unwrap()),
            records: &self.records,
            region: "US",
        };
        project(&profile, &known)
    }

    fn task(&self) -> JsonMap {
        self.project().into_iter().find(|row| row.object == "Task").unwrap().fields
    }

    fn interaction(&self) -> JsonMap {
        self.project().into_iter().find(|row| row.object == "Interaction__c").unwrap().fields
    }
}

#[test]
fn a_finished_call_becomes_a_task_and_an_interaction() {
    let mut call = call().ended().matches(&[
        party("Contact", "003000000000001AAA", "Anna Keller"),
        party("Account", "001000000000001AAA", "Keller & Sons"),
    ]);
    call.records.insert("Task".into(), RecordId::new("00T000000000001AAA").unwrap());
    assert_eq!(
        Value::Object(call.task()),
        serde_json::json!({
            "ActivityDate": "2026-05-28",
            "CallDurationInSeconds": 120,
            "CallType": "Inbound",
            "OwnerId": "005000000000001AAA",
            "Priority": "Normal",
            "Status": "Completed",
            "Subject": "Voice inbound – Sales",
            "TaskSubtype": "Call",
            "Type": "Call",
            "WhatId": "001000000000001AAA",
            "WhoId": "003000000000001AAA"
        })
    );
    assert_eq!(
        Value::Object(call.interaction()),
        serde_json::json!({
            "Account__c": "001000000000001AAA",
            "Agent_User__c": "005000000000001AAA",
            "Agent__c": "nora.quist",
            "Channel__c": "Voice",
            "Connected_At__c": "2026-05-28T20:27:00.000Z",
            "Contact_Id__c": "c-42",
            "Contact__c": "003000000000001AAA",
            "Customer_Address__c": "+12025550143",
            "Customer_Name__c": "Anna Keller",
            "Customer_Number__c": "+12025550143",
            "Direction__c": "Inbound",
            "Ended_At__c": "2026-05-28T20:29:00.000Z",
            "Queue__c": "Sales",
            "Root_Contact_Id__c": "c-42",
            "Started_At__c": "2026-05-28T20:26:40.000Z",
            "State__c": "Completed",
            "Task_Id__c": "00T000000000001AAA",
            "Workspace__c": "demo"
        })
    );
    let rows = call.project();
    assert_eq!((rows[0].key.as_str(), rows[1].key.as_str()), ("c-42", "demo:c-42"));
    assert_eq!(rows[1].after, Some(("Task".into(), "c-42".into())));
}

#[test]
fn several_people_give_no_person_but_candidates() {
    let call = call().matches(&[
        party("Contact", "003000000000010AAA", "Dana Moss"),
        party("Contact", "003000000000011AAA", "Eli Moss"),
    ]);
    assert!(!call.task().contains_key("WhoId"));
    let interaction = call.interaction();
    assert_eq!(
        interaction["Candidates__c"],
        "Contact 003000000000010AAA Dana Moss\nContact 003000000000011AAA Eli Moss"
    );
    assert!(!interaction.contains_key("Customer_Name__c") && !interaction.contains_key("Contact__c"));
}

#[test]
fn a_lead_has_no_related_record_beside_it() {
    let call = call().matches(&[
        party("Lead", "00Q000000000001AAA", "Wei Zhang"),
        party("Account", "001000000000001AAA", "Keller & Sons"),
    ]);
    let task = call.task();
    assert_eq!(task["WhoId"], "00Q000000000001AAA");
    assert!(!task.contains_key("WhatId"));
    let interaction = call.interaction();
    assert_eq!(interaction["Lead__c"], "00Q000000000001AAA");
    assert_eq!(interaction["Account__c"], "001000000000001AAA");
}

#[test]
fn the_flow_wins_until_the_contact_ends_and_then_the_closing_map_does() {
    let fields = r#"{"Subject":"HVS - voice","Status":"Deferred","CallDurationInSeconds":1,"Custom__c":"x"}"#;
    let open = call().flow(fields).task();
    assert_eq!((&open["Subject"], &open["Status"]), (&"HVS - voice".into(), &"Deferred".into()));
    let closed = call().flow(fields).ended().task();
    assert_eq!(closed["Subject"], "HVS - voice");
    assert_eq!(closed["Custom__c"], "x");
    assert_eq!(closed["Status"], "Completed");
    assert_eq!(closed["CallDurationInSeconds"], 120);
}

#[test]
fn the_person_a_flow_chose_counts_for_the_interaction_too() {
    let call = call().flow(r#"{"WhoId":"003000000000011AAA"}"#).matches(&[
        party("Contact", "003000000000010AAA", "Dana Moss"),
        party("Contact", "003000000000011AAA", "Eli Moss"),
    ]);
    let interaction = call.interaction();
    assert_eq!(interaction["Contact__c"], "003000000000011AAA");
    assert_eq!(interaction["Customer_Name__c"], "Eli Moss");
    assert!(!interaction.contains_key("Candidates__c"));
}

#[test]
fn what_is_no_longer_said_is_emptied_in_a_record_that_is_ours_alone() {
    let profile = Profile::built_in("amazon-connect", "salesforce").unwrap();
    let interaction = profile.record("Interaction__c").unwrap();
    let unclear = call().matches(&[
        party("Contact", "003000000000010AAA", "Dana Moss"),
        party("Contact", "003000000000011AAA", "Eli Moss"),
    ]);
    let before = unclear.project().remove(1);
    let after = unclear.flow(r#"{"WhoId":"003000000000011AAA"}"#).project().remove(1);

    let row = outbox_row(interaction, &after, None, Some(&before.fields), false).unwrap();
    assert_eq!(row.fields["Candidates__c"], Value::Null);
    assert_eq!(row.fields["Contact__c"], "003000000000011AAA");
    assert_eq!(row.fields["Queue__c"], "Sales");
    assert!(row.unless_changed.is_empty());
}

#[test]
fn a_withheld_number_is_no_number_and_strange_text_stays_text() {
    let mut call = call();
    call.contact.customer = Some("anonymous".into());
    call.contact.disposition = Some("<img src=x onerror=alert(1)>\u{202e}\u{0} \"'; --".into());
    let interaction = call.interaction();
    assert!(!interaction.contains_key("Customer_Number__c"));
    assert_eq!(interaction["Customer_Address__c"], "anonymous");
    assert_eq!(interaction["Disposition__c"], "<img src=x onerror=alert(1)> \"'; --");
}

#[test]
fn a_key_that_would_be_too_long_holds_the_contacts_hash() {
    let workspace = WorkspaceName::new("demo").unwrap();
    let fits = ContactId::new("x".repeat(250)).unwrap();
    let long = ContactId::new("x".repeat(251)).unwrap();
    assert_eq!(key_of(Key::WorkspaceContact, &workspace, &fits), format!("demo:{}", "x".repeat(250)));
    let key = key_of(Key::WorkspaceContact, &workspace, &long);
    assert_eq!((key.len(), &key[..5]), (5 + 64, "demo:"));
    assert_eq!(key_of(Key::Contact, &workspace, &long), "x".repeat(251));
}

#[test]
fn listening_in_is_an_interaction_and_no_task() {
    let mut call = call();
    call.contact.direction = Some(Direction::Internal);
    let rows = call.project();
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].object.as_str(), &rows[0].after), ("Interaction__c", &None));
}

#[test]
fn a_task_that_exists_is_given_only_what_changed_and_not_over_a_persons_change() {
    let profile = Profile::built_in("amazon-connect", "salesforce").unwrap();
    let task = profile.record("Task").unwrap();
    let before = call().project().remove(0);
    let after = call().ended().project().remove(0);
    let id = RecordId::new("00T000000000001AAA").unwrap();

    let row = outbox_row(task, &after, Some(&id), Some(&before.fields), false).unwrap();
    assert_eq!(
        (Value::Object(row.fields), Value::Object(row.unless_changed)),
        (
            serde_json::json!({"Status": "Completed", "CallDurationInSeconds": 120}),
            serde_json::json!({"Status": "In Progress", "CallDurationInSeconds": null}),
        )
    );
    assert_eq!(outbox_row(task, &before, Some(&id), Some(&before.fields), false), None);
    let undone = outbox_row(task, &before, Some(&id), Some(&after.fields), false).unwrap();
    assert_eq!(undone.fields["CallDurationInSeconds"], Value::Null);
    assert_eq!(undone.unless_changed["CallDurationInSeconds"], 120);
    let blind = outbox_row(task, &after, None, None, true).unwrap();
    assert_eq!(blind.fields, after.fields);
}
