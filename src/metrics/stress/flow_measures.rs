//! Indicators of the stress index that are read from series: implied volatility, pegs, liquidations, open
//! interest, funding.

use std::collections::BTreeMap;

use crate::domain::{Metric, Period, Source, TimeRange, Timestamp};
use crate::metrics::Span;
use crate::metrics::derivatives::funding::{mean_rate, weights};
use crate::metrics::derivatives::positions::OpenInterestBySource;
use crate::metrics::derivatives::settlements::{FundingVenue, Settlement};
use crate::metrics::liquidations::totals::{LiquidationTotals, Wanted};
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::Candidates;
use crate::metrics::stress::measure::Day;
use crate::stats::sum::{mean, sum};

/// Hours between settlements that must lie in a window for its mean to count, as a share of the window.
const LEAST_SETTLED: f64 = 0.8;

impl<'a> Day<'a> {
    pub(super) fn implied(&mut self) -> Option<f64> {
        let asset = self.asset.clone();
        self.reading(Metric::ImpliedVol, &asset, self.until().plus_ms(-1).plus_days(-1))
    }

    /// By the last price of the day, so that a past of one price a day and a present of many compare.
    pub(super) fn off_peg(&mut self, coins: &[&str]) -> Option<f64> {
        let price = |coin: &&str| self.reading(Metric::Price, &coin.parse().ok()?, self.start);
        coins.iter().filter_map(price).map(|usd| (usd - 1.0).abs()).reduce(f64::max)
    }

    pub(super) fn liquidated(&mut self, days: i64, longs_only: bool) -> Option<f64> {
        let wanted = Wanted::total(self.liquidation_day(self.start)?);
        let liquidations = LiquidationTotals::open_single_assets(self.view, self.order, Some(&self.asset), &[], wanted).ok()?;
        self.reads.extend(liquidations.keys().cloned());
        let positions = self.positions()?;
        let share = |ago: i64| self.liquidated_on(&liquidations, &positions, self.start.plus_days(-ago), longs_only);
        // Without a figure of this day the feed is away, and older days are no news.
        let today = share(0)?;
        Some((1..days).filter_map(share).fold(today, f64::max))
    }

    /// A day as far as it has gone; `None` where it has not begun.
    fn liquidation_day(&self, start: Timestamp) -> Option<Span> {
        let to = start.plus_days(1).min(self.view.as_of());
        (start < to).then_some(Span { from: start, to, to_cutoff: to == self.view.as_of() })
    }

    /// A day without any liquidation is a zero only where the feed was listening.
    fn liquidated_on(
        &self,
        liquidations: &LiquidationTotals<'_>,
        positions: &OpenInterestBySource<'_>,
        start: Timestamp,
        longs_only: bool,
    ) -> Option<f64> {
        let day = self.liquidation_day(start)?;
        let sides = liquidations.sides(day);
        let open = positions.total(last_stated(positions, start)?)?.usd;
        let usd = if longs_only { sides.long_usd } else { sides.total() };
        (liquidations.heard(day.from, day.to) && open > 0.0).then(|| usd / open)
    }

    /// Sources that are not known at both ends are left out, so that one that drops out is no fall.
    pub(super) fn positions_closed(&mut self, days: i64) -> Option<f64> {
        let positions = self.positions()?;
        let end = last_stated(&positions, self.until())?;
        positions.movement(end.plus_days(-days), end)?.log_positions().map(|growth| 0.0 - growth)
    }

    fn positions(&mut self) -> Option<OpenInterestBySource<'a>> {
        let book =
            OpenInterestBySource::open(self.view, &mut Provenance::until(self.view, self.until()), self.order, &self.asset, &[])
                .ok()?;
        self.reads.extend(book.keys().cloned());
        Some(book)
    }

    /// Mean funding for eight hours over the days that end with this one.
    pub(super) fn funding(&mut self, days: i64) -> Option<f64> {
        let rates = self.rates(days)?;
        self.mean_of(&rates)
    }

    /// Mean funding of more days less that of the last, at the venues that have both.
    pub(super) fn funding_fall(&mut self, days: i64, usual_days: i64) -> Option<f64> {
        let (mut recent, mut usual) = (self.rates(days)?, self.rates(usual_days)?);
        recent.retain(|venue, _| usual.contains_key(venue));
        usual.retain(|venue, _| recent.contains_key(venue));
        Some(self.mean_of(&usual)? - self.mean_of(&recent)?)
    }

    /// The mean weighted by open interest at the end of the day: venues without it count only where none has it.
    fn mean_of(&self, rates: &BTreeMap<Source, f64>) -> Option<f64> {
        let sources: Vec<Source> = rates.keys().cloned().collect();
        let positions =
            weights(self.view, &mut Provenance::until(self.view, self.until()), self.order, &self.asset, &sources).ok()?;
        let at = last_stated(&positions, self.until()).unwrap_or(self.until());
        let weighted: Vec<_> = rates.iter().map(|(venue, rate)| (*rate, positions.usd_of(venue, at))).collect();
        mean_rate(&weighted)
    }

    /// Each venue's mean for eight hours, where its settlements fill the days that end with this one.
    fn rates(&mut self, days: i64) -> Option<BTreeMap<Source, f64>> {
        let until = self.until();
        let span = TimeRange::new(until.plus_days(-days).plus_ms(1), until.plus_ms(1)).ok()?;
        let mut trail = Provenance::until(self.view, until);
        let candidates = Candidates::at(until).with(self.view.readings(Metric::FundingRate, &self.asset));
        let sources = self.order.choose_summed(&mut trail, &candidates, &[]).ok()?;
        let mut rates = BTreeMap::new();
        for source in sources {
            let Some(payer) =
                FundingVenue::open(self.view, &mut Provenance::until(self.view, self.until()), &self.asset, &source)
            else {
                continue;
            };
            if let Some(rate) = mean_through(&payer, span) {
                self.reads.extend(payer.keys().cloned());
                rates.insert(source, rate);
            }
        }
        Some(rates)
    }
}

/// The instant of the newest row at `at` or in the day before it.
fn last_stated(positions: &OpenInterestBySource<'_>, at: Timestamp) -> Option<Timestamp> {
    positions.newest_at(at).filter(|newest| at.ms_since(*newest) <= Period::DAY.ms())
}

/// One venue's mean; `None` when its settlements do not fill the span or have stopped.
fn mean_through(payer: &FundingVenue<'_>, span: TimeRange) -> Option<f64> {
    let settled = payer.within(span);
    let fresh = span.to().ms_since(settled.last()?.at) <= Period::DAY.ms();
    let hours = sum(settled.iter().map(|settlement| settlement.hours));
    let length_hours = Timestamp::days_since(span.to(), span.from()) * 24.0;
    let rates: Vec<f64> = settled.iter().map(Settlement::rate_8h).collect();
    if fresh && hours >= LEAST_SETTLED * length_hours { mean(&rates) } else { None }
}
