use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Metric, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::derivatives::option_chain::{ExpirySnapshot, NEAREST_YEARS, OptionChain, PutsAndCalls, of_wings};
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::{Candidates, Choice, Need};
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, PutPremiumCache, Query, QueryError, SourceOrder, WarningCode};
use crate::stats::options::{Smile, TermStructure, Wings, put_call_ratio};
use crate::stats::rank::mid_rank;
use crate::stats::threshold::{at_least, at_most};

/// Tenors of the slope, days: near and far.
const SLOPE_DAYS: (f64, f64) = (7.0, 30.0);
/// Days with a snapshot that a rank needs.
const LEAST_SNAPSHOTS: usize = 30;
/// From this rank of the put's premium on protection is in unusual demand, and up to its complement in little.
const ELEVATED: f64 = 0.75;
const YEAR_DAYS: f64 = 365.0;

/// What is asked about options.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OptionsParams {
    /// On what.
    pub asset: Asset,
    /// According to whom; the first source in the configured order where none is named.
    pub source: Option<Source>,
    /// The constant tenor of the figures, days.
    pub tenor_days: u32,
}

/// What option prices say of fear (METHODOLOGY section 8), from the newest chain.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Options {
    /// When the chain was read.
    pub snapshot_at: Option<Timestamp>,
    /// Coins of puts over coins of calls in open interest.
    pub put_call_oi_ratio: Option<f64>,
    /// Coins of puts over coins of calls traded in 24 hours.
    pub put_call_volume_ratio: Option<f64>,
    /// Volatility of the 25-delta call less that of the 25-delta put at the tenor: negative where puts
    /// are dearer, which is fear.
    pub risk_reversal_25d_vol_points: Option<f64>,
    /// Mean of the 25-delta wings less the middle at the tenor.
    pub butterfly_25d_vol_points: Option<f64>,
    /// Implied volatility at the money at the tenor, annualised percent.
    pub atm_iv_pct: Option<f64>,
    /// Volatility at the money at 30 days less that at 7 days: negative where the near end is dearer,
    /// which is acute stress.
    pub term_slope_vol_points: Option<f64>,
    /// How sought after puts are against calls at 30 days, by its own last year.
    pub downside_protection: Option<DownsideProtection>,
    /// Mid-rank of the put's premium over the call's at 30 days among the last year's daily ones; 1 is the most.
    pub downside_protection_percentile_ratio: Option<f64>,
    /// Days with a chain that it was ranked among.
    pub downside_protection_n_obs: usize,
    /// Each expiry, the nearest first.
    pub by_expiry: Vec<OptionExpiry>,
}

impl Statements for Options {
    fn withhold(&mut self, _stale: &StaleInputs) {
        (self.downside_protection, self.downside_protection_percentile_ratio) = (None, None);
        self.term_slope_vol_points = None;
    }
}

/// How sought after protection against falls is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DownsideProtection {
    /// Among the dearest quarter of the last year.
    Elevated,
    /// In between.
    Normal,
    /// Among the cheapest quarter of the last year.
    Low,
}

impl DownsideProtection {
    /// Every state, the most sought after first.
    pub(in crate::metrics) const ALL: [Self; 3] = [Self::Elevated, Self::Normal, Self::Low];

    /// The word of an answer.
    pub(in crate::metrics) const fn as_str(self) -> &'static str {
        match self {
            Self::Elevated => "elevated",
            Self::Normal => "normal",
            Self::Low => "low",
        }
    }
}

/// The options that expire together.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct OptionExpiry {
    /// When they expire.
    pub expires_at: Timestamp,
    /// Days until then.
    pub days: f64,
    /// The forward, USD.
    pub forward_usd: Option<f64>,
    /// Options with a volatility.
    pub n_options: usize,
    /// Implied volatility at the money, annualised percent.
    pub atm_iv_pct: Option<f64>,
    /// As in the whole; absent where the strikes do not reach the wings.
    pub risk_reversal_25d_vol_points: Option<f64>,
    /// As in the whole.
    pub butterfly_25d_vol_points: Option<f64>,
    /// Put less call over the middle (Mixon 2011): comparable across levels of volatility.
    pub normalised_skew_ratio: Option<f64>,
    /// Coins of puts over coins of calls in open interest.
    pub put_call_oi_ratio: Option<f64>,
    /// Coins of puts over coins of calls traded in 24 hours.
    pub put_call_volume_ratio: Option<f64>,
}

