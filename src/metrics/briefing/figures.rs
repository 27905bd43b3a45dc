use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Asset, Metric, Source, Timestamp};
use crate::market::MarketView;
use crate::metrics::bound::Bounded;
use crate::metrics::provenance::{Provenance, shortened};
use crate::metrics::{
    Answer, Bound, DownsideProtection, Freshness, FundingState, QueryError, SourceOrder, SourceReading, StressBand, Warning,
    WarningCode, Window,
};

/// Every headline figure: its id and its unit. The order is that of a briefing.
pub const FIGURES: [(&str, FigureUnit); 36] = [
    ("market_cap_change", FigureUnit::Usd),
    ("market_cap_change_pct", FigureUnit::Percent),
    ("price", FigureUnit::Usd),
    ("previous_day_low", FigureUnit::Usd),
    ("previous_day_worst_fall", FigureUnit::Percent),
    ("previous_day_lowest_since", FigureUnit::Date),
    ("drawdown", FigureUnit::Percent),
    ("failed_rebounds", FigureUnit::Count),
    ("liquidations_24h", FigureUnit::Usd),
    ("liquidations_since", FigureUnit::Usd),
    ("liquidations_record_day", FigureUnit::Usd),
    ("open_interest_change", FigureUnit::Percent),
    ("deleveraging", FigureUnit::YesNo),
    ("funding_rate_8h", FigureUnit::Percent),
    ("funding_state", FigureUnit::Word),
    ("funding_negative_streak", FigureUnit::Count),
    ("etf_flow_latest", FigureUnit::Usd),
    ("etf_flow_previous", FigureUnit::Usd),
    ("etf_flow_reversal", FigureUnit::YesNo),
    ("etf_flow_eth_90d", FigureUnit::Usd),
    ("etf_flow_sol_90d", FigureUnit::Usd),
    ("etf_flow_xrp_90d", FigureUnit::Usd),
    ("small_cap_return_1y", FigureUnit::Percent),
    ("volatility_realised", FigureUnit::Percent),
    ("volatility_implied", FigureUnit::Percent),
    ("volatility_pickup", FigureUnit::YesNo),
    ("calm_days", FigureUnit::Count),
    ("sp500_distance_from_high", FigureUnit::Percent),
    ("nasdaq_change", FigureUnit::Percent),
    ("gold_change", FigureUnit::Percent),
    ("silver_change", FigureUnit::Percent),
    ("wti_change", FigureUnit::Percent),
    ("safe_haven", FigureUnit::Word),
    ("downside_protection", FigureUnit::Word),
    ("stress", FigureUnit::Index),
    ("stress_band", FigureUnit::Word),
];

/// What a figure's value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FigureUnit {
    /// US dollars.
    Usd,
    /// Percent.
    Percent,
    /// A number of things.
    Count,
    /// A number from 0 to 100.
    Index,
    /// A UTC date.
    Date,
    /// True or false.
    YesNo,
    /// A word of a closed list.
    Word,
}

/// What a figure says.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum FigureValue {
    /// A number in the figure's unit.
    Number(f64),
    /// Yes or no.
    YesNo(bool),
    /// A word or a date.
    Word(String),
}

/// One headline figure.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Figure {
    /// Its name, the same at every cutoff.
    pub id: String,
    /// What it says, in a sentence.
    pub sentence: String,
    /// Its value. Falls and outflows are negative.
    pub value: FigureValue,
    /// What the value is counted in.
    pub unit: FigureUnit,
    /// Who says so: every source whose rows the value was computed from, separated by commas.
    pub source: String,
    /// When the newest row behind it was true.
    pub observed_at: Timestamp,
    /// The worst state among the series behind it.
    pub state: Freshness,
    /// `at_least` where the true value is this large or larger; absent where it is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
}

/// A headline figure that cannot be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct MissingFigure {
    /// Its name.
    pub id: String,
    /// Why not.
    pub reason: String,
}

