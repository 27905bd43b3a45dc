use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Metric, Period, Source, TimeRange, Timestamp, Vintage};
use crate::market::{ColumnView, MarketView};
use crate::metrics::provenance::Provenance;
use crate::stats::real;

/// How long after the start of a trading day its figures settle: nine in ten days were complete by
/// then in recorded tables, 07:30 UTC of the next day.
const SETTLED_AFTER_MS: i64 = 31 * Period::HOUR.ms() + 30 * Period::MINUTE.ms();
/// How long after the start of a trading day a fund that has not reported is taken to have nothing to report.
const GIVEN_UP_AFTER_MS: i64 = 4 * Period::DAY.ms();
/// Trading days a fund may be silent and still be expected to report.
pub(in crate::metrics) const EXPECTED_FOR_DAYS: usize = 5;
/// How far a published amount may be off by rounding to a tenth of a million, USD.
const ROUNDING_USD: f64 = 50_000.0;
/// Days of a year on which exchanges are closed beside weekends, and some to spare.
const HOLIDAYS: i64 = 15;

/// Whether a day's figure may still change by late reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EtfStatus {
    /// Funds are still reporting, or may be.
    Preliminary,
    /// Every fund has reported and the publisher's night is over.
    Final,
    /// Of one fund: the publisher states its figure in a way that cannot be read.
    Unreadable,
}

/// One fund's figure for one trading day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::metrics) struct Cell<'a> {
    pub(in crate::metrics) fund: &'a str,
    pub(in crate::metrics) flow_usd: f64,
    pub(in crate::metrics) known_at: Timestamp,
}

/// One trading day as it was known at the cutoff.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::metrics) struct EtfDay<'a> {
    /// The start of the US trading day's date in UTC.
    pub(in crate::metrics) at: Timestamp,
    pub(in crate::metrics) cells: Vec<Cell<'a>>,
    /// Funds that reported lately and not yet for this day; while the day is unsettled also those
    /// whose figure is zero, since publishers write zero for a fund that has not reported.
    pub(in crate::metrics) pending_funds: Vec<String>,
    /// Funds whose figure the publisher states in a way that cannot be read.
    pub(in crate::metrics) unreadable_funds: Vec<String>,
    /// What the publisher states as the day's sum, USD.
    pub(in crate::metrics) stated_total_usd: Option<f64>,
    pub(in crate::metrics) status: EtfStatus,
}

impl EtfDay<'_> {
    /// The sum over the funds that reported, USD.
    pub(in crate::metrics) fn net_flow_usd(&self) -> f64 {
        crate::stats::sum::sum(self.cells.iter().map(|cell| cell.flow_usd))
    }

    /// Whether any fund has reported: until then the day has no flow.
    pub(in crate::metrics) fn has_reports(&self) -> bool {
        self.reports() > 0
    }

    /// How many funds have reported.
    pub(in crate::metrics) fn reports(&self) -> usize {
        self.cells.iter().filter(|cell| !self.pending_funds.iter().any(|fund| fund == cell.fund)).count()
    }

    /// Whether the publisher's own sum is another than that of its funds, by more than rounding.
    pub(in crate::metrics) fn differs_from_stated(&self) -> bool {
        let slack_usd = ROUNDING_USD * real(self.cells.len() + 1);
        self.stated_total_usd.is_some_and(|usd| (usd - self.net_flow_usd()).abs() > slack_usd)
    }

    /// When the last of its figures was known.
    pub(in crate::metrics) fn known_at(&self) -> Timestamp {
        self.cells.iter().map(|cell| cell.known_at).max().unwrap_or(self.at)
    }
}

/// The funds of an asset at one source with their flows, as known at the cutoff.
#[derive(Debug)]
pub(in crate::metrics) struct EtfFunds<'a> {
    as_of: Timestamp,
    funds: Vec<(&'a str, ColumnView<'a, f64>)>,
    unreadable: Vec<(&'a str, ColumnView<'a, f64>)>,
    totals: Option<ColumnView<'a, f64>>,
}

impl<'a> EtfFunds<'a> {
    pub(in crate::metrics) fn open(view: &'a MarketView, trail: &mut Provenance<'_>, asset: &Asset, source: &Source) -> Self {
        let of_source = |metric| view.readings(metric, asset).filter(|(key, _)| key.source == *source);
        let noted = of_source(Metric::EtfFlow).map(|(key, column)| {
            trail.read(key, column);
            (key.part.as_deref().unwrap_or("all"), column)
        });
        let funds = noted.collect();
        for (key, column) in of_source(Metric::EtfUnreadable).chain(of_source(Metric::EtfFlowTotal)) {
            trail.depends_on(key, column.version());
        }
        let unreadable = of_source(Metric::EtfUnreadable).filter_map(|(key, column)| Some((key.part.as_deref()?, column)));
        let totals = of_source(Metric::EtfFlowTotal).next().map(|(_, column)| column);
        Self { as_of: view.as_of(), funds, unreadable: unreadable.collect(), totals }
    }

