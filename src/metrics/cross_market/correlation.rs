use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Period, Source, Timestamp, TradingCalendar};
use crate::market::MarketView;
use crate::metrics::cross_market::paired_closes::DailyCloses;
use crate::metrics::downsample::downsample_min_max;
use crate::metrics::provenance::{Derivation, Provenance, known_asset, known_asset_of};
use crate::metrics::source_order::{Need, known_source};
use crate::metrics::statements::{DatedRow, StaleInputs, Statements};
use crate::metrics::{Answer, Context, Coverage, Method, Query, QueryError, SourceOrder, WarningCode};
use crate::stats::correlation::{
    DownsideBeta, PairedReturn, beta, downside_beta, fisher_interval, pearson, rolling, spearman, variance_adjusted,
};
use crate::stats::moments::Moments;
use crate::stats::rolling_rank::rolling_spearman;

/// Falls of the driver that a downside beta needs.
const LEAST_FALLS: usize = 20;
/// Common trading days a correlation needs.
const LEAST_OBSERVATIONS: usize = 10;
/// The farthest that a correlation looks back for the choice of a source, days.
const LONGEST_DAYS: i64 = 36_500;
/// What the correlated assets are unless the question names them.
const DEFAULT_WITH: [&str; 3] = ["sp500", "nasdaq", "gold"];

/// Which correlation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum CorrelationMethod {
    /// Of returns.
    Pearson,
    /// Of the ranks of returns.
    Spearman,
}

/// What is asked about moving together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CorrelationParams {
    /// Of what.
    pub asset: Asset,
    /// With what; S&P 500, Nasdaq and gold where nothing is named.
    pub with: Vec<Asset>,
    /// According to whom, where that source has bars of an asset.
    pub source: Option<Source>,
    /// How many common trading days.
    pub observations: usize,
    /// Which correlation.
    pub method: CorrelationMethod,
}

/// How an asset moved with another (METHODOLOGY section 9).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CorrelationRow {
    /// The other asset.
    pub asset: Asset,
    /// Correlation of daily log returns between common trading days, -1 to 1.
    pub correlation: Option<f64>,
    /// Lower end of its 95 % interval, by Fisher's z.
    pub ci_low: Option<f64>,
    /// Upper end of its 95 % interval.
    pub ci_high: Option<f64>,
    /// Return of the asked asset per return of the other.
    pub beta: Option<f64>,
    /// The same on the days the other fell, with an intercept (`SFM.beta.bear` of `PerformanceAnalytics`);
    /// absent with fewer than 20 such days.
    pub downside_beta: Option<f64>,
    /// Returns used.
    pub n_obs: usize,
    /// The correlation without what a change of the other's variance adds by itself (Forbes and Rigobon
    /// 2002): the variance of the window against that of as many returns before it.
    pub adjusted_correlation: Option<f64>,
    /// The last common trading day.
    pub last_common_day: Option<Timestamp>,
}

impl CorrelationRow {
    /// A row that says nothing yet.
    const fn of(asset: Asset) -> Self {
        Self {
            asset,
            correlation: None,
            ci_low: None,
            ci_high: None,
            beta: None,
            downside_beta: None,
            n_obs: 0,
            adjusted_correlation: None,
            last_common_day: None,
        }
    }
}

impl Statements for Vec<CorrelationRow> {
    fn withhold(&mut self, stale: &StaleInputs) {
        let is_other = |asset: &Asset| self.iter().any(|row| row.asset == *asset);
        let own = stale.iter().any(|input| !is_other(&input.asset));
        for row in self.iter_mut().filter(|row| own || stale.has_asset(&row.asset)) {
            let (asset, last_common_day) = (row.asset.clone(), row.last_common_day);
            *row = CorrelationRow { last_common_day, n_obs: row.n_obs, ..CorrelationRow::of(asset) };
        }
    }
}

/// One day of a rolling correlation.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CorrelationPoint {
    /// The common trading day that ends the window.
    pub time: Timestamp,
    /// The other asset.
    pub asset: Asset,
    /// Correlation over the window, -1 to 1; absent where one side never moved.
    pub correlation: Option<f64>,
}

impl DatedRow for CorrelationPoint {}

