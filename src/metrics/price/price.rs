use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Bar, Metric, Period, SeriesKey, Source, TimeRange, Timestamp, TradingCalendar, Vintage};
use crate::market::{Bars, ColumnView, Extremum, MarketView};
use crate::metrics::liveness::max_expected_gap_ms;
use crate::metrics::price::changes::PriceChanges;
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::{Choice, Need, price_candidates, price_metric};
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, Query, QueryError, SourceOrder, WarningCode, Window};
use crate::stats::since::{highest_since, lowest_since};

/// What is asked about a price.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PriceParams {
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
    /// Price against the previous UTC close, percent; absent before anything of the day is known.
    pub change_pct: Option<f64>,
    /// The day's low against the previous UTC close, percent; negative for a fall.
    pub worst_fall_pct: Option<f64>,
    /// The last earlier day whose low was at or under this day's low.
    pub lowest_since: Option<SinceMark>,
    /// The last earlier day whose high was at or over this day's high.
    pub highest_since: Option<SinceMark>,
    /// The changes that every answer with a price has.
    #[serde(flatten)]
    pub changes: PriceChanges,
    /// The UTC day before, whole.
    pub previous_day: Option<PreviousDay>,
}

impl Statements for Price {
    fn withhold(&mut self, _stale: &StaleInputs) {
        // The last price stays: it is a level.
        *self = Self { price_usd: self.price_usd, ..Self::default() };
    }
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
/// [`QueryError`] for an unknown asset or source, or an empty window.
pub fn price(view: &MarketView, order: &SourceOrder, question: &PriceParams) -> Result<Answer<Price>, QueryError> {
    known_asset(view, &question.asset)?;
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::new(view);
    let candidates = price_candidates(view, &question.asset, trail.at());
    let choice = order.choose(&mut trail, &candidates, question.source.as_ref(), Need::of(span))?;
    let mut figures = Price::default();
    if let Some(Choice { source, has_history }) = choice {
        match view.bars(&question.asset, &source, Period::DAY) {
            Some(days) => from_bars(view, &mut trail, question, &days, &mut figures),
            None => from_readings(view, &mut trail, question, &source, &mut figures),
        }
        fill_changes(&mut trail, &mut figures);
        if !has_history {
            keep_known_marks(&mut trail, &source, &mut figures);
        }
        let prices = PriceSeries::open(view, &question.asset, &source);
        figures.changes = PriceChanges::or_warn(&mut trail, &prices, figures.price_usd, span, view.as_of());
    }
    let method = Method { name: "price", version: 1, interval: None, basis: None };
    Ok(trail.answer(figures, Derivation { span: Some(span), method: Some(method), ..Derivation::default() }))
}

/// Every series that tells the price of one asset at one source.
#[derive(Debug)]
pub(in crate::metrics) struct PriceSeries<'a> {
    bars: Vec<(&'a SeriesKey, ColumnView<'a, Bar>)>,
    readings: Option<(&'a SeriesKey, ColumnView<'a, f64>)>,
}

impl<'a> PriceSeries<'a> {
    pub(in crate::metrics) fn open(view: &'a MarketView, asset: &Asset, source: &Source) -> Self {
        Self {
            bars: view.candle_series(asset).filter(|(key, _)| key.source == *source).collect(),
            readings: view.readings(price_metric(asset), asset).find(|(key, _)| key.source == *source),
        }
    }

    /// The last price that was true at `at` or before, from bars that ended by then or else from
    /// readings, USD; `None` where the last is older than the rhythm of its series allows.
    pub(in crate::metrics) fn at(&self, at: Timestamp) -> Option<f64> {
        let is_near = |key: &SeriesKey, then: Timestamp| at.ms_since(then) <= key.expected_every_ms() + max_expected_gap_ms(key);
        let ended = self.bars.iter().filter_map(|(key, column)| {
            let bar = column.at_or_before(at.plus_ms(-key.period.ms()))?;
            let ended_at = bar.observed_at.plus_ms(key.period.ms());
            is_near(key, ended_at).then_some((ended_at, bar.value.close))
        });
        let newest = ended.max_by_key(|(ended_at, _)| *ended_at).map(|(_, close)| close);
        newest.or_else(|| {
            let (key, column) = self.readings?;
            column.at_or_before(at).filter(|row| is_near(key, row.observed_at)).map(|row| row.value)
        })
    }

