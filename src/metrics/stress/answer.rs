use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{Metric, Timestamp};
use crate::metrics::statements::{DatedRow, StaleInputs, Statements};
use crate::metrics::stress::history::Values;
use crate::metrics::stress::recipe::{IndicatorSpec, RECIPE, SegmentSpec};
use crate::stats::composite::{IndicatorReading, Reading, SegmentReading, Standing};

/// How much stress the crypto market is under (METHODOLOGY section 11.3).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Stress {
    /// The UTC day that is judged.
    pub day: NaiveDate,
    /// Whether that day is closed; an open one is judged as far as it goes.
    pub closed: bool,
    /// The index of stress in many parts of the market at once, 0 to 100.
    pub systemic: Option<f64>,
    /// The companion for short shocks: the mean of the three highest segments, 0 to 100.
    pub acute: Option<f64>,
    /// Where `systemic` lies.
    pub band: Option<StressBand>,
    /// Mid-rank of `systemic` among the last four years of days; 1 is the highest.
    pub percentile_ratio: Option<f64>,
    /// Points against the day before.
    pub change_1d: Option<f64>,
    /// The part of `change_1d` that came from the segments' scores, points.
    pub change_1d_levels: Option<f64>,
    /// The part of `change_1d` that came from segments moving together more or less, points.
    pub change_1d_comovement: Option<f64>,
    /// Points against seven days before.
    pub change_7d: Option<f64>,
    /// Observed or carried share of the weight.
    pub coverage_ratio: Option<f64>,
    /// Whether the figures may change or rest on a short history.
    pub provisional: bool,
    /// `systemic` as a variance, 0 to 1.
    pub variance: Option<f64>,
    /// What segments not moving together takes off the sum of their stand-alone parts, points, never above 0.
    pub correlation_effect: Option<f64>,
    /// The parts of the market; their contributions add to `systemic`.
    pub segments: Vec<StressSegment>,
}

/// An indicator without a row of the day has no value of its own, so one input that dies takes its part out. Without
/// a live price of the judged asset there is no index: the last day that was judged is over.
impl Statements for Stress {
    fn withhold(&mut self, stale: &StaleInputs) {
        if stale.iter().any(|input| input.metric == Metric::Candle && input.asset.as_str() == RECIPE.asset) {
            *self = Self::unknown(self.day);
        }
    }
}

/// Where the index lies in its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StressBand {
    /// Under 30, the median.
    Calm,
    /// From 30 on.
    Normal,
    /// From 45 on, one day in four.
    Elevated,
    /// From 58 on, one day in ten.
    High,
    /// From 67 on, one day in twenty.
    Severe,
    /// From 78 on, one day in a hundred.
    Extreme,
}

/// One part of the market.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StressSegment {
    /// Its name.
    pub name: &'static str,
    /// Its score, 0 to 100, 50 being its median; absent while it is no member.
    pub score: Option<f64>,
    /// Its score by its highest indicator, 0 to 100; never imputed.
    pub acute_score: Option<f64>,
    /// Its weight among the members; they sum to 1.
    pub weight: f64,
    /// Its part of `systemic`, points; may be negative.
    pub contribution: Option<f64>,
    /// Its part if everything moved together, points.
    pub standalone: Option<f64>,
    /// Where its score comes from.
    pub standing: StressStanding,
    /// Days since its score was observed, where it is carried.
    pub carried_days: Option<usize>,
    /// Whether it rests on less than a year of history.
    pub provisional: bool,
    /// What it is made of.
    pub indicators: Vec<StressIndicator>,
}

/// Where a segment's score comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StressStanding {
    /// It has too little history to count.
    NotMember,
    /// It has values of this day.
    Observed,
    /// The score of some days ago stands.
    Carried,
    /// The mean of the others stands in.
    Imputed,
}

/// One indicator, oriented so that up is more stress.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct StressIndicator {
    /// Its name.
    pub name: &'static str,
    /// Its value of the day, in `unit`.
    pub value: Option<f64>,
    /// The unit: `ratio` is a fraction, `log_ratio` a logarithm of one, `percent` percent points.
    pub unit: &'static str,
    /// Mid-rank of the value among its last four years; 1 is the highest.
    pub percentile_ratio: Option<f64>,
    /// Its part of the segment's contribution, points.
    pub contribution: Option<f64>,
    /// Whether it has less than a year of history.
    pub provisional: bool,
}

