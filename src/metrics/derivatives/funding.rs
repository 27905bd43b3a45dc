use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Metric, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::derivatives::positions::OpenInterestBySource;
use crate::metrics::derivatives::settlements::{FundingVenue, Settlement, Settlements, SpanRate, span_rates};
use crate::metrics::provenance::{Derivation, Provenance, known_asset};
use crate::metrics::source_order::Candidates;
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Context, Method, Query, QueryError, SourceOrder, WarningCode};
use crate::stats::funding::{annualised, negative_streak, weighted_mean};
use crate::stats::rank::mid_rank;
use crate::stats::real;

/// How far back rates are ranked.
const RANK_DAYS: i64 = 365;
/// How far back is looked first for the beginning of a streak.
const LATELY_DAYS: i64 = 90;
/// Rates a rank needs, the present one included.
const LEAST_RANKED: usize = 180;
/// The interest part of the usual formula: 0.01 % for eight hours.
const NEUTRAL_8H: f64 = 0.0001;
/// How far from it, as a fraction of it, a rate still counts as neutral.
const NEUTRAL_BAND: f64 = 0.1;
/// The hours that the rates of an answer are stated for.
const STATED_HOURS: f64 = 8.0;

/// What is asked about funding.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FundingParams {
    /// Of which asset's perpetual futures.
    pub asset: Asset,
    /// According to whom; see [`Funding`] for the default.
    pub sources: Vec<Source>,
}

/// What longs pay shorts (METHODOLOGY section 6). Positive: longs pay.
///
/// Where no source is named, the first aggregator in the configured order answers alone; without
/// one, all venues count, each by its open interest at the settlement.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct Funding {
    /// The mean of the last settled rates, each stated for eight hours and weighted by open interest, a fraction.
    pub rate_8h_ratio: Option<f64>,
    /// The same for a year without compounding, percent.
    pub annualised_pct: Option<f64>,
    /// Where it stands between negative and the 0.01 % for eight hours that is neutral.
    pub state: Option<FundingState>,
    /// How long the mean has been negative without a break.
    pub negative_streak: Option<FundingStreak>,
    /// The mid-rank of the rate among those of the trailing 365 days, in (0, 1].
    pub percentile_ratio: Option<f64>,
    /// Venues whose last settled rate is negative over all venues, a fraction.
    pub share_of_venues_negative_ratio: Option<f64>,
    /// Each source's last settlement.
    pub by_source: Vec<FundingOfSource>,
}

/// Each settlement states its instant and stays; the mean of venues is of the present.
impl Statements for Funding {
    fn withhold(&mut self, stale: &StaleInputs) {
        if stale.has(&[Metric::FundingRate]) {
            *self = Self { by_source: std::mem::take(&mut self.by_source), ..Self::default() };
        }
    }
}

/// Where a rate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FundingState {
    /// Under zero: shorts pay.
    Negative,
    /// From zero up to the neutral band: longs pay less than the interest part.
    BelowNeutral,
    /// Within a tenth of 0.01 % for eight hours.
    Neutral,
    /// Over the neutral band.
    AboveNeutral,
}

/// A run of negative rates up to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct FundingStreak {
    /// Settlement intervals in the run, 0 when the last was not negative; of several venues, of the
    /// longest interval among them.
    pub intervals: usize,
    /// The first settlement of the run; absent when there is none.
    pub since: Option<Timestamp>,
}

/// One source's last settlement.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct FundingOfSource {
    /// The source.
    pub source: Source,
    /// When it settled.
    pub settled_at: Timestamp,
    /// The rate as it was settled, a fraction for `interval_hours`.
    pub rate_ratio: f64,
    /// Hours that the rate is for.
    pub interval_hours: f64,
    /// The rate for eight hours, a fraction.
    pub rate_8h_ratio: f64,
    /// The rate for a year without compounding, percent.
    pub annualised_pct: f64,
    /// Open interest at the settlement, the weight of the rate, USD; absent where none is known.
    pub open_interest_usd: Option<f64>,
}

impl FundingState {
    /// Every state, the lowest first.
    pub(in crate::metrics) const ALL: [Self; 4] = [Self::Negative, Self::BelowNeutral, Self::Neutral, Self::AboveNeutral];

