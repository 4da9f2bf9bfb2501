//! The control routes every part has: faults, clock, reset, what the world is.

use std::time::Duration;

use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, middleware};
use http::{StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::openapi::InfoBuilder;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Body, Closed, Fault, FaultKind, FaultRequest, Part, Probe, Problem, World};

#[derive(Clone)]
struct Control {
    world: World,
    part: Part,
}

/// Joins a part's control routes (paths from `/sandbox/v1`) with the shared ones and
/// serves the description of both at `/sandbox/v1/openapi.json`.
pub fn routes(world: &World, part: Part, own: OpenApiRouter) -> Router {
    let control = Control { world: world.clone(), part };
    let shared = OpenApiRouter::new()
        .routes(routes!(list_faults, set_fault, clear_faults))
        .routes(routes!(show_fault, delete_fault))
        .routes(routes!(move_clock))
        .routes(routes!(reset))
        .routes(routes!(describe_world))
        .with_state(control);
    let (router, mut api) = own.merge(shared).split_for_parts();
    api.info = InfoBuilder::new()
        .title(format!("Tieline sandbox: {}", part.name()))
        .description(Some("Control of the simulated world. Changes need the header `X-Tieline-Sandbox: 1`."))
        .version(env!("CARGO_PKG_VERSION"))
        .build();
    router.route("/sandbox/v1/openapi.json", axum::routing::get(async move || Json(api)))
}

/// Puts the faults every part has (`slow`, `refuse`, `status`, `truncate`) around `router`,
/// never around the control API itself. `body` writes the vendor's answer for a status.
pub fn with_faults(
    world: &World,
    part: Part,
    router: Router,
    body: fn(u16, Option<&str>) -> Response,
) -> Router {
    let world = world.clone();
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let world = world.clone();
        async move { break_on_request(&world, part, body, request, next).await }
    }))
}

async fn break_on_request(
    world: &World,
    part: Part,
    body: fn(u16, Option<&str>) -> Response,
    request: Request,
    next: Next,
) -> Response {
    use FaultKind::{Refuse, Slow, Status, Truncate};
    if request.uri().path().starts_with("/sandbox/v1/") {
        return next.run(request).await;
    }
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let probe = Probe { method: &method, path: &path, contact: "" };
    let Some(fault) = world.faults(part).take(&[Slow, Refuse, Status, Truncate], probe) else {
        return next.run(request).await;
    };
    match fault.kind {
        Slow => {
            // Machine time: the caller's own time-out is machine time too.
            tokio::time::sleep(Duration::from_millis(fault.delay_ms.unwrap_or(5_000))).await;
            next.run(request).await
        }
        Refuse => Closed::response(),
        Status => body(fault.status.unwrap_or(500), fault.code.as_deref()),
        _ => truncated(next.run(request).await).await,
    }
}

async fn truncated(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, usize::MAX).await else { return Closed::response() };
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, axum::body::Body::from(bytes.slice(..bytes.len() / 2)))
}

/// Answer of `POST /sandbox/v1/faults`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct FaultSet {
    id: u64,
}

/// The faults that are set, used up ones included.
#[utoipa::path(get, path = "/sandbox/v1/faults", tag = "world", responses((status = OK, body = Vec<Fault>)))]
async fn list_faults(State(control): State<Control>) -> Json<Vec<Fault>> {
    Json(control.world.faults(control.part).list())
}

/// Breaks something of this part.
#[utoipa::path(post, path = "/sandbox/v1/faults", tag = "world", request_body = FaultRequest,
    responses((status = CREATED, body = FaultSet), (status = "4XX", body = Problem)))]
async fn set_fault(
    State(control): State<Control>,
    Body(request): Body<FaultRequest>,
) -> Result<impl IntoResponse, Problem> {
    let fault = control.world.faults(control.part).add(request)?;
    Ok((StatusCode::CREATED, Json(FaultSet { id: fault.id })))
}

