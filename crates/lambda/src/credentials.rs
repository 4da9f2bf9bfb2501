use std::sync::Arc;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tieline_aws::{Secrets, SecretsError};
use tieline_salesforce::{CredentialError, CredentialSource, Credentials, GrantSecrets};
use tracing::warn;

use crate::config::Grant;

/// Salesforce credentials in the JSON secret of the reference functions.
///
/// A token found in it is used while the org takes it; a new one stays in memory and is never
/// written back, so a function needs no right to change the secret.
pub(crate) struct SecretCredentials {
    pub secrets: Arc<Secrets>,
    pub secret_id: String,
    pub grant: Grant,
    pub username: String,
    /// As the reference functions: where the secret has no token, the first request goes out without
    /// one, and only its refusal asks for one.
    pub tries_without_token: bool,
}

/// The secret's members we read; others belong to others.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_field_names, reason = "the secret's own names")]
struct Secret {
    consumer_key: Option<String>,
    consumer_secret: Option<SecretString>,
    password: Option<SecretString>,
    /// The user's security token, not an OAuth token.
    access_token: Option<SecretString>,
    private_key: Option<SecretString>,
    auth_token: Option<SecretString>,
}

#[async_trait]
impl CredentialSource for SecretCredentials {
    async fn credentials(&self) -> Result<Credentials, CredentialError> {
        let text = self.secrets.read(&self.secret_id).await.inspect_err(|error| {
            // The answer can only speak of the CRM, which was never asked.
            warn!(%error, "The secret with the CRM's credentials could not be read");
        });
        let text = text.map_err(|error| match &error {
            SecretsError::Unavailable(_) => CredentialError::Unavailable(error.to_string()),
            SecretsError::Refused { .. } | SecretsError::NotText => {
                CredentialError::Invalid(error.to_string())
            }
        })?;
        let mut credentials = read(text.expose_secret(), self.grant, &self.username)?;
        if self.tries_without_token && self.grant == Grant::Password {
            credentials.token.get_or_insert_with(|| SecretString::from(""));
        }
        Ok(credentials)
    }
}

fn read(text: &str, grant: Grant, username: &str) -> Result<Credentials, CredentialError> {
    // The parser's message may quote the secret.
    let secret: Secret = serde_json::from_str(text)
        .map_err(|_| CredentialError::Invalid("the secret is no JSON object of texts".into()))?;
    let missing = |name: &str| CredentialError::Invalid(format!("the secret has no `{name}`"));
    let client_id = secret.consumer_key.ok_or_else(|| missing("ConsumerKey"))?;
    let client_secret = || secret.consumer_secret.clone().ok_or_else(|| missing("ConsumerSecret"));
    let secrets = match grant {
        Grant::Password => {
            let password = secret.password.ok_or_else(|| missing("Password"))?;
            let security_token = secret.access_token.as_ref().map_or("", |token| token.expose_secret());
            GrantSecrets::Password {
                client_secret: client_secret()?,
                username: username.to_owned(),
                password: SecretString::from(format!("{}{security_token}", password.expose_secret())),
            }
        }
        Grant::ClientCredentials => GrantSecrets::ClientCredentials { client_secret: client_secret()? },
        Grant::JwtBearer => GrantSecrets::JwtBearer {
            username: username.to_owned(),
            private_key: secret.private_key.ok_or_else(|| missing("PrivateKey"))?,
        },
    };
    let token = secret.auth_token.filter(|token| !token.expose_secret().is_empty());
    Ok(Credentials { client_id, secrets, token })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_security_token_follows_the_password() {
        let text = r#"{"Password":"pw","AccessToken":"tok","ConsumerKey":"ck","ConsumerSecret":"cs","AuthToken":"","Other":"x"}"#;
        let credentials = read(text, Grant::Password, "api@example.com").unwrap();
        assert!(credentials.token.is_none(), "an empty token is none");
        let GrantSecrets::Password { password, .. } = credentials.secrets else { panic!() };
        assert_eq!(password.expose_secret(), "pwtok");
    }

    #[test]
    fn what_a_secret_lacks_is_named_and_never_quoted() {
        let problem = |text: &str, grant| read(text, grant, "u").unwrap_err().to_string();
        assert_eq!(problem("{}", Grant::Password), "the secret has no `ConsumerKey`");
        let keys = r#"{"ConsumerKey":"ck","ConsumerSecret":"cs"}"#;
        assert_eq!(problem(keys, Grant::Password), "the secret has no `Password`");
        assert_eq!(problem(keys, Grant::JwtBearer), "the secret has no `PrivateKey`");
        assert!(read(keys, Grant::ClientCredentials, "").is_ok());
        assert!(!problem("hunter2", Grant::Password).contains("hunter2"));
    }
}