    /// The first instant of which a price is known.
    pub(in crate::metrics) fn first_at(&self) -> Option<Timestamp> {
        let ended = self.bars.iter().filter_map(|(key, column)| Some(column.first()?.observed_at.plus_ms(key.period.ms())));
        ended.chain(self.readings.and_then(|(_, column)| Some(column.first()?.observed_at))).min()
    }
}

/// Fills the changes against the previous close. Before anything of the day is known the price is
/// that close, and nothing can be said of a change.
fn fill_changes(trail: &mut Provenance<'_>, figures: &mut Price) {
    if figures.open_usd.is_none() {
        trail.warn(WarningCode::InsufficientHistory, "nothing of the cutoff's UTC day is known yet: change_pct is null");
        return;
    }
    figures.change_pct = percent_change(figures.previous_close_usd, figures.price_usd);
    figures.worst_fall_pct = percent_change(figures.previous_close_usd, figures.low_usd);
}

/// Takes back what only a longer history could tell: that no earlier day was as low or as high.
fn keep_known_marks(trail: &mut Provenance<'_>, source: &Source, figures: &mut Price) {
    let known = |mark: &mut Option<SinceMark>| mark.take_if(|mark| mark.at_least).is_none();
    let mut all_known = known(&mut figures.lowest_since) & known(&mut figures.highest_since);
    if let Some(day) = &mut figures.previous_day {
        all_known &= known(&mut day.lowest_since);
    }
    if !all_known {
        let detail = format!("{source} begins later than another live source: since when a low or high is one is not known");
        trail.warn(WarningCode::HistoryLimit, detail);
    }
}

/// `to` against `from`, percent; `None` unless both are known, `from` is above zero, and a number can
/// hold the change.
pub(in crate::metrics) fn percent_change(from: Option<f64>, to: Option<f64>) -> Option<f64> {
    let (from, to) = from.zip(to)?;
    let change = (to / from - 1.0) * 100.0;
    (from > 0.0 && change.is_finite()).then_some(change)
}

fn from_bars(view: &MarketView, trail: &mut Provenance<'_>, question: &PriceParams, days: &Bars<'_>, figures: &mut Price) {
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
    }
    figures.previous_day = previous_day(earlier, today, question.asset.calendar());
    figures.previous_close_usd = figures.previous_day.map(|day| day.close_usd);
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

