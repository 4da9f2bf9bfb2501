use std::sync::LazyLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::percent_decode_str;
use rsa::pkcs8::{EncodePrivateKey as _, LineEnding};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use secrecy::SecretString;
use sha1::{Digest as _, Sha1};
use sha2::{Digest, Sha256};
use tieline_amazon_connect::recordings::Layout;
use tieline_aws::{AwsKeys, Presign, S3Host, playable_by_browsers, presign as sign, sign_cloudfront};
use tieline_core::hex;
use url::Url;

use crate::input::{parts, text};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const ID: &str = "AKIDEXAMPLE";

/// A signed address leads to the bucket's own host, to the very key and nowhere else, and its signature
/// is the one that somebody else computes. (`key`, `bucket`, `region`, `token`, name and value of the query)
pub fn presign(data: &[u8]) {
    let input = text(data);
    let [key, bucket, region, token, name, value] = parts(&input);
    let seconds = i64::try_from(input.len()).unwrap_or_default() * 86_399;
    let at = Timestamp::constant(1_705_323_600, 0)
        .checked_add(jiff::SignedDuration::from_secs(seconds))
        .unwrap_or(Timestamp::UNIX_EPOCH);
    let keys = AwsKeys {
        access_key_id: ID.into(),
        secret_access_key: SecretString::from(SECRET),
        session_token: (!token.is_empty()).then(|| SecretString::from(token)),
    };
    let region = if region.is_empty() { "eu-central-1" } else { region };
    for (host, bucket) in [
        (S3Host::Regional, bucket),
        (S3Host::Regional, "connect-0123456789ab"),
        (S3Host::Global, "my.dotted.bucket"),
        (S3Host::Endpoint("http://127.0.0.1:9000"), bucket),
    ] {
        let query: &[(&str, &str)] = if name.is_empty() { &[] } else { &[(name, value)] };
        let expires = Duration::from_secs(300);
        let what = Presign { keys: &keys, region, host, bucket, key, query, at, expires };
        if let Ok(address) = sign(&what) {
            leads_to(&address, &what);
            assert_eq!(signature(&address, region, at), parameter(&address, "X-Amz-Signature"), "{address}");
        }
    }
    recording(key);
    if data.len() % 16 == 3 {
        cloudfront(key, bucket, name);
    }
}

fn leads_to(address: &str, what: &Presign<'_>) {
    let url = Url::parse(address).expect("an address");
    let host = url.host_str().expect("a host");
    match what.host {
        S3Host::Endpoint(_) => assert_eq!((host, url.port()), ("127.0.0.1", Some(9000)), "{address}"),
        _ => assert!(
            host.ends_with(".amazonaws.com")
                || host.ends_with(".amazonaws.com.cn")
                || host == "s3.amazonaws.com",
            "{address}"
        ),
    }
    assert_eq!((url.username(), url.password(), url.fragment()), ("", None, None), "{address}");
    assert!(!address.contains(SECRET), "{address}");
    let (path, query) = split(address);
    let path_style = !host.starts_with(&format!("{}.s3.", what.bucket));
    let path = path.strip_prefix('/').expect("a path");
    let encoded = if path_style {
        path.strip_prefix(what.bucket).and_then(|path| path.strip_prefix('/')).expect("the bucket")
    } else {
        path
    };
    let decoded = percent_decode_str(encoded).decode_utf8().expect("UTF-8");
    assert_eq!(decoded, what.key, "{address}");
    if playable_by_browsers(what.key) {
        assert_eq!(url.path().strip_prefix('/'), Some(path), "a browser keeps {address}");
    }
    assert!(query.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%=&".contains(&b)), "{address}");
    for (name, value) in what.query {
        let found = url.query_pairs().next().expect("a query");
        assert_eq!((found.0.as_ref(), found.1.as_ref()), (*name, *value), "{address}");
    }
}

/// Path and query as they stand in an address.
fn split(address: &str) -> (&str, &str) {
    let (_, rest) = address.split_once("://").expect("a scheme");
    let (path, query) = rest.split_once('?').expect("a query");
    (&path[path.find('/').expect("a path")..], query)
}

fn parameter<'a>(address: &'a str, name: &str) -> &'a str {
    let (_, query) = split(address);
    let of = |pair: &'a str| pair.split_once('=').filter(|(found, _)| *found == name).map(|(_, value)| value);
    query.rsplit('&').find_map(of).unwrap_or_default()
}

