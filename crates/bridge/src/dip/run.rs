use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tieline_core::{Caller, Clock, ConnectorError, JsonMap, hex};
use tokio::time::Instant;
use tracing::{info, warn};

use super::find::Wanted;
use super::private::{without_addresses, without_values};
use super::recent::{About, Counts, Question, Recent, Recents};
use super::{
    Allowed, AnswerCache, Claim, DipCode, DipError, Found, Names, Operation, Touched, Understood, answer_of,
};

/// How long a create is remembered: Amazon Connect calls again after a time-out of at most 8 s, and
/// a caller who hears nothing starts over within the minute.
const REMEMBERED: Duration = Duration::from_secs(60);

/// A CRM that answers dips.
#[async_trait]
pub trait DipTarget: Send + Sync {
    /// What answers of this CRM call things.
    fn names(&self) -> Names;

    /// Understands a flow's parameters; `region` (`US`) is the default of phone numbers written
    /// without `+`. Sends nothing.
    ///
    /// # Errors
    ///
    /// The codes an author can mend: unknown operation, missing, invalid or unsafe parameter.
    fn understand(&self, parameters: &JsonMap, region: Option<&str>) -> Result<Understood, DipError>;

    /// What the text of an author's statement names; `None` where it was not understood whole.
    fn touched(&self, _operation: &Operation) -> Option<Vec<Touched>> {
        None
    }

    /// Whether answers depend on how the parameters are written and not only on what they mean.
    fn answers_by_the_letter(&self) -> bool {
        false
    }

    /// The flow's own parameters inside an event.
    ///
    /// # Errors
    ///
    /// [`DipCode::MalformedEvent`].
    fn parameters<'a>(&self, event: &'a Value) -> Result<&'a JsonMap, DipError> {
        flow_parameters(event)
    }

    async fn perform(&self, operation: &Operation) -> Result<Found, ConnectorError>;

    /// Performs what was understood of `parameters` and puts it into the answer's shape. A front
    /// that imitates another product's answers and error texts has its own.
    ///
    /// # Errors
    ///
    /// What the CRM said, by code.
    async fn answer(&self, _parameters: &JsonMap, asked: &Understood) -> Result<Value, DipError> {
        Ok(answer_of(self.perform(&asked.operation).await?, asked.shape, &self.names()))
    }
}

#[derive(Debug, Clone)]
pub struct DipSettings {
    /// Longest wait for an answer. A contact flow waits 8 s at most, and something must remain for the way.
    pub deadline: Duration,
    /// What a read answers when the CRM does not in time or is down; an error when `None`.
    /// A create never gets it: it would say that something was done.
    pub default_answer: Option<JsonMap>,
}

impl Default for DipSettings {
    fn default() -> Self {
        Self { deadline: Duration::from_secs(6), default_answer: None }
    }
}

/// Answers dips against one CRM.
#[derive(Clone)]
pub struct Dips {
    target: Arc<dyn DipTarget>,
    clock: Arc<dyn Clock>,
    cache: Option<Arc<dyn AnswerCache>>,
    settings: DipSettings,
    region: Option<Arc<str>>,
    recent: Option<Arc<Recent>>,
    recents: Arc<Recents>,
}

impl Dips {
    pub fn new(target: Arc<dyn DipTarget>, clock: Arc<dyn Clock>, settings: DipSettings) -> Self {
        Self { target, clock, cache: None, settings, region: None, recent: None, recents: Arc::default() }
    }

    /// Remembers creates in `cache`, so that one that is asked twice is done once.
    #[must_use]
    pub fn with_cache(mut self, cache: Arc<dyn AnswerCache>) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Remembers answers of reads in `recent`, where there is one; a change through here makes all
    /// `recents` of the CRM forget what it concerns.
    #[must_use]
    pub fn remembering(mut self, recent: Option<Arc<Recent>>, recents: &Arc<Recents>) -> Self {
        if let Some(recent) = &recent {
            recents.add(recent);
        }
        self.recent = recent;
        self.recents = Arc::clone(recents);
        self
    }

