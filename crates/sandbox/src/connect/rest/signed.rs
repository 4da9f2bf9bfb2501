//! Whether a request looks signed: Signature Version 4 in its `Authorization` header.
//!
//! The signature's parts are checked, its value is not: the sandbox knows no secret key.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};

use super::Exception;

pub async fn check(request: Request, next: Next) -> Response {
    match look(request.headers(), "connect") {
        Ok(()) => next.run(request).await,
        Err(exception) => exception.into_response(),
    }
}

/// # Errors
///
/// The exception AWS answers with when a part is missing.
pub fn look(headers: &HeaderMap, service: &str) -> Result<(), Exception> {
    let forbidden =
        |code, message: &str| Exception { status: StatusCode::FORBIDDEN, code, message: message.to_owned() };
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(authorization) = text("authorization") else {
        return Err(forbidden("MissingAuthenticationTokenException", "Missing Authentication Token"));
    };
    let incomplete = |what: &str| {
        forbidden("IncompleteSignatureException", &format!("Authorization header requires {what}."))
    };
    let parts = authorization
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or_else(|| incomplete("the algorithm AWS4-HMAC-SHA256"))?;
    let part = |name: &str| {
        parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let credential = part("Credential").ok_or_else(|| incomplete("'Credential' parameter"))?;
    let signed = part("SignedHeaders").ok_or_else(|| incomplete("'SignedHeaders' parameter"))?;
    let signature = part("Signature").ok_or_else(|| incomplete("'Signature' parameter"))?;
    if text("x-amz-date").is_none() || !signed.split(';').any(|name| name == "host") {
        return Err(incomplete("existence of either a 'X-Amz-Date' or a 'Date' header"));
    }
    if signature.len() != 64 || !signature.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(incomplete("a 'Signature' of 64 digits"));
    }
    let scope: Vec<&str> = credential.split('/').collect();
    let [key, date, region, of, "aws4_request"] = scope[..] else {
        return Err(incomplete("a 'Credential' with a scope"));
    };
    if key.is_empty() || date.len() != 8 || region.is_empty() {
        return Err(incomplete("a 'Credential' with a scope"));
    }
    if of != service {
        return Err(forbidden(
            "InvalidSignatureException",
            &format!("Credential should be scoped to correct service: '{service}'."),
        ));
    }
    Ok(())
}
