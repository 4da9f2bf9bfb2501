//! AWS as far as the recorded functions use it, scripted from a vector's `aws` member: Secrets
//! Manager, S3 by path, Connect, Transcribe and Comprehend. Everything asked is remembered in the
//! words the vectors have for it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::stand_in::{Reply, Seen, StandIn};

/// One call as `aws_calls` has it.
#[derive(Debug, Clone)]
pub struct AwsCall {
    /// For example `s3.put_object`.
    pub operation: String,
    pub parameters: Value,
}

pub struct Aws {
    server: StandIn,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    secret: Value,
    /// By `bucket/key`.
    objects: BTreeMap<String, Object>,
    replies: Map<String, Value>,
    calls: Vec<AwsCall>,
    puts: usize,
}

#[derive(Clone)]
struct Object {
    bytes: Vec<u8>,
    metadata: Map<String, Value>,
    etag: String,
}

impl Aws {
    pub async fn start(script: &Value) -> Self {
        let mut world = World { secret: script["secret"].clone(), ..World::default() };
        for (place, object) in script["s3"].as_object().into_iter().flatten() {
            let bytes = if let Some(text) = object["text"].as_str() {
                text.as_bytes().to_vec()
            } else if let Some(text) = object["b64"].as_str() {
                STANDARD.decode(text).unwrap()
            } else {
                object["json"].to_string().into_bytes()
            };
            world.put(place, bytes, object["metadata"].as_object().cloned().unwrap_or_default());
        }
        if let Some(replies) = script["responses"].as_object() {
            world.replies = replies.clone();
        }
        let world = Arc::new(Mutex::new(world));
        let of_server = Arc::clone(&world);
        let server = StandIn::start(move |request| of_server.lock().unwrap().answer(request)).await;
        Self { server, world }
    }

    /// Where it is, in the SDK's two spellings.
    pub fn variables(&self, one_endpoint: bool) -> Vec<(String, String)> {
        let services: &[&str] = if one_endpoint {
            &[""]
        } else {
            &["_SECRETS_MANAGER", "_S3", "_CONNECT", "_TRANSCRIBE", "_COMPREHEND"]
        };
        let url = self.server.url().to_string();
        let endpoints = services.iter().map(|service| (format!("AWS_ENDPOINT_URL{service}"), url.clone()));
        let keys = [("AWS_ACCESS_KEY_ID", "dummy"), ("AWS_SECRET_ACCESS_KEY", "dummy")];
        endpoints.chain(keys.map(|(name, value)| (name.into(), value.into()))).collect()
    }

    pub fn calls(&self) -> Vec<AwsCall> {
        self.world.lock().unwrap().calls.clone()
    }

    /// What an object holds now, by `bucket/key`.
    pub fn object(&self, place: &str) -> Option<(Vec<u8>, Map<String, Value>)> {
        let world = self.world.lock().unwrap();
        world.objects.get(place).map(|object| (object.bytes.clone(), object.metadata.clone()))
    }
}

impl World {
    fn answer(&mut self, request: &Seen) -> Reply {
        match signed_for(request).as_deref() {
            Some("s3") => self.s3(request),
            Some("connect") => self.connect(request),
            _ => match request.header("x-amz-target").map(str::to_owned) {
                Some(target) => self.target(&target, request),
                None => refused(400, "UnknownOperationException", "nothing of that kind is scripted"),
            },
        }
    }

    fn remember(&mut self, operation: &str, parameters: Value) {
        self.calls.push(AwsCall { operation: operation.to_owned(), parameters });
    }

    /// The JSON protocols that name the operation in a header.
    fn target(&mut self, target: &str, request: &Seen) -> Reply {
        let (service, operation) = target.split_once('.').unwrap_or((target, ""));
        let service = service.split('_').next().unwrap_or_default().to_lowercase();
        let service = service.strip_prefix("aws").unwrap_or(&service);
        let operation = format!("{service}.{}", snake(operation));
        self.remember(&operation, request.json());
        match operation.as_str() {
            "secretsmanager.get_secret_value" => Reply::Json(
                200,
                json!({ "ARN": "arn", "Name": "sf", "VersionId": "v", "SecretString": self.secret.to_string() }),
            ),
            "secretsmanager.put_secret_value" => refused(400, "AccessDeniedException", "no"),
            _ => self.scripted(&operation),
        }
    }

