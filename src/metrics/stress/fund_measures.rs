//! Flows of spot funds as shares of what the funds hold.

use std::collections::BTreeMap;

use crate::domain::{Metric, Source, TimeRange, Timestamp, Vintage};
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::{Candidates, Need};
use crate::metrics::stress::measure::Day;
use crate::stats::sum::sum;

/// Net flows by trading day, USD.
type Flows = BTreeMap<Timestamp, f64>;

impl Day<'_> {
    /// A trading day enters at the end of the day after it, when the funds have reported; on days
    /// that bring no trading day there is no value.
    pub(super) fn etf_outflow(&mut self, trading_days: usize, converted_coins: f64) -> Option<f64> {
        if !self.is_over() {
            return None;
        }
        let mut trail = Provenance::until(self.view, self.until());
        let candidates = Candidates::at(trail.at()).with(self.view.readings(Metric::EtfFlow, &self.asset));
        let source = self.order.choose(&mut trail, &candidates, None, Need::History).ok()??.source;
        let newest = self.start.plus_days(-1);
        let flows = self.flows(&source)?;
        (flows.contains_key(&newest) && !self.is_unreadable(&source, newest)).then_some(())?;
        let closes = self.closes_of(&flows)?;
        let first = flows.len().checked_sub(trading_days).filter(|first| *first > 0)?;
        let days: Vec<(Timestamp, f64)> = flows.into_iter().collect();
        let share = |index: usize| {
            let assets = self.stated_assets(&source, days[index - 1].0).or_else(|| {
                let coins = days[..index].iter().zip(&closes).map(|((_, usd), close)| usd / close);
                Some((converted_coins + sum(coins)) * closes[index - 1])
            });
            Some(days[index].1 / assets.filter(|usd| *usd > 0.0)?)
        };
        let shares: Option<Vec<f64>> = (first..days.len()).map(share).collect();
        shares.map(|shares| 0.0 - sum(shares))
    }

    /// Whether a cell of a trading day cannot be read, so that its sum is not known.
    fn is_unreadable(&self, source: &Source, day: Timestamp) -> bool {
        let marks = self.view.readings(Metric::EtfUnreadable, &self.asset).filter(|(key, _)| key.source == *source);
        let marked = |row: Vintage<f64>| row.observed_at == day && row.value > 0.0;
        marks.map(|(_, column)| column).any(|column| column.at_or_before(day).is_some_and(marked))
    }

    /// The close of the judged asset on each trading day.
    fn closes_of(&mut self, flows: &Flows) -> Option<Vec<f64>> {
        let asset = self.asset.clone();
        let bars = self.bars(&asset)?;
        let close = |day: &Timestamp| bars.finished_at_or_before(*day).map(|bar| bar.value.close).filter(|close| *close > 0.0);
        flows.keys().map(close).collect()
    }

    /// What all funds held at the end of a trading day, USD; `None` unless each of them states it.
    fn stated_assets(&self, source: &Source, day: Timestamp) -> Option<f64> {
        let stated = self.view.readings(Metric::EtfAssets, &self.asset).filter(|(key, _)| key.source == *source);
        let assets: Option<Vec<f64>> = stated
            .map(|(_, column)| column.at_or_before(day).filter(|row| row.observed_at == day).map(|row| row.value))
            .collect();
        assets.filter(|assets| !assets.is_empty()).map(sum)
    }

    /// The flows of all funds of a source before this day, added up by trading day.
    fn flows(&mut self, source: &Source) -> Option<Flows> {
        let before = TimeRange::new(Timestamp::MIN, self.start).ok()?;
        let mut days = Flows::new();
        for (key, column) in self.view.readings(Metric::EtfFlow, &self.asset).filter(|(key, _)| key.source == *source) {
            self.reads.insert(key.clone());
            column.for_each(before, |row| *days.entry(row.observed_at).or_default() += row.value);
        }
        Some(days)
    }
}
