//! Keys that let a machine in: hashed as soon as they are read, compared in constant time.

use std::fmt;
use std::str::FromStr;

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};
use tieline_bridge::dip::{Allowed, Grants};

/// SHA-256 of a key. Keys are long and random, so a slow hash would only slow us.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

/// One key of a workspace and what it may do.
#[derive(Debug, Clone)]
pub struct ApiKey {
    /// Says in logs whose key it is; never the key.
    pub name: String,
    pub hash: KeyHash,
    pub operations: Vec<Operation>,
    /// When given, the only objects and fields of the CRM its dips may touch.
    pub objects: Option<Grants>,
}

/// What a key may do: `dips:lookup`, `contacts:read`, or all of a kind (`dips:*`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    kind: String,
    /// `None` stands for `*`.
    name: Option<String>,
}

/// The keys of one sender to one connection; two while one is being replaced.
#[derive(Debug, Clone, Default)]
pub struct SecretKeys(Vec<KeyHash>);

/// Why a workspace's keys do not let a call through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    UnknownKey,
    /// The key is genuine and was not given this operation.
    NotAllowed,
}

impl KeyHash {
    pub fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    fn matches(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl fmt::Debug for KeyHash {
    /// Enough to tell two keys apart, too little to search for one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyHash({:02x}{:02x}…)", self.0[0], self.0[1])
    }
}

impl SecretKeys {
    /// More than this many keys at once are none anybody replaces.
    pub const MOST: usize = 2;

    pub fn new<'a>(keys: impl IntoIterator<Item = &'a SecretString>) -> Self {
        Self(keys.into_iter().map(|key| KeyHash::of(key.expose_secret())).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether `presented` is one of these. Takes the same time whichever it is.
    pub fn accept(&self, presented: &str) -> bool {
        let presented = KeyHash::of(presented);
        self.0.iter().fold(Choice::from(0), |found, key| found | key.matches(&presented)).into()
    }

    pub(super) fn contains(&self, hash: &KeyHash) -> bool {
        self.0.contains(hash)
    }
}

impl ApiKey {
    /// Finds the key that was presented among `keys` and asks whether it may do `kind:name`.
    pub fn authorize<'a>(
        keys: &'a [Self],
        presented: &str,
        kind: &str,
        name: &str,
    ) -> Result<&'a Self, Denied> {
        let key = Self::identify(keys, presented).ok_or(Denied::UnknownKey)?;
        if key.may(kind, name) { Ok(key) } else { Err(Denied::NotAllowed) }
    }

    /// Every key is compared, so the time taken does not tell which one was close.
    pub fn identify<'a>(keys: &'a [Self], presented: &str) -> Option<&'a Self> {
        let presented = KeyHash::of(presented);
        let mut found = None;
        for key in keys {
            if key.hash.matches(&presented).into() {
                found = Some(key);
            }
        }
        found
    }

    /// What dips with this key may ask.
    pub fn dips(&self) -> Allowed {
        Allowed {
            operations: self.operations.iter().map(ToString::to_string).collect(),
            objects: self.objects.clone(),
        }
    }

    /// Whether it was given anything of this kind.
    pub fn has(&self, kind: &str) -> bool {
        self.operations.iter().any(|operation| operation.kind == kind)
    }

    pub fn may(&self, kind: &str, name: &str) -> bool {
        self.operations.iter().any(|operation| {
            operation.kind == kind && operation.name.as_deref().is_none_or(|allowed| allowed == name)
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.name.as_deref().unwrap_or("*"))
    }
}

impl FromStr for Operation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no operation; write `dips:*`, `dips:<operation>`, `contacts:read`, `recordings:play` or `recordings:callback`"
            )
        };
        let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
        let word =
            |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        let known = match kind {
            "dips" => name == "*" || word(name),
            "contacts" => name == "*" || name == "read",
            "recordings" => matches!(name, "*" | "play" | "callback"),
            _ => false,
        };
        if !known {
            return Err(wrong());
        }
        Ok(Self { kind: kind.to_owned(), name: (name != "*").then(|| name.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, secret: &str, operations: &[&str]) -> ApiKey {
        ApiKey {
            name: name.into(),
            hash: KeyHash::of(secret),
            operations: operations.iter().map(|text| text.parse().unwrap()).collect(),
            objects: None,
        }
    }

    #[test]
    fn a_key_may_do_what_it_was_given_and_nothing_else() {
        let keys = [key("ivr", "one", &["dips:lookup"]), key("all", "two", &["dips:*", "contacts:read"])];
        assert_eq!(ApiKey::authorize(&keys, "one", "dips", "lookup").unwrap().name, "ivr");
        assert_eq!(ApiKey::authorize(&keys, "one", "dips", "create").unwrap_err(), Denied::NotAllowed);
        assert_eq!(ApiKey::authorize(&keys, "one", "contacts", "read").unwrap_err(), Denied::NotAllowed);
        assert_eq!(ApiKey::authorize(&keys, "two", "dips", "create").unwrap().name, "all");
        assert_eq!(ApiKey::authorize(&keys, "three", "dips", "lookup").unwrap_err(), Denied::UnknownKey);
        assert_eq!(ApiKey::authorize(&keys, "", "dips", "lookup").unwrap_err(), Denied::UnknownKey);
    }

    #[test]
    fn both_keys_work_while_one_is_being_replaced() {
        let keys = SecretKeys::new(&[SecretString::from("old"), SecretString::from("new")]);
        assert!(keys.accept("old") && keys.accept("new"));
        assert!(!keys.accept("older") && !keys.accept(""));
    }

    #[test]
    fn an_operation_nobody_knows_is_refused_when_it_is_read() {
        for text in ["dips", "dips:", "contacts:write", "admin:*", "dips:look up", "*"] {
            assert!(text.parse::<Operation>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_printed_key_does_not_give_itself_away() {
        assert!(!format!("{:?}", key("ivr", "hunter2", &["dips:*"])).contains("hunter2"));
    }
}
