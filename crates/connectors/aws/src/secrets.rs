use std::time::Duration;

use http::Method;
use secrecy::SecretString;
use serde_json::json;

use crate::client::AwsCall;
use crate::{Aws, AwsError, Service};

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

/// AWS Secrets Manager.
#[derive(Debug, Clone)]
pub struct Secrets(Aws);

impl Secrets {
    pub fn new(aws: Aws) -> Self {
        Self(aws)
    }

    /// Reads the current version of a secret, named by its name or ARN.
    ///
    /// ("AWS Secrets Manager API Reference", GetSecretValue, read 2026-11-21.)
    pub async fn read(&self, id: &str) -> Result<SecretString, SecretsError> {
        let mut call = AwsCall::new(Service::SecretsManager, Method::POST, "/")
            .target("secretsmanager.GetSecretValue")
            .body(json!({"SecretId": id}))
            .repeatable()
            .within(LONGEST_WAIT);
        // A secret's ARN says where it is; a bare name is in our own region.
        call.region = region_of(id).map(str::to_owned);
        let answer = self.0.call(&call).await.map_err(|error| match error {
            AwsError::Refused { code, .. } => SecretsError::Refused { code },
            other => SecretsError::Unavailable(other.to_string()),
        })?;
        let text = answer.get("SecretString").and_then(|text| text.as_str()).ok_or(SecretsError::NotText)?;
        Ok(SecretString::from(text))
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
