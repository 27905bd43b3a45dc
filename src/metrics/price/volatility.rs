use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Metric, Period, Source, Timestamp};
use crate::market::{Bars, MarketView};
use crate::metrics::price::daily_bars::{DailyBars, daily};
use crate::metrics::price::implied::Implied;
use crate::metrics::price::volatility_cache::RegimeDays;
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::Need;
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{
    Answer, Context, Coverage, Method, Query, QueryError, SourceOrder, Span, VolatilityRegimeCache, WarningCode, Window,
};
use crate::stats::ohlc::Ohlc;
use crate::stats::rank::mid_rank;
use crate::stats::real;
use crate::stats::threshold::{at_least, at_most};
use crate::stats::volatility::{self, variance_risk_premium};

/// Days over which a volatility is ranked.
const YEAR: usize = 365;
/// The same as a number of days before the window.
const RANKED_DAYS: i64 = 365;
/// Days a rank needs: 80 % of them.
const LEAST_RANKED: usize = 292;
/// The share of a window's bars that must be there.
const LEAST_PRESENT: f64 = 0.8;
/// The window of a headline, days, and the days whose closes tell of it.
const MONTH: i64 = 30;
const DAYS_OF_MONTH: u32 = 30 + 1;
/// Ranks at which a regime begins.
const CALM_RANK: f64 = 0.25;
const ELEVATED_RANK: f64 = 0.75;
/// Days for which a pick-up is told.
const PICKUP_TOLD: usize = 30;
/// Days before a pick-up in which the calm may have ended.
const GRACE: usize = 14;

/// A formula for volatility from bars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub enum Estimator {
    /// The standard deviation of log returns from close to close.
    #[default]
    Close,
    /// Parkinson (1980).
    Parkinson,
    /// Garman and Klass (1980).
    GarmanKlass,
    /// Rogers and Satchell (1991).
    RogersSatchell,
    /// Yang and Zhang (2000).
    YangZhang,
    /// Exponentially weighted, decay 0.94.
    Ewma,
}

/// What is asked about volatility.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VolatilityParams {
    /// Of what.
    pub asset: Asset,
    /// According to whose bars; the first source in the configured order where none is named.
    pub source: Option<Source>,
    /// Which span; its finished days count.
    pub window: Window,
    /// The formula of `realised_pct`.
    pub estimator: Estimator,
}

/// How much a price moves, and how much options say it will (METHODOLOGY section 7).
///
/// Volatilities are yearly, in percent; a market that never closes has 365 days, an exchange 252.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Volatility {
    /// Realised over the window of finished UTC days by the estimator asked for, percent a year.
    pub realised_pct: Option<f64>,
    /// Its mid-rank among the same of the trailing 365 days, in (0, 1].
    pub realised_percentile_ratio: Option<f64>,
    /// The implied-volatility index of options over the next 30 days, percent a year.
    pub implied_pct: Option<f64>,
    /// Its mid-rank among the ends of the trailing 365 days, in (0, 1].
    pub implied_percentile_ratio: Option<f64>,
    /// Implied less realised variance, fractions squared a year: positive where options cost more than the market moved.
    pub variance_risk_premium: Option<f64>,
    /// Implied less realised volatility, points.
    pub spread_vol_points: Option<f64>,
    /// Where the 30-day close-to-close volatility stands among those of the trailing 365 days.
    pub regime: Option<VolatilityRegime>,
    /// Consecutive calm days: of the run that goes on, or of the longest that ended within the 14
    /// days before the last pick-up told; 0 where there is none.
    pub calm_days: Option<usize>,
    /// Whether, within the last 30 days, volatility picked up after 30 or more calm days.
    pub pickup: Option<bool>,
    /// The UTC day on which it did.
    pub pickup_at: Option<Timestamp>,
    /// The same window by every estimator.
    pub estimators: VolatilityEstimators,
}

impl Statements for Volatility {
    fn withhold(&mut self, stale: &StaleInputs) {
        let (prices, options) = (stale.has(&[Metric::Candle]), stale.has(&[Metric::ImpliedVol]));
        let implied_pct = self.implied_pct;
        let implied_percentile_ratio = self.implied_percentile_ratio.filter(|_| !options);
        if prices {
            *self = Self { implied_pct, implied_percentile_ratio, ..Self::default() };
        }
        self.implied_percentile_ratio = implied_percentile_ratio;
        if options {
            (self.variance_risk_premium, self.spread_vol_points) = (None, None);
        }
    }
}

