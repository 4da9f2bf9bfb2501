//! Every answer that is not what was asked for: problem details (RFC 9457) with a code that
//! stays, and a page per code in `docs/errors/`.
//!
//! To add a code: one line in the table below and one page `docs/errors/<code>.md` that says
//! what happened and what to try. A test compares the two.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use tieline_bridge::dip::{DipCode, DipError};
use tieline_core::{RecordingError, error_chain};
use tieline_engine::sign_in::{ProviderError, SignInError};
use tieline_store::StoreError;
use utoipa::ToSchema;

macro_rules! codes {
    ($($variant:ident $code:literal $status:literal $title:literal;)+) => {
        /// What went wrong, once and for all. The text of a code never changes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($variant,)+
            /// Why a dip was not answered.
            Dip(DipCode),
            /// Why a recording was not found or played.
            Recording(RecordingError),
        }

        impl Code {
            /// Every code there is.
            pub fn all() -> impl Iterator<Item = Self> {
                [$(Self::$variant,)+]
                    .into_iter()
                    .chain(DipCode::ALL.map(Self::Dip))
                    .chain(RecordingError::ALL.map(Self::Recording))
            }

            /// As it stands in answers and names its page.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                    Self::Dip(code) => code.as_str(),
                    Self::Recording(error) => error.code(),
                }
            }

            pub fn status(self) -> StatusCode {
                let status = match self {
                    $(Self::$variant => $status,)+
                    Self::Dip(code) => code.http_status(),
                    Self::Recording(error) => recording_status(error),
                };
                StatusCode::from_u16(status).expect("the tables hold statuses")
            }

            /// The same for every occurrence; the detail tells them apart.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                    Self::Dip(code) => dip_title(code),
                    Self::Recording(error) => recording_title(error),
                }
            }
        }
    };
}

codes! {
    MalformedRequest "malformed_request" 400 "The request cannot be read";
    BodyTooDeep "body_too_deep" 400 "The JSON is nested too deeply";
    DeliveryMalformed "delivery_malformed" 400 "The delivery cannot be read";
    AttemptMalformed "attempt_malformed" 400 "The sign-in attempt cannot be read";
    Unauthorized "unauthorized" 401 "A valid key is needed";
    NotSignedIn "not_signed_in" 401 "Nobody is signed in";
    OperationNotAllowed "operation_not_allowed" 403 "The key may not do this";
    ForeignOrigin "foreign_origin" 403 "The request comes from another site";
    PanelHeaderMissing "panel_header_missing" 403 "The request does not come from the panel";
    VerifierWrong "verifier_wrong" 403 "The verifier does not belong to the attempt";
    OtherBrowser "other_browser" 403 "The sign-in came back through another browser";
    SignInRefused "sign_in_refused" 403 "The identity provider refused";
    NotFound "not_found" 404 "There is nothing here";
    ContactNotFound "contact_not_found" 404 "There is no such contact";
    RecordingNotConfigured "recording.not_configured" 404 "This workspace plays no recordings";
    SignInNotConfigured "sign_in_not_configured" 404 "This workspace has no sign-in";
    AttemptUnknown "attempt_unknown" 404 "There is no such sign-in attempt";
    MethodNotAllowed "method_not_allowed" 405 "This address does not take that method";
    RequestTimeout "request_timeout" 408 "The request did not arrive in time";
    AttemptExists "attempt_exists" 409 "There is a sign-in attempt of this name";
    AttemptNotFinished "attempt_not_finished" 409 "The sign-in is not finished";
    BodyTooLarge "body_too_large" 413 "The body is too large";
    TooManyRequests "too_many_requests" 429 "Too many requests";
    RangeNotSatisfiable "range_not_satisfiable" 416 "The range lies outside";
    UnsupportedMediaType "unsupported_media_type" 415 "The body is not JSON";
    UnsupportedEncoding "unsupported_encoding" 415 "The body's encoding is not supported";
    ForeignHost "foreign_host" 421 "This server does not answer to that name";
    Overloaded "overloaded" 503 "Too much is waiting";
    StoreUnavailable "store_unavailable" 503 "The database is not available";
    NotReady "not_ready" 503 "Tieline is not ready";
    PanelNotBuilt "panel_not_built" 503 "The panel's pages are not built";
    IdentityProviderUnreachable "identity_provider_unreachable" 502 "The identity provider could not be reached";
    IdentityNotProved "identity_not_proved" 502 "The identity provider's answer does not hold";
    Internal "internal_error" 500 "Something is wrong with Tieline";
}

/// What the caller may mend is 4xx; what our account or machine lacks is 502 and 503.
fn recording_status(error: RecordingError) -> u16 {
    match error {
        RecordingError::InvalidContact => 400,
        RecordingError::NotOurs => 403,
        RecordingError::NotFound => 404,
        RecordingError::UnsafeName => 422,
        RecordingError::AccessDenied
        | RecordingError::SignatureRefused
        | RecordingError::WrongRegion
        | RecordingError::NoSuchBucket
        | RecordingError::BadRequest => 502,
        RecordingError::CredentialsExpired
        | RecordingError::NoCredentials
        | RecordingError::ClockSkew
        | RecordingError::Unavailable => 503,
    }
}