    /// How often answers came from memory; `None` where nothing is remembered.
    pub fn remembered(&self) -> Option<Counts> {
        self.recent.as_ref().map(|recent| recent.counts())
    }

    /// Reads phone numbers without `+` as numbers of `region` (`US`); they are refused otherwise.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Answers a contact-flow event (`Details.Parameters`, `Details.ContactData.ContactId`).
    ///
    /// # Errors
    ///
    /// [`DipError`] with a stable code; the HTTP edge and Lambda turn it into their own form.
    pub async fn answer(&self, event: &Value, allowed: &Allowed) -> Result<Value, DipError> {
        self.answer_by(event, allowed, None).await
    }

    /// The same for one who ends the work at `latest`, when that is before the deadline.
    ///
    /// # Errors
    ///
    /// As [`Dips::answer`].
    pub async fn answer_by(
        &self,
        event: &Value,
        allowed: &Allowed,
        latest: Option<Instant>,
    ) -> Result<Value, DipError> {
        let parameters = self.target.parameters(event)?;
        let mut asked = self.target.understand(parameters, self.region.as_deref())?;
        let bound = allowed.objects.is_some();
        let touched = bound.then(|| self.target.touched(&asked.operation)).flatten();
        allowed.check_with(&asked, touched.as_deref())?;
        allowed.bind(&mut asked);
        if let Operation::FindCaller(find) = &mut asked.operation {
            if find.wanted == Wanted::Endpoint {
                find.wanted = endpoint(event, self.region.as_deref())?;
            }
            if find.wanted == Wanted::Nobody {
                let nobody = Found::Callers { matches: Vec::new(), total: 0 };
                return Ok(answer_of(nobody, asked.shape, &self.target.names()));
            }
        }
        if let Operation::PhoneLookup { caller: Caller::Withheld, .. } = &asked.operation {
            let nobody = Found::Party { best: None, row: None, total: 0 };
            return Ok(answer_of(nobody, asked.shape, &self.target.names()));
        }
        let wait = asked.deadline.map_or(self.settings.deadline, |wait| wait.min(self.settings.deadline));
        let until = Instant::now() + wait;
        let until = latest.map_or(until, |latest| latest.min(until));
        let result = if asked.operation.changes() {
            self.change(event, parameters, &asked, until).await
        } else if let Some(recent) = &self.recent {
            let (target, given, question) = (Arc::clone(&self.target), parameters.clone(), asked.clone());
            let ask = Box::pin(async move { target.answer(&given, &question).await });
            let key = self.question(parameters, &asked, allowed);
            let about = self.about(&asked.operation);
            let answer = recent.answer(key, about, self.clock.now(), until, ask).await;
            answer.unwrap_or_else(|| Err(late()))
        } else {
            let answer = self.target.answer(parameters, &asked);
            tokio::time::timeout_at(until, answer).await.unwrap_or_else(|_| Err(late()))
        };
        match result {
            Err(error) if !asked.operation.changes() && may_default(error.code) => {
                warn!(dip.operation = asked.name, code = error.code.as_str(), "The CRM did not answer a dip");
                let default = self.settings.default_answer.clone().map(Value::Object);
                default.ok_or_else(|| private(error, &asked.operation))
            }
            result => result.map_err(|error| private(error, &asked.operation)),
        }
    }

