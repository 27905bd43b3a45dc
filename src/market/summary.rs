use crate::domain::{Bar, Timestamp, Version};
use crate::market::point::{Fold, Point};
use crate::stats::drawdown::MaxDrawdown;
use crate::stats::moments::Moments;
use crate::stats::sum::Sum;

/// An extreme or end point of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Extremum {
    /// Time of the point.
    pub at: Timestamp,
    /// Value, in the unit of the series.
    pub value: f64,
}

/// Block summary of plain numbers.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// Number of points.
    pub count: u64,
    /// First point.
    pub first: Option<Extremum>,
    /// Last point.
    pub last: Option<Extremum>,
    /// Lowest point; if equal, the last.
    pub min: Option<Extremum>,
    /// Highest point; if equal, the last.
    pub max: Option<Extremum>,
    /// Compensated sum.
    pub sum: Sum,
    /// Mean and variance.
    pub moments: Moments,
    /// Highest point, lowest since, and maximum drawdown inside.
    pub drawdown: MaxDrawdown,
}

/// Block summary of bars.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct BarSummary {
    /// Summary of the closes.
    pub close: Summary,
    /// First open.
    pub open: Option<Extremum>,
    /// Lowest low; if equal, the last.
    pub low: Option<Extremum>,
    /// Highest high; if equal, the last.
    pub high: Option<Extremum>,
    /// Traded amount; bars without one add nothing.
    pub volume: Sum,
    /// Maximum drawdown from a high to a low at the same bar or later.
    pub intraday_drawdown: MaxDrawdown,
}

/// One side's liquidation orders of one instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LiquidationBucket {
    /// Total value, USD.
    pub usd: f64,
    /// Number of orders.
    pub count: u32,
    /// Value of the largest, USD.
    pub largest_usd: f64,
    /// Fill price of the largest, USD.
    pub largest_price_usd: f64,
}

/// What a block remembers of liquidation orders.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TallySummary {
    /// Total value, USD.
    pub usd: Sum,
    /// Number of orders.
    pub count: u64,
    /// The instant of the largest order, and its tally; of equals the first.
    pub largest: Option<(Timestamp, LiquidationBucket)>,
    /// The first instant with an order and the last.
    pub ends: Option<(Timestamp, Timestamp)>,
    /// The longest pause between two of these instants, milliseconds.
    pub longest_pause_ms: i64,
}

/// Summary of commit numbers, which is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoSummary;

fn lower(old: Option<Extremum>, new: Extremum) -> Option<Extremum> {
    old.filter(|mark| mark.value < new.value).or(Some(new))
}

fn higher(old: Option<Extremum>, new: Extremum) -> Option<Extremum> {
    old.filter(|mark| mark.value > new.value).or(Some(new))
}

impl Summary {
    fn push(&mut self, at: Timestamp, value: f64) {
        let mark = Extremum { at, value };
        self.count += 1;
        self.first = self.first.or(Some(mark));
        self.last = Some(mark);
        self.min = lower(self.min, mark);
        self.max = higher(self.max, mark);
        self.sum.add(value);
        self.moments.push(value);
        self.drawdown.push(at.unix_ms(), value);
    }

    fn merge(&mut self, later: &Self) {
        self.count += later.count;
        self.first = self.first.or(later.first);
        self.last = later.last.or(self.last);
        self.min = later.min.map_or(self.min, |mark| lower(self.min, mark));
        self.max = later.max.map_or(self.max, |mark| higher(self.max, mark));
        self.sum = self.sum.merge(later.sum);
        self.moments = self.moments.merge(later.moments);
        self.drawdown = self.drawdown.merge(later.drawdown);
    }
}

impl Fold<f64> for Summary {
    fn block(&mut self, summary: &Summary) {
        self.merge(summary);
    }

    fn points(&mut self, times: &[Timestamp], values: &[f64]) {
        for (at, value) in times.iter().zip(values) {
            self.push(*at, *value);
        }
    }
}

impl Fold<Bar> for BarSummary {
    fn block(&mut self, later: &BarSummary) {
        self.close.merge(&later.close);
        self.open = self.open.or(later.open);
        self.low = later.low.map_or(self.low, |mark| lower(self.low, mark));
        self.high = later.high.map_or(self.high, |mark| higher(self.high, mark));
        self.volume = self.volume.merge(later.volume);
        self.intraday_drawdown = self.intraday_drawdown.merge(later.intraday_drawdown);
    }

    fn points(&mut self, times: &[Timestamp], values: &[Bar]) {
        for (&at, bar) in times.iter().zip(values) {
            self.close.push(at, bar.close);
            self.open = self.open.or(Some(Extremum { at, value: bar.open }));
            self.low = lower(self.low, Extremum { at, value: bar.low });
            self.high = higher(self.high, Extremum { at, value: bar.high });
            self.volume.add(bar.volume.unwrap_or(0.0));
            self.intraday_drawdown.push_bar(at.unix_ms(), bar.high, bar.low);
        }
    }
}

impl Fold<LiquidationBucket> for TallySummary {
    fn block(&mut self, later: &TallySummary) {
        self.usd = self.usd.merge(later.usd);
        self.count += later.count;
        if let Some((at, tally)) = later.largest {
            self.consider(at, tally);
        }
        if let Some((first, last)) = later.ends {
            self.follow(first, last);
            self.longest_pause_ms = self.longest_pause_ms.max(later.longest_pause_ms);
        }
    }

    fn points(&mut self, times: &[Timestamp], values: &[LiquidationBucket]) {
        for (&at, tally) in times.iter().zip(values) {
            self.usd.add(tally.usd);
            self.count += u64::from(tally.count);
            self.consider(at, *tally);
            self.follow(at, at);
        }
    }
}

impl TallySummary {
    fn follow(&mut self, first: Timestamp, last: Timestamp) {
        let (begun, former) = self.ends.unwrap_or((first, first));
        self.longest_pause_ms = self.longest_pause_ms.max(first.ms_since(former));
        self.ends = Some((begun, last));
    }

    fn consider(&mut self, at: Timestamp, tally: LiquidationBucket) {
        if self.largest.is_none_or(|(_, largest)| tally.largest_usd > largest.largest_usd) {
            self.largest = Some((at, tally));
        }
    }
}

impl Fold<f64> for MaxDrawdown {
    fn block(&mut self, summary: &Summary) {
        *self = self.merge(summary.drawdown);
    }

    fn points(&mut self, times: &[Timestamp], values: &[f64]) {
        for (at, value) in times.iter().zip(values) {
            self.push(at.unix_ms(), *value);
        }
    }
}

impl Fold<f64> for Sum {
    fn block(&mut self, summary: &Summary) {
        *self = self.merge(summary.sum);
    }

    fn points(&mut self, _: &[Timestamp], values: &[f64]) {
        for value in values {
            self.add(*value);
        }
    }
}

impl Fold<LiquidationBucket> for Sum {
    fn block(&mut self, summary: &TallySummary) {
        *self = self.merge(summary.usd);
    }

    fn points(&mut self, _: &[Timestamp], values: &[LiquidationBucket]) {
        for tally in values {
            self.add(tally.usd);
        }
    }
}

impl Fold<Version> for NoSummary {
    fn block(&mut self, _: &NoSummary) {}

    fn points(&mut self, _: &[Timestamp], _: &[Version]) {}
}

impl Point for f64 {
    type Summary = Summary;
}

impl Point for Bar {
    type Summary = BarSummary;
}

impl Point for LiquidationBucket {
    type Summary = TallySummary;
}

impl Point for Version {
    type Summary = NoSummary;
}
