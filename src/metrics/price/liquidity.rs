use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Period, Source};
use crate::market::MarketView;
use crate::metrics::price::daily_bars::DailyBars;
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::Need;
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Coverage, Method, Query, QueryError, SourceOrder, WarningCode};
use crate::stats::liquidity::{self, detrended};
use crate::stats::rank::median;
use crate::stats::real;

/// Days over which spreads are estimated.
const SPREAD_DAYS: usize = 30;
/// Days of the latest mean of price impact.
const IMPACT_DAYS: usize = 7;
/// Days whose median says what impact is usual, and how many of them it needs.
const USUAL_DAYS: usize = 365;
const LEAST_USUAL: usize = 292;
/// The share of a window's days that must be there.
const LEAST_PRESENT: f64 = 0.8;
/// USD that price impact is stated for.
const IMPACT_USD: f64 = 1e9;

/// A day on which less was traded counts as one without trade, USD.
const LEAST_USD: f64 = 1.0;

/// What is asked about liquidity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LiquidityParams {
    /// Of what.
    pub asset: Asset,
    /// According to whose bars; the first source in the configured order where none is named.
    pub source: Option<Source>,
}

/// How easily an asset trades, as its finished UTC days tell (METHODOLOGY section 10).
///
/// What was traded is taken at the day's close.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Liquidity {
    /// Amihud (2002): mean size of the daily log return per billion USD traded, over 7 days, a fraction.
    pub amihud: Option<f64>,
    /// The logarithm of `amihud` over the median of the trailing 365 days: above 0 is less liquid than usual.
    pub amihud_log_ratio: Option<f64>,
    /// Corwin and Schultz (2012): the spread from ranges of one and two days, over 30 days, percent of the price.
    pub corwin_schultz_pct: Option<f64>,
    /// Abdi and Ranaldo (2017): the spread from closes and ranges, over 30 days, percent; 0 where they show none.
    pub abdi_ranaldo_pct: Option<f64>,
    /// Roll (1984): the spread from neighbouring returns, over 30 days, percent; 0 where they show none.
    pub roll_pct: Option<f64>,
    /// Days of the last 365 that `amihud_log_ratio` left out because nothing was traded or no volume is known.
    pub days_without_volume: Option<usize>,
}

impl Statements for Liquidity {
    fn withhold(&mut self, _stale: &StaleInputs) {
        *self = Self::default();
    }
}

/// The liquidity of an asset at the cutoff.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source.
pub fn liquidity(view: &MarketView, order: &SourceOrder, question: &LiquidityParams) -> Result<Answer<Liquidity>, QueryError> {
    known_asset(view, &question.asset)?;
    let mut trail = Provenance::new(view);
    let mut figures = Liquidity::default();
    let mut working = Derivation::default();
    let need = Need::days_before(view.as_of(), i64::try_from(USUAL_DAYS).unwrap_or(i64::MAX));
    let asked = (question.source.as_ref(), need);
    if let Some(days) = DailyBars::find(view, &mut trail, order, &question.asset, asked, view.as_of())? {
        let coverage = days.coverage(SPREAD_DAYS);
        working.coverage = Some(coverage);
        working.n_obs = Some(coverage.present);
        fill_spreads(&mut trail, &days, coverage, &mut figures);
        fill_impact(&mut trail, &days, &mut figures);
    }
    let interval = Some(Period::DAY.to_string());
    working.method = Some(Method { name: "liquidity", version: 1, interval, basis: None });
    Ok(trail.answer(figures, working))
}

fn fill_spreads(trail: &mut Provenance<'_>, days: &DailyBars, Coverage { expected, present }: Coverage, figures: &mut Liquidity) {
    let enough = usize::try_from(present).is_ok_and(|present| real(present) >= LEAST_PRESENT * real(SPREAD_DAYS));
    let Some(last) = days.last_index().filter(|_| enough) else {
        trail.warn(WarningCode::InsufficientHistory, format!("spreads need 80 % of {expected} daily bars, {present} are known"));
        return;
    };
    let first = (last + 1).saturating_sub(SPREAD_DAYS);
    let bars = &days.bars()[first..=last];
    let mut seen = |name: &str, signed: Option<f64>| {
        if signed.is_some_and(|spread| spread < 0.0) {
            trail.warn(WarningCode::Provisional, format!("{name} sees no spread in these days and is stated as 0"));
        }
        signed.map(|spread| spread.max(0.0) * 100.0)
    };
    figures.corwin_schultz_pct = seen("corwin_schultz_pct", liquidity::corwin_schultz(bars));
    figures.abdi_ranaldo_pct = seen("abdi_ranaldo_pct", liquidity::abdi_ranaldo(bars));
    figures.roll_pct = seen("roll_pct", liquidity::roll(days.returns(first, last)));
}

