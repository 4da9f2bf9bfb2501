//! The record of what is known of a contact's conversation, and the files attached to it.
//!
//! One record a contact, whoever comes first: the import of the recording, of Contact Lens, or of
//! a transcript. The lock holds its id; only where an earlier attempt may have ended between
//! making something and noting it is the org asked what is there.

use serde_json::Value;
use tieline_amazon_connect::Import;
use tieline_bridge::map::MapContext;
use tieline_core::{
    Attached, Comparison, Condition, ConnectorError, ConnectorErrorKind, Crm, JsonMap, OutboxRow, Paging,
    Query, RecordFile, RecordId,
};
use tieline_salesforce::{FILE_TOO_LARGE, Salesforce, is_gone};

use crate::LambdaError;
use crate::config::ConfigError;
use crate::context::{Context, ONE_RECORD};
use crate::lock::Lock;
use crate::name::Manner;

/// Fields an org may lack before a write is given up.
const UNKNOWN_FIELDS: usize = 8;

/// The org, for one contact.
pub(crate) struct Analytics<'a> {
    salesforce: Salesforce,
    namespace: Option<&'a str>,
    context: &'a Context,
    manner: Manner,
}

/// The record that was written.
pub(crate) struct Stands {
    id: RecordId,
    /// Whether files may stand there already.
    look: bool,
}

impl<'a> Analytics<'a> {
    pub async fn of(context: &'a Context, manner: Manner) -> Result<Self, LambdaError> {
        let salesforce = context.org_for_the_rest(ONE_RECORD).await?;
        let namespace = context.environment.get("SF_ADAPTER_NAMESPACE").filter(|it| !matches!(*it, "" | "-"));
        Ok(Self { salesforce, namespace, context, manner })
    }

    /// The name of a field of the package.
    pub fn field(&self, name: &str) -> String {
        self.namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}__{name}"))
    }

    /// What the map `name` makes of `document`.
    pub fn row(&self, name: &str, document: &Value, extra: &JsonMap) -> Result<OutboxRow, LambdaError> {
        let map = self.context.map(name)?;
        let context =
            MapContext { namespace: self.namespace, region: None, now: self.context.clock.now(), extra };
        map.row(document, &context)
            .map_err(|error| LambdaError::new("lambda.document_malformed", error.to_string()))
    }

    /// Writes the contact's record, wherever it is.
    pub async fn write(&self, lock: Option<&mut Lock>, row: OutboxRow) -> Result<Stands, LambdaError> {
        let known = lock.as_ref().and_then(|lock| lock.record());
        // Without a lock the reference's name does as the reference: it does not look.
        let may_stand = lock.as_ref().map_or(self.manner == Manner::Ours, |lock| lock.again);
        let mut fields = JsonMap::from_iter([(row.key_field.clone(), Value::from(row.key.clone()))]);
        fields.extend(row.fields.clone());
        let mut looked = false;
        if let Some(id) = known {
            match self.update(&row.object, &id, &mut fields).await {
                Ok(()) => return Ok(Stands { id, look: may_stand }),
                Err(error) if is_gone(&error) => looked = true,
                Err(error) => return Err(error.into()),
            }
        }
        let found = if may_stand || looked { self.find(&row).await? } else { None };
        let id = match found {
            Some(id) => {
                self.update(&row.object, &id, &mut fields).await?;
                id
            }
            None => self.create(&row.object, &mut fields).await?,
        };
        if let Some(lock) = lock {
            lock.note_record(&id).await?;
        }
        Ok(Stands { id, look: may_stand })
    }

    /// Attaches `files`; one that is too large is left out, and said so.
    pub async fn attach(&self, to: &Stands, files: &[RecordFile]) -> Result<(), LambdaError> {
        let mut files: Vec<_> =
            files.iter().map(|file| Attached { parent: &to.id, file, record: None }).collect();
        let standing = if to.look { self.salesforce.standing_files(&files).await? } else { Vec::new() };
        for (file, standing) in files.iter_mut().zip(&standing) {
            file.record = standing.as_ref();
        }
        for file in files {
            match self.salesforce.attach_file(&file).await {
                Ok(_) => {}
                Err(error) if is_too_large(&error) => {
                    let RecordFile { name, text, .. } = file.file;
                    tracing::warn!(file.name = name, file.bytes = text.len(), "A file was not attached");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    async fn find(&self, row: &OutboxRow) -> Result<Option<RecordId>, LambdaError> {
        let query = Query {
            object: row.object.clone(),
            fields: vec!["Id".into()],
            conditions: vec![Condition {
                field: row.key_field.clone(),
                comparison: Comparison::Equals(row.key.clone().into()),
            }],
            limit: Some(1),
            paging: Paging::FirstPage,
        };
        let found = self.salesforce.rows(&query).await?.rows.into_iter().next();
        Ok(found.as_ref().and_then(id_of))
    }

    async fn create(&self, object: &str, fields: &mut JsonMap) -> Result<RecordId, ConnectorError> {
        for _ in 0..UNKNOWN_FIELDS {
            match self.salesforce.create(object, fields).await {
                Err(error) if drop_unknown(&error, fields) => {}
                answer => return answer,
            }
        }
        self.salesforce.create(object, fields).await
    }

    async fn update(&self, object: &str, id: &RecordId, fields: &mut JsonMap) -> Result<(), ConnectorError> {
        // What is not known here may be known to whoever wrote before.
        fields.retain(|_, value| !value.is_null());
        for _ in 0..UNKNOWN_FIELDS {
            match self.salesforce.update(object, id, fields).await {
                Err(error) if drop_unknown(&error, fields) => {}
                answer => return answer,
            }
        }
        self.salesforce.update(object, id, fields).await
    }
}

fn id_of(row: &JsonMap) -> Option<RecordId> {
    RecordId::new(row.get("Id")?.as_str()?).ok()
}

fn is_too_large(error: &ConnectorError) -> bool {
    matches!(&error.kind, ConnectorErrorKind::Rejected { code, .. } if code == FILE_TOO_LARGE)
}

/// Takes the field out of `fields` that the org says it does not have; whether there was one.
///
/// The message reads `No such column 'X__c' on sobject of type Y__c`, or names the field likewise.
fn drop_unknown(error: &ConnectorError, fields: &mut JsonMap) -> bool {
    let ConnectorErrorKind::Rejected { code, message, .. } = &error.kind else { return false };
    if !matches!(code.as_str(), "INVALID_FIELD" | "INVALID_FIELD_FOR_INSERT_UPDATE") {
        return false;
    }
    let named = message
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .find_map(|word| fields.keys().find(|name| name.eq_ignore_ascii_case(word)).cloned());
    let Some(name) = named else { return false };
    tracing::warn!(crm.field = name, "The org has no field {name}; the rest is written without it");
    fields.shift_remove(&name).is_some()
}

/// The bucket of transcripts and locks, where one is set.
pub(crate) fn state_bucket(context: &Context) -> Option<tieline_aws::Bucket> {
    let name = context.environment.get("TRANSCRIPTS_DESTINATION").filter(|name| !name.is_empty())?;
    Some(context.aws().bucket(name))
}

/// Of which contacts something is imported; `TIELINE_IMPORT`.
pub(crate) fn import_setting(context: &Context) -> Result<Import, ConfigError> {
    match context.environment.get("TIELINE_IMPORT").unwrap_or_default() {
        "" => Ok(Import::default()),
        word => Import::named(word).ok_or_else(|| ConfigError::Wrong {
            name: "TIELINE_IMPORT",
            problem: format!("is none of {}", Import::NAMES),
        }),
    }
}
