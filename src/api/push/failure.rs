use crate::api::push::{RowStatus, RowVerdict};
use crate::api::response::problem::ParameterProblem;
use crate::api::response::problem_code::ProblemCode;
use crate::files::FileError;

/// How many refused rows are listed among the errors of a problem; its verdicts hold them all.
const LISTED: usize = 20;

/// Why a push is not taken. Nothing of it was written.
#[derive(Debug, thiserror::Error)]
pub(in crate::api) enum PushError {
    /// No key, or none in the form it should have.
    #[error("a key is needed: send it as `Authorization: Bearer msk_...`, never in the address")]
    NoKey,
    /// A key that was never made, whose secret is another, or that was revoked.
    #[error("the key is not known or was revoked; `market-stress keys create` makes one")]
    UnknownKey,
    /// The key may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The key pushes too often.
    #[error("too many pushes with this key; wait {retry_after_seconds} s, or send more rows at once")]
    RateLimited {
        /// When the next one will be taken, seconds from now.
        retry_after_seconds: u64,
    },
    /// A body of a type that is not read, or compressed.
    #[error("{found} is not read here; send one of application/json, application/x-ndjson and text/csv, uncompressed")]
    MediaType {
        /// What was sent, in words.
        found: String,
    },
    /// A header that cannot be used.
    #[error("`{name}` {reason}")]
    Header {
        /// Its name.
        name: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The body ended before it was complete.
    #[error("the body ended before it was complete; nothing was written, send it again")]
    Truncated,
    /// A body that holds no rows, or is not in its format.
    #[error("{}", words(.0))]
    Body(FileError),
    /// Rows that are refused: the verdicts of all rows.
    #[error("{}", summary(.0))]
    Rows(Vec<RowVerdict>),
    /// The same push is being worked on.
    #[error("a push with this Idempotency-Key is under way; try again in a second for its answer")]
    InProgress,
    /// Another push had the same name.
    #[error("this Idempotency-Key was used for another body within a day; use a new one for each push")]
    IdempotencyConflict,
}

impl PushError {
    /// The code it is answered with.
    pub(in crate::api) const fn code(&self) -> ProblemCode {
        match self {
            Self::NoKey | Self::UnknownKey => ProblemCode::Unauthorized,
            Self::Forbidden(_) => ProblemCode::Forbidden,
            Self::RateLimited { .. } => ProblemCode::RateLimited,
            Self::MediaType { .. } => ProblemCode::UnsupportedMediaType,
            Self::Body(FileError::TooManyRows { .. }) => ProblemCode::PayloadTooLarge,
            Self::Header { .. } | Self::Truncated | Self::Body(_) => ProblemCode::BadRequest,
            Self::Rows(_) => ProblemCode::Unprocessable,
            Self::InProgress | Self::IdempotencyConflict => ProblemCode::Conflict,
        }
    }

    /// The headers and rows that are to blame.
    pub(in crate::api) fn errors(&self) -> Vec<ParameterProblem> {
        let error = |parameter: String, detail: String| ParameterProblem { parameter, detail, allowed: vec![] };
        match self {
            Self::Header { name, .. } => vec![error((*name).to_owned(), self.to_string())],
            Self::Rows(verdicts) => {
                let refused = verdicts.iter().filter(|row| row.verdict == RowStatus::Refused).take(LISTED);
                refused.map(|row| error(row.place(), row.detail.clone().unwrap_or_default())).collect()
            }
            _ => vec![],
        }
    }

    /// What became of every row, where rows are the reason.
    pub(in crate::api) fn verdicts(&self) -> &[RowVerdict] {
        match self {
            Self::Rows(verdicts) => verdicts,
            _ => &[],
        }
    }

    /// When trying again may work.
    pub(in crate::api) const fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_seconds } => Some(*retry_after_seconds),
            Self::InProgress => Some(1),
            _ => None,
        }
    }
}

/// What is wrong with a body, in the words of a body.
fn words(error: &FileError) -> String {
    match error {
        FileError::Empty | FileError::NoRows => "the body holds no rows".to_owned(),
        other => format!("the body cannot be read: {other}"),
    }
}

fn summary(verdicts: &[RowVerdict]) -> String {
    let refused = verdicts.iter().filter(|row| row.verdict == RowStatus::Refused);
    let (count, first) = (refused.clone().count(), refused.clone().next());
    let first = first.map(|row| format!("{}: {}", row.place(), row.detail.as_deref().unwrap_or_default())).unwrap_or_default();
    format!("{count} of {} rows are refused, so nothing was written; the first is {first}", verdicts.len())
}
