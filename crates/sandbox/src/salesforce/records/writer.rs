//! Create, update, upsert, delete.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Value as Sql;
use serde_json::{Map, Value};

use super::values::{required, stored};
use super::{Failure, cascades, rules};
use crate::salesforce::ids;
use crate::salesforce::schema::{Field, Kind, Object, Schema};
use crate::salesforce::storage::{Row, Storage, stored_time};

/// Who writes, and when.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// Id of the user.
    pub user: String,
    pub now: Timestamp,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Upserted {
    Created(String),
    Updated(String),
    /// The external id is not unique, and these have it.
    Several(Vec<String>),
}

pub(crate) struct Writer<'a> {
    pub schema: &'a Schema,
    pub storage: &'a mut Storage,
    pub actor: &'a Actor,
    /// The fault `lock`: every row is held by somebody else.
    pub locked: bool,
}

type Fields = Map<String, Value>;

impl Writer<'_> {
    /// The id of the new record.
    pub fn create(&mut self, object: &Object, fields: &Fields) -> Result<String, Failure> {
        self.lock()?;
        if !object.writable {
            let message = format!("entity type cannot be inserted: {}", object.label);
            return Err(Failure::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message));
        }
        if let Some((key, _)) =
            fields.iter().find(|(key, value)| key.eq_ignore_ascii_case("Id") && !value.is_null())
        {
            return Err(Failure::bad("INVALID_FIELD", "cannot specify Id in an insert call").on(key));
        }
        let mut row = self.read(object, fields, |field| field.createable)?;
        for field in object.stored() {
            if row.get(&field.name).is_none_or(|v| *v == Sql::Null)
                && let Some(default) = &field.default
                && (!row.contains_key(&field.name) || !field.nillable)
            {
                row.insert(field.name.clone(), stored(self.schema, field, default)?);
            }
        }
        let missing: Vec<&str> = object
            .stored()
            .filter(|f| f.required && row.get(&f.name).is_none_or(|v| *v == Sql::Null))
            .map(|f| f.name.as_str())
            .collect();
        if !missing.is_empty() {
            let mut failure = required(&missing.join(", "));
            failure.fields = missing.into_iter().map(str::to_owned).collect();
            return Err(failure);
        }
        let id = self.storage.next_id(object);
        self.insert(object, row, id)
    }

    /// Puts a checked row in, with what the system fills in. Also how the seed makes its records.
    pub fn insert(&mut self, object: &Object, mut row: Row, id: String) -> Result<String, Failure> {
        self.references(object, &row)?;
        self.unique(object, &row, &id)?;
        let now = stored_time(self.actor.now);
        for field in object.stored().filter(|f| f.auto_number.is_some()) {
            let number = self.storage.count(&format!("{}.{}", object.name, field.name));
            let text = auto_number(field.auto_number.as_deref().unwrap_or_default(), number);
            row.insert(field.name.clone(), Sql::Text(text));
        }
        if object.field("OwnerId").is_some() && row.get("OwnerId").is_none_or(|v| *v == Sql::Null) {
            row.insert("OwnerId".into(), Sql::Text(self.actor.user.clone()));
        }
        let by = Sql::Text(self.actor.user.clone());
        for (name, value) in [
            ("Id", Sql::Text(id.clone())),
            ("IsDeleted", Sql::Integer(0)),
            ("CreatedDate", Sql::Text(now.clone())),
            ("CreatedById", by.clone()),
            ("LastModifiedDate", Sql::Text(now.clone())),
            ("LastModifiedById", by),
            ("SystemModstamp", Sql::Text(now.clone())),
        ] {
            row.insert(name.into(), value);
        }
        for field in object.stored().filter(|f| f.kind == Kind::Boolean) {
            row.entry(field.name.clone()).or_insert(Sql::Integer(0));
        }
        rules::derive(self.storage, object, &mut row, None, &now)?;
        self.storage.insert(object, &row)?;
        rules::last_activity(self.schema, self.storage, object, &row)?;
        Ok(id)
    }

    pub fn update(&mut self, object: &Object, id: &str, fields: &Fields) -> Result<(), Failure> {
        self.lock()?;
        let before = self.present(object, id)?;
        if !object.writable {
            let message = format!("entity type cannot be updated: {}", object.label);
            return Err(Failure::bad("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message));
        }
        let changes = self.read(object, fields, |field| field.updateable)?;
        self.references(object, &changes)?;
        self.unique(object, &changes, id)?;
        let now = stored_time(self.actor.now);
        let mut row = before.clone();
        row.extend(changes);
        row.insert("LastModifiedDate".into(), Sql::Text(now.clone()));
        row.insert("LastModifiedById".into(), Sql::Text(self.actor.user.clone()));
        row.insert("SystemModstamp".into(), Sql::Text(now.clone()));
        rules::derive(self.storage, object, &mut row, Some(&before), &now)?;
        let after = row.clone();
        row.retain(|name, value| before.get(name) != Some(value));
        if !row.is_empty() {
            self.storage.update(object, id, &row)?;
            rules::last_activity(self.schema, self.storage, object, &after)?;
        }
        Ok(())
    }

    /// Updates the record whose `key` is `value`, or creates it.
    pub fn upsert(
        &mut self,
        object: &Object,
        key: &Field,
        value: &Value,
        fields: &Fields,
    ) -> Result<Upserted, Failure> {
        self.lock()?;
        let wanted = stored(self.schema, key, value)?;
        if wanted == Sql::Null {
            return Err(Failure::bad("MISSING_ARGUMENT", format!("{} not specified", key.name)));
        }
        let found = self.storage.find(object, key, &wanted, 11)?;
        match found.as_slice() {
            [] if key.kind == Kind::Id => Err(Failure::not_found()),
            [] => {
                let mut fields = fields.clone();
                fields.insert(key.name.clone(), value.clone());
                self.create(object, &fields).map(Upserted::Created)
            }
            [one] => {
                self.update(object, one, fields)?;
                Ok(Upserted::Updated(one.clone()))
            }
            several => Ok(Upserted::Several(several.to_vec())),
        }
    }

    pub fn delete(&mut self, object: &Object, id: &str) -> Result<(), Failure> {
        self.lock()?;
        self.present(object, id)?;
        if !object.deletable {
            let message = format!("entity type cannot be deleted: {}", object.label);
            return Err(Failure::bad("INSUFFICIENT_ACCESS_OR_READONLY", message));
        }
        self.remove(object, id)
    }

    fn remove(&mut self, object: &Object, id: &str) -> Result<(), Failure> {
        let now = stored_time(self.actor.now);
        let mark = Row::from([
            ("IsDeleted".to_owned(), Sql::Integer(1)),
            ("LastModifiedDate".to_owned(), Sql::Text(now.clone())),
            ("LastModifiedById".to_owned(), Sql::Text(self.actor.user.clone())),
            ("SystemModstamp".to_owned(), Sql::Text(now)),
        ]);
        self.storage.update(object, id, &mark)?;
        let children: Vec<(Arc<Object>, Field)> = self
            .schema
            .children(object)
            .filter(|(_, field)| field.stored())
            .filter_map(|(child, field)| Some((self.schema.object(&child.name)?.clone(), field.clone())))
            .collect();
        for (child, field) in children {
            for child_id in self.storage.find(&child, &field, &Sql::Text(id.to_owned()), usize::MAX >> 1)? {
                if cascades(&child.name, &field.name) {
                    self.remove(&child, &child_id)?;
                } else if field.nillable {
                    self.storage.update(&child, &child_id, &Row::from([(field.name.clone(), Sql::Null)]))?;
                }
            }
        }
        Ok(())
    }

    /// The record as it is.
    ///
    /// # Errors
    ///
    /// `NOT_FOUND`, or `ENTITY_IS_DELETED`.
    pub fn present(&self, object: &Object, id: &str) -> Result<Row, Failure> {
        let row = self.storage.get(object, id)?.ok_or_else(Failure::not_found)?;
        if row.get("IsDeleted") == Some(&Sql::Integer(1)) {
            return Err(Failure::deleted());
        }
        Ok(row)
    }

    fn lock(&self) -> Result<(), Failure> {
        if !self.locked {
            return Ok(());
        }
        Err(Failure::bad("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"))
    }

    /// The fields of a request as columns.
    fn read(&self, object: &Object, fields: &Fields, may: impl Fn(&Field) -> bool) -> Result<Row, Failure> {
        let mut row = Row::new();
        let mut refused = Vec::new();
        for (name, value) in fields {
            if name == "attributes" || name.eq_ignore_ascii_case("Id") {
                continue;
            }
            if let Some(field) = object.field(name) {
                if may(field) {
                    row.insert(field.name.clone(), stored(self.schema, field, value)?);
                } else {
                    refused.push(field.name.clone());
                }
            } else if let (Some(field), Value::Object(parent)) = (object.relationship(name), value) {
                row.insert(field.name.clone(), self.by_external_id(field, parent)?);
            } else {
                return Err(Failure::no_such_column(name, &object.name));
            }
        }
        if refused.is_empty() {
            return Ok(row);
        }
        let message = format!(
            "Unable to create/update fields: {}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.",
            refused.join(", ")
        );
        let mut failure = Failure::bad("INVALID_FIELD_FOR_INSERT_UPDATE", message);
        failure.fields = refused;
        Err(failure)
    }

    /// `{"Account": {"Number__c": "7"}}`: the reference by the parent's external id.
    fn by_external_id(&self, field: &Field, parent: &Fields) -> Result<Sql, Failure> {
        let named = parent.iter().find(|(key, _)| *key != "attributes");
        let object = field.references.first().and_then(|name| self.schema.object(name));
        let (Some((name, value)), Some(object)) = (named, object) else {
            return Err(Failure::bad("INVALID_FIELD", format!("{} names no external id", field.name)));
        };
        let Some(key) = object.field(name).filter(|f| f.external_id || f.kind == Kind::Id) else {
            return Err(Failure::bad(
                "INVALID_FIELD",
                format!("{name} is no external id of {}", object.name),
            ));
        };
        let wanted = stored(self.schema, key, value)?;
        if let [one] = self.storage.find(object, key, &wanted, 2)?.as_slice() {
            Ok(Sql::Text(one.clone()))
        } else {
            let message = format!(
                "Foreign key external ID: {} not found for field {name} in entity {}",
                value.as_str().unwrap_or_default(),
                object.name
            );
            Err(Failure::bad("INVALID_FIELD", message))
        }
    }

    fn references(&self, object: &Object, row: &Row) -> Result<(), Failure> {
        for field in object.stored().filter(|f| f.kind == Kind::Reference) {
            let Some(Sql::Text(id)) = row.get(&field.name) else { continue };
            let known = match self.schema.object_of(id) {
                Some(target) => self.storage.exists(target, id)?,
                None => false,
            };
            if !known {
                let failure = Failure::bad("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
                return Err(failure.on(&field.name));
            }
        }
        Ok(())
    }

    fn unique(&self, object: &Object, row: &Row, id: &str) -> Result<(), Failure> {
        for field in object.stored().filter(|f| f.unique) {
            let Some(value) = row.get(&field.name).filter(|v| **v != Sql::Null) else { continue };
            let found = self.storage.find(object, field, value, 1)?;
            if let Some(other) = found.first().filter(|other| *other != id) {
                let message = format!(
                    "duplicate value found: {} duplicates value on record with id: {}",
                    field.name,
                    &other[..15]
                );
                return Err(Failure::bad("DUPLICATE_VALUE", message));
            }
        }
        Ok(())
    }
}

/// `INT-{00000000}` and 7: `INT-00000007`.
fn auto_number(format: &str, number: u64) -> String {
    let Some((before, rest)) = format.split_once('{') else { return number.to_string() };
    let Some((zeros, after)) = rest.split_once('}') else { return number.to_string() };
    let width = zeros.len();
    format!("{before}{number:0width$}{after}")
}

/// The record id in a path, for `object`.
///
/// # Errors
///
/// `NOT_FOUND` for what is no id, `MALFORMED_ID` for the id of another object.
pub(crate) fn record_id(schema: &Schema, object: &Object, text: &str) -> Result<String, Failure> {
    let Some(id) = ids::normalize(text) else {
        let message = format!("Provided external ID field does not exist or is not accessible: {text}");
        return Err(Failure::new(404, "NOT_FOUND", message));
    };
    if schema.object_of(&id).is_none_or(|owner| owner.name != object.name) {
        return Err(Failure::bad(
            "MALFORMED_ID",
            format!("{} ID: id value of incorrect type: {text}", object.name),
        ));
    }
    Ok(id)
}