fn recording_title(error: RecordingError) -> &'static str {
    match error {
        RecordingError::InvalidContact => "That is no contact's id",
        RecordingError::NotOurs => "The recording is not this instance's",
        RecordingError::NotFound => "There is no such recording",
        RecordingError::UnsafeName => "The recording cannot be played by its address",
        RecordingError::AccessDenied => "The storage refuses us the recording",
        RecordingError::SignatureRefused => "The storage refuses our signature",
        RecordingError::WrongRegion => "The bucket is in another region",
        RecordingError::NoSuchBucket => "There is no such bucket",
        RecordingError::BadRequest => "The storage does not take the request",
        RecordingError::CredentialsExpired => "Our credentials have ended",
        RecordingError::NoCredentials => "There are no credentials for the storage",
        RecordingError::ClockSkew => "The server's clock is wrong",
        RecordingError::Unavailable => "The storage did not answer",
    }
}

/// One occurrence of a problem.
#[derive(Debug, Clone)]
pub struct Problem {
    pub code: Code,
    /// A sentence for the caller: what they can do. Holds nothing they did not send or may not know.
    pub detail: String,
    /// When trying again makes sense.
    pub retry_after: Option<Duration>,
}

/// The body of every problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemBody {
    /// The address of the code's page.
    #[serde(rename = "type")]
    #[schema(example = "https://tieline.dev/errors/not_found")]
    kind: String,
    title: &'static str,
    /// The HTTP status, once more.
    status: u16,
    /// Stable; what a program should look at.
    #[schema(value_type = CodeSchema)]
    code: &'static str,
    detail: String,
}

/// Stands for [`Code`] in the API's description, where it is an enumeration of its texts.
pub(crate) struct CodeSchema;

impl utoipa::PartialSchema for CodeSchema {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        use utoipa::openapi::schema::{ObjectBuilder, Type};
        let codes = Code::all().map(Code::as_str);
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).into()
    }
}

impl ToSchema for CodeSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), retry_after: None }
    }

    #[must_use]
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "no resource has this address; /openapi.json lists them all")
    }

    /// Whoever has no valid key learns nothing else, not even whether the thing exists.
    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "send a key of this workspace or connection")
    }

    pub fn not_signed_in() -> Self {
        Self::new(Code::NotSignedIn, "sign in from the panel first")
    }

    pub(crate) fn body(&self) -> ProblemBody {
        ProblemBody {
            kind: format!("https://tieline.dev/errors/{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            code: self.code.as_str(),
            detail: self.detail.clone(),
        }
    }
}

pub(crate) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.code.status(), axum::Json(self.body())).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, PROBLEM_JSON);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(after) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        tracing::error!(error = %error_chain(&error), "The database did not do what was asked");
        Self::new(Code::StoreUnavailable, "nothing was changed; try again")
            .retry_after(Duration::from_secs(1))
    }
}

impl From<SignInError> for Problem {
    fn from(error: SignInError) -> Self {
        let code = match error {
            SignInError::Store(error) => return error.into(),
            SignInError::Provider(error) => return error.into(),
            SignInError::NotConfigured => Code::SignInNotConfigured,
            SignInError::Malformed => Code::AttemptMalformed,
            SignInError::AttemptExists => Code::AttemptExists,
            SignInError::UnknownAttempt => Code::AttemptUnknown,
            SignInError::NotFinished => Code::AttemptNotFinished,
            SignInError::WrongVerifier => Code::VerifierWrong,
            SignInError::OtherBrowser => Code::OtherBrowser,
            SignInError::NotSignedIn => Code::NotSignedIn,
        };
        Self::new(code, format!("{error}; sign in again from the panel"))
    }
}

impl From<ProviderError> for Problem {
    fn from(error: ProviderError) -> Self {
        // The provider's own words stay in the log: they may name people.
        tracing::warn!(error = %error_chain(&error), "Sign-in failed at the identity provider");
        match error {
            ProviderError::Refused(_) => Self::new(
                Code::SignInRefused,
                "the identity provider did not let the agent in; sign in again",
            ),
            ProviderError::Unreachable(_) => Self::new(
                Code::IdentityProviderUnreachable,
                "try again in a moment; the server's log says more",
            ),
            ProviderError::Untrusted(_) => Self::new(
                Code::IdentityNotProved,
                "the identity provider's answer was not accepted; the server's log says why",
            ),
        }
    }
}

impl From<DipError> for Problem {
    fn from(error: DipError) -> Self {
        let mut problem = Self::new(Code::Dip(error.code), error.detail);
        if problem.code.status() == StatusCode::SERVICE_UNAVAILABLE {
            problem.retry_after = Some(Duration::from_secs(5));
        }
        problem
    }
}

fn dip_title(code: DipCode) -> &'static str {
    match code {
        DipCode::MalformedEvent => "The body is not a contact flow's event",
        DipCode::UnknownOperation => "There is no such operation",
        DipCode::MissingParameter => "A parameter is missing",
        DipCode::InvalidParameter => "A parameter cannot be read",
        DipCode::UnsafeValue => "A value would change what a query says",
        DipCode::NotAllowed => "The key may not ask this",
        DipCode::Deadline => "The CRM did not answer in time",
        DipCode::OutcomeUnknown => "Whether it was done is not known",
        DipCode::CrmUnauthorized => "The CRM refused Tieline's credentials",
        DipCode::CrmThrottled => "The CRM is throttling us",
        DipCode::CrmUnreachable => "The CRM could not be reached",
        DipCode::CrmUnavailable => "The CRM failed",
        DipCode::CrmRejected => "The CRM rejected the request",
        DipCode::CrmMalformed => "The CRM's answer cannot be read",
        DipCode::CrmUnsupported => "The CRM cannot do that",
    }
}