/// How an asset moves with others.
///
/// # Errors
/// [`QueryError`] for an unknown asset or too short a window.
pub fn correlation(
    view: &MarketView,
    order: &SourceOrder,
    question: &CorrelationParams,
) -> Result<Answer<Vec<CorrelationRow>>, QueryError> {
    let mut trail = Provenance::new(view);
    // Before the window as many returns are looked at, and of seven days two or three may be closed.
    let days = i64::try_from(question.observations).unwrap_or(i64::MAX).saturating_mul(4);
    let pairs = pairs(view, order, question, Need::days_before(view.as_of(), days.min(LONGEST_DAYS)), &mut trail)?;
    let rows: Vec<CorrelationRow> = pairs.into_iter().map(|(with, pairs)| row(&mut trail, question, with, &pairs)).collect();
    let present = rows.iter().map(|row| row.n_obs).min().unwrap_or(0) as u64;
    let coverage = Some(Coverage { expected: question.observations as u64, present });
    Ok(trail.answer(rows, Derivation { coverage, n_obs: Some(present), ..working(question) }))
}

/// The same over each window of the history, one after the other.
///
/// # Errors
/// As [`correlation()`].
pub fn correlation_series(
    view: &MarketView,
    order: &SourceOrder,
    question: &CorrelationParams,
    max_points: Option<usize>,
) -> Result<Answer<Vec<CorrelationPoint>>, QueryError> {
    let mut trail = Provenance::new(view);
    let mut points = Vec::new();
    for (with, pairs) in pairs(view, order, question, Need::History, &mut trail)? {
        if pairs.len() < question.observations {
            trail.warn(WarningCode::InsufficientHistory, shortage(&with, pairs.len(), question.observations));
        }
        let (first, second) = sides(&pairs);
        let rolled = question.method.rolled(&first, &second, question.observations);
        if pairs.len() >= question.observations && rolled.iter().all(Option::is_none) {
            trail.warn(WarningCode::ZeroVariance, stillness(question, &with));
        }
        let full = pairs.iter().zip(rolled).skip(question.observations.saturating_sub(1));
        let of_pair = full.map(|(pair, correlation)| CorrelationPoint { time: pair.date, asset: with.clone(), correlation });
        points.extend(downsample_min_max(of_pair.collect(), max_points, |point| point.correlation.unwrap_or_default()));
    }
    let n_obs = Some(points.len() as u64);
    Ok(trail.answer(points, Derivation { n_obs, ..working(question) }))
}

impl CorrelationMethod {
    /// The name used in questions and answers.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pearson => "pearson",
            Self::Spearman => "spearman",
        }
    }

    const fn formula(self) -> fn(&[f64], &[f64]) -> Option<f64> {
        match self {
            Self::Pearson => pearson,
            Self::Spearman => spearman,
        }
    }

    /// The correlation over each full trailing window, in place.
    fn rolled(self, first: &[f64], second: &[f64], window: usize) -> Vec<Option<f64>> {
        match self {
            Self::Pearson => rolling(first, second, window, pearson),
            Self::Spearman => rolling_spearman(first, second, window),
        }
    }
}

fn working(question: &CorrelationParams) -> Derivation {
    let basis = Some(question.method.as_str().to_owned());
    let method = Method { name: "correlation", version: 1, interval: Some(Period::DAY.to_string()), basis };
    Derivation { method: Some(method), ..Derivation::default() }
}

/// Another asset with the returns it shares, in the order of time.
type Paired = (Asset, Vec<PairedReturn<Timestamp>>);

/// Each asset asked for with the returns it shares.
fn pairs(
    view: &MarketView,
    order: &SourceOrder,
    question: &CorrelationParams,
    need: Need,
    trail: &mut Provenance<'_>,
) -> Result<Vec<Paired>, QueryError> {
    if question.observations < LEAST_OBSERVATIONS {
        return Err(QueryError::Parameter {
            parameter: "window",
            given: question.observations.to_string(),
            reason: format!("a correlation needs {LEAST_OBSERVATIONS} observations"),
            allowed: ["30", "60", "90", "250"].map(str::to_owned).to_vec(),
        });
    }
    let named = question.with.clone();
    let with: Vec<Asset> = if named.is_empty() { DEFAULT_WITH.iter().filter_map(|s| s.parse().ok()).collect() } else { named };
    known_asset(view, &question.asset)?;
    for asset in &with {
        known_asset_of(view, "with", asset)?;
    }
    known_source(view, question.source.as_ref(), with.iter().chain([&question.asset]))?;
    let ours = DailyCloses::read(view, trail, order, &question.asset, (question.source.as_ref(), need));
    let pair = |asset: Asset| {
        let theirs = DailyCloses::read(view, trail, order, &asset, (question.source.as_ref(), need));
        let (pairs, left_out) = ours.shared_with(&theirs);
        if let Some(detail) = left_out {
            trail.warn(WarningCode::Gap, detail);
        }
        if question.asset.calendar() != asset.calendar() {
            let close = if asset.calendar() == TradingCalendar::TradingDays { &asset } else { &question.asset };
            let detail = format!("asynchronous: a day of {close} ends with its exchange, hours before the UTC day");
            trail.warn(WarningCode::Provisional, detail);
        }
        (asset, pairs)
    };
    Ok(with.into_iter().map(pair).collect())
}