    /// Runs to its end even when the caller stops waiting, so that its outcome is known to the next one.
    async fn change(
        &self,
        event: &Value,
        parameters: &JsonMap,
        asked: &Understood,
        until: Instant,
    ) -> Result<Value, DipError> {
        let key = idempotency_key(event, parameters);
        let (Some(cache), Some(key)) = (&self.cache, key) else {
            // Cutting it off would leave us not knowing; the HTTP client's own limit ends it.
            let task = self.spawn(parameters.clone(), asked.clone());
            return join(tokio::time::timeout_at(until, task).await).map_err(doubtful);
        };
        loop {
            let now = self.clock.now();
            let forget_at = now.checked_add(REMEMBERED).unwrap_or(jiff::Timestamp::MAX);
            match cache.claim(&key, now, forget_at).await {
                Claim::Done(outcome) => {
                    info!(dip.operation = asked.name, "Answered a repeated change from memory");
                    return outcome;
                }
                Claim::Running => match tokio::time::timeout_at(until, cache.wait(&key)).await {
                    Ok(Some(outcome)) => return outcome,
                    // It did nothing: now it is ours.
                    Ok(None) => {}
                    Err(_) => return Err(doubtful(late())),
                },
                Claim::Yours => {
                    let work = self.spawn(parameters.clone(), asked.clone());
                    let (cache, key) = (Arc::clone(cache), key.clone());
                    let settled = tokio::spawn(async move {
                        let outcome = work.await.unwrap_or_else(|_| Err(unknown()));
                        let remembered = match &outcome {
                            Err(error) if error.leaves_doubt() => Some(Err(unknown())),
                            Err(_) => None,
                            Ok(answer) => Some(Ok(answer.clone())),
                        };
                        cache.settle(&key, remembered).await;
                        outcome
                    });
                    return join(tokio::time::timeout_at(until, settled).await).map_err(doubtful);
                }
            }
        }
    }

    fn spawn(
        &self,
        parameters: JsonMap,
        asked: Understood,
    ) -> tokio::task::JoinHandle<Result<Value, DipError>> {
        let (target, recents) = (Arc::clone(&self.target), Arc::clone(&self.recents));
        tokio::spawn(async move {
            let outcome = target.answer(&parameters, &asked).await;
            // Whatever came of it: a change whose outcome is unknown may have happened.
            recents.forget(changed_object(&asked.operation));
            outcome
        })
    }

    /// What is asked and with whose rights, without the time the flow can wait.
    fn question(&self, parameters: &JsonMap, asked: &Understood, allowed: &Allowed) -> Question {
        let mut hash = Sha256::new();
        let meant = format!("{:?}", (asked.name, &asked.operation, asked.shape, &allowed.objects));
        hash.update(meant.len().to_le_bytes());
        hash.update(meant);
        if self.target.answers_by_the_letter() {
            for (name, value) in parameters.iter().filter(|(name, _)| *name != "deadline_ms") {
                hash.update(Value::from(name.as_str()).to_string());
                hash.update(value.to_string());
            }
        }
        hash.finalize().into()
    }

    /// Which changes make an answer untrue.
    fn about(&self, operation: &Operation) -> About {
        let one = |object: &str, mut fields: Box<dyn Iterator<Item = &String> + '_>| {
            // A related record is of an object whose name the path does not tell.
            let own = fields.all(|field| !field.contains('.'));
            own.then(|| About::Objects([object.to_lowercase()].into()))
        };
        let about = match operation {
            Operation::Lookup(query) | Operation::LookupAll(query) => one(
                &query.object,
                Box::new(
                    query.fields.iter().chain(query.conditions.iter().map(|condition| &condition.field)),
                ),
            ),
            Operation::PhoneLookup { object: Some(object), fields, .. } => {
                one(object, Box::new(fields.iter()))
            }
            Operation::Search(search) if search.filter.is_none() => {
                one(&search.object, Box::new(search.fields.iter()))
            }
            Operation::Query { .. } | Operation::SearchText { .. } => {
                self.target.touched(operation).and_then(|touched| {
                    let own = touched.iter().all(|one| one.fields.iter().all(|field| !field.contains('.')));
                    own.then(|| About::Objects(touched.iter().map(|one| one.object.to_lowercase()).collect()))
                })
            }
            Operation::PhoneLookup { object: None, .. }
            | Operation::FindCaller(_)
            | Operation::Search(_)
            | Operation::Create { .. }
            | Operation::Update { .. }
            | Operation::Delete { .. }
            | Operation::Post { .. }
            | Operation::Comment { .. } => None,
        };
        about.unwrap_or(About::Anything)
    }
}

