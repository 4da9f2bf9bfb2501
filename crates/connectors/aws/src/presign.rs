//! Addresses that let their holder GET one object for a while (recordings.md §5).

use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, utf8_percent_encode};

use crate::client::SEGMENT;
use crate::service::dns_suffix;
use crate::sign::{self, Scope};
use crate::{AwsError, AwsKeys};

const PATH: &AsciiSet = &SEGMENT.remove(b'/');

/// What AWS itself allows: seven days ("Amazon S3 User Guide", "Sharing objects with presigned
/// URLs", read 2026-11-21). What we give out is far shorter.
pub const fn longest_life() -> Duration {
    Duration::from_secs(604_800)
}

/// Which host an address names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum S3Host<'a> {
    /// `<bucket>.s3.<region>.amazonaws.com`; path style for a dotted name, which no wildcard
    /// certificate covers, and for an old one that is no label (capitals, `_`, very long).
    Regional,
    /// As botocore does it in `us-east-1`: `<bucket>.s3.amazonaws.com`.
    Global,
    /// A server of one's own, path style: `http://127.0.0.1:9000`.
    Endpoint(&'a str),
}

/// What is signed.
#[derive(Debug, Clone, Copy)]
pub struct Presign<'a> {
    pub keys: &'a AwsKeys,
    pub region: &'a str,
    pub host: S3Host<'a>,
    pub bucket: &'a str,
    /// As S3 knows it, not encoded. Empty for the bucket itself (a list).
    pub key: &'a str,
    /// Signed with the rest: `response-content-type` and its like.
    pub query: &'a [(&'a str, &'a str)],
    pub at: Timestamp,
    /// Whole seconds, 1 to [`longest_life`].
    pub expires: Duration,
}

/// Signs; no call is made.
///
/// The address is to be used as it is: a client that decodes `%3A` or folds `..` breaks the
/// signature, see [`playable_by_browsers`].
pub fn presign(what: &Presign<'_>) -> Result<String, AwsError> {
    if what.expires < Duration::from_secs(1) || what.expires > longest_life() {
        return Err(AwsError::Refused {
            status: 400,
            code: "AuthorizationQueryParametersError".into(),
            message: "an address lives one second to seven days".into(),
        });
    }
    let mut url = address(what.host, what.region, what.bucket)?;
    url.push('/');
    url.extend(utf8_percent_encode(what.key, PATH));
    let mut separator = '?';
    let mut add = |url: &mut String, name: &str, value: &str| {
        url.push(separator);
        url.extend(utf8_percent_encode(name, SEGMENT));
        url.push('=');
        url.extend(utf8_percent_encode(value, SEGMENT));
        separator = '&';
    };
    for (name, value) in what.query {
        add(&mut url, name, value);
    }
    let scope = Scope { keys: what.keys, region: what.region, service: "s3", at: what.at };
    let expires = Duration::from_secs(what.expires.as_secs());
    // The signer writes a token after the signature; the signature stands last, as everybody writes it.
    let mut signed = sign::query(&scope, &url, expires)?;
    signed.sort_by_key(|(name, _)| *name == "X-Amz-Signature");
    for (name, value) in signed {
        add(&mut url, name, &value);
    }
    Ok(url)
}

/// The bucket's own address, without a slash at its end.
///
/// # Errors
///
/// [`AwsError::Refused`] for a bucket or a region that is none: events name them, and `x#` would make
/// `x` the host that our signature, and the session's token, are sent to.
pub(crate) fn address(host: S3Host<'_>, region: &str, bucket: &str) -> Result<String, AwsError> {
    if !is_bucket(bucket) || !is_region(region) {
        return Err(AwsError::Refused {
            status: 400,
            code: "InvalidBucketName".into(),
            message: "the bucket or its region has no name that one can have".into(),
        });
    }
    let suffix = dns_suffix(region);
    let (scheme, host) = match host {
        S3Host::Endpoint(endpoint) => return Ok(format!("{}/{bucket}", endpoint.trim_end_matches('/'))),
        S3Host::Regional => ("https://", format!("s3.{region}.{suffix}")),
        S3Host::Global => ("https://", format!("s3.{suffix}")),
    };
    Ok(if is_label(bucket) { format!("{scheme}{bucket}.{host}") } else { format!("{scheme}{host}/{bucket}") })
}

