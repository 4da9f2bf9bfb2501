//! All addresses of the simulated Salesforce.

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get, post};
use axum::{Router, middleware};

use super::{Site, data, logged, oauth, pages};
use crate::salesforce::control;
use crate::salesforce::org::Org;
use crate::world::{Part, Problem};

pub(crate) fn router(org: &Arc<Org>, tls: bool) -> Router {
    let world = &org.world;
    let site = Site { org: org.clone(), tls };
    let own = Router::new()
        .route("/services/data", get(data::versions))
        .route("/services/data/", get(data::versions))
        .route("/services/data/{*rest}", any(data::rest))
        .route("/services/oauth2/token", post(oauth::token))
        .route("/services/oauth2/authorize", get(oauth::authorize).post(oauth::decide))
        .route("/services/oauth2/revoke", get(oauth::revoke_get).post(oauth::revoke_post))
        .route("/services/oauth2/userinfo", get(oauth::user_info).post(oauth::user_info))
        .route("/services/Soap/{kind}/{version}", post(oauth::soap))
        .route("/.well-known/openid-configuration", get(oauth::discovery))
        .route("/id/keys", get(oauth::jwks))
        .route("/id/{organization}/{user}", get(oauth::identity))
        .route("/", get(async || Redirect::temporary("/stage/")))
        .route("/stage", get(async || Redirect::permanent("/stage/")))
        .route("/stage/", get(pages::stage_index))
        .route("/stage/{*path}", get(pages::stage))
        .route("/lightning", get(pages::lightning_index))
        .route("/lightning/", get(pages::lightning_index))
        .route("/lightning/{*path}", get(pages::lightning))
        .route("/support/api/{version}/lightning/opencti_min.js", get(pages::open_cti))
        // How large a request may be is said where it is read for the log.
        .layer(DefaultBodyLimit::disable())
        .fallback(async || Problem::not_found("there is nothing at this address").into_response())
        .with_state(site.clone());
    let control = crate::world::control::routes(world, Part::Salesforce, control::routes(org.clone()));
    let broken =
        crate::world::control::with_faults(world, Part::Salesforce, own.merge(control), data::status_body);
    let logged = broken.layer(middleware::from_fn_with_state(site, logged::keep));
    crate::world::guard::guarded(world, Part::Salesforce, logged)
}