/// Signature Version 4 of a GET by its query, written down a second time.
///
/// ("Amazon S3 API Reference", "Authenticating Requests: Using Query Parameters", read 2026-11-21.)
fn signature(address: &str, region: &str, at: Timestamp) -> String {
    let (path, query) = split(address);
    let mut pairs: Vec<(&str, &str)> = query
        .split('&')
        .map(|pair| pair.split_once('=').expect("a value"))
        .filter(|(name, _)| *name != "X-Amz-Signature")
        .collect();
    pairs.sort_unstable();
    let query: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let (_, rest) = address.split_once("://").expect("a scheme");
    let host = &rest[..rest.find('/').expect("a path")];
    let request = format!(
        "GET\n{path}\n{}\nhost:{}\n\nhost\nUNSIGNED-PAYLOAD",
        query.join("&"),
        host.to_ascii_lowercase()
    );
    let at = TimeZone::UTC.to_datetime(at);
    let (day, time) = (at.strftime("%Y%m%d").to_string(), at.strftime("%Y%m%dT%H%M%SZ"));
    let scope = format!("{day}/{region}/s3/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request.as_bytes())));
    let key = [day.as_str(), region, "s3", "aws4_request"]
        .iter()
        .fold(format!("AWS4{SECRET}").into_bytes(), |key, step| hmac(&key, step.as_bytes()));
    hex(&hmac(&key, text.as_bytes()))
}

/// HMAC with SHA-256 (RFC 2104), for keys no longer than a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad =
        |with: u8| -> [u8; 64] { std::array::from_fn(|i| key.get(i).copied().unwrap_or_default() ^ with) };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

/// A name that lies outside of the instance's folders is nobody's recording, and one that is given out
/// is played as it was signed.
fn recording(key: &str) {
    let layout = Layout::new("connect/acme/CallRecordings", None);
    if layout.holds(key) {
        assert!(playable_by_browsers(key), "{key}");
        assert!(
            key.starts_with("connect/acme/CallRecordings/") || key.starts_with("Analysis/Voice/Redacted/"),
            "{key}"
        );
    }
    if let Some(read) = layout.read(key) {
        assert!(layout.holds(key), "{key}");
        assert!(key.contains(&read.contact), "{key}");
        assert_eq!(read.redacted, key.starts_with("Analysis/"), "{key}");
    }
}

/// Small, since only its form counts here.
static KEY: LazyLock<(RsaPrivateKey, String)> = LazyLock::new(|| {
    let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 512).expect("a key");
    let pem = key.to_pkcs8_pem(LineEnding::LF).expect("a key's text").to_string();
    (key, pem)
});

fn cloudfront(path: &str, domain: &str, key_pair: &str) {
    let until = Timestamp::constant(1_705_325_696, 0);
    assert!(sign_cloudfront("d1.cloudfront.net", path, until, key_pair, domain).is_err(), "no key: {domain}");
    let (key, pem) = &*KEY;
    for domain in ["d111111abcdef8.cloudfront.net", domain] {
        let Ok(address) = sign_cloudfront(domain, path, until, key_pair, pem) else { continue };
        let url = Url::parse(&address).expect("an address");
        assert_eq!(url.scheme(), "https");
        assert_eq!((url.username(), url.password(), url.fragment()), ("", None, None), "{address}");
        let (resource, query) = address.split_once('?').expect("a query");
        let inside = resource.strip_prefix("https://").and_then(|rest| rest.split_once('/')).expect("a path");
        assert!(domain.contains(inside.0), "{address}");
        assert_eq!(percent_decode_str(inside.1).decode_utf8().expect("UTF-8"), path, "{address}");
        let names: Vec<&str> =
            query.split('&').map(|pair| pair.split('=').next().unwrap_or_default()).collect();
        assert_eq!(names, ["Expires", "Signature", "Key-Pair-Id"], "{address}");
        let policy = format!(
            r#"{{"Statement":[{{"Resource":"{resource}","Condition":{{"DateLessThan":{{"AWS:EpochTime":1705325696}}}}}}]}}"#
        );
        let written = parameter(&address, "Signature").replace('-', "+").replace('_', "=").replace('~', "/");
        let signature = STANDARD.decode(written).expect("base64");
        key.to_public_key()
            .verify(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(policy.as_bytes()), &signature)
            .expect("the signature of this policy");
    }
}
