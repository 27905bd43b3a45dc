use crate::domain::{Asset, Metric, Period, Timestamp};
use crate::market::{ColumnView, MarketView};
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::{Candidates, Need};
use crate::metrics::{SourceOrder, WarningCode};

/// How old an implied volatility may be, milliseconds.
const IMPLIED_AGE_MS: i64 = Period::DAY.ms();
/// Days among which an implied volatility is ranked.
const RANKED_DAYS: i64 = 365;

/// What options say.
pub(in crate::metrics) struct Implied<'a> {
    column: ColumnView<'a, f64>,
    period: Period,
    until: Timestamp,
    /// The volatility of the last day, percent a year.
    pub(in crate::metrics) now: f64,
}

impl<'a> Implied<'a> {
    /// The implied volatility of an asset, according to the source that the order chooses; `None` with a reason.
    pub(in crate::metrics) fn find(
        view: &'a MarketView,
        trail: &mut Provenance<'_>,
        order: &SourceOrder,
        asset: &Asset,
        until: Timestamp,
    ) -> Option<Self> {
        let series: Vec<_> = view.readings(Metric::ImpliedVol, asset).filter(|(key, _)| key.part.is_none()).collect();
        let candidates = Candidates::at(trail.at()).with(series.iter().copied());
        let choice = order.choose(trail, &candidates, None, Need::days_before(until, RANKED_DAYS)).ok().flatten();
        let source = choice.map(|choice| choice.source);
        let Some((key, column)) = series.into_iter().find(|(key, _)| Some(&key.source) == source.as_ref()) else {
            trail.warn(WarningCode::NoData, format!("no implied volatility of {asset} is known"));
            return None;
        };
        trail.read(key, column);
        let now = implied_at(column, key.period, until);
        if now.is_none() {
            trail.warn(WarningCode::StaleInput, format!("{key} has no row of the last day: implied volatility is null"));
        }
        Some(Self { column, period: key.period, until, now: now? })
    }

    /// What it was at the ends of the last days of a year, and now.
    pub(in crate::metrics) fn of_year(&self) -> Vec<f64> {
        let end = |back: i64| self.until.day_start().plus_days(-back);
        let ends = (0..=364).rev().filter_map(|back| implied_at(self.column, self.period, end(back)));
        ends.chain([self.now]).collect()
    }
}

/// The last implied volatility that was true at `at`, no older than a day.
fn implied_at(column: ColumnView<'_, f64>, period: Period, at: Timestamp) -> Option<f64> {
    let row = column.at_or_before(at.plus_ms(-period.ms()))?;
    (at.ms_since(row.observed_at) <= IMPLIED_AGE_MS + period.ms()).then_some(row.value)
}
