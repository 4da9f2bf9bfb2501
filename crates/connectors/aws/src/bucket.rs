//! Objects, through `object_store`: S3, and a local folder for development.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use jiff::Timestamp;
use object_store::aws::{AmazonS3, AmazonS3Builder, AwsCredential};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, BackoffConfig, CredentialProvider, Error, GetOptions, GetRange, ObjectMeta,
    ObjectStore, PutOptions, PutPayload, RetryConfig, UpdateVersion,
};
use secrecy::ExposeSecret;

use crate::error::LARGEST_SKEW;
use crate::presign::{Presign, S3Host, address, playable_by_browsers, presign};
use crate::transport::Note;
use crate::{Aws, AwsError};

/// Everything asked of an object has this long.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A bucket of S3, or a folder in its place. Cheap to clone; no call is made before something is asked of it.
#[derive(Clone)]
pub struct Bucket {
    aws: Aws,
    name: String,
    region: Option<String>,
    store: Arc<OnceLock<AmazonS3>>,
    /// A folder stands for the bucket.
    folder: Option<Arc<LocalFileSystem>>,
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").field("name", &self.name).finish_non_exhaustive()
    }
}

/// An object with its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    pub bytes: Bytes,
    /// Names come back in lower case, whatever they were when written.
    pub metadata: BTreeMap<String, String>,
    pub etag: Option<String>,
    pub last_modified: Option<Timestamp>,
}

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectInfo {
    pub key: String,
    pub size: u64,
    /// As in [`Object`]; empty in a list, which does not say.
    pub metadata: BTreeMap<String, String>,
    pub etag: Option<String>,
    pub last_modified: Option<Timestamp>,
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectPage {
    pub objects: Vec<ObjectInfo>,
    /// What to ask the next page with; `None` at the end.
    pub next: Option<String>,
}

/// When an object is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutMode {
    Overwrite,
    /// Only where none is.
    IfAbsent,
    /// Only over the version with this `ETag`.
    IfMatch(String),
}

/// Whether it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    Written {
        etag: Option<String>,
    },
    /// Somebody else's stands there: an object for `IfAbsent`, another version for `IfMatch`.
    Exists,
}

/// Our credentials, for `object_store`.
#[derive(Debug)]
struct Keys(Aws);

#[async_trait]
impl CredentialProvider for Keys {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let keys =
            self.0.keys().await.map_err(|error| Error::Generic { store: "S3", source: Box::new(error) })?;
        Ok(Arc::new(AwsCredential {
            key_id: keys.access_key_id.clone(),
            secret_key: keys.secret_access_key.expose_secret().to_owned(),
            token: keys.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
        }))
    }
}

impl Bucket {
    pub(crate) fn new(aws: Aws, name: &str) -> Self {
        Self { aws, name: name.to_owned(), region: None, store: Arc::default(), folder: None }
    }