/// Realised volatility by every estimator, percent a year.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, ToSchema)]
pub struct VolatilityEstimators {
    /// From close to close.
    pub close_pct: Option<f64>,
    /// Parkinson: from highs and lows.
    pub parkinson_pct: Option<f64>,
    /// Garman and Klass: from highs, lows and bodies.
    pub garman_klass_pct: Option<f64>,
    /// Rogers and Satchell: free of drift.
    pub rogers_satchell_pct: Option<f64>,
    /// Yang and Zhang: with the jumps between bars.
    pub yang_zhang_pct: Option<f64>,
    /// Exponentially weighted over all history, decay 0.94 a day.
    pub ewma_pct: Option<f64>,
}

/// Where a volatility stands among its own history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VolatilityRegime {
    /// Rank at most 0.25.
    Calm,
    /// Between.
    Normal,
    /// Rank at least 0.75.
    Elevated,
}

impl Estimator {
    /// Every estimator with its name, the default first.
    pub const ALL: [(&'static str, Self); 6] = [
        ("close", Self::Close),
        ("parkinson", Self::Parkinson),
        ("garman_klass", Self::GarmanKlass),
        ("rogers_satchell", Self::RogersSatchell),
        ("yang_zhang", Self::YangZhang),
        ("ewma", Self::Ewma),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(_, estimator)| *estimator == self).map_or("", |(name, _)| name)
    }

    /// The volatility over the last `window` bars that end with bar `last`, a fraction a year.
    pub(in crate::metrics) fn at(self, days: &DailyBars, last: usize, window: usize) -> Option<f64> {
        let first = (last + 1).checked_sub(window)?;
        let year = days.periods_per_year();
        let ranged = |estimate: fn(&[Ohlc], f64) -> Option<f64>, from: usize| estimate(&days.bars()[from..=last], year);
        match self {
            Self::Close => volatility::close_to_close(enough_returns(days, last, window)?, year),
            Self::Parkinson => ranged(volatility::parkinson, first),
            Self::GarmanKlass => ranged(volatility::garman_klass, first),
            Self::RogersSatchell => ranged(volatility::rogers_satchell, first),
            Self::YangZhang => first.checked_sub(1).and_then(|from| ranged(volatility::yang_zhang, from)),
            Self::Ewma => volatility::ewma(days.returns(0, last), year),
        }
    }
}

impl VolatilityRegime {
    fn of(rank: f64) -> Self {
        match rank {
            rank if at_most(rank, CALM_RANK) => Self::Calm,
            rank if at_least(rank, ELEVATED_RANK) => Self::Elevated,
            _ => Self::Normal,
        }
    }
}

/// The volatility of an asset at the cutoff.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source, an empty window, or one of less than two whole days.
pub fn volatility(
    view: &MarketView,
    order: &SourceOrder,
    book: &VolatilityRegimeCache,
    question: &VolatilityParams,
) -> Result<Answer<Volatility>, QueryError> {
    let (mut trail, span, bars) = open(view, order, question)?;
    let mut figures = Volatility::default();
    let mut coverage = None;
    if let Some(bars) = bars {
        let days = DailyBars::all(&bars, span.to);
        let window = window_days(span)?;
        coverage = Some(days.coverage(window));
        fill_realised(&mut trail, &days, question.estimator, window, &mut figures);
        book.tell(view, &bars, span.to, |days| fill_regime(&mut trail, days, &mut figures));
    }
    if let Some(implied) = Implied::find(view, &mut trail, order, &question.asset, span.to) {
        fill_implied(&implied, &mut figures);
        figures.implied_percentile_ratio = rank(&mut trail, "implied", &implied.of_year(), implied.now);
    }
    Ok(trail.answer(figures, working(span, coverage, question.estimator)))
}

/// What [`volatility`] says of the last 30 days of an asset by their closes, without ranks and without
/// other estimators.
///
/// # Errors
/// As [`volatility`].
pub(in crate::metrics) fn volatility_of_month(
    view: &MarketView,
    order: &SourceOrder,
    book: &VolatilityRegimeCache,
    asset: &Asset,
) -> Result<Answer<Volatility>, QueryError> {
    let (estimator, window) = (Estimator::Close, Window::days(MONTH));
    let question = VolatilityParams { asset: asset.clone(), source: None, window, estimator };
    let (mut trail, span, bars) = open(view, order, &question)?;
    let mut figures = Volatility::default();
    let mut coverage = None;
    if let Some(bars) = bars {
        let days = DailyBars::last(&bars, span.to, DAYS_OF_MONTH);
        let window = window_days(span)?;
        coverage = Some(days.coverage(window));
        if let Some(last) = last_covered(&mut trail, &days, window) {
            fill_estimate(&mut trail, &days, (estimator, last, window), &mut figures);
        }
        book.tell(view, &bars, span.to, |days| fill_regime(&mut trail, days, &mut figures));
    }
    if let Some(implied) = Implied::find(view, &mut trail, order, asset, span.to) {
        fill_implied(&implied, &mut figures);
    }
    Ok(trail.answer(figures, working(span, coverage, estimator)))
}

