use std::collections::BTreeMap;
use std::time::Duration;

use tieline_bridge::dip::DipSettings;
use tieline_salesforce::OrgSettings;
use url::Url;

/// The variables a function is configured by, taken once.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables this process was started with. Those that are not text are left out.
    pub fn of_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A variable that says something; an empty one counts as absent.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).filter(|value| !value.is_empty())
    }

    pub(crate) fn required(&self, name: &'static str) -> Result<&str, ConfigError> {
        self.get(name).filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name))
    }

    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// What is wrong with a function's environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("'{0}' environment variable is missing")]
    Missing(&'static str),
    #[error("the environment variable {name} {problem}")]
    Wrong { name: &'static str, problem: String },
}

/// How the connected app signs in; `SF_GRANT`, which the reference functions do not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    /// As the reference: `Password` and `AccessToken` (the security token) of the secret.
    Password,
    ClientCredentials,
    /// `PrivateKey` of the secret.
    JwtBearer,
}

/// What a function needs to reach Salesforce.
#[derive(Debug, Clone)]
pub(crate) struct SalesforceSettings {
    pub secret_id: String,
    pub org: OrgSettings,
    pub grant: Grant,
    /// Empty for client credentials, which act as the app's own user.
    pub username: String,
}

impl SalesforceSettings {
    /// Reads the variables in the order the reference checks them.
    pub fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let secret_id = environment.required("SF_CREDENTIALS_SECRETS_MANAGER_ARN")?.to_owned();
        let version = environment.required("SF_VERSION")?;
        let host = address("SF_HOST", environment.required("SF_HOST")?)?;
        let grant = match environment.get("SF_GRANT").unwrap_or("password") {
            "password" | "" => Grant::Password,
            "client_credentials" => Grant::ClientCredentials,
            "jwt_bearer" => Grant::JwtBearer,
            _ => {
                return Err(ConfigError::Wrong {
                    name: "SF_GRANT",
                    problem: "is none of password, client_credentials, jwt_bearer".into(),
                });
            }
        };
        let username = match grant {
            Grant::Password | Grant::JwtBearer => environment.required("SF_USERNAME")?.to_owned(),
            Grant::ClientCredentials => String::new(),
        };
        let mut org = OrgSettings::new(host);
        version.clone_into(&mut org.api_version);
        // A contact flow waits 8 s at most, and the platform's default limit of a function is 6 s.
        org.timeout = Duration::from_secs(6);
        org.namespace = environment
            .get("SF_ADAPTER_NAMESPACE")
            .filter(|namespace| !matches!(*namespace, "" | "-"))
            .map(str::to_owned);
        org.login_url = match environment.get("SF_LOGIN_URL").filter(|url| !url.is_empty()) {
            Some(url) => Some(address("SF_LOGIN_URL", url)?),
            None if environment.is_true("SF_PRODUCTION") => {
                Some(address("SF_PRODUCTION", "https://login.salesforce.com")?)
            }
            None => None,
        };
        Ok(Self { secret_id, org, grant, username })
    }
}

/// `TIELINE_DEADLINE_MS` and `TIELINE_DEFAULT_ANSWER`: how long a dip may take, and what a read answers
/// when the CRM does not.
pub(crate) fn dip_settings(environment: &Environment) -> Result<DipSettings, ConfigError> {
    let wrong = |name, problem: &str| ConfigError::Wrong { name, problem: problem.to_owned() };
    let mut settings = DipSettings::default();
    if let Some(text) = environment.get("TIELINE_DEADLINE_MS").filter(|text| !text.is_empty()) {
        let millis = text.trim().parse().ok().filter(|millis| (1..=60_000).contains(millis));
        settings.deadline = millis
            .map(Duration::from_millis)
            .ok_or_else(|| wrong("TIELINE_DEADLINE_MS", "is no number of milliseconds from 1 to 60000"))?;
    }
    if let Some(text) = environment.get("TIELINE_DEFAULT_ANSWER").filter(|text| !text.is_empty()) {
        let answer = serde_json::from_str(text);
        settings.default_answer =
            Some(answer.map_err(|_| wrong("TIELINE_DEFAULT_ANSWER", "is no JSON object"))?);
    }
    Ok(settings)
}

