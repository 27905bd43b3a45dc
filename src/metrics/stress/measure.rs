//! What an indicator of the stress index can measure, and the day it is measured on.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Asset, Bar, Metric, Period, SeriesKey, Source, TimeRange, Timestamp, Vintage};
use crate::market::{Bars, MarketView};
use crate::metrics::SourceOrder;
use crate::metrics::stress::recipe::RECIPE;
use crate::metrics::stress::rolling::RollingState;

/// How far back a source should reach to be preferred over others: the longest window of the recipe.
const LONG_HISTORY_DAYS: i64 = 365;
/// Share of a window's days that must be there.
const LEAST_SHARE: (usize, usize) = (4, 5);

/// One way to put a number on a day, oriented so that up is more stress.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Measure {
    /// The close under the highest close of so many days, a fraction (CMAX).
    FallFromHigh { days: i64 },
    /// The lowest low of the last days under the highest high of more days, a fraction.
    LowUnderHigh { low_days: i64, high_days: i64 },
    /// Share of the `top` most traded coins whose lowest low lies at least `fall` under their highest high.
    CoinsFallen { low_days: i64, high_days: i64, fall: f64, top: usize, least: usize },
    /// Volatility by Garman and Klass, annualised fraction.
    GarmanKlass { days: i64 },
    /// Volatility of closes, annualised fraction.
    CloseToClose { days: i64 },
    /// Volatility by Parkinson against the median of the same over `usual_days`, in logs.
    ParkinsonToUsual { days: i64, usual_days: i64 },
    /// The last reading of an index of implied volatility, percent.
    Implied,
    /// The day of the last so many with the most liquidated, against open interest at its start, a fraction.
    Liquidated { days: i64, longs_only: bool },
    /// How far positions themselves fell over so many days, in logs.
    PositionsClosed { days: i64 },
    /// What shorts paid longs for eight hours over so many days, a fraction weighted by open interest.
    ShortsPay { days: i64 },
    /// How far funding of the last days lies under that of more days at the same venues, a fraction for eight hours.
    FundingFall { days: i64, usual_days: i64 },
    /// What left the spot funds over so many trading days, each day as a fraction of their assets at the
    /// close before it. Where no assets are stated they are `converted_coins` and all flows since the
    /// first, in coins.
    EtfOutflow { trading_days: usize, converted_coins: f64 },
    /// The close of another asset, in its unit.
    Level { asset: &'static str },
    /// Correlation with another asset over common trading days, not under zero.
    Correlation { with: &'static str, observations: usize },
    /// Return of another asset over so many days less the return of the judged one, in logs.
    Behind { asset: &'static str, days: i64 },
    /// Amihud's illiquidity against the median of the same over `usual_days`, in logs.
    AmihudToUsual { days: i64, usual_days: i64 },
    /// The spread by Corwin and Schultz, a fraction.
    CorwinSchultz { days: i64 },
    /// How far from one dollar the coins that stand for it are traded, the farthest of them, a fraction.
    OffPeg { coins: &'static [&'static str] },
    /// The median coin's illiquidity against its usual one, in logs; the judged asset left out.
    CoinsAmihudToUsual { days: i64, usual_days: i64, top: usize, least: usize },
}

/// One UTC day as far as it is known: what its indicators are read from.
#[derive(Debug)]
pub(super) struct Day<'a> {
    pub(super) view: &'a MarketView,
    pub(super) order: &'a SourceOrder,
    /// The start of the day.
    pub(super) start: Timestamp,
    /// The asset whose market is judged.
    pub(super) asset: Asset,
    /// The series that were read.
    pub(super) reads: BTreeSet<SeriesKey>,
    /// What the day before handed on.
    pub(super) memory: &'a mut RollingState,
    /// The bars found so far.
    found: BTreeMap<Asset, Option<Bars<'a>>>,
    coins: Option<Vec<Bars<'a>>>,
}

impl<'a> Day<'a> {
    /// The day that begins at `start`, as it is known in `view`.
    pub(super) fn new(
        view: &'a MarketView,
        order: &'a SourceOrder,
        start: Timestamp,
        memory: &'a mut RollingState,
    ) -> Option<Self> {
        let asset = RECIPE.asset.parse().ok()?;
        Some(Self { view, order, start, asset, reads: BTreeSet::new(), memory, found: BTreeMap::new(), coins: None })
    }

    /// Every indicator of the recipe, by segment; `None` where the day has no value.
    pub(super) fn values(&mut self) -> Vec<Vec<Option<f64>>> {
        let mut value = |measure| self.measure(measure).filter(|value| value.is_finite());
        RECIPE.segments.iter().map(|segment| segment.indicators.iter().map(|spec| value(spec.measure)).collect()).collect()
    }

