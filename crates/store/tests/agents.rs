//! Rows of agents, flows and runs behave the same whatever database holds them.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};
use tieline_core::{AgentId, ContactId, FixedClock, WorkspaceName};
use tieline_store::{
    AgentBinding, AgentRow, AgentStore, AgentSweep, AttemptRow, BindingMaker, FlowGrants, NewFlowVersion,
    RunEnd, RunFilter, RunRow, RunState, SeenEvent, SessionRow, SqliteStore,
};

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().unwrap()
}

fn store() -> (SqliteStore, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("t.db"), Arc::new(FixedClock(now()))).unwrap();
    (store, folder)
}

fn demo() -> WorkspaceName {
    WorkspaceName::new("demo").unwrap()
}

fn other() -> WorkspaceName {
    WorkspaceName::new("other").unwrap()
}

fn agent(id: &str) -> AgentId {
    AgentId::new(id).unwrap()
}

fn contact(id: &str) -> ContactId {
    ContactId::new(id).unwrap()
}

fn version(flow: &str, position: i64) -> NewFlowVersion {
    NewFlowVersion {
        flow: flow.into(),
        name: flow.to_uppercase(),
        document: "{}".into(),
        grants: FlowGrants::default(),
        position,
        published_by: "nora".into(),
    }
}

fn event(key: &str) -> SeenEvent {
    SeenEvent {
        workspace: demo(),
        agent: agent("a"),
        key: key.into(),
        contact: Some(contact("c-42")),
        source: "voice_contact".into(),
        event: "connecting".into(),
        life_cycle: true,
        handled_locally: false,
        seen_at: now(),
    }
}

fn run(id: &str) -> RunRow {
    RunRow {
        run: id.into(),
        workspace: demo(),
        agent: agent("a"),
        contact: Some(contact("c-42")),
        flow: "pop".into(),
        version: 1,
        source: "voice_contact".into(),
        event: "connecting".into(),
        state: RunState::Running,
        detail: None,
        started_at: now(),
        ended_at: None,
    }
}

#[tokio::test]
async fn every_published_version_is_kept_and_any_can_be_put_in_force_again() {
    let (store, _folder) = store();
    assert_eq!(store.publish_flow(&demo(), version("pop", 0)).await.unwrap().version, 1);
    let granted = FlowGrants { may_dial: true, as_workspace: false };
    let second = NewFlowVersion { grants: granted, ..version("pop", 0) };
    assert_eq!(store.publish_flow(&demo(), second).await.unwrap().version, 2);

    assert_eq!(store.published_flows(&demo()).await.unwrap()[0].version.grants, granted);
    assert!(store.set_published(&demo(), "pop", Some(1)).await.unwrap());
    assert_eq!(store.published_flows(&demo()).await.unwrap()[0].version.version, 1);
    assert!(!store.set_published(&demo(), "pop", Some(3)).await.unwrap());
    assert!(!store.set_published(&other(), "pop", Some(1)).await.unwrap());
    assert!(store.set_published(&demo(), "pop", None).await.unwrap());
    assert!(store.published_flows(&demo()).await.unwrap().is_empty());
    let flows = store.flows(&demo()).await.unwrap();
    assert_eq!((flows[0].published, flows[0].newest), (None, 2));
    assert_eq!(store.flow_versions(&demo(), "pop").await.unwrap().len(), 2);
}

