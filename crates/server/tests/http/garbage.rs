//! Generated nonsense, at least 200 requests for every operation of `/openapi.json`: each is
//! answered with a listed code, the process lives, and what is stored stays as it was.

use std::collections::BTreeSet;
use std::io::Write as _;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tieline_server::Code;

use crate::harness::{Answer, Server};

const EACH: usize = 200;

/// Every operation that is described.
pub fn operations() -> Vec<(Method, String)> {
    let api = serde_json::to_value(tieline_server::openapi()).unwrap();
    let mut operations = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
            operations.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    operations
}

/// Repeatable chance (SplitMix64).
pub struct Chance(pub u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most).unwrap()).unwrap()
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Text of the kind that breaks things.
    pub fn nasty(&mut self) -> String {
        const PARTS: [&str; 14] = [
            "'",
            "\"; --",
            "<img src=x onerror=alert(1)>",
            "%00",
            "\u{202e}",
            "../",
            "${jndi:x}",
            "ß",
            "🦀",
            "\\",
            "O'Neil",
            "null",
            "-1",
            "=SUM(A1)",
        ];
        (0..=self.below(4)).map(|_| *self.pick(&PARTS)).collect()
    }

    /// Something that is not text.
    pub fn not_text(&mut self) -> Value {
        match self.below(6) {
            0 => Value::Null,
            1 => json!(self.next()),
            2 => json!(true),
            3 => json!([]),
            4 => json!([self.nasty()]),
            _ => json!({ self.nasty(): 1 }),
        }
    }
}

/// A body that works, and what of it must be there as text.
struct Shape {
    good: Value,
    /// Pointers to members that must be text.
    texts: &'static [&'static str],
    /// Whether members nobody knows are refused.
    strict: bool,
    limit: usize,
    /// Whether the content type is looked at.
    typed: bool,
}

/// One broken request from a good one.
fn broken(chance: &mut Chance, shape: &Shape, request: RequestBuilder) -> (String, RequestBuilder) {
    let json = |request: RequestBuilder| request.header("content-type", "application/json");
    let text = shape.good.to_string();
    match chance.below(12) {
        0 | 1 => {
            let at = *chance.pick(shape.texts);
            let mut body = shape.good.clone();
            *body.pointer_mut(at).unwrap() = chance.not_text();
            (format!("type of {at}"), json(request).body(body.to_string()))
        }
        2 => {
            let at = *chance.pick(shape.texts);
            let mut body = shape.good.clone();
            let (parent, name) = at.rsplit_once('/').unwrap();
            body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name);
            (format!("missing {at}"), json(request).body(body.to_string()))
        }
        3 if shape.strict => {
            let mut body = shape.good.clone();
            body.as_object_mut().unwrap().insert(format!("extra{}", chance.nasty()), json!(1));
            ("extra".into(), json(request).body(body.to_string()))
        }
        3 | 4 => {
            let depth = 33 + chance.below(5000);
            let (open, close) = if chance.below(2) == 0 { ("[", "]") } else { ("{\"a\":", "}") };
            let body = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            ("depth".into(), json(request).body(body))
        }
        5 => {
            let padding = "x".repeat(shape.limit + chance.below(1000));
            ("size".into(), json(request).body(format!("{{\"padding\":\"{padding}\"}}")))
        }
        6 => {
            let cut = 1 + chance.below(text.len() - 1);
            ("cut off".into(), json(request).body(text.into_bytes()[..cut].to_vec()))
        }
        7 => {
            let mut bytes = text.into_bytes();
            let at = chance.below(bytes.len());
            bytes[at] = *chance.pick(&[0xff, 0xfe, 0xc0, 0x80, 0x00]);
            ("bytes that are no text".into(), json(request).body(bytes))
        }
        8 => {
            let encoding = *chance.pick(&["br", "deflate", "zstd", "gzip, gzip", "nonsense"]);
            (format!("encoding {encoding}"), json(request).header("content-encoding", encoding).body(text))
        }
        9 => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(text.as_bytes()).unwrap();
            let mut packed = encoder.finish().unwrap();
            packed.truncate(1 + chance.below(packed.len() - 1));
            ("gzip cut off".into(), json(request).header("content-encoding", "gzip").body(packed))
        }
        10 if shape.typed => {
            let kind = *chance.pick(&["text/plain", "application/x-www-form-urlencoded", "text/html", "x"]);
            (format!("content type {kind}"), request.header("content-type", kind).body(text))
        }
        _ => {
            let body = match chance.below(6) {
                0 => String::new(),
                1 => chance.nasty().replace("null", "nul"),
                2 => format!("{text}{}", chance.nasty()),
                3 => "[]".into(),
                4 => format!("\"{}\"", chance.next()),
                _ => "{\"a\":NaN}".into(),
            };
            (format!("not this at all: {body}"), json(request).body(body))
        }
    }
}

