//! What the index says of one day.

/// The index of one day. Scores are in [0, 1], the index and its contributions in points of 0 to 100.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The index; `None` before any segment is a member and when too much of the weight is missing.
    pub systemic: Option<Systemic>,
    /// Companion for short shocks: the mean of the highest segment scores, each by its highest indicator, 0 to 100.
    pub acute: Option<f64>,
    /// Observed or carried share of the member weight; `None` while there is no member.
    pub coverage: Option<f64>,
    /// Whether the history of a segment that is observed or carried is shorter than the full warm-up.
    pub provisional: bool,
    /// The segments in the order of the recipe.
    pub segments: Vec<SegmentReading>,
}

/// The index and its parts that are not of one segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Systemic {
    /// `100 sqrt(q'Cq)`, 0 to 100.
    pub points: f64,
    /// `q'Cq`, the index as a variance, 0 to 1.
    pub variance: f64,
    /// The index of the day's scores at the co-movement of the day before, in points.
    ///
    /// It splits a change: from yesterday's index to here the scores moved, from here to `points` the co-movement.
    pub at_previous_comovement: f64,
    /// What segments not moving together takes off the sum of the stand-alone parts, in points, never above 0.
    pub correlation_effect: f64,
    /// How many of the recipe's bounds the index has reached: 0 is the lowest band.
    pub band: usize,
}

/// One segment on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentReading {
    /// Where its score comes from.
    pub standing: Standing,
    /// Its score in [0, 1], imputed too; `None` when it is no member or there is nothing to impute from.
    pub score: Option<f64>,
    /// Its score by its highest indicator, in [0, 1]; never imputed.
    pub acute_score: Option<f64>,
    /// Its weight among the members; they sum to 1. 0 when it is no member.
    pub weight: f64,
    /// Its Euler part of the index in points: they sum to the index, one may be negative.
    pub contribution: Option<f64>,
    /// `100 w s`: its part if everything moved together, in points.
    pub standalone: Option<f64>,
    /// Whether its score rests on a history shorter than the full warm-up.
    pub provisional: bool,
    /// Its indicators in the order of the recipe.
    pub indicators: Vec<IndicatorReading>,
}

/// Where a segment's score of a day comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It has no score yet, so the index is made without it.
    NotMember,
    /// At least one of its indicators has a value.
    Observed,
    /// No value today: the score of so many days ago stands.
    Carried {
        /// Days since it was observed.
        age_days: usize,
    },
    /// Missing for too long: the weighted mean of the present segments stands in.
    Imputed,
}

/// One indicator on one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndicatorReading {
    /// Mid-rank in (0, 1] of its value in its trailing sample; `None` without a value or before it counts.
    pub percentile: Option<f64>,
    /// Its part of the index in points; a segment's indicators sum to the segment's contribution.
    pub contribution: Option<f64>,
    /// Whether it has fewer observations than the full warm-up.
    pub provisional: bool,
}
