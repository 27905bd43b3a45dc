use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::push::{PushError, RowVerdict};
use crate::api::response::problem_code::ProblemCode;
use crate::domain::Timestamp;
use crate::metrics::QueryError;
use crate::store::StoreError;

/// One parameter that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ParameterProblem {
    /// Its name as it was sent.
    pub parameter: String,
    /// What is wrong and what to do.
    pub detail: String,
    /// What may be sent, where that is a short list; else empty.
    pub allowed: Vec<String>,
}

/// A problem document, RFC 9457: the body of every answer that is not a success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// A name of the kind of problem that never changes, as a URI.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong with this request and what to do.
    pub detail: String,
    /// The path that was asked for.
    pub instance: String,
    /// The kind of problem for programs.
    pub code: ProblemCode,
    /// The id of the request, also in `X-Request-Id` and in the log.
    pub request_id: String,
    /// Every parameter that was refused; empty when the problem is another.
    pub errors: Vec<ParameterProblem>,
    /// What became of every row of a push of which some were refused; absent otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<RowVerdict>,
}

/// The message of a panic.
pub(in crate::api) fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".to_owned())
}

/// Why a request is not answered with a success. Each variant maps to one code in [`ApiError::code`].
#[derive(Debug, thiserror::Error)]
pub(in crate::api) enum ApiError {
    /// Parameters that cannot be used, all of them.
    #[error("{}", summary(.0))]
    Parameters(Vec<ParameterProblem>),
    /// A cutoff that lies ahead of the clock.
    #[error("`as_of` {as_of} lies in the future: it is {now}")]
    Future {
        /// The cutoff that was asked for.
        as_of: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// A question without an answer.
    #[error(transparent)]
    QueryError(#[from] QueryError),
    /// A path the service does not know.
    #[error("there is no path `{path}` among those that /docs lists{hint}")]
    UnknownPath {
        /// What was asked for.
        path: String,
        /// The known path that may have been meant, as the end of a sentence.
        hint: String,
    },
    /// A known path that does not answer this method.
    #[error("{method} is not answered here")]
    MethodNotAllowed {
        /// The method that was used.
        method: String,
    },
    /// A body that is too long.
    #[error("the body is longer than {limit_bytes} bytes; send less at once")]
    PayloadTooLarge {
        /// The most the service takes, bytes.
        limit_bytes: u64,
    },
    /// Too many requests from one client.
    #[error("too many requests from this address; wait {retry_after_seconds} s")]
    RateLimited {
        /// When the next one will be answered, seconds from now.
        retry_after_seconds: u64,
    },
    /// More requests at once than the service takes.
    #[error("the service is answering as many requests as it can; try again in a second")]
    Overloaded,
    /// The service is starting.
    #[error("the data are not loaded yet; /readyz says when they are")]
    Starting,
    /// The answer took too long.
    #[error("the answer took longer than {limit_seconds} s; ask for a shorter window")]
    Timeout {
        /// The most it may take, seconds.
        limit_seconds: u64,
    },
    /// A push that is not taken.
    #[error(transparent)]
    Push(#[from] PushError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of the service that was caught; its text stays in the log.
    #[error("{0}")]
    Internal(String),
}

/// A problem on its way out: the request's own facts are added where the request is known, in
/// [`PendingProblem::publish`].
#[derive(Debug, Clone)]
pub(in crate::api) struct PendingProblem {
    code: ProblemCode,
    detail: String,
    errors: Vec<ParameterProblem>,
    verdicts: Vec<RowVerdict>,
    /// What went wrong inside; for the log alone.
    fault: Option<String>,
}

impl ApiError {
    /// The code this failure is answered with.
    #[must_use]
    pub(in crate::api) const fn code(&self) -> ProblemCode {
        match self {
            Self::Parameters(_) => ProblemCode::BadRequest,
            Self::Future { .. } => ProblemCode::Unprocessable,
            Self::QueryError(reason) => match reason {
                QueryError::UnknownAsset { .. } | QueryError::UnknownSource { .. } | QueryError::UnknownSeries { .. } => {
                    ProblemCode::NotFound
                }
                QueryError::EmptyWindow { .. } | QueryError::Parameter { .. } => ProblemCode::BadRequest,
                QueryError::Cancelled => ProblemCode::Timeout,
            },
            Self::UnknownPath { .. } => ProblemCode::NotFound,
            Self::MethodNotAllowed { .. } => ProblemCode::MethodNotAllowed,
            Self::PayloadTooLarge { .. } => ProblemCode::PayloadTooLarge,
            Self::RateLimited { .. } => ProblemCode::RateLimited,
            Self::Overloaded | Self::Starting | Self::Store(StoreError::Unavailable(_) | StoreError::ReadOnly) => {
                ProblemCode::Unavailable
            }
            Self::Timeout { .. } => ProblemCode::Timeout,
            Self::Push(error) => error.code(),
            Self::Store(_) | Self::Internal(_) => ProblemCode::Internal,
        }
    }

    /// What the client is told; the text of faults and of the database stays in the log.
    fn detail(&self) -> String {
        match self {
            Self::Store(StoreError::Unavailable(_)) => "the database cannot be reached; try again in a few seconds".to_owned(),
            Self::Store(StoreError::ReadOnly) => {
                "the database of this node is read-only, as a standby is; push to a node whose database is the primary".to_owned()
            }
            Self::Store(_) | Self::Internal(_) => "the service failed; the log has the reason under this request id".to_owned(),
            other => other.to_string(),
        }
    }

    fn errors(&self) -> Vec<ParameterProblem> {
        let one = |parameter: &str, allowed: Vec<String>| {
            vec![ParameterProblem { parameter: parameter.to_owned(), detail: self.to_string(), allowed }]
        };
        match self {
            Self::Parameters(problems) => problems.clone(),
            Self::Future { .. } => one("as_of", vec![]),
            Self::QueryError(reason) => match reason {
                QueryError::UnknownAsset { parameter, known, .. } => one(parameter, words(known)),
                QueryError::UnknownSource { known, .. } => one("source", words(known)),
                QueryError::UnknownSeries { .. } => one("key", vec![]),
                QueryError::EmptyWindow { .. } => one("until", vec![]),
                QueryError::Parameter { parameter, allowed, .. } => one(parameter, allowed.clone()),
                QueryError::Cancelled => vec![],
            },
            Self::Push(error) => error.errors(),
            _ => vec![],
        }
    }

    const fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_seconds } => Some(*retry_after_seconds),
            Self::Push(error) => error.retry_after_seconds(),
            Self::Overloaded => Some(1),
            Self::Starting | Self::Store(StoreError::Unavailable(_) | StoreError::ReadOnly) => Some(5),
            _ => None,
        }
    }
}

