use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tieline_bridge::dip::find::FindSettings;
use tieline_core::{
    Attached, Clock, ConnectorError, Crm, FieldNames, Governor, JsonMap, OutboxRow, PartyMatch, PhoneNumber,
    Purpose, Query, RecordId, RowResult, Rows,
};

use crate::attach::ATTACHMENT;
use crate::auth::CredentialSource;
use crate::client::Client;
use crate::config::{OrgSettings, SettingsError};
use crate::convert;
use crate::describe::ObjectFields;
use crate::find::Finding;
use crate::{rows, search, write};

/// One org. Cheap to clone; clones share the connection pool, the token and what is known of objects.
#[derive(Clone)]
pub struct Salesforce {
    pub(crate) client: Client,
    pub(crate) namespace: Option<Arc<str>>,
    pub(crate) finding: Finding,
}

impl Salesforce {
    /// Makes a client whose credentials are read when the first call needs them.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] when an address or version is not one.
    pub fn new(
        settings: &OrgSettings,
        credentials: Arc<dyn CredentialSource>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        Ok(Self {
            client: Client::new(settings, credentials, clock)?,
            namespace: settings.namespace.as_deref().map(Arc::from),
            finding: Finding::default(),
        })
    }

    /// Where callers are looked for, when that is not Contact, Lead, Account and Case.
    #[must_use]
    pub fn finding(mut self, settings: FindSettings) -> Self {
        self.finding = Finding::new(settings);
        self
    }

    /// The same org for calls of another purpose: when its daily calls run low, the less urgent
    /// wait. A new client is for dips, which never wait.
    #[must_use]
    pub fn for_purpose(&self, purpose: Purpose) -> Self {
        Self { client: self.client.for_purpose(purpose), ..self.clone() }
    }

    /// The same org for calls that may take another time than the settings' `timeout`: from the
    /// request to the end of the answer. The sign-in keeps the settings' time.
    #[must_use]
    pub fn with_patience(&self, one_call: Duration) -> Self {
        Self { client: self.client.with_patience(one_call), ..self.clone() }
    }

    /// The fields of `object`, as the org described them at most an hour ago.
    pub async fn fields(&self, object: &str) -> Result<ObjectFields, ConnectorError> {
        self.client.fields(object).await.map_err(|failure| failure.during("fields"))
    }

    /// Prefix of the package's names in this org, without its underscores.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Creates one record without a key. Calling it twice makes two.
    pub async fn create(&self, object: &str, fields: &JsonMap) -> Result<RecordId, ConnectorError> {
        let created = rows::create(&self.client, object, fields).await;
        created.and_then(convert::record_id).map_err(|failure| failure.during("create"))
    }

    /// Changes fields of one record that is there.
    pub async fn update(&self, object: &str, id: &RecordId, fields: &JsonMap) -> Result<(), ConnectorError> {
        let updated = rows::update(&self.client, object, id.as_str(), fields).await;
        updated.map(drop).map_err(|failure| failure.during("update"))
    }
}

#[async_trait]
impl Crm for Salesforce {
    async fn find_by_phone(
        &self,
        phones: &[PhoneNumber],
        limit: usize,
    ) -> Result<Vec<Vec<PartyMatch>>, ConnectorError> {
        search::find_by_phone(&self.client, phones, limit).await.map_err(|f| f.during("find_by_phone"))
    }

    async fn record(
        &self,
        object: &str,
        id: &RecordId,
        fields: &[String],
    ) -> Result<Option<JsonMap>, ConnectorError> {
        let row = rows::record(&self.client, object, id.as_str(), fields)
            .await
            .map_err(|failure| failure.during("record"))?;
        Ok(row.map(convert::without_attributes))
    }

    async fn rows(&self, query: &Query) -> Result<Rows, ConnectorError> {
        let found = rows::select(&self.client, query).await.map_err(|failure| failure.during("rows"))?;
        Ok(Rows {
            rows: found.rows.into_iter().map(convert::without_attributes).collect(),
            total: found.total,
        })
    }

    async fn write(&self, rows: &[OutboxRow]) -> Result<Vec<RowResult>, ConnectorError> {
        write::write(&self.client, rows).await.map_err(|failure| failure.during("write"))
    }

    fn file_object(&self) -> Option<&str> {
        Some(ATTACHMENT)
    }

    async fn attach(&self, files: &[Attached<'_>]) -> Result<Vec<RowResult>, ConnectorError> {
        self.attach_all(files).await
    }

    fn governor(&self) -> Option<&Governor> {
        Some(self.client.governor())
    }

    async fn field_names(&self, object: &str) -> Result<Option<FieldNames>, ConnectorError> {
        Ok(Some(self.fields(object).await?.names().collect()))
    }

    fn with_purpose(&self, purpose: Purpose) -> Option<Arc<dyn Crm>> {
        Some(Arc::new(self.for_purpose(purpose)))
    }

    fn as_agent(&self, token: SecretString) -> Option<Arc<dyn Crm>> {
        let client = self.client.with_token(&token).ok()?;
        Some(Arc::new(Self { client, namespace: self.namespace.clone(), finding: self.finding.clone() }))
    }
}