/// A bad request for `method path`, as its caller would send it.
fn bad(chance: &mut Chance, server: &Server, method: &Method, path: &str) -> (String, RequestBuilder) {
    let nonsense = |chance: &mut Chance| {
        let text = chance.nasty() + &chance.next().to_string();
        percent(&text)
    };
    let attempt = |chance: &mut Chance| json!(format!("garbage-attempt-{:016x}", chance.next()));
    let challenge = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
    match (method.as_str(), path) {
        ("POST", "/v1/workspaces/{workspace}/agent/attempts") => {
            let shape = Shape {
                good: json!({ "attempt": attempt(chance), "challenge": challenge }),
                texts: &["/attempt", "/challenge"],
                strict: true,
                limit: 8 * 1024,
                typed: true,
            };
            if chance.below(8) == 0 {
                let body = json!({ "attempt": chance.nasty(), "challenge": chance.nasty() });
                return (
                    "values".into(),
                    server.panel(Method::POST, "/v1/workspaces/demo/agent/attempts").json(&body),
                );
            }
            broken(chance, &shape, server.panel(Method::POST, "/v1/workspaces/demo/agent/attempts"))
        }
        ("POST", "/v1/workspaces/{workspace}/agent/session") => {
            let shape = Shape {
                good: json!({ "attempt": attempt(chance), "verifier": "v" }),
                texts: &["/attempt", "/verifier"],
                strict: true,
                limit: 8 * 1024,
                typed: true,
            };
            broken(chance, &shape, server.panel(Method::POST, "/v1/workspaces/demo/agent/session"))
        }
        ("POST", "/v1/workspaces/{workspace}/dips") => {
            let shape = Shape {
                good: json!({ "Details": { "ContactData": { "ContactId": "c" }, "Parameters": {
                    "sf_operation": "lookup", "sf_object": "Contact", "sf_fields": "Id",
                    "Email": { "not": "a value" } } } }),
                texts: &["/Details/Parameters/sf_operation", "/Details/Parameters/sf_object"],
                strict: false,
                limit: 64 * 1024,
                typed: true,
            };
            let request = server.post("/v1/workspaces/demo/dips").bearer_auth("sandbox-dip-key");
            broken(chance, &shape, request)
        }
        ("POST", "/v1/connections/{connection}/deliveries") if chance.below(2) == 0 => {
            let shape = Shape {
                good: json!({ "id": "e", "detail-type": 7, "detail": "x", "source": "aws.connect" }),
                texts: &["/id", "/source"],
                strict: false,
                limit: 1024 * 1024,
                typed: false,
            };
            let request = server.post("/v1/connections/connect/deliveries");
            broken(chance, &shape, request.header("x-tieline-key", "sandbox-eventbridge-key"))
        }
        ("POST", "/v1/connections/{connection}/deliveries") => {
            let shape = Shape {
                good: json!({ "requestId": "r", "records": 7 }),
                texts: &["/requestId"],
                strict: false,
                limit: 8 * 1024 * 1024,
                typed: false,
            };
            let request = server.post("/v1/connections/connect/deliveries");
            broken(chance, &shape, request.header("x-amz-firehose-access-key", "sandbox-firehose-key"))
        }
        ("GET", "/v1/workspaces/{workspace}/contacts") => {
            let name =
                *chance.pick(&["limit", "state", "since", "until", "after", "nobody-knows", "limit[]"]);
            let value = nonsense(chance);
            let path = format!("/v1/workspaces/demo/contacts?{name}=!{value}");
            (path.clone(), server.get(&path).bearer_auth("sandbox-dip-key"))
        }
        ("GET", "/v1/workspaces/{workspace}/contacts/{contact}") => {
            let long = "x".repeat(chance.below(400));
            let path = format!("/v1/workspaces/demo/contacts/{}{long}", nonsense(chance));
            (path.clone(), server.get(&path).bearer_auth("sandbox-dip-key"))
        }
        ("POST", "/v1/workspaces/{workspace}/recordings/callback") => {
            let body = chance.nasty();
            let request =
                server.post("/v1/workspaces/demo/recordings/callback").bearer_auth("sandbox-dip-key");
            (body.clone(), request.body(body))
        }
        ("GET", path) if path.contains("/contacts/{contact}/recordings") => {
            let path = path.replace("{workspace}", "demo").replace("{contact}", &nonsense(chance));
            let path = path.replace("{recording}", &nonsense(chance));
            let cookie = format!("__Host-tieline-demo={}", nonsense(chance));
            match chance.below(2) {
                0 => (path.clone(), server.get(&path).bearer_auth("sandbox-dip-key")),
                _ => (path.clone(), server.get(&path).header("cookie", cookie)),
            }
        }
        ("GET", "/v1/workspaces/{workspace}/agent/attempts/{attempt}") => {
            let path = format!("/v1/workspaces/demo/agent/attempts/{}", nonsense(chance));
            (path.clone(), server.panel(Method::GET, &path))
        }
        ("GET" | "DELETE", "/v1/workspaces/{workspace}/agent/session")
        | ("POST", "/v1/workspaces/{workspace}/agent/tickets") => {
            let path = path.replace("{workspace}", if chance.below(2) == 0 { "demo" } else { "nobody" });
            let request = server.panel(method.clone(), &path);
            let cookie = format!("__Host-tieline-demo={}", nonsense(chance));
            (cookie.clone(), request.header("cookie", cookie).body(chance.nasty()))
        }
        ("GET", "/v1/workspaces/{workspace}/agent") => {
            // What comes through an open socket is the socket's own tests' business.
            let request = server.get("/v1/workspaces/demo/agent").header("connection", "upgrade");
            let request = match chance.below(3) {
                0 => request.header("origin", format!("http://{}.example.com", chance.next())),
                1 => request.header("origin", server.origin()).header("upgrade", "websocket"),
                _ => request.header("origin", server.origin()),
            };
            let version = chance.next().to_string();
            let key = percent(&chance.nasty());
            let request = request.header("sec-websocket-version", &version).header("sec-websocket-key", key);
            (format!("upgrade {version}"), request)
        }
        ("GET", "/auth/start") => {
            let names = ["attempt=", "attempt=demo.", "attempt=.", "x=", "attempt[]="];
            let path = format!("/auth/start?{}{}", chance.pick(&names), nonsense(chance));
            (path.clone(), server.get(&path))
        }
        ("GET", "/auth/callback") => {
            let names = ["state=", "code=x&state=demo.", "error=x&state=", "state=a.b.c&code=", "x="];
            let path = format!("/auth/callback?{}{}", chance.pick(&names), nonsense(chance));
            (path.clone(), server.get(&path))
        }
        ("GET", "/panel/{workspace}") => {
            let path = format!("/panel/{}", nonsense(chance));
            (path.clone(), server.get(&path))
        }
        ("GET", "/panel/assets/{path}") => {
            let path = format!("/panel/assets/{}", nonsense(chance));
            (path.clone(), server.get(&path))
        }
        ("GET", "/healthz" | "/readyz" | "/metrics" | "/openapi.json" | "/auth/callback.js") => match chance
            .below(3)
        {
            // These take nothing, so only the method, the name of the host, and what follows can be wrong.
            0 => {
                let method = *chance.pick(&["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "PROPFIND"]);
                (method.into(), server.request(method.parse().unwrap(), path).body(chance.nasty()))
            }
            1 => {
                let host = format!("host{}.example.com", chance.next());
                (host.clone(), server.get(path).header("host", host))
            }
            _ => {
                let path = format!("{path}/{}", nonsense(chance));
                (path.clone(), server.get(&path))
            }
        },
        _ => panic!("{method} {path}: say here what a bad request for it is"),
    }
}

/// Any text as one part of an address.
fn percent(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

/// Everything that is stored, row by row.
pub fn dump(server: &Server) -> Vec<String> {
    let db = rusqlite::Connection::open(server.state.config.database()).unwrap();
    let mut tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let names: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut rows = Vec::new();
    for name in names {
        let mut select = db.prepare(&format!("SELECT * FROM \"{name}\"")).unwrap();
        let columns = select.column_count();
        let mut found = select.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let values: Vec<rusqlite::types::Value> = (0..columns).map(|at| row.get(at).unwrap()).collect();
            rows.push(format!("{name}: {values:?}"));
        }
    }
    rows
}

#[tokio::test]
async fn garbage_gets_a_listed_code_and_changes_nothing() {
    let server = Server::start().await;
    let good =
        json!({ "id": "e-1", "detail-type": "Amazon Connect Contact Event", "detail": { "contactId": "c" } });
    let kept =
        server.post("/v1/connections/connect/deliveries").header("x-tieline-key", "sandbox-eventbridge-key");
    assert_eq!(Answer::of(kept.json(&good)).await.status, 200);
    let before = dump(&server);
    assert!(before.iter().any(|row| row.starts_with("delivery: ")));

    let codes: BTreeSet<&str> = Code::all().map(Code::as_str).collect();
    let mut chance = Chance(2026);
    for (method, path) in operations() {
        for _ in 0..EACH {
            let (what, request) = bad(&mut chance, &server, &method, &path);
            let answer = Answer::of(request).await;
            assert!(answer.status.is_client_error(), "{method} {path}, {what}: {answer:?}");
            let code = match answer.json().get("errorMessage").and_then(Value::as_str) {
                Some(message) => message.split(':').next().unwrap().to_owned(),
                None => answer.problem(),
            };
            assert!(codes.contains(code.as_str()), "{method} {path}, {what}: {answer:?}");
        }
    }

    assert_eq!(Answer::of(server.get("/healthz")).await.status, 200);
    assert_eq!(dump(&server), before);
}
