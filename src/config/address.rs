use std::fmt;

use serde::{Deserialize, Serialize};

/// Address of the store. Displayed with its password hidden.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Wraps an address as the operator wrote it.
    #[must_use]
    pub fn new(address: impl Into<String>) -> Self {
        Self(address.into())
    }

    /// Returns the whole address, password included, for opening the store only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.split_once("://").map(|(scheme, rest)| (scheme, rest.rsplit_once('@'))) {
            Some((scheme, Some((user, host)))) => {
                let name = user.split(':').next().unwrap_or_default();
                write!(f, "{scheme}://{name}:***@{host}")
            }
            _ => f.write_str(&self.0),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (address, shown) in [
            ("postgres://me:se:cr@et@host:5432/db", "postgres://me:***@host:5432/db"),
            ("postgres://me@host/db", "postgres://me:***@host/db"),
            ("postgres://host/db", "postgres://host/db"),
            ("sqlite://./data/x.db", "sqlite://./data/x.db"),
        ] {
            assert_eq!(format!("{:?}", DatabaseUrl::new(address)), shown);
        }
    }
}