fn row(
    trail: &mut Provenance<'_>,
    question: &CorrelationParams,
    asset: Asset,
    pairs: &[PairedReturn<Timestamp>],
) -> CorrelationRow {
    let (before, window) = pairs.split_at(pairs.len().saturating_sub(question.observations));
    if window.len() < question.observations {
        trail.warn(WarningCode::InsufficientHistory, shortage(&asset, window.len(), question.observations));
    }
    let (ours, theirs) = sides(window);
    let enough = window.len() >= LEAST_OBSERVATIONS;
    let correlation = question.method.formula()(&ours, &theirs).filter(|_| enough);
    if enough && correlation.is_none() {
        trail.warn(WarningCode::ZeroVariance, stillness(question, &asset));
    }
    let interval = correlation.and_then(|r| fisher_interval(r, window.len()));
    let downside = downside_beta(&ours, &theirs, DownsideBeta::Bear);
    if let Some(few) = downside.filter(|downside| downside.falls < LEAST_FALLS) {
        let detail = format!("downside_beta needs {LEAST_FALLS} falls of {asset}, {} are in the window", few.falls);
        trail.warn(WarningCode::InsufficientHistory, detail);
    }
    let downside = downside.filter(|downside| downside.falls >= LEAST_FALLS);
    let (_, theirs_before) = sides(&before[before.len().saturating_sub(question.observations)..]);
    let increase = variance_increase(&theirs, &theirs_before);
    CorrelationRow {
        correlation,
        ci_low: interval.map(|(low, _)| low),
        ci_high: interval.map(|(_, high)| high),
        beta: beta(&ours, &theirs).filter(|_| enough),
        downside_beta: downside.map(|downside| downside.beta),
        n_obs: window.len(),
        adjusted_correlation: correlation.zip(increase).and_then(|(r, increase)| variance_adjusted(r, increase)),
        last_common_day: window.last().map(|pair| pair.date),
        asset,
    }
}

/// How much larger the variance now is than before, relative; `None` without as many returns before.
fn variance_increase(now: &[f64], before: &[f64]) -> Option<f64> {
    let variance = |returns: &[f64]| returns.iter().copied().collect::<Moments>().variance().filter(|variance| *variance > 0.0);
    (before.len() == now.len()).then_some(variance(now)? / variance(before)? - 1.0)
}

fn sides(pairs: &[PairedReturn<Timestamp>]) -> (Vec<f64>, Vec<f64>) {
    pairs.iter().map(|pair| (pair.first, pair.second)).unzip()
}

fn stillness(question: &CorrelationParams, with: &Asset) -> String {
    format!("{} or {with} did not move", question.asset)
}

fn shortage(asset: &Asset, found: usize, wanted: usize) -> String {
    format!("{found} of {wanted} returns on days on which {asset} traded too are known")
}

/// Correlation with other assets.
#[derive(Debug)]
pub enum CorrelationQuery {}

impl Query for CorrelationQuery {
    type Params = CorrelationParams;
    type Answer = Vec<CorrelationRow>;
    const NAME: &'static str = "correlation";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        correlation(cx.view, cx.source_order, params)
    }
}

/// Parameters of [`CorrelationSeriesQuery`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CorrelationSeriesParams {
    /// The assets and the window.
    pub correlation: CorrelationParams,
    /// Maximum number of rows; all if `None`.
    pub max_points: Option<usize>,
}

/// Rolling correlation with other assets.
#[derive(Debug)]
pub enum CorrelationSeriesQuery {}

