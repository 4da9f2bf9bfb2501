//! HTTP to one org: addresses, time limits, tokens on every call, statuses to failures.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, StatusCode, redirect};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tieline_core::{Allowance, Clock, Governor, Purpose};
use url::Url;

use crate::auth::{CredentialSource, Login, Token, Tokens};
use crate::config::{OrgSettings, SettingsError};
use crate::describe::Describes;
use crate::failure::Failure;
use crate::resolve::{Resolver, is_this_machine};

/// The largest answer read, after decompression. A page of 2,000 rows is far below it.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// Everything but RFC 3986's unreserved characters.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One org, one HTTP client, one token. Cheap to clone; clones share all of it.
#[derive(Clone)]
pub(crate) struct Client {
    org: Arc<Org>,
    /// An agent's own token, used instead of the shared one and never renewed.
    own: Option<Token>,
    /// What its calls are for.
    purpose: Purpose,
    /// Longest wait for one exchange, where it is not the org's.
    patience: Option<Duration>,
}

struct Org {
    http: reqwest::Client,
    base: Url,
    data_path: String,
    /// Of the API, as configured; the highest where it is no number.
    version: u16,
    token_url: Url,
    audience: String,
    tokens: Tokens,
    governor: Governor,
    describes: Describes,
    clock: Arc<dyn Clock>,
}

/// What is asked of the org.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    method: Method,
    path: Result<String, Failure>,
    /// The first version of the API that has this.
    since: u16,
    query: Vec<(&'a str, &'a str)>,
    body: Option<Vec<u8>>,
}

impl<'a> Call<'a> {
    /// A path below `/services/data/<version>`; each segment is escaped by itself.
    pub fn new(method: Method, segments: &[&str]) -> Self {
        Self { method, path: join(segments), since: 0, query: Vec::new(), body: None }
    }

    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// Asked for in this version when the configured one is older. Every org serves all versions
    /// from 31 on, and a newer one than configured changes nothing for calls the older one lacks.
    pub fn since(mut self, version: u16) -> Self {
        self.since = version;
        self
    }

    pub fn query(mut self, name: &'a str, value: &'a str) -> Self {
        self.query.push((name, value));
        self
    }

    pub fn json(mut self, body: &impl Serialize) -> Self {
        self.body = Some(serde_json::to_vec(body).expect("maps with text keys can be written"));
        self
    }
}

