//! The published example flows that begin with a voice contact, a click or a chat, walked through
//! all their branches (agent-desktop specification, section 4).

use serde_json::{Value, json};

use crate::support::{Walk, anonymous_call, click, inbound_call, published};

const VOICE: &str = "voice_contact.connecting";

/// Ends the test quietly where the published flows are not at hand.
macro_rules! flow {
    ($name:literal, $on:expr) => {
        match published($name, $on) {
            Some(document) => document,
            None => return,
        }
    };
}

fn search(text: &str) -> Value {
    json!({"search": text, "call_type": "inbound", "deferred": false})
}

#[test]
fn legacy_pop_searches_the_attribute_and_then_the_number() {
    let flow = flow!("01-legacy", VOICE);
    Walk::of(&flow, inbound_call(json!({"acsf-screenpop-record": "00001026"})))
        .asks("crm.search_and_pop", search("00001026"))
        .done(json!({"count": 1, "id": "500x"}))
        .asks("crm.search_and_pop", search("(202) 555-0143"))
        .done(json!({"count": 0}))
        .completes()
        .by("uid-1:done uid-6:success uid-8:done uid-10:done uid-12:success");
}

#[test]
fn legacy_pop_never_searches_the_number_when_the_attribute_search_fails() {
    let flow = flow!("01-legacy", VOICE);
    // No attribute: nothing to search for, so the page is not even asked.
    Walk::of(&flow, inbound_call(json!({}))).completes().by("uid-1:done uid-6:failure uid-14:done");
    Walk::of(&flow, inbound_call(json!({"acsf-screenpop-record": "x"})))
        .asks("crm.search_and_pop", search("x"))
        .fails("timeout")
        .completes()
        .by("uid-1:done uid-6:failure uid-14:done");
}

#[test]
fn legacy_pop_logs_when_the_number_search_fails() {
    let flow = flow!("01-legacy", VOICE);
    let walk = Walk::of(&flow, inbound_call(json!({"acsf-screenpop-record": "x"})))
        .asks("crm.search_and_pop", search("x"))
        .done(json!({"count": 2}))
        .asks("crm.search_and_pop", search("(202) 555-0143"))
        .fails("page_gone")
        .completes()
        .by("uid-1:done uid-6:success uid-8:done uid-10:done uid-12:failure uid-14:done");
    assert_eq!(walk.step("uid-14").inputs["message"], "x");
    assert_eq!(walk.step("uid-12").error.as_ref().unwrap().code, "page_gone");
    // A withheld number leaves nothing to search for.
    Walk::of(&flow, anonymous_call(json!({"acsf-screenpop-record": "x"})))
        .asks("crm.search_and_pop", search("x"))
        .done(json!({"count": 1}))
        .completes()
        .by("uid-1:done uid-6:success uid-8:done uid-10:done uid-12:failure uid-14:done");
}

#[test]
fn click_to_dial_dials_in_e164_every_time() {
    let flow = flow!("03-click-to-dial", "crm_page.click_to_dial");
    for _ in 0..3 {
        Walk::of(&flow, click("(202) 555-0147"))
            .asks("phone.dial", json!({"number": "+12025550147"}))
            .done(json!({"contact_id": "c-43"}))
            .completes()
            .by("uid-16:done uid-18:success");
    }
    Walk::of(&flow, click("+44 20 7946 0018")).asks("phone.dial", json!({"number": "+442079460018"}));
}

#[test]
fn click_to_dial_logs_what_cannot_be_dialled() {
    let flow = flow!("03-click-to-dial", "crm_page.click_to_dial");
    let walk = Walk::of(&flow, click("(202) 555-0147"))
        .asks("phone.dial", json!({"number": "+12025550147"}))
        .fails("outcome_unknown")
        .completes()
        .by("uid-16:done uid-18:failure uid-20:done");
    assert_eq!(walk.step("uid-20").inputs["message"], "error");
    let walk = Walk::of(&flow, click("no number")).completes().by("uid-16:done uid-18:failure uid-20:done");
    assert_eq!(walk.step("uid-18").error.as_ref().unwrap().code, "input.absent");
}

