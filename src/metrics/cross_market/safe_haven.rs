use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Period, Source, TimeRange, Timestamp};
use crate::market::MarketView;
use crate::metrics::cross_market::paired_closes::DailyCloses;
use crate::metrics::provenance::{Derivation, Provenance, known_asset, known_asset_of};
use crate::metrics::source_order::{Need, known_source};
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, Query, QueryError, SafeHavenCache, SourceOrder, Span, WarningCode, Window};
use crate::stats::correlation::PairedReturn;
use crate::stats::regression::Estimate;
use crate::stats::safe_haven::{Protection, TailExposure};

/// Lags of the Newey-West errors.
const LAGS: usize = 10;
/// Level of significance of the verdict.
const SIGNIFICANCE: f64 = 0.05;
/// Returns that give the worst percent five points to stand on.
const LEAST_OBSERVATIONS: usize = 500;

/// What is asked about protection.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SafeHavenParams {
    /// Of what.
    pub asset: Asset,
    /// Against falls of what.
    pub against: Asset,
    /// According to whom, where that source has bars of an asset.
    pub source: Option<Source>,
    /// Over which span.
    pub window: Window,
}

/// Whether an asset protects against another (Baur and McDermott 2010; METHODOLOGY section 9).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SafeHaven {
    /// The test of the asset asked about.
    #[serde(flatten)]
    pub test: HavenTest,
    /// The same test of gold: a control that shows what the test says of a known haven. Absent where
    /// gold itself is asked about or has no data.
    pub gold: Option<HavenTest>,
}

impl Statements for SafeHaven {
    fn withhold(&mut self, stale: &StaleInputs) {
        for test in std::iter::once(&mut self.test).chain(&mut self.gold) {
            if stale.has_asset(&test.asset) || stale.has_asset(&test.against) {
                *test = HavenTest::unknown(test.asset.clone(), test.against.clone());
            }
        }
    }
}

/// One asset's exposure to another on ordinary days and on its worst.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct HavenTest {
    /// The asset.
    pub asset: Asset,
    /// Against falls of what.
    pub against: Asset,
    /// Exposure on ordinary days: return per return.
    pub c0: Option<f64>,
    /// What the worst 10 % of days add.
    pub c1: Option<f64>,
    /// What the worst 5 % add to that.
    pub c2: Option<f64>,
    /// What the worst 1 % add to that.
    pub c3: Option<f64>,
    /// Exposure on ordinary days and, cumulative, on the worst ones.
    pub exposures: Vec<Exposure>,
    /// Paired returns used.
    pub n_obs: usize,
    /// Returns among the worst 1 %.
    pub n_tail: Option<usize>,
    /// Protection on ordinary days.
    pub hedge: Option<Shield>,
    /// Protection on the worst days.
    pub safe_haven: Option<Havens>,
    /// The finding in words.
    pub verdict: String,
}

/// A cumulative exposure with Newey-West errors of ten lags.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Exposure {
    /// The share of the worst days it is of, percent; 100 is every day outside the tails.
    pub worst_pct: f64,
    /// Return per return.
    pub value: f64,
    /// Its standard error.
    pub standard_error: f64,
    /// Two-sided p-value of its being zero.
    pub p_value: f64,
    /// Return of the other asset at and under which a day counts, a fraction; absent for ordinary days.
    pub threshold_ratio: Option<f64>,
    /// Days that count; absent for ordinary days.
    pub n_days: Option<usize>,
}

/// How well an asset protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Shield {
    /// It rises when the other falls, significantly.
    Strong,
    /// It stands apart: its exposure does not differ from zero.
    Weak,
    /// It falls with the other, significantly.
    None,
}

/// Protection in the worst 10, 5 and 1 percent of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Havens {
    /// In the worst 10 %.
    pub q10: Shield,
    /// In the worst 5 %.
    pub q5: Shield,
    /// In the worst 1 %.
    pub q1: Shield,
}

