//! The hub as sockets meet it: many agents at once, cheap while idle.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::json;
use tieline_bridge::profile::Profile;
use tieline_core::{AgentId, ContactChange, ContactId, Crm, FixedClock, JsonMap, RecordId, WorkspaceName};
use tieline_engine::agents::{
    AgentHub, AgentSettings, Backstage, Gate, LogFailure, Outgoing, PageHandle, Redaction,
};
use tieline_engine::protocol::{Fallback, ServerFrame};
use tieline_engine::sign_in::{AgentProfile, SignInError, SignedIn};
use tieline_store::SqliteStore;

struct AnybodyMayEnter;

#[async_trait]
impl Gate for AnybodyMayEnter {
    async fn redeem(&self, workspace: &WorkspaceName, ticket: &str) -> Result<Option<SignedIn>, SignInError> {
        let agent = AgentProfile {
            id: AgentId::new(ticket).unwrap(),
            name: ticket.into(),
            email: None,
            login: format!("{ticket}@example.com"),
        };
        let (workspace, expires_at) = (workspace.clone(), Timestamp::MAX);
        Ok(Some(SignedIn { session: [0; 32], workspace, agent, expires_at }))
    }

    async fn is_signed_in(&self, _: &WorkspaceName, _: [u8; 32]) -> Result<bool, SignInError> {
        Ok(true)
    }

    async fn crm_token(&self, _: &WorkspaceName, _: &AgentId) -> Result<Option<SecretString>, SignInError> {
        Ok(None)
    }

    async fn refresh_crm_token(
        &self,
        _: &WorkspaceName,
        _: &AgentId,
        _: &SecretString,
    ) -> Result<Option<SecretString>, SignInError> {
        Ok(None)
    }
}

struct EmptyHouse;

#[async_trait]
impl Backstage for EmptyHouse {
    fn crm(&self, _: &WorkspaceName) -> Option<Arc<dyn Crm>> {
        None
    }

    fn profile(&self, _: &WorkspaceName) -> Option<Arc<Profile>> {
        None
    }

    async fn log_for_flow(
        &self,
        _: &WorkspaceName,
        _: &ContactId,
        _: &JsonMap,
        _: &AgentId,
    ) -> Result<RecordId, LogFailure> {
        Err(LogFailure { code: "crm.unsupported".into(), detail: String::new() })
    }

    async fn page_saw(&self, _: &WorkspaceName, _: ContactChange) -> Result<(), LogFailure> {
        Ok(())
    }
}

fn resident_kib() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().trim_end_matches(" kB").parse().ok()
}

async fn enter(hub: &AgentHub, workspace: &WorkspaceName, agent: &str) -> PageHandle {
    let hello = json!({
        "ticket": agent,
        "page": {
            "id": format!("load-{agent}"), "tab": format!("tab-{agent}"), "host": "lightning", "build": "0.1.0",
            "visible": true, "focused": true,
            "capabilities": ["crm_page.search_and_pop", "crm_page.pop_record", "phone.dial", "panel.notice"],
        },
        "phone": {"kind": "amazon-connect", "ready": true, "audio_owner": true, "contacts": []},
    });
    let mut page = hub.connect(workspace, serde_json::from_value(hello).unwrap()).await.unwrap();
    let Some(Outgoing::Frame(frame)) = page.outgoing.recv().await else { panic!("no welcome") };
    assert!(matches!(*frame, ServerFrame::Welcome(_)));
    page
}

#[tokio::test]
async fn five_thousand_idle_agents_take_at_most_forty_kilobytes_each() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock("2026-11-20T10:00:00Z".parse().unwrap()));
    let store = Arc::new(SqliteStore::open(folder.path().join("t.db"), clock.clone()).unwrap());
    let demo = WorkspaceName::new("demo").unwrap();
    let settings = AgentSettings {
        fallback: Fallback { pop_by_number: true, click_to_dial: true, region: "US".into() },
        region: "US".into(),
        redaction: Redaction::default(),
        min_build: None,
    };
    let hub = AgentHub::new(
        clock,
        store,
        Arc::new(AnybodyMayEnter),
        Arc::new(EmptyHouse),
        [(demo.clone(), settings)],
    );
    hub.start(&[]).await.unwrap();
    let mut pages = vec![enter(&hub, &demo, "first").await];
    let before = resident_kib();
    for n in 0..5_000 {
        pages.push(enter(&hub, &demo, &format!("agent-{n}")).await);
    }
    assert_eq!(hub.agents(), 5_001);
    // Where the system does not tell, the count above is all there is to check.
    if let (Some(before), Some(after)) = (before, resident_kib()) {
        let each = (after - before) / 5_000;
        println!("{each} KiB for each agent, sockets not counted");
        assert!(each <= 30, "{each} KiB for each agent leaves no room for the socket's own buffers");
    }
    hub.drain().await;
}
