use serde::{Deserialize, Serialize};

use crate::InvalidId;

macro_rules! id_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// # Errors
            ///
            /// [`InvalidId`] when `text` is empty, too long, or holds control characters.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                if text.is_empty() || text.len() > $max || text.chars().any(char::is_control) {
                    return Err(InvalidId { what: $what, max: $max, got: text.len() });
                }
                Ok(Self(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

id_type!(
    /// Names one contact (a call, a chat, or a task) inside one contact center.
    ///
    /// Opaque: the vendor picks the text, 1 to 256 bytes. Compare it, store it,
    /// print it; never take it apart.
    ContactId, "a contact id", 256
);
id_type!(
    /// Names an agent inside one workspace: the id the CRM gives its user.
    AgentId, "an agent id", 256
);
id_type!(
    /// Names one record of the CRM.
    RecordId, "a record id", 256
);
id_type!(
    /// A `[workspaces.<name>]` table: one contact center joined to one CRM.
    WorkspaceName, "a workspace name", 64
);
id_type!(
    /// A `[connections.<name>]` table: one contact-center instance or CRM org.
    ConnectionName, "a connection name", 64
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_empty_too_long_or_holding_control_characters() {
        assert!(ContactId::new("").is_err());
        assert!(ContactId::new("x".repeat(257)).is_err());
        assert!(ContactId::new("a\nb").is_err());
        assert_eq!(ContactId::new("c-42").unwrap().as_str(), "c-42");
    }

    #[test]
    fn a_bad_id_in_json_is_refused_with_its_name() {
        let error = serde_json::from_str::<ContactId>("\"\"").unwrap_err();
        assert!(error.to_string().contains("a contact id"), "{error}");
    }
}
