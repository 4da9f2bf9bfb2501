use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;

use crate::Service;

/// What the SDKs' standard variables say.
#[derive(Debug, Clone, Default)]
pub struct AwsSettings {
    pub region: Option<String>,
    pub keys: Option<AwsKeys>,
    /// `AWS_ENDPOINT_URL`: where every service is that has no entry of its own.
    pub endpoint: Option<String>,
    /// By the end of the variable's name: `S3`, `SECRETS_MANAGER`, ….
    pub endpoints: BTreeMap<String, String>,
    /// What `object_store`'s providers are told of where credentials are, by the variable's name.
    pub provider: BTreeMap<&'static str, String>,
}

#[derive(Clone)]
pub struct AwsKeys {
    pub access_key_id: String,
    pub secret_access_key: SecretString,
    pub session_token: Option<SecretString>,
}

impl fmt::Debug for AwsKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsKeys").finish_non_exhaustive()
    }
}

/// Where a container, a pod or an instance says its credentials are.
const PROVIDER: [&str; 8] = [
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_ENDPOINT_URL_STS",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_METADATA_ENDPOINT",
];

impl AwsSettings {
    /// Reads the variables through `get`; empty ones count as absent.
    ///
    /// ("AWS SDKs and Tools Reference Guide", settings reference, service-specific endpoints, read 2026-11-20.)
    pub fn from_environment<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Self {
        let get = |name: &str| get(name).filter(|value| !value.is_empty()).map(str::to_owned);
        let keys = get("AWS_ACCESS_KEY_ID").zip(get("AWS_SECRET_ACCESS_KEY")).map(|(id, secret)| AwsKeys {
            access_key_id: id,
            secret_access_key: SecretString::from(secret),
            session_token: get("AWS_SESSION_TOKEN").map(SecretString::from),
        });
        let mut settings = Self {
            region: get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION")),
            keys,
            provider: PROVIDER.iter().filter_map(|name| Some((*name, get(name)?))).collect(),
            ..Self::default()
        };
        let ignored = get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if !ignored {
            settings.endpoint = get("AWS_ENDPOINT_URL");
            settings.endpoints = Service::ALL
                .iter()
                .map(|service| service.endpoint_variable())
                .chain(["S3"])
                .filter_map(|name| Some((name.to_owned(), get(&format!("AWS_ENDPOINT_URL_{name}"))?)))
                .collect();
        }
        settings
    }

    /// Where `service` is, when not at AWS's own address.
    pub(crate) fn endpoint_of(&self, service: &str) -> Option<&str> {
        let endpoint = self.endpoints.get(service).or(self.endpoint.as_ref())?;
        Some(endpoint.trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&'static str, &'static str)]) -> AwsSettings {
        AwsSettings::from_environment(|name| {
            variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| *value)
        })
    }

    #[test]
    fn the_service_s_own_endpoint_goes_before_the_common_one() {
        let both = [("AWS_ENDPOINT_URL", "http://a/"), ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://b")];
        assert_eq!(settings(&both).endpoint_of("SECRETS_MANAGER"), Some("http://b"));
        assert_eq!(settings(&both).endpoint_of("S3"), Some("http://a"));
        let ignored = [("AWS_ENDPOINT_URL", "http://a"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")];
        assert_eq!(settings(&ignored).endpoint_of("S3"), None);
    }

    #[test]
    fn half_a_key_is_none_and_keys_are_never_shown() {
        assert!(settings(&[("AWS_ACCESS_KEY_ID", "id")]).keys.is_none());
        let whole = settings(&[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "hunter2")]);
        assert!(whole.keys.is_some());
        assert!(!format!("{whole:?}").contains("hunter2"));
    }
}
