//! Every address Tieline answers at, one file per concern.
//!
//! Handlers are thin: check who calls, decode, call one function of the engine, encode. To
//! add a route: a handler with `#[utoipa::path]`, one line below. What is not described
//! there is not reachable, so `/openapi.json` is always complete.

mod agent_socket;
mod contacts;
mod deliveries;
mod dips;
mod layers;
mod operations;
mod panel;
mod recordings;
mod sign_in;
mod sign_in_page;

use axum::Router;
use utoipa::OpenApi;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::ProblemBody;
use crate::state::AppState;

pub use contacts::{ContactDetail, ContactSummary};
pub use sign_in::Attempts;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Tieline",
        description = "Joins a cloud contact center to a CRM. Every error is a problem document \
                       (RFC 9457) with a stable `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody)),
    modifiers(&Security)
)]
struct Api;

struct Security;

impl utoipa::Modify for Security {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let Some(components) = api.components.as_mut() else { return };
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A key of the workspace, given the operation"))
            .build();
        components.add_security_scheme("key", SecurityScheme::Http(bearer));
        let header = |name: &str, text: &str| {
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, text)))
        };
        components.add_security_scheme("eventbridge", header("x-tieline-key", "A key of the connection"));
        components.add_security_scheme(
            "firehose",
            header("X-Amz-Firehose-Access-Key", "An access key of the connection"),
        );
        components.add_security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
                "__Host-tieline-<workspace>",
                "An agent's session",
            ))),
        );
    }
}

/// All routes with their description.
pub(crate) fn described() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(operations::healthz))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::openapi))
        .routes(routes!(panel::page))
        .routes(routes!(panel::asset))
        .routes(routes!(sign_in::begin))
        .routes(routes!(sign_in::attempt))
        .routes(routes!(sign_in::open_session, sign_in::session, sign_in::close_session))
        .routes(routes!(sign_in::ticket))
        .routes(routes!(sign_in_page::start))
        .routes(routes!(sign_in_page::callback))
        .routes(routes!(sign_in_page::script))
        .routes(routes!(agent_socket::connect))
        .routes(routes!(dips::dip))
        .routes(routes!(deliveries::deliver))
        .routes(routes!(contacts::list))
        .routes(routes!(contacts::one))
        .routes(routes!(recordings::callback))
        .routes(routes!(recordings::list))
        .routes(routes!(recordings::media))
}

/// The whole server as a service.
pub fn router(state: AppState) -> Router {
    let (router, _) = described().split_for_parts();
    layers::around(router, state)
}

/// The description of the API, as `/openapi.json` serves it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().into_openapi()
}