/// `a/b?c` is one segment, and a dot segment none at all: the address would climb.
fn join(segments: &[&str]) -> Result<String, Failure> {
    let mut path = String::new();
    for segment in segments {
        if matches!(*segment, "" | "." | "..") {
            return Err(Failure::refused_by_us(
                "UNSAFE_PATH",
                "a name or id in the address is empty or dots",
            ));
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    Ok(path)
}

impl Client {
    pub fn new(
        settings: &OrgSettings,
        source: Arc<dyn CredentialSource>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SettingsError> {
        settings.check()?;
        let base = settings.instance_url.clone();
        let login = settings.login_url.as_ref().unwrap_or(&base);
        let token_url = login
            .join("/services/oauth2/token")
            .map_err(|_| SettingsError::Address { field: "login_url" })?;
        Ok(Self {
            org: Arc::new(Org {
                http: http_client(&base, settings.timeout)?,
                data_path: format!("/services/data/{}", settings.api_version),
                version: version(&settings.api_version),
                audience: audience(settings),
                token_url,
                base,
                tokens: Tokens::new(source, Arc::clone(&clock)),
                governor: Governor::default(),
                describes: Describes::default(),
                clock,
            }),
            own: None,
            purpose: Purpose::Dip,
            patience: None,
        })
    }

    pub fn for_purpose(&self, purpose: Purpose) -> Self {
        Self { purpose, ..self.clone() }
    }

    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self.clone() }
    }

    pub fn with_token(&self, token: &SecretString) -> Result<Self, Failure> {
        Ok(Self { own: Some(Token::new(token, 0)?), ..self.clone() })
    }

    pub fn governor(&self) -> &Governor {
        &self.org.governor
    }

    pub fn describes(&self) -> &Describes {
        &self.org.describes
    }

    pub fn clock(&self) -> &dyn Clock {
        &*self.org.clock
    }

    /// Where something is in the org, as the parts of a composite call name it.
    pub fn address_of(&self, segments: &[&str], query: &[(&str, &str)]) -> Result<String, Failure> {
        let mut url = self.org.base.clone();
        url.set_path(&format!("{}{}", self.org.data_path, join(segments)?));
        url.query_pairs_mut().extend_pairs(query);
        Ok(format!("{}?{}", url.path(), url.query().unwrap_or_default()))
    }

    pub async fn call<T: DeserializeOwned>(&self, call: Call<'_>) -> Result<T, Failure> {
        let (status, body) = self.bytes(call).await?;
        serde_json::from_slice(&body).map_err(|error| Failure::malformed(status.as_u16(), error))
    }

    /// Sends and reads no answer but its status: a success, since anything else is a failure.
    pub async fn status(&self, call: Call<'_>) -> Result<u16, Failure> {
        Ok(self.bytes(call).await?.0.as_u16())
    }

    /// Follows an address the org gave us for the next page. Only its path is used: an answer
    /// must not send our token to another host.
    pub async fn next_page<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        if !path.starts_with("/services/data/") || path.contains("..") {
            return Err(Failure::refused_by_us(
                "UNSAFE_PATH",
                "the org's address of the next page is not its own",
            ));
        }
        let url = self.org.base.join(path).map_err(|_| {
            Failure::refused_by_us("UNSAFE_PATH", "the org's address of the next page is no address")
        })?;
        let (status, body) = self.send(&Method::GET, &url, None).await?;
        serde_json::from_slice(&body).map_err(|error| Failure::malformed(status.as_u16(), error))
    }

    /// The answer as it came; an update may have none.
    pub async fn bytes(&self, call: Call<'_>) -> Result<(StatusCode, Vec<u8>), Failure> {
        let mut url = self.org.base.clone();
        let data_path = if self.org.version < call.since {
            format!("/services/data/v{}.0", call.since)
        } else {
            self.org.data_path.clone()
        };
        url.set_path(&format!("{data_path}{}", call.path?));
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        self.send(&call.method, &url, call.body.as_deref()).await
    }

    /// Sends with the token; a refused token is renewed once, and the call made once more.
    async fn send(
        &self,
        method: &Method,
        url: &Url,
        body: Option<&[u8]>,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let login = self.org.login();
        let token = match &self.own {
            Some(token) => token.clone(),
            None => self.org.tokens.get(&login).await?,
        };
        let (status, headers, answer) = self.spend(self.request(method, url, body, &token)).await?;
        if status != StatusCode::UNAUTHORIZED {
            return finish(status, &headers, answer);
        }
        if self.own.is_some() {
            return Err(Failure::SessionRefused);
        }
        let token = self.org.tokens.renew(token.generation, &login).await?;
        let (status, headers, answer) = self.spend(self.request(method, url, body, &token)).await?;
        if status == StatusCode::UNAUTHORIZED {
            return Err(Failure::SessionRefused);
        }
        finish(status, &headers, answer)
    }

    fn request(&self, method: &Method, url: &Url, body: Option<&[u8]>, token: &Token) -> RequestBuilder {
        let request = self
            .org
            .http
            .request(method.clone(), url.clone())
            .header(reqwest::header::AUTHORIZATION, token.header.clone())
            .header(reqwest::header::CONTENT_TYPE, "application/json");
        let request = match self.patience {
            Some(patience) => request.timeout(patience),
            None => request,
        };
        match body {
            Some(body) => request.body(body.to_vec()),
            None => request,
        }
    }

    /// One of the org's daily calls, where what is left of them may be spent on this.
    async fn spend(&self, request: RequestBuilder) -> Result<(StatusCode, HeaderMap, Vec<u8>), Failure> {
        let Org { governor, clock, .. } = &*self.org;
        let now = clock.now();
        governor
            .ask(self.purpose, now)
            .map_err(|until| Failure::kept_for_others(until.duration_since(now)))?;
        governor.spent(self.purpose, now);
        let answer = exchange(request).await?;
        let said = answer.1.get("sforce-limit-info").and_then(|value| value.to_str().ok()).and_then(usage);
        if let Some(said) = said {
            governor.heard(said, clock.now());
        }
        Ok(answer)
    }
}

