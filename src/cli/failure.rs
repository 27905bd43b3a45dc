use std::io::Write;
use std::process::ExitCode;

use crate::app::ServiceError;
use crate::config::ConfigError;
use crate::domain::KeyId;
use crate::files::{FileError, MixedSelection};
use crate::keys::NoRandomness;
use crate::store::StoreError;

/// Why a command did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The settings make no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A file was not taken.
    #[error("{name}: {error}{}", error.advice())]
    File {
        /// The file, or `standard input`.
        name: String,
        /// Why.
        error: FileError,
    },
    /// The store would not take single rows.
    #[error("{name}: {refused}\nnothing was imported; correct the rows, or leave them out with --skip-bad")]
    Refused {
        /// The file, or `standard input`.
        name: String,
        /// The first rows, one a line.
        refused: String,
    },
    /// A series asked for by name holds no rows.
    #[error("the store holds nothing of {key}{hint}")]
    NoRows {
        /// The series.
        key: String,
        /// The one most like it, in words.
        hint: String,
    },
    /// A key that was never made.
    #[error("there is no key {id}; `market-stress keys list` shows those there are")]
    NoKey {
        /// What was given.
        id: KeyId,
    },
    /// A key cannot be drawn.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service ended by itself.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The operating system gives no threads.
    #[error("the program cannot start its threads: {0}")]
    Runtime(#[source] std::io::Error),
    /// The service gives no sign of life.
    #[error("no sign of life from {listen}: {error}")]
    Lifeless {
        /// Where it was asked.
        listen: std::net::SocketAddr,
        /// Why.
        error: std::io::Error,
    },
    /// Feeds that were tried did not do what they should.
    #[error("{failed} of {tried} feeds failed; the table says why")]
    Feeds {
        /// How many failed.
        failed: usize,
        /// Of how many.
        tried: usize,
    },
    /// The past of a feed could not be read in full.
    #[error(
        "the past of {failed} of {asked} feeds was not read in full; what was read is stored, and the same command goes on from there"
    )]
    BackfillSettings {
        /// How many failed.
        failed: usize,
        /// Of how many.
        asked: usize,
    },
    /// Output could not be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] std::io::Error),
}

impl From<MixedSelection> for Failure {
    fn from(error: MixedSelection) -> Self {
        Self::Usage(error.to_string())
    }
}

impl Failure {
    /// Says it on standard error, unless nobody reads on, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        // A standard error that is closed leaves nobody to tell; the code still says it.
        let _ = writeln!(std::io::stderr(), "error: {self}");
        ExitCode::from(if self.is_usage() { 2 } else { 1 })
    }

    fn is_usage(&self) -> bool {
        match self {
            Self::Config(_) | Self::Usage(_) => true,
            Self::Store(error) | Self::Service(ServiceError::Store(error)) => matches!(error, StoreError::Address { .. }),
            Self::File { error, .. } => matches!(
                error,
                FileError::Unnamed { .. } | FileError::NamedTwice | FileError::Key(_) | FileError::NoSuchColumn { .. }
            ),
            Self::Refused { .. }
            | Self::NoRows { .. }
            | Self::NoKey { .. }
            | Self::NoRandomness(_)
            | Self::Service(_)
            | Self::Runtime(_)
            | Self::Lifeless { .. }
            | Self::Feeds { .. }
            | Self::BackfillSettings { .. }
            | Self::Output(_) => false,
        }
    }
}
