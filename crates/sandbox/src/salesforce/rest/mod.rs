//! The REST API: one function from a request to an answer, without HTTP around it, so that
//! `composite` runs its parts through the very same code.
//!
//! The caller holds the storage and a transaction; [`handle`] decides what happens inside.
//!
//! (Salesforce, REST API Developer Guide. Read 2026-11-20.)

mod chatter;
mod collections;
mod composite;
mod limits;
mod query;
mod request;
mod search;
mod sobjects;

use serde_json::{Value, json};

use super::records::{Actor, Failure, Writer};
use super::schema::{Object, Schema};
use super::storage::Storage;

pub(crate) use query::Cursors;
pub(crate) use request::{Answer, Method, Request};

/// Versions in `/services/data`; any of them may stand in a path.
pub(crate) const VERSIONS: std::ops::RangeInclusive<u32> = 40..=66;

/// What a request works on.
pub(crate) struct Api<'a> {
    pub schema: &'a Schema,
    pub storage: &'a mut Storage,
    pub cursors: &'a mut Cursors,
    pub actor: Actor,
    /// The fault `lock` is on for this request.
    pub locked: bool,
    /// Rows of a query's page unless the request says otherwise.
    pub page_size: usize,
    /// Calls allowed and left in 24 hours.
    pub daily: (u64, u64),
}

impl Api<'_> {
    fn writer(&mut self) -> Writer<'_> {
        Writer { schema: self.schema, storage: self.storage, actor: &self.actor, locked: self.locked }
    }

    fn object(&self, name: &str) -> Result<std::sync::Arc<Object>, Failure> {
        self.schema.object(name).cloned().ok_or_else(Failure::not_found)
    }

    /// Runs `work` and undoes what it wrote when it fails.
    fn undoable<T, E: From<rusqlite::Error>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        self.storage.begin_part()?;
        let written = self.storage.written();
        let result = work(self);
        if result.is_ok() {
            self.storage.keep_part()?;
        } else {
            self.storage.undo_part(written)?;
        }
        result
    }
}

/// Answers one request. Never fails: a failure is an answer too.
pub(crate) fn handle(api: &mut Api<'_>, request: &Request) -> Answer {
    route(api, request).unwrap_or_else(|failures| Answer::failures(&failures.0))
}

/// One or more errors; several only where an answer lists several.
pub(crate) struct Failures(pub Vec<Failure>);

impl From<Failure> for Failures {
    fn from(failure: Failure) -> Self {
        Self(vec![failure])
    }
}

impl From<rusqlite::Error> for Failures {
    fn from(error: rusqlite::Error) -> Self {
        Failure::from(error).into()
    }
}

impl From<super::soql::QueryError> for Failures {
    fn from(error: super::soql::QueryError) -> Self {
        Failure::from(error).into()
    }
}

type Outcome = Result<Answer, Failures>;

fn route(api: &mut Api<'_>, request: &Request) -> Outcome {
    use Method::{Delete, Get, Patch, Post};
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match (request.method, path.as_slice()) {
        (Get, []) => Ok(Answer::ok(resources(&request.base()))),
        (Get, ["limits"]) => Ok(Answer::ok(limits::limits(api))),
        (Get, ["recent"]) => Ok(Answer::ok(json!([]))),

        (Get, ["query"]) => query::query(api, request, false),
        (Get, ["queryAll" | "queryall"]) => query::query(api, request, true),
        (Get, ["query" | "queryAll" | "queryall", locator]) => query::next_page(api, request, locator),
        (Get, ["search"]) => search::search(api, request),
        (Get, ["parameterizedSearch"]) => search::parameterized_get(api, request),
        (Post, ["parameterizedSearch"]) => search::parameterized_post(api, request),

        (Get, ["sobjects"]) => Ok(sobjects::global(api, request)),
        (Get, ["sobjects", object]) => sobjects::head(api, request, object),
        (Post, ["sobjects", object]) => sobjects::create(api, request, object),
        (Get, ["sobjects", object, "describe"]) => sobjects::full(api, request, object),
        (Get, ["sobjects", object, id]) => sobjects::read(api, request, object, id),
        (Patch, ["sobjects", object, id]) => sobjects::update(api, request, object, id),
        (Delete, ["sobjects", object, id]) => sobjects::delete(api, object, id),
        (Get, ["sobjects", object, id, field]) if sobjects::is_file(api, object, field) => {
            sobjects::read_file(api, object, id, field)
        }
        (Get, ["sobjects", object, key, value]) => sobjects::read_by_key(api, request, object, key, value),
        (Patch, ["sobjects", object, key, value]) => sobjects::upsert(api, request, object, key, value),
        (Delete, ["sobjects", object, key, value]) => {
            sobjects::delete_by_key(api, request, object, key, value)
        }

        (Post, ["chatter", "feed-elements"]) => chatter::post(api, request),
        (Get, ["chatter", "feed-elements", id]) => chatter::read(api, request, id),
        (Get, ["chatter", "feed-elements", id, "capabilities", "comments", "items"]) => {
            chatter::comments(api, request, id)
        }
        (Post, ["chatter", "feed-elements", id, "capabilities", "comments", "items"]) => {
            chatter::comment(api, request, id)
        }

        (Post, ["composite"]) => composite::composite(api, request),
        (Post, ["composite", "batch"]) => composite::batch(api, request),
        (Post, ["composite", "sobjects"]) => collections::create(api, request),
        (Patch, ["composite", "sobjects"]) => collections::update(api, request),
        (Delete, ["composite", "sobjects"]) => collections::delete(api, request),
        (Get, ["composite", "sobjects", object]) => collections::read_get(api, request, object),
        (Post, ["composite", "sobjects", object]) => collections::read_post(api, request, object),
        (Patch, ["composite", "sobjects", object, key]) => collections::upsert(api, request, object, key),

        (method, path) => Err(nowhere(method, path).into()),
    }
}

fn nowhere(method: Method, path: &[&str]) -> Failure {
    let allowed = match path {
        [] | ["limits" | "recent" | "query" | "queryAll" | "search"] => "HEAD,GET",
        ["sobjects", _] | ["parameterizedSearch"] => "HEAD,GET,POST",
        ["sobjects", _, _] | ["sobjects", _, _, _] => "DELETE,GET,HEAD,PATCH",
        ["composite" | "tree"] | ["composite", "batch"] => "POST",
        ["composite", "sobjects"] => "DELETE,PATCH,POST",
        _ => return Failure::not_found(),
    };
    let message = format!("HTTP Method '{}' not allowed. Allowed are {allowed}", method.word());
    Failure::new(405, "METHOD_NOT_ALLOWED", message)
}

fn resources(base: &str) -> Value {
    json!({
        "sobjects": format!("{base}/sobjects"),
        "query": format!("{base}/query"),
        "queryAll": format!("{base}/queryAll"),
        "search": format!("{base}/search"),
        "parameterizedSearch": format!("{base}/parameterizedSearch"),
        "chatter": format!("{base}/chatter"),
        "limits": format!("{base}/limits"),
        "composite": format!("{base}/composite"),
        "recent": format!("{base}/recent"),
    })
}