impl Query for CorrelationSeriesQuery {
    type Params = CorrelationSeriesParams;
    type Answer = Vec<CorrelationPoint>;
    const NAME: &'static str = "correlation/series";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        correlation_series(cx.view, cx.source_order, &params.correlation, params.max_points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};

    /// Ninety days of a coin, an index that does half of what the coin does on weekdays, and one that stands still.
    #[expect(clippy::cast_precision_loss, reason = "the days of a test are few")]
    fn fixture() -> Fixture {
        let days: Vec<String> = (0..90).map(|day| at("2025-01-06").plus_days(day).date().to_string()).collect();
        let price = |day: usize| 100.0 * (0.1 * ((day * day) as f64).sin()).exp();
        let bars = |price: &dyn Fn(usize) -> f64, weekend: bool| {
            let open = |day: &usize| weekend || day % 7 < 5;
            (0..90).filter(open).map(|day| (days[day].clone(), price(day))).collect::<Vec<_>>()
        };
        let add = |fixture: Fixture, key: &str, rows: Vec<(String, f64)>| {
            let rows: Vec<_> = rows.iter().map(|(day, price)| (day.as_str(), price * 1.01, price * 0.99, *price)).collect();
            fixture.bars(key, &rows)
        };
        let coin = add(Fixture::new(), "candle.btc@x:1d", bars(&price, true));
        let half = add(coin, "candle.sp500@y:1d", bars(&|day| price(day).sqrt(), false));
        add(half, "candle.gold@y:1d", bars(&|_| 5.0, false))
    }

    fn question(observations: usize) -> CorrelationParams {
        let with = ["sp500", "gold"].map(|asset| asset.parse().unwrap()).to_vec();
        CorrelationParams { asset: Asset::btc(), with, source: None, observations, method: CorrelationMethod::Pearson }
    }

    #[test]
    fn only_common_days_count_and_a_monday_spans_the_weekend() {
        let answer = correlation(&fixture().cut("2025-04-07"), &order(), &question(30)).unwrap();
        let half = &answer.data[0];
        assert!((half.correlation.unwrap() - 1.0).abs() < 1e-9 && (half.beta.unwrap() - 2.0).abs() < 1e-9);
        assert_eq!((half.n_obs, half.ci_low.is_some() || half.correlation == Some(1.0)), (30, true));
        assert_eq!(half.last_common_day, Some(at("2025-04-04")));
        assert!(half.adjusted_correlation.is_some());
    }

    #[test]
    fn what_never_moves_has_no_correlation_and_says_so() {
        let answer = correlation(&fixture().cut("2025-04-07"), &order(), &question(30)).unwrap();
        assert_eq!((answer.data[1].correlation, answer.data[1].beta), (None, None));
        assert!(answer.warnings.iter().any(|warning| warning.code == WarningCode::ZeroVariance));
    }

    #[test]
    fn a_short_history_is_used_and_named_and_nothing_gives_nulls() {
        let answer = correlation(&fixture().cut("2025-02-01"), &order(), &question(60)).unwrap();
        assert_eq!(answer.data[0].n_obs, 19);
        assert!(answer.warnings.iter().any(|warning| warning.code == WarningCode::InsufficientHistory));
        let empty = correlation(&Fixture::new().cut("2025-02-01"), &order(), &question(60)).unwrap();
        assert!(empty.data.iter().all(|row| row.correlation.is_none() && row.n_obs == 0));
    }

    #[test]
    fn the_series_ends_where_the_row_stands() {
        let view = fixture().cut("2025-04-07");
        let series = correlation_series(&view, &order(), &question(30), None).unwrap().data;
        let of_half: Vec<_> = series.iter().filter(|point| point.asset.as_str() == "sp500").collect();
        assert_eq!(of_half.len(), 64 - 30 + 1);
        assert_eq!(of_half.last().unwrap().correlation, correlation(&view, &order(), &question(30)).unwrap().data[0].correlation);
    }

    #[test]
    fn unknown_assets_and_tiny_windows_are_refused() {
        let view = fixture().cut("2025-04-07");
        let unknown = CorrelationParams { with: vec!["nothing".parse().unwrap()], ..question(30) };
        assert!(matches!(correlation(&view, &order(), &unknown), Err(QueryError::UnknownAsset { .. })));
        assert!(matches!(correlation(&view, &order(), &question(2)), Err(QueryError::Parameter { parameter: "window", .. })));
    }
}