/// Whether an asset was a hedge or a safe haven against another over the span.
///
/// # Errors
/// [`QueryError`] for an unknown asset, an asset against itself, or an empty window.
pub fn safe_haven(
    view: &MarketView,
    order: &SourceOrder,
    book: &SafeHavenCache,
    question: &SafeHavenParams,
) -> Result<Answer<SafeHaven>, QueryError> {
    answer_with(view, order, book, question, "gold".parse().ok())
}

/// What [`safe_haven`] says of the asset, without the control beside it.
///
/// # Errors
/// As [`safe_haven`].
pub(in crate::metrics) fn safe_haven_alone(
    view: &MarketView,
    order: &SourceOrder,
    book: &SafeHavenCache,
    question: &SafeHavenParams,
) -> Result<Answer<SafeHaven>, QueryError> {
    answer_with(view, order, book, question, None)
}

fn answer_with(
    view: &MarketView,
    order: &SourceOrder,
    book: &SafeHavenCache,
    question: &SafeHavenParams,
    control: Option<Asset>,
) -> Result<Answer<SafeHaven>, QueryError> {
    known_asset(view, &question.asset)?;
    known_asset_of(view, "against", &question.against)?;
    if question.asset == question.against {
        return Err(QueryError::Parameter {
            parameter: "against",
            given: question.against.to_string(),
            reason: "an asset is no haven from itself".to_owned(),
            allowed: ["sp500", "nasdaq", "gold"].map(str::to_owned).to_vec(),
        });
    }
    known_source(view, question.source.as_ref(), [&question.asset, &question.against])?;
    let span = question.window.resolve(view.as_of())?;
    let mut trail = Provenance::until(view, span.to);
    let asked = (question.source.as_ref(), Need::of(span));
    let against = DailyCloses::read(view, &mut trail, order, &question.against, asked);
    let mut tested = |asset: &Asset| {
        let closes = DailyCloses::read(view, &mut trail, order, asset, asked);
        let find = || {
            let (pairs, left_out) = closes.shared_with(&against);
            (test(asset, &question.against, &inside(&pairs, span)), left_out)
        };
        let (test, left_out) = if span.is_all() { book.over_all_days(view, (&closes, &against), find) } else { find() };
        if let Some(detail) = left_out {
            trail.warn(WarningCode::Gap, detail);
        }
        test
    };
    let test = tested(&question.asset);
    let control = control.filter(|control| *control != question.asset && *control != question.against);
    let gold = control.map(|control| tested(&control)).filter(|test| test.n_obs > 0);
    if test.n_obs < LEAST_OBSERVATIONS {
        let detail = format!("the test needs {LEAST_OBSERVATIONS} paired returns, {} are known", test.n_obs);
        trail.warn(WarningCode::InsufficientHistory, detail);
    } else if test.hedge.is_none() {
        let detail = format!("the test needs returns of {} and {} that differ", question.asset, question.against);
        trail.warn(WarningCode::ZeroVariance, detail);
    }
    let method = Method { name: "safe_haven", version: 1, interval: Some(Period::DAY.to_string()), basis: None };
    let n_obs = Some(test.n_obs as u64);
    let working = Derivation { span: Some(span), method: Some(method), n_obs, ..Derivation::default() };
    Ok(trail.answer(SafeHaven { test, gold }, working))
}

impl HavenTest {
    /// The test of which nothing is known.
    fn unknown(asset: Asset, against: Asset) -> Self {
        Self {
            verdict: verdict(&asset, &against, None),
            asset,
            against,
            c0: None,
            c1: None,
            c2: None,
            c3: None,
            exposures: Vec::new(),
            n_obs: 0,
            n_tail: None,
            hedge: None,
            safe_haven: None,
        }
    }
}

fn inside(pairs: &[PairedReturn<Timestamp>], span: Span) -> Vec<PairedReturn<Timestamp>> {
    let range: TimeRange = span.rows(Period::DAY);
    pairs.iter().filter(|pair| range.contains(pair.date)).copied().collect()
}

