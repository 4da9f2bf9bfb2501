use std::collections::HashMap;

use serde_json::json;
use tieline_core::AgentId;
use tieline_store::{AgentBinding, BindingMaker};

use crate::cli::Agents;
use crate::outcome::{Failure, Outcome, plain, say, say_json, say_table};
use crate::setting;

pub async fn run(command: Agents, json: bool) -> Outcome {
    match command {
        Agents::List { stored } => {
            let opened = setting::open(&stored)?;
            let workspace = opened.workspace().await?;
            let agents = opened.store.agents(&workspace).await?;
            let mut bindings: HashMap<AgentId, AgentBinding> = HashMap::new();
            for binding in opened.store.bindings(&workspace).await? {
                bindings.insert(binding.agent.clone(), binding);
            }
            // Bound by an administrator before they ever signed in.
            let mut strangers: Vec<&AgentBinding> = bindings
                .values()
                .filter(|binding| !agents.iter().any(|agent| agent.agent == binding.agent))
                .collect();
            strangers.sort_by_key(|binding| binding.agent.as_str());
            if json {
                let mut listed: Vec<_> = agents
                    .iter()
                    .map(|agent| {
                        let binding = bindings.get(&agent.agent);
                        json!({
                            "id": agent.agent, "name": agent.name, "login": agent.login, "email": agent.email,
                            "seen_at": agent.seen_at, "phone_login": binding.map(|b| &b.phone_login),
                            "bound_by": binding.map(|b| b.made_by.as_str()),
                        })
                    })
                    .collect();
                listed.extend(strangers.iter().map(|binding| {
                    json!({
                        "id": binding.agent, "name": null, "login": null, "email": null, "seen_at": null,
                        "phone_login": binding.phone_login, "bound_by": binding.made_by.as_str(),
                    })
                }));
                return say_json(&listed);
            }
            let mut rows: Vec<_> = agents
                .iter()
                .map(|agent| {
                    let (login, by) = bindings.get(&agent.agent).map_or(("-".to_owned(), "-"), |binding| {
                        (plain(&binding.phone_login), binding.made_by.as_str())
                    });
                    let seen = agent.seen_at.to_string();
                    vec![
                        agent.agent.to_string(),
                        plain(&agent.name),
                        plain(&agent.login),
                        login,
                        by.to_owned(),
                        seen,
                    ]
                })
                .collect();
            for binding in strangers {
                let (id, login) = (binding.agent.to_string(), plain(&binding.phone_login));
                let by = binding.made_by.as_str().to_owned();
                rows.push(vec![id, "-".into(), "-".into(), login, by, "never".into()]);
            }
            say_table(&["AGENT", "NAME", "CRM LOGIN", "PHONE LOGIN", "BOUND", "SIGNED IN"], &rows);
            Ok(())
        }
        Agents::Bind { agent, login, stored } => {
            let opened = setting::open(&stored)?;
            let workspace = opened.workspace().await?;
            let agents = opened.store.agents(&workspace).await?;
            let known = agents
                .iter()
                .find(|row| row.agent.as_str() == agent || row.login.eq_ignore_ascii_case(&agent));
            // An administrator may bind before the first sign-in, but only by the CRM's id.
            let id = match known {
                Some(row) => row.agent.clone(),
                None if agent.contains('@') => {
                    return Err(Failure::bad(format!(
                        "nobody has signed in to {workspace} as {agent}; bind by the id of the CRM's user instead"
                    )));
                }
                None => AgentId::new(agent).map_err(|error| Failure::usage(error.to_string()))?,
            };
            let made_at = setting::system_clock().now();
            let binding = AgentBinding {
                agent: id.clone(),
                phone_login: login.clone(),
                made_by: BindingMaker::Bound,
                made_at,
            };
            opened.store.bind_agent(&workspace, binding).await?;
            if json {
                return say_json(&json!({ "workspace": workspace, "agent": id, "phone_login": login }));
            }
            say(&format!("{id} is {} at the contact center", plain(&login)));
            Ok(())
        }
    }
}
