use figment::Figment;
use figment::providers::{Format, Toml};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ScenarioError;
use crate::domain::Timestamp;

/// Anchors of prices and market values.
pub(super) const PRICES: &str = include_str!("../../scenario/prices.toml");
/// Liquidations, open interest, funding and implied volatility.
pub(super) const POSITIONS: &str = include_str!("../../scenario/positions.toml");
/// Flows of funds.
pub(super) const ETF_FLOWS: &str = include_str!("../../scenario/etf_flows.toml");

/// A value of the scenario at a time. The third field is `interpolated` or the number of the fact that
/// the value carries, alone or with others.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Anchor(
    pub(super) Timestamp,
    pub(super) f64,
    #[expect(dead_code, reason = "documents the origin of the value in the file")] String,
);

impl Anchor {
    /// Returns time and value.
    pub(super) const fn point(&self) -> (Timestamp, f64) {
        (self.0, self.1)
    }
}

/// Parses an embedded file of the scenario.
pub(super) fn read<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<T, ScenarioError> {
    Figment::from(Toml::string(text)).extract().map_err(|error| ScenarioError::File { file, reason: error.to_string() })
}
