use crate::domain::{Asset, Source, Timestamp};

/// Why a question has no answer, not even one of nulls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing is known about the asset, nor will be.
    #[error("the asset `{asset}` is not known")]
    UnknownAsset {
        /// The parameter that names it.
        parameter: &'static str,
        /// What was asked for.
        asset: Asset,
        /// What may be asked for.
        known: Vec<Asset>,
    },
    /// No series of this question comes from the source.
    #[error("the source `{source_name}` has no series for this question")]
    UnknownSource {
        /// What was asked for.
        source_name: Source,
        /// What may be asked for.
        known: Vec<Source>,
    },
    /// There is no such series.
    #[error("there is no series `{key}`; /v1/series lists those there are")]
    UnknownSeries {
        /// What was asked for.
        key: String,
    },
    /// The window ends before it starts.
    #[error("the window ends at {to}, which is not after its start {from}")]
    EmptyWindow {
        /// The start that was asked for.
        from: Timestamp,
        /// The end that was asked for.
        to: Timestamp,
    },
    /// A parameter has a value this question cannot use.
    #[error("`{parameter}` cannot be {given}: {reason}")]
    Parameter {
        /// The parameter.
        parameter: &'static str,
        /// What was given.
        given: String,
        /// Why it cannot be used.
        reason: String,
        /// What may be given.
        allowed: Vec<String>,
    },
    /// Nobody waits for the answer any more, or its time is over.
    #[error("the computation was stopped before its end")]
    Cancelled,
}
