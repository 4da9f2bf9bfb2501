//! Generated nonsense at every address of the simulated vendors: each request is answered (a
//! panic would drop its connection), none with a failure of the server, and the world goes on.
#![allow(clippy::unwrap_used)]

use http::Method;
use serde_json::{Value, json};
use tieline_sandbox::connect::{AmazonConnect, Settings};
use tieline_sandbox::salesforce::{Options, Salesforce};
use tieline_sandbox::{Addresses, SimClock, World};

const EACH: usize = 60;
const VERSION: &str = "/services/data/v62.0";

/// Repeatable chance (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most).unwrap()).unwrap()
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 22] = [
            "'",
            "\"; --",
            "<img src=x>",
            "\0",
            "\u{202e}",
            "../",
            "%00",
            "ß",
            "🦀",
            "\\",
            "O'Neil",
            "null",
            "-1",
            "99999999999999999999",
            "",
            "{",
            "[",
            "1e999",
            "PT1H",
            "-PT1H",
            "P9999999999Y",
            "+12025550143",
        ];
        (0..=self.below(3)).map(|_| PARTS[self.below(PARTS.len())]).collect()
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 | 1 => json!(self.text()),
            2 => Value::Null,
            3 => json!(self.next()),
            4 => json!(-1.5e300),
            5 => json!(true),
            6 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => (0..self.below(4)).map(|_| (self.text(), self.value(depth - 1))).collect(),
        }
    }

    /// Words that belong together, in an order that does not.
    fn phrase(&mut self, words: &[&str]) -> String {
        (0..=self.below(12)).map(|_| words[self.below(words.len())]).collect::<Vec<_>>().join(" ")
    }
}

fn percent(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// JSON whose members are those of `names`, or nothing of the kind.
fn body(chance: &mut Chance, names: &[String]) -> Vec<u8> {
    let members: Value = names.iter().map(|name| (name.clone(), chance.value(3))).collect();
    let text = members.to_string();
    match chance.below(8) {
        0 => text.as_bytes()[..chance.below(text.len())].to_vec(),
        1 => "[".repeat(100 + chance.below(100_000)).into_bytes(),
        2 => chance.value(3).to_string().into_bytes(),
        3 => text
            .replace('a', "\u{1}")
            .into_bytes()
            .into_iter()
            .map(|b| if b == 1 { 0xff } else { b })
            .collect(),
        _ => text.into_bytes(),
    }
}

/// Every control operation: method, path, and the members of its body.
async fn operations(http: &reqwest::Client, base: &str) -> Vec<(Method, String, Vec<String>)> {
    let api: Value =
        http.get(format!("{base}/sandbox/v1/openapi.json")).send().await.unwrap().json().await.unwrap();
    let mut operations = Vec::new();
    for (path, item) in api["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let schema = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str();
            let members = schema.and_then(|schema| api.pointer(schema.trim_start_matches('#')));
            let names = members.and_then(|schema| schema["properties"].as_object());
            let names = names.map(|names| names.keys().cloned().collect()).unwrap_or_default();
            operations.push((method, path.clone(), names));
        }
    }
    operations
}

async fn answered(request: reqwest::RequestBuilder, what: &str) -> u16 {
    let response = request.send().await.unwrap_or_else(|error| panic!("{what:.400}: no answer: {error}"));
    let status = response.status();
    assert!(!status.is_server_error(), "{what:.400}: {status}");
    response.bytes().await.unwrap_or_else(|error| panic!("{what:.400}: {error}"));
    status.as_u16()
}

async fn garble_control(http: &reqwest::Client, base: &str, chance: &mut Chance) {
    for (method, pattern, names) in operations(http, base).await {
        for _ in 0..EACH {
            let mut path = String::new();
            for part in pattern.split('/').skip(1) {
                let part = if part.starts_with('{') { percent(&chance.text()) } else { part.to_owned() };
                path = format!("{path}/{part}");
            }
            let query = percent(&chance.text());
            let body = body(chance, &names);
            let what = format!("{method} {path} {}", String::from_utf8_lossy(&body));
            let request = http.request(method.clone(), format!("{base}{path}?since={query}&x={query}"));
            answered(request.header("x-tieline-sandbox", "1").body(body), &what).await;
        }
    }
    // What was broken on the way is whole again.
    let cleared = http.delete(format!("{base}/sandbox/v1/faults")).header("x-tieline-sandbox", "1");
    assert_eq!(answered(cleared, "clearing faults").await, 204);
}

/// The services that are asked in JSON, signed as they want it.
async fn garble_services(http: &reqwest::Client, base: &str, chance: &mut Chance) {
    let names = ["TranscriptionJobName", "LanguageCode", "Media", "OutputBucketName", "Settings", "Text"];
    let names = names.map(str::to_owned);
    for (service, target) in [
        ("transcribe", "Transcribe.StartTranscriptionJob"),
        ("transcribe", "Transcribe.GetTranscriptionJob"),
        ("comprehend", "Comprehend_20171127.DetectSentiment"),
        ("comprehend", "Comprehend_20171127.DetectKeyPhrases"),
        ("comprehend", "Comprehend_20171127.DetectEntities"),
        ("comprehend", "Comprehend_20171127.DetectDominantLanguage"),
        ("comprehend", "Comprehend_20171127.DetectSyntax"),
    ] {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=A/20261120/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature={}",
            "0".repeat(64)
        );
        for _ in 0..EACH {
            let text = json!({"Text": chance.text(), "LanguageCode": "en"});
            for body in [body(chance, &names), text.to_string().into_bytes()] {
                let what = format!("{target} {}", String::from_utf8_lossy(&body));
                let request = http.post(format!("{base}/{service}")).header("x-amz-target", target);
                let request = request.header("authorization", &authorization).header("x-amz-date", "x");
                answered(request.body(body), &what).await;
            }
        }
    }
}

