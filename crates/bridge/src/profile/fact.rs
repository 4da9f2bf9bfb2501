/// What can be said about a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    Workspace,
    Contact,
    /// The first contact of the chain; the contact itself when it is the first.
    Root,
    Channel,
    Direction,
    Initiation,
    State,
    /// `open` until the contact has ended, then `closed`.
    Phase,
    /// `<channel> <direction> – <queue>`.
    Subject,
    /// E.164; nothing when the address is no number or is withheld.
    CustomerNumber,
    /// As the contact center wrote it.
    CustomerAddress,
    /// Of the one party the customer is, when it is one.
    CustomerName,
    System,
    AgentLogin,
    /// The agent's user in the CRM.
    AgentRecord,
    Queue,
    StartedAt,
    /// The day the contact started, in UTC.
    StartedOn,
    QueuedAt,
    ConnectedAt,
    EndedAt,
    RingSecs,
    QueueSecs,
    TalkSecs,
    HoldSecs,
    AfterContactSecs,
    /// From the agent joining to the end, hold included.
    CallSecs,
    Disposition,
    DisconnectReason,
    Recording,
    Summary,
    /// The one person the customer is; nothing when there are none or several.
    Person,
    /// The one company the customer is.
    Company,
    /// All parties that match, one a line, when they are not exactly one person and at most one company.
    Candidates,
    /// The record that this contact has become of another object.
    Record(String),
    /// One of the contact's own attributes.
    Attribute(String),
}

const FACTS: [(&str, Fact); 34] = [
    ("workspace", Fact::Workspace),
    ("contact", Fact::Contact),
    ("root", Fact::Root),
    ("channel", Fact::Channel),
    ("direction", Fact::Direction),
    ("initiation", Fact::Initiation),
    ("state", Fact::State),
    ("phase", Fact::Phase),
    ("subject", Fact::Subject),
    ("customer.number", Fact::CustomerNumber),
    ("customer.address", Fact::CustomerAddress),
    ("customer.name", Fact::CustomerName),
    ("system", Fact::System),
    ("agent.login", Fact::AgentLogin),
    ("agent.record", Fact::AgentRecord),
    ("queue", Fact::Queue),
    ("started_at", Fact::StartedAt),
    ("started_on", Fact::StartedOn),
    ("queued_at", Fact::QueuedAt),
    ("connected_at", Fact::ConnectedAt),
    ("ended_at", Fact::EndedAt),
    ("ring_secs", Fact::RingSecs),
    ("queue_secs", Fact::QueueSecs),
    ("talk_secs", Fact::TalkSecs),
    ("hold_secs", Fact::HoldSecs),
    ("after_contact_secs", Fact::AfterContactSecs),
    ("call_secs", Fact::CallSecs),
    ("disposition", Fact::Disposition),
    ("disconnect_reason", Fact::DisconnectReason),
    ("recording", Fact::Recording),
    ("summary", Fact::Summary),
    ("person", Fact::Person),
    ("company", Fact::Company),
    ("candidates", Fact::Candidates),
];

impl Fact {
    pub(super) fn parse(word: &str) -> Option<Self> {
        if let Some(object) = word.strip_prefix("record:") {
            return (!object.is_empty()).then(|| Self::Record(object.to_owned()));
        }
        if let Some(name) = word.strip_prefix("attribute:") {
            return (!name.is_empty()).then(|| Self::Attribute(name.to_owned()));
        }
        FACTS.iter().find(|(known, _)| *known == word).map(|(_, fact)| fact.clone())
    }

    /// Words this fact can be; `None` when it is free text, a number, a time or an id.
    pub(super) fn words(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::Channel => Some(&["voice", "chat", "task", "email", "messaging"]),
            Self::Direction => Some(&["inbound", "outbound", "internal"]),
            Self::State => Some(&["started", "queued", "connected", "ended", "completed"]),
            Self::Phase => Some(&["open", "closed"]),
            Self::Recording => Some(&["pending", "available", "deleted"]),
            _ => None,
        }
    }

    pub(super) fn is_party(&self) -> bool {
        matches!(self, Self::Person | Self::Company)
    }
}
