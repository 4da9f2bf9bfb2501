use crate::world::stable_uuid;

/// Something of the instance that has an id and a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub id: String,
    pub name: String,
}

/// A state agents can choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentState {
    pub id: String,
    pub name: &'static str,
    /// `routable`, `not_routable` or `offline`.
    pub kind: &'static str,
}

/// What the administrator of the instance has set up. Ids of the instance and account are
/// the sandbox's contract; the others come from the seed.
#[derive(Debug, Clone)]
pub struct Instance {
    seed: u64,
    pub alias: &'static str,
    pub id: &'static str,
    pub account: &'static str,
    pub region: &'static str,
    /// The one number callers dial and callees see.
    pub number: &'static str,
    pub queues: Vec<Named>,
    /// Login and full name.
    pub agents: Vec<(Named, &'static str)>,
    pub states: Vec<AgentState>,
    pub routing_profile: Named,
}

impl Instance {
    pub fn seeded(seed: u64) -> Self {
        let named = |kind: &str, name: &str| Named {
            id: stable_uuid(seed, &format!("connect/{kind}/{name}")).to_string(),
            name: name.to_owned(),
        };
        let state = |name: &'static str, kind| AgentState { id: named("agent-state", name).id, name, kind };
        Self {
            seed,
            alias: "sandbox",
            id: "11111111-2222-4333-8444-555555555555",
            account: "111122223333",
            region: "us-east-1",
            number: "+12025550100",
            queues: ["Sales", "Billing", "Support"].map(|name| named("queue", name)).into(),
            agents: vec![
                (named("agent", "nora.quist"), "Nora Quist"),
                (named("agent", "otto.lund"), "Otto Lund"),
            ],
            states: vec![
                state("Available", "routable"),
                state("Offline", "offline"),
                state("Lunch", "not_routable"),
                state("Training", "not_routable"),
            ],
            routing_profile: named("routing-profile", "Everyone"),
        }
    }

    pub fn arn(&self) -> String {
        format!("arn:aws:connect:{}:{}:instance/{}", self.region, self.account, self.id)
    }

    /// `kind` is the ARN's word, for example `queue` or `agent-state`.
    pub fn child(&self, kind: &str, id: &str) -> String {
        format!("{}/{kind}/{id}", self.arn())
    }

    pub fn queue(&self, name: &str) -> Option<&Named> {
        self.queues.iter().find(|queue| queue.name.eq_ignore_ascii_case(name))
    }

    pub fn agent(&self, login: &str) -> Option<&(Named, &'static str)> {
        self.agents.iter().find(|(agent, _)| agent.name == login)
    }

    pub fn agent_arn(&self, login: &str) -> String {
        self.agent(login).map_or_else(String::new, |(agent, _)| self.child("agent", &agent.id))
    }

    /// One more agent, whom nobody plays. The login.
    pub fn hire(&mut self, login: &str) -> String {
        let id = stable_uuid(self.seed, &format!("connect/agent/{login}")).to_string();
        self.agents.push((Named { id, name: login.to_owned() }, "Simulated Agent"));
        login.to_owned()
    }

    pub fn state(&self, name: &str) -> Option<&AgentState> {
        self.states.iter().find(|state| state.name.eq_ignore_ascii_case(name))
    }

    pub fn state_by_arn(&self, arn: &str) -> Option<&AgentState> {
        self.states.iter().find(|state| self.child("agent-state", &state.id) == arn)
    }
}
