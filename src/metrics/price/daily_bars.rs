use crate::domain::{Asset, Bar, Period, Source, TimeRange, Timestamp, TradingCalendar, Vintage};
use crate::market::{Bars, MarketView};
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::{Candidates, Need};
use crate::metrics::{Coverage, QueryError, SourceOrder};
use crate::stats::ohlc::Ohlc;

/// Days in a year of a market that never closes, and of an exchange.
const CONTINUOUS_YEAR: f64 = 365.0;
const TRADING_YEAR: f64 = 252.0;
/// The longest pause between two trading days that are neighbours: a weekend with holidays.
pub(in crate::metrics) const LONGEST_PAUSE_MS: i64 = 5 * Period::DAY.ms();

/// Days looked at beyond those that must be found, for holidays and gaps.
const SPARE_DAYS: i64 = 15;

/// The finished UTC days of one asset from one source up to an instant, with prices above zero.
#[derive(Debug)]
pub(in crate::metrics) struct DailyBars {
    calendar: TradingCalendar,
    /// The end of what is looked at.
    until: Timestamp,
    starts: Vec<Timestamp>,
    bars: Vec<Ohlc>,
    volumes: Vec<Option<f64>>,
    /// The log returns of the days that have a neighbour before them.
    returns: Vec<f64>,
    /// How many of them there are before each day, and in the end of all days.
    returns_before: Vec<usize>,
}

impl DailyBars {
    /// The days that ended by `until`, according to the source asked for or the one that the order chooses.
    pub(in crate::metrics) fn find(
        view: &MarketView,
        trail: &mut Provenance<'_>,
        order: &SourceOrder,
        asset: &Asset,
        (asked, need): (Option<&Source>, Need),
        until: Timestamp,
    ) -> Result<Option<Self>, QueryError> {
        let days = daily(view, trail, order, asset, (asked, need))?;
        Ok(days.map(|days| Self::all(&days, until)))
    }

    /// The days that ended by `until`.
    pub(in crate::metrics) fn all(days: &Bars<'_>, until: Timestamp) -> Self {
        Self::since(days, Timestamp::MIN, until)
    }

    /// The last days that ended by `until`, so many at least, or all there are.
    pub(in crate::metrics) fn last(days: &Bars<'_>, until: Timestamp, least: u32) -> Self {
        let calendar_days = match days.key.asset.calendar() {
            TradingCalendar::Continuous => least,
            TradingCalendar::TradingDays => least.saturating_mul(3) / 2,
        };
        let from = until.plus_days(-i64::from(calendar_days) - SPARE_DAYS).max(Timestamp::MIN);
        let found = Self::since(days, from, until);
        let is_all = days.first().is_none_or(|first| first.observed_at >= from);
        if is_all || found.len() >= usize::try_from(least).unwrap_or(usize::MAX) { found } else { Self::all(days, until) }
    }

    /// The days that began at `from` or later and ended by `until`.
    fn since(days: &Bars<'_>, from: Timestamp, until: Timestamp) -> Self {
        let range = TimeRange::new(from, TimeRange::all().to()).unwrap_or_else(|_| TimeRange::all());
        let calendar = days.key.asset.calendar();
        let ended = |day: &Vintage<Bar>| day.observed_at.plus_days(1) <= until;
        let finished: Vec<_> = days.finished(range).into_iter().filter(|day| ended(day) && day.value.low > 0.0).collect();
        let (returns, returns_before) = returns(calendar, &finished);
        Self {
            calendar,
            until,
            starts: finished.iter().map(|day| day.observed_at).collect(),
            bars: finished.iter().map(|day| Ohlc::from(day.value)).collect(),
            volumes: finished.iter().map(|day| day.value.volume).collect(),
            returns,
            returns_before,
        }
    }

    pub(in crate::metrics) fn len(&self) -> usize {
        self.bars.len()
    }

    pub(in crate::metrics) fn last_index(&self) -> Option<usize> {
        self.len().checked_sub(1)
    }

    pub(in crate::metrics) fn bars(&self) -> &[Ohlc] {
        &self.bars
    }

    /// The traded amount of a day, in coins or shares.
    pub(in crate::metrics) fn volume(&self, day: usize) -> Option<f64> {
        self.volumes[day]
    }

    pub(in crate::metrics) fn start_of(&self, day: usize) -> Timestamp {
        self.starts[day]
    }

    /// The first day that began after an instant.
    pub(in crate::metrics) fn first_after(&self, start: Timestamp) -> usize {
        self.starts.partition_point(|day| *day <= start)
    }

    pub(in crate::metrics) const fn periods_per_year(&self) -> f64 {
        match self.calendar {
            TradingCalendar::Continuous => CONTINUOUS_YEAR,
            TradingCalendar::TradingDays => TRADING_YEAR,
        }
    }

    /// The log return of a day against its neighbour before it; `None` over a gap.
    pub(in crate::metrics) fn log_return(&self, day: usize) -> Option<f64> {
        self.returns(day, day).first().copied()
    }

    /// The log returns of the days `first` to `last` that have a neighbour.
    pub(in crate::metrics) fn returns(&self, first: usize, last: usize) -> &[f64] {
        &self.returns[self.returns_before[first]..self.returns_before[last + 1]]
    }

    /// How many of the last `window` days a complete feed would have, and how many are known; an
    /// exchange's days are counted by its bars.
    pub(in crate::metrics) fn coverage(&self, window: usize) -> Coverage {
        let present = match self.calendar {
            TradingCalendar::TradingDays => self.len().min(window),
            TradingCalendar::Continuous => {
                let from = self.until.day_start().plus_days(-i64::try_from(window).unwrap_or(i64::MAX));
                self.len() - self.starts.partition_point(|start| *start < from)
            }
        };
        Coverage { expected: window as u64, present: present as u64 }
    }
}

/// The UTC days of an asset known at the cutoff, according to the source asked for or the one that the order
/// chooses for what the question needs.
pub(in crate::metrics) fn daily<'a>(
    view: &'a MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    asset: &Asset,
    (asked, need): (Option<&Source>, Need),
) -> Result<Option<Bars<'a>>, QueryError> {
    let candidates = Candidates::at(trail.at()).with(view.candle_series(asset));
    let Some(choice) = order.choose(trail, &candidates, asked, need)? else { return Ok(None) };
    let days = view.bars(asset, &choice.source, Period::DAY);
    if let Some(days) = &days {
        trail.read_bars(days);
    }
    Ok(days)
}

fn returns(calendar: TradingCalendar, days: &[Vintage<Bar>]) -> (Vec<f64>, Vec<usize>) {
    let longest_ms = if calendar == TradingCalendar::Continuous { Period::DAY.ms() } else { LONGEST_PAUSE_MS };
    let mut returns = Vec::with_capacity(days.len());
    let mut before = vec![0];
    for (index, day) in days.iter().enumerate() {
        let neighbour = index.checked_sub(1).map(|former| &days[former]);
        let neighbour = neighbour.filter(|former| day.observed_at.ms_since(former.observed_at) <= longest_ms);
        returns.extend(neighbour.map(|former| (day.value.close / former.value.close).ln()));
        before.push(returns.len());
    }
    (returns, before)
}

impl From<Bar> for Ohlc {
    fn from(bar: Bar) -> Self {
        Self { open: bar.open, high: bar.high, low: bar.low, close: bar.close }
    }
}