fn from_readings(view: &MarketView, trail: &mut Provenance<'_>, question: &PriceParams, source: &Source, figures: &mut Price) {
    let Some((key, column)) = view.readings(Metric::Price, &question.asset).find(|(key, _)| key.source == *source) else {
        return;
    };
    trail.read(key, column);
    let today = view.as_of().day_start();
    let Ok(range) = TimeRange::new(today, today.plus_days(1)) else { return };
    let day = column.summary(range);
    let value = |mark: Option<Extremum>| mark.map(|mark| mark.value);
    figures.price_usd = column.last().map(|row| row.value);
    figures.open_usd = value(day.first);
    figures.high_usd = value(day.max);
    figures.low_usd = value(day.min);
    figures.high_at = day.max.map(|mark| mark.at);
    figures.low_at = day.min.map(|mark| mark.at);
    figures.previous_close_usd = PriceSeries::open(view, &question.asset, source).at(today.plus_ms(-1));
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

/// Price, its day, and how rare its extremes are.
#[derive(Debug)]
pub enum PriceQuery {}

impl Query for PriceQuery {
    type Params = PriceParams;
    type Answer = Price;
    const NAME: &'static str = "price";

    fn is_light(_: &Self::Params, _: &MarketView) -> bool {
        true
    }

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        price(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};

    fn fixture() -> Fixture {
        Fixture::new().bars(
            "candle.btc@x:12h",
            &[
                ("2026-02-01T00:00:00Z", 105.0, 70.0, 100.0),
                ("2026-02-01T12:00:00Z", 110.0, 95.0, 100.0),
                ("2026-02-02T00:00:00Z", 101.0, 90.0, 95.0),
                ("2026-02-02T12:00:00Z", 99.0, 93.0, 98.0),
                ("2026-02-03T00:00:00Z", 99.0, 80.0, 85.0),
            ],
        )
    }

    fn ask(as_of: &str) -> Answer<Price> {
        let question = PriceParams { asset: Asset::btc(), source: None, window: Window::days(1) };
        price(&fixture().cut(as_of), &order(), &question).unwrap()
    }

    #[test]
    fn the_running_day_counts_as_far_as_it_is_known() {
        let answer = ask("2026-02-03T13:00:00Z");
        let day = answer.data;
        assert_eq!((day.price_usd, day.low_usd, day.high_usd), (Some(85.0), Some(80.0), Some(99.0)));
        assert_eq!((day.previous_close_usd, day.low_at), (Some(98.0), Some(at("2026-02-03"))));
        assert!((day.worst_fall_pct.unwrap() - (80.0 / 98.0 - 1.0) * 100.0).abs() < 1e-12);
        assert_eq!(day.lowest_since, Some(SinceMark { at: at("2026-02-01"), value_usd: Some(70.0), at_least: false }));
        assert_eq!(day.highest_since.unwrap().at, at("2026-02-02"));
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::PartialBar));
    }

    #[test]
    fn before_the_first_bar_of_a_day_its_figures_are_null() {
        let answer = ask("2026-02-03T11:59:59Z");
        assert_eq!((answer.data.price_usd, answer.data.low_usd, answer.data.lowest_since), (Some(98.0), None, None));
        let yesterday = answer.data.previous_day.unwrap();
        assert_eq!((yesterday.at, yesterday.low_usd), (at("2026-02-02"), 90.0));
        assert!((yesterday.worst_fall_pct.unwrap() + 10.0).abs() < 1e-12);
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::InsufficientHistory));
    }

    #[test]
    fn a_price_is_known_on_the_first_day_of_a_feed() {
        let minutes = [("2026-02-03T02:33:00Z", 99.0, 80.0, 85.0), ("2026-02-03T02:34:00Z", 86.0, 84.0, 86.0)];
        let view = Fixture::new().bars("candle.btc@x:1m", &minutes).cut("2026-02-03T02:35:00Z");
        let question = PriceParams { asset: Asset::btc(), source: None, window: Window::days(1) };
        let day = price(&view, &order(), &question).unwrap().data;
        assert_eq!((day.price_usd, day.high_usd, day.low_usd), (Some(86.0), Some(99.0), Some(80.0)));
        assert_eq!((day.previous_close_usd, day.change_pct, day.lowest_since), (None, None, None));
    }

    #[test]
    fn a_record_low_is_told_as_at_least() {
        let mark = ask("2026-02-01T13:00:00Z").data.lowest_since;
        assert_eq!(mark, None);
        let rising = Fixture::new().bars("candle.btc@x:1d", &[("2026-02-01", 2.0, 1.0, 2.0), ("2026-02-02", 3.0, 0.5, 3.0)]);
        let question = PriceParams { asset: Asset::btc(), source: None, window: Window::days(1) };
        let answer = price(&rising.cut("2026-02-03"), &order(), &question).unwrap();
        let lowest = answer.data.previous_day.unwrap().lowest_since.unwrap();
        assert_eq!(lowest, SinceMark { at: at("2026-02-01"), value_usd: None, at_least: true });
    }

    #[test]
    fn a_source_without_bars_answers_from_readings() {
        let rows = [("2026-02-02T23:00:00Z", 50.0), ("2026-02-03T01:00:00Z", 40.0), ("2026-02-03T02:00:00Z", 45.0)];
        let view = Fixture::new().readings("price.sol@y", &rows).cut("2026-02-03T03:00:00Z");
        let question = PriceParams { asset: "sol".parse().unwrap(), source: None, window: Window::days(1) };
        let figures = price(&view, &order(), &question).unwrap().data;
        assert_eq!((figures.price_usd, figures.low_usd, figures.previous_close_usd), (Some(45.0), Some(40.0), Some(50.0)));
        assert!((figures.worst_fall_pct.unwrap() + 20.0).abs() < 1e-12);
    }

    #[test]
    fn an_unknown_asset_or_source_is_named_with_the_known_ones() {
        let view = fixture().cut("2026-02-03");
        let asset = PriceParams { asset: "nope".parse().unwrap(), source: None, window: Window::days(1) };
        assert!(
            matches!(price(&view, &order(), &asset), Err(QueryError::UnknownAsset { known, .. }) if known.contains(&Asset::btc()))
        );
        let source = PriceParams { asset: Asset::btc(), source: Some("nope".parse().unwrap()), window: Window::days(1) };
        assert!(matches!(price(&view, &order(), &source), Err(QueryError::UnknownSource { known, .. }) if known.len() == 1));
    }

    #[test]
    fn an_empty_market_gives_nulls_and_a_reason() {
        let question = PriceParams { asset: Asset::btc(), source: None, window: Window::days(1) };
        let answer = price(&Fixture::new().cut("2026-02-03"), &order(), &question).unwrap();
        assert_eq!(answer.data, Price::default());
        assert_eq!(answer.warnings[0].code, WarningCode::NoData);
    }
}