/// The object a change is made to; `None` where the operation does not name it.
fn changed_object(operation: &Operation) -> Option<&str> {
    match operation {
        Operation::Create { object, .. }
        | Operation::Update { object, .. }
        | Operation::Delete { object, .. } => Some(object),
        Operation::Lookup(_)
        | Operation::LookupAll(_)
        | Operation::PhoneLookup { .. }
        | Operation::Query { .. }
        | Operation::Search(_)
        | Operation::SearchText { .. }
        | Operation::Post { .. }
        | Operation::Comment { .. }
        | Operation::FindCaller(_) => None,
    }
}

type Joined = Result<Result<Result<Value, DipError>, tokio::task::JoinError>, tokio::time::error::Elapsed>;

fn join(joined: Joined) -> Result<Value, DipError> {
    match joined {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(unknown()),
        Err(_) => Err(late()),
    }
}

/// Without what the caller said: an error's text ends in logs.
fn private(mut error: DipError, operation: &Operation) -> DipError {
    if error.code.is_of_the_crm() {
        error.detail = without_addresses(&error.detail);
        if error.imitated.is_none() {
            error.detail = without_values(&error.detail, &operation.values());
        }
    }
    error
}

/// The flow's own parameters inside an event.
///
/// # Errors
///
/// [`DipCode::MalformedEvent`].
pub fn flow_parameters(event: &Value) -> Result<&JsonMap, DipError> {
    event.get("Details").and_then(|details| details.get("Parameters")).and_then(Value::as_object).ok_or_else(
        || DipError::new(DipCode::MalformedEvent, "the event has no object at `Details.Parameters`"),
    )
}

/// The customer of the contact that asks, as the event names it.
fn endpoint(event: &Value, region: Option<&str>) -> Result<Wanted, DipError> {
    let endpoint = event.pointer("/Details/ContactData/CustomerEndpoint");
    let member = |name: &str| endpoint.and_then(|endpoint| endpoint.get(name)).and_then(Value::as_str);
    let Some(address) = member("Address") else {
        return match endpoint {
            // The contact has a customer, and the network does not say which.
            Some(_) => Ok(Wanted::Nobody),
            None => Err(DipError::new(
                DipCode::MissingParameter,
                "give one of `phone`, `email` and `text`: the event names no customer endpoint",
            )),
        };
    };
    if member("Type").is_some_and(|kind| kind.starts_with("EMAIL")) {
        return Ok(Wanted::Email(address.trim().to_owned()));
    }
    Ok(match Caller::parse(address, region) {
        Caller::Known(number) => Wanted::Phone(number),
        Caller::Withheld | Caller::Other(_) => Wanted::Nobody,
    })
}

/// One contact asking the same thing; `None` for an event that names no contact.
fn idempotency_key(event: &Value, parameters: &JsonMap) -> Option<String> {
    let contact = event.pointer("/Details/ContactData/ContactId")?.as_str()?;
    let mut sorted: Vec<_> = parameters.iter().collect();
    sorted.sort_by_key(|(name, _)| name.as_str());
    let mut hash = Sha256::new();
    for (name, value) in sorted {
        hash.update(name.len().to_le_bytes());
        hash.update(name);
        let text = value.to_string();
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    }
    Some(format!("{contact}:{}", hex(&hash.finalize())))
}

fn may_default(code: DipCode) -> bool {
    matches!(
        code,
        DipCode::Deadline | DipCode::CrmUnreachable | DipCode::CrmUnavailable | DipCode::CrmThrottled
    )
}