    fn measure(&mut self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::FallFromHigh { days } => self.fall_from_high(days),
            Measure::LowUnderHigh { low_days, high_days } => self.low_under_high(low_days, high_days),
            Measure::CoinsFallen { low_days, high_days, fall, top, least } => {
                self.coins_fallen((low_days, high_days), fall, top, least)
            }
            Measure::GarmanKlass { days } => self.garman_klass(days),
            Measure::CloseToClose { days } => self.close_to_close(days),
            Measure::ParkinsonToUsual { days, usual_days } => self.parkinson_to_usual(days, usual_days),
            Measure::Implied => self.implied(),
            Measure::Liquidated { days, longs_only } => self.liquidated(days, longs_only),
            Measure::PositionsClosed { days } => self.positions_closed(days),
            Measure::ShortsPay { days } => self.funding(days).map(|rate| 0.0 - rate),
            Measure::FundingFall { days, usual_days } => self.funding_fall(days, usual_days),
            Measure::EtfOutflow { trading_days, converted_coins } => self.etf_outflow(trading_days, converted_coins),
            Measure::Level { asset } => self.level(asset),
            Measure::Correlation { with, observations } => self.correlation(with, observations),
            Measure::Behind { asset, days } => self.behind(asset, days),
            Measure::AmihudToUsual { days, usual_days } => self.amihud_to_usual(days, usual_days),
            Measure::CorwinSchultz { days } => self.corwin_schultz(days),
            Measure::OffPeg { coins } => self.off_peg(coins),
            Measure::CoinsAmihudToUsual { days, usual_days, top, least } => {
                self.coins_amihud_to_usual((days, usual_days), top, least)
            }
        }
    }

    /// The end of the day.
    pub(super) fn end(&self) -> Timestamp {
        self.start.plus_days(1)
    }

    /// The end of the day, or the cutoff while it runs.
    pub(super) fn until(&self) -> Timestamp {
        self.end().min(self.view.as_of())
    }

    /// Whether the day is over.
    pub(super) fn is_over(&self) -> bool {
        self.view.as_of() >= self.end()
    }

    /// The span of the `days` days that end with this one, by the starts of their bars.
    pub(super) fn span(&self, days: i64) -> Option<TimeRange> {
        TimeRange::new(self.start.plus_days(1 - days), self.end()).ok()
    }

    /// Daily bars of an asset that hold one of this day: of the sources that reach back a year the
    /// first in the configured order, or else the one that reaches back farthest.
    pub(super) fn bars(&mut self, asset: &Asset) -> Option<Bars<'a>> {
        if !self.found.contains_key(asset) {
            self.found.insert(asset.clone(), self.find_bars(asset));
        }
        let bars = self.found.get(asset)?.clone()?;
        self.reads.insert(bars.key.clone());
        Some(bars)
    }

    pub(super) fn find_bars(&self, asset: &Asset) -> Option<Bars<'a>> {
        let mut sources: Vec<&Source> = self.view.candle_series(asset).map(|(key, _)| &key.source).collect();
        sources.sort_by_cached_key(|source| self.order.place(self.view, source));
        sources.dedup();
        let of_this_day = sources.into_iter().filter_map(|source| self.view.bars(asset, source, Period::DAY));
        let year_ago = self.start.plus_days(-LONG_HISTORY_DAYS);
        let reach = |bars: &Bars<'_>| bars.first().map(|bar| bar.observed_at.max(year_ago));
        of_this_day.filter(|bars| self.bar_of_day(bars).is_some()).min_by_key(reach)
    }

    /// This day's bar, finished or running.
    pub(super) fn bar_of_day(&self, bars: &Bars<'_>) -> Option<Bar> {
        let finished = bars.finished_at_or_before(self.start);
        let running = bars.running.filter(|bar| bar.observed_at == self.start);
        finished.filter(|bar| bar.observed_at == self.start).or(running).map(|bar| bar.value)
    }

    /// The bars of the `days` days that end with this one; `None` when more than one in five is missing.
    pub(super) fn window(&self, bars: &Bars<'_>, days: i64) -> Option<Vec<Vintage<Bar>>> {
        let found = bars.all(self.span(days)?);
        let (part, whole) = LEAST_SHARE;
        (found.len() * whole >= usize::try_from(days).ok()? * part).then_some(found)
    }

    /// The most traded coins that have a bar of this day: by value over the last 30 days as far as it is known.
    pub(super) fn most_traded_coins(&mut self, top: usize) -> Vec<Bars<'a>> {
        if self.coins.is_none() {
            self.coins = Some(self.coins_by_value());
        }
        let coins = self.coins.iter().flatten().take(top).cloned().collect::<Vec<_>>();
        self.reads.extend(coins.iter().map(|bars| bars.key.clone()));
        coins
    }

    /// The last row since an instant, up to now, of the first series of a metric and asset, in the configured
    /// order, that has one.
    pub(super) fn reading(&mut self, metric: Metric, asset: &Asset, since: Timestamp) -> Option<f64> {
        let last = self.until().plus_ms(-1);
        let mut found: Vec<(&SeriesKey, f64)> = self
            .view
            .readings(metric, asset)
            .filter_map(|(key, column)| {
                let row = column.at_or_before(last).filter(|row| row.observed_at >= since)?;
                Some((key, row.value))
            })
            .collect();
        found.sort_by_cached_key(|(key, _)| self.order.place(self.view, &key.source));
        let (key, value) = *found.first()?;
        self.reads.insert(key.clone());
        Some(value)
    }
}
