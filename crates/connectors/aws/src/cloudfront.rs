//! Addresses of a CloudFront distribution that let their holder GET one object until a time.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs8::DecodePrivateKey;
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sha1::{Digest, Sha1};
use url::{Host, Url};

/// What a path of an address may hold as it is. Colons stay: recordings have them, and the
/// signature covers the address as it is sent.
const PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/')
    .remove(b':')
    .remove(b'@')
    .remove(b'+')
    .remove(b'=')
    .remove(b',')
    .remove(b'(')
    .remove(b')')
    .remove(b'!')
    .remove(b'\'');

/// Why an address could not be signed. Never holds the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CloudFrontError {
    #[error("the private key is no RSA key in PEM form (PKCS#1 or PKCS#8, not encrypted)")]
    Key,
    #[error("the distribution's domain name is not a host name")]
    Domain,
}

/// `https://<domain>/<path>` with a canned policy that ends at `until`.
///
/// The signature is RSA PKCS#1 v1.5 over SHA-1 because that is the only one CloudFront takes
/// ("Amazon CloudFront Developer Guide", "Create a signed URL using a canned policy", read
/// 2026-11-21). `path` is not encoded; what an address cannot hold is encoded here.
pub fn sign_cloudfront(
    domain: &str,
    path: &str,
    until: Timestamp,
    key_pair: &str,
    private_key: &str,
) -> Result<String, CloudFrontError> {
    let host = domain.trim_end_matches('/');
    let host = host.strip_prefix("https://").unwrap_or(host);
    let plain = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    // A name that ends in a number is read as an address of the internet, or as nothing at all.
    let url = Url::parse(&format!("https://{host}/"));
    if !plain || !url.is_ok_and(|url| matches!(url.host(), Some(Host::Domain(_)))) {
        return Err(CloudFrontError::Domain);
    }
    let key = read_key(private_key)?;
    let address = format!("https://{host}/{}", utf8_percent_encode(path, PATH));
    let expires = until.as_second();
    let policy = format!(
        r#"{{"Statement":[{{"Resource":"{address}","Condition":{{"DateLessThan":{{"AWS:EpochTime":{expires}}}}}}}]}}"#
    );
    let signature = key
        .sign(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(policy.as_bytes()))
        .map_err(|_| CloudFrontError::Key)?;
    let signature = BASE64_STANDARD.encode(signature).replace('+', "-").replace('=', "_").replace('/', "~");
    let key_pair = utf8_percent_encode(key_pair.trim(), PATH);
    Ok(format!("{address}?Expires={expires}&Signature={signature}&Key-Pair-Id={key_pair}"))
}

/// A PEM whose line breaks became blanks or the text `\n` when it was pasted into the secret is
/// read all the same, and so are PKCS#8 and anything before or after the PEM.
fn read_key(text: &str) -> Result<RsaPrivateKey, CloudFrontError> {
    let text = text.replace("\\r", "").replace("\\n", "\n");
    let inside = |label: &str| {
        let begin = format!("-----BEGIN {label}-----");
        let (_, rest) = text.split_once(&begin)?;
        let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
        let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
        BASE64_STANDARD.decode(body).ok()
    };
    if let Some(der) = inside("RSA PRIVATE KEY") {
        return RsaPrivateKey::from_pkcs1_der(&der).map_err(|_| CloudFrontError::Key);
    }
    let der = inside("PRIVATE KEY").ok_or(CloudFrontError::Key)?;
    RsaPrivateKey::from_pkcs8_der(&der).map_err(|_| CloudFrontError::Key)
}

