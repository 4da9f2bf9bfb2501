//! The official signer, told what we know.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use jiff::Timestamp;
use secrecy::ExposeSecret;

use crate::{AwsError, AwsKeys};

pub(crate) struct Scope<'a> {
    pub keys: &'a AwsKeys,
    pub region: &'a str,
    pub service: &'static str,
    pub at: Timestamp,
}

/// The headers that sign a JSON call: `authorization`, `x-amz-date` and perhaps the token.
pub(crate) fn headers(
    scope: &Scope<'_>,
    method: &str,
    url: &str,
    signed: &[(&str, &str)],
    body: &[u8],
) -> Result<Vec<(&'static str, String)>, AwsError> {
    let settings = SigningSettings::default();
    let (headers, _) = run(scope, settings, method, url, signed, SignableBody::Bytes(body))?;
    Ok(headers)
}

/// The query parameters that sign a GET of S3 for `expires`: the path is encoded once and never
/// normalised (recordings.md §5).
pub(crate) fn query(
    scope: &Scope<'_>,
    url: &str,
    expires: Duration,
) -> Result<Vec<(&'static str, String)>, AwsError> {
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(expires);
    let (_, parameters) = run(scope, settings, "GET", url, &[], SignableBody::UnsignedPayload)?;
    Ok(parameters)
}

type Pairs = Vec<(&'static str, String)>;

fn run(
    scope: &Scope<'_>,
    settings: SigningSettings,
    method: &str,
    url: &str,
    signed: &[(&str, &str)],
    body: SignableBody<'_>,
) -> Result<(Pairs, Pairs), AwsError> {
    let identity: Identity = Credentials::new(
        scope.keys.access_key_id.clone(),
        scope.keys.secret_access_key.expose_secret(),
        scope.keys.session_token.as_ref().map(|token| token.expose_secret().to_owned()),
        None,
        "tieline",
    )
    .into();
    let parameters = v4::SigningParams::builder()
        .identity(&identity)
        .region(scope.region)
        .name(scope.service)
        .time(SystemTime::from(scope.at))
        .settings(settings)
        .build()
        .expect("everything the signer needs was given")
        .into();
    let request = SignableRequest::new(method, url, signed.iter().copied(), body)
        .map_err(|_| AwsError::Unavailable("the address cannot be signed".into()))?;
    let (instructions, _) = sign(request, &parameters)
        .map_err(|_| AwsError::Unavailable("the call cannot be signed".into()))?
        .into_parts();
    let (headers, parameters) = instructions.into_parts();
    let headers = headers.iter().map(|header| (header.name(), header.value().to_owned())).collect();
    let parameters = parameters.into_iter().map(|(name, value)| (name, value.into_owned())).collect();
    Ok((headers, parameters))
}
