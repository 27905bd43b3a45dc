use std::time::Duration;

use crate::store::StoreError;

/// How many characters of an answer an error quotes.
const EXCERPT_CHARS: usize = 120;

/// An upstream could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No connection, or it broke before the answer was complete.
    #[error("{host} cannot be reached ({reason}); check the network, a firewall, or the feed's address in the configuration")]
    Unreachable {
        /// The host that was asked.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// The answer did not arrive in time.
    #[error("{host} did not answer in time; it is tried again, or raise ingest.request_timeout_seconds")]
    Timeout {
        /// The host that was asked.
        host: String,
    },
    /// The host asks for fewer questions (429), or has banned this address for a while (418).
    #[error("{host} answered {status}: too many requests; nothing is asked of it for {} s", wait.as_secs())]
    Throttled {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// How long to be silent.
        wait: Duration,
    },
    /// Nothing was asked: the host wants silence, or has failed too often in a row.
    #[error("{host} is left alone for another {} s after it throttled, blocked or failed", wait.as_secs())]
    HostResting {
        /// The host that would have been asked.
        host: String,
        /// How long it is still left alone.
        wait: Duration,
    },
    /// Any other status that is not a success.
    #[error("{host} answered {status}: {excerpt}; {}", status_advice(*status))]
    Status {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        excerpt: String,
    },
    /// The host does not serve this client: status 451, or a page for browsers in place of an answer.
    #[error(
        "{host} blocks this client (HTTP {status}: {excerpt}): {}; nothing is asked of it for {} s, and a file import can take the \
         feed's place",
        block_reason(*status),
        wait.as_secs()
    )]
    Blocked {
        /// The host that was asked.
        host: String,
        /// The HTTP status.
        status: u16,
        /// The beginning of the body.
        excerpt: String,
        /// How long it is left alone.
        wait: Duration,
    },
    /// A success with a body of another type.
    #[error("{host} answered {got} where {expected} was expected: {excerpt}; the upstream blocks this client or has moved")]
    ContentType {
        /// The host that was asked.
        host: String,
        /// What was expected.
        expected: &'static str,
        /// What the answer called itself.
        got: String,
        /// The beginning of the body.
        excerpt: String,
    },
    /// The body is longer than any honest answer.
    #[error("{host} answered with more than {limit_bytes} bytes; the answer was dropped, check the feed's address")]
    TooLarge {
        /// The host that was asked.
        host: String,
        /// The most that is read.
        limit_bytes: usize,
    },
    /// The configured address and the path make no URL.
    #[error("`{address}` is not an address that can be asked: {reason}; check the feed's address in the configuration")]
    Address {
        /// The address.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// An answer could not be understood as a whole. Single bad rows are refused instead and do not
/// stop the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The bytes are cut off, or not in the expected format.
    #[error(
        "the answer is not the expected {expected}: {reason}; it is asked again, and the parser is out of date if it stays so"
    )]
    Malformed {
        /// What was expected.
        expected: &'static str,
        /// What does not fit.
        reason: String,
    },
    /// The upstream says in a body that it will not answer, whatever the status said.
    #[error("the upstream refused with code {code}: {message}")]
    Upstream {
        /// The upstream's own code.
        code: String,
        /// The upstream's own words.
        message: String,
    },
}

/// A websocket session ended.
#[derive(Debug, thiserror::Error)]
pub enum StreamError {
    /// No connection, or it broke.
    #[error("the stream of {host} broke ({reason}); it is connected again")]
    Broken {
        /// The host.
        host: String,
        /// What the socket said.
        reason: String,
    },
    /// The connection stands but nothing came over it.
    #[error("the stream of {host} was silent for {} s although it is open; it is connected again", silence.as_secs())]
    Silent {
        /// The host.
        host: String,
        /// How long nothing came.
        silence: Duration,
    },
    /// The upstream refused the subscription or announced the end of the session.
    #[error("the stream of {host} was refused: {reason}; it is connected again")]
    Refused {
        /// The host.
        host: String,
        /// The upstream's words.
        reason: String,
    },
}

/// Why one step of a feed did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The upstream could not be asked.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The answer could not be understood.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// The stream ended.
    #[error(transparent)]
    Stream(#[from] StreamError),
    /// The rows could not be recorded; they are read again.
    #[error("the rows could not be recorded: {0}")]
    Store(#[from] StoreError),
    /// The step took longer than its deadline.
    #[error("the step took longer than {} s and was given up; what was recorded stays", .0.as_secs())]
    Deadline(Duration),
    /// This program is at fault.
    #[error("the feed hit a fault of this program; it is tried again, please report the log")]
    Defect,
}

impl FeedError {
    /// Whether the same question will fail again until somebody changes something: the upstream refused it.
    #[must_use]
    pub const fn is_lasting(&self) -> bool {
        match self {
            Self::Fetch(FetchError::Status { status, .. }) => *status < 500,
            Self::Parse(ParseError::Upstream { .. }) => true,
            _ => false,
        }
    }

    /// How long the upstream asked to be left alone, where it did.
    #[must_use]
    pub const fn wait(&self) -> Option<Duration> {
        match self {
            Self::Fetch(
                FetchError::Throttled { wait, .. } | FetchError::Blocked { wait, .. } | FetchError::HostResting { wait, .. },
            ) => Some(*wait),
            _ => None,
        }
    }
}

/// The beginning of a body, on one line.
pub(crate) fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4 * EXCERPT_CHARS)]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if words.is_empty() { "(empty body)".to_owned() } else { words.chars().take(EXCERPT_CHARS).collect() }
}

const fn block_reason(status: u16) -> &'static str {
    match status {
        451 => "it does not serve the country of this address",
        _ => "it answered with a page for browsers",
    }
}

const fn status_advice(status: u16) -> &'static str {
    match status {
        401 => "check the feed's API key",
        403 => "the upstream blocks this client, or the key may not ask this; a file import can take the feed's place",
        404 => "check the feed's address",
        400..=499 => "the request is wrong for this upstream: check the feed's configuration",
        _ => "it is tried again",
    }
}