    /// In another region than the settings'.
    #[must_use]
    pub fn in_region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self.store = Arc::default();
        self
    }

    /// A folder in the place of the bucket, for development: no address can be given out, so
    /// whoever plays something reads it ([`Bucket::read_range`]).
    ///
    /// # Errors
    ///
    /// [`AwsError::Unavailable`] when there is no such folder.
    pub fn in_folder(mut self, folder: &std::path::Path) -> Result<Self, AwsError> {
        let store = LocalFileSystem::new_with_prefix(folder)
            .map_err(|_| AwsError::Unavailable("the folder cannot be read".into()))?;
        self.folder = Some(Arc::new(store));
        Ok(self)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time presigned addresses begin at.
    pub fn now(&self) -> Timestamp {
        self.aws.0.clock.now()
    }

    /// Whether a folder stands for it.
    pub fn is_folder(&self) -> bool {
        self.folder.is_some()
    }

    fn objects(&self) -> Result<&dyn ObjectStore, AwsError> {
        match &self.folder {
            Some(folder) => Ok(&**folder),
            None => Ok(self.store()?),
        }
    }

    fn region(&self) -> Result<&str, AwsError> {
        self.region.as_deref().or(self.aws.region()).ok_or(AwsError::NoRegion)
    }

    fn host(&self) -> S3Host<'_> {
        self.aws.0.settings.endpoint_of("S3").map_or(S3Host::Regional, S3Host::Endpoint)
    }

    fn store(&self) -> Result<&AmazonS3, AwsError> {
        if let Some(store) = self.store.get() {
            return Ok(store);
        }
        let region = self.region()?;
        // The whole address is given: the crate knows neither partitions nor dotted names.
        let store = AmazonS3Builder::new()
            .with_bucket_name(&self.name)
            .with_region(region)
            .with_endpoint(address(self.host(), region, &self.name)?)
            .with_virtual_hosted_style_request(true)
            .with_allow_http(true)
            .with_http_connector(self.aws.0.connector.clone())
            .with_credentials(Arc::new(Keys(self.aws.clone())))
            .with_retry(RetryConfig {
                max_retries: 3,
                retry_timeout: Duration::from_secs(10),
                backoff: BackoffConfig {
                    init_backoff: Duration::from_millis(100),
                    max_backoff: Duration::from_secs(2),
                    base: 2.,
                },
            })
            .build()
            .map_err(|_| AwsError::Unavailable("the bucket has no usable address".into()))?;
        Ok(self.store.get_or_init(|| store))
    }

    /// An object of at most `max` bytes; `None` when there is none.
    pub async fn read(&self, key: &str, max: usize) -> Result<Option<Object>, AwsError> {
        let path = path(key)?;
        let note = Note::default();
        let asked = async {
            let options = GetOptions { extensions: noted(&note), ..GetOptions::default() };
            let found =
                self.objects()?.get_opts(&path, options).await.map_err(|error| failure(&note, &error))?;
            let size = usize::try_from(found.meta.size).unwrap_or(usize::MAX);
            if size > max {
                return Err(AwsError::TooLarge { limit: max });
            }
            let (metadata, meta) = (metadata_of(&found.attributes), found.meta.clone());
            let mut bytes = BytesMut::with_capacity(size);
            let mut stream = found.into_stream();
            while let Some(chunk) = stream.next().await {
                let chunk = chunk.map_err(|error| failure(&note, &error))?;
                if bytes.len() + chunk.len() > max {
                    return Err(AwsError::TooLarge { limit: max });
                }
                bytes.extend_from_slice(&chunk);
            }
            let info = info(meta);
            let bytes = bytes.freeze();
            Ok(Object { bytes, metadata, etag: info.etag, last_modified: info.last_modified })
        };
        found(in_time(asked).await)
    }

    /// An object without its bytes; `None` when there is none.
    pub async fn head(&self, key: &str) -> Result<Option<ObjectInfo>, AwsError> {
        let path = path(key)?;
        let note = Note::default();
        let asked = async {
            let options = GetOptions { head: true, extensions: noted(&note), ..GetOptions::default() };
            let found =
                self.objects()?.get_opts(&path, options).await.map_err(|error| failure(&note, &error))?;
            let metadata = metadata_of(&found.attributes);
            Ok(ObjectInfo { metadata, ..info(found.meta) })
        };
        found(in_time(asked).await)
    }

    /// Some bytes of an object, the end not included; `None` when there is none.
    pub async fn read_range(&self, key: &str, range: Range<u64>) -> Result<Option<Bytes>, AwsError> {
        let path = path(key)?;
        let note = Note::default();
        let asked = async {
            let range = Some(GetRange::Bounded(range));
            let options = GetOptions { range, extensions: noted(&note), ..GetOptions::default() };
            let found =
                self.objects()?.get_opts(&path, options).await.map_err(|error| failure(&note, &error))?;
            found.bytes().await.map_err(|error| failure(&note, &error))
        };
        found(in_time(asked).await)
    }

    pub async fn put(
        &self,
        key: &str,
        bytes: impl Into<Bytes>,
        metadata: &BTreeMap<String, String>,
        content_type: &str,
        mode: PutMode,
    ) -> Result<PutOutcome, AwsError> {
        let path = path(key)?;
        let note = Note::default();
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, content_type.to_owned().into());
        for (name, value) in metadata {
            attributes.insert(Attribute::Metadata(name.clone().into()), value.clone().into());
        }
        let options = PutOptions {
            mode: match mode {
                PutMode::Overwrite => object_store::PutMode::Overwrite,
                PutMode::IfAbsent => object_store::PutMode::Create,
                PutMode::IfMatch(etag) => {
                    object_store::PutMode::Update(UpdateVersion { e_tag: Some(etag), version: None })
                }
            },
            attributes,
            extensions: noted(&note),
            ..PutOptions::default()
        };
        let payload = PutPayload::from_bytes(bytes.into());
        let asked = async {
            match self.objects()?.put_opts(&path, payload, options).await {
                Ok(written) => {
                    Ok(PutOutcome::Written { etag: written.e_tag.filter(|etag| !etag.is_empty()) })
                }
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(PutOutcome::Exists),
                Err(error) => Err(failure(&note, &error)),
            }
        };
        in_time(asked).await
    }

    /// One page of the objects whose keys begin with `prefix`, at most `max` and a thousand.
    pub async fn list_page(
        &self,
        prefix: &str,
        page: Option<&str>,
        max: usize,
    ) -> Result<ObjectPage, AwsError> {
        if let Some(folder) = &self.folder {
            return in_time(list_folder(folder, prefix)).await;
        }
        let note = Note::default();
        let options = PaginatedListOptions {
            max_keys: Some(max.min(1000)),
            page_token: page.map(str::to_owned),
            extensions: noted(&note),
            ..PaginatedListOptions::default()
        };
        let asked = async {
            let page = self
                .store()?
                .list_paginated(Some(prefix), options)
                .await
                .map_err(|error| failure(&note, &error))?;
            Ok(ObjectPage {
                objects: page.result.objects.into_iter().map(info).collect(),
                next: page.page_token.filter(|token| !token.is_empty()),
            })
        };
        in_time(asked).await
    }

    /// All objects whose keys begin with `prefix`, pages followed, and whether `limit` cut them off.
    pub async fn list(&self, prefix: &str, limit: usize) -> Result<(Vec<ObjectInfo>, bool), AwsError> {
        let mut objects = Vec::new();
        let mut page: Option<String> = None;
        loop {
            let answer = self.list_page(prefix, page.as_deref(), 1000).await?;
            objects.extend(answer.objects);
            if objects.len() > limit {
                objects.truncate(limit);
                return Ok((objects, true));
            }
            // A server that gives the same page again would keep us for ever.
            match answer.next {
                Some(next) if page.as_ref() != Some(&next) => page = Some(next),
                _ => return Ok((objects, false)),
            }
        }
    }

    /// An address by which whoever holds it can GET `key` for `expires`, from now on. No call is
    /// made, except for credentials of a container or an instance.
    ///
    /// `query` is signed with the rest, for example `response-content-type`.
    ///
    /// # Errors
    ///
    /// [`AwsError::UnsafeKey`] for a key that a browser would rewrite, [`AwsError::ClockSkew`]
    /// when S3's last answer showed that the machine's clock is more than five minutes off: S3
    /// would refuse the address.
    pub async fn presign(
        &self,
        key: &str,
        expires: Duration,
        query: &[(&str, &str)],
    ) -> Result<String, AwsError> {
        if !playable_by_browsers(key) {
            return Err(AwsError::UnsafeKey);
        }
        if self.is_folder() {
            return Err(AwsError::Unavailable("a folder has no addresses".into()));
        }
        if self.aws.skew().is_some_and(|skew| skew > LARGEST_SKEW) {
            return Err(AwsError::ClockSkew);
        }
        let keys = self.aws.keys().await?;
        presign(&Presign {
            keys: &keys,
            region: self.region()?,
            host: self.host(),
            bucket: &self.name,
            key,
            query,
            at: self.aws.0.clock.now(),
            expires,
        })
    }
}