fn test(asset: &Asset, against: &Asset, pairs: &[PairedReturn<Timestamp>]) -> HavenTest {
    let (returns, market): (Vec<f64>, Vec<f64>) = pairs.iter().map(|pair| (pair.first, pair.second)).unzip();
    let fitted = if pairs.len() >= LEAST_OBSERVATIONS { TailExposure::fit(&returns, &market, LAGS) } else { None };
    let coefficient = |index: usize| fitted.as_ref().map(|fit| fit.coefficients[index]);
    let hedge = fitted.as_ref().map(|fit| Shield::from(fit.hedge(SIGNIFICANCE)));
    let safe_haven = fitted.as_ref().map(|fit| {
        let [q10, q5, q1] = fit.safe_haven(SIGNIFICANCE).map(Shield::from);
        Havens { q10, q5, q1 }
    });
    HavenTest {
        asset: asset.clone(),
        against: against.clone(),
        c0: coefficient(1),
        c1: coefficient(2),
        c2: coefficient(3),
        c3: coefficient(4),
        exposures: fitted.as_ref().map(exposures).unwrap_or_default(),
        n_obs: pairs.len(),
        n_tail: fitted.as_ref().map(|fit| fit.tail_counts[2]),
        hedge,
        safe_haven,
        verdict: verdict(asset, against, hedge.zip(safe_haven)),
    }
}

fn exposures(fit: &TailExposure) -> Vec<Exposure> {
    let exposure = |worst_pct: f64, of: &Estimate, tail: Option<usize>| Exposure {
        worst_pct,
        value: of.value,
        standard_error: of.standard_error,
        p_value: of.p_value,
        threshold_ratio: tail.map(|tail| fit.thresholds[tail]),
        n_days: tail.map(|tail| fit.tail_counts[tail]),
    };
    let tails = [10.0, 5.0, 1.0].into_iter().zip(&fit.tails).enumerate();
    let ordinary = exposure(100.0, &fit.average, None);
    [ordinary].into_iter().chain(tails.map(|(tail, (pct, of))| exposure(pct, of, Some(tail)))).collect()
}

fn verdict(asset: &Asset, against: &Asset, found: Option<(Shield, Havens)>) -> String {
    let Some((hedge, Havens { q10, q5, q1 })) = found else {
        return format!("too little is known to say whether {asset} protects against falls of {against}");
    };
    let protects = |shield: Shield| shield != Shield::None;
    let words = |shield: Shield| match shield {
        Shield::Strong => "a strong",
        Shield::Weak => "a weak",
        Shield::None => "no",
    };
    let weakest = [q10, q5, q1].into_iter().find(|shield| !protects(*shield));
    match (protects(hedge), weakest) {
        (false, Some(_)) if [q10, q5, q1].iter().all(|shield| !protects(*shield)) => {
            format!("{asset} was neither a hedge nor a safe haven against {against}")
        }
        (_, None) => {
            let haven = if [q10, q5, q1].contains(&Shield::Weak) { Shield::Weak } else { Shield::Strong };
            format!("{asset} was {} hedge and {} safe haven against {against}", words(hedge), words(haven))
        }
        _ => format!(
            "{asset} was {} hedge against {against}, and in its worst 10, 5 and 1 % of days {}, {} and {} safe haven",
            words(hedge),
            words(q10),
            words(q5),
            words(q1)
        ),
    }
}

impl From<Protection> for Shield {
    fn from(protection: Protection) -> Self {
        match protection {
            Protection::Strong => Self::Strong,
            Protection::Weak => Self::Weak,
            Protection::None => Self::None,
        }
    }
}

/// Safe-haven test.
#[derive(Debug)]
pub enum SafeHavenQuery {}

impl Query for SafeHavenQuery {
    type Params = SafeHavenParams;
    type Answer = SafeHaven;
    const NAME: &'static str = "safe-haven";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        safe_haven(cx.view, cx.source_order, &cx.caches.havens, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};

