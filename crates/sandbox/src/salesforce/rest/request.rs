//! A request and an answer without HTTP.

use serde_json::{Map, Value};

use crate::salesforce::records::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// HEAD is GET whose body is not sent.
    pub fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_uppercase().as_str() {
            "GET" | "HEAD" => Some(Self::Get),
            "POST" => Some(Self::Post),
            "PUT" => Some(Self::Put),
            "PATCH" => Some(Self::Patch),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: Method,
    /// The number in `v62.0`.
    pub version: u32,
    /// What follows the version, decoded.
    pub path: Vec<String>,
    /// Pairs of the query string, decoded.
    pub query: Vec<(String, String)>,
    /// `Sforce-Query-Options: batchSize=…`.
    pub batch_size: Option<usize>,
    pub body: Vec<u8>,
}

impl Request {
    /// From a path and query below `/services/data/v62.0`; `None` for a path that does not decode.
    pub fn new(method: Method, version: u32, path_and_query: &str, body: Vec<u8>) -> Option<Self> {
        let (path, query) = path_and_query.split_once('?').unwrap_or((path_and_query, ""));
        let path = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| {
                percent_encoding::percent_decode_str(segment)
                    .decode_utf8()
                    .ok()
                    .map(std::borrow::Cow::into_owned)
            })
            .collect::<Option<Vec<String>>>()?;
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        // For callers that can send GET and POST only.
        let method = query
            .iter()
            .find(|(name, _)| name == "_HttpMethod")
            .and_then(|(_, word)| Method::from_word(word))
            .filter(|_| method == Method::Post)
            .unwrap_or(method);
        Some(Self { method, version, path, query, batch_size: None, body })
    }

    /// The start of the paths in answers.
    pub fn base(&self) -> String {
        format!("/services/data/v{}.0", self.version)
    }

    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that must be there.
    pub fn needed(&self, name: &str) -> Result<&str, Failure> {
        self.parameter(name).ok_or_else(|| {
            Failure::bad("MALFORMED_QUERY", format!("A query string has to be specified: {name}"))
        })
    }

    /// The body as a JSON object.
    pub fn object(&self) -> Result<Map<String, Value>, Failure> {
        if self.body.is_empty() {
            let message = "The HTTP entity body is required, but this request has no entity body.";
            return Err(Failure::bad("JSON_PARSER_ERROR", message));
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) => Err(Failure::bad(
                "JSON_PARSER_ERROR",
                "The HTTP entity body must be a JSON object at [line:1, column:1]",
            )),
            Err(error) => {
                let message = format!("{error} at [line:{}, column:{}]", error.line(), error.column());
                Err(Failure::bad("JSON_PARSER_ERROR", message))
            }
        }
    }
}

/// Bytes of a record, as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    pub content_type: String,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub status: u16,
    /// `None`: no body, as with 204.
    pub body: Option<Value>,
    pub location: Option<String>,
    /// In place of `body`.
    pub file: Option<Box<File>>,
}

impl Answer {
    pub fn with(status: u16, body: Value) -> Self {
        Self { status, body: Some(body), location: None, file: None }
    }

    pub fn file(content_type: String, bytes: Vec<u8>) -> Self {
        let file = Some(Box::new(File { content_type, bytes }));
        Self { status: 200, body: None, location: None, file }
    }

    pub fn created(body: Value, location: String) -> Self {
        Self { location: Some(location), ..Self::with(201, body) }
    }

    pub fn ok(body: Value) -> Self {
        Self::with(200, body)
    }

    pub fn nothing() -> Self {
        Self { status: 204, body: None, location: None, file: None }
    }

    pub fn failures(failures: &[Failure]) -> Self {
        let status = failures.first().map_or(500, |failure| failure.status);
        Self::with(status, failures.iter().map(Failure::json).collect())
    }

    pub fn failed(&self) -> bool {
        self.status >= 400
    }
}
