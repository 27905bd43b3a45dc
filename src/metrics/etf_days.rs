use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Metric, Period, Source, TimeRange, Timestamp, Vintage};
use crate::market::MarketView;
use crate::metrics::trail::Trail;

/// How long after the start of a trading day its figures settle: nine in ten days were complete by
/// then in recorded tables, 07:30 UTC of the next day.
const SETTLED_AFTER_MS: i64 = 31 * Period::HOUR.ms() + 30 * Period::MINUTE.ms();
/// How long after the start of a trading day a fund that has not reported is taken to have nothing to report.
const GIVEN_UP_AFTER_MS: i64 = 4 * Period::DAY.ms();
/// Trading days a fund may be silent and still be expected to report.
const EXPECTED_FOR_DAYS: usize = 5;

/// Whether a day's figure may still change by late reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EtfStatus {
    /// Funds are still reporting, or may be.
    Preliminary,
    /// Every fund has reported and the publisher's night is over.
    Final,
}

/// One fund's figure for one trading day.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cell {
    pub(super) fund: String,
    pub(super) flow_usd: f64,
    pub(super) known_at: Timestamp,
}

/// One trading day as it was known at the cutoff.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EtfDay {
    /// The start of the US trading day's date in UTC.
    pub(super) at: Timestamp,
    pub(super) cells: Vec<Cell>,
    /// Funds that reported lately and not yet for this day; while the day is unsettled also those
    /// whose figure is zero, since publishers write zero for a fund that has not reported.
    pub(super) pending_funds: Vec<String>,
    pub(super) status: EtfStatus,
}

impl EtfDay {
    /// The sum over the funds that reported, USD.
    pub(super) fn net_flow_usd(&self) -> f64 {
        crate::stats::sum::sum(self.cells.iter().map(|cell| cell.flow_usd))
    }

    /// When the last of its figures was known.
    pub(super) fn known_at(&self) -> Timestamp {
        self.cells.iter().map(|cell| cell.known_at).max().unwrap_or(self.at)
    }
}

/// The sources with flows of the asset's funds.
pub(super) fn etf_sources(view: &MarketView, asset: &Asset) -> Vec<Source> {
    view.readings(Metric::EtfFlow, asset).map(|(key, _)| key.source.clone()).collect()
}

/// The trading days of the asset's funds known at the cutoff, in the order of time. Days on which no
/// fund has a figure are holidays and are not there.
pub(super) fn etf_days(view: &MarketView, trail: &mut Trail<'_>, asset: &Asset, source: &Source) -> Vec<EtfDay> {
    let mut cells: BTreeMap<Timestamp, Vec<Cell>> = BTreeMap::new();
    for (key, column) in view.readings(Metric::EtfFlow, asset).filter(|(key, _)| key.source == *source) {
        trail.read(key, column);
        let fund = key.part.as_deref().unwrap_or("all");
        column.for_each(TimeRange::all(), |Vintage { observed_at, known_at, value }| {
            cells.entry(observed_at).or_default().push(Cell { fund: fund.to_owned(), flow_usd: value, known_at });
        });
    }
    let days: Vec<(Timestamp, Vec<Cell>)> = cells.into_iter().collect();
    (0..days.len()).map(|index| settle(view.as_of(), &days, index)).collect()
}

fn settle(as_of: Timestamp, days: &[(Timestamp, Vec<Cell>)], index: usize) -> EtfDay {
    let (at, cells) = &days[index];
    let unsettled = as_of.ms_since(*at) < SETTLED_AFTER_MS;
    let reported: BTreeSet<&str> =
        cells.iter().filter(|cell| !(unsettled && is_zero(cell.flow_usd))).map(|cell| cell.fund.as_str()).collect();
    let given_up = as_of.ms_since(*at) >= GIVEN_UP_AFTER_MS;
    let lately = days[index.saturating_sub(EXPECTED_FOR_DAYS)..=index].iter().flat_map(|(_, cells)| cells);
    let expected: BTreeSet<&str> = if given_up { BTreeSet::new() } else { lately.map(|cell| cell.fund.as_str()).collect() };
    let pending_funds: Vec<String> = expected.difference(&reported).map(|fund| (*fund).to_owned()).collect();
    let status = if unsettled || !pending_funds.is_empty() { EtfStatus::Preliminary } else { EtfStatus::Final };
    EtfDay { at: *at, cells: cells.clone(), pending_funds, status }
}

fn is_zero(flow_usd: f64) -> bool {
    flow_usd.abs() < f64::EPSILON
}