    /// "Amazon Connect Service API Reference", actions ListQueues, GetCurrentMetricData,
    /// GetContactAttributes and UpdateContactAttributes, read 2026-11-21.
    fn connect(&mut self, request: &Seen) -> Reply {
        let pieces: Vec<&str> = request.path.split('/').skip(1).collect();
        let mut parameters = if request.body.is_empty() { json!({}) } else { request.json() };
        let all = |name: &str| -> Vec<&str> {
            request.query.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str()).collect()
        };
        let operation = match (request.method.as_str(), pieces.as_slice()) {
            ("GET", ["queues-summary", instance]) => {
                parameters["InstanceId"] = json!(instance);
                if !all("queueTypes").is_empty() {
                    parameters["QueueTypes"] = json!(all("queueTypes"));
                }
                if let Some(most) = all("maxResults").first() {
                    parameters["MaxResults"] = json!(most.parse::<u32>().unwrap());
                }
                if let Some(token) = all("nextToken").first() {
                    parameters["NextToken"] = json!(token);
                }
                "connect.list_queues"
            }
            ("POST", ["metrics", "current", instance]) => {
                parameters["InstanceId"] = json!(instance);
                "connect.get_current_metric_data"
            }
            ("GET", ["contact", "attributes", instance, contact]) => {
                parameters = json!({ "InstanceId": instance, "InitialContactId": contact });
                "connect.get_contact_attributes"
            }
            ("POST", ["contact", "attributes"]) => "connect.update_contact_attributes",
            _ => return refused(404, "ResourceNotFoundException", "nothing of that kind is scripted"),
        };
        self.remember(operation, parameters);
        self.scripted(operation)
    }

    /// The next scripted reply; one marked sticky, or the last one before `"$sticky"`, again and again.
    fn scripted(&mut self, operation: &str) -> Reply {
        let over = || refused(400, "ScriptIsOverException", "nothing further is scripted");
        let Some(replies) = self.replies.get_mut(operation).and_then(Value::as_array_mut) else {
            return over();
        };
        let Some(first) = replies.first().cloned() else { return over() };
        // Who is throttled is so at the next attempt as well.
        let throttled = first["$error"].as_str() == Some("TooManyRequestsException") && replies.len() == 1;
        let sticky = throttled || first.get("$sticky").is_some() || replies.get(1) == Some(&json!("$sticky"));
        if !sticky {
            replies.remove(0);
        }
        if let Some(code) = first["$error"].as_str() {
            return refused(400, code, first["$message"].as_str().unwrap_or_default());
        }
        Reply::Json(200, spelled(first))
    }

    /// Objects by path, with what our client and others send. ("Amazon S3 API Reference", GetObject,
    /// HeadObject, PutObject, ListObjectsV2 and "Conditional writes", read 2026-11-21.)
    fn s3(&mut self, request: &Seen) -> Reply {
        let place = request.path.trim_start_matches('/').to_owned();
        let (bucket, key) = place.split_once('/').unwrap_or((&place, ""));
        let mut parameters = json!({ "Bucket": bucket, "Key": key });
        let found = self.objects.get(&place).cloned();
        match request.method.as_str() {
            "GET" if key.is_empty() => {
                let asked = request.query.iter().find(|(name, _)| name == "prefix");
                let prefix = asked.map_or("", |(_, prefix)| prefix.as_str()).to_owned();
                self.remember("s3.list_objects_v2", json!({ "Bucket": bucket, "Prefix": prefix }));
                self.list(bucket, &prefix)
            }
            "GET" => {
                self.remember("s3.get_object", parameters);
                found.map_or_else(no_such_key, |object| object_reply(&object, true))
            }
            "HEAD" => {
                self.remember("s3.head_object", parameters);
                match found {
                    Some(object) => object_reply(&object, false),
                    None => Reply::Bytes(404, Vec::new(), Vec::new()),
                }
            }
            "PUT" => {
                let metadata: Map<String, Value> = request
                    .headers
                    .iter()
                    .filter_map(|(name, value)| {
                        let name = name.as_str().strip_prefix("x-amz-meta-")?;
                        Some((name.to_owned(), json!(value.to_str().unwrap())))
                    })
                    .collect();
                parameters["Body"] = json!(String::from_utf8_lossy(&request.body));
                parameters["Metadata"] = metadata.clone().into();
                self.remember("s3.put_object", parameters);
                let etag = found.map(|object| object.etag);
                let refuses = (request.header("if-none-match") == Some("*") && etag.is_some())
                    || request.header("if-match").is_some_and(|asked| etag.as_deref() != Some(asked));
                if refuses {
                    return xml(412, "PreconditionFailed");
                }
                self.put(&place, request.body.to_vec(), metadata);
                let etag = self.objects[&place].etag.clone();
                Reply::Bytes(200, vec![("etag".into(), etag)], Vec::new())
            }
            "DELETE" => {
                self.remember("s3.delete_object", parameters);
                self.objects.remove(&place);
                Reply::Bytes(204, Vec::new(), Vec::new())
            }
            _ => xml(405, "MethodNotAllowed"),
        }
    }

    fn put(&mut self, place: &str, bytes: Vec<u8>, metadata: Map<String, Value>) {
        self.puts += 1;
        let etag = format!("\"{:032x}\"", self.puts);
        self.objects.insert(place.to_owned(), Object { bytes, metadata, etag });
    }

    fn list(&self, bucket: &str, prefix: &str) -> Reply {
        let start = format!("{bucket}/{prefix}");
        let mut objects = String::new();
        for (place, object) in self.objects.iter().filter(|(place, _)| place.starts_with(&start)) {
            let key = place[bucket.len() + 1..].replace('&', "&amp;").replace('<', "&lt;");
            let (etag, size) = (object.etag.replace('"', "&quot;"), object.bytes.len());
            let _ = write!(
                objects,
                "<Contents><Key>{key}</Key><LastModified>2024-02-28T10:00:00.000Z</LastModified>\
                 <ETag>{etag}</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            );
        }
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
             <ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>{bucket}</Name>\
             <Prefix>{prefix}</Prefix><IsTruncated>false</IsTruncated>{objects}</ListBucketResult>"
        );
        Reply::Text(200, "application/xml", text)
    }
}