    /// The word of an answer.
    pub(in crate::metrics) const fn as_str(self) -> &'static str {
        match self {
            Self::Negative => "negative",
            Self::BelowNeutral => "below_neutral",
            Self::Neutral => "neutral",
            Self::AboveNeutral => "above_neutral",
        }
    }

    /// The state of a rate for eight hours, a fraction.
    fn of(rate_8h: f64) -> Self {
        let distance = (rate_8h - NEUTRAL_8H) / NEUTRAL_8H;
        match distance {
            _ if rate_8h < 0.0 => Self::Negative,
            d if d.abs() <= NEUTRAL_BAND => Self::Neutral,
            d if d < 0.0 => Self::BelowNeutral,
            _ => Self::AboveNeutral,
        }
    }
}

/// The last settled funding of an asset.
///
/// # Errors
/// [`QueryError`] for an unknown asset or source.
pub fn funding(view: &MarketView, order: &SourceOrder, question: &FundingParams) -> Result<Answer<Funding>, QueryError> {
    answer_with(view, order, question, fill_history)
}

/// What [`funding`] says of an asset, without the rank among the rates of a year.
///
/// # Errors
/// As [`funding`].
pub(in crate::metrics) fn funding_unranked(
    view: &MarketView,
    order: &SourceOrder,
    asset: &Asset,
) -> Result<Answer<Funding>, QueryError> {
    answer_with(view, order, &FundingParams { asset: asset.clone(), sources: vec![] }, fill_streak_from_recent)
}

/// The answer with what `fill` says of earlier rates.
fn answer_with(
    view: &MarketView,
    order: &SourceOrder,
    question: &FundingParams,
    fill: fn(&mut Provenance<'_>, &FundingHistory<'_>, f64, &mut Funding),
) -> Result<Answer<Funding>, QueryError> {
    known_asset(view, &question.asset)?;
    let mut trail = Provenance::new(view);
    let candidates = Candidates::at(trail.at()).with(view.readings(Metric::FundingRate, &question.asset));
    let sources = order.choose_summed(&mut trail, &candidates, &question.sources)?;
    let book = weights(view, &mut trail, order, &question.asset, &sources)?;
    let payers: Vec<FundingVenue<'_>> =
        sources.iter().filter_map(|source| FundingVenue::open(view, &mut trail, &question.asset, source)).collect();
    let current: Vec<_> = payers.iter().filter_map(|payer| Some((payer, payer.last()?))).collect();
    let mut figures = Funding::default();
    fill_present(&mut trail, &book, &current, &mut figures);
    if let Some(rate) = figures.rate_8h_ratio {
        fill(&mut trail, &FundingHistory { as_of: view.as_of(), book: &book, payers: &payers }, rate, &mut figures);
    }
    let method = Method { name: "funding", version: 1, interval: Some("8h".to_owned()), basis: Some("settled".to_owned()) };
    Ok(trail.answer(figures, Derivation { method: Some(method), n_obs: Some(current.len() as u64), ..Derivation::default() }))
}

/// The open interest of the sources that state funding, for its weights.
pub(in crate::metrics) fn weights<'a>(
    view: &'a MarketView,
    trail: &mut Provenance<'_>,
    order: &SourceOrder,
    asset: &Asset,
    sources: &[Source],
) -> Result<OpenInterestBySource<'a>, QueryError> {
    let with_both: Vec<Source> =
        sources.iter().filter(|source| OpenInterestBySource::is_stated(view, asset, source)).cloned().collect();
    if with_both.is_empty() {
        return Ok(OpenInterestBySource::empty());
    }
    OpenInterestBySource::open(view, trail, order, asset, &with_both)
}