/// Deletes all faults of this part.
#[utoipa::path(delete, path = "/sandbox/v1/faults", tag = "world", responses((status = NO_CONTENT)))]
async fn clear_faults(State(control): State<Control>) -> StatusCode {
    control.world.faults(control.part).clear();
    StatusCode::NO_CONTENT
}

/// One fault, with how often it has happened.
#[utoipa::path(get, path = "/sandbox/v1/faults/{id}", tag = "world", params(("id" = u64, Path)),
    responses((status = OK, body = Fault), (status = "4XX", body = Problem)))]
async fn show_fault(State(control): State<Control>, Path(id): Path<String>) -> Result<Json<Fault>, Problem> {
    let id = fault_id(&id)?;
    let fault = control.world.faults(control.part).list().into_iter().find(|fault| fault.id == id);
    fault.map(Json).ok_or_else(|| Problem::not_found(format!("there is no fault {id}")))
}

fn fault_id(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::invalid("a fault's id is a whole number"))
}

/// Deletes one fault; what it held goes on.
#[utoipa::path(delete, path = "/sandbox/v1/faults/{id}", tag = "world", params(("id" = u64, Path)),
    responses((status = NO_CONTENT), (status = "4XX", body = Problem)))]
async fn delete_fault(State(control): State<Control>, Path(id): Path<String>) -> Result<StatusCode, Problem> {
    let id = fault_id(&id)?;
    if control.world.faults(control.part).delete(id) {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Problem::not_found(format!("there is no fault {id}")))
}

/// Body of `POST /sandbox/v1/clock`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Advance {
    /// An ISO 8601 duration, for example `PT1H` or `P1DT20S`. A day has 24 hours.
    advance: String,
}

/// The sandbox's time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Now {
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
}

/// Moves the time of all parts (and of a demo server with them) forward.
#[utoipa::path(post, path = "/sandbox/v1/clock", tag = "world", request_body = Advance,
    responses((status = OK, body = Now), (status = "4XX", body = Problem)))]
async fn move_clock(State(control): State<Control>, Body(body): Body<Advance>) -> Result<Json<Now>, Problem> {
    let unusable =
        || Problem::invalid("`advance` is an ISO 8601 duration of up to ten years, for example `PT1H`");
    let span: jiff::Span = body.advance.parse().map_err(|_| unusable())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let by = span.to_duration(days).ok().and_then(|by| Duration::try_from(by).ok()).ok_or_else(unusable)?;
    if by > Duration::from_secs(10 * 366 * 86_400) {
        return Err(unusable());
    }
    Ok(Json(Now { now: control.world.clock().advance(by) }))
}

/// Body of `POST /sandbox/v1/reset`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// The present seed when absent.
    #[serde(default)]
    seed: Option<u64>,
}

/// What this world is and where its parts are.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct WorldDescription {
    seed: u64,
    #[schema(value_type = String, format = DateTime)]
    now: Timestamp,
    /// Part name to the address browsers use, for example `http://crm.localhost:8431`.
    parts: std::collections::BTreeMap<String, String>,
}

/// Puts all parts back to what the seed says. The clock does not go back.
#[utoipa::path(post, path = "/sandbox/v1/reset", tag = "world", request_body = Reset,
    responses((status = OK, body = WorldDescription), (status = "4XX", body = Problem)))]
async fn reset(
    State(control): State<Control>,
    Body(body): Body<Reset>,
) -> Result<Json<WorldDescription>, Problem> {
    control.world.reset(body.seed).await;
    Ok(Json(description(&control.world)))
}

/// Seed, time and addresses.
#[utoipa::path(get, path = "/sandbox/v1/world", tag = "world", responses((status = OK, body = WorldDescription)))]
async fn describe_world(State(control): State<Control>) -> Json<WorldDescription> {
    Json(description(&control.world))
}

fn description(world: &World) -> WorldDescription {
    let addresses = world.addresses();
    let parts = Part::ALL.iter().map(|part| (part.name().replace('-', "_"), addresses.origin(*part)));
    WorldDescription { seed: world.seed(), now: world.now(), parts: parts.collect() }
}
