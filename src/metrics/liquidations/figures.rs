//! What questions about liquidations answer.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Side, Source, Timestamp};
use crate::metrics::{Bound, WindowCoverage};

/// Positions closed by force (METHODOLOGY section 3).
///
/// Where no source is named, the first aggregator in the configured order that covers the window to its
/// end answers alone, since its sums hold the venues'; without one, all venues are added. Inside the span
/// that a source's published sums cover they count and its single orders do not.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Liquidations {
    /// Value of all positions closed, USD.
    pub total_usd: Option<f64>,
    /// `at_least` where the true amounts are these or larger: venues leave orders out, and a feed may not have
    /// listened all the time. Absent where they are exact.
    pub bound: Option<Bound>,
    /// The part of the window in which the feeds that are summed were listening.
    pub covered: Option<WindowCoverage>,
    /// Of longs, USD.
    pub long_usd: Option<f64>,
    /// Of shorts, USD.
    pub short_usd: Option<f64>,
    /// Longs' part, a fraction; absent when nothing was liquidated.
    pub long_share_ratio: Option<f64>,
    /// Single orders shown in the window; absent where no source shows any.
    pub n_orders: Option<u64>,
    /// The largest single order shown in the window.
    pub largest_order: Option<LargestOrder>,
    /// The UTC day of the window with the largest total.
    pub largest_day: Option<LiquidationDayTotal>,
    /// The UTC day with the largest total of all history known by the cutoff.
    pub record_day: Option<LiquidationDayTotal>,
    /// Since when there is a record: where the history of a feed becomes continuous.
    pub record_since: Option<Timestamp>,
    /// Total over the length of the window, USD a minute.
    pub intensity_usd_per_minute: Option<f64>,
    /// How unusual the total is among the windows of the same length before it, in robust standard
    /// deviations of logarithms; 3.5 and more is an alarm.
    pub robust_z: Option<f64>,
    /// What was liquidated against open interest at the start of the window, percent: of the assets of
    /// which both are known.
    pub share_of_open_interest_pct: Option<f64>,
    /// The same by asset, largest first, at most 20.
    pub by_asset: Vec<LiquidationsOfAsset>,
    /// The same by source, largest first.
    pub by_source: Vec<LiquidationsOfSource>,
}

/// One forced order.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LargestOrder {
    /// When it was filled.
    pub at: Timestamp,
    /// The underlying.
    pub asset: Asset,
    /// The venue.
    pub source: Source,
    /// The position that was closed.
    pub side: Side,
    /// Its value, USD.
    pub usd: f64,
    /// Its fill price, USD.
    pub price_usd: f64,
}

/// One UTC day's total.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct LiquidationDayTotal {
    /// The day.
    pub date: NaiveDate,
    /// Value of all positions closed on it, USD.
    pub total_usd: f64,
    /// `at_least` where the true amount is this or larger.
    pub bound: Option<Bound>,
}

/// One asset's part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LiquidationsOfAsset {
    /// The asset.
    pub asset: Asset,
    /// Both sides, USD.
    pub total_usd: f64,
    /// Longs, USD.
    pub long_usd: f64,
    /// Shorts, USD.
    pub short_usd: f64,
}

/// One source's part.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct LiquidationsOfSource {
    /// The source.
    pub source: Source,
    /// Both sides, USD.
    pub total_usd: f64,
    /// Longs, USD.
    pub long_usd: f64,
    /// Shorts, USD.
    pub short_usd: f64,
    /// The part of the window in which its feed was listening, a fraction.
    pub covered_ratio: f64,
}

/// One bucket of the course of liquidations.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct LiquidationsRow {
    /// The start of the bucket.
    pub time: Timestamp,
    /// Longs, USD.
    pub long_usd: f64,
    /// Shorts, USD.
    pub short_usd: f64,
    /// Both, USD.
    pub total_usd: f64,
    /// The part of the bucket in which the feeds that are summed were listening, a fraction.
    pub covered_ratio: f64,
}

/// One UTC day in the order of totals.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct LiquidationDay {
    /// The day.
    pub date: NaiveDate,
    /// Its place, 1 for the largest.
    pub rank: usize,
    /// Value of all positions closed on it, USD.
    pub total_usd: f64,
    /// Longs' part, a fraction; absent when nothing was liquidated.
    pub long_share_ratio: Option<f64>,
    /// Its part of the window's total, percent.
    pub share_of_window_pct: Option<f64>,
    /// The part of the day in which the feeds that are summed were listening, a fraction.
    pub covered_ratio: f64,
}
