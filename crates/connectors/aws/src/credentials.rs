//! Where the keys come from.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredentialProvider};
use object_store::{BackoffConfig, RetryConfig};
use secrecy::SecretString;

use crate::service::dns_suffix;
use crate::transport::Connector;
use crate::{AwsError, AwsKeys, AwsSettings};

/// Keys of the environment, or `object_store`'s provider, which keeps what it found until it ends.
#[derive(Clone)]
pub(crate) enum Source {
    Fixed(AwsKeys),
    Provider(AwsCredentialProvider),
}

impl Source {
    pub fn new(settings: &AwsSettings, connector: &Connector) -> Result<Self, AwsError> {
        match &settings.keys {
            Some(keys) => Ok(Self::Fixed(keys.clone())),
            None => Ok(Self::Provider(provider(settings, connector)?)),
        }
    }

    pub async fn keys(&self) -> Result<AwsKeys, AwsError> {
        match self {
            Self::Fixed(keys) => Ok(keys.clone()),
            Self::Provider(provider) => {
                // The provider's own text names addresses and may quote answers.
                let found = provider.get_credential().await.map_err(|_| AwsError::NoCredentials)?;
                Ok(AwsKeys {
                    access_key_id: found.key_id.clone(),
                    secret_access_key: SecretString::from(found.secret_key.clone()),
                    session_token: found.token.clone().map(SecretString::from),
                })
            }
        }
    }
}

/// The crate hands its providers out only through a store, so one is made that nothing is asked of.
fn provider(settings: &AwsSettings, connector: &Connector) -> Result<AwsCredentialProvider, AwsError> {
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name("none")
        .with_http_connector(connector.clone())
        .with_retry(RetryConfig {
            max_retries: 1,
            retry_timeout: Duration::from_secs(2),
            backoff: BackoffConfig { init_backoff: Duration::from_millis(50), ..BackoffConfig::default() },
        });
    if let Some(region) = &settings.region {
        builder = builder.with_region(region).with_config(
            AmazonS3ConfigKey::StsEndpoint,
            format!("https://sts.{region}.{}", dns_suffix(region)),
        );
    }
    for (name, value) in &settings.provider {
        if let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    let store = builder.build().map_err(|_| AwsError::NoCredentials)?;
    Ok(Arc::clone(store.credentials()))
}