/// Headline figures on their way into an answer, and what they were read from.
#[derive(Debug)]
pub(in crate::metrics) struct HeadlineBuilder<'a> {
    pub(in crate::metrics) view: &'a MarketView,
    pub(in crate::metrics) order: &'a SourceOrder,
    /// What changes count from.
    pub(in crate::metrics) since: Window,
    /// The only figure that is wanted; all where none is named.
    wanted: Option<&'a str>,
    pub(in crate::metrics) figures: Vec<Figure>,
    pub(in crate::metrics) missing: Vec<MissingFigure>,
    pub(in crate::metrics) trail: Provenance<'a>,
}

/// An answer's figures with what a headline must say beside them.
#[derive(Debug)]
pub(in crate::metrics) struct SourcedAnswer<T> {
    pub(in crate::metrics) data: T,
    sources: Vec<SourceReading>,
    reason: String,
}

impl From<f64> for FigureValue {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<bool> for FigureValue {
    fn from(value: bool) -> Self {
        Self::YesNo(value)
    }
}

impl From<String> for FigureValue {
    fn from(value: String) -> Self {
        Self::Word(value)
    }
}

impl FigureValue {
    /// The value, where it is a number.
    #[must_use]
    pub const fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::YesNo(_) | Self::Word(_) => None,
        }
    }
}

/// The unit of a headline figure; a word where the id is not one of [`FIGURES`].
pub(in crate::metrics) fn unit_of(id: &str) -> FigureUnit {
    FIGURES.iter().find(|(known, _)| *known == id).map_or(FigureUnit::Word, |(_, unit)| *unit)
}

/// The words that a headline figure can be; empty where it is no word of a closed list.
pub(in crate::metrics) fn allowed_values(id: &str) -> Vec<&'static str> {
    match id {
        "funding_state" => FundingState::ALL.map(FundingState::as_str).into(),
        "downside_protection" => DownsideProtection::ALL.map(DownsideProtection::as_str).into(),
        "stress_band" => StressBand::ALL.map(StressBand::as_str).into(),
        _ => vec![],
    }
}

impl<'a> HeadlineBuilder<'a> {
    pub(in crate::metrics) const fn new(
        view: &'a MarketView,
        order: &'a SourceOrder,
        since: Window,
        wanted: Option<&'a str>,
    ) -> Self {
        Self { view, order, since, wanted, figures: Vec::new(), missing: Vec::new(), trail: Provenance::new(view) }
    }

    /// Asks a question for the sake of some figures; `None` where none of them is wanted or the
    /// question has no answer, which makes them missing.
    pub(in crate::metrics) fn ask<T>(
        &mut self,
        ids: &[&str],
        ask: impl FnOnce() -> Result<Answer<T>, QueryError>,
    ) -> Option<SourcedAnswer<T>> {
        if self.wanted.is_some_and(|wanted| !ids.contains(&wanted)) {
            return None;
        }
        match ask() {
            Ok(answer) => Some(self.merge(answer)),
            Err(error) => {
                let missing = ids.iter().filter(|id| self.wanted.is_none_or(|wanted| wanted == **id));
                self.missing.extend(missing.map(|id| MissingFigure { id: (*id).to_owned(), reason: error.to_string() }));
                None
            }
        }
    }

    /// Adds a figure, or its absence with the reasons its answer gave.
    pub(in crate::metrics) fn push<T, V: Into<FigureValue>>(
        &mut self,
        told: &SourcedAnswer<T>,
        id: &str,
        found: Option<(V, String)>,
    ) {
        self.push_found(told, id, found.map(|(value, sentence)| (value.into(), None, sentence)));
    }

    /// Adds a number that may be a floor, or its absence.
    pub(in crate::metrics) fn push_bounded<T>(&mut self, told: &SourcedAnswer<T>, id: &str, found: Option<(Bounded, String)>) {
        self.push_found(told, id, found.map(|(number, sentence)| (number.value.into(), number.bound, sentence)));
    }

