//! `/services/oauth2/token` and `/services/oauth2/revoke`.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::sessions::Refresh;
use super::{Client, INTEGRATION_USER, client, keys, oidc};
use crate::salesforce::org::{Caller, State};
use crate::salesforce::seed::{PASSWORD, SECURITY_TOKEN};

/// An error of the token endpoint: `error` and `error_description`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub &'static str, pub &'static str);

impl Refused {
    pub fn json(&self) -> Value {
        json!({"error": self.0, "error_description": self.1})
    }
}

/// Members of a form, decoded.
pub(crate) type Form = Vec<(String, String)>;

pub(crate) fn member<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// Answers a token request. `basic`: client id and secret of an `Authorization: Basic` header.
pub(crate) fn token(
    state: &mut State,
    caller: &Caller,
    form: &Form,
    basic: Option<&(String, String)>,
) -> Result<Value, Refused> {
    let needed = |name: &str| member(form, name).ok_or(Refused("invalid_request", "a parameter is missing"));
    match needed("grant_type")? {
        "password" => {
            let client = authenticated(form, basic)?;
            let user = with_password(state, needed("username")?, needed("password")?)?;
            Ok(granted(state, caller, client, &user, &words("api refresh_token"), false))
        }
        "client_credentials" => {
            let client = authenticated(form, basic)?;
            let user = state.user_by_name(INTEGRATION_USER).ok_or(NO_USER)?;
            Ok(granted(state, caller, client, &user, &words("api"), false))
        }
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => {
            let (client, user) = asserted(state, caller, needed("assertion")?)?;
            Ok(granted(state, caller, client, &user, &words("api"), false))
        }
        "refresh_token" => {
            let token = needed("refresh_token")?;
            let refresh = state.sessions.refresh(token).cloned();
            let refresh = refresh.ok_or(Refused("invalid_grant", "expired access/refresh token"))?;
            let client = identified(form, basic)?;
            if client != refresh.client {
                return Err(Refused("invalid_grant", "token was given to another client"));
            }
            Ok(granted(state, caller, client, &refresh.user, &refresh.scopes, false))
        }
        "authorization_code" => with_code(state, caller, form, basic),
        _ => Err(Refused("unsupported_grant_type", "grant type not supported")),
    }
}

const NO_USER: Refused = Refused("invalid_grant", "user hasn't approved this consumer");

fn with_code(
    state: &mut State,
    caller: &Caller,
    form: &Form,
    basic: Option<&(String, String)>,
) -> Result<Value, Refused> {
    let text = member(form, "code").ok_or(Refused("invalid_request", "code is missing"))?;
    let code = state.sessions.take_code(text, caller.now);
    let code = code.ok_or(Refused("invalid_grant", "expired authorization code"))?;
    let client = identified(form, basic)?;
    if client != code.client {
        return Err(Refused("invalid_grant", "code was given to another client"));
    }
    if member(form, "redirect_uri") != Some(code.redirect.as_str()) {
        return Err(Refused("redirect_uri_mismatch", "redirect_uri must match configuration"));
    }
    match (&code.challenge, member(form, "code_verifier")) {
        (Some(challenge), Some(verifier)) => {
            let hashed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            if !same(&hashed, challenge) {
                return Err(Refused("invalid_grant", "invalid code verifier"));
            }
        }
        (Some(_), None) => return Err(Refused("invalid_grant", "missing code verifier")),
        // Without a proof of possession the secret must vouch for the client.
        (None, _) => {
            authenticated(form, basic)?;
        }
    }
    let mut answer = granted(state, caller, client, &code.user, &code.scopes, true);
    if code.scopes.iter().any(|scope| scope == "openid")
        && let Some(map) = answer.as_object_mut()
    {
        let access = map.get("access_token").and_then(Value::as_str).unwrap_or_default().to_owned();
        let token = oidc::id_token(state, caller, client, &code.user, code.nonce.as_deref(), &access);
        map.insert("id_token".into(), token.into());
    }
    Ok(answer)
}

/// (Salesforce Help, "OAuth 2.0 Username-Password Flow": the security token follows the password.)
pub(super) fn with_password(state: &State, username: &str, password: &str) -> Result<String, Refused> {
    let wrong = Refused("invalid_grant", "authentication failure");
    let with_token = format!("{PASSWORD}{SECURITY_TOKEN}");
    // Trusted networks need no token; loopback is as trusted as it gets.
    if !same(password, PASSWORD) && !same(password, &with_token) {
        return Err(wrong);
    }
    state.user_by_name(username).ok_or(wrong)
}

