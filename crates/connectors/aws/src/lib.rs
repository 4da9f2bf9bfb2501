//! What everything that uses AWS shares: credentials, signed calls, secrets, object storage.
//!
//! [`Aws`] signs with the official `aws-sigv4` and sends with our own HTTP client. Keys in the
//! environment, as in every Lambda function, are used as they are; otherwise `object_store`'s
//! providers find those of a web identity (EKS), a container (ECS) or an instance (EC2). Profile
//! files and SSO are not read: `eval "$(aws configure export-credentials --format env)"` puts
//! what they give into the environment.
//!
//! Nothing here logs, and no error text holds a secret, a key's content or an address's query.

mod bucket;
mod client;
mod cloudfront;
mod credentials;
mod error;
mod presign;
mod secrets;
mod service;
mod settings;
mod sign;
mod transport;

pub use bucket::{Bucket, Object, ObjectInfo, ObjectPage, PutMode, PutOutcome};
pub use client::{Aws, AwsCall};
pub use cloudfront::{CloudFrontError, sign_cloudfront};
pub use error::AwsError;
pub use presign::{Presign, S3Host, longest_life, playable_by_browsers, presign};
pub use secrets::{Secrets, SecretsError};
pub use service::{Service, dns_suffix};
pub use settings::{AwsKeys, AwsSettings};
