use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::Credentials;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_smithy_http_client::tls::{self, rustls_provider::CryptoMode};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::OnceCell;

use crate::AwsSettings;

/// A caller waits behind this: rather an error in time than an answer too late.
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// Why a secret could not be had. Never holds the secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SecretsError {
    /// Secrets Manager said no: a right or the secret itself is missing.
    #[error("Secrets Manager refused to read the secret: {code}")]
    Refused { code: String },
    /// It did not answer, or failed: try later.
    #[error("Secrets Manager did not answer: {0}")]
    Unavailable(String),
    #[error("the secret holds no text")]
    NotText,
}

/// AWS Secrets Manager. The client is made when the first secret is read.
#[derive(Debug)]
pub struct Secrets {
    settings: AwsSettings,
    client: OnceCell<Client>,
}

impl Secrets {
    pub fn new(settings: AwsSettings) -> Self {
        Self { settings, client: OnceCell::new() }
    }

    /// Reads the current version of a secret, named by its name or ARN.
    pub async fn read(&self, id: &str) -> Result<SecretString, SecretsError> {
        let client = self.client.get_or_init(|| self.connect(id)).await;
        match client.get_secret_value().secret_id(id).send().await {
            Ok(answer) => answer.secret_string.map(SecretString::from).ok_or(SecretsError::NotText),
            Err(error) => {
                let refused = error.raw_response().is_some_and(|answer| answer.status().is_client_error());
                Err(match (refused, error.code()) {
                    (true, Some(code)) if !code.contains("Throttling") => {
                        SecretsError::Refused { code: code.to_owned() }
                    }
                    (_, Some(code)) => SecretsError::Unavailable(code.to_owned()),
                    // The SDK's text says whether it was a time-out, a name or a connection.
                    (_, None) => SecretsError::Unavailable(error.to_string()),
                })
            }
        }
    }

    async fn connect(&self, id: &str) -> Client {
        let region =
            self.settings.region.clone().or_else(|| region_of(id).map(str::to_owned)).map(Region::new);
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(2))
            .operation_timeout(LONGEST_WAIT)
            .build();
        let config = if let Some(keys) = &self.settings.keys {
            let token = keys.session_token.as_ref().map(|token| token.expose_secret().to_owned());
            let credentials = Credentials::new(
                keys.access_key_id.clone(),
                keys.secret_access_key.expose_secret(),
                token,
                None,
                "environment",
            );
            aws_sdk_secretsmanager::Config::builder()
                .behavior_version(BehaviorVersion::v2026_01_12())
                .credentials_provider(credentials)
                .region(region)
                .http_client(http)
        } else {
            let mut chain = aws_config::defaults(BehaviorVersion::v2026_01_12()).http_client(http);
            if let Some(region) = region {
                chain = chain.region(region);
            }
            aws_sdk_secretsmanager::config::Builder::from(&chain.load().await)
        }
        .timeout_config(timeouts);
        let config = match &self.settings.secrets_endpoint {
            Some(endpoint) => config.endpoint_url(endpoint),
            None => config,
        };
        Client::from_conf(config.build())
    }
}

/// `arn:aws:secretsmanager:<region>:…`.
fn region_of(id: &str) -> Option<&str> {
    let mut parts = id.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten().filter(|region| !region.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_its_region_and_a_name_does_not() {
        assert_eq!(region_of("arn:aws:secretsmanager:us-west-2:111122223333:secret:sf"), Some("us-west-2"));
        assert_eq!(region_of("sf"), None);
        assert_eq!(region_of("arn:aws:secretsmanager"), None);
    }
}
