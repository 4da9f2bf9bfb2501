//! Random words, their hashes, and the encryption of what must be readable again.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Seals with a key made from `secret_key`.
///
/// XChaCha20-Poly1305: its nonce is long enough to be drawn at random for ever. What is
/// sealed is bound to its place, so that one row's secret cannot be moved to another.
pub struct Sealer(XChaCha20Poly1305);

const NONCE: usize = 24;

impl Sealer {
    pub fn new(secret_key: &SecretString) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"tieline sealed rows, version 1\0");
        digest.update(secret_key.expose_secret().as_bytes());
        Self(XChaCha20Poly1305::new(&digest.finalize()))
    }

    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: plain, aad: place.as_bytes() };
        let sealed =
            self.0.encrypt(&XNonce::from(nonce), payload).expect("rows are far below the cipher's limit");
        [nonce.as_slice(), &sealed].concat()
    }

    /// `None` when it was sealed with another key or for another place, or was changed.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.0.decrypt(&XNonce::from(*nonce), Payload { msg: sealed, aad: place.as_bytes() }).ok()
    }
}

/// 256 random bits, fit for addresses and cookies.
pub fn random_word() -> String {
    BASE64_URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// What is kept of such a word.
pub fn hash_of(word: &str) -> [u8; 32] {
    Sha256::digest(word.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer(key: &str) -> Sealer {
        Sealer::new(&SecretString::from(key))
    }

    #[test]
    fn what_was_sealed_opens_with_the_same_key_at_the_same_place_only() {
        let sealed = sealer("a").seal("token demo 005", b"secret");
        assert!(!sealed.windows(6).any(|part| part == b"secret"));
        assert_eq!(sealer("a").open("token demo 005", &sealed).unwrap(), b"secret");
        assert!(sealer("b").open("token demo 005", &sealed).is_none());
        assert!(sealer("a").open("token other 005", &sealed).is_none());
        assert!(sealer("a").open("token demo 005", &sealed[..20]).is_none());
        let mut changed = sealed.clone();
        changed[30] ^= 1;
        assert!(sealer("a").open("token demo 005", &changed).is_none());
    }

    #[test]
    fn the_same_text_is_never_sealed_the_same_way_twice() {
        assert_ne!(sealer("a").seal("x", b"secret"), sealer("a").seal("x", b"secret"));
    }
}
