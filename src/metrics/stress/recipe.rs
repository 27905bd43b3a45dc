//! The recipe of the stress index: every number and every name that may be chosen (METHODOLOGY section 11.3).
//!
//! This is the configuration, not code: what is measured, over which windows, with which weights, and
//! where the bands lie. Another value is another index, so a change of anything here takes a new
//! [`RECIPE`] `version`, and the answers say by which version they were made.

use crate::domain::Period;
use crate::metrics::stress::measure::Measure;
use crate::stats::composite::{Recipe, SegmentRecipe};

/// Everything that makes one stress index.
#[derive(Debug)]
pub(super) struct StressRecipe {
    /// Grows with any change of what follows.
    pub(super) version: u32,
    /// The asset whose market is judged where an indicator names no other.
    pub(super) asset: &'static str,
    /// Coins that are pegged or wrapped and so say nothing of their own about falls.
    pub(super) not_counted: &'static [&'static str],
    /// How long after its end a day stays open for the rows that tell of it: feeds commit a bar
    /// seconds after it ends.
    pub(super) settles_after_ms: i64,
    /// The parts of the market, all of them equal until there is a reason (Illing and Liu 2006).
    pub(super) segments: &'static [SegmentSpec],
    /// Exponent of the power mean that joins a segment's percentiles: 1 is the mean, larger leans to the highest.
    pub(super) power: f64,
    /// Daily decay of the co-movement of segments: a half-life of 23 days.
    pub(super) decay: f64,
    /// Observations a percentile looks back on, the current one included: four years.
    pub(super) window: usize,
    /// Days before the first publication.
    pub(super) warm_up: usize,
    /// Observations an indicator that begins later needs to count; it is provisional until `warm_up`.
    pub(super) late_warm_up: usize,
    /// Days a segment's last score stands in for a missing one: a weekend with a holiday.
    pub(super) carry_limit: usize,
    /// Share of the weight that has to be observed or carried; under it there is no index.
    pub(super) coverage_floor: f64,
    /// How many of the highest segments make the acute companion.
    pub(super) acute_top: usize,
    /// Lower bounds of the bands above calm: normal, elevated, high, severe and extreme; the median of
    /// history and its quantiles at 75, 90, 95 and 99 percent.
    pub(super) bands: [f64; 5],
}

/// One part of the market.
#[derive(Debug)]
pub(super) struct SegmentSpec {
    pub(super) name: &'static str,
    /// Relative to the other segments.
    pub(super) weight: f64,
    pub(super) indicators: &'static [IndicatorSpec],
}

/// One indicator, oriented so that up is more stress.
#[derive(Debug)]
pub(super) struct IndicatorSpec {
    pub(super) name: &'static str,
    /// The unit of its value.
    pub(super) unit: &'static str,
    pub(super) measure: Measure,
}

const fn indicator(name: &'static str, unit: &'static str, measure: Measure) -> IndicatorSpec {
    IndicatorSpec { name, unit, measure }
}

/// The index as it is published.
pub(super) const RECIPE: StressRecipe = StressRecipe {
    version: 3,
    asset: "btc",
    not_counted: &["usdt", "usdc", "dai", "usde", "fdusd", "busd", "tusd", "pyusd", "wbtc", "steth", "wsteth", "weth", "other"],
    settles_after_ms: 15 * Period::MINUTE.ms(),
    segments: &[PRICE, VOLATILITY, LEVERAGE, FUNDING, ETF, CROSS_ASSET, LIQUIDITY],
    power: 4.0,
    decay: 0.97,
    window: 1_461,
    warm_up: 365,
    late_warm_up: 120,
    carry_limit: 4,
    coverage_floor: 0.6,
    acute_top: 3,
    bands: [30.0, 45.0, 58.0, 67.0, 78.0],
};

/// Slow, fast, and how broad a fall is.
const PRICE: SegmentSpec = SegmentSpec {
    name: "price",
    weight: 1.0,
    indicators: &[
        indicator("fall_from_365d_high", "ratio", Measure::FallFromHigh { days: 365 }),
        indicator("low_3d_under_high_14d", "ratio", Measure::LowUnderHigh { low_days: 3, high_days: 14 }),
        indicator(
            "coins_25pct_under_high_14d",
            "ratio",
            Measure::CoinsFallen { low_days: 3, high_days: 14, fall: 0.25, top: 20, least: 5 },
        ),
    ],
};