/// `object_store` lists folders by whole segments; a prefix ends anywhere.
async fn list_folder(folder: &LocalFileSystem, prefix: &str) -> Result<ObjectPage, AwsError> {
    let above = match prefix.rsplit_once('/') {
        Some((above, _)) => Some(path(above)?),
        None => None,
    };
    let mut objects = Vec::new();
    let mut listed = folder.list(above.as_ref());
    while let Some(object) = listed.next().await {
        match object {
            Ok(meta) if meta.location.as_ref().starts_with(prefix) => objects.push(info(meta)),
            Ok(_) | Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(failure(&Note::default(), &error)),
        }
    }
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(ObjectPage { objects, next: None })
}

fn noted(note: &Note) -> object_store::Extensions {
    let mut extensions = object_store::Extensions::new();
    extensions.insert(note.clone());
    extensions
}

/// A key the store would rewrite is refused rather than another object answered.
fn path(key: &str) -> Result<Path, AwsError> {
    let path = Path::parse(key).map_err(|_| AwsError::UnsafeKey)?;
    if key.is_empty() || path.as_ref() != key { Err(AwsError::UnsafeKey) } else { Ok(path) }
}

async fn in_time<T>(asked: impl Future<Output = Result<T, AwsError>>) -> Result<T, AwsError> {
    tokio::time::timeout(LONGEST_WAIT, asked)
        .await
        .unwrap_or_else(|_| Err(AwsError::Unavailable("timed out".into())))
}

