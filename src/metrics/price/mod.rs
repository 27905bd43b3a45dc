//! Prices and what follows from bars: drawdowns, episodes, volatility, liquidity, breadth, market capitalisation.

pub(super) mod breadth;
pub(super) mod changes;
pub(super) mod daily_bars;
pub(super) mod drawdown;
pub(super) mod episodes;
pub(super) mod implied;
pub(super) mod liquidity;
pub(super) mod market_cap;
pub(super) mod price;
pub(super) mod price_path;
pub(super) mod volatility;
pub(super) mod volatility_cache;