/// What the options of an asset say at the cutoff.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source.
pub fn options(
    view: &MarketView,
    order: &SourceOrder,
    book: &PutPremiumCache,
    question: &OptionsParams,
) -> Result<Answer<Options>, QueryError> {
    known_asset(view, &question.asset)?;
    let mut trail = Provenance::new(view);
    let mut figures = Options::default();
    let method = Method { name: "options", version: 1, interval: None, basis: None };
    let mut working = Derivation { method: Some(method), ..Derivation::default() };
    if let Some((source, chain)) = open(view, &mut trail, order, (&question.asset, question.source.as_ref()))? {
        let snapshot = chain.snapshot(view.as_of(), (0.0, f64::MAX));
        working.n_obs = Some(snapshot.iter().map(|expiry| expiry.quotes as u64).sum());
        fill_chain(&mut trail, &chain, &snapshot, question, &mut figures);
        if let Some(now) = chain.put_premium(view.as_of()) {
            fill_protection(&mut trail, book.year_before(view, &question.asset, &source), now, &mut figures);
        }
    }
    Ok(trail.answer(figures, working))
}

/// What [`options`] says of downside protection, without its other figures.
///
/// # Errors
/// As [`options`].
pub(in crate::metrics) fn downside_protection(
    view: &MarketView,
    order: &SourceOrder,
    book: &PutPremiumCache,
    asset: &Asset,
) -> Result<Answer<Option<DownsideProtection>>, QueryError> {
    let mut trail = Provenance::new(view);
    let mut figures = Options::default();
    if let Some((source, chain)) = open(view, &mut trail, order, (asset, None))? {
        if let Some(now) = chain.put_premium(view.as_of()) {
            fill_protection(&mut trail, book.year_before(view, asset, &source), now, &mut figures);
        } else {
            let detail = format!("no chain of options on {asset} of the last day has quoted wings around 30 days");
            trail.warn(WarningCode::InsufficientHistory, detail);
        }
    }
    Ok(trail.answer(figures.downside_protection, Derivation::default()))
}

/// The source that answers and its options that are left at the cutoff; `None` where there is no source.
fn open<'a>(
    view: &'a MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    (asset, asked): (&Asset, Option<&Source>),
) -> Result<Option<(Source, OptionChain<'a>)>, QueryError> {
    let candidates = Candidates::at(trail.at()).with(view.readings(Metric::OptionVol, asset));
    let Some(Choice { source, .. }) = order.choose(trail, &candidates, asked, Need::Level)? else { return Ok(None) };
    let chain = OptionChain::open(view, asset, &source, view.as_of());
    chain.note(trail, view.as_of());
    Ok(Some((source, chain)))
}

fn fill_chain(
    trail: &mut Provenance<'_>,
    chain: &OptionChain<'_>,
    snapshot: &[ExpirySnapshot],
    question: &OptionsParams,
    figures: &mut Options,
) {
    let Some(first) = snapshot.first() else {
        trail.warn(WarningCode::NoData, format!("no chain of options on {} was read in the last day", question.asset));
        return;
    };
    figures.snapshot_at = Some(first.taken_at);
    let rows = snapshot.iter().map(|expiry| (expiry, chain.open_interest(expiry), chain.volume(expiry)));
    let rows: Vec<(&ExpirySnapshot, PutsAndCalls, PutsAndCalls)> = rows.collect();
    let total = |coins: &mut dyn Iterator<Item = PutsAndCalls>| coins.reduce(PutsAndCalls::plus).unwrap_or_default();
    figures.put_call_oi_ratio = ratio(total(&mut rows.iter().map(|(_, open, _)| *open)));
    figures.put_call_volume_ratio = ratio(total(&mut rows.iter().map(|(_, _, traded)| *traded)));
    let tenor = f64::from(question.tenor_days) / YEAR_DAYS;
    let nearest = if tenor > NEAREST_YEARS { NEAREST_YEARS } else { 0.0 };
    let at_the_money = at_the_money(snapshot, nearest);
    figures.atm_iv_pct = at_the_money.vol_at(tenor).map(|vol| 100.0 * vol);
    figures.risk_reversal_25d_vol_points =
        of_wings(snapshot, nearest, Wings::risk_reversal).linear_at(tenor).map(|rr| 100.0 * rr);
    figures.butterfly_25d_vol_points = of_wings(snapshot, nearest, Wings::butterfly).linear_at(tenor).map(|fly| 100.0 * fly);
    let (near, far) = (SLOPE_DAYS.0 / YEAR_DAYS, SLOPE_DAYS.1 / YEAR_DAYS);
    figures.term_slope_vol_points = self::at_the_money(snapshot, 0.0).slope(near, far).map(|slope| 100.0 * slope);
    if figures.term_slope_vol_points.is_none() {
        let detail = "no expiries lie on both sides of 7 and of 30 days: term_slope_vol_points is null, and is not extrapolated";
        trail.warn(WarningCode::InsufficientHistory, detail);
    }
    if figures.atm_iv_pct.is_none() || figures.risk_reversal_25d_vol_points.is_none() {
        let detail =
            format!("no two expiries with quoted wings lie around {} days, and nothing is extrapolated", question.tenor_days);
        trail.warn(WarningCode::InsufficientHistory, detail);
    }
    figures.by_expiry = rows.into_iter().map(|(expiry, open, traded)| row(expiry, open, traded)).collect();
}