/// The span asked about, and the daily bars that answer.
fn open<'a>(
    view: &'a MarketView,
    order: &SourceOrder,
    question: &VolatilityParams,
) -> Result<(Provenance<'a>, Span, Option<Bars<'a>>), QueryError> {
    known_asset(view, &question.asset)?;
    let span = question.window.resolve(view.as_of())?;
    window_days(span)?;
    let mut trail = Provenance::until(view, span.to);
    let asked = (question.source.as_ref(), Need::days_before(span.from, RANKED_DAYS));
    let bars = daily(view, &mut trail, order, &question.asset, asked)?;
    Ok((trail, span, bars))
}

fn working(span: Span, coverage: Option<Coverage>, estimator: Estimator) -> Derivation {
    let interval = Some(Period::DAY.to_string());
    let method = Method { name: "volatility", version: 1, interval, basis: Some(estimator.name().to_owned()) };
    Derivation { span: Some(span), method: Some(method), n_obs: coverage.map(|coverage| coverage.present), coverage }
}

/// The log returns of the last `window` bars that end with bar `last`; `None` where too many are missing.
fn enough_returns(days: &DailyBars, last: usize, window: usize) -> Option<&[f64]> {
    let returns = days.returns((last + 1).checked_sub(window)?, last);
    at_least(real(returns.len()), LEAST_PRESENT * real(window)).then_some(returns)
}

/// The whole days of a span.
fn window_days(span: Span) -> Result<usize, QueryError> {
    let whole = usize::try_from(span.to.ms_since(span.from) / Period::DAY.ms()).ok();
    whole.filter(|days| (2..=3_650).contains(days)).ok_or_else(|| QueryError::Parameter {
        parameter: "window",
        given: format!("{} to {}", span.from, span.to),
        reason: "volatility is of 2 to 3650 whole days".to_owned(),
        allowed: ["7d", "30d", "90d", "1y"].map(str::to_owned).into(),
    })
}

/// Fills the estimates of the last finished day, and the rank of the one asked for.
fn fill_realised(trail: &mut Provenance<'_>, days: &DailyBars, estimator: Estimator, window: usize, figures: &mut Volatility) {
    let Some(last) = last_covered(trail, days, window) else { return };
    let at = |estimator: Estimator| estimator.at(days, last, window).map(percent);
    figures.estimators = VolatilityEstimators {
        close_pct: at(Estimator::Close),
        parkinson_pct: at(Estimator::Parkinson),
        garman_klass_pct: at(Estimator::GarmanKlass),
        rogers_satchell_pct: at(Estimator::RogersSatchell),
        yang_zhang_pct: at(Estimator::YangZhang),
        ewma_pct: at(Estimator::Ewma),
    };
    let Some(now) = fill_estimate(trail, days, (estimator, last, window), figures) else { return };
    let year = days.len().saturating_sub(YEAR)..=last;
    let trailing: Vec<f64> = year.filter_map(|day| estimator.at(days, day, window)).collect();
    figures.realised_percentile_ratio = rank(trail, "realised", &trailing, now);
}

/// The last finished day, where enough days of the window are known.
fn last_covered(trail: &mut Provenance<'_>, days: &DailyBars, window: usize) -> Option<usize> {
    let last = days.last_index()?;
    let Coverage { expected, present } = days.coverage(window);
    if real(usize::try_from(present).unwrap_or(0)) < LEAST_PRESENT * real(window) {
        let detail = format!("the window needs 80 % of its {expected} daily bars, {present} are known");
        trail.warn(WarningCode::InsufficientHistory, detail);
        return None;
    }
    Some(last)
}

/// Fills what an estimator says of the days up to the last, and gives it as a fraction.
fn fill_estimate(
    trail: &mut Provenance<'_>,
    days: &DailyBars,
    (estimator, last, window): (Estimator, usize, usize),
    figures: &mut Volatility,
) -> Option<f64> {
    let now = estimator.at(days, last, window);
    figures.realised_pct = now.map(percent);
    if now.is_none() {
        trail.warn(WarningCode::InsufficientHistory, format!("{} needs more daily bars than are known", estimator.name()));
    }
    now
}