const VOLATILITY: SegmentSpec = SegmentSpec {
    name: "volatility",
    weight: 1.0,
    indicators: &[
        indicator("garman_klass_3d", "ratio", Measure::GarmanKlass { days: 3 }),
        indicator("close_to_close_30d", "ratio", Measure::CloseToClose { days: 30 }),
        indicator("parkinson_7d_to_usual", "log_ratio", Measure::ParkinsonToUsual { days: 7, usual_days: 365 }),
        indicator("implied_30d", "percent", Measure::Implied),
    ],
};

/// Positions closed by force or in a hurry. The level of liquidations depends on the feed, so it only
/// ever meets its own past.
const LEVERAGE: SegmentSpec = SegmentSpec {
    name: "leverage",
    weight: 1.0,
    indicators: &[
        indicator("liquidated_of_open_interest_3d", "ratio", Measure::Liquidated { days: 3, longs_only: false }),
        indicator("longs_liquidated_of_open_interest_3d", "ratio", Measure::Liquidated { days: 3, longs_only: true }),
        indicator("positions_closed_3d", "log_ratio", Measure::PositionsClosed { days: 3 }),
    ],
};

/// Falling and negative funding is stress; high positive funding is vulnerability and stays out.
const FUNDING: SegmentSpec = SegmentSpec {
    name: "funding",
    weight: 1.0,
    indicators: &[
        indicator("shorts_pay_3d", "ratio_per_8h", Measure::ShortsPay { days: 3 }),
        indicator("shorts_pay_30d", "ratio_per_8h", Measure::ShortsPay { days: 30 }),
        indicator("funding_fall_3d_to_30d", "ratio_per_8h", Measure::FundingFall { days: 3, usual_days: 30 }),
    ],
};

/// Outflows as a share of what the funds hold, so that neither the price nor their growth counts.
const ETF: SegmentSpec = SegmentSpec {
    name: "etf",
    weight: 1.0,
    indicators: &[
        indicator("outflow_5_trading_days", "ratio", outflow(5)),
        indicator("outflow_20_trading_days", "ratio", outflow(20)),
    ],
};

/// The trust that became a spot fund when they began, on 2024-01-11, held about 619,000 coins: reports of its
/// filing for the half-year speak of close to 620,000 before, those of 2024-05-28 of 289,040 left and 330,960 gone.
const fn outflow(trading_days: usize) -> Measure {
    Measure::EtfOutflow { trading_days, converted_coins: 619_000.0 }
}

const CROSS_ASSET: SegmentSpec = SegmentSpec {
    name: "cross_asset",
    weight: 1.0,
    indicators: &[
        indicator("vix", "percent", Measure::Level { asset: "vix" }),
        indicator("correlation_with_sp500_60", "ratio", Measure::Correlation { with: "sp500", observations: 60 }),
        indicator("behind_gold_30d", "log_ratio", Measure::Behind { asset: "gold", days: 30 }),
    ],
};

const LIQUIDITY: SegmentSpec = SegmentSpec {
    name: "liquidity",
    weight: 1.0,
    indicators: &[
        indicator("amihud_7d_to_usual", "log_ratio", Measure::AmihudToUsual { days: 7, usual_days: 365 }),
        indicator("corwin_schultz_14d", "ratio", Measure::CorwinSchultz { days: 14 }),
        indicator(
            "coins_amihud_7d_to_usual",
            "log_ratio",
            Measure::CoinsAmihudToUsual { days: 7, usual_days: 365, top: 20, least: 5 },
        ),
        indicator("stablecoins_off_peg", "ratio", Measure::OffPeg { coins: &["usdt", "usdc"] }),
    ],
};

impl StressRecipe {
    /// The recipe as the arithmetic takes it.
    pub(super) fn arithmetic(&self) -> Recipe {
        let segment = |spec: &SegmentSpec| SegmentRecipe { weight: spec.weight, indicators: spec.indicators.len() };
        Recipe {
            segments: self.segments.iter().map(segment).collect(),
            power: self.power,
            rerank: true,
            decay: self.decay,
            window: self.window,
            warm_up: self.warm_up,
            late_warm_up: self.late_warm_up,
            carry_limit: self.carry_limit,
            coverage_floor: self.coverage_floor,
            acute_top: self.acute_top,
            bands: self.bands.to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::domain::Asset;
    use crate::stats::composite::Composite;

    #[test]
    fn the_published_recipe_can_be_computed_and_names_nothing_twice() {
        assert_eq!(Composite::new(RECIPE.arithmetic()).unwrap().days(), 0);
        assert!(RECIPE.asset.parse::<Asset>().is_ok());
        let names: Vec<_> = RECIPE.segments.iter().flat_map(|segment| segment.indicators).map(|spec| spec.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }
}
