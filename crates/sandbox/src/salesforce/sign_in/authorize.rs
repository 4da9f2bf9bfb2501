//! `/services/oauth2/authorize`: a page with one button per user.
//!
//! No password: the sandbox's people are not secret, and the demo signs in with one click.

use std::fmt::Write;

use url::Url;

use super::sessions::Code;
use super::token::{Form, member, words};
use super::{Client, client};
use crate::salesforce::org::State;
use jiff::Timestamp;

/// A request that may go on, checked.
#[derive(Debug)]
struct Request {
    client: Client,
    redirect: Url,
    scopes: Vec<String>,
    state: Option<String>,
    nonce: Option<String>,
    challenge: Option<String>,
}

const SCOPES: [&str; 9] =
    ["openid", "profile", "email", "address", "phone", "api", "web", "refresh_token", "offline_access"];

/// What came of it.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A page, and where its form may lead.
    Page { html: String, leads_to: String },
    /// Back to the client, with a code or an error.
    Redirect(String),
    /// Not to be redirected: who asks, or where to, is not known.
    Refused(String),
}

/// The page.
pub(crate) fn page(state: &State, query: &Form) -> Answer {
    let request = match read(query) {
        Ok(request) => request,
        Err(answer) => return answer,
    };
    if member(query, "prompt") == Some("none") {
        // Nobody is signed in here before a click.
        return back(&request, &[("error", "login_required")]);
    }
    let mut hidden = String::new();
    for (name, value) in query {
        let _ =
            write!(hidden, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value));
    }
    let mut buttons = String::new();
    for user in state.users() {
        let _ = write!(
            buttons,
            "<li><button name=\"sandbox_user\" value=\"{}\"><strong>{}</strong> <span>{}</span></button></li>",
            escape(&user.id),
            escape(&user.name),
            escape(&user.title)
        );
    }
    Answer::Page {
        html: render(
            "Sign in",
            &format!(
                "<p>This is a simulated CRM. Choose who you are.</p><form method=\"post\" action=\"/services/oauth2/authorize\">{hidden}<ul>{buttons}</ul></form>"
            ),
        ),
        leads_to: request.redirect.origin().ascii_serialization(),
    }
}

/// The click on a button.
pub(crate) fn decide(state: &mut State, form: &Form, now: Timestamp) -> Answer {
    let request = match read(form) {
        Ok(request) => request,
        Err(answer) => return answer,
    };
    let chosen = member(form, "sandbox_user").unwrap_or_default();
    let Some(user) = state.users().into_iter().find(|user| user.id == chosen) else {
        return back(
            &request,
            &[("error", "access_denied"), ("error_description", "end-user denied authorization")],
        );
    };
    let code = Code {
        user: user.id,
        client: request.client,
        scopes: request.scopes.clone(),
        redirect: request.redirect.to_string(),
        nonce: request.nonce.clone(),
        challenge: request.challenge.clone(),
        expires: None,
    };
    let code = state.sessions.keep_code(code, now);
    back(&request, &[("code", &code)])
}

fn read(form: &Form) -> Result<Request, Answer> {
    let refused = |detail: &str| {
        Answer::Refused(render("This sign-in cannot go on", &format!("<p>{}</p>", escape(detail))))
    };
    let client = member(form, "client_id")
        .and_then(client)
        .filter(|client| client.interactive)
        .ok_or_else(|| refused("error=invalid_client_id: client identifier invalid"))?;
    let redirect = member(form, "redirect_uri")
        .and_then(|text| Url::parse(text).ok().filter(|url| url.as_str() == text))
        .filter(is_registered)
        .ok_or_else(|| refused("error=redirect_uri_mismatch: redirect_uri must match configuration"))?;
    let mut request = Request {
        client,
        redirect,
        scopes: words(member(form, "scope").unwrap_or("openid")),
        state: member(form, "state").map(str::to_owned),
        nonce: member(form, "nonce").map(str::to_owned),
        challenge: None,
    };
    if member(form, "response_type") != Some("code") {
        return Err(back(&request, &[("error", "unsupported_response_type")]));
    }
    if !request.scopes.iter().all(|scope| SCOPES.contains(&scope.as_str())) {
        return Err(back(&request, &[("error", "invalid_scope")]));
    }
    if let Some(challenge) = member(form, "code_challenge") {
        if member(form, "code_challenge_method") != Some("S256") {
            let detail = "code_challenge_method must be S256";
            return Err(back(&request, &[("error", "invalid_request"), ("error_description", detail)]));
        }
        request.challenge = Some(challenge.to_owned());
    }
    Ok(request)
}

/// `http://panel.localhost:8430/auth/callback`, on whatever port: another base port and tests on
/// free ports sign in as well, as loopback clients may (RFC 8252 §7.3).
fn is_registered(url: &Url) -> bool {
    let loopback = matches!(url.host_str(), Some("panel.localhost" | "localhost" | "127.0.0.1"));
    loopback
        && matches!(url.scheme(), "http" | "https")
        && url.path() == "/auth/callback"
        && url.query().is_none()
        && url.fragment().is_none()
}

fn back(request: &Request, members: &[(&str, &str)]) -> Answer {
    let mut url = request.redirect.clone();
    {
        let mut query = url.query_pairs_mut();
        for (name, value) in members {
            query.append_pair(name, value);
        }
        if let Some(state) = &request.state {
            query.append_pair("state", state);
        }
    }
    Answer::Redirect(url.into())
}

fn render(title: &str, body: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} – sandbox CRM</title><style>{STYLE}</style></head><body><main><h1>{title}</h1>{body}</main></body></html>"
    )
}

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;margin:0;background:#f3f4f6;color:#111827}\
main{max-width:24rem;margin:3rem auto;padding:1.5rem;background:#fff;border-radius:.5rem;border:1px solid #d1d5db}\
h1{font-size:1.25rem;margin:0 0 .5rem}ul{list-style:none;padding:0;margin:1rem 0 0;display:grid;gap:.5rem}\
button{width:100%;text-align:left;font:inherit;padding:.6rem .8rem;background:#fff;color:inherit;border:1px solid #6b7280;border-radius:.375rem;cursor:pointer}\
button:hover{background:#eff6ff;border-color:#1d4ed8}button:focus-visible{outline:3px solid #1d4ed8;outline-offset:2px}span{color:#4b5563}";

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
