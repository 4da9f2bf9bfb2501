//! The agent's panel: one page per workspace, framed by the CRM, and its files.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde_json::{Value, json};
use tieline_engine::config::{AmazonConnectConfig, Connection, SalesforceConfig, WorkspaceConfig, origin};
use url::Url;

use crate::assets::{self, Asset};
use crate::problem::ProblemBody;
use crate::state::AppState;
use crate::{Code, Problem};

/// Hosts that may serve the script of Open CTI; anything else is not Salesforce.
const OPEN_CTI_HOSTS: [&str; 2] = [".lightning.force.com", ".my.salesforce.com"];

/// The panel's page.
#[utoipa::path(get, path = "/panel/{workspace}", tag = "panel", params(("workspace" = String, Path)), responses(
    (status = 200, description = "The panel, to be framed by the workspace's CRM only", body = String, content_type = "text/html"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "`panel_not_built`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn page(
    State(state): State<AppState>,
    Path(workspace): Path<String>,
) -> Result<Response, Problem> {
    let (name, workspace) = state.workspace(&workspace)?;
    let (connect, salesforce) = connections(&state, workspace)?;
    let html = assets::text("index.html").ok_or_else(|| {
        Problem::new(Code::PanelNotBuilt, "run `npm run build` in `web/`, or use a release")
    })?;
    let settings = json!({
        "workspace": name,
        "phone": {
            "kind": "amazon-connect",
            "ccp_url": below(&connect.instance_url, "ccp-v2/"),
            "region": connect.region,
        },
        "crm": {
            "kind": "salesforce",
            "open_cti": {
                "api_version": salesforce.api_version.trim_start_matches('v'),
                "host_suffixes": OPEN_CTI_HOSTS,
                "origins": crm_origins(salesforce),
            },
        },
        "region": workspace.region,
        "build": env!("CARGO_PKG_VERSION"),
    });
    let script = format!(
        "<script type=\"application/json\" id=\"tieline-settings\">{}</script>",
        json_in_html(&settings)
    );
    let html = html.replacen("</head>", &format!("{script}\n</head>"), 1);
    let mut response = ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let policy = content_security_policy(&state.config.public_url, connect, salesforce);
    let policy = HeaderValue::from_str(&policy).map_err(|_| {
        Problem::new(Code::Internal, "an address of the configuration cannot stand in a header")
    })?;
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(response)
}

/// A file of the panel.
#[utoipa::path(get, path = "/panel/assets/{path}", tag = "panel", params(("path" = String, Path)), responses(
    (status = 200, description = "The file; its name changes with its content", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 404, description = "`not_found`", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Result<Response, Problem> {
    let gzip = headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|encoding| encoding.trim().split(';').next() == Some("gzip") && !encoding.contains("q=0"));
    let Asset { bytes, kind, packed } =
        assets::file(&format!("assets/{path}"), gzip).ok_or_else(Problem::not_found)?;
    let mut response = bytes.into_response();
    let out = response.headers_mut();
    out.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(response)
}

fn connections<'a>(
    state: &'a AppState,
    workspace: &WorkspaceConfig,
) -> Result<(&'a AmazonConnectConfig, &'a SalesforceConfig), Problem> {
    let of = |name| state.config.connections.get(name);
    match (of(&workspace.contact_center), of(&workspace.crm)) {
        (Some(Connection::AmazonConnect(connect)), Some(Connection::Salesforce(crm))) => Ok((connect, crm)),
        // The configuration was checked for this.
        _ => Err(Problem::new(Code::Internal, "the workspace's connections are not of the kinds it needs")),
    }
}

/// The origins of the CRM's pages.
///
/// Pages of `https://acme.my.salesforce.com` live on `https://acme.lightning.force.com`
/// (Salesforce Help, "My Domain URL Formats", read 2026-11-20).
fn crm_origins(salesforce: &SalesforceConfig) -> Vec<String> {
    let mut origins = vec![origin(&salesforce.instance_url)];
    if let Some(name) =
        salesforce.instance_url.host_str().and_then(|host| host.strip_suffix(".my.salesforce.com"))
    {
        origins.push(format!("https://{name}.lightning.force.com"));
    }
    origins.extend(salesforce.page_origins.iter().cloned());
    origins.dedup();
    origins
}

fn content_security_policy(
    public_url: &Url,
    connect: &AmazonConnectConfig,
    salesforce: &SalesforceConfig,
) -> String {
    let crm = crm_origins(salesforce).join(" ");
    let own = origin(public_url);
    // Not every browser takes 'self' to mean the socket's scheme too.
    let socket = own.replacen("http", "ws", 1);
    let phone = origin(&connect.instance_url);
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; object-src 'none'; \
         script-src 'self' {crm}; style-src 'self'; img-src 'self'; font-src 'self'; media-src 'self'; \
         connect-src 'self' {socket}; frame-src {phone}; frame-ancestors {crm}"
    )
}

/// `base` as a folder, and `path` in it.
fn below(base: &Url, path: &str) -> String {
    format!("{}/{path}", base.as_str().trim_end_matches('/'))
}

/// JSON that cannot end the element it stands in.
pub(super) fn json_in_html(value: &Value) -> String {
    value
        .to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_a_page_cannot_end_its_element() {
        let text = json_in_html(&json!({ "name": "</script><img src=x onerror=alert(1)>" }));
        assert!(!text.contains('<') && !text.contains('>'), "{text}");
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["name"], "</script><img src=x onerror=alert(1)>");
    }
}
