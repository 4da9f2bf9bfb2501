//! A CRM in memory that does what its trait says, and fails as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use tieline_core::{
    Allowance, Attached, ConnectorError, ConnectorErrorKind, Crm, FieldNames, Governor, JsonMap, OutboxRow,
    PartyMatch, PhoneNumber, Purpose, Query, RecordId, RowFailure, RowResult, Rows, Written,
};

#[derive(Debug, Clone)]
pub struct Record {
    pub id: String,
    pub object: String,
    pub fields: JsonMap,
    /// How often it was written.
    pub writes: usize,
}

/// What goes wrong with one call.
#[derive(Debug, Clone)]
pub enum Fault {
    /// The CRM answers 503 and does nothing.
    Unavailable,
    /// The connection breaks after the CRM did everything.
    CommitThenLose,
    /// The CRM does everything and never answers.
    CommitThenHang,
    /// The answer is cut after the CRM did everything.
    CommitThenTruncate,
    Throttled(Option<Duration>),
}

#[derive(Default)]
struct State {
    records: Vec<Record>,
    parties: Vec<(String, PartyMatch)>,
    faults: VecDeque<Fault>,
    down: bool,
    /// Keys of rows refused for good, with how: alone, or with the request they are in.
    refused: Vec<(String, Refusal)>,
    /// Keys of rows that are locked this many times.
    locked: Vec<(String, usize)>,
    /// Fields the CRM does not have.
    missing: Vec<String>,
    /// The only fields it has, when it can say.
    fields: Option<Vec<String>>,
    calls: Vec<(String, usize)>,
    look_ups: Vec<usize>,
    allowance: Option<Allowance>,
    now: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    Row,
    Request,
}

#[derive(Default)]
pub struct FakeCrm {
    state: Mutex<State>,
    governor: Governor,
}

impl FakeCrm {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn records(&self, object: &str) -> Vec<Record> {
        self.lock().records.iter().filter(|record| record.object == object).cloned().collect()
    }

    /// The one record of this object.
    pub fn only(&self, object: &str) -> Record {
        let mut all = self.records(object);
        assert_eq!(all.len(), 1, "{object}");
        all.remove(0)
    }

    /// As a person does it in the CRM's own pages.
    pub fn edit(&self, object: &str, field: &str, value: &str) {
        let mut state = self.lock();
        let record = state.records.iter_mut().find(|record| record.object == object).unwrap();
        record.fields.insert(field.into(), value.into());
    }

    pub fn party(&self, number: &str, object: &str, id: &str, name: &str) {
        let party = PartyMatch {
            record: RecordId::new(id).unwrap(),
            object: object.into(),
            name: name.into(),
            field: None,
            person: object != "Account",
            modified_at: None,
        };
        self.lock().parties.push((number.into(), party));
    }

    pub fn fail_next(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    pub fn down(&self, down: bool) {
        self.lock().down = down;
    }

    pub fn refuse(&self, key: &str, refusal: Refusal) {
        self.lock().refused.push((key.into(), refusal));
    }

    pub fn accept(&self, key: &str) {
        self.lock().refused.retain(|(refused, _)| refused != key);
    }

    pub fn lock_row(&self, key: &str, times: usize) {
        self.lock().locked.push((key.into(), times));
    }

    pub fn forget_field(&self, field: &str) {
        self.lock().missing.push(field.into());
    }

    /// From now on it can say which fields its objects have.
    pub fn describe(&self, fields: &[&str]) {
        self.lock().fields = Some(fields.iter().map(|field| (*field).to_owned()).collect());
    }

    pub fn allow(&self, used: u64, allowed: u64) {
        self.lock().allowance = Some(Allowance { used, allowed });
    }

    /// What time it is when the CRM answers.
    pub fn set_time(&self, now: Timestamp) {
        self.lock().now = now;
    }

    /// Object and rows of every write that was asked for.
    pub fn calls(&self) -> Vec<(String, usize)> {
        self.lock().calls.clone()
    }

    pub fn calls_of(&self, object: &str) -> Vec<usize> {
        self.lock().calls.iter().filter(|(of, _)| of == object).map(|(_, rows)| *rows).collect()
    }

    /// Numbers asked for in every look-up.
    pub fn look_ups(&self) -> Vec<usize> {
        self.lock().look_ups.clone()
    }
}

fn error(operation: &'static str, kind: ConnectorErrorKind) -> ConnectorError {
    ConnectorError { connector: "fake", operation, kind, said: None }
}

fn lost() -> ConnectorErrorKind {
    ConnectorErrorKind::Unreachable("the connection broke".into())
}

impl State {
    fn write(&mut self, rows: &[OutboxRow]) -> Result<Vec<RowResult>, ConnectorErrorKind> {
        let is_refused = |row: &OutboxRow, how| {
            self.refused.iter().any(|(key, refusal)| *key == row.key && *refusal == how)
        };
        if rows.iter().any(|row| is_refused(row, Refusal::Request)) {
            let message = "the request could not be read".to_owned();
            return Err(ConnectorErrorKind::Rejected {
                status: 400,
                code: "JSON_PARSER_ERROR".into(),
                message,
            });
        }
        Ok(rows.iter().map(|row| self.write_row(row)).collect())
    }

