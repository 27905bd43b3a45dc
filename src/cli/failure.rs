use std::io::Write;
use std::process::ExitCode;

use crate::app::ServiceError;
use crate::config::ConfigError;
use crate::domain::KeyId;
use crate::files::{FileError, MixedSelection};
use crate::keys::NoRandomness;
use crate::store::StoreError;

/// Failure of a command.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// Invalid settings.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Invalid combination of arguments.
    #[error("{0}")]
    Usage(String),
    /// A file was rejected.
    #[error("{name}: {error}{}", error.advice())]
    File {
        /// File, or `standard input`.
        name: String,
        /// Why.
        error: Box<FileError>,
    },
    /// One of several files was not taken.
    #[error("{failure}\n{}", what_became_of(before, after, *is_trial))]
    Among {
        /// Why it was not.
        failure: Box<Self>,
        /// The files before it.
        before: Vec<String>,
        /// The files after it.
        after: Vec<String>,
        /// Whether nothing was to be stored in any case.
        is_trial: bool,
    },
    /// The store would not take single rows.
    #[error("{name}: {refused}\nnothing of the file was stored; correct the rows, or leave them out with --skip-bad")]
    Refused {
        /// File, or `standard input`.
        name: String,
        /// First rejected rows, one a line.
        refused: String,
    },
    /// A requested series has no rows.
    #[error("the store has no rows of {key}{hint}")]
    NoRows {
        /// Series key.
        key: String,
        /// Suggestion of the nearest key.
        hint: String,
    },
    /// An unknown API key.
    #[error("no key has the id {id}; see `market-stress keys list`")]
    NoKey {
        /// The id as given.
        id: KeyId,
    },
    /// An API key cannot be created.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The service stopped by itself.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The operating system did not start threads.
    #[error("cannot start the threads of the program: {0}")]
    Runtime(#[source] std::io::Error),
    /// The health check failed.
    #[error("health check of {listen} failed: {error}")]
    Unhealthy {
        /// Address that was checked.
        listen: std::net::SocketAddr,
        /// Cause.
        error: std::io::Error,
    },
    /// Probed feeds failed.
    #[error("{failed} of {tried} feeds failed; see the table")]
    Feeds {
        /// Number of failed feeds.
        failed: usize,
        /// Number of probed feeds.
        tried: usize,
    },
    /// The history of a feed was not read in full.
    #[error(
        "the back-fill of {failed} of {requested} feeds is incomplete; what was read is stored, and the same command resumes from there"
    )]
    Backfill {
        /// Number of incomplete feeds.
        failed: usize,
        /// Number of requested feeds.
        requested: usize,
    },
    /// Output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] std::io::Error),
}

impl From<MixedSelection> for Failure {
    fn from(error: MixedSelection) -> Self {
        Self::Usage(error.to_string())
    }
}

/// What became of the files around the one that failed.
fn what_became_of(before: &[String], after: &[String], is_trial: bool) -> String {
    let mut lines = Vec::new();
    if !before.is_empty() && !is_trial {
        lines.push(format!("stored before it: {}", listed(before)));
    }
    if !after.is_empty() {
        lines.push(format!("not read, as they come after it: {}", listed(after)));
    }
    lines.join("\n")
}

/// The first files of a list.
fn listed(files: &[String]) -> String {
    const LISTED: usize = 10;
    let first = files[..files.len().min(LISTED)].join(", ");
    if files.len() > LISTED { format!("{first} and {} more", files.len() - LISTED) } else { first }
}

impl Failure {
    /// The same failure, with what became of the other files of one command.
    pub(super) fn among(self, before: &[String], after: &[String], is_trial: bool) -> Self {
        if (before.is_empty() || is_trial) && after.is_empty() {
            return self;
        }
        Self::Among { failure: Box::new(self), before: before.to_vec(), after: after.to_vec(), is_trial }
    }

    /// Says it on standard error, unless nobody reads on, and gives the exit code.
    pub(super) fn report(&self) -> ExitCode {
        if matches!(self, Self::Output(error) if error.kind() == std::io::ErrorKind::BrokenPipe) {
            return ExitCode::SUCCESS;
        }
        // If standard error is closed, only the exit code reports the failure.
        let _ = writeln!(std::io::stderr(), "error: {self}");
        ExitCode::from(if self.is_usage() { 2 } else { 1 })
    }

    fn is_usage(&self) -> bool {
        match self {
            Self::Config(_) | Self::Usage(_) => true,
            Self::Store(error) | Self::Service(ServiceError::Store(error)) => matches!(error, StoreError::Address { .. }),
            Self::File { error, .. } => matches!(
                **error,
                FileError::Unnamed { .. }
                    | FileError::NamedTwice
                    | FileError::Key(_)
                    | FileError::NoSuchColumn { .. }
                    | FileError::UnknownPreset { .. }
                    | FileError::UnknownKind { .. }
                    | FileError::Meaningless { .. }
            ),
            Self::Among { failure, .. } => failure.is_usage(),
            Self::Refused { .. }
            | Self::NoRows { .. }
            | Self::NoKey { .. }
            | Self::NoRandomness(_)
            | Self::Service(_)
            | Self::Runtime(_)
            | Self::Unhealthy { .. }
            | Self::Feeds { .. }
            | Self::Backfill { .. }
            | Self::Output(_) => false,
        }
    }
}