#[test]
fn pop_on_customer_number_searches_the_national_form() {
    let flow = flow!("06-screenpop-on-customer", VOICE);
    Walk::of(&flow, inbound_call(json!({})))
        .asks("crm.search_and_pop", search("(202) 555-0143"))
        .done(json!({"count": 1, "id": "003x", "results": [{"id": "003x", "name": "Anna Tanaka", "type": "Contact"}]}))
        .completes()
        .by("uid-22:done uid-25:done uid-27:success");
    let walk = Walk::of(&flow, inbound_call(json!({})))
        .asks("crm.search_and_pop", search("(202) 555-0143"))
        .fails("expired")
        .completes()
        .by("uid-22:done uid-25:done uid-27:failure uid-29:done");
    assert_eq!(walk.step("uid-29").inputs["message"], "+12025550143");
    let withheld = Walk::of(&flow, anonymous_call(json!({})))
        .completes()
        .by("uid-22:done uid-25:done uid-27:failure uid-29:done");
    assert_eq!(withheld.step("uid-29").inputs.get("message"), None);
}

#[test]
fn the_case_of_the_attribute_is_popped_else_a_new_one_opens() {
    let flow = flow!("07-screenpop-case", VOICE);
    Walk::of(&flow, inbound_call(json!({"caseNumber": "00001026"})))
        .asks("crm.search_and_pop", search("00001026"))
        .done(json!({"count": 1}))
        .completes()
        .by("uid-1:done uid-3:true uid-5:success");
    Walk::of(&flow, inbound_call(json!({"caseNumber": "00001026"})))
        .asks("crm.search_and_pop", search("00001026"))
        .fails("timeout")
        .completes()
        .by("uid-1:done uid-3:true uid-5:failure uid-10:done");
    for attributes in [json!({}), json!({"caseNumber": ""})] {
        Walk::of(&flow, inbound_call(attributes))
            .asks("crm.pop_new_record", json!({"object": "Case", "fields": {}}))
            .done(json!({}))
            .completes()
            .by("uid-1:done uid-3:false uid-7:success");
    }
    Walk::of(&flow, inbound_call(json!({})))
        .asks("crm.pop_new_record", json!({"object": "Case", "fields": {}}))
        .fails("refused")
        .completes()
        .by("uid-1:done uid-3:false uid-7:failure uid-10:done");
}

/// What the task holds beside who and what it is about.
fn task(mut more: Value) -> Value {
    let mut args = json!({
        "contact": "c-42", "type": "Call", "status": "In Progress", "priority": "High", "is_closed": false,
        "subtype": "Task", "call_type": "inbound", "subject": "voice - Billing",
    });
    args.as_object_mut().unwrap().append(more.as_object_mut().unwrap());
    args
}

/// `asks` compares whole objects, so the order of arguments does not matter.
#[test]
fn a_known_caller_gets_a_task_about_person_and_account_and_it_pops() {
    let flow = flow!("08-create-task", VOICE);
    let walk = Walk::of(&flow, inbound_call(json!({})))
        .asks("crm.find_person", json!({"number": "+12025550143", "field": "Phone"}))
        .done(json!({"id": "003x", "count": 1}))
        .asks("crm.get_record", json!({"object": "Contact", "id": "003x", "fields": ["AccountId"]}))
        .done(json!({"record": {"AccountId": "001x"}}))
        .asks("crm.create_task", task(json!({"who": "003x", "what": "001x"})))
        .done(json!({"id": "00Tx"}))
        .asks("crm.pop_record", json!({"record": "00Tx"}))
        .done(json!({}))
        .completes()
        .by("uid-1:done uid-11:success uid-16:success uid-17:done uid-3:success uid-5:true uid-7:success");
    assert_eq!(walk.step("uid-17").outputs["value"], "001x");
}

