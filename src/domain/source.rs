use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Publisher of rows: a feed, or the name that an operator gave to an import, such as `binance-perp`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(Arc<str>);

/// The text is not a source name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a source name: 1 to 40 of a-z, 0-9, - and _, such as binance-perp")]
pub struct InvalidSource(pub String);

/// Kind of a source; decides if its values may be added to those of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// One trading venue; values of several venues may be added.
    Venue,
    /// Sums many venues; its values already include theirs and are never added to them.
    Aggregator,
    /// Publishes values of its own, such as ETF flows or an index.
    Publisher,
    /// Synthetic: the rows of a demo scenario.
    Scenario,
}

/// A source and its limitations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceInfo {
    /// The name used in series keys.
    pub source: Source,
    /// Decides how its values may be combined.
    pub kind: SourceKind,
    /// Known omissions of its values, in one sentence; empty if none is known.
    pub note: String,
}

/// The text is not a kind of source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind of source: venue, aggregator, publisher or scenario")]
pub struct InvalidSourceKind(pub String);

impl SourceKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::Venue, Self::Aggregator, Self::Publisher, Self::Scenario];

    /// Returns `venue`, `aggregator`, `publisher` or `scenario`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Venue => "venue",
            Self::Aggregator => "aggregator",
            Self::Publisher => "publisher",
            Self::Scenario => "scenario",
        }
    }
}

impl FromStr for SourceKind {
    type Err = InvalidSourceKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| InvalidSourceKind(text.to_owned()))
    }
}

impl Source {
    /// Returns the name under which a file with rows of several sources is recorded.
    #[must_use]
    pub fn import() -> Self {
        Self(Arc::from("import"))
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Source {
    type Err = InvalidSource;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = (1..=40).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if valid { Ok(Self(Arc::from(text))) } else { Err(InvalidSource(text.to_owned())) }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
