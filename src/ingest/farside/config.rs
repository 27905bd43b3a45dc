use serde::{Deserialize, Serialize};
use url::Url;

use crate::ingest::settings::static_url;

/// Configuration of the Farside feeds, `[ingest.farside]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FarsideConfig {
    /// Whether the feeds run. The publisher often turns programs away with 403; a table can then be
    /// imported from a file. Default: true.
    pub enabled: bool,
    /// Base address. Default: `https://farside.co.uk`.
    pub url: Url,
}

impl Default for FarsideConfig {
    fn default() -> Self {
        Self { enabled: true, url: static_url("https://farside.co.uk") }
    }
}
