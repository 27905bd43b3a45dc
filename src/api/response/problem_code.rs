use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

/// The closed set of problem codes; each belongs to one status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// A parameter or a body cannot be understood (400).
    BadRequest,
    /// A key is needed, and none that is known was sent (401).
    Unauthorized,
    /// The key that was sent may not do this (403).
    Forbidden,
    /// There is no such path, asset, source or series (404).
    NotFound,
    /// The path answers other methods (405).
    MethodNotAllowed,
    /// The request contradicts one that came before (409).
    Conflict,
    /// The body is longer than the service takes (413).
    PayloadTooLarge,
    /// The body is of a type the service does not read (415).
    UnsupportedMediaType,
    /// The request is well formed and cannot be done: a question about the future, rows that are refused (422).
    Unprocessable,
    /// The client asks more often than it may (429).
    RateLimited,
    /// A fault of the service (500).
    Internal,
    /// The service cannot answer now and may later (503).
    Unavailable,
    /// The answer took too long (504).
    Timeout,
}

impl ProblemCode {
    /// Every code.
    pub const ALL: [Self; 13] = [
        Self::BadRequest,
        Self::Unauthorized,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::Conflict,
        Self::PayloadTooLarge,
        Self::UnsupportedMediaType,
        Self::Unprocessable,
        Self::RateLimited,
        Self::Internal,
        Self::Unavailable,
        Self::Timeout,
    ];

    /// The code as it is written, its status, and what it means.
    const fn facts(self) -> (&'static str, StatusCode, &'static str) {
        match self {
            Self::BadRequest => {
                ("bad_request", StatusCode::BAD_REQUEST, "A parameter or a body cannot be understood; `errors` names every one.")
            }
            Self::Unauthorized => ("unauthorized", StatusCode::UNAUTHORIZED, "A key is needed, and none that is known was sent."),
            Self::Forbidden => ("forbidden", StatusCode::FORBIDDEN, "The key that was sent may not do this."),
            Self::NotFound => ("not_found", StatusCode::NOT_FOUND, "There is no such path, asset, source or series."),
            Self::MethodNotAllowed => {
                ("method_not_allowed", StatusCode::METHOD_NOT_ALLOWED, "The path answers other methods; `Allow` lists them.")
            }
            Self::Conflict => ("conflict", StatusCode::CONFLICT, "The request contradicts one that came before."),
            Self::PayloadTooLarge => {
                ("payload_too_large", StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than the service takes.")
            }
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", StatusCode::UNSUPPORTED_MEDIA_TYPE, "The body is of a type the service does not read.")
            }
            Self::Unprocessable => (
                "unprocessable",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The request is well formed and cannot be done: its `as_of` lies in the future, or rows were refused.",
            ),
            Self::RateLimited => (
                "rate_limited",
                StatusCode::TOO_MANY_REQUESTS,
                "The client asks more often than it may; `Retry-After` says how long to wait.",
            ),
            Self::Internal => ("internal", StatusCode::INTERNAL_SERVER_ERROR, "A fault of the service."),
            Self::Unavailable => {
                ("unavailable", StatusCode::SERVICE_UNAVAILABLE, "The service cannot answer now and may after `Retry-After`.")
            }
            Self::Timeout => ("timeout", StatusCode::GATEWAY_TIMEOUT, "The answer took too long."),
        }
    }

    /// The code as it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.facts().0
    }

    /// The HTTP status it belongs to.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.facts().1
    }

    /// What it means, in a sentence.
    #[must_use]
    pub const fn about(self) -> &'static str {
        self.facts().2
    }

    /// The code of a bare status that some library answered with.
    pub(in crate::api) fn of_status(status: StatusCode) -> Self {
        let same = Self::ALL.into_iter().find(|code| code.status() == status);
        same.unwrap_or(if status.is_server_error() { Self::Internal } else { Self::BadRequest })
    }
}
