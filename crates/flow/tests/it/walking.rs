use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use tieline_flow::{Answer, Ended, Flow, Next, Place, Rights, Run, STEP_LIMIT, Scope, defaults};

use crate::support::{Walk, anonymous_call, click, document, inbound_call};

fn default_flow(id: &str) -> tieline_flow::Document {
    defaults().into_iter().find(|document| document.id == id).unwrap()
}

#[test]
fn the_callers_record_pops_by_number() {
    let walk = Walk::of(&default_flow("pop-the-caller"), inbound_call(json!({})))
        .asks("crm.search_and_pop", json!({"search": "+12025550143", "call_type": "inbound", "deferred": false}))
        .done(json!({"count": 1, "id": "003x", "results": [{"id": "003x", "name": "Anna Tanaka", "type": "Contact"}]}))
        .completes()
        .by("number:done search:success");
    assert_eq!(walk.step("search").outputs["id"], "003x");
}

#[test]
fn a_withheld_caller_pops_nothing_and_the_trace_says_so() {
    let walk = Walk::of(&default_flow("pop-the-caller"), anonymous_call(json!({})))
        .completes()
        .by("number:done search:failure note:done");
    assert_eq!(walk.step("search").error.as_ref().unwrap().code, "input.absent");
    assert_eq!(walk.step("note").inputs["message"], "could not search for a withheld number");
}

#[test]
fn a_clicked_number_is_dialled_once_with_the_agents_rights() {
    let walk = Walk::of(&default_flow("click-to-dial"), click("(202) 555-0147"));
    let Next::Perform(effect) = walk.next() else { panic!("dials") };
    assert_eq!((effect.op, effect.command(), effect.step.as_str()), ("phone.dial", "dial", "dial"));
    assert_eq!((effect.place, effect.rights, effect.once), (Place::Phone, Rights::Agent, true));
    assert_eq!(effect.deadline.as_secs(), 15);
    walk.fails("refused").breaks_at("dial", "refused").by("number:done dial:failure");
}

#[test]
fn a_waiting_run_repeats_its_effect_until_it_is_answered() {
    let flow = Arc::new(Flow::load(default_flow("click-to-dial")).unwrap());
    let mut run = Run::new(flow, click("(202) 555-0147"));
    let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    let first = run.next(now, None);
    assert_eq!(run.next(now, None), first);
    assert_eq!(run.trace().len(), 2);
    assert!(run.trace()[1].ended.is_none() && run.ended().is_none());
    let end = run.next(now, Some(Answer::Done(serde_json::Map::new())));
    assert_eq!(end, Next::Finished(Ended::Completed));
    // An answer nobody waits for changes nothing.
    assert_eq!(run.next(now, Some(Answer::Done(serde_json::Map::new()))), end);
    assert_eq!(run.ended(), Some(&Ended::Completed));
}

#[test]
fn a_stopped_run_closes_its_trace_and_stays_stopped() {
    let flow = Arc::new(Flow::load(default_flow("click-to-dial")).unwrap());
    let mut run = Run::new(flow, click("(202) 555-0147"));
    let now: Timestamp = "2026-11-20T09:00:00Z".parse().unwrap();
    run.next(now, None);
    let ended = run.stop(now, "run.timeout", "its 60 seconds were over");
    assert_eq!(
        ended,
        Ended::Stopped { code: "run.timeout".into(), detail: "its 60 seconds were over".into() }
    );
    assert_eq!(run.trace()[1].error.as_ref().unwrap().code, "run.timeout");
    assert!(run.trace()[1].ended.is_some());
    assert_eq!(run.next(now, Some(Answer::Done(serde_json::Map::new()))), Next::Finished(ended.clone()));
    assert_eq!(run.stop(now, "other", ""), ended);
}

#[test]
fn the_same_answers_give_the_same_trace() {
    let once = || {
        let walk =
            Walk::of(&default_flow("pop-the-caller"), inbound_call(json!({}))).done(json!({"count": 0}));
        serde_json::to_string(walk.trace()).unwrap()
    };
    assert_eq!(once(), once());
}

#[test]
fn the_trace_tells_times_inputs_outputs_and_branches() {
    let walk = Walk::of(&default_flow("pop-the-caller"), inbound_call(json!({})))
        .done(json!({"count": 0}))
        .completes();
    assert_eq!(
        serde_json::to_value(walk.trace()).unwrap(),
        json!([
            {
                "step": "number", "use": "contact.customer_number",
                "started": "2026-11-20T09:00:00Z", "ended": "2026-11-20T09:00:00Z",
                "inputs": {},
                "outputs": {"e164": "+12025550143", "country": "US", "national": "(202) 555-0143", "withheld": false},
                "branch": "done",
            },
            {
                "step": "search", "use": "crm.search_and_pop",
                "started": "2026-11-20T09:00:00Z", "ended": "2026-11-20T09:00:00.1Z",
                "inputs": {"search": "+12025550143", "call_type": "inbound", "deferred": false},
                "outputs": {"count": 0}, "branch": "success",
            },
        ])
    );
}

#[test]
fn a_run_of_too_many_steps_is_stopped() {
    let steps: serde_json::Map<String, Value> = (0..=STEP_LIMIT)
        .map(|n| (format!("s{n}"), json!({"use": "log", "next": {"done": format!("s{}", n + 1)}})))
        .chain([(format!("s{}", STEP_LIMIT + 1), json!({"use": "log"}))])
        .collect();
    let walk = Walk::of(&document(Value::Object(steps)), inbound_call(json!({})));
    assert_eq!(*walk.next(), Next::Finished(Ended::StepLimit));
    assert_eq!(walk.trace().len(), STEP_LIMIT);
}