fn address(name: &'static str, text: &str) -> Result<Url, ConfigError> {
    Url::parse(text).map_err(|error| ConfigError::Wrong { name, problem: format!("is no address: {error}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(changes: &[(&str, Option<&str>)]) -> Result<SalesforceSettings, ConfigError> {
        let mut variables = BTreeMap::from([
            ("SF_CREDENTIALS_SECRETS_MANAGER_ARN", "arn"),
            ("SF_VERSION", "v62.0"),
            ("SF_HOST", "https://acme.my.salesforce.com"),
            ("SF_USERNAME", "api@example.com"),
            ("SF_PRODUCTION", "false"),
            ("SF_ADAPTER_NAMESPACE", "amazonconnect"),
        ]);
        for (name, value) in changes {
            match value {
                Some(value) => variables.insert(name, value),
                None => variables.remove(name),
            };
        }
        SalesforceSettings::read(&variables.into_iter().collect())
    }

    #[test]
    fn production_asks_for_tokens_at_the_login_host() {
        let login = |value| read(&[("SF_PRODUCTION", value)]).unwrap().org.login_url.map(String::from);
        assert_eq!(login(Some("True")).as_deref(), Some("https://login.salesforce.com/"));
        assert_eq!(login(Some("false")), None);
        assert_eq!(login(None), None);
    }

    #[test]
    fn a_dash_or_nothing_is_no_namespace() {
        let namespace = |value| read(&[("SF_ADAPTER_NAMESPACE", value)]).unwrap().org.namespace;
        assert_eq!(namespace(Some("amazonconnect")).as_deref(), Some("amazonconnect"));
        for none in [Some("-"), Some(""), None] {
            assert_eq!(namespace(none), None);
        }
    }

    #[test]
    fn a_dip_s_deadline_and_default_answer_are_read_or_named() {
        let read = |name: &'static str, value: &'static str| {
            dip_settings(&[(name, value)].into_iter().collect::<Environment>())
        };
        assert_eq!(read("TIELINE_DEADLINE_MS", "").unwrap().deadline, Duration::from_secs(6));
        assert_eq!(read("TIELINE_DEADLINE_MS", "2500").unwrap().deadline, Duration::from_millis(2_500));
        let answer = read("TIELINE_DEFAULT_ANSWER", r#"{"sf_count":"0"}"#).unwrap().default_answer;
        assert_eq!(answer.unwrap()["sf_count"], "0");
        for (name, value) in [
            ("TIELINE_DEADLINE_MS", "soon"),
            ("TIELINE_DEADLINE_MS", "0"),
            ("TIELINE_DEFAULT_ANSWER", "[]"),
            ("TIELINE_DEFAULT_ANSWER", "nobody"),
        ] {
            let ConfigError::Wrong { name: named, .. } = read(name, value).unwrap_err() else { panic!() };
            assert_eq!(named, name);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for name in ["SF_CREDENTIALS_SECRETS_MANAGER_ARN", "SF_VERSION", "SF_HOST", "SF_USERNAME"] {
            assert_eq!(read(&[(name, None)]).unwrap_err(), ConfigError::Missing(name));
        }
        assert!(read(&[("SF_USERNAME", None), ("SF_GRANT", Some("client_credentials"))]).is_ok());
        assert!(matches!(
            read(&[("SF_HOST", Some("acme"))]),
            Err(ConfigError::Wrong { name: "SF_HOST", .. })
        ));
        assert!(matches!(read(&[("SF_GRANT", Some("x"))]), Err(ConfigError::Wrong { name: "SF_GRANT", .. })));
    }
}
