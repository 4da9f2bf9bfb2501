//! Files that stand with records.
//!
//! They are Attachments, as the reference's pages and reports expect; ContentVersion is not
//! offered, because the reference's record pages would not show it. An Attachment holds at most
//! 25 MB and has no key of its own ("Salesforce Object Reference", Attachment, read 2026-11-21):
//! before one is made, the org is asked whether it stands there already.

use std::collections::{BTreeSet, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tieline_core::{
    Attached, Comparison, Condition, ConnectorError, ConnectorErrorKind, Crm, JsonMap, Paging, Query,
    RecordId, RowFailure, RowResult, Written,
};

use crate::Salesforce;

/// The object of the files.
pub(crate) const ATTACHMENT: &str = "Attachment";

/// Most bytes of one.
const LARGEST: usize = 25 * 1024 * 1024;

/// What an org may hold of one name at one record before the rest is not looked at.
const DOUBLES: usize = 10;

impl Salesforce {
    /// As [`Crm::attach`].
    pub(crate) async fn attach_all(&self, files: &[Attached<'_>]) -> Result<Vec<RowResult>, ConnectorError> {
        let standing = self.standing_files(files).await?;
        // Two workspaces may fill one record, and give it the same file in one call.
        let mut made: HashMap<(&str, &str), RecordId> = HashMap::new();
        let mut results = Vec::with_capacity(files.len());
        for (file, standing) in files.iter().zip(&standing) {
            let known = Attached { record: standing.as_ref().or_else(|| made.get(&place(file))), ..*file };
            let result = of_row(self.attach_file(&known).await)?;
            if let Ok(Written { record: Some(id), .. }) = &result {
                made.insert(place(file), id.clone());
            }
            results.push(result);
        }
        Ok(results)
    }

    /// Puts one file at its record, without looking whether it stands there.
    pub async fn attach_file(&self, attached: &Attached<'_>) -> Result<Written, ConnectorError> {
        let Attached { parent, file, record } = attached;
        if file.text.len() > LARGEST {
            let kind = ConnectorErrorKind::Rejected {
                status: 400,
                code: FILE_TOO_LARGE.into(),
                message: format!("{} is larger than an attachment may be", file.name),
            };
            return Err(ConnectorError { connector: "salesforce", operation: "attach", kind, said: None });
        }
        let mut fields = JsonMap::from_iter([
            ("ContentType".into(), json!("application/json")),
            ("Description".into(), json!(file.description)),
            ("Name".into(), json!(file.name)),
            ("Body".into(), json!(STANDARD.encode(&file.text))),
        ]);
        if let Some(id) = *record {
            match self.update(ATTACHMENT, id, &fields).await {
                Err(error) if is_gone(&error) => {}
                answer => {
                    return answer.map(|()| Written {
                        record: Some(id.clone()),
                        created: false,
                        dropped: Vec::new(),
                    });
                }
            }
        }
        fields.insert("ParentId".into(), parent.as_str().into());
        let id = self.create(ATTACHMENT, &fields).await?;
        Ok(Written { record: Some(id), created: true, dropped: Vec::new() })
    }

    /// The records of files that stand already, one answer a file in the order given: what is known
    /// of it, or what the org says.
    pub async fn standing_files(
        &self,
        files: &[Attached<'_>],
    ) -> Result<Vec<Option<RecordId>>, ConnectorError> {
        let unknown: Vec<&Attached<'_>> = files.iter().filter(|file| file.record.is_none()).collect();
        let rows = if unknown.is_empty() { Vec::new() } else { self.of_names(&unknown).await? };
        let mut standing: HashMap<(&str, &str), RecordId> = HashMap::new();
        for row in &rows {
            let text = |name: &str| row.get(name).and_then(Value::as_str);
            let (Some(Ok(id)), Some(name), Some(parent)) =
                (text("Id").map(RecordId::new), text("Name"), text("ParentId"))
            else {
                continue;
            };
            standing.entry((short(parent), name)).or_insert(id);
        }
        let known = |file: &Attached<'_>| file.record.or(standing.get(&place(file))).cloned();
        Ok(files.iter().map(known).collect())
    }

    /// Attachments of the records and names of `files`.
    async fn of_names(&self, files: &[&Attached<'_>]) -> Result<Vec<JsonMap>, ConnectorError> {
        let among = |field: &str, values: BTreeSet<&str>| Condition {
            field: field.into(),
            comparison: Comparison::In(values.into_iter().map(Value::from).collect()),
        };
        let query = Query {
            object: ATTACHMENT.into(),
            fields: vec!["Id".into(), "Name".into(), "ParentId".into()],
            conditions: vec![
                among("ParentId", files.iter().map(|file| file.parent.as_str()).collect()),
                among("Name", files.iter().map(|file| file.file.name.as_str()).collect()),
            ],
            limit: None,
            paging: Paging::UpTo(DOUBLES * files.len()),
        };
        Ok(self.rows(&query).await?.rows)
    }
}

/// Our own code for a file that no attachment can hold.
pub const FILE_TOO_LARGE: &str = "FILE_TOO_LARGE";

/// Where the file stands: its record and its name.
fn place<'a>(file: &Attached<'a>) -> (&'a str, &'a str) {
    (short(file.parent.as_str()), &file.file.name)
}

/// An id of 18 characters is one of 15 with a checksum.
fn short(id: &str) -> &str {
    id.get(..15).unwrap_or(id)
}

/// Whether the org says that the record is not there, or not any more.
pub fn is_gone(error: &ConnectorError) -> bool {
    matches!(&error.kind, ConnectorErrorKind::Rejected { status, code, .. }
        if *status == 404 || matches!(code.as_str(), "NOT_FOUND" | "ENTITY_IS_DELETED"))
}

/// What is wrong with one file alone; everything else is an error of the whole call.
fn of_row(result: Result<Written, ConnectorError>) -> Result<RowResult, ConnectorError> {
    match result {
        Ok(written) => Ok(Ok(written)),
        Err(ConnectorError { kind: ConnectorErrorKind::Rejected { code, message, .. }, .. }) => {
            Ok(Err(if code == "UNABLE_TO_LOCK_ROW" {
                RowFailure::Contention { code, message }
            } else {
                RowFailure::Permanent { code, message }
            }))
        }
        Err(error) => Err(error),
    }
}