/// The put's premium at 30 days against those of the last year, one chain a day.
fn fill_protection(trail: &mut Provenance<'_>, year_before: Vec<f64>, now: f64, figures: &mut Options) {
    let mut sample = year_before;
    sample.push(now);
    figures.downside_protection_n_obs = sample.len();
    if sample.len() < LEAST_SNAPSHOTS {
        let detail = format!("downside_protection needs {LEAST_SNAPSHOTS} days with a chain, {} are known", sample.len());
        trail.warn(WarningCode::InsufficientHistory, detail);
        return;
    }
    let percentile = mid_rank(&sample, now);
    figures.downside_protection_percentile_ratio = percentile;
    figures.downside_protection = percentile.map(|percentile| match percentile {
        rank if at_least(rank, ELEVATED) => DownsideProtection::Elevated,
        rank if at_most(rank, 1.0 - ELEVATED) => DownsideProtection::Low,
        _ => DownsideProtection::Normal,
    });
}

fn at_the_money(snapshot: &[ExpirySnapshot], nearest: f64) -> TermStructure {
    let vol = |expiry: &ExpirySnapshot| Some((expiry.years, expiry.smile.as_ref()?.vol_at(0.5)?));
    TermStructure::new(snapshot.iter().filter(|expiry| expiry.years >= nearest).filter_map(vol).collect())
}

fn row(expiry: &ExpirySnapshot, open_interest: PutsAndCalls, volume: PutsAndCalls) -> OptionExpiry {
    let wings = expiry.smile.as_ref().and_then(Smile::wings);
    let at_the_money = expiry.smile.as_ref().and_then(|smile| smile.vol_at(0.5));
    OptionExpiry {
        expires_at: expiry.expires_at,
        days: expiry.years * YEAR_DAYS,
        forward_usd: expiry.forward,
        n_options: expiry.quotes,
        atm_iv_pct: at_the_money.map(|vol| 100.0 * vol),
        risk_reversal_25d_vol_points: wings.map(|wings| 100.0 * wings.risk_reversal()),
        butterfly_25d_vol_points: wings.map(|wings| 100.0 * wings.butterfly()),
        normalised_skew_ratio: wings.map(|wings| wings.normalised_skew()),
        put_call_oi_ratio: ratio(open_interest),
        put_call_volume_ratio: ratio(volume),
    }
}

/// Puts over calls; `None` unless both are stated and there are calls.
fn ratio(coins: PutsAndCalls) -> Option<f64> {
    put_call_ratio(coins.puts?, coins.calls?)
}

/// Option skew, put/call ratios and implied volatility.
#[derive(Debug)]
pub enum OptionsQuery {}

impl Query for OptionsQuery {
    type Params = OptionsParams;
    type Answer = Options;
    const NAME: &'static str = "options";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        options(cx.view, cx.source_order, &cx.caches.premiums, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};

