use std::collections::{HashMap, HashSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::Timestamp;

use crate::client::{Call, Client};
use crate::failure::Failure;
use crate::wire::{DescribeAnswer, FieldDescribe};

/// How long an object's description is believed.
const BELIEVED: Duration = Duration::from_secs(3600);

/// What the org says about one object.
#[derive(Debug)]
pub(crate) struct Describe {
    fields: HashMap<String, FieldDescribe>,
    /// Whether it says of any field that rows can, or cannot, be found by it.
    tells_keys: bool,
    read_at: Timestamp,
}

impl Describe {
    fn new(answer: DescribeAnswer, read_at: Timestamp) -> Self {
        // Salesforce compares names without case.
        let fields: HashMap<String, FieldDescribe> =
            answer.fields.into_iter().map(|field| (field.name.to_ascii_lowercase(), field)).collect();
        let tells_keys =
            fields.values().any(|field| field.external_id.is_some() || field.id_lookup.is_some());
        Self { fields, tells_keys, read_at }
    }

    pub fn field(&self, name: &str) -> Option<&FieldDescribe> {
        self.fields.get(&name.to_ascii_lowercase())
    }

    /// Whether rows can be upserted by this field. A description that tells it of no field leaves
    /// it to the org.
    pub fn is_key(&self, name: &str) -> bool {
        let is_key = |field: &FieldDescribe| field.external_id == Some(true) || field.id_lookup == Some(true);
        !self.tells_keys || self.field(name).is_some_and(is_key)
    }

    /// Whether `path` (`Name`, `Account.Name`) begins with a field or relationship of this object.
    pub fn can_read(&self, path: &str) -> bool {
        match path.split_once('.') {
            None => self.field(path).is_some(),
            Some((relation, _)) => self.fields.values().any(|field| {
                field.relationship_name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(relation))
            }),
        }
    }

    /// Names of the fields of one kind (`phone`, `email`), in alphabetical order.
    pub fn fields_of(&self, kind: &str) -> Vec<String> {
        let of_kind = self.fields.values().filter(|field| field.kind.as_deref() == Some(kind));
        let mut names: Vec<String> = of_kind.map(|field| field.name.clone()).collect();
        names.sort();
        names
    }

    /// The field that names a record.
    pub fn name_field(&self) -> Option<&str> {
        self.fields.values().find(|field| field.name_field).map(|field| field.name.as_str())
    }

    /// Names as the org writes them.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.values().map(|field| field.name.as_str())
    }

    pub fn can_write(&self, name: &str) -> bool {
        self.field(name).is_some_and(|field| field.createable || field.updateable)
    }
}

/// The fields an object has in the org.
#[derive(Debug, Clone)]
pub struct ObjectFields(Arc<Describe>);

impl ObjectFields {
    /// Whether the org has the field, written exactly so.
    pub fn has(&self, name: &str) -> bool {
        self.spelling(name) == Some(name)
    }

    /// The org's own spelling of a field; Salesforce compares names without case.
    pub fn spelling(&self, name: &str) -> Option<&str> {
        self.0.field(name).map(|field| field.name.as_str())
    }

    /// Salesforce's word for the field's type (`string`, `double`, `datetime`), where it says so.
    pub fn kind(&self, name: &str) -> Option<&str> {
        self.0.field(name)?.kind.as_deref()
    }

    /// All names, in no order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names()
    }
}

/// Descriptions of one org, shared by all callers.
#[derive(Default)]
pub(crate) struct Describes {
    known: RwLock<HashMap<String, Arc<Describe>>>,
    /// Fields the org refused, by object: left out from the start until the description is old.
    refused: RwLock<HashMap<String, HashSet<String>>>,
}

impl Client {
    /// The description of `object`, at most an hour old.
    pub async fn describe(&self, object: &str) -> Result<Arc<Describe>, Failure> {
        let known =
            self.describes().known.read().expect("no panic while the lock is held").get(object).cloned();
        match known {
            Some(describe) if self.is_fresh(&describe) => Ok(describe),
            _ => self.refresh_describe(object).await,
        }
    }

    pub async fn fields(&self, object: &str) -> Result<ObjectFields, Failure> {
        self.describe(object).await.map(ObjectFields)
    }

    /// Asks the org again, because it has just told us that what we know is wrong.
    pub async fn refresh_describe(&self, object: &str) -> Result<Arc<Describe>, Failure> {
        let answer: DescribeAnswer = self.call(Call::get(&["sobjects", object, "describe"])).await?;
        let describe = Arc::new(Describe::new(answer, self.clock().now()));
        let describes = self.describes();
        describes.refused.write().expect("no panic while the lock is held").remove(object);
        describes
            .known
            .write()
            .expect("no panic while the lock is held")
            .insert(object.to_owned(), Arc::clone(&describe));
        Ok(describe)
    }

    /// Fields of `object` known to be refused, in lower case.
    pub fn refused_fields(&self, object: &str) -> HashSet<String> {
        let describes = self.describes();
        let fresh = describes
            .known
            .read()
            .expect("no panic while the lock is held")
            .get(object)
            .is_some_and(|describe| self.is_fresh(describe));
        if !fresh {
            return HashSet::new();
        }
        describes
            .refused
            .read()
            .expect("no panic while the lock is held")
            .get(object)
            .cloned()
            .unwrap_or_default()
    }

    pub fn remember_refused(&self, object: &str, field: &str) {
        self.describes()
            .refused
            .write()
            .expect("no panic while the lock is held")
            .entry(object.to_owned())
            .or_default()
            .insert(field.to_ascii_lowercase());
    }

    fn is_fresh(&self, describe: &Describe) -> bool {
        self.clock().now().duration_since(describe.read_at).unsigned_abs() < BELIEVED
    }
}
