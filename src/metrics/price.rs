use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Bar, Metric, Period, Source, TimeRange, Timestamp, TradingCalendar, Vintage};
use crate::market::{Bars, Mark, MarketView};
use crate::metrics::trail::{Trail, Working, known_asset};
use crate::metrics::{Answer, Method, SourceOrder, Unanswerable, WarningCode, Window};
use crate::stats::since::{highest_since, lowest_since};

/// What is asked about a price.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceQuestion {
    /// Of what.
    pub asset: Asset,
    /// According to whom; the first source in the configured order where none is named.
    pub source: Option<Source>,
    /// Over which span `change_window_pct` looks.
    pub window: Window,
}

/// A price, the UTC day around it and how rare its extremes are (METHODOLOGY sections 1.8 and 2).
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Price {
    /// The last price known, USD.
    pub price_usd: Option<f64>,
    /// First price of the UTC day of the cutoff, USD.
    pub open_usd: Option<f64>,
    /// Highest price of that day so far, USD.
    pub high_usd: Option<f64>,
    /// Lowest price of that day so far, USD.
    pub low_usd: Option<f64>,
    /// When the low was reached: the start of the bar that holds it.
    pub low_at: Option<Timestamp>,
    /// When the high was reached: the start of the bar that holds it.
    pub high_at: Option<Timestamp>,
    /// Last price of the UTC day before, USD.
    pub previous_close_usd: Option<f64>,
    /// Price against the previous UTC close, percent.
    pub change_pct: Option<f64>,
    /// The day's low against the previous UTC close, percent; negative for a fall.
    pub worst_fall_pct: Option<f64>,
    /// The last earlier day whose low was at or under this day's low.
    pub lowest_since: Option<SinceMark>,
    /// The last earlier day whose high was at or over this day's high.
    pub highest_since: Option<SinceMark>,
    /// Price against the price at the start of the window, percent.
    pub change_window_pct: Option<f64>,
    /// The UTC day before, whole.
    pub previous_day: Option<PreviousDay>,
}

/// How far back the record goes that a day's extreme set.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct SinceMark {
    /// The UTC day of the earlier extreme, or of the first bar where there is none.
    pub at: Timestamp,
    /// The earlier extreme, USD; absent where there is none.
    pub value_usd: Option<f64>,
    /// True where no earlier extreme is known: the record goes back at least to `at`.
    pub at_least: bool,
}

/// A finished UTC day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct PreviousDay {
    /// Its start.
    pub at: Timestamp,
    /// Its highest price, USD.
    pub high_usd: f64,
    /// Its lowest price, USD.
    pub low_usd: f64,
    /// Its last price, USD.
    pub close_usd: f64,
    /// Its low against the close before it, percent.
    pub worst_fall_pct: Option<f64>,
    /// Its close against the close before it, percent.
    pub change_pct: Option<f64>,
    /// The last earlier day whose low was at or under its low.
    pub lowest_since: Option<SinceMark>,
}

/// The price of an asset at the cutoff.
///
/// # Errors
/// [`Unanswerable`] for an unknown asset or source, or an empty window.
pub fn price(view: &MarketView, order: &SourceOrder, question: &PriceQuestion) -> Result<Answer<Price>, Unanswerable> {
    known_asset(view, &question.asset)?;
    let span = question.window.resolve(view.as_of())?;
    let source = order.choose(question.source.as_ref(), price_sources(view, &question.asset))?;
    let mut trail = Trail::new(view);
    let mut figures = Price::default();
    if let Some(source) = source {
        match view.bars(&question.asset, &source, Period::DAY) {
            Some(days) => from_bars(view, &mut trail, question, &days, &mut figures),
            None => from_readings(view, &mut trail, question, &source, &mut figures),
        }
        let base = price_at(view, &question.asset, &source, span.from);
        figures.change_window_pct = percent_change(base, figures.price_usd);
        if base.is_none() {
            trail.warn(WarningCode::HistoryLimit, format!("no price is known at the start of the window, {}", span.from));
        }
    }
    let method = Method { name: "price", version: 1, interval: None, basis: None };
    Ok(trail.answer(figures, Working { span: Some(span), method: Some(method), ..Working::default() }))
}

/// The sources with a price of the asset known at the cutoff.
pub(super) fn price_sources(view: &MarketView, asset: &Asset) -> Vec<Source> {
    let bars = view.candle_series(asset).map(|(key, _)| key.source.clone());
    bars.chain(view.readings(Metric::Price, asset).map(|(key, _)| key.source.clone())).collect()
}

/// The last price of an asset that was true at `at` or before, from bars that ended by then or else
/// from readings, USD.
pub(super) fn price_at(view: &MarketView, asset: &Asset, source: &Source, at: Timestamp) -> Option<f64> {
    let bars = view.candle_series(asset).filter(|(key, _)| key.source == *source);
    let ended = bars.filter_map(|(key, column)| {
        let bar = column.at_or_before(at.plus_ms(-key.period.ms()))?;
        Some((bar.observed_at.plus_ms(key.period.ms()), bar.value.close))
    });
    let newest = ended.max_by_key(|(ended_at, _)| *ended_at).map(|(_, close)| close);
    newest.or_else(|| {
        let readings = view.readings(Metric::Price, asset).find(|(key, _)| key.source == *source);
        Some(readings?.1.at_or_before(at)?.value)
    })
}

/// `to` against `from`, percent; `None` unless both are known and `from` is above zero.
pub(super) fn percent_change(from: Option<f64>, to: Option<f64>) -> Option<f64> {
    let (from, to) = from.zip(to)?;
    (from > 0.0).then(|| (to / from - 1.0) * 100.0)
}