    /// A chain at 08:00 of each day whose puts cost `skew` points more than its calls at every expiry.
    fn with_chain(
        mut rows: std::collections::BTreeMap<String, Vec<(String, f64)>>,
        day: i64,
        skew: f64,
    ) -> std::collections::BTreeMap<String, Vec<(String, f64)>> {
        let taken = at("2026-01-01T08:00:00Z").plus_days(day).to_string();
        for expiry in ["16JAN26", "30JAN26", "27FEB26", "27MAR26", "24APR26"] {
            if crate::domain::OptionName::expires_at(expiry).unwrap() <= at(&taken) {
                continue;
            }
            let mut push = |key: String, value: f64| rows.entry(key).or_default().push((taken.clone(), value));
            push(format!("option_forward.btc.{expiry}@deribit"), 100.0);
            for strike in (60..=150).step_by(5) {
                let (right, vol, open) = if strike < 100 { ("P", 50.0 + skew, 2.0) } else { ("C", 50.0, 4.0) };
                push(format!("option_vol.btc.{expiry}-{strike}-{right}@deribit"), vol);
                push(format!("option_open_interest.btc.{expiry}-{strike}-{right}@deribit"), open);
            }
        }
        rows
    }

    #[expect(clippy::cast_precision_loss, reason = "the days of a test are few")]
    fn fixture(days: i64) -> Fixture {
        let chains = (0..days).fold(std::collections::BTreeMap::new(), |rows, day| with_chain(rows, day, 0.1 * day as f64));
        chains.into_iter().fold(Fixture::new(), |fixture, (key, rows)| {
            let rows: Vec<(&str, f64)> = rows.iter().map(|(at, value)| (at.as_str(), *value)).collect();
            fixture.readings(&key, &rows)
        })
    }

    fn asked(view: &MarketView, tenor_days: u32) -> Answer<Options> {
        options(view, &order(), &PutPremiumCache::default(), &OptionsParams { asset: Asset::btc(), source: None, tenor_days })
            .unwrap()
    }

    #[test]
    fn puts_dearer_than_ever_in_the_year_are_elevated() {
        let answer = asked(&fixture(60).cut("2026-03-01T08:00:00Z"), 30);
        let data = &answer.data;
        assert_eq!(data.snapshot_at, Some(at("2026-03-01T08:00:00Z")));
        assert!((data.risk_reversal_25d_vol_points.unwrap() + 5.9).abs() < 1e-9, "{data:?}");
        assert_eq!(
            (data.downside_protection, data.downside_protection_percentile_ratio),
            (Some(DownsideProtection::Elevated), Some(1.0))
        );
        // On ten days no expiry between a week and thirty days was left, so they have no figure.
        assert_eq!(data.downside_protection_n_obs, 50);
        assert_eq!(data.put_call_oi_ratio, Some(8.0 * 2.0 / (11.0 * 4.0)));
        assert_eq!((data.put_call_volume_ratio, data.by_expiry.len()), (None, 2));
        assert!(data.term_slope_vol_points.is_none() && data.atm_iv_pct.is_some());
    }

    #[test]
    fn nothing_is_extrapolated() {
        let answer = asked(&fixture(60).cut("2026-03-01T08:00:00Z"), 180);
        assert_eq!((answer.data.atm_iv_pct, answer.data.risk_reversal_25d_vol_points), (None, None));
        assert!(answer.warnings.iter().any(|warning| warning.detail.contains("180 days")));
    }

    #[test]
    fn a_chain_is_seen_when_it_was_known_and_an_old_one_is_none() {
        let market = fixture(10);
        let early = asked(&market.cut("2026-01-04T07:59:59Z"), 30);
        assert_eq!(early.data.snapshot_at, Some(at("2026-01-03T08:00:00Z")));
        assert!(early.warnings.iter().any(|warning| warning.detail.contains("downside_protection needs")));
        let late = asked(&fixture(10).cut("2026-01-20"), 30);
        assert_eq!((late.data.snapshot_at, late.data.put_call_oi_ratio), (None, None));
        assert!(late.warnings.iter().any(|warning| warning.code == WarningCode::NoData));
    }

    #[test]
    fn without_options_there_are_nulls() {
        let answer = asked(&Fixture::new().cut("2026-01-20"), 30);
        assert_eq!((answer.data.clone(), answer.warnings[0].code), (Options::default(), WarningCode::NoData));
    }
}