fn fill_present(
    trail: &mut Provenance<'_>,
    book: &OpenInterestBySource<'_>,
    current: &[(&FundingVenue<'_>, Settlement)],
    figures: &mut Funding,
) {
    let weight = |payer: &FundingVenue<'_>, at: Timestamp| book.usd_of(payer.source(), at);
    figures.by_source = current
        .iter()
        .map(|(payer, settlement)| FundingOfSource {
            source: payer.source().clone(),
            settled_at: settlement.at,
            rate_ratio: settlement.rate,
            interval_hours: settlement.hours,
            rate_8h_ratio: settlement.rate_8h(),
            annualised_pct: annualised(settlement.rate, settlement.hours) * 100.0,
            open_interest_usd: weight(payer, settlement.at),
        })
        .collect();
    let rates: Vec<(f64, Option<f64>)> = figures.by_source.iter().map(|row| (row.rate_8h_ratio, row.open_interest_usd)).collect();
    if rates.len() > 1 {
        warn_of_weights(trail, &figures.by_source);
    }
    figures.rate_8h_ratio = mean_rate(&rates);
    figures.annualised_pct = figures.rate_8h_ratio.map(|rate| annualised(rate, STATED_HOURS) * 100.0);
    figures.state = figures.rate_8h_ratio.map(FundingState::of);
    let negative = rates.iter().filter(|(rate, _)| *rate < 0.0).count();
    figures.share_of_venues_negative_ratio = (!rates.is_empty()).then(|| real(negative) / real(rates.len()));
}

/// The mean of rates by their weights: those without one are left out, unless none has one.
pub(in crate::metrics) fn mean_rate(rates: &[(f64, Option<f64>)]) -> Option<f64> {
    let weighted: Vec<(f64, f64)> = rates.iter().filter_map(|(rate, weight)| Some((*rate, (*weight)?))).collect();
    weighted_mean(&weighted).or_else(|| weighted_mean(&rates.iter().map(|(rate, _)| (*rate, 1.0)).collect::<Vec<_>>()))
}

fn warn_of_weights(trail: &mut Provenance<'_>, rows: &[FundingOfSource]) {
    let unweighted: Vec<&str> =
        rows.iter().filter(|row| row.open_interest_usd.is_none()).map(|row| row.source.as_str()).collect();
    if unweighted.len() == rows.len() {
        trail.warn(WarningCode::NoData, "no open interest is known at the settlements: every venue counts the same");
    } else if !unweighted.is_empty() {
        let detail = format!("no open interest is known at the settlement of {}: left out of the mean", unweighted.join(", "));
        trail.warn(WarningCode::NoData, detail);
    }
}

/// What sources settled before the last.
struct FundingHistory<'a> {
    as_of: Timestamp,
    book: &'a OpenInterestBySource<'a>,
    payers: &'a [FundingVenue<'a>],
}

impl FundingHistory<'_> {
    /// The settlements of each source over the last so many days.
    fn of_days(&self, days: i64) -> Vec<Settlements> {
        self.payers.iter().map(|payer| payer.since(self.as_of.plus_days(-days))).collect()
    }

    /// The mean rate of one span, by its end.
    fn mean(&self, span: &[SpanRate]) -> Option<(Timestamp, f64)> {
        let ends_at = span.first()?.ends_at;
        let weight = |rate: &SpanRate| self.book.usd_of(self.payers[rate.payer].source(), ends_at);
        let weighted: Vec<_> = span.iter().map(|rate| (rate.rate_8h, weight(rate))).collect();
        Some((ends_at, mean_rate(&weighted)?))
    }
}

/// Rates span by span.
fn by_span(rates: &[SpanRate]) -> Vec<&[SpanRate]> {
    rates.chunk_by(|a, b| a.ends_at == b.ends_at).collect()
}

/// The streak and the rank, over spans of the longest interval among the sources.
fn fill_history(trail: &mut Provenance<'_>, past: &FundingHistory<'_>, present: f64, figures: &mut Funding) {
    let rates = span_rates(&past.of_days(RANK_DAYS));
    let means: Vec<(Timestamp, f64)> = by_span(&rates).into_iter().rev().filter_map(|span| past.mean(span)).collect();
    figures.negative_streak = streak(present, means.iter().copied());
    let Some(streak) = figures.negative_streak else { return };
    if streak.intervals == means.len() {
        trail.warn(WarningCode::HistoryLimit, "every rate of the trailing year is negative: the streak may have begun earlier");
    }
    let ranked: Vec<f64> = means.iter().skip(1).map(|(_, rate)| *rate).chain([present]).collect();
    figures.percentile_ratio = mid_rank(&ranked, present).filter(|_| ranked.len() >= LEAST_RANKED);
    if figures.percentile_ratio.is_none() {
        let detail =
            format!("percentile_ratio needs {LEAST_RANKED} settlements of the trailing year, {} are known", ranked.len());
        trail.warn(WarningCode::InsufficientHistory, detail);
    }
}

