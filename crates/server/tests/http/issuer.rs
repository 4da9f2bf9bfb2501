//! A stand-in identity provider that signs with ES256 and lies on request.

use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tieline_core::Clock;
use tokio::net::TcpListener;

/// What the next sign-in ends with.
#[derive(Debug, Clone)]
pub struct Behaviour {
    pub subject: String,
    pub claims: Value,
    pub user_info: Value,
    /// Overrides of what the token should say.
    pub issuer: Option<String>,
    pub audience: Option<String>,
    pub nonce: Option<String>,
    pub lifetime_secs: i64,
    /// Answers the token request with this OAuth error.
    pub refuse: Option<String>,
    /// Signs with a key nobody published.
    pub foreign_key: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            subject: "http://crm.localhost/id/00D000000000001AAA/005000000000001AAA".into(),
            claims: json!({
                "name": "Nora Quist", "email": "nora.quist@example.com",
                "preferred_username": "nora.quist@example.com", "user_id": "005000000000001AAA",
            }),
            user_info: json!({}),
            issuer: None,
            audience: None,
            nonce: None,
            lifetime_secs: 300,
            refuse: None,
            foreign_key: false,
        }
    }
}

struct Inner {
    origin: String,
    clock: Arc<dyn Clock>,
    key: rcgen::KeyPair,
    behaviour: Mutex<Behaviour>,
    /// Of the authorization that was asked for last.
    asked: Mutex<Option<(String, String)>>,
    token_requests: Mutex<Vec<Value>>,
}

#[derive(Clone)]
pub struct Issuer {
    pub origin: String,
    inner: Arc<Inner>,
}

impl Issuer {
    pub async fn start(clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://crm.localhost:{}", listener.local_addr().unwrap().port());
        let inner = Arc::new(Inner {
            origin: origin.clone(),
            clock,
            key: rcgen::KeyPair::generate().unwrap(),
            behaviour: Mutex::default(),
            asked: Mutex::default(),
            token_requests: Mutex::default(),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/jwks", get(jwks))
            .route("/token", post(token))
            .route("/userinfo", get(user_info))
            .with_state(Arc::clone(&inner));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { origin, inner }
    }

    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.inner.behaviour.lock().unwrap());
    }

    /// What the person's browser does at the provider: takes the address it was sent to and
    /// comes back with the state and a code.
    pub fn agree(&self, authorization: &str) -> String {
        let url = url::Url::parse(authorization).unwrap();
        let query = |name: &str| {
            url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned()).unwrap()
        };
        assert_eq!(query("response_type"), "code");
        assert_eq!(query("client_id"), "tieline-panel");
        assert_eq!(query("code_challenge_method"), "S256");
        assert!(query("scope").split(' ').any(|scope| scope == "openid"));
        *self.inner.asked.lock().unwrap() = Some((query("nonce"), query("code_challenge")));
        format!("/auth/callback?code=the-code&state={}", query("state"))
    }

    /// The forms that came to the token address.
    pub fn token_requests(&self) -> Vec<Value> {
        self.inner.token_requests.lock().unwrap().clone()
    }
}

async fn discovery(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", inner.origin);
    Json(json!({
        "issuer": inner.origin,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
    }))
}

async fn jwks(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let point = inner.key.public_key_raw();
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let (x, y) = (part(&point[1..33]), part(&point[33..65]));
    Json(
        json!({ "keys": [{ "kty": "EC", "use": "sig", "crv": "P-256", "kid": "k1", "alg": "ES256", "x": x, "y": y }] }),
    )
}

async fn token(State(inner): State<Arc<Inner>>, Form(form): Form<Value>) -> Response {
    inner.token_requests.lock().unwrap().push(form.clone());
    let behaviour = inner.behaviour.lock().unwrap().clone();
    if let Some(error) = behaviour.refuse {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    }
    if form["grant_type"] == "refresh_token" {
        let answer = json!({ "access_token": "fresh-token", "token_type": "Bearer" });
        return Json(answer).into_response();
    }
    let Some((nonce, challenge)) = inner.asked.lock().unwrap().clone() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let verifier = form["code_verifier"].as_str().unwrap_or_default();
    if BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier)) != challenge {
        return (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" }))).into_response();
    }
    let now = inner.clock.now().as_second();
    let mut claims = behaviour.claims;
    let standard = json!({
        "iss": behaviour.issuer.unwrap_or_else(|| inner.origin.clone()),
        "aud": behaviour.audience.unwrap_or_else(|| "tieline-panel".into()),
        "sub": behaviour.subject, "nonce": behaviour.nonce.unwrap_or(nonce),
        "iat": now, "exp": now + behaviour.lifetime_secs,
    });
    claims.as_object_mut().unwrap().extend(standard.as_object().unwrap().clone());
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("k1".into());
    let key = if behaviour.foreign_key { &rcgen::KeyPair::generate().unwrap() } else { &inner.key };
    let key = EncodingKey::from_ec_pem(key.serialize_pem().as_bytes()).unwrap();
    let id_token = jsonwebtoken::encode(&header, &claims, &key).unwrap();
    Json(json!({
        "access_token": "agents-own-token", "refresh_token": "agents-refresh", "token_type": "Bearer",
        "id_token": id_token,
    }))
    .into_response()
}

async fn user_info(State(inner): State<Arc<Inner>>) -> Json<Value> {
    let behaviour = inner.behaviour.lock().unwrap().clone();
    let mut info = behaviour.user_info;
    info["sub"] = json!(behaviour.subject);
    Json(info)
}