/// Whether a name can stand in front of a host's: clients write capitals small there, and the signature
/// is of what was written.
fn is_label(bucket: &str) -> bool {
    bucket.len() <= 63
        && bucket.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Old buckets have long names, capitals and `_`; all begin and end with a letter or a digit.
///
/// ("Amazon S3 User Guide", "Bucket naming rules", read 2026-11-21.)
fn is_bucket(name: &str) -> bool {
    let bytes = name.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(first, last)| first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric())
        && bytes.len() <= 255
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}

fn is_region(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 63
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// Whether a browser sends an address of `key` as it was signed: it folds `.` and `..`, and some
/// clients fold `//` (recordings.md §5, note on P7).
pub fn playable_by_browsers(key: &str) -> bool {
    !key.is_empty() && key.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;

    const K: &str =
        "connect/acme/CallRecordings/2024/01/15/0123abcd-4567-89ab-cdef-0123456789ab_20240115T12:30_UTC.wav";
    const K_PATH: &str = "/connect/acme/CallRecordings/2024/01/15/0123abcd-4567-89ab-cdef-0123456789ab_20240115T12%3A30_UTC.wav";
    const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEaCXVzLWVhc3QtMSJH+token/with=chars==";

    struct Vector {
        id: &'static str,
        region: &'static str,
        host: S3Host<'static>,
        bucket: &'static str,
        key: &'static str,
        query: &'static [(&'static str, &'static str)],
        token: bool,
        expires: u64,
        address: &'static str,
        signature: &'static str,
    }

    const ORDINARY: Vector = Vector {
        id: "",
        region: "us-east-1",
        host: S3Host::Regional,
        bucket: "connect-0123456789ab",
        key: K,
        query: &[],
        token: false,
        expires: 300,
        address: "",
        signature: "",
    };

    /// recordings.md §5: made by botocore 1.44.5 with a frozen clock (P1r by an implementation of
    /// its own), and all derived a second time.
    fn vectors() -> Vec<Vector> {
        use S3Host::Global;
        vec![
            Vector {
                id: "P1",
                host: Global,
                address: "connect-0123456789ab.s3.amazonaws.com{K}",
                signature: "5d2d9b48a7aaba693e37af34cdb12b28fcc4ce6d5c80cd62bd5223e9cc395b1f",
                ..ORDINARY
            },
            Vector {
                id: "P1r",
                address: "connect-0123456789ab.s3.us-east-1.amazonaws.com{K}",
                signature: "b5ed635572fa9834886fda06730f77db13928814206282ca49bf5117189be4de",
                ..ORDINARY
            },
            Vector {
                id: "P2",
                region: "ap-southeast-2",
                expires: 900,
                address: "connect-0123456789ab.s3.ap-southeast-2.amazonaws.com{K}",
                signature: "7dc826170dfc160678f81200e6591e683ac787f4efb3ca455678ec83b171d521",
                ..ORDINARY
            },
            Vector {
                id: "P3",
                region: "eu-central-1",
                token: true,
                expires: 60,
                address: "connect-0123456789ab.s3.eu-central-1.amazonaws.com{K}",
                signature: "614f2c2b6a3e6f50eb97b6217e74d3132d5c737352925454012472f831bd48d1",
                ..ORDINARY
            },
            Vector {
                id: "P4",
                region: "us-west-2",
                key: "connect/acme/CallRecordings/2024/01/15/name with space.wav",
                address: "connect-0123456789ab.s3.us-west-2.amazonaws.com/connect/acme/CallRecordings/2024/01/15/name%20with%20space.wav",
                signature: "ce959b55dd18ca95c9d36d7fe82c1ab0bc4dddae176de33ecf2a840583d505ed",
                ..ORDINARY
            },
            Vector {
                id: "P5",
                region: "us-west-2",
                key: "connect/acme/CallRecordings/100%/a+b=c&d?e#f.wav",
                address: "connect-0123456789ab.s3.us-west-2.amazonaws.com/connect/acme/CallRecordings/100%25/a%2Bb%3Dc%26d%3Fe%23f.wav",
                signature: "0f04b1899d3a1639e12a1f951a4df727764fdc48f71a4e922c84a95a90ae6996",
                ..ORDINARY
            },
            Vector {
                id: "P6",
                region: "eu-west-2",
                key: "connect/Gr\u{fc}\u{df}e/\u{9332}\u{97f3}/\u{e9}_20240115T12:30_UTC.wav",
                address: "connect-0123456789ab.s3.eu-west-2.amazonaws.com/connect/Gr%C3%BC%C3%9Fe/%E9%8C%B2%E9%9F%B3/%C3%A9_20240115T12%3A30_UTC.wav",
                signature: "869593599ed5049f3406567f7cf714db1f6e861e557ef33f43cecf1b315d2ac0",
                ..ORDINARY
            },
            Vector {
                id: "P7",
                host: Global,
                key: "connect/a//b/../c/./~x_(1)!'*$@,;:.wav",
                address: "connect-0123456789ab.s3.amazonaws.com/connect/a//b/../c/./~x_%281%29%21%27%2A%24%40%2C%3B%3A.wav",
                signature: "db0b3854c19fb4b10d5a56980d471a377466e37b1d34527ed7305b45f1f157b9",
                ..ORDINARY
            },
            Vector {
                id: "P8",
                host: Global,
                key: "connect/already%20encoded%3A.wav",
                address: "connect-0123456789ab.s3.amazonaws.com/connect/already%2520encoded%253A.wav",
                signature: "ccc34240ed8d0f916cb665e12176b11cad29b6d09229209081afa92ba7c82dfd",
                ..ORDINARY
            },
            Vector {
                id: "P9",
                host: Global,
                bucket: "my.dotted.bucket",
                address: "s3.amazonaws.com/my.dotted.bucket{K}",
                signature: "9dec85287105c4c4f7d846049c9c0c58a37949010ce6d182d69259b7bc7148f7",
                ..ORDINARY
            },
            Vector {
                id: "P10",
                region: "ca-central-1",
                query: &[
                    ("response-content-disposition", "attachment; filename=\"call 1.wav\""),
                    ("response-content-type", "audio/wav"),
                ],
                expires: 604_800,
                address: "connect-0123456789ab.s3.ca-central-1.amazonaws.com{K}",
                signature: "32582069047420f342816abd9fa73f52a1cf814021234070a98fb0638a376c1d",
                ..ORDINARY
            },
            Vector {
                id: "P11",
                region: "us-gov-west-1",
                token: true,
                address: "connect-0123456789ab.s3.us-gov-west-1.amazonaws.com{K}",
                signature: "36c154e88751cd0ab120c7877e7b9ee92e9388aee7c0c448041aa28596a18842",
                ..ORDINARY
            },
            Vector {
                id: "P12",
                region: "cn-north-1",
                address: "connect-0123456789ab.s3.cn-north-1.amazonaws.com.cn{K}",
                signature: "cb95a8a18319433905a7a36ac06dd39f7f070ed2837f5595b5f35e2c707091e0",
                ..ORDINARY
            },
            Vector {
                id: "L1",
                region: "ap-southeast-2",
                key: "",
                query: &[
                    ("list-type", "2"),
                    ("prefix", "connect/acme/CallRecordings/2024/01/15/0123abcd-4567-89ab-cdef-0123456789ab"),
                    ("max-keys", "10"),
                    ("encoding-type", "url"),
                ],
                expires: 60,
                address: "connect-0123456789ab.s3.ap-southeast-2.amazonaws.com/",
                signature: "31ce10aec7bf62d93dc166d10c6e5f43552bc4f5d23c06430dd3acc8a3f06e83",
                ..ORDINARY
            },
        ]
    }

    fn keys(token: bool) -> AwsKeys {
        AwsKeys {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: SecretString::from("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session_token: token.then(|| SecretString::from(TOKEN)),
        }
    }

    fn signed(vector: &Vector) -> String {
        presign(&Presign {
            keys: &keys(vector.token),
            region: vector.region,
            host: vector.host,
            bucket: vector.bucket,
            key: vector.key,
            query: vector.query,
            at: "2024-01-15T12:34:56Z".parse().unwrap(),
            expires: Duration::from_secs(vector.expires),
        })
        .unwrap()
    }

    #[test]
    fn every_vector_is_signed_as_botocore_signs_it() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 14);
        for vector in &vectors {
            let url = signed(vector);
            let (address, query) = url.strip_prefix("https://").unwrap().split_once('?').unwrap();
            assert_eq!(address, vector.address.replace("{K}", K_PATH), "{}", vector.id);
            assert!(
                query.ends_with(&format!("&X-Amz-Signature={}", vector.signature)),
                "{}: {query}",
                vector.id
            );
            assert!(query.contains(&format!("X-Amz-Expires={}&", vector.expires)), "{}", vector.id);
            let token = "X-Amz-Security-Token=IQoJb3JpZ2luX2VjEXAMPLE%2F%2F%2F%2F%2F%2F%2F%2F%2F%2FwEaCXVzLWVhc3QtMSJH%2Btoken%2Fwith%3Dchars%3D%3D&";
            assert_eq!(query.contains(token), vector.token, "{}", vector.id);
        }
    }

    #[test]
    fn the_list_keeps_its_parameters() {
        let list = vectors().into_iter().find(|vector| vector.id == "L1").unwrap();
        assert!(signed(&list).contains(
            "/?list-type=2&prefix=connect%2Facme%2FCallRecordings%2F2024%2F01%2F15%2F0123abcd-4567-89ab-cdef-0123456789ab&max-keys=10&encoding-type=url&X-Amz-"
        ));
    }

    /// The intermediate values of P1, from our query as it was emitted.
    #[test]
    fn the_canonical_request_of_p1_hashes_as_specified() {
        use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};

        let p1 = &vectors()[0];
        let url = signed(p1);
        let query = url.split_once('?').unwrap().1;
        let mut parameters: Vec<&str> =
            query.split('&').filter(|pair| !pair.starts_with("X-Amz-Signature=")).collect();
        parameters.sort_unstable();
        let canonical_query = parameters.join("&");
        assert_eq!(
            canonical_query,
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20240115%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20240115T123456Z&X-Amz-Expires=300&X-Amz-SignedHeaders=host"
        );
        let canonical = format!(
            "GET\n{K_PATH}\n{canonical_query}\nhost:connect-0123456789ab.s3.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD"
        );
        let hash = hex(&<sha2::Sha256 as sha2::Digest>::digest(&canonical));
        assert_eq!(hash, "1b1584391b55b74ccc05cf928cf45ac5b4d8c9305c9905ff9dd6e6ee2c76291f");
        let at: Timestamp = "2024-01-15T12:34:56Z".parse().unwrap();
        let key =
            generate_signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", at.into(), "us-east-1", "s3");
        assert_eq!(hex(key.as_ref()), "404296ebf5d8fb847c724a02e0d56e3517da028a6a513f6755516783b1d12cbd");
        let to_sign =
            format!("AWS4-HMAC-SHA256\n20240115T123456Z\n20240115/us-east-1/s3/aws4_request\n{hash}");
        assert_eq!(calculate_signature(key, to_sign.as_bytes()), p1.signature);
    }

    fn hex(bytes: &[u8]) -> String {
        use std::fmt::Write as _;
        bytes.iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a text takes everything");
            text
        })
    }

    #[test]
    fn a_life_longer_than_aws_allows_is_refused() {
        for seconds in [0, 604_801] {
            let what = Presign {
                keys: &keys(false),
                region: "us-east-1",
                host: S3Host::Regional,
                bucket: "b",
                key: "k",
                query: &[],
                at: Timestamp::UNIX_EPOCH,
                expires: Duration::from_secs(seconds),
            };
            assert_eq!(presign(&what).unwrap_err().code(), Some("AuthorizationQueryParametersError"));
        }
    }

    #[test]
    fn an_event_s_bucket_or_region_never_becomes_another_host() {
        let of = |region: &str, bucket: &str| {
            let keys = keys(true);
            let expires = Duration::from_secs(60);
            let at = Timestamp::UNIX_EPOCH;
            presign(&Presign {
                keys: &keys,
                region,
                host: S3Host::Regional,
                bucket,
                key: "k",
                query: &[],
                at,
                expires,
            })
        };
        for (region, bucket) in [
            ("us-east-1", "2130706433#"),
            ("us-east-1", "evil/"),
            ("us-east-1", "x@evil"),
            ("us-east-1", ".."),
            ("us-east-1", ""),
            ("evil.example.com/", "acme"),
            ("us-east-1#", "acme"),
            ("", "acme"),
        ] {
            assert!(of(region, bucket).is_err(), "{region} {bucket}");
        }
        // As they were written they could be signed, but a client would ask for `acme.s3`.
        for old in ["Acme", "acme_calls", &"a".repeat(64)] {
            let address = of("us-east-1", old).unwrap();
            assert!(
                address.starts_with(&format!("https://s3.us-east-1.amazonaws.com/{old}/k?")),
                "{address}"
            );
        }
    }

    #[test]
    fn a_key_that_a_browser_rewrites_is_known() {
        assert!(playable_by_browsers(K));
        assert!(playable_by_browsers("connect/..a/b.wav"));
        for key in ["", "a//b", "a/../b", "./a", "/a", "a/"] {
            assert!(!playable_by_browsers(key), "{key}");
        }
    }
}