    /// Days of an index that jumps about, a coin that doubles its moves, and gold that goes against them.
    #[expect(clippy::cast_precision_loss, reason = "the days of a test are few")]
    fn fixture(days: i64) -> Fixture {
        let noise = |day: i64, seed: f64| ((day as f64 * 12.9898 + seed).sin() * 43_758.545).fract() - 0.5;
        let dates: Vec<String> = (0..days).map(|day| at("2022-01-01").plus_days(day).date().to_string()).collect();
        let (mut index, mut coin, mut gold) = (vec![], vec![], vec![]);
        let (mut i, mut c, mut g) = (100.0_f64, 100.0_f64, 100.0_f64);
        for (day, date) in (0..days).zip(&dates) {
            let (r, own) = (0.02 * noise(day, 0.0), 0.004 * noise(day, 99.0));
            (i, c, g) = (i * r.exp(), c * (2.0 * r + own).exp(), g * (-0.5 * r + own).exp());
            let bar = |price: f64| (date.as_str(), price * 1.01, price * 0.99, price);
            index.push(bar(i));
            coin.push(bar(c));
            gold.push(bar(g));
        }
        Fixture::new().bars("candle.sp500@y:1d", &index).bars("candle.btc@x:1d", &coin).bars("candle.gold@y:1d", &gold)
    }

    fn question() -> SafeHavenParams {
        SafeHavenParams { asset: Asset::btc(), against: "sp500".parse().unwrap(), source: None, window: Window::ALL }
    }

    #[test]
    fn what_doubles_the_falls_is_neither_and_the_control_is_both() {
        let answer = safe_haven(&fixture(700).cut("2023-12-02"), &order(), &SafeHavenCache::default(), &question()).unwrap();
        let test = &answer.data.test;
        assert_eq!(test.verdict, "btc was neither a hedge nor a safe haven against sp500");
        assert!((test.c0.unwrap() - 2.0).abs() < 0.1 && test.exposures.len() == 4);
        assert_eq!((test.n_obs, test.n_tail), (699, Some(7)));
        let gold = answer.data.gold.unwrap();
        assert_eq!((gold.hedge, gold.safe_haven.map(|havens| havens.q10)), (Some(Shield::Strong), Some(Shield::Strong)));
    }

    #[test]
    fn only_what_was_known_counts() {
        let market = fixture(700);
        let early = safe_haven(&market.cut("2023-10-02"), &order(), &SafeHavenCache::default(), &question()).unwrap();
        let alone = safe_haven(&fixture(639).cut("2023-10-02"), &order(), &SafeHavenCache::default(), &question()).unwrap();
        assert_eq!(early.data, alone.data);
    }

    #[test]
    fn too_few_days_give_nulls_and_say_why() {
        let answer = safe_haven(&fixture(300).cut("2022-10-28"), &order(), &SafeHavenCache::default(), &question()).unwrap();
        assert_eq!((answer.data.test.hedge, answer.data.test.c0, answer.data.test.n_obs), (None, None, 299));
        assert!(answer.data.test.verdict.starts_with("too little is known"));
        assert_eq!(answer.warnings.last().map(|warning| warning.code), Some(WarningCode::InsufficientHistory));
        let empty = safe_haven(&Fixture::new().cut("2025-01-01"), &order(), &SafeHavenCache::default(), &question()).unwrap();
        assert_eq!((empty.data.test.n_obs, empty.data.gold), (0, None));
    }

    #[test]
    fn an_asset_is_not_asked_about_itself() {
        let itself = SafeHavenParams { against: Asset::btc(), ..question() };
        let refused = safe_haven(&Fixture::new().cut("2025-01-01"), &order(), &SafeHavenCache::default(), &itself);
        assert!(matches!(refused, Err(QueryError::Parameter { parameter: "against", .. })));
    }
}