fn fill_impact(trail: &mut Provenance<'_>, days: &DailyBars, figures: &mut Liquidity) {
    let traded = |day: usize| days.volume(day).map(|coins| coins * days.bars()[day].close).filter(|usd| *usd >= LEAST_USD);
    let period = |day: usize| Some((days.log_return(day)?, traded(day)?));
    let mean =
        |from: usize| liquidity::amihud(&(from..days.len().min(from + IMPACT_DAYS)).filter_map(period).collect::<Vec<_>>());
    let Some(latest) = days.len().checked_sub(IMPACT_DAYS).and_then(mean) else {
        trail.warn(WarningCode::InsufficientHistory, format!("amihud needs {IMPACT_DAYS} daily bars with volume"));
        return;
    };
    figures.amihud = Some(latest.per_usd * IMPACT_USD);
    let year = days.len().saturating_sub(USUAL_DAYS)..days.len();
    figures.days_without_volume = Some(year.clone().filter(|day| traded(*day).is_none()).count());
    let usual: Vec<f64> = year.filter_map(period).map(|(change, usd)| change.abs() / usd).collect();
    if usual.len() < LEAST_USUAL {
        let detail = format!("amihud_log_ratio needs {LEAST_USUAL} days with volume, {} are known", usual.len());
        trail.warn(WarningCode::InsufficientHistory, detail);
        return;
    }
    figures.amihud_log_ratio = median(&usual).and_then(|usual| detrended(latest.per_usd, usual));
    if figures.amihud_log_ratio.is_none() {
        trail.warn(WarningCode::ZeroVariance, "the price did not move: amihud_log_ratio is null");
    }
}

/// Price impact and spread estimates.
#[derive(Debug)]
pub enum LiquidityQuery {}

impl Query for LiquidityQuery {
    type Params = LiquidityParams;
    type Answer = Liquidity;
    const NAME: &'static str = "liquidity";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        liquidity(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};

    fn ask(fixture: Fixture) -> Answer<Liquidity> {
        let question = LiquidityParams { asset: Asset::btc(), source: None };
        liquidity(&fixture.cut("2026-02-04T08:00:00Z"), &order(), &question).unwrap()
    }

    /// Days that end on 2026-02-03 and close at 100 and `other` in turn, with volume.
    fn days(count: i64, other: f64, volume: impl Fn(i64) -> Option<f64>) -> Fixture {
        let bars: Vec<(String, f64, Option<f64>)> = (0..count)
            .map(|day| {
                let close = if day % 2 == 0 { 100.0 } else { other };
                (at("2026-02-04").plus_days(day - count).to_string(), close, volume(day))
            })
            .collect();
        Fixture::new().bars_with_volume("candle.btc@x:1d", &bars)
    }

    #[test]
    fn a_price_that_bounces_shows_its_spread_and_its_impact() {
        let step = (100.0_f64 / 101.0).ln().abs();
        let billion_usd = |day: i64| Some(1e9 / if day % 2 == 0 { 100.0 } else { 101.0 });
        let figures = ask(days(400, 101.0, billion_usd)).data;
        assert!((figures.amihud.unwrap() - step).abs() < 1e-12);
        assert!(figures.amihud_log_ratio.unwrap().abs() < 1e-12);
        assert!((figures.roll_pct.unwrap() - 2.0 * step * 100.0).abs() < 0.1);
        assert_eq!(figures.days_without_volume, Some(0));
    }

    #[test]
    fn what_was_traded_is_taken_at_the_close() {
        let figures = ask(days(40, 100.0 * 0.01_f64.exp(), |_| Some(1e7))).data;
        // Four days close at about 101 and three at 100, each with 10 million coins.
        let expected = 0.01 * (4.0 / (100.0 * 0.01_f64.exp()) + 3.0 / 100.0) / 7.0 * 100.0;
        assert!((figures.amihud.unwrap() - expected).abs() < 1e-12);
        assert_eq!(figures.amihud_log_ratio, None);
    }

    #[test]
    fn days_without_trade_a_constant_price_and_nothing_give_no_zero_for_the_unknown() {
        let quiet = ask(days(400, 101.0, |day| (day % 4 != 0).then_some(1e9)));
        assert_eq!((quiet.data.days_without_volume, quiet.data.amihud_log_ratio), (Some(91), None));
        let flat = ask(days(400, 100.0, |_| Some(1e9)));
        assert_eq!((flat.data.amihud, flat.data.amihud_log_ratio), (Some(0.0), None));
        assert!(flat.warnings.iter().any(|w| w.code == WarningCode::ZeroVariance));
        let one = ask(days(1, 100.0, |_| Some(1e9)));
        assert_eq!(one.data, Liquidity::default());
        assert_eq!(ask(Fixture::new()).data, Liquidity::default());
    }
}