/// The service a request was signed for.
fn signed_for(request: &Seen) -> Option<String> {
    let scope = request.authorization()?.split_once("Credential=")?.1.split([',', ' ']).next()?;
    scope.split('/').nth(3).map(str::to_owned)
}

fn object_reply(object: &Object, whole: bool) -> Reply {
    let mut headers = vec![
        ("etag".to_owned(), object.etag.clone()),
        ("last-modified".into(), "Wed, 28 Feb 2024 10:00:00 GMT".into()),
        ("content-type".into(), "application/octet-stream".into()),
    ];
    for (name, value) in &object.metadata {
        headers.push((format!("x-amz-meta-{}", name.to_lowercase()), value.as_str().unwrap().to_owned()));
    }
    if !whole {
        headers.push(("content-length".into(), object.bytes.len().to_string()));
    }
    Reply::Bytes(200, headers, if whole { object.bytes.clone() } else { Vec::new() })
}

fn no_such_key() -> Reply {
    xml(404, "NoSuchKey")
}

fn xml(status: u16, code: &str) -> Reply {
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code></Error>");
    Reply::Text(status, "application/xml", text)
}

fn refused(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({ "__type": code, "message": message });
    Reply::With(status, body, "x-amzn-errortype", code.to_owned())
}

/// `GetSecretValue` as `get_secret_value`.
fn snake(name: &str) -> String {
    let mut text = String::new();
    for (at, letter) in name.char_indices() {
        if letter.is_uppercase() && at > 0 {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Without the script's own members, times as seconds as the JSON protocols have them.
fn spelled(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            if let Some(text) = members.get("$datetime").and_then(Value::as_str) {
                let time: jiff::Timestamp = text.parse().unwrap();
                #[allow(clippy::cast_precision_loss, reason = "milliseconds of this century fit")]
                return json!(time.as_millisecond() as f64 / 1000.0);
            }
            members
                .into_iter()
                .filter(|(name, _)| name != "$sticky")
                .map(|(name, value)| (name, spelled(value)))
                .collect::<Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.into_iter().map(spelled).collect(),
        other => other,
    }
}
