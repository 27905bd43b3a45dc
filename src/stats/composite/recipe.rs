//! Recipe of the index: every parameter that may be chosen, and the checks of a choice.

/// Parameters of one index. Other values make another index: version it (METHODOLOGY section 11.5).
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    /// Segments, in the order of their values.
    pub segments: Vec<SegmentRecipe>,
    /// Exponent of the power mean of a segment's indicators: 1 is the mean, infinity the maximum.
    pub power: f64,
    /// True if a segment's power mean is ranked again in its own history, so that its median is 0.5.
    pub rerank: bool,
    /// Daily decay of the co-movement matrix, in [0, 1).
    pub decay: f64,
    /// Length of a percentile's sample in observations, the current one included.
    pub window: usize,
    /// Days before the first publication; an indicator with fewer observations is provisional.
    pub warm_up: usize,
    /// Observations that an indicator needs once the index is past its own warm-up.
    pub late_warm_up: usize,
    /// Days for which a segment's last score replaces a missing one.
    pub carry_limit: usize,
    /// Minimum observed or carried share of the member weight, in [0, 1]; below it there is no index.
    pub coverage_floor: f64,
    /// Number of the highest segment scores in the acute companion.
    pub acute_top: usize,
    /// Lower bounds of the bands above the lowest, ascending, in points of the index.
    pub bands: Vec<f64>,
}

/// One segment of the market.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentRecipe {
    /// Weight relative to the other segments, positive; member weights are scaled to sum to 1.
    pub weight: f64,
    /// Number of indicators.
    pub indicators: usize,
}

/// Fault of a recipe or of a day's values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CompositeError {
    /// A parameter outside its range.
    #[error("stress recipe: `{parameter}` is out of range, give {allowed}")]
    Parameter {
        /// Name of the field of [`Recipe`].
        parameter: &'static str,
        /// Allowed values.
        allowed: &'static str,
    },
    /// The values of a day are not grouped like the recipe's segments.
    #[error(
        "stress index: the day's values do not match the recipe's segments and indicators, pass one value or none per indicator"
    )]
    Shape,
    /// A value is NaN or infinite.
    #[error("stress index: a value is not finite, pass none for a missing one")]
    NotFinite,
}

impl Recipe {
    /// Rejects a recipe that cannot be computed.
    ///
    /// # Errors
    /// [`CompositeError::Parameter`] names the first parameter out of range.
    pub(super) fn check(&self) -> Result<(), CompositeError> {
        let weights_positive = self.segments.iter().all(|segment| segment.weight > 0.0 && segment.weight.is_finite());
        let rules = [
            ("segments", "at least one, each with a positive weight", !self.segments.is_empty() && weights_positive),
            ("power", "at least 1", self.power >= 1.0),
            ("decay", "0 or more and less than 1", (0.0..1.0).contains(&self.decay)),
            ("window", "more than both warm-ups", self.window > self.warm_up.max(self.late_warm_up)),
            ("late_warm_up", "1 up to the warm-up", (1..=self.warm_up).contains(&self.late_warm_up)),
            ("coverage_floor", "a share from 0 to 1", (0.0..=1.0).contains(&self.coverage_floor)),
            ("acute_top", "at least 1", self.acute_top >= 1),
            ("bands", "ascending bounds", self.bands.is_sorted()),
        ];
        match rules.into_iter().find(|&(_, _, holds)| !holds) {
            Some((parameter, allowed, _)) => Err(CompositeError::Parameter { parameter, allowed }),
            None => Ok(()),
        }
    }

    /// Rejects a day that is not grouped like the segments or has a value that is not finite.
    ///
    /// # Errors
    /// [`CompositeError::Shape`] and [`CompositeError::NotFinite`].
    pub(super) fn check_day(&self, day: &[Vec<Option<f64>>]) -> Result<(), CompositeError> {
        let grouped = day.len() == self.segments.len()
            && day.iter().zip(&self.segments).all(|(values, segment)| values.len() == segment.indicators);
        if !grouped {
            return Err(CompositeError::Shape);
        }
        if day.iter().flatten().flatten().any(|value| !value.is_finite()) {
            return Err(CompositeError::NotFinite);
        }
        Ok(())
    }
}