/// The rank of the latest of a year's values; `None` with a reason where there are too few.
fn rank(trail: &mut Provenance<'_>, what: &str, trailing: &[f64], now: f64) -> Option<f64> {
    if trailing.len() < LEAST_RANKED {
        let detail = format!("the rank of {what} volatility needs {LEAST_RANKED} days, {} are known", trailing.len());
        trail.warn(WarningCode::InsufficientHistory, detail);
        return None;
    }
    mid_rank(trailing, now)
}

/// Fills what the 30-day and 7-day close-to-close volatilities of each day say together.
fn fill_regime(trail: &mut Provenance<'_>, days: RegimeDays<'_>, figures: &mut Volatility) {
    let RegimeDays { starts, long, calm, pickups } = days;
    let Some(last) = long.len().checked_sub(1).filter(|_| long.len() >= LEAST_RANKED) else {
        let detail = format!("the regime needs {LEAST_RANKED} days of 30-day volatility, {} are known", long.len());
        trail.warn(WarningCode::InsufficientHistory, detail);
        return;
    };
    let year = &long[long.len().saturating_sub(YEAR)..];
    figures.regime = mid_rank(year, long[last]).map(VolatilityRegime::of);
    let told = pickups.last().copied().filter(|day| last - day < PICKUP_TOLD);
    let day = told.unwrap_or(last);
    let run = if told.is_some() { calm[day.saturating_sub(GRACE)..=day].iter().copied().max() } else { Some(calm[last]) };
    figures.calm_days = run;
    figures.pickup = Some(told.is_some());
    figures.pickup_at = told.map(|day| starts[day]);
}

fn fill_implied(implied: &Implied<'_>, figures: &mut Volatility) {
    figures.implied_pct = Some(implied.now);
    if let Some(realised) = figures.realised_pct {
        figures.variance_risk_premium = Some(variance_risk_premium(implied.now / 100.0, realised / 100.0));
        figures.spread_vol_points = Some(implied.now - realised);
    }
}

fn percent(fraction: f64) -> f64 {
    fraction * 100.0
}

/// Realised and implied volatility.
#[derive(Debug)]
pub enum VolatilityQuery {}

impl Query for VolatilityQuery {
    type Params = VolatilityParams;
    type Answer = Volatility;
    const NAME: &'static str = "volatility";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        volatility(cx.view, cx.source_order, &cx.caches.regimes, params)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::metrics::Warning;
    use crate::metrics::fixture::{Fixture, at, order};

    fn ask(view: &MarketView, days: i64) -> Answer<Volatility> {
        let question =
            VolatilityParams { asset: Asset::btc(), source: None, window: Window::days(days), estimator: Estimator::Close };
        volatility(view, &order(), &VolatilityRegimeCache::default(), &question).unwrap()
    }

    /// Closes of consecutive days that end on 2026-02-03, each bar from the close before to its own.
    fn days(closes: &[f64]) -> Fixture {
        let first = at("2026-02-04").plus_days(-i64::try_from(closes.len()).unwrap());
        let texts: Vec<String> = (0..).take(closes.len()).map(|day| first.plus_days(day).to_string()).collect();
        let mut before = closes[0];
        let mut rows = Vec::new();
        for (text, close) in texts.iter().zip(closes) {
            rows.push((text.as_str(), close.max(before), close.min(before), *close));
            before = *close;
        }
        Fixture::new().bars("candle.btc@x:1d", &rows)
    }

    /// Days that go up and down by `size`, in logarithms.
    fn swinging(sizes: impl IntoIterator<Item = f64>) -> Vec<f64> {
        sizes.into_iter().enumerate().map(|(day, size)| if day % 2 == 0 { 100.0 } else { 100.0 * size.exp() }).collect()
    }

    #[test]
    fn a_price_that_swings_by_the_same_step_has_the_volatility_of_that_step() {
        let answer = ask(&days(&swinging([0.02; 40])).cut("2026-02-04T08:00:00Z"), 30);
        // Thirty returns of +-0.02: the sample variance is 0.0004 * 30 / 29.
        let expected = (365.0 * 0.0004 * 30.0 / 29.0_f64).sqrt() * 100.0;
        assert!((answer.data.realised_pct.unwrap() - expected).abs() < 1e-9);
        let parkinson = (365.0 * 0.0004 / (4.0 * 2_f64.ln())).sqrt() * 100.0;
        assert!((answer.data.estimators.parkinson_pct.unwrap() - parkinson).abs() < 1e-9);
        assert_eq!((answer.data.estimators.ewma_pct, answer.data.regime), (None, None));
        assert_eq!(answer.meta.coverage, Some(Coverage { expected: 30, present: 30 }));
    }