/// One closed day of the index.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct StressRow {
    /// The start of the day.
    pub time: Timestamp,
    /// The index of stress in many parts at once, 0 to 100.
    pub systemic: Option<f64>,
    /// The companion for short shocks, 0 to 100.
    pub acute: Option<f64>,
    /// Observed or carried share of the weight.
    pub coverage_ratio: Option<f64>,
    /// Score of falling prices, 0 to 100.
    pub price: Option<f64>,
    /// Score of volatility, 0 to 100.
    pub volatility: Option<f64>,
    /// Score of liquidations and closed positions, 0 to 100.
    pub leverage: Option<f64>,
    /// Score of falling and negative funding, 0 to 100.
    pub funding: Option<f64>,
    /// Score of outflows of spot funds, 0 to 100.
    pub etf: Option<f64>,
    /// Score of stress in other markets and of moving with them, 0 to 100.
    pub cross_asset: Option<f64>,
    /// Score of illiquidity, 0 to 100.
    pub liquidity: Option<f64>,
}

impl DatedRow for StressRow {}

impl Stress {
    /// What is said of a day of which nothing is known.
    pub(super) const fn unknown(day: NaiveDate) -> Self {
        Self {
            day,
            closed: false,
            systemic: None,
            acute: None,
            band: None,
            percentile_ratio: None,
            change_1d: None,
            change_1d_levels: None,
            change_1d_comovement: None,
            change_7d: None,
            coverage_ratio: None,
            provisional: true,
            variance: None,
            correlation_effect: None,
            segments: Vec::new(),
        }
    }
}

impl StressBand {
    /// Every band, the lowest first.
    pub(in crate::metrics) const ALL: [Self; 6] =
        [Self::Calm, Self::Normal, Self::Elevated, Self::High, Self::Severe, Self::Extreme];

    /// The word of an answer.
    pub(in crate::metrics) const fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Normal => "normal",
            Self::Elevated => "elevated",
            Self::High => "high",
            Self::Severe => "severe",
            Self::Extreme => "extreme",
        }
    }

    /// The band that begins at so many of the recipe's bounds.
    pub(super) const fn of(reached: usize) -> Self {
        match reached {
            0 => Self::Calm,
            1 => Self::Normal,
            2 => Self::Elevated,
            3 => Self::High,
            4 => Self::Severe,
            _ => Self::Extreme,
        }
    }
}

impl StressSegment {
    pub(super) fn all(values: &Values, reading: &Reading) -> Vec<Self> {
        let parts = RECIPE.segments.iter().zip(values).zip(&reading.segments);
        parts.map(|((spec, values), reading)| Self::of(spec, values, reading)).collect()
    }

    fn of(spec: &SegmentSpec, values: &[Option<f64>], reading: &SegmentReading) -> Self {
        let (standing, carried_days) = match reading.standing {
            Standing::NotMember => (StressStanding::NotMember, None),
            Standing::Observed => (StressStanding::Observed, None),
            Standing::Carried { age_days } => (StressStanding::Carried, Some(age_days)),
            Standing::Imputed => (StressStanding::Imputed, None),
        };
        let parts = spec.indicators.iter().zip(values).zip(&reading.indicators);
        let indicator = |((spec, value), reading): ((&IndicatorSpec, &Option<f64>), &IndicatorReading)| StressIndicator {
            name: spec.name,
            value: *value,
            unit: spec.unit,
            percentile_ratio: reading.percentile,
            contribution: reading.contribution,
            provisional: reading.provisional,
        };
        Self {
            name: spec.name,
            score: reading.score.map(|score| 100.0 * score),
            acute_score: reading.acute_score.map(|score| 100.0 * score),
            weight: reading.weight,
            contribution: reading.contribution,
            standalone: reading.standalone,
            standing,
            carried_days,
            provisional: reading.provisional,
            indicators: parts.map(indicator).collect(),
        }
    }
}
