//! What the archives of Binance have in common.

use crate::domain::Asset;
use crate::files::sighting::coin_of;

/// A symbol of Binance: its coin, and whether it is margined in coins.
pub(super) struct Symbol {
    pub(super) asset: Option<Asset>,
    /// The value of one contract in USD, of coin-margined symbols.
    pub(super) contract_usd: Option<f64>,
}

/// Reads `BTCUSDT`, `BTCUSD_PERP` or `BTCUSD_250627`.
pub(super) fn symbol(text: &str) -> Symbol {
    let (pair, kind) = text.split_once('_').unwrap_or((text, ""));
    let asset = coin_of(pair);
    let is_coin_margined = pair.ends_with("USD") && !kind.is_empty();
    let is_btc = asset.as_ref().is_some_and(|asset| *asset == Asset::btc());
    Symbol { contract_usd: is_coin_margined.then_some(if is_btc { 100.0 } else { 10.0 }), asset }
}