/// The streak alone, from the last months where they hold its beginning and as many rates as a rank needs.
fn fill_streak_from_recent(trail: &mut Provenance<'_>, past: &FundingHistory<'_>, present: f64, figures: &mut Funding) {
    let lately = past.of_days(LATELY_DAYS);
    let went_on = |(payer, history): (&FundingVenue<'_>, &Settlements)| {
        !history.is_empty() || payer.since(past.as_of.plus_days(-RANK_DAYS)).is_empty()
    };
    let rates = span_rates(&lately);
    let spans = by_span(&rates);
    let found = streak(present, spans.iter().rev().filter_map(|span| past.mean(span)));
    // Of the first span, settlements may be missing.
    let is_whole = found.is_some_and(|streak| streak.intervals + 1 < spans.len()) && spans.len() >= LEAST_RANKED;
    if is_whole && past.payers.iter().zip(&lately).all(went_on) {
        figures.negative_streak = found;
    } else {
        fill_history(trail, past, present, figures);
    }
}

/// The run of negative rates that ends with the present one, given the means of the spans, the latest
/// first, of which the present one tells; `None` without any.
fn streak(present: f64, mut means: impl Iterator<Item = (Timestamp, f64)> + Clone) -> Option<FundingStreak> {
    means.clone().next()?;
    let earlier = means.clone().skip(1).map(|(_, rate)| rate);
    let intervals = negative_streak([present].into_iter().chain(earlier));
    let since = intervals.checked_sub(1).and_then(|run| means.nth(run)).map(|(at, _)| at);
    Some(FundingStreak { intervals, since })
}

/// Funding rates of perpetuals.
#[derive(Debug)]
pub enum FundingQuery {}

impl Query for FundingQuery {
    type Params = FundingParams;
    type Answer = Funding;
    const NAME: &'static str = "funding";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        funding(cx.view, cx.source_order, params)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Period;
    use crate::metrics::fixture::{Fixture, at, order};

    fn ask(view: &MarketView) -> Answer<Funding> {
        funding(view, &order(), &FundingParams { asset: Asset::btc(), sources: vec![] }).unwrap()
    }

    /// Settlements of one venue: eight hours apart from 2026-01-01 on.
    fn texts(count: i64, hours: i64) -> Vec<String> {
        (0..count).map(|n| at("2026-01-01").plus_ms(n * hours * Period::HOUR.ms()).to_string()).collect()
    }

