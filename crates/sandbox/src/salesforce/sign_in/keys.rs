//! The two key pairs: one signs id tokens, one is the integration's for the JWT bearer flow.
//!
//! Made once per process, when first needed: finding RSA primes takes longer than everything
//! else at start.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{DecodingKey, EncodingKey};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, LineEnding};
use rsa::traits::PublicKeyParts;

static SIGNING: LazyLock<Pair> = LazyLock::new(Pair::generate);
static BEARER: LazyLock<Pair> = LazyLock::new(Pair::generate);

/// Name of the signing key in the key set.
pub(super) const KEY_ID: &str = "sandbox-1";

struct Pair {
    private_pem: String,
    /// Modulus and exponent in base64url, as key sets have them.
    public: (String, String),
}

impl Pair {
    fn generate() -> Self {
        let key = RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2_048)
            .expect("the machine's random source works and 2,048 bits are a valid size");
        let pem = key.to_pkcs8_pem(LineEnding::LF).expect("a key just made can be written");
        let public =
            (URL_SAFE_NO_PAD.encode(key.n().to_bytes_be()), URL_SAFE_NO_PAD.encode(key.e().to_bytes_be()));
        Self { private_pem: pem.to_string(), public }
    }
}

pub(super) fn signing_key() -> EncodingKey {
    EncodingKey::from_rsa_pem(SIGNING.private_pem.as_bytes()).expect("our own PEM can be read")
}

/// Modulus and exponent of the signing key.
pub(super) fn signing_public() -> &'static (String, String) {
    &SIGNING.public
}

/// What checks assertions of the JWT bearer flow.
pub(super) fn bearer_public() -> DecodingKey {
    let (n, e) = &BEARER.public;
    DecodingKey::from_rsa_components(n, e).expect("our own numbers can be read")
}

/// PEM (PKCS #8) of the key with which the client `tieline-sandbox` signs assertions.
pub(crate) fn bearer_private_key() -> &'static str {
    &BEARER.private_pem
}