#[test]
fn references_reach_every_root_and_what_is_absent_is_left_out() {
    let flow = document(json!({
        "form": {"use": "crm.pop_new_record", "with": {
            "object": "Case",
            "fields": {
                "Subject": "='Call of ' + contact.channel + ' ' + default(contact.attributes.topic, 'unknown')",
                "Number": "$.contact.e164", "Agent": "$.agent.name", "Event": "$.event.event",
                "Clicked": "$.payload.number", "Note": "$.properties.note", "Literal": {"literal": "$.payload.number"},
                "Sign": {"literal": "=1"}, "Gone": "$.steps.form.nothing", "Count": 3, "Null": null,
            },
        }},
    }));
    let mut flow = flow;
    flow.steps["form"].with["fields"].as_object_mut().unwrap().remove("Gone");
    let mut scope = inbound_call(json!({"topic": "billing"}));
    scope.properties = json!({"note": "remember"});
    Walk::of(&flow, scope).asks(
        "crm.pop_new_record",
        json!({"object": "Case", "fields": {
            "Subject": "Call of voice billing", "Number": "+12025550143", "Agent": "Sam", "Event": "connecting",
            "Note": "remember", "Literal": "$.payload.number", "Sign": "=1", "Count": 3,
        }}),
    );
}

#[test]
fn a_required_input_that_is_absent_takes_the_failure_branch() {
    let flow = document(json!({
        "find": {"use": "crm.find_person", "with": {"number": "$.payload.nothing"}, "next": {"failure": "get"}},
        "get": {"use": "crm.get_record", "with": {"object": "Contact", "id": "null", "fields": "Name"}, "next": {"failure": "dial"}},
        "dial": {"use": "phone.dial", "with": {"number": ""}, "next": {"failure": "note"}},
        "note": {"use": "log"},
    }));
    let walk = Walk::of(&flow, inbound_call(json!({})))
        .completes()
        .by("find:failure get:failure dial:failure note:done");
    let codes: Vec<_> =
        walk.trace().iter().filter_map(|step| Some(step.error.as_ref()?.code.as_str())).collect();
    assert_eq!(codes, ["input.absent", "input.absent", "input.empty"]);
    assert_eq!(walk.step("note").inputs["level"], "info");
}

#[test]
fn a_value_of_the_wrong_kind_fails_the_step_and_not_the_run() {
    let flow = document(json!({
        "search": {"use": "crm.search_and_pop", "with": {"search": "$.payload.thing", "call_type": "inbound"}, "next": {"failure": "format"}},
        "format": {"use": "phone.format", "with": {"number": "$.payload.thing"}, "next": {"done": "truthy"}},
        "truthy": {"use": "logic.is_truthy", "with": {"value": "=1 / payload.zero > 0"}, "next": {"false": "note"}},
        "note": {"use": "log", "with": {"message": "=payload.typo"}},
    }));
    let mut scope = inbound_call(json!({}));
    scope.payload = json!({"thing": {"a": 1}, "zero": 0});
    let walk = Walk::of(&flow, scope).completes().by("search:failure format:done truthy:false note:done");
    assert_eq!(walk.step("search").error.as_ref().unwrap().code, "input.type");
    assert_eq!(walk.step("format").error.as_ref().unwrap().code, "input.type");
    assert_eq!(walk.step("truthy").error.as_ref().unwrap().detail, "`value`: division by zero");
    assert_eq!(walk.step("note").notes, ["message: there is no `typo`"]);
    assert!(walk.step("note").error.is_none());
}

#[test]
fn two_branches_may_meet_in_one_step() {
    let flow = document(json!({
        "a": {"use": "logic.is_truthy", "with": {"value": "$.payload.x"}, "next": {"true": "b", "false": "c"}},
        "b": {"use": "contact.customer_number", "next": {"done": "c"}},
        "c": {"use": "log", "with": {"message": "$.steps.b.e164"}},
    }));
    let mut scope = inbound_call(json!({}));
    Walk::of(&flow, scope.clone()).completes().by("a:false c:done");
    scope.payload = json!({"x": "0"});
    let walk = Walk::of(&flow, scope).completes().by("a:true b:done c:done");
    assert_eq!(walk.step("c").inputs["message"], "+12025550143");
}

#[test]
fn a_quiet_pop_without_a_record_is_a_success() {
    let flow = document(json!({
        "pop": {"use": "crm.pop_record", "with": {"record": "$.contact.attributes.record", "quiet_when_empty": true}},
    }));
    Walk::of(&flow, inbound_call(json!({}))).completes().by("pop:success");
    Walk::of(&flow, inbound_call(json!({"record": "null"}))).completes().by("pop:success");
    Walk::of(&flow, inbound_call(json!({"record": "003x"})))
        .asks("crm.pop_record", json!({"record": "003x"}));
}

#[test]
fn a_log_keeps_false() {
    let flow =
        document(json!({"note": {"use": "log", "with": {"level": "debug", "message": "$.payload.flag"}}}));
    let mut scope = inbound_call(json!({}));
    scope.payload = json!({"flag": false});
    assert_eq!(Walk::of(&flow, scope).completes().step("note").inputs["message"], false);
}

#[test]
fn a_run_without_a_contact_knows_no_caller() {
    let flow = document(json!({
        "props": {"use": "contact.properties", "next": {"done": "number"}},
        "number": {"use": "contact.customer_number", "next": {"done": "note"}},
        "note": {"use": "log", "with": {"message": "=default(contact.e164, 'nobody')"}},
    }));
    let walk = Walk::of(&flow, Scope::default()).completes();
    assert_eq!(Value::Object(walk.step("props").outputs.clone()), json!({"is_monitor": false}));
    assert_eq!(walk.step("note").inputs["message"], "nobody");
}