/// 62 of `v62.0`.
fn version(text: &str) -> u16 {
    let number = text.trim_start_matches('v').split('.').next().unwrap_or_default();
    number.parse().unwrap_or(u16::MAX)
}

impl Org {
    fn login(&self) -> Login<'_> {
        Login { http: &self.http, token_url: &self.token_url, audience: &self.audience }
    }
}

fn finish(status: StatusCode, headers: &HeaderMap, body: Vec<u8>) -> Result<(StatusCode, Vec<u8>), Failure> {
    if status.is_success() {
        return Ok((status, body));
    }
    let retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    Err(Failure::from_answer(status, retry_after, &body))
}

/// `api-usage=18/5000; per-app-api-usage=17/250(appName=…)`.
fn usage(text: &str) -> Option<Allowance> {
    let pair = text.split([';', ',']).find_map(|part| part.trim().strip_prefix("api-usage="))?;
    let (used, limit) = pair.split_once('/')?;
    Some(Allowance { used: used.trim().parse().ok()?, allowed: limit.trim().parse().ok()? })
}

/// Who the JWT bearer flow's token is for: the login host, not the org.
fn audience(settings: &OrgSettings) -> String {
    match &settings.login_url {
        Some(login) => login.as_str().trim_end_matches('/').to_owned(),
        None if settings.instance_url.host_str().is_some_and(|host| host.contains(".sandbox.")) => {
            "https://test.salesforce.com".into()
        }
        None => "https://login.salesforce.com".into(),
    }
}

fn http_client(base: &Url, timeout: Duration) -> Result<reqwest::Client, SettingsError> {
    // The tree holds one TLS provider; whoever comes first installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("tieline/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(Arc::new(Resolver))
        // An answer must not send our token elsewhere.
        .redirect(redirect::Policy::none())
        .connect_timeout(timeout.min(Duration::from_secs(5)))
        // Covers the whole exchange, so that an answer that drips in is cut as well.
        .timeout(timeout)
        .pool_idle_timeout(Duration::from_secs(55))
        .tcp_nodelay(true);
    if base.host_str().is_some_and(is_this_machine) {
        builder = builder.no_proxy();
    }
    Ok(builder.build()?)
}

/// One exchange, its answer read to the end, up to a limit.
pub(crate) async fn exchange(request: RequestBuilder) -> Result<(StatusCode, HeaderMap, Vec<u8>), Failure> {
    // The address may hold a query with a caller's data; it is not for the log.
    let unreachable = |error: reqwest::Error| Failure::Unreachable(Arc::new(error.without_url()));
    let mut response = request.send().await.map_err(unreachable)?;
    let status = response.status();
    let headers = std::mem::take(response.headers_mut());
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Failure::too_large(status.as_u16(), MAX_ANSWER));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((status, headers, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_cannot_leave_its_place_in_the_path() {
        assert_eq!(
            join(&["sobjects", "Case", "50 01/x?y=1#z%2e"]).unwrap(),
            "/sobjects/Case/50%2001%2Fx%3Fy%3D1%23z%252e"
        );
        assert_eq!(join(&["sobjects", "Zoë"]).unwrap(), "/sobjects/Zo%C3%AB");
        for bad in ["", ".", ".."] {
            assert!(join(&["sobjects", bad]).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn the_allowance_is_read_from_the_header() {
        assert_eq!(usage("api-usage=18/5000"), Some(Allowance { used: 18, allowed: 5000 }));
        assert_eq!(
            usage("api-usage=25/5000; per-app-api-usage=17/250(appName=x)"),
            Some(Allowance { used: 25, allowed: 5000 })
        );
        assert_eq!(usage("per-app-api-usage=17/250"), None);
        assert_eq!(usage("api-usage=x/y"), None);
    }

    #[test]
    fn a_jwt_is_addressed_to_the_login_host() {
        let mut settings = OrgSettings::new(Url::parse("https://acme.my.salesforce.com").unwrap());
        assert_eq!(audience(&settings), "https://login.salesforce.com");
        settings.instance_url = Url::parse("https://acme--dev.sandbox.my.salesforce.com").unwrap();
        assert_eq!(audience(&settings), "https://test.salesforce.com");
        settings.login_url = Some(Url::parse("http://crm.localhost:8431").unwrap());
        assert_eq!(audience(&settings), "http://crm.localhost:8431");
    }
}
