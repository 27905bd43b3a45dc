//! Indicators of the stress index that are read from series: implied volatility, liquidations, open
//! interest, funding, flows of funds.

use std::collections::BTreeMap;

use crate::domain::{Metric, Period, SeriesKey, TimeRange, Timestamp};
use crate::market::ColumnView;
use crate::metrics::Span;
use crate::metrics::etf_days::etf_sources;
use crate::metrics::liquidation_book::LiquidationBook;
use crate::metrics::stress::measure::Day;
use crate::stats::funding::{per_8h, weighted_mean};
use crate::stats::real;
use crate::stats::sum::{mean, sum};

/// Hours between settlements that must lie in a window for its mean to count, as a share of the window.
const LEAST_SETTLED: f64 = 0.8;

impl Day<'_> {
    pub(super) fn implied(&mut self) -> Option<f64> {
        self.reading(Metric::ImpliedVol, self.until().plus_ms(-1))
    }

    pub(super) fn liquidated(&mut self, days: i64, longs_only: bool) -> Option<f64> {
        let book = LiquidationBook::open_single_assets(self.view, self.order, Some(&self.asset), &[]).ok()?;
        self.reads.extend(book.keys().cloned());
        let shares: Vec<f64> =
            (0..days).filter_map(|ago| self.liquidated_on(&book, self.start.plus_days(-ago), longs_only)).collect();
        // Without a figure of this day the feed is away, and older days are no news.
        self.liquidated_on(&book, self.start, longs_only)?;
        shares.into_iter().reduce(f64::max)
    }

    /// A day without any liquidation is a day without a feed.
    fn liquidated_on(&mut self, book: &LiquidationBook<'_>, start: Timestamp, longs_only: bool) -> Option<f64> {
        let to = start.plus_days(1).min(self.view.as_of());
        let sides = book.sides(Span { from: start, to, to_cutoff: to == self.view.as_of() });
        let open = self.reading(Metric::OpenInterest, start).filter(|open| *open > 0.0)?;
        let usd = if longs_only { sides.long_usd } else { sides.total() };
        (sides.total() > 0.0).then(|| usd / open)
    }

    pub(super) fn positions_closed(&mut self, days: i64) -> Option<f64> {
        let (now, then) = (self.until(), self.until().plus_days(-days));
        let native = self.reading(Metric::OpenInterestNative, now).zip(self.reading(Metric::OpenInterestNative, then));
        let (now, then) = native.or_else(|| Some((self.coins_of_open_interest(now)?, self.coins_of_open_interest(then)?)))?;
        (now > 0.0 && then > 0.0).then(|| (then / now).ln())
    }

    /// Open interest in USD over the last close known of the day it was read on.
    fn coins_of_open_interest(&mut self, at: Timestamp) -> Option<f64> {
        let asset = self.asset.clone();
        let bars = self.bars(&asset)?;
        let last_end = at.plus_ms(-1);
        let running = bars.running.filter(|bar| bar.observed_at == last_end.day_start());
        let bar = running.or_else(|| bars.finished_at_or_before(last_end.day_start()))?;
        (bar.value.close > 0.0).then_some(self.reading(Metric::OpenInterest, at)? / bar.value.close)
    }

    /// Mean funding per eight hours over the days that end with this one, weighted by open interest
    /// where every venue has it.
    pub(super) fn funding(&mut self, days: i64) -> Option<f64> {
        let until = self.until();
        let span = TimeRange::new(until.plus_days(-days).plus_ms(1), until.plus_ms(1)).ok()?;
        let mut rates = Vec::new();
        for (key, column) in self.view.readings(Metric::FundingRate, &self.asset) {
            if let Some(rate) = self.mean_rate(key, column, span) {
                self.reads.insert(key.clone());
                rates.push((rate, self.open_interest_of(key)));
            }
        }
        let weighted: Option<Vec<(f64, f64)>> = rates.iter().map(|(rate, weight)| Some((*rate, (*weight)?))).collect();
        let plain = || mean(&rates.iter().map(|(rate, _)| *rate).collect::<Vec<_>>());
        weighted.and_then(|weighted| weighted_mean(&weighted)).or_else(plain)
    }

    /// One venue's mean; `None` when its settlements do not fill the window or have stopped.
    fn mean_rate(&self, key: &SeriesKey, column: ColumnView<'_, f64>, span: TimeRange) -> Option<f64> {
        let intervals = SeriesKey { metric: Metric::FundingInterval, ..key.clone() };
        let intervals = self.view.reading(&intervals);
        let stated_hours = hours(key.period);
        let (mut rates, mut settled_hours, mut last) = (Vec::new(), 0.0, None);
        column.for_each(span, |row| {
            let stated = intervals.and_then(|column| column.at_or_before(row.observed_at)).map(|interval| interval.value);
            if let Some(interval) = stated_hours.or(stated).filter(|hours| *hours > 0.0) {
                rates.push(per_8h(row.value, interval));
                settled_hours += interval;
                last = Some(row.observed_at);
            }
        });
        let fresh = span.to().ms_since(last?) <= Period::DAY.ms();
        let length = Timestamp::days_since(span.to(), span.from()) * 24.0;
        if fresh && settled_hours >= LEAST_SETTLED * length { mean(&rates) } else { None }
    }

    fn open_interest_of(&self, funding: &SeriesKey) -> Option<f64> {
        let series = self.view.readings(Metric::OpenInterest, &self.asset).filter(|(key, _)| key.source == funding.source);
        let until = self.until();
        let rows = series.filter_map(|(_, column)| column.at_or_before(until));
        let recent: Vec<f64> =
            rows.filter(|row| until.ms_since(row.observed_at) <= Period::DAY.ms()).map(|row| row.value).collect();
        (!recent.is_empty()).then(|| sum(recent))
    }

    /// A trading day enters at the end of the day after it, when the funds have reported; on days
    /// that bring no trading day there is no value.
    pub(super) fn etf_outflow(&mut self, trading_days: usize) -> Option<f64> {
        if !self.is_over() {
            return None;
        }
        let source = self.order.choose(None, etf_sources(self.view, &self.asset)).ok()??;
        let newest = self.start.plus_days(-1);
        let calendar_days = i64::try_from(trading_days).ok()?.saturating_mul(2).saturating_add(7);
        let span = TimeRange::new(newest.plus_days(-calendar_days), self.start).ok()?;
        let mut flows: BTreeMap<Timestamp, f64> = BTreeMap::new();
        for (key, column) in self.view.readings(Metric::EtfFlow, &self.asset).filter(|(key, _)| key.source == source) {
            self.reads.insert(key.clone());
            column.for_each(span, |row| *flows.entry(row.observed_at).or_default() += row.value);
        }
        if flows.len() < trading_days || !flows.contains_key(&newest) {
            return None;
        }
        let asset = self.asset.clone();
        let bars = self.bars(&asset)?;
        let coins = flows.into_iter().rev().take(trading_days).map(|(day, usd)| {
            let close = bars.finished_at_or_before(day)?.value.close;
            (close > 0.0).then(|| usd / close)
        });
        coins.sum::<Option<f64>>().map(|net| -net)
    }
}

fn hours(period: Period) -> Option<f64> {
    let minutes = usize::try_from(period.ms() / Period::MINUTE.ms()).ok()?;
    (!period.is_instant()).then(|| real(minutes) / 60.0)
}