    fn push_found<T>(&mut self, told: &SourcedAnswer<T>, id: &str, found: Option<(FigureValue, Option<Bound>, String)>) {
        if self.wanted.is_some_and(|wanted| wanted != id) {
            return;
        }
        match (found, Origin::of(id, &told.sources)) {
            (Some((value, bound, sentence)), Some(Origin { source, observed_at, state })) => self.figures.push(Figure {
                id: id.to_owned(),
                sentence: if state == Freshness::Stale { dated(&sentence, observed_at) } else { sentence },
                value,
                unit: unit_of(id),
                source,
                observed_at,
                state,
                bound,
            }),
            _ => self.missing.push(MissingFigure { id: id.to_owned(), reason: told.reason.clone() }),
        }
    }

    /// Adds a figure that is true or false, in one of two sentences.
    pub(in crate::metrics) fn push_flag<T>(
        &mut self,
        told: &SourcedAnswer<T>,
        id: &str,
        found: Option<bool>,
        yes: &str,
        no: &str,
    ) {
        let sentence = |holds: bool| if holds { yes } else { no };
        self.push(told, id, found.map(|holds| (holds, sentence(holds).to_owned())));
    }

    fn merge<T>(&mut self, answer: Answer<T>) -> SourcedAnswer<T> {
        // That an input is not live explains more than what else is wrong with it.
        let (stale, others): (Vec<&Warning>, Vec<&Warning>) =
            answer.warnings.iter().partition(|warning| warning.code == WarningCode::StaleInput);
        let details: Vec<&str> = stale.into_iter().chain(others).map(|warning| warning.detail.as_str()).collect();
        let reason = if details.is_empty() { "not enough is known by the cutoff".to_owned() } else { details.join("; ") };
        let (reason, sources) = (shortened(reason), answer.sources.clone());
        SourcedAnswer { data: self.trail.merge(answer), sources, reason }
    }
}

/// The metrics that a figure is computed from; of the stress index all that its answer was read from.
fn inputs_of(id: &str) -> &'static [Metric] {
    match id {
        "market_cap_change" | "market_cap_change_pct" => &[Metric::MarketCap],
        "liquidations_24h" | "liquidations_since" | "liquidations_record_day" => &[Metric::Liquidation],
        "open_interest_change" | "deleveraging" => &[Metric::OpenInterest, Metric::OpenInterestNative],
        "funding_rate_8h" | "funding_state" | "funding_negative_streak" => &[Metric::FundingRate],
        "volatility_implied" => &[Metric::ImpliedVol],
        "downside_protection" => &[Metric::OptionVol],
        "stress" | "stress_band" => &[],
        id if id.starts_with("etf_flow") => &[Metric::EtfFlow],
        _ => &[Metric::Candle, Metric::Price],
    }
}

/// Where a figure comes from.
struct Origin {
    source: String,
    observed_at: Timestamp,
    state: Freshness,
}

impl Origin {
    /// The origin of a figure, given all that its answer was read from.
    fn of(id: &str, sources: &[SourceReading]) -> Option<Self> {
        let metrics = inputs_of(id);
        let inputs = || sources.iter().filter(|reading| metrics.is_empty() || metrics.contains(&reading.series.metric));
        // Of the series of one asset from one source, one that is live is enough.
        let mut states: BTreeMap<(&Source, &Asset), Freshness> = BTreeMap::new();
        for reading in inputs() {
            let state = states.entry((&reading.source, &reading.series.asset)).or_insert(reading.state);
            *state = reading.state.min(*state);
        }
        let names: BTreeSet<&str> = states.keys().map(|(source, _)| source.as_str()).collect();
        Some(Self {
            source: names.into_iter().collect::<Vec<_>>().join(", "),
            observed_at: inputs().map(|reading| reading.observed_at).max()?,
            state: states.into_values().max()?,
        })
    }
}

/// A sentence about an old level, with the instant it is of.
fn dated(sentence: &str, at: Timestamp) -> String {
    format!("{} as of {at}.", sentence.trim_end_matches('.'))
}