#[tokio::test]
async fn flows_stand_in_their_order_then_by_id() {
    let (store, _folder) = store();
    for (flow, position) in [("b", 1), ("a", 1), ("z", 0)] {
        store.publish_flow(&demo(), version(flow, position)).await.unwrap();
    }
    let order = |flows: Vec<tieline_store::PublishedFlow>| {
        flows.into_iter().map(|flow| flow.version.flow).collect::<Vec<_>>()
    };
    assert_eq!(order(store.published_flows(&demo()).await.unwrap()), ["z", "a", "b"]);
    assert!(store.set_flow_position(&demo(), "z", 2).await.unwrap());
    assert_eq!(order(store.published_flows(&demo()).await.unwrap()), ["a", "b", "z"]);
    assert!(store.published_flows(&other()).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_event_is_noted_once_and_opens_its_runs_once() {
    let (store, _folder) = store();
    assert!(store.record_event(event("k"), vec![run("r1")]).await.unwrap());
    assert!(!store.record_event(event("k"), vec![run("r2")]).await.unwrap());

    let runs = store.runs(&demo(), RunFilter { limit: 10, ..RunFilter::default() }).await.unwrap();
    assert_eq!(runs, [run("r1")]);
    let done = store.events_done(&demo(), &agent("a"), &[contact("c-42"), contact("c-43")]).await.unwrap();
    assert_eq!(done, [(contact("c-42"), "voice_contact".to_owned(), "connecting".to_owned())]);
    assert!(store.events_done(&demo(), &agent("b"), &[contact("c-42")]).await.unwrap().is_empty());
}

#[tokio::test]
async fn open_runs_are_interrupted_at_the_start_and_closed_ones_stay() {
    let (store, _folder) = store();
    store.record_event(event("k"), vec![run("r1"), run("r2")]).await.unwrap();
    let end = RunEnd {
        run: "r1".into(),
        state: RunState::Completed,
        detail: None,
        ended_at: now(),
        steps: vec!["{\"step\":\"a\"}".into(), "{\"step\":\"b\"}".into()],
    };
    store.close_run(end.clone()).await.unwrap();

    assert_eq!(store.interrupt_runs(now()).await.unwrap(), 1);
    store.close_run(RunEnd { run: "r2".into(), ..end }).await.unwrap();

    let states: Vec<_> = store
        .runs(&demo(), RunFilter { contact: Some(contact("c-42")), limit: 10, ..RunFilter::default() })
        .await
        .unwrap()
        .into_iter()
        .map(|run| (run.run, run.state))
        .collect();
    assert_eq!(states, [("r2".into(), RunState::Interrupted), ("r1".into(), RunState::Completed)]);
    assert_eq!(store.run_steps("r1").await.unwrap(), ["{\"step\":\"a\"}", "{\"step\":\"b\"}"]);
    assert!(store.run_steps("r2").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_login_belongs_to_one_agent() {
    let (store, _folder) = store();
    let binding = |id: &str, login: &str, made_by| AgentBinding {
        agent: agent(id),
        phone_login: login.into(),
        made_by,
        made_at: now(),
    };
    let first = store.match_agent(&demo(), binding("a", "nora", BindingMaker::Matched)).await.unwrap();
    assert_eq!(first.unwrap().phone_login, "nora");
    assert!(store.match_agent(&demo(), binding("b", "nora", BindingMaker::Matched)).await.unwrap().is_none());
    let kept = store.match_agent(&demo(), binding("a", "else", BindingMaker::Matched)).await.unwrap();
    assert_eq!(kept.unwrap().phone_login, "nora");

    store.bind_agent(&demo(), binding("b", "nora", BindingMaker::Bound)).await.unwrap();
    assert!(store.binding(&demo(), &agent("a")).await.unwrap().is_none());
    assert_eq!(store.bindings(&demo()).await.unwrap().len(), 1);
    assert!(store.unbind_agent(&demo(), &agent("b")).await.unwrap());
    assert!(!store.unbind_agent(&demo(), &agent("b")).await.unwrap());
}

#[tokio::test]
async fn agents_and_their_sealed_tokens_are_kept_per_workspace() {
    let (store, _folder) = store();
    let nora = AgentRow {
        agent: agent("a"),
        name: "Nora".into(),
        login: "nora@example.com".into(),
        email: None,
        seen_at: now(),
    };
    store.put_agent(&demo(), nora.clone()).await.unwrap();
    store.put_agent_token(&demo(), &agent("a"), vec![1, 2]).await.unwrap();
    store.put_agent_token(&demo(), &agent("a"), vec![3]).await.unwrap();

    assert_eq!(store.agent(&demo(), &agent("a")).await.unwrap(), Some(nora.clone()));
    assert_eq!(store.agents(&demo()).await.unwrap(), [nora]);
    assert!(store.agents(&other()).await.unwrap().is_empty());
    assert_eq!(store.agent_token(&demo(), &agent("a")).await.unwrap(), Some(vec![3]));
    assert_eq!(store.agent_token(&other(), &agent("a")).await.unwrap(), None);
    store.delete_agent_token(&demo(), &agent("a")).await.unwrap();
    assert_eq!(store.agent_token(&demo(), &agent("a")).await.unwrap(), None);
}

#[tokio::test]
async fn an_attempt_is_taken_by_one() {
    let (store, _folder) = store();
    let attempt = AttemptRow {
        attempt: "x".into(),
        state: "pending".into(),
        document: "1".into(),
        expires_at: now() + 10.minutes(),
    };
    assert!(store.add_attempt(&demo(), attempt.clone()).await.unwrap());
    assert!(!store.add_attempt(&demo(), attempt.clone()).await.unwrap());
    assert!(store.take_attempt(&demo(), "x", "done").await.unwrap().is_none());
    assert!(store.move_attempt(&demo(), "x", "pending", "done", "2".into()).await.unwrap());
    assert!(!store.move_attempt(&demo(), "x", "pending", "done", "3".into()).await.unwrap());
    assert_eq!(store.attempt(&demo(), "x").await.unwrap().unwrap().document, "2");
    assert!(store.attempt(&other(), "x").await.unwrap().is_none());
    assert!(store.take_attempt(&demo(), "x", "done").await.unwrap().is_some());
    assert!(store.take_attempt(&demo(), "x", "done").await.unwrap().is_none());

    let over = AttemptRow { expires_at: now(), ..attempt };
    store.add_attempt(&demo(), over).await.unwrap();
    assert!(store.attempt(&demo(), "x").await.unwrap().is_none());
}

#[tokio::test]
async fn a_ticket_works_once_while_its_session_lasts() {
    let (store, _folder) = store();
    let session = SessionRow {
        hash: [1; 32],
        workspace: demo(),
        agent: agent("a"),
        document: "{}".into(),
        created_at: now(),
        expires_at: now() + 12.hours(),
    };
    store.put_session(session.clone()).await.unwrap();
    store.put_ticket(&demo(), [7; 32], [1; 32], now() + 60.seconds()).await.unwrap();
    store.put_ticket(&demo(), [8; 32], [1; 32], now()).await.unwrap();
    store.put_ticket(&demo(), [9; 32], [1; 32], now() + 60.seconds()).await.unwrap();

    assert!(store.take_ticket(&other(), [7; 32]).await.unwrap().is_none());
    assert_eq!(store.take_ticket(&demo(), [7; 32]).await.unwrap(), Some(session));
    assert!(store.take_ticket(&demo(), [7; 32]).await.unwrap().is_none());
    assert!(store.take_ticket(&demo(), [8; 32]).await.unwrap().is_none());
    assert!(store.session(&other(), [1; 32]).await.unwrap().is_none());
    assert!(store.delete_session(&demo(), [1; 32]).await.unwrap());
    assert!(store.session(&demo(), [1; 32]).await.unwrap().is_none());
    assert!(store.take_ticket(&demo(), [9; 32]).await.unwrap().is_none());
}

#[tokio::test]
async fn sweeping_removes_what_is_over_and_what_is_old() {
    let (store, _folder) = store();
    store.record_event(event("k"), vec![run("r1"), run("open")]).await.unwrap();
    let end = RunEnd {
        run: "r1".into(),
        state: RunState::Completed,
        detail: None,
        ended_at: now(),
        steps: vec!["{}".into()],
    };
    store.close_run(end).await.unwrap();
    store.put_ticket(&demo(), [8; 32], [1; 32], now()).await.unwrap();

    let later = now() + 1.hour();
    let sweep = AgentSweep { expired_by: later, runs_before: later, events_before: later };
    assert_eq!(store.sweep_agents(sweep).await.unwrap(), 4);
    let left = store.runs(&demo(), RunFilter { limit: 10, ..RunFilter::default() }).await.unwrap();
    assert_eq!(left.iter().map(|run| run.run.as_str()).collect::<Vec<_>>(), ["open"]);
    assert!(store.record_event(event("k"), Vec::new()).await.unwrap());
}
