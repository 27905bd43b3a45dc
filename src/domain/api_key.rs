use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::domain::{Digest, Source, Timestamp};

/// Names a key in lists and logs: 12 hexadecimal digits. It is no secret.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// The text names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the id of a key: 12 hexadecimal digits, as `keys list` shows them")]
pub struct InvalidKeyId(pub String);

/// A key with which rows may be pushed in, as it is kept: without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// What it is called by programs.
    pub id: KeyId,
    /// What it is called by people: who holds it.
    pub name: String,
    /// The digest of its secret.
    pub digest: Digest,
    /// The sources it may speak for; empty for all.
    pub sources: BTreeSet<Source>,
    /// Whether rows pushed with it may say since when they were known, and so add to the past.
    pub may_backfill: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it opens nothing; `None` while it does.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute; `None` before the first time.
    pub last_used_at: Option<Timestamp>,
}

impl KeyId {
    /// How many hexadecimal digits an id has.
    const DIGITS: usize = 12;

    /// The id made of the lowest 48 bits of a number.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(format!("{:012x}", number & 0xffff_ffff_ffff))
    }

    /// The id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ApiKey {
    /// A new key that may push rows of any source and date none back.
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

    /// Whether it may push rows of this source.
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
