use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::domain::{Digest, Source, Timestamp};

/// Identifier of a key in lists and logs: 12 hexadecimal digits. It is not secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// The text is not a key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a key: 12 hexadecimal digits, as `keys list` shows them")]
pub struct InvalidKeyId(pub String);

/// A key that may push rows, as stored: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Identifier for programs.
    pub id: KeyId,
    /// Name for people: who holds the key.
    pub name: String,
    /// SHA-256 digest of the secret.
    pub digest: Digest,
    /// Sources whose rows the key may push; empty for all.
    pub sources: BTreeSet<Source>,
    /// True if rows pushed with the key may state their own `known_at`, and so extend history.
    pub may_backfill: bool,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of revocation; `None` if the key is valid.
    pub revoked_at: Option<Timestamp>,
    /// Time of last use, to the minute; `None` if never used.
    pub last_used_at: Option<Timestamp>,
}

impl KeyId {
    /// Number of hexadecimal digits in an id.
    const DIGITS: usize = 12;

    /// Builds an id from the lowest 48 bits of a number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(format!("{:012x}", number & 0xffff_ffff_ffff))
    }

    /// Returns the id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ApiKey {
    /// Creates a key that may push rows of every source and may not back-fill.
    #[must_use]
    pub fn new(id: KeyId, name: &str, digest: Digest, created_at: Timestamp) -> Self {
        Self {
            id,
            name: name.to_owned(),
            digest,
            sources: BTreeSet::new(),
            may_backfill: false,
            created_at,
            revoked_at: None,
            last_used_at: None,
        }
    }

    /// Returns true if the key may push rows of this source.
    #[must_use]
    pub fn speaks_for(&self, source: &Source) -> bool {
        self.sources.is_empty() || self.sources.contains(source)
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let valid = text.len() == Self::DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if valid { Ok(Self(text.to_owned())) } else { Err(InvalidKeyId(text.to_owned())) }
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
