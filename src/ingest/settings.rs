//! What the configurations of the providers share: keys, addresses and names of this program's own text, and why
//! feeds are off.

use serde::{Deserialize, Serialize};
use url::Url;

use super::runner::{Entry, Feed};
use crate::domain::{Asset, Source};

/// A key of an upstream; empty for none. It is never printed and never written back.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct UpstreamKey(String);

impl UpstreamKey {
    /// The key itself, for the header it goes into; `None` where none is configured.
    #[must_use]
    pub fn expose(&self) -> Option<&str> {
        (!self.0.is_empty()).then_some(self.0.as_str())
    }

    const fn mask(&self) -> &'static str {
        if self.0.is_empty() { "" } else { "(hidden)" }
    }
}

impl std::fmt::Debug for UpstreamKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.mask())
    }
}

impl Serialize for UpstreamKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.mask())
    }
}

/// A public address of this program's own text.
#[expect(clippy::expect_used, reason = "the text is a literal of this program, and a test reads every one of them")]
pub(super) fn static_url(address: &'static str) -> Url {
    Url::parse(address).expect("a valid address")
}

/// A source name of this program's own text.
#[expect(clippy::expect_used, reason = "the text is a literal of this program, and a test reads every one of them")]
pub(super) fn source(name: &'static str) -> Source {
    name.parse().expect("a valid source name")
}

/// The feeds of a provider, all of which run or none.
pub(super) fn entries(feeds: impl IntoIterator<Item = Feed>, off: Option<String>) -> Vec<Entry> {
    feeds.into_iter().zip(std::iter::repeat(off)).map(|(feed, off)| Entry { feed, off }).collect()
}

/// Why the feeds of a provider do not run, where they are switched off.
pub(super) fn switched_off(enabled: bool, provider: &str) -> Option<String> {
    (!enabled).then(|| format!("switched off by ingest.{provider}.enabled"))
}

/// The same for a provider that answers with a key alone.
pub(super) fn off_without_key(enabled: bool, key: &UpstreamKey, provider: &str) -> Option<String> {
    let keyless = || key.expose().is_none().then(|| format!("needs a key: set ingest.{provider}.api_key"));
    switched_off(enabled, provider).or_else(keyless)
}

/// The coins whose derivatives are collected unless the configuration says others.
pub(super) fn default_assets() -> Vec<Asset> {
    ["btc", "eth", "sol", "xrp", "bnb", "doge"].map(asset).to_vec()
}

/// An asset of this program's own text.
#[expect(clippy::expect_used, reason = "the text is a literal of this program, and a test reads every one of them")]
pub(super) fn asset(symbol: &'static str) -> Asset {
    symbol.parse().expect("a valid asset symbol")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_not_printed() {
        let key = UpstreamKey("secret".to_owned());
        assert!(!format!("{key:?}").contains("secret"));
        assert!(!serde_json::to_string(&key).unwrap().contains("secret"));
        assert_eq!(key.expose(), Some("secret"));
    }
}
