//! Result of the index for one day.

/// The index of one day. Scores are in [0, 1], the index and its contributions in points of 0 to 100.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The index; `None` before any segment is a member and if too much of the weight is missing.
    pub systemic: Option<Systemic>,
    /// Companion for short shocks: the mean of the highest segment scores, each by its highest indicator, 0 to 100.
    pub acute: Option<f64>,
    /// Observed or carried share of the member weight; `None` without members.
    pub coverage: Option<f64>,
    /// True if the history of an observed or carried segment is shorter than the full warm-up.
    pub provisional: bool,
    /// The segments in the order of the recipe.
    pub segments: Vec<SegmentReading>,
}

/// The index and its parts that do not belong to one segment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Systemic {
    /// `100 sqrt(q'Cq)`, 0 to 100.
    pub points: f64,
    /// `q'Cq`, the index as a variance, 0 to 1.
    pub variance: f64,
    /// Index of the day's scores at the co-movement of the day before, in points.
    ///
    /// It splits a change: from yesterday's index to this value by scores, from this value to `points` by co-movement.
    pub at_previous_comovement: f64,
    /// Reduction of the sum of the stand-alone parts by imperfect co-movement, in points, never above 0.
    pub correlation_effect: f64,
    /// Number of the recipe's bounds that the index has reached: 0 is the lowest band.
    pub band: usize,
}

/// One segment on one day.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentReading {
    /// Origin of its score.
    pub standing: Standing,
    /// Score in [0, 1], imputed ones included; `None` if it is not a member or there is nothing to impute from.
    pub score: Option<f64>,
    /// Score by its highest indicator, in [0, 1]; never imputed.
    pub acute_score: Option<f64>,
    /// Weight among the members, which sum to 1; 0 if it is not a member.
    pub weight: f64,
    /// Euler contribution to the index in points: they sum to the index, one may be negative.
    pub contribution: Option<f64>,
    /// `100 w s`: its part if everything moved together, in points.
    pub standalone: Option<f64>,
    /// True if its score uses a history shorter than the full warm-up.
    pub provisional: bool,
    /// Indicators in the order of the recipe.
    pub indicators: Vec<IndicatorReading>,
}

/// Origin of a segment's score on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Has no score yet, so the index is computed without it.
    NotMember,
    /// At least one of its indicators has a value.
    Observed,
    /// No value today: the score of an earlier day is used.
    Carried {
        /// Days since it was observed.
        age_days: usize,
    },
    /// Missing for too long: the weighted mean of the present segments is used.
    Imputed,
}

/// One indicator on one day.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IndicatorReading {
    /// Mid-rank in (0, 1] of its value in its trailing sample; `None` without a value or before its warm-up.
    pub percentile: Option<f64>,
    /// Contribution to the index in points; a segment's indicators sum to the segment's contribution.
    pub contribution: Option<f64>,
    /// True if it has fewer observations than the full warm-up.
    pub provisional: bool,
}