    fn write_row(&mut self, row: &OutboxRow) -> RowResult {
        if self.refused.iter().any(|(key, _)| *key == row.key) {
            let (code, message) = ("FIELD_CUSTOM_VALIDATION_EXCEPTION".into(), "no such luck".into());
            return Err(RowFailure::Permanent { code, message });
        }
        if let Some((_, times)) = self.locked.iter_mut().find(|(key, times)| *key == row.key && *times > 0) {
            *times -= 1;
            return Err(RowFailure::Contention {
                code: "UNABLE_TO_LOCK_ROW".into(),
                message: "locked".into(),
            });
        }
        let place = self.records.iter().position(|record| {
            record.object == row.object
                && match &row.record {
                    Some(id) => record.id == id.as_str(),
                    None => record.fields.get(&row.key_field) == Some(&Value::from(row.key.as_str())),
                }
        });
        let (place, created) = match place {
            Some(place) => (place, false),
            None if row.record.is_some() => {
                let (code, message) = ("ENTITY_IS_DELETED".into(), "entity is deleted".into());
                return Err(RowFailure::Permanent { code, message });
            }
            None => {
                let id = format!("{}-{}", row.object, self.records.len() + 1);
                let fields = [(row.key_field.clone(), row.key.as_str().into())].into_iter().collect();
                self.records.push(Record { id, object: row.object.clone(), fields, writes: 0 });
                (self.records.len() - 1, true)
            }
        };
        let missing = self.missing.clone();
        let record = &mut self.records[place];
        record.writes += 1;
        let mut dropped = Vec::new();
        for (field, value) in &row.fields {
            let kept = |was: &Value| record.fields.get(field).unwrap_or(&Value::Null) == was;
            if missing.contains(field) {
                dropped.push(field.clone());
            } else if created || row.unless_changed.get(field).is_none_or(kept) {
                record.fields.insert(field.clone(), value.clone());
            }
        }
        Ok(Written { record: Some(RecordId::new(record.id.clone()).unwrap()), created, dropped })
    }
}

#[async_trait]
impl Crm for FakeCrm {
    async fn find_by_phone(
        &self,
        phones: &[PhoneNumber],
        limit: usize,
    ) -> Result<Vec<Vec<PartyMatch>>, ConnectorError> {
        let mut state = self.lock();
        if state.down {
            return Err(error("find_by_phone", ConnectorErrorKind::Unavailable { status: 503 }));
        }
        state.look_ups.push(phones.len());
        let of = |phone: &PhoneNumber| {
            let matches = state.parties.iter().filter(|(number, _)| number == phone.e164());
            matches.map(|(_, party)| party.clone()).take(limit).collect()
        };
        Ok(phones.iter().map(of).collect())
    }

    async fn record(&self, _: &str, _: &RecordId, _: &[String]) -> Result<Option<JsonMap>, ConnectorError> {
        Err(error("record", ConnectorErrorKind::Unsupported))
    }

    async fn rows(&self, _: &Query) -> Result<Rows, ConnectorError> {
        Err(error("rows", ConnectorErrorKind::Unsupported))
    }

    async fn write(&self, rows: &[OutboxRow]) -> Result<Vec<RowResult>, ConnectorError> {
        assert!(rows.len() <= 200 && rows.iter().all(|row| row.object == rows[0].object));
        let (result, fault) = {
            let mut state = self.lock();
            state.calls.push((rows[0].object.clone(), rows.len()));
            let now = state.now;
            self.governor.spent(Purpose::CallLog, now);
            if let Some(allowance) = &mut state.allowance {
                allowance.used += 1;
                self.governor.heard(*allowance, now);
            }
            let fault = if state.down { Some(Fault::Unavailable) } else { state.faults.pop_front() };
            match fault {
                Some(Fault::Unavailable) => (Err(ConnectorErrorKind::Unavailable { status: 503 }), None),
                Some(Fault::Throttled(retry_after)) => {
                    (Err(ConnectorErrorKind::Throttled { retry_after }), None)
                }
                other => (state.write(rows), other),
            }
        };
        match fault {
            Some(Fault::CommitThenLose) => Err(error("write", lost())),
            Some(Fault::CommitThenHang) => std::future::pending().await,
            Some(Fault::CommitThenTruncate) => {
                let source = serde_json::from_str::<Value>("[{\"id\"").unwrap_err();
                Err(error("write", ConnectorErrorKind::Malformed { status: 200, source }))
            }
            _ => result.map_err(|kind| error("write", kind)),
        }
    }

    fn file_object(&self) -> Option<&str> {
        Some("Attachment")
    }

    async fn attach(&self, files: &[Attached<'_>]) -> Result<Vec<RowResult>, ConnectorError> {
        let row = |attached: &Attached<'_>| OutboxRow {
            object: "Attachment".into(),
            key_field: "Place".into(),
            key: format!("{}/{}", attached.parent, attached.file.name),
            record: attached.record.cloned(),
            fields: [("Body".to_owned(), Value::from(attached.file.text.clone()))].into_iter().collect(),
            unless_changed: JsonMap::new(),
        };
        self.write(&files.iter().map(row).collect::<Vec<_>>()).await
    }

    async fn field_names(&self, _: &str) -> Result<Option<FieldNames>, ConnectorError> {
        let state = self.lock();
        if state.down {
            return Err(error("field_names", ConnectorErrorKind::Unavailable { status: 503 }));
        }
        Ok(state.fields.as_ref().map(|fields| fields.iter().cloned().collect()))
    }

    fn governor(&self) -> Option<&Governor> {
        Some(&self.governor)
    }

    fn as_agent(&self, _: SecretString) -> Option<Arc<dyn Crm>> {
        None
    }
}