#[derive(Debug, Deserialize)]
struct Assertion {
    iss: String,
    sub: String,
    exp: i64,
}

/// (Salesforce Help, "OAuth 2.0 JWT Bearer Flow": RS256; `iss` client, `sub` user name, `aud` the
/// log-in server, `exp` within three minutes.)
fn asserted(state: &State, caller: &Caller, assertion: &str) -> Result<(Client, String), Refused> {
    let mut validation = Validation::new(Algorithm::RS256);
    // Time is the sandbox's, so it is compared below.
    validation.validate_exp = false;
    validation.set_audience(&[
        caller.host.as_str(),
        caller.issuer.as_str(),
        "https://login.salesforce.com",
        "https://test.salesforce.com",
    ]);
    let decoded = jsonwebtoken::decode::<Assertion>(assertion, &keys::bearer_public(), &validation);
    let claims = match decoded {
        Ok(decoded) => decoded.claims,
        Err(error) => {
            return Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::InvalidAudience => {
                    Refused("invalid_grant", "audience is invalid")
                }
                _ => Refused("invalid_grant", "invalid assertion"),
            });
        }
    };
    if claims.exp <= caller.now.as_second() {
        return Err(Refused("invalid_grant", "assertion has expired"));
    }
    let client = client(&claims.iss).ok_or(Refused("invalid_client_id", "client identifier invalid"))?;
    let user = state.user_by_name(&claims.sub).ok_or(NO_USER)?;
    Ok((client, user))
}

/// The client, by id and secret.
fn authenticated(form: &Form, basic: Option<&(String, String)>) -> Result<Client, Refused> {
    let client = identified(form, basic)?;
    let secret = basic.map(|(_, secret)| secret.as_str()).or_else(|| member(form, "client_secret"));
    if secret.is_some_and(|secret| same(secret, client.secret)) {
        Ok(client)
    } else {
        Err(Refused("invalid_client", "invalid client credentials"))
    }
}

/// The client by its id; a secret that is given must still be right.
fn identified(form: &Form, basic: Option<&(String, String)>) -> Result<Client, Refused> {
    let id = basic.map(|(id, _)| id.as_str()).or_else(|| member(form, "client_id"));
    let known = id.and_then(client).ok_or(Refused("invalid_client_id", "client identifier invalid"))?;
    let secret = basic.map(|(_, secret)| secret.as_str()).or_else(|| member(form, "client_secret"));
    if secret.is_some_and(|secret| !same(secret, known.secret)) {
        return Err(Refused("invalid_client", "invalid client credentials"));
    }
    Ok(known)
}

/// The answer with a new access token; `refresh`: with a refresh token where the scopes have one.
fn granted(
    state: &mut State,
    caller: &Caller,
    client: Client,
    user: &str,
    scopes: &[String],
    refresh: bool,
) -> Value {
    let access = state.sessions.open(user, scopes, caller.now);
    let id = oidc::identity_url(&caller.host, user);
    let issued = caller.now.as_millisecond().to_string();
    let mut map = Map::new();
    map.insert("access_token".into(), access.into());
    if refresh && scopes.iter().any(|scope| scope == "refresh_token" || scope == "offline_access") {
        let kept = Refresh { user: user.to_owned(), client, scopes: scopes.to_vec() };
        map.insert("refresh_token".into(), state.sessions.keep_refresh(kept).into());
    }
    map.insert("signature".into(), signature(client, &format!("{id}{issued}")).into());
    map.insert("scope".into(), scopes.join(" ").into());
    map.insert("instance_url".into(), caller.host.clone().into());
    map.insert("id".into(), id.into());
    map.insert("token_type".into(), "Bearer".into());
    map.insert("issued_at".into(), issued.into());
    Value::Object(map)
}

/// HMAC-SHA256 with the client's secret over identity and time, in base64.
fn signature(client: Client, text: &str) -> String {
    let key = EncodingKey::from_secret(client.secret.as_bytes());
    let signed = jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::HS256).unwrap_or_default();
    URL_SAFE_NO_PAD.decode(signed).map(|bytes| STANDARD.encode(bytes)).unwrap_or_default()
}

pub(crate) fn revoke(state: &mut State, form: &Form) -> Result<(), Refused> {
    let token = member(form, "token").ok_or(Refused("invalid_request", "token is missing"))?;
    if state.sessions.revoke(token) {
        Ok(())
    } else {
        Err(Refused("invalid_token", "invalid token: the token is not known"))
    }
}

pub(super) fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn same(left: &str, right: &str) -> bool {
    left.as_bytes().ct_eq(right.as_bytes()).into()
}