    fn rows<'a>(texts: &'a [String], rates: &[f64]) -> Vec<(&'a str, f64)> {
        texts.iter().map(String::as_str).zip(rates.iter().copied()).collect()
    }

    #[test]
    fn rates_of_different_intervals_are_stated_for_eight_hours_and_weighted() {
        let now = "2026-01-02T00:00:00Z";
        let view = Fixture::new()
            .readings("funding_rate.btc@a:8h", &[(now, 0.0001)])
            .readings("funding_rate.btc@b", &[(now, -0.0001)])
            .readings("funding_interval.btc@b", &[(now, 4.0)])
            .readings("open_interest.btc@a", &[(now, 3e9)])
            .readings("open_interest.btc@b", &[(now, 1e9)])
            .cut(now);
        let figures = ask(&view).data;
        // (3 * 0.0001 + 1 * -0.0002) / 4
        assert!((figures.rate_8h_ratio.unwrap() - 0.000_025).abs() < 1e-15);
        assert!((figures.annualised_pct.unwrap() - 0.000_025 * 1_095.0 * 100.0).abs() < 1e-9);
        assert_eq!((figures.state, figures.share_of_venues_negative_ratio), (Some(FundingState::BelowNeutral), Some(0.5)));
        assert!((figures.by_source[1].rate_8h_ratio + 0.0002).abs() < 1e-15);
    }

    #[test]
    fn a_venue_without_open_interest_is_left_out_unless_none_has_any() {
        let now = "2026-01-02T00:00:00Z";
        let fixture = || {
            Fixture::new()
                .readings("funding_rate.btc@a:8h", &[(now, 0.0002)])
                .readings("funding_rate.btc@b:8h", &[(now, -0.0004)])
        };
        let even = ask(&fixture().cut(now));
        assert!((even.data.rate_8h_ratio.unwrap() + 0.0001).abs() < 1e-15);
        assert!(even.warnings.iter().any(|w| w.detail.contains("every venue counts the same")));
        let one = ask(&fixture().readings("open_interest.btc@a", &[(now, 5.0)]).cut(now));
        assert_eq!(one.data.rate_8h_ratio, Some(0.0002));
    }

    #[test]
    fn a_streak_counts_settlements_and_zero_ends_it() {
        let texts = texts(5, 8);
        let view = Fixture::new()
            .readings("funding_rate.btc@a", &rows(&texts, &[-0.1, 0.0, -0.1, -0.2, -0.3]))
            .cut("2026-01-02T08:00:00Z");
        let answer = ask(&view);
        let streak = FundingStreak { intervals: 3, since: Some(at("2026-01-01T16:00:00Z")) };
        assert_eq!(answer.data.negative_streak, Some(streak));
        assert_eq!((answer.data.state, answer.data.percentile_ratio), (Some(FundingState::Negative), None));
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::InsufficientHistory));
    }

    #[test]
    fn hourly_settlements_make_a_streak_of_hours() {
        let texts = texts(30, 1);
        let rates: Vec<f64> = (0..30).map(|n| if n < 20 { 0.0001 } else { -0.0001 }).collect();
        let view = Fixture::new().readings("funding_rate.btc@a", &rows(&texts, &rates)).cut("2026-01-02T06:00:00Z");
        let figures = ask(&view).data;
        assert_eq!(figures.negative_streak.unwrap().intervals, 10);
        assert!((figures.rate_8h_ratio.unwrap() + 0.0008).abs() < 1e-15);
    }

    #[test]
    fn the_rank_is_of_the_trailing_year_itself_included() {
        let texts = texts(200, 8);
        let rates: Vec<f64> = (0..200).map(|n| f64::from(200 - n) * 1e-6).collect();
        let view = Fixture::new().readings("funding_rate.btc@a:8h", &rows(&texts, &rates)).cut("2026-03-08T08:00:00Z");
        assert_eq!(ask(&view).data.percentile_ratio, Some(1.0 / 200.0));
    }

    #[test]
    fn a_silent_venue_one_rate_of_unknown_interval_and_an_empty_market_are_no_zero() {
        let empty = ask(&Fixture::new().cut("2026-02-01"));
        assert_eq!((empty.data.clone(), empty.warnings[0].code), (Funding::default(), WarningCode::NoData));
        let lone = ask(&Fixture::new().readings("funding_rate.btc@a", &[("2026-01-01", 0.1)]).cut("2026-02-01"));
        assert_eq!(lone.data.rate_8h_ratio, None);
        let silent = Fixture::new()
            .readings("funding_rate.btc@a:8h", &[("2026-01-01", 0.1)])
            .readings("funding_rate.btc@b:8h", &[("2026-01-31T16:00:00Z", 0.0001)]);
        let answer = ask(&silent.cut("2026-02-01"));
        assert_eq!((answer.data.rate_8h_ratio, answer.data.by_source.len()), (Some(0.0001), 1));
        assert!(answer.warnings.iter().any(|w| w.code == WarningCode::StaleInput && w.detail.contains("a since 2026-01-01")));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn the_last_months_tell_the_streak_that_the_whole_year_tells(
            count in 1_i64..1_000, negative in 0_i64..1_000, stopped in prop_oneof![Just(0_i64), 1..1_000_i64], hours in 1_i64..9,
        ) {
            let (ours, theirs) = (texts(count, 8), texts((count - stopped).max(0) * 8 / hours, hours));
            let sign = |n: usize, run: i64| if i64::try_from(n).unwrap() < run { 1e-4 } else { -1e-4 };
            let rates = |count: usize, run: i64| (0..count).map(|n| sign(n, run)).collect::<Vec<_>>();
            let view = Fixture::new()
                .readings("funding_rate.btc@a:8h", &rows(&ours, &rates(ours.len(), count - negative)))
                .readings("funding_rate.btc@b", &rows(&theirs, &rates(theirs.len(), 0)))
                .readings("open_interest.btc@a", &[("2026-01-01", 1.0)])
                .cut(&at("2026-01-01").plus_ms(count * 8 * Period::HOUR.ms()).to_string());
            let (whole, lately) = (ask(&view), funding_unranked(&view, &order(), &Asset::btc()).unwrap());
            prop_assert_eq!(&lately.data, &Funding { percentile_ratio: lately.data.percentile_ratio, ..whole.data });
            prop_assert_eq!((lately.warnings, lately.sources), (whole.warnings, whole.sources));
        }
    }
}
