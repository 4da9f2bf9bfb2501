//! The control routes that only this part has; the shared ones are `world::control`'s.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::log::Logged;
use super::org::{Org, Settings};
use crate::world::{Body, Problem};

pub(super) fn routes(org: Arc<Org>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(requests))
        .routes(routes!(users))
        .routes(routes!(open_session))
        .routes(routes!(expire_tokens))
        .routes(routes!(settings, change_settings))
        .with_state(org)
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Since {
    /// The `n` of the last request already seen, or a time in RFC 3339.
    since: Option<String>,
}

/// API requests in the order they came.
#[utoipa::path(get, path = "/sandbox/v1/requests", tag = "salesforce", params(Since),
    responses((status = OK, body = Vec<Logged>), (status = "4XX", body = Problem)))]
async fn requests(
    State(org): State<Arc<Org>>,
    Query(query): Query<Since>,
) -> Result<Json<Vec<Logged>>, Problem> {
    let text = query.since.unwrap_or_default();
    if text.is_empty() {
        return Ok(Json(org.state().log.since(0)));
    }
    if let Ok(n) = text.parse::<u64>() {
        return Ok(Json(org.state().log.since(n)));
    }
    let time: Timestamp = text
        .parse()
        .map_err(|_| Problem::invalid("`since` is the `n` of a request or a time in RFC 3339"))?;
    let all = org.state().log.since(0);
    Ok(Json(all.into_iter().filter(|entry| entry.time >= time).collect()))
}

/// A person who may sign in.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Person {
    id: String,
    username: String,
    name: String,
    title: String,
}

/// Everyone who may sign in.
#[utoipa::path(get, path = "/sandbox/v1/users", tag = "salesforce", responses((status = OK, body = Vec<Person>)))]
async fn users(State(org): State<Arc<Org>>) -> Json<Vec<Person>> {
    let users = org.state().users().into_iter();
    Json(users.map(|u| Person { id: u.id, username: u.username, name: u.name, title: u.title }).collect())
}

/// Body of `POST /sandbox/v1/sessions`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct WhoSignsIn {
    username: String,
}

/// A token for the sandbox's own pages and for clients that want a session id.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct NewSession {
    access_token: String,
    user: Person,
}

/// Signs a user in without a password.
#[utoipa::path(post, path = "/sandbox/v1/sessions", tag = "salesforce", request_body = WhoSignsIn,
    responses((status = CREATED, body = NewSession), (status = "4XX", body = Problem)))]
async fn open_session(
    State(org): State<Arc<Org>>,
    Body(body): Body<WhoSignsIn>,
) -> Result<(StatusCode, Json<NewSession>), Problem> {
    let now = org.world.now();
    let mut state = org.state();
    let user = state.user_by_name(&body.username).and_then(|id| state.user(&id));
    let user = user.ok_or_else(|| Problem::not_found(format!("there is no user {}", body.username)))?;
    let access_token = state.sessions.open(&user.id, &["api".to_owned(), "web".to_owned()], now);
    let user = Person { id: user.id, username: user.username, name: user.name, title: user.title };
    Ok((StatusCode::CREATED, Json(NewSession { access_token, user })))
}

/// Body of `POST /sandbox/v1/tokens/expire`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct WhoseTokens {
    /// Everybody's when absent.
    #[serde(default)]
    username: Option<String>,
}

/// How many access tokens ended.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Expired {
    expired: usize,
}

/// Ends access tokens now, as if they had grown old. Refresh tokens stay good.
#[utoipa::path(post, path = "/sandbox/v1/tokens/expire", tag = "salesforce", request_body = WhoseTokens,
    responses((status = OK, body = Expired), (status = "4XX", body = Problem)))]
async fn expire_tokens(
    State(org): State<Arc<Org>>,
    Body(body): Body<WhoseTokens>,
) -> Result<Json<Expired>, Problem> {
    let mut state = org.state();
    let user = match body.username {
        None => None,
        Some(name) => {
            let id = state.user_by_name(&name);
            Some(id.ok_or_else(|| Problem::not_found(format!("there is no user {name}")))?)
        }
    };
    Ok(Json(Expired { expired: state.sessions.expire(user.as_deref()) }))
}

/// What can be set; absent members stay as they are.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Rows of a page of a query whose request does not say: 1 to 2,000.
    #[serde(default)]
    page_size: Option<usize>,
    /// API calls allowed in 24 hours.
    #[serde(default)]
    daily_api_requests: Option<u64>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct SettingsNow {
    page_size: usize,
    daily_api_requests: u64,
    /// API calls of the last 24 hours.
    used_api_requests: u64,
}

/// What is set.
#[utoipa::path(get, path = "/sandbox/v1/settings", tag = "salesforce", responses((status = OK, body = SettingsNow)))]
async fn settings(State(org): State<Arc<Org>>) -> Json<SettingsNow> {
    Json(settings_now(&org))
}

/// Changes the size of pages and the allowance. A reset undoes it.
#[utoipa::path(post, path = "/sandbox/v1/settings", tag = "salesforce", request_body = Change,
    responses((status = OK, body = SettingsNow), (status = "4XX", body = Problem)))]
async fn change_settings(
    State(org): State<Arc<Org>>,
    Body(change): Body<Change>,
) -> Result<Json<SettingsNow>, Problem> {
    if change.page_size.is_some_and(|size| !(1..=2_000).contains(&size)) {
        return Err(Problem::invalid("`page_size` must be 1 to 2000"));
    }
    {
        let mut state = org.state();
        let Settings { page_size, daily_api_requests } = state.settings.clone();
        state.settings = Settings {
            page_size: change.page_size.unwrap_or(page_size),
            daily_api_requests: change.daily_api_requests.unwrap_or(daily_api_requests),
        };
    }
    Ok(Json(settings_now(&org)))
}

fn settings_now(org: &Org) -> SettingsNow {
    let state = org.state();
    SettingsNow {
        page_size: state.settings.page_size,
        daily_api_requests: state.settings.daily_api_requests,
        used_api_requests: state.used(),
    }
}