impl ApiError {
    /// A response without a body; [`PendingProblem::publish`] writes it.
    #[must_use]
    pub(in crate::api) fn to_response(&self) -> Response {
        let code = self.code();
        let mut response = code.status().into_response();
        if let Some(seconds) = self.retry_after_seconds() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if code == ProblemCode::Unauthorized {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        let verdicts = if let Self::Push(error) = self { error.verdicts().to_vec() } else { vec![] };
        response.extensions_mut().insert(PendingProblem {
            code,
            detail: self.detail(),
            errors: self.errors(),
            verdicts,
            fault: self.fault(),
        });
        response
    }

    /// What went wrong inside, for the log; `None` for what the client can mend.
    fn fault(&self) -> Option<String> {
        let ours = matches!(self.code(), ProblemCode::Internal | ProblemCode::Unavailable | ProblemCode::Timeout);
        (ours && !matches!(self, Self::Starting)).then(|| self.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.to_response()
    }
}

impl PendingProblem {
    /// The draft a response carries; for an error some library answered with, one made from its status.
    #[must_use]
    pub(in crate::api) fn of(response: &mut Response) -> Option<Self> {
        let status = response.status();
        if !(status.is_client_error() || status.is_server_error()) {
            return None;
        }
        Some(response.extensions_mut().remove::<Self>().unwrap_or_else(|| Self {
            code: ProblemCode::of_status(status),
            detail: status.canonical_reason().unwrap_or("the request failed").to_lowercase(),
            errors: vec![],
            verdicts: vec![],
            fault: None,
        }))
    }

    /// The document, once the request is known.
    #[must_use]
    pub(in crate::api) fn document(self, instance: &str, request_id: &str) -> Problem {
        let status = self.code.status();
        Problem {
            kind: format!("urn:market-stress:problem:{}", self.code.as_str()),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            detail: self.detail,
            instance: instance.to_owned(),
            code: self.code,
            request_id: request_id.to_owned(),
            errors: self.errors,
            verdicts: self.verdicts,
        }
    }

    /// Writes the document into `response`, keeping headers that belong to its status (`Allow`,
    /// `Retry-After`). Faults of the service are logged here, once, under the request's id.
    #[must_use]
    pub(in crate::api) fn publish(self, mut response: Response, instance: &str, request_id: &str) -> Response {
        match (&self.fault, self.code) {
            (None, _) => {}
            (Some(fault), ProblemCode::Internal) => tracing::error!(request_id, path = instance, fault, "a request failed"),
            (Some(fault), _) => tracing::warn!(request_id, path = instance, fault, "a request could not be answered"),
        }
        *response.status_mut() = self.code.status();
        let headers = response.headers_mut();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        *response.body_mut() = serde_json::to_vec(&self.document(instance, request_id)).unwrap_or_default().into();
        response
    }
}

impl Problem {
    /// What a problem of this kind looks like.
    #[must_use]
    pub fn example(code: ProblemCode) -> Self {
        let windw = ParameterProblem {
            parameter: "windw".to_owned(),
            detail: "`windw` is not a parameter of this path; did you mean `window`?".to_owned(),
            allowed: ["asset", "window", "since", "until"].map(str::to_owned).to_vec(),
        };
        let (detail, errors) = match code {
            ProblemCode::BadRequest => (windw.detail.clone(), vec![windw]),
            other => (other.about().to_owned(), vec![]),
        };
        PendingProblem { code, detail, errors, verdicts: vec![], fault: None }
            .document("/v1/drawdown", "0b7e6d1f4c5a4b7c9e2f3a1d8c6b5a49")
    }
}

fn words<T: ToString>(known: &[T]) -> Vec<String> {
    known.iter().map(ToString::to_string).collect()
}

fn summary(problems: &[ParameterProblem]) -> String {
    problems.iter().map(|problem| problem.detail.as_str()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    #[test]
    fn every_code_is_written_as_it_is_serialised_and_has_its_own_status() {
        let mut statuses = std::collections::BTreeSet::new();
        for code in ProblemCode::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
            assert_eq!(ProblemCode::of_status(code.status()), code);
            assert!(statuses.insert(code.status().as_u16()), "{code:?} shares its status");
        }
    }

    #[test]
    fn what_the_database_says_is_not_sent() {
        let error = ApiError::Store(StoreError::Inconsistent { table: "t", column: "c", row: "secret".to_owned() });
        let mut response = error.into_response();
        let draft = PendingProblem::of(&mut response).unwrap();
        assert_eq!(draft.code, ProblemCode::Internal);
        assert!(!draft.detail.contains("secret"), "{}", draft.detail);
    }

    #[test]
    fn a_write_to_a_standby_is_sent_to_the_primary() {
        let mut response = ApiError::Store(StoreError::ReadOnly).into_response();
        let draft = PendingProblem::of(&mut response).unwrap();
        assert_eq!(draft.code, ProblemCode::Unavailable);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        assert!(draft.detail.contains("push to a node whose database is the primary"), "{}", draft.detail);
    }

    #[test]
    fn a_bare_error_of_a_library_becomes_a_problem() {
        let mut response = StatusCode::URI_TOO_LONG.into_response();
        let draft = PendingProblem::of(&mut response).unwrap();
        assert_eq!(draft.code, ProblemCode::BadRequest);
        assert!(PendingProblem::of(&mut StatusCode::OK.into_response()).is_none());
    }
}