fn from_bars(view: &MarketView, trail: &mut Trail<'_>, question: &PriceQuestion, days: &Bars<'_>, figures: &mut Price) {
    trail.read_bars(days);
    let today = view.as_of().day_start();
    let history = days.all(TimeRange::all());
    let last = view.last_bar(&question.asset, &days.key.source);
    figures.price_usd = last.map(|(_, bar)| bar.value.close);
    if let Some((key, _)) = last
        && let Some(column) = view.candles(key)
    {
        trail.read(key, column);
    }
    let (earlier, of_today) = history.split_at(history.partition_point(|day| day.observed_at < today));
    if let Some(day) = of_today.first() {
        fill_day(view, days, day, figures);
        figures.lowest_since = since(earlier, day, lowest_day);
        figures.highest_since = since(earlier, day, highest_day);
        trail.warn(WarningCode::PartialBar, format!("the day of {} is still running", day.observed_at.date()));
    } else {
        trail.warn(WarningCode::InsufficientHistory, "no bar of the cutoff's UTC day is known yet");
    }
    figures.previous_day = previous_day(earlier, today, question.asset.calendar());
    figures.previous_close_usd = figures.previous_day.map(|day| day.close_usd);
    figures.change_pct = percent_change(figures.previous_close_usd, figures.price_usd);
    figures.worst_fall_pct = percent_change(figures.previous_close_usd, figures.low_usd);
}

fn fill_day(view: &MarketView, days: &Bars<'_>, day: &Vintage<Bar>, figures: &mut Price) {
    figures.open_usd = Some(day.value.open);
    figures.high_usd = Some(day.value.high);
    figures.low_usd = Some(day.value.low);
    let finer = view.candle_series(&days.key.asset).filter(|(key, _)| key.source == days.key.source && key.period < Period::DAY);
    let Some((_, finer)) = finer.min_by_key(|(key, _)| key.period) else { return };
    let Ok(range) = TimeRange::new(day.observed_at, day.observed_at.plus_days(1)) else { return };
    let summary = finer.summary(range);
    figures.low_at = summary.low.map(|mark| mark.at);
    figures.high_at = summary.high.map(|mark| mark.at);
}

fn from_readings(view: &MarketView, trail: &mut Trail<'_>, question: &PriceQuestion, source: &Source, figures: &mut Price) {
    let Some((key, column)) = view.readings(Metric::Price, &question.asset).find(|(key, _)| key.source == *source) else {
        return;
    };
    trail.read(key, column);
    let today = view.as_of().day_start();
    let Ok(range) = TimeRange::new(today, today.plus_days(1)) else { return };
    let day = column.summary(range);
    let value = |mark: Option<Mark>| mark.map(|mark| mark.value);
    figures.price_usd = column.last().map(|row| row.value);
    figures.open_usd = value(day.first);
    figures.high_usd = value(day.max);
    figures.low_usd = value(day.min);
    figures.high_at = day.max.map(|mark| mark.at);
    figures.low_at = day.min.map(|mark| mark.at);
    figures.previous_close_usd = column.at_or_before(today.plus_ms(-1)).map(|row| row.value);
    figures.change_pct = percent_change(figures.previous_close_usd, figures.price_usd);
    figures.worst_fall_pct = percent_change(figures.previous_close_usd, figures.low_usd);
}

/// The last finished day before `today`: for assets that trade around the clock only yesterday itself.
fn previous_day(earlier: &[Vintage<Bar>], today: Timestamp, calendar: TradingCalendar) -> Option<PreviousDay> {
    let (day, before) = earlier.split_last()?;
    if calendar == TradingCalendar::Continuous && day.observed_at != today.plus_days(-1) {
        return None;
    }
    let base = before
        .last()
        .filter(|bar| calendar == TradingCalendar::TradingDays || bar.observed_at == day.observed_at.plus_days(-1))
        .map(|bar| bar.value.close);
    Some(PreviousDay {
        at: day.observed_at,
        high_usd: day.value.high,
        low_usd: day.value.low,
        close_usd: day.value.close,
        worst_fall_pct: percent_change(base, Some(day.value.low)),
        change_pct: percent_change(base, Some(day.value.close)),
        lowest_since: since(before, day, lowest_day),
    })
}

/// Finds the earlier day that matches the last one, and the extreme they share.
type Finder = fn(&[Vintage<Bar>], &Vintage<Bar>) -> Option<(usize, f64)>;

fn lowest_day(earlier: &[Vintage<Bar>], day: &Vintage<Bar>) -> Option<(usize, f64)> {
    let lows: Vec<f64> = earlier.iter().chain([day]).map(|bar| bar.value.low).collect();
    lowest_since(&lows).map(|index| (index, lows[index]))
}

fn highest_day(earlier: &[Vintage<Bar>], day: &Vintage<Bar>) -> Option<(usize, f64)> {
    let highs: Vec<f64> = earlier.iter().chain([day]).map(|bar| bar.value.high).collect();
    highest_since(&highs).map(|index| (index, highs[index]))
}

fn since(earlier: &[Vintage<Bar>], day: &Vintage<Bar>, find: Finder) -> Option<SinceMark> {
    let first = earlier.first()?;
    Some(match find(earlier, day) {
        Some((index, value)) => SinceMark { at: earlier[index].observed_at, value_usd: Some(value), at_least: false },
        None => SinceMark { at: first.observed_at, value_usd: None, at_least: true },
    })
}
