//! The SOAP `login` call, partner and enterprise: what clients use that know a user name, a
//! password and a security token.
//!
//! (Salesforce, SOAP API Developer Guide, "login()". Read 2026-11-20.)

use roxmltree::{Document, Node};

use super::token::{with_password, words};
use crate::salesforce::ids::ORGANIZATION;
use crate::salesforce::org::{Caller, State};

/// A whole envelope: status and XML. `kind` is `u` (partner) or `c` (enterprise).
pub(crate) fn login(
    state: &mut State,
    caller: &Caller,
    kind: &str,
    version: &str,
    body: &[u8],
) -> (u16, String) {
    let Some((username, password)) = credentials(body) else {
        return (500, fault("UNKNOWN_EXCEPTION", "the envelope holds no login with username and password"));
    };
    let Ok(user_id) = with_password(state, &username, &password) else {
        let message = "Invalid username, password, security token; or user locked out.";
        return (500, fault("INVALID_LOGIN", message));
    };
    let Some(user) = state.user(&user_id) else {
        return (500, fault("INVALID_LOGIN", "there is no such user"));
    };
    let token = state.sessions.open(&user_id, &words("api"), caller.now);
    let host = &caller.host;
    let urn = if kind == "c" { "enterprise" } else { "partner" };
    let text = |value: &str| escape(value);
    let body = format!(
        "<loginResponse xmlns=\"urn:{urn}.soap.sforce.com\"><result>\
<metadataServerUrl>{host}/services/Soap/m/{version}/{ORGANIZATION}</metadataServerUrl>\
<passwordExpired>false</passwordExpired><sandbox>true</sandbox>\
<serverUrl>{host}/services/Soap/{kind}/{version}/{ORGANIZATION}</serverUrl>\
<sessionId>{token}</sessionId><userId>{user_id}</userId>\
<userInfo><organizationId>{ORGANIZATION}</organizationId><organizationName>Tieline Sandbox</organizationName>\
<sessionSecondsValid>7200</sessionSecondsValid><userEmail>{email}</userEmail><userFullName>{name}</userFullName>\
<userId>{user_id}</userId><userLanguage>en_US</userLanguage><userLocale>en_US</userLocale>\
<userName>{username}</userName><userTimeZone>GMT</userTimeZone><userType>Standard</userType></userInfo>\
</result></loginResponse>",
        email = text(&user.email),
        name = text(&user.name),
        username = text(&user.username),
    );
    (200, envelope(&body))
}

fn credentials(body: &[u8]) -> Option<(String, String)> {
    // roxmltree neither fetches nor expands what a document type might name.
    let text = std::str::from_utf8(body).ok()?;
    let document = Document::parse(text).ok()?;
    let login = document.descendants().find(|n| n.is_element() && n.tag_name().name() == "login")?;
    let child = |name: &str| {
        let found =
            login.children().find(|n: &Node<'_, '_>| n.is_element() && n.tag_name().name() == name)?;
        Some(found.text().unwrap_or_default().to_owned())
    };
    Some((child("username")?, child("password")?))
}

fn fault(code: &str, message: &str) -> String {
    envelope(&format!(
        "<soapenv:Fault><faultcode>{code}</faultcode><faultstring>{code}: {message}</faultstring><detail>\
<sf:LoginFault xmlns:sf=\"urn:fault.partner.soap.sforce.com\"><sf:exceptionCode>{code}</sf:exceptionCode>\
<sf:exceptionMessage>{message}</sf:exceptionMessage></sf:LoginFault></detail></soapenv:Fault>"
    ))
}

fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