/// No object is an answer; no bucket is not.
fn found<T>(answer: Result<T, AwsError>) -> Result<Option<T>, AwsError> {
    match answer {
        Err(AwsError::Refused { status: 404, code, .. }) if code != "NoSuchBucket" => Ok(None),
        other => other.map(Some),
    }
}

/// What S3 itself said goes before what `object_store` made of it.
fn failure(note: &Note, error: &Error) -> AwsError {
    if let Some(refusal) = note.take() {
        return AwsError::from_answer(refusal.status, refusal.code, refusal.message);
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(ours) = error.downcast_ref::<AwsError>() {
            return ours.clone();
        }
        if let Some(http) = error.downcast_ref::<object_store::client::HttpError>() {
            use object_store::client::HttpErrorKind::{Connect, Decode, Timeout};
            return match http.kind() {
                Timeout => AwsError::Unavailable("timed out".into()),
                Connect => AwsError::Unavailable("no connection".into()),
                Decode => AwsError::Malformed,
                _ => AwsError::Unavailable("the connection broke".into()),
            };
        }
        cause = error.source();
    }
    match error {
        Error::NotFound { .. } => {
            AwsError::Refused { status: 404, code: "NoSuchKey".into(), message: String::new() }
        }
        Error::InvalidPath { .. } => AwsError::UnsafeKey,
        _ => AwsError::Malformed,
    }
}

fn info(meta: ObjectMeta) -> ObjectInfo {
    // Without a `Last-Modified` the crate says the epoch.
    let millis = Some(meta.last_modified.timestamp_millis()).filter(|millis| *millis != 0);
    ObjectInfo {
        key: meta.location.to_string(),
        size: meta.size,
        metadata: BTreeMap::new(),
        etag: meta.e_tag.filter(|etag| !etag.is_empty()),
        last_modified: millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()),
    }
}

fn metadata_of(attributes: &Attributes) -> BTreeMap<String, String> {
    attributes
        .iter()
        .filter_map(|(attribute, value)| match attribute {
            Attribute::Metadata(name) => Some((name.to_ascii_lowercase(), value.as_ref().to_owned())),
            _ => None,
        })
        .collect()
}
