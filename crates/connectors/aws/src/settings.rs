use std::fmt;

use secrecy::SecretString;

/// What the SDK's standard variables say.
#[derive(Debug, Clone, Default)]
pub struct AwsSettings {
    pub region: Option<String>,
    /// Where Secrets Manager is, when not at AWS's own address.
    pub secrets_endpoint: Option<String>,
    pub keys: Option<AwsKeys>,
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
        let ignore_endpoints = get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let secrets_endpoint = if ignore_endpoints {
            None
        } else {
            get("AWS_ENDPOINT_URL_SECRETS_MANAGER").or_else(|| get("AWS_ENDPOINT_URL"))
        };
        Self { region: get("AWS_REGION").or_else(|| get("AWS_DEFAULT_REGION")), secrets_endpoint, keys }
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
        let both = [("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://b")];
        assert_eq!(settings(&both).secrets_endpoint.as_deref(), Some("http://b"));
        assert_eq!(settings(&both[..1]).secrets_endpoint.as_deref(), Some("http://a"));
        let ignored = [("AWS_ENDPOINT_URL", "http://a"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")];
        assert_eq!(settings(&ignored).secrets_endpoint, None);
    }

    #[test]
    fn half_a_key_is_none_and_keys_are_never_shown() {
        assert!(settings(&[("AWS_ACCESS_KEY_ID", "id")]).keys.is_none());
        let whole = settings(&[("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "hunter2")]);
        assert!(whole.keys.is_some());
        assert!(!format!("{whole:?}").contains("hunter2"));
    }
}