#[test]
fn an_unknown_caller_gets_a_task_about_nobody() {
    let flow = flow!("08-create-task", VOICE);
    Walk::of(&flow, inbound_call(json!({})))
        .asks("crm.find_person", json!({"number": "+12025550143", "field": "Phone"}))
        .done(json!({"count": 0}))
        .asks("crm.create_task", task(json!({})))
        .done(json!({"id": "00Tx"}))
        .asks("crm.pop_record", json!({"record": "00Tx"}))
        .done(json!({}))
        .completes()
        .by("uid-1:done uid-11:failure uid-3:success uid-5:true uid-7:success");
    // A withheld number is looked for nowhere.
    Walk::of(&flow, anonymous_call(json!({}))).asks("crm.create_task", task(json!({})));
}

#[test]
fn every_failure_of_the_task_flow_ends_in_its_log() {
    let flow = flow!("08-create-task", VOICE);
    let found = || {
        Walk::of(&flow, inbound_call(json!({})))
            .asks("crm.find_person", json!({"number": "+12025550143", "field": "Phone"}))
            .done(json!({"id": "003x", "count": 2}))
    };
    found().fails("timeout").completes().by("uid-1:done uid-11:success uid-16:failure uid-10:done");
    found()
        .done(json!({"record": null}))
        .completes()
        .by("uid-1:done uid-11:success uid-16:failure uid-10:done");
    let unknown = || Walk::of(&flow, anonymous_call(json!({})));
    unknown().fails("unavailable").completes().by("uid-1:done uid-11:failure uid-3:failure uid-10:done");
    unknown()
        .done(json!({"values": {}}))
        .completes()
        .by("uid-1:done uid-11:failure uid-3:success uid-5:false uid-10:done");
    let popped = unknown().done(json!({"id": "00Tx"})).fails("expired").completes();
    popped.by("uid-1:done uid-11:failure uid-3:success uid-5:true uid-7:failure uid-10:done");
    // A person without an account still has a task.
    found()
        .done(json!({"record": {"AccountId": null}}))
        .asks("crm.create_task", task(json!({"who": "003x"})));
}

#[test]
fn a_chat_pops_its_record_else_searches_else_logs() {
    let flow = flow!("02-chat-contact-screenpop", "chat_contact.connecting");
    Walk::of(&flow, inbound_call(json!({"acsf-screenpop-record": "003x"})))
        .asks("crm.pop_record", json!({"record": "003x"}))
        .done(json!({}))
        .completes()
        .by("uid-1:done uid-3:success");
    Walk::of(&flow, inbound_call(json!({"acsf-screenpop-search": "Anna"})))
        .asks("crm.search_and_pop", search("Anna"))
        .done(json!({"count": 1}))
        .completes()
        .by("uid-1:done uid-3:failure uid-5:done uid-6:success");
    Walk::of(&flow, inbound_call(json!({})))
        .completes()
        .by("uid-1:done uid-3:failure uid-5:done uid-6:failure uid-14:done");
}

#[test]
fn the_mail_flow_never_pops_as_published_and_pops_when_corrected() {
    let mut flow = flow!("09-screenpop-cust-email", "chat_contact.connecting");
    let anna = || inbound_call(json!({"emailAddress": "anna@example.com"}));
    Walk::of(&flow, anna()).completes().by("uid-1:done uid-6:false");
    flow.steps["uid-6"].with["value"] = "$.steps.uid-1.value".into();
    Walk::of(&flow, anna())
        .asks("crm.search_and_pop", search("anna@example.com"))
        .done(json!({"count": 1}))
        .completes()
        .by("uid-1:done uid-6:true uid-3:success");
    Walk::of(&flow, inbound_call(json!({}))).completes().by("uid-1:done uid-6:false");
}