#[cfg(test)]
mod tests {
    use rsa::pkcs1::EncodeRsaPrivateKey;
    use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};

    use super::*;

    const PATH_OF_A_CALL: &str =
        "connect/acme/CallRecordings/2024/01/15/0123abcd-4567-89ab-cdef-0123456789ab_20240115T12:30_UTC.wav";

    fn key() -> RsaPrivateKey {
        RsaPrivateKey::new(&mut rand_for_keys(), 1024).unwrap()
    }

    fn rand_for_keys() -> rsa::rand_core::OsRng {
        rsa::rand_core::OsRng
    }

    fn signed(pem: &str) -> Result<String, CloudFrontError> {
        let until = Timestamp::from_second(1_705_325_696).unwrap();
        sign_cloudfront("d111111abcdef8.cloudfront.net", PATH_OF_A_CALL, until, "K2JCJMDEHXQW5F", pem)
    }

    #[test]
    fn a_key_is_read_however_it_was_pasted() {
        let key = key();
        let pkcs1 = key.to_pkcs1_pem(LineEnding::LF).unwrap().to_string();
        let expected = signed(&pkcs1).unwrap();
        assert!(expected.contains("_UTC.wav?Expires=1705325696&Signature="), "{expected}");
        assert!(expected.ends_with("&Key-Pair-Id=K2JCJMDEHXQW5F"));
        let pkcs8 = key.to_pkcs8_pem(LineEnding::CRLF).unwrap().to_string();
        for pasted in [
            pkcs1.replace('\n', " "),
            pkcs1.trim_end().replace('\n', " "),
            pkcs1.replace('\n', "\r\n"),
            pkcs1.replace('\n', "\\n"),
            format!("{pkcs1}\n\n"),
            pkcs8.clone(),
            pkcs8.replace("\r\n", " "),
        ] {
            assert_eq!(signed(&pasted).as_deref(), Ok(expected.as_str()));
        }
        for bad in ["", "hunter2", "-----BEGIN RSA PRIVATE KEY----- AAAA -----END RSA PRIVATE KEY-----"] {
            assert_eq!(signed(bad), Err(CloudFrontError::Key));
        }
    }

    /// By the `openssl` command, which shares no line with what signed.
    #[test]
    fn openssl_finds_the_signature_good() {
        use std::process::Command;

        let key = key();
        let url = signed(&key.to_pkcs8_pem(LineEnding::LF).unwrap()).unwrap();
        let signature = url.split("&Signature=").nth(1).unwrap().split('&').next().unwrap();
        let signature =
            BASE64_STANDARD.decode(signature.replace('-', "+").replace('_', "=").replace('~', "/")).unwrap();
        let policy = format!(
            "{{\"Statement\":[{{\"Resource\":\"https://d111111abcdef8.cloudfront.net/{PATH_OF_A_CALL}\",\"Condition\":{{\"DateLessThan\":{{\"AWS:EpochTime\":1705325696}}}}}}]}}"
        );
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path
        };
        let public = key.to_public_key().to_public_key_pem(LineEnding::LF).unwrap();
        let check = Command::new("openssl")
            .args(["dgst", "-sha1", "-verify"])
            .arg(file("public.pem", public.as_bytes()))
            .arg("-signature")
            .arg(file("signature", &signature))
            .arg(file("policy", policy.as_bytes()))
            .output();
        match check {
            Ok(answer) => assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr)),
            Err(error) => assert!(std::env::var_os("CI").is_none(), "CI needs openssl: {error}"),
        }
    }

    #[test]
    fn what_an_address_cannot_hold_is_encoded_and_cannot_change_the_policy() {
        let pem = key().to_pkcs1_pem(LineEnding::LF).unwrap().to_string();
        let url = sign_cloudfront("d.example.com", "connect/a b\"},?#*é", Timestamp::UNIX_EPOCH, "K", &pem);
        assert!(
            url.unwrap().starts_with("https://d.example.com/connect/a%20b%22%7D,%3F%23%2A%C3%A9?Expires=0&")
        );
        for bad in ["", "d.example.com/x", "d\".example.com", "10.0.0.1", "1.2.3.400"] {
            assert_eq!(
                sign_cloudfront(bad, "connect/x", Timestamp::UNIX_EPOCH, "K", &pem),
                Err(CloudFrontError::Domain)
            );
        }
    }
}
