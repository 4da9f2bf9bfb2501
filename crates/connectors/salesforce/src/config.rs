use std::time::Duration;

use url::Url;

/// What the client needs to know of an org. The engine makes it from a `[connections.<name>]`
/// table of kind `salesforce`, a Lambda function from its environment.
#[derive(Debug, Clone)]
pub struct OrgSettings {
    /// The org's My Domain address, for example `https://acme.my.salesforce.com`.
    pub instance_url: Url,
    /// The REST API's version, for example `v62.0` (the default).
    pub api_version: String,
    /// Where tokens are asked for, when that is not `instance_url`:
    /// `https://login.salesforce.com` or `https://test.salesforce.com`.
    pub login_url: Option<Url>,
    /// The namespace of the managed package whose objects are meant, without underscores.
    pub namespace: Option<String>,
    /// Longest wait for one API call, its answer read to the end; 10 s by default.
    pub timeout: Duration,
}

/// Why an org's settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("the API version must look like `v62.0`, got `{0}`")]
    ApiVersion(String),
    #[error("`{field}` must be an http or https address with a host")]
    Address { field: &'static str },
    #[error("`{field}` must be https unless its host is this machine: credentials go there")]
    Plain { field: &'static str },
    #[error("a namespace is 1 to 15 letters, digits and underscores, got `{0}`")]
    Namespace(String),
    #[error("the HTTP client could not be made: {0}")]
    Http(#[from] reqwest::Error),
}

impl OrgSettings {
    /// The org at `instance_url` with every default.
    pub fn new(instance_url: Url) -> Self {
        Self {
            instance_url,
            api_version: "v62.0".into(),
            login_url: None,
            namespace: None,
            timeout: Duration::from_secs(10),
        }
    }

    pub(crate) fn check(&self) -> Result<(), SettingsError> {
        address("instance_url", &self.instance_url)?;
        if let Some(login) = &self.login_url {
            address("login_url", login)?;
        }
        if !is_api_version(&self.api_version) {
            return Err(SettingsError::ApiVersion(self.api_version.clone()));
        }
        if let Some(namespace) = &self.namespace
            && (namespace.is_empty()
                || namespace.len() > 15
                || !namespace.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        {
            return Err(SettingsError::Namespace(namespace.clone()));
        }
        Ok(())
    }
}

fn address(field: &'static str, url: &Url) -> Result<(), SettingsError> {
    match (url.scheme(), url.host_str()) {
        ("https", Some(_)) => Ok(()),
        ("http", Some(host)) if crate::resolve::is_this_machine(host) => Ok(()),
        ("http", Some(_)) => Err(SettingsError::Plain { field }),
        _ => Err(SettingsError::Address { field }),
    }
}

fn is_api_version(text: &str) -> bool {
    let Some((major, minor)) = text.strip_prefix('v').and_then(|rest| rest.split_once('.')) else {
        return false;
    };
    [major, minor]
        .iter()
        .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether the address is a sign-in page that all orgs share: it vouches for the users of every
/// org there is, so its word says nothing about one.
pub fn is_shared_sign_in(issuer: &Url) -> bool {
    matches!(issuer.host_str(), Some("login.salesforce.com" | "test.salesforce.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_over_tls_or_stay_on_this_machine() {
        let check = |url: &str| OrgSettings::new(Url::parse(url).unwrap()).check();
        assert!(check("http://crm.localhost:8431").is_ok());
        assert!(check("http://127.0.0.1:8431").is_ok());
        assert!(check("http://[::1]:8431").is_ok());
        assert!(matches!(check("http://acme.my.salesforce.com"), Err(SettingsError::Plain { .. })));
        assert!(matches!(check("ftp://acme"), Err(SettingsError::Address { .. })));
    }

    #[test]
    fn an_api_version_is_a_v_and_two_numbers() {
        for (text, good) in
            [("v62.0", true), ("v42.0", true), ("62.0", false), ("v62", false), ("v6/2.0", false)]
        {
            assert_eq!(is_api_version(text), good, "{text}");
        }
    }
}