fn late() -> DipError {
    DipError::new(DipCode::Deadline, "the CRM did not answer in time")
}

/// Says of a change that failed in the middle that it may have been made.
fn doubtful(mut error: DipError) -> DipError {
    if error.leaves_doubt() && error.imitated.is_none() {
        error.detail.push_str("; it may have done this all the same: look before asking again");
    }
    error
}

fn unknown() -> DipError {
    DipError::new(
        DipCode::OutcomeUnknown,
        "the CRM may have done this before its answer was lost; look before asking again",
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use serde_json::json;
    use tieline_core::{ConnectorErrorKind, FixedClock, RecordId};
    use tokio::sync::Semaphore;

    use super::super::{Shape, Which};
    use super::*;

    /// A CRM that creates when it is let, and fails as told.
    struct Fake {
        creates: AtomicUsize,
        gate: Semaphore,
        failures: Mutex<Vec<ConnectorErrorKind>>,
    }

    impl Fake {
        fn open() -> Arc<Self> {
            Arc::new(Self {
                creates: AtomicUsize::new(0),
                gate: Semaphore::new(1000),
                failures: Mutex::default(),
            })
        }

        fn closed() -> Arc<Self> {
            Arc::new(Self {
                creates: AtomicUsize::new(0),
                gate: Semaphore::new(0),
                failures: Mutex::default(),
            })
        }

        fn failing(kind: ConnectorErrorKind) -> Arc<Self> {
            let fake = Self::open();
            fake.failures.lock().unwrap().push(kind);
            fake
        }
    }

    #[async_trait]
    impl DipTarget for Fake {
        fn names(&self) -> Names {
            Names {
                count: "count",
                rows: "rows",
                id: "Id",
                about: "about",
                truncated: "truncated",
                done: ("done", "yes"),
            }
        }

        fn understand(&self, parameters: &JsonMap, _: Option<&str>) -> Result<Understood, DipError> {
            let operation = match parameters.get("op").and_then(Value::as_str) {
                Some("create") => Operation::Create { object: "Case".into(), fields: parameters.clone() },
                Some("withheld") => {
                    Operation::PhoneLookup { caller: Caller::Withheld, object: None, fields: vec![] }
                }
                _ => Operation::Query { text: "all".into(), wanted: Which::All },
            };
            let deadline = parameters.get("ms").and_then(Value::as_u64).map(Duration::from_millis);
            Ok(Understood { name: "x", operation, shape: Shape::Flat, deadline })
        }

        async fn perform(&self, operation: &Operation) -> Result<Found, ConnectorError> {
            self.gate.acquire().await.unwrap().forget();
            if let Some(kind) = self.failures.lock().unwrap().pop() {
                return Err(ConnectorError { connector: "fake", operation: "perform", kind, said: None });
            }
            if !operation.changes() {
                return Ok(Found::Rows { rows: vec![], total: 3 });
            }
            let n = self.creates.fetch_add(1, Ordering::SeqCst);
            Ok(Found::Created(RecordId::new(format!("record-{n}")).unwrap()))
        }
    }

    fn dips(target: &Arc<Fake>) -> Dips {
        let clock = FixedClock(jiff::Timestamp::UNIX_EPOCH);
        Dips::new(Arc::clone(target) as Arc<dyn DipTarget>, Arc::new(clock), DipSettings::default())
            .with_cache(Arc::new(super::super::MemoryCache::default()))
    }

    fn event(contact: &str, parameters: &Value) -> Value {
        json!({"Details": {"ContactData": {"ContactId": contact}, "Parameters": parameters}})
    }

    async fn ask(dips: &Dips, event: &Value) -> Result<Value, DipError> {
        dips.answer(event, &Allowed::everything()).await
    }

    #[tokio::test]
    async fn a_create_asked_again_by_the_same_contact_is_done_once() {
        let crm = Fake::open();
        let dips = dips(&crm);
        let first = ask(&dips, &event("c-1", &json!({"op": "create", "Subject": "a", "X": "1"}))).await;
        let again = ask(&dips, &event("c-1", &json!({"X": "1", "op": "create", "Subject": "a"}))).await;
        assert_eq!(first, Ok(json!({"Id": "record-0"})));
        assert_eq!(first, again);
        for other in [
            event("c-2", &json!({"op": "create", "Subject": "a", "X": "1"})),
            event("c-1", &json!({"op": "create", "Subject": "b", "X": "1"})),
            event("c-1", &json!({"op": "create", "Subjecta": "", "X": "1"})),
        ] {
            assert_ne!(ask(&dips, &other).await, first);
        }
        assert_eq!(crm.creates.load(Ordering::SeqCst), 4);
    }

    #[tokio::test]
    async fn a_create_that_outlives_its_caller_answers_the_next_one() {
        let crm = Fake::closed();
        let dips = dips(&crm);
        let create = event("c-1", &json!({"op": "create", "ms": 1}));
        assert_eq!(ask(&dips, &create).await.unwrap_err().code, DipCode::Deadline);
        crm.gate.add_permits(5);
        // Same parameters, hence the same key; the millisecond is over again only if it is still running.
        let answer = loop {
            match ask(&dips, &create).await {
                Err(error) if error.code == DipCode::Deadline => {}
                answer => break answer,
            }
        };
        assert_eq!(answer, Ok(json!({"Id": "record-0"})));
        assert_eq!(crm.creates.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_create_with_an_unknown_outcome_is_not_done_again() {
        let crm = Fake::failing(ConnectorErrorKind::Unavailable { status: 503 });
        let dips = dips(&crm);
        let create = event("c-1", &json!({"op": "create"}));
        assert_eq!(ask(&dips, &create).await.unwrap_err().code, DipCode::CrmUnavailable);
        assert_eq!(ask(&dips, &create).await.unwrap_err().code, DipCode::OutcomeUnknown);
        assert_eq!(crm.creates.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn a_create_the_crm_refused_may_be_tried_again() {
        let crm = Fake::failing(ConnectorErrorKind::Throttled { retry_after: None });
        let dips = dips(&crm);
        let create = event("c-1", &json!({"op": "create"}));
        assert_eq!(ask(&dips, &create).await.unwrap_err().code, DipCode::CrmThrottled);
        assert_eq!(ask(&dips, &create).await, Ok(json!({"Id": "record-0"})));
    }

    #[tokio::test]
    async fn a_read_past_its_deadline_gets_the_default_answer_and_a_create_never_does() {
        let crm = Fake::closed();
        let mut dips = dips(&crm);
        let read = event("c-1", &json!({"op": "read", "ms": 1}));
        assert_eq!(ask(&dips, &read).await.unwrap_err().code, DipCode::Deadline);
        dips.settings.default_answer = json!({"count": "0"}).as_object().cloned();
        assert_eq!(ask(&dips, &read).await, Ok(json!({"count": "0"})));
        let create = event("c-1", &json!({"op": "create", "ms": 1}));
        assert_eq!(ask(&dips, &create).await.unwrap_err().code, DipCode::Deadline);
    }

    #[tokio::test]
    async fn a_withheld_number_is_nobody_s_and_costs_no_call() {
        let crm = Fake::closed();
        assert_eq!(
            ask(&dips(&crm), &event("c", &json!({"op": "withheld"}))).await,
            Ok(json!({"count": "0"}))
        );
    }

    #[tokio::test]
    async fn an_event_without_parameters_is_named_as_such() {
        let dips = dips(&Fake::open());
        for event in [json!({}), json!(null), json!({"Details": []}), json!({"Details": {"Parameters": "x"}})]
        {
            assert_eq!(ask(&dips, &event).await.unwrap_err().code, DipCode::MalformedEvent, "{event}");
        }
    }
}
