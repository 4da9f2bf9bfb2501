//! What a relying party reads: discovery, keys, id tokens, user info, identity.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{Client, keys};
use crate::salesforce::ids::ORGANIZATION;
use crate::salesforce::org::{Caller, State, User};

pub(crate) fn discovery(issuer: &str) -> Value {
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/services/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/services/oauth2/token"),
        "revocation_endpoint": format!("{issuer}/services/oauth2/revoke"),
        "userinfo_endpoint": format!("{issuer}/services/oauth2/userinfo"),
        "jwks_uri": format!("{issuer}/id/keys"),
        "scopes_supported": ["openid", "profile", "email", "api", "refresh_token", "offline_access"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", "password", "client_credentials",
            "urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "display_values_supported": ["page"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": ["iss", "sub", "aud", "iat", "exp", "nonce", "at_hash", "auth_time", "email",
            "email_verified", "preferred_username", "name", "given_name", "family_name", "user_id",
            "organization_id"],
    })
}

pub(crate) fn jwks() -> Value {
    let (n, e) = keys::signing_public();
    json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keys::KEY_ID, "n": n, "e": e}]})
}

/// Names a user to the whole world: what `sub` and `id` hold.
pub(super) fn identity_url(host: &str, user: &str) -> String {
    format!("{host}/id/{ORGANIZATION}/{user}")
}

pub(super) fn id_token(
    state: &State,
    caller: &Caller,
    client: Client,
    user: &str,
    nonce: Option<&str>,
    access: &str,
) -> String {
    let mut claims = state.user(user).map(|user| claims(&user, &caller.issuer)).unwrap_or_default();
    let now = caller.now.as_second();
    // The left half of the hash of the access token (OpenID Connect Core 1.0 §3.1.3.6).
    let hash = Sha256::digest(access.as_bytes());
    claims.insert("iss".into(), caller.issuer.clone().into());
    claims.insert("aud".into(), client.id.into());
    claims.insert("iat".into(), now.into());
    claims.insert("auth_time".into(), now.into());
    // (Salesforce Help, "OpenID Connect Token": two minutes.)
    claims.insert("exp".into(), (now + 120).into());
    claims.insert("at_hash".into(), URL_SAFE_NO_PAD.encode(&hash[..16]).into());
    if let Some(nonce) = nonce {
        claims.insert("nonce".into(), nonce.into());
    }
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(keys::KEY_ID.to_owned());
    jsonwebtoken::encode(&header, &claims, &keys::signing_key()).expect("claims are plain JSON")
}

fn claims(user: &User, issuer: &str) -> Map<String, Value> {
    let value = json!({
        "sub": identity_url(issuer, &user.id),
        "user_id": user.id,
        "organization_id": ORGANIZATION,
        "preferred_username": user.username,
        "nickname": user.username.split('@').next(),
        "name": user.name,
        "given_name": user.first,
        "family_name": user.last,
        "email": user.email,
        "email_verified": true,
        "zoneinfo": "GMT",
        "locale": "en_US",
        "active": true,
        "user_type": "STANDARD",
    });
    if let Value::Object(map) = value { map } else { Map::new() }
}

pub(crate) fn user_info(user: &User, issuer: &str, host: &str) -> Value {
    let mut claims = claims(user, issuer);
    claims.insert("urls".into(), urls(host));
    Value::Object(claims)
}

/// The identity service: what the `id` of a token answer leads to.
pub(crate) fn identity(user: &User, host: &str) -> Value {
    json!({
        "id": identity_url(host, &user.id),
        "asserted_user": true,
        "user_id": user.id,
        "organization_id": ORGANIZATION,
        "username": user.username,
        "nick_name": user.username.split('@').next(),
        "display_name": user.name,
        "email": user.email,
        "email_verified": true,
        "first_name": user.first,
        "last_name": user.last,
        "timezone": "GMT",
        "active": true,
        "user_type": "STANDARD",
        "language": "en_US",
        "locale": "en_US",
        "utcOffset": 0,
        "is_lightning_login_user": false,
        "urls": urls(host),
    })
}

fn urls(host: &str) -> Value {
    json!({
        "rest": format!("{host}/services/data/v{{version}}/"),
        "sobjects": format!("{host}/services/data/v{{version}}/sobjects/"),
        "search": format!("{host}/services/data/v{{version}}/search/"),
        "query": format!("{host}/services/data/v{{version}}/query/"),
    })
}
