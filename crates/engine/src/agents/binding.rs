//! Who in the CRM is who in the contact center.

use std::sync::Arc;

use jiff::Timestamp;
use tieline_core::WorkspaceName;
use tieline_store::{AgentBinding, BindingMaker, Store, StoreError};

use crate::sign_in::AgentProfile;

/// Compares what the softphone says about its agent with what is known; joins the two when their
/// names agree and neither is joined yet.
///
/// Answers a sentence for the agent when the login is not theirs.
pub async fn check(
    store: &Arc<dyn Store>,
    workspace: &WorkspaceName,
    agent: &AgentProfile,
    phone_login: &str,
    now: Timestamp,
) -> Result<Option<String>, StoreError> {
    if let Some(bound) = store.binding(workspace, &agent.id).await? {
        return Ok((!same(&bound.phone_login, phone_login)).then(|| mismatch(agent, phone_login)));
    }
    if !names_agree(agent, phone_login) {
        return Ok(Some(unknown(agent, phone_login)));
    }
    let binding = AgentBinding {
        agent: agent.id.clone(),
        phone_login: phone_login.to_owned(),
        made_by: BindingMaker::Matched,
        made_at: now,
    };
    let joined = store.match_agent(workspace, binding).await?;
    Ok(match joined {
        Some(bound) if same(&bound.phone_login, phone_login) => None,
        _ => Some(mismatch(agent, phone_login)),
    })
}

/// The contact center's user name, or its part before `@`, is the CRM user's name or e-mail.
fn names_agree(agent: &AgentProfile, phone_login: &str) -> bool {
    let short = before_at(phone_login);
    let theirs = [Some(agent.login.as_str()), agent.email.as_deref()];
    theirs.into_iter().flatten().any(|name| {
        same(name, phone_login)
            || same(before_at(name), phone_login)
            || same(name, short)
            // Two addresses may share the part before `@` and belong to two people.
            || (!phone_login.contains('@') && same(before_at(name), short))
    })
}

fn before_at(name: &str) -> &str {
    name.split('@').next().unwrap_or(name)
}

/// Logins do not tell upper from lower case, on either side.
fn same(one: &str, two: &str) -> bool {
    one.to_lowercase() == two.to_lowercase()
}

fn mismatch(agent: &AgentProfile, phone_login: &str) -> String {
    format!(
        "The softphone is signed in as “{phone_login}”, which does not belong to {}. \
         Sign in to the softphone as yourself, or ask your administrator to join the two (tieline agents bind).",
        agent.login
    )
}

fn unknown(agent: &AgentProfile, phone_login: &str) -> String {
    format!(
        "Nobody has said yet that the softphone's “{phone_login}” and {} are the same person, and their names differ. \
         Ask your administrator to join the two (tieline agents bind).",
        agent.login
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tieline_core::AgentId;

    fn nora(login: &str, email: Option<&str>) -> AgentProfile {
        AgentProfile {
            id: AgentId::new("005x").unwrap(),
            name: "Nora Quist".into(),
            login: login.into(),
            email: email.map(str::to_owned),
        }
    }

    #[test]
    fn names_agree_whole_or_before_the_at_sign() {
        assert!(names_agree(&nora("nora.quist@example.com", None), "nora.quist"));
        assert!(names_agree(
            &nora("nora.quist@example.com.sandbox", Some("nora.quist@example.com")),
            "Nora.Quist@example.com"
        ));
        assert!(names_agree(&nora("nora", None), "nora@example.com"));
        assert!(!names_agree(&nora("nora.quist@example.com", None), "nora.quist@elsewhere.example.com"));
        assert!(!names_agree(&nora("nora.quist@example.com", None), "omar.reyes"));
        assert!(!names_agree(&nora("nora.quist@example.com", None), "nora"));
    }
}
