//! What questions about flows of funds answer.

use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Timestamp;
use crate::metrics::statements::{DatedRow, StaleInputs, Statements};
use crate::metrics::{EtfStatus, WindowCoverage};

/// Net flows of US spot funds (METHODOLOGY section 4). Inflows are positive.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct EtfFlows {
    /// Sum over the window, USD.
    pub net_flow_usd: Option<f64>,
    /// The part of the window of which funds have reported.
    pub covered: Option<WindowCoverage>,
    /// The last trading day of which any fund has reported.
    pub latest: Option<EtfDayFlow>,
    /// The trading day before it.
    pub previous: Option<EtfDayFlow>,
    /// Whether the latest day's sign is the opposite of the previous day's.
    pub reversal: Option<bool>,
    /// The part of the previous day's flow that the latest undid: 1 is all of it, negative where both
    /// went the same way.
    pub offset_ratio: Option<f64>,
    /// The run of days of one sign that ends with the latest.
    pub streak: Option<EtfStreak>,
    /// Changes of sign over the last 20 trading days.
    pub flips: Option<usize>,
    /// Flips over the flips there could have been, 0 to 1.
    pub choppiness_ratio: Option<f64>,
    /// Size of the sum over the sum of sizes over the last 20 trading days: 1 is one-way.
    pub efficiency_ratio: Option<f64>,
    /// The latest day against the 60 before it, in standard deviations.
    pub zscore: Option<f64>,
    /// Sum since the first day on record, USD.
    pub cumulative_usd: Option<f64>,
    /// The day of the window with the largest inflow.
    pub largest_inflow: Option<EtfExtreme>,
    /// The day of the window with the largest outflow.
    pub largest_outflow: Option<EtfExtreme>,
    /// Sums over the window by fund, largest inflow first.
    pub by_fund: Vec<EtfFundFlow>,
}

/// The last days state their dates and stay.
impl Statements for EtfFlows {
    fn withhold(&mut self, _stale: &StaleInputs) {
        *self = Self { latest: self.latest.take(), previous: self.previous.take(), ..Self::default() };
    }
}

/// One trading day's net flow.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EtfDayFlow {
    /// The US trading day.
    pub trading_day: NaiveDate,
    /// Sum over the funds that reported, USD.
    pub net_flow_usd: f64,
    /// Whether it may still change by late reports.
    pub status: EtfStatus,
    /// When the last of its figures was known.
    pub known_at: Timestamp,
    /// Funds whose report is still awaited.
    pub pending_funds: Vec<String>,
    /// Funds whose figure cannot be read; they are left out of the sum.
    pub unreadable_funds: Vec<String>,
    /// What the publisher itself states as the sum, USD; absent where it states none.
    pub stated_total_usd: Option<f64>,
}

/// A run of days of one sign.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct EtfStreak {
    /// Which way it goes.
    pub direction: EtfDirection,
    /// How many trading days.
    pub days: usize,
    /// Their sum, USD.
    pub net_flow_usd: f64,
}

/// Which way money goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EtfDirection {
    /// Into the funds.
    Inflow,
    /// Out of the funds.
    Outflow,
    /// Neither: the latest day was a true zero.
    None,
}

/// A day that stands out.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct EtfExtreme {
    /// The US trading day.
    pub trading_day: NaiveDate,
    /// Its net flow, USD.
    pub net_flow_usd: f64,
}

/// One fund's sum.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EtfFundFlow {
    /// Its ticker.
    pub fund: String,
    /// The sum, USD.
    pub net_flow_usd: f64,
}

/// One day or week of the course of flows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct EtfFlowsRow {
    /// The US trading day, or the Monday of the week.
    pub trading_day: NaiveDate,
    /// Net flow, USD.
    pub net_flow_usd: f64,
    /// Sum since the first day on record, USD.
    pub cumulative_usd: f64,
    /// Whether it may still change by late reports.
    pub status: EtfStatus,
}

impl DatedRow for EtfFlowsRow {}

/// One fund on one trading day.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct EtfFundRow {
    /// Its ticker.
    pub fund: String,
    /// The US trading day.
    pub trading_day: NaiveDate,
    /// Net flow, USD; absent while the report is awaited.
    pub flow_usd: Option<f64>,
    /// Whether the figure may still change.
    pub status: EtfStatus,
    /// When the figure was known.
    pub known_at: Option<Timestamp>,
}

impl DatedRow for EtfFundRow {}