    /// The last trading days, so many at least, or all there are; [`usize::MAX`] asks for all.
    pub(in crate::metrics) fn last_days(&self, least: usize) -> Vec<EtfDay<'a>> {
        let calendar_days = i64::try_from(least.saturating_mul(3) / 2).map_or(i64::MAX, |days| days.saturating_add(HOLIDAYS));
        let from = self.as_of.plus_days(-calendar_days).max(Timestamp::MIN).day_start();
        let days = self.days_since(from);
        let is_all = || self.funds.iter().filter_map(|(_, column)| column.first()).all(|row| row.observed_at >= from);
        if days.len() >= least || is_all() { days } else { self.days_since(Timestamp::MIN) }
    }

    /// The trading days from an instant on, in the order of time. Days on which no fund has a figure are
    /// holidays and are not there.
    fn days_since(&self, from: Timestamp) -> Vec<EtfDay<'a>> {
        let Ok(range) = TimeRange::new(from, TimeRange::all().to()) else { return Vec::new() };
        let mut days: Vec<(Timestamp, Vec<Cell<'a>>)> = Vec::new();
        for (fund, column) in &self.funds {
            let mut day = 0;
            column.for_each(range, |Vintage { observed_at, known_at, value }| {
                // The rows of a fund come in order, and most of their days are there already.
                day += days[day..].iter().take_while(|(at, _)| *at < observed_at).count();
                if days.get(day).is_none_or(|(at, _)| *at != observed_at) {
                    days.insert(day, (observed_at, Vec::with_capacity(self.funds.len())));
                }
                days[day].1.push(Cell { fund, flow_usd: value, known_at });
            });
        }
        let settled: Vec<_> = (0..days.len()).map(|last| settle(self.as_of, &days[..=last])).collect();
        let day = |((at, cells), (status, pending_funds))| self.day(at, cells, status, pending_funds);
        days.into_iter().zip(settled).map(day).collect()
    }

    /// A day with what its publisher states beside the figures of funds. A fund whose cell cannot be read has no
    /// figure, whatever the cell held before, and its day is not final.
    fn day(&self, at: Timestamp, mut cells: Vec<Cell<'a>>, status: EtfStatus, mut pending_funds: Vec<String>) -> EtfDay<'a> {
        let marked = |(_, column): &&(&str, ColumnView<'a, f64>)| {
            column.at_or_before(at).is_some_and(|row| row.observed_at == at && row.value > 0.0)
        };
        let unreadable_funds: Vec<String> = self.unreadable.iter().filter(marked).map(|(fund, _)| (*fund).to_owned()).collect();
        cells.retain(|cell| !unreadable_funds.iter().any(|fund| fund == cell.fund));
        pending_funds.retain(|fund| !unreadable_funds.contains(fund));
        let stated = self.totals.and_then(|column| column.at_or_before(at)).filter(|row| row.observed_at == at);
        let status = if unreadable_funds.is_empty() { status } else { EtfStatus::Preliminary };
        EtfDay { at, cells, pending_funds, unreadable_funds, stated_total_usd: stated.map(|row| row.value), status }
    }
}

/// Whether the last of these days may still change, and the funds whose report of it is awaited.
fn settle(as_of: Timestamp, days: &[(Timestamp, Vec<Cell<'_>>)]) -> (EtfStatus, Vec<String>) {
    let age_ms = days.last().map_or(0, |(at, _)| as_of.ms_since(*at));
    let unsettled = age_ms < SETTLED_AFTER_MS;
    let pending_funds = if age_ms >= GIVEN_UP_AFTER_MS { Vec::new() } else { pending(days, unsettled) };
    let status = if unsettled || !pending_funds.is_empty() { EtfStatus::Preliminary } else { EtfStatus::Final };
    (status, pending_funds)
}

/// The funds that reported lately and not yet for the last of these days, by name.
fn pending(days: &[(Timestamp, Vec<Cell<'_>>)], unsettled: bool) -> Vec<String> {
    let Some(((_, today), earlier)) = days.split_last() else { return Vec::new() };
    let reported = |fund: &str| today.iter().any(|cell| cell.fund == fund && !(unsettled && is_zero(cell.flow_usd)));
    let lately = &earlier[earlier.len().saturating_sub(EXPECTED_FOR_DAYS)..];
    let expected = lately.iter().flat_map(|(_, cells)| cells).chain(today).map(|cell| cell.fund);
    let mut awaited: Vec<&str> = expected.filter(|fund| !reported(fund)).collect();
    awaited.sort_unstable();
    awaited.dedup();
    awaited.into_iter().map(str::to_owned).collect()
}

fn is_zero(flow_usd: f64) -> bool {
    flow_usd.abs() < f64::EPSILON
}