    #[test]
    fn a_loud_week_after_a_calm_month_is_a_pick_up() {
        let year = swinging((0..360).map(|_| 0.03).chain([0.005; 65]).chain([0.05; 5]));
        let figures = ask(&days(&year).cut("2026-02-04T08:00:00Z"), 30).data;
        assert_eq!(figures.pickup, Some(true));
        assert!(figures.calm_days.unwrap() >= 30 && figures.pickup_at.is_some());
        let calm = ask(&days(&swinging((0..360).map(|_| 0.03).chain([0.005; 65]))).cut("2026-02-04T08:00:00Z"), 30).data;
        assert_eq!((calm.pickup, calm.regime), (Some(false), Some(VolatilityRegime::Calm)));
    }

    #[test]
    fn the_premium_is_of_variances_and_the_spread_of_volatilities() {
        let view = days(&swinging([0.02; 40]))
            .readings("implied_vol.btc@deribit:1h", &[("2026-02-04T06:00:00Z", 50.0)])
            .cut("2026-02-04T08:00:00Z");
        let answer = ask(&view, 30);
        let realised = answer.data.realised_pct.unwrap();
        assert_eq!((answer.data.implied_pct, answer.data.implied_percentile_ratio), (Some(50.0), None));
        assert!((answer.data.spread_vol_points.unwrap() - (50.0 - realised)).abs() < 1e-12);
        assert!((answer.data.variance_risk_premium.unwrap() - (0.25 - (realised / 100.0).powi(2))).abs() < 1e-12);
        let old = days(&swinging([0.02; 40]))
            .readings("implied_vol.btc@deribit:1h", &[("2026-02-01", 50.0)])
            .cut("2026-02-04T08:00:00Z");
        assert_eq!(ask(&old, 30).data.implied_pct, None);
    }

    #[test]
    fn a_gap_a_constant_price_one_bar_and_nothing_are_told_apart() {
        let flat = ask(&days(&[5.0; 40]).cut("2026-02-04T08:00:00Z"), 30);
        assert_eq!(flat.data.realised_pct, Some(0.0));
        let one = ask(&days(&[5.0]).cut("2026-02-04T08:00:00Z"), 30);
        assert_eq!((one.data.realised_pct, one.data.pickup), (None, None));
        assert!(one.warnings.iter().any(|w| w.code == WarningCode::InsufficientHistory));
        let stopped = ask(&days(&swinging([0.02; 40])).cut("2026-02-20"), 30);
        assert_eq!((stopped.data.realised_pct, stopped.meta.coverage.unwrap().present), (None, 14));
        let empty = ask(&Fixture::new().cut("2026-02-04"), 30);
        assert_eq!((empty.data, empty.meta.n_obs), (Volatility::default(), None));
    }

    #[test]
    fn a_window_of_less_than_two_days_is_refused() {
        let question = |window| VolatilityParams { asset: Asset::btc(), source: None, window, estimator: Estimator::Close };
        let refused = volatility(
            &days(&[5.0; 4]).cut("2026-02-04"),
            &order(),
            &VolatilityRegimeCache::default(),
            &question("12h".parse().map(Window::Last).unwrap()),
        );
        assert!(
            matches!(refused, Err(QueryError::Parameter { parameter: "window", allowed, .. }) if allowed.contains(&"30d".into()))
        );
    }

    #[rstest]
    #[case::too_few_to_cover_the_window(9)]
    #[case::too_few_to_rank(200)]
    #[case::a_year_and_more(700)]
    fn the_month_says_what_the_whole_answer_says_of_it(#[case] count: usize) {
        let view = || {
            let closes = swinging((0..count).map(|day| 0.01 + 0.02 * real(day * 37 % 11)));
            days(&closes).readings("implied_vol.btc@deribit:1h", &[("2026-02-04T06:00:00Z", 50.0)]).cut("2026-02-04T08:00:00Z")
        };
        let whole = ask(&view(), 30);
        let month = volatility_of_month(&view(), &order(), &VolatilityRegimeCache::default(), &Asset::btc()).unwrap();
        let Volatility { realised_percentile_ratio, implied_percentile_ratio, estimators, .. } = month.data;
        assert_eq!(month.data, Volatility { realised_percentile_ratio, implied_percentile_ratio, estimators, ..whole.data });
        let of_ranks = |warning: &Warning| warning.detail.starts_with("the rank of");
        let warnings: Vec<_> = whole.warnings.into_iter().filter(|warning| !of_ranks(warning)).collect();
        assert_eq!((month.warnings, month.sources, month.meta), (warnings, whole.sources, whole.meta));
    }
}
