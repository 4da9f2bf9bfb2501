/// The services we call with JSON. S3 is [`crate::Bucket`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    SecretsManager,
    Connect,
    /// Its own host, signed as `connect` ("Amazon Connect Contact Lens API Reference", "Welcome",
    /// endpoints, and botocore's `connect-contact-lens/endpoint-rule-set`, read 2026-11-21).
    ContactLens,
    Transcribe,
    Comprehend,
    /// Only for those who keep the reference's state machine.
    StepFunctions,
}

impl Service {
    pub(crate) const ALL: [Self; 6] = [
        Self::SecretsManager,
        Self::Connect,
        Self::ContactLens,
        Self::Transcribe,
        Self::Comprehend,
        Self::StepFunctions,
    ];

    /// The name in the signature's scope.
    pub(crate) fn signing_name(self) -> &'static str {
        match self {
            Self::SecretsManager => "secretsmanager",
            Self::Connect | Self::ContactLens => "connect",
            Self::Transcribe => "transcribe",
            Self::Comprehend => "comprehend",
            Self::StepFunctions => "states",
        }
    }

    /// The first label of the host.
    pub(crate) fn host_label(self) -> &'static str {
        match self {
            Self::ContactLens => "contact-lens",
            other => other.signing_name(),
        }
    }

    /// The end of its variable `AWS_ENDPOINT_URL_<…>` ("AWS SDKs and Tools Reference Guide",
    /// "Service-specific endpoints", read 2026-11-20).
    pub(crate) fn endpoint_variable(self) -> &'static str {
        match self {
            Self::SecretsManager => "SECRETS_MANAGER",
            Self::Connect => "CONNECT",
            Self::ContactLens => "CONNECT_CONTACT_LENS",
            Self::Transcribe => "TRANSCRIBE",
            Self::Comprehend => "COMPREHEND",
            Self::StepFunctions => "SFN",
        }
    }

    /// The version of AWS JSON that operations named by a header are written in (each service's
    /// model in botocore, `jsonVersion`, read 2026-11-21).
    pub(crate) fn json_type(self) -> &'static str {
        match self {
            Self::StepFunctions => "application/x-amz-json-1.0",
            _ => "application/x-amz-json-1.1",
        }
    }

    /// AWS's own address of the service in `region`.
    pub(crate) fn address(self, region: &str) -> String {
        format!("https://{}.{region}.{}", self.host_label(), dns_suffix(region))
    }
}

/// What addresses in the partition of `region` end with.
pub fn dns_suffix(region: &str) -> &'static str {
    if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_has_its_own_addresses() {
        assert_eq!(
            Service::SecretsManager.address("eu-central-1"),
            "https://secretsmanager.eu-central-1.amazonaws.com"
        );
        assert_eq!(
            Service::Transcribe.address("cn-north-1"),
            "https://transcribe.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(Service::StepFunctions.address("us-east-1"), "https://states.us-east-1.amazonaws.com");
        assert_eq!(Service::Connect.address("us-gov-west-1"), "https://connect.us-gov-west-1.amazonaws.com");
        assert_eq!(Service::ContactLens.address("us-east-1"), "https://contact-lens.us-east-1.amazonaws.com");
    }
}