fn world() -> World {
    let _ = rustls::crypto::ring::default_provider().install_default();
    World::with_clock(1, Addresses::default(), SimClock::frozen("2026-11-20T12:00:00Z".parse().unwrap()))
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

#[tokio::test]
async fn garbage_does_not_stop_the_simulated_instance() {
    let world = world();
    let connect = AmazonConnect::start(&world, ([127, 0, 0, 1], 0).into(), Settings::default()).unwrap();
    let (http, base) = (client(), connect.url());
    let mut chance = Chance(1);
    garble_control(&http, &base, &mut chance).await;
    garble_services(&http, &base, &mut chance).await;
    let call = http.post(format!("{base}/sandbox/v1/calls")).header("x-tieline-sandbox", "1");
    assert_eq!(answered(call.json(&json!({ "from": "+12025550143" })), "a good call").await, 201);
}

#[tokio::test]
async fn garbage_does_not_stop_the_simulated_org() {
    const SOQL: [&str; 24] = [
        "SELECT",
        "Id",
        "FROM",
        "Contact",
        "WHERE",
        "Name",
        "=",
        "'x'",
        "LIKE",
        "AND",
        "OR",
        "NOT",
        "(",
        ")",
        "IN ('a')",
        "LIMIT",
        "99999999999999999999",
        "LAST_N_DAYS:9999999999",
        "N_DAYS_AGO:2147483648",
        "'\\",
        "2026-99-99",
        "💥",
        "\0",
        "COUNT()",
    ];
    const SOSL: [&str; 14] = [
        "{",
        "}",
        "a*",
        "?",
        "\"",
        "IN ALL FIELDS",
        "RETURNING",
        "Contact",
        "(Id",
        ")",
        "\\",
        "AND",
        "💥",
        "\0",
    ];
    const PATHS: [&str; 12] = [
        "/sobjects/Contact",
        "/sobjects/Contact/003000000000001AAA",
        "/sobjects/Interaction__c/Key__c/demo:c",
        "/sobjects/Nope",
        "/composite",
        "/composite/sobjects",
        "/composite/sobjects/Interaction__c/Key__c",
        "/composite/batch",
        "/query/01g-1",
        "/parameterizedSearch",
        "/limits",
        "/sobjects/Task/describe",
    ];
    let world = world();
    let org = Salesforce::start(&world, Options::new(([127, 0, 0, 1], 0).into())).await.unwrap();
    let (http, base) = (client(), org.url());
    let mut chance = Chance(2);
    garble_control(&http, &base, &mut chance).await;

    let session = http.post(format!("{base}/sandbox/v1/sessions")).header("x-tieline-sandbox", "1");
    let session = session.json(&json!({ "username": "admin@example.com" })).send().await.unwrap();
    let token = session.json::<Value>().await.unwrap()["access_token"].as_str().unwrap().to_owned();
    for (resource, start, words) in [
        ("query", "SELECT Id FROM Contact WHERE ", &SOQL[..]),
        ("query", "", &SOQL[..]),
        ("search", "FIND {", &SOSL[..]),
        ("search", "FIND {a} ", &SOSL[..]),
    ] {
        for _ in 0..200 {
            let text = format!("{start}{}", chance.phrase(words));
            let url = format!("{base}{VERSION}/{resource}?q={}", percent(&text));
            answered(http.get(url).bearer_auth(&token), &text).await;
        }
    }
    for deep in [200, 5_000] {
        for (open, close) in [("(", ")"), ("NOT (", ")"), ("NOT ", "")] {
            let text =
                format!("SELECT Id FROM Contact WHERE {}Id='a'{}", open.repeat(deep), close.repeat(deep));
            let url = format!("{base}{VERSION}/query?q={}", percent(&text));
            answered(http.get(url).bearer_auth(&token), &text).await;
        }
    }
    let names =
        ["records", "allOrNone", "compositeRequest", "attributes", "LastName", "Phone", "Id", "Birthdate"];
    let names = names.map(str::to_owned);
    for at in 0..1_200 {
        let path = PATHS[at % PATHS.len()];
        let tail = if chance.below(4) == 0 { format!("/{}", percent(&chance.text())) } else { String::new() };
        let body = body(&mut chance, &names);
        let what = format!("{path}{tail} {}", String::from_utf8_lossy(&body));
        let method = [Method::GET, Method::POST, Method::PATCH, Method::PUT][chance.below(4)].clone();
        let request = http.request(method, format!("{base}{VERSION}{path}{tail}")).bearer_auth(&token);
        answered(request.header("content-type", "application/json").body(body), &what).await;
    }
    let good = http.get(format!("{base}{VERSION}/query?q=SELECT+COUNT()+FROM+Contact")).bearer_auth(&token);
    let counted: Value = good.send().await.unwrap().json().await.unwrap();
    assert!(counted["totalSize"].as_u64().unwrap() >= 40, "{counted}");
}
