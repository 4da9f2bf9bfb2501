//! Who may call: keys of machines, sessions of agents, and the origin of pages.

use http::{HeaderMap, Method, header};
use tieline_core::WorkspaceName;
use tieline_engine::config::{ApiKey, Denied, WorkspaceConfig};
use tieline_engine::sign_in::SignedIn;

use crate::state::AppState;
use crate::{Code, Problem};

/// Says that a request was made by the panel's script: another site's page cannot send this
/// header without a preflight, which we never grant.
pub const PANEL_HEADER: &str = "x-tieline-panel";

/// The bearer key of a request.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim()).filter(|key| !key.is_empty())
}

/// Finds the workspace of an address and a key of it.
///
/// An unknown workspace and a foreign key get the same answer, after the same work, so that
/// nobody can ask which workspaces there are.
pub fn keyed<'a>(
    state: &'a AppState,
    workspace: &str,
    headers: &HeaderMap,
) -> Result<(WorkspaceName, &'a WorkspaceConfig, &'a ApiKey), Problem> {
    let presented = bearer(headers).ok_or_else(Problem::unauthorized)?;
    let name = WorkspaceName::new(workspace).ok();
    let found = name.and_then(|name| state.config.workspaces.get_key_value(&name));
    let keys = found.map_or(&[][..], |(_, workspace)| &workspace.keys);
    let key = ApiKey::identify(keys, presented);
    match (found, key) {
        (Some((name, workspace)), Some(key)) => Ok((name.clone(), workspace, key)),
        _ => Err(Problem::unauthorized()),
    }
}

/// Whether `key` may do `kind:name`.
pub fn allowed(key: &ApiKey, kind: &str, name: &str) -> Result<(), Problem> {
    if key.may(kind, name) {
        return Ok(());
    }
    tracing::warn!(key = %key.name, operation = %kind, denied = ?Denied::NotAllowed, "Refused a key of this workspace");
    Err(Problem::new(
        Code::OperationNotAllowed,
        format!("the key `{}` was not given this operation", key.name),
    ))
}

/// Refuses what another site's page could have sent with the agent's cookie.
///
/// Calls that change something need our own `Origin` and the panel's header; reading calls
/// are refused only when a browser says outright that they come from elsewhere.
pub fn same_site(state: &AppState, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let origin = headers.get(header::ORIGIN);
    let ours = state.origin();
    let foreign = || {
        Problem::new(Code::ForeignOrigin, format!("call this from a page of {ours}, the panel's own address"))
    };
    if origin.is_some_and(|origin| origin.as_bytes() != ours.as_bytes()) {
        return Err(foreign());
    }
    if method.is_safe() {
        return Ok(());
    }
    if origin.is_none() {
        return Err(foreign());
    }
    if headers.get(PANEL_HEADER).is_none_or(|value| value.as_bytes() != b"1") {
        return Err(Problem::new(Code::PanelHeaderMissing, "send `X-Tieline-Panel: 1`"));
    }
    Ok(())
}

/// The name of a workspace's session cookie.
///
/// `__Host-`: browsers keep such a cookie for exactly this host, over TLS (or on localhost).
pub fn cookie_name(workspace: &WorkspaceName) -> String {
    format!("__Host-tieline-{workspace}")
}

/// One cookie of a request.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(key, value)| (key == name).then_some(value))
}

/// The agent whose session the request's cookie names.
pub async fn signed_in(
    state: &AppState,
    workspace: &WorkspaceName,
    headers: &HeaderMap,
) -> Result<SignedIn, Problem> {
    let secret = cookie(headers, &cookie_name(workspace)).ok_or_else(Problem::not_signed_in)?;
    state.sign_in.session(workspace, secret).await?.ok_or_else(Problem::not_signed_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_by_its_whole_name() {
        let headers = HeaderMap::from_iter([
            (header::COOKIE, "a=1; __Host-tieline-demo=secret".parse().unwrap()),
            (header::COOKIE, "__Host-tieline-demo-2=other".parse().unwrap()),
        ]);
        assert_eq!(cookie(&headers, "__Host-tieline-demo"), Some("secret"));
        assert_eq!(cookie(&headers, "__Host-tieline-demo-2"), Some("other"));
        assert_eq!(cookie(&headers, "tieline-demo"), None);
    }

    #[test]
    fn a_key_is_what_follows_bearer() {
        let with = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(bearer(&with("Bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("Basic abc")), None);
        assert_eq!(bearer(&with("Bearer ")), None);
    }
}
