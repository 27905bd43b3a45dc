//! The composite stress index: a causal state machine fed one day at a time (METHODOLOGY sections 11.2 and 11.3).
//!
//! Indicators become percentiles of their own history. Segments are a power mean of them, ranked again. The index
//! joins their weighted scores by their co-movement: `100 sqrt(q'Cq)` with `q = w s` (after Hollo, Kremer and
//! Lo Duca 2012). This module owns the arithmetic and the state. The caller chooses the indicators and their
//! orientation, the weights and the names of the bands.
//!
//! A pushed day never changes an earlier reading. During an outage a segment keeps its weight: its last score is
//! carried, then the mean of the others is used, so a gap makes no peak. A series that never existed is not a
//! member and changes nothing.

mod comovement;
mod judged;
mod parts;
mod reading;
mod recipe;
mod segment;

use self::comovement::CoMovement;
use self::judged::Judged;
use self::parts::Parts;
pub use self::reading::{IndicatorReading, Reading, SegmentReading, Standing, Systemic};
pub use self::recipe::{CompositeError, Recipe, SegmentRecipe};
use self::segment::Segment;
use super::threshold::at_least;

/// The theoretical median of a score, from which co-movement is measured.
const MEDIAN_SCORE: f64 = 0.5;

/// The index and its state.
#[derive(Debug, Clone)]
pub struct Composite {
    recipe: Recipe,
    segments: Vec<Segment>,
    comovement: CoMovement,
}

impl Composite {
    /// Creates an index without history.
    ///
    /// # Errors
    /// [`CompositeError::Parameter`] if the recipe cannot be computed.
    pub fn new(recipe: Recipe) -> Result<Self, CompositeError> {
        recipe.check()?;
        let segments = recipe.segments.iter().map(|segment| Segment::new(&recipe, segment.indicators)).collect();
        let comovement = CoMovement::new(recipe.decay, recipe.segments.len());
        Ok(Self { recipe, segments, comovement })
    }

    /// Returns the number of days pushed.
    #[must_use]
    pub fn days(&self) -> usize {
        self.comovement.days()
    }

    /// Returns the correlation in [-1, 1] of two segments' scores as of the last day; `None` if there is no such segment.
    #[must_use]
    pub fn correlation(&self, first: usize, second: usize) -> Option<f64> {
        let exist = first.max(second) < self.segments.len();
        exist.then(|| self.comovement.covariance().correlation(first, second))
    }

    /// Computes the index as if the next day closed with these values, without pushing it.
    ///
    /// Values are oriented so that up is more stress, grouped by segment, `None` if missing.
    ///
    /// # Errors
    /// [`CompositeError::Shape`] and [`CompositeError::NotFinite`].
    pub fn evaluate(&self, day: &[Vec<Option<f64>>]) -> Result<Reading, CompositeError> {
        self.recipe.check_day(day)?;
        Ok(self.read(&self.judge(day)))
    }

    /// Pushes one day and returns its index, from this and earlier days alone.
    ///
    /// Values as for [`evaluate`](Self::evaluate). A day without any value is pushed too: ages count days.
    ///
    /// # Errors
    /// [`CompositeError::Shape`] and [`CompositeError::NotFinite`]; the state is then unchanged.
    pub fn push(&mut self, day: &[Vec<Option<f64>>]) -> Result<Reading, CompositeError> {
        self.recipe.check_day(day)?;
        let judged = self.judge(day);
        let reading = self.read(&judged);
        self.take_in(day, &judged);
        Ok(reading)
    }

    /// Pushes one day like [`push`](Self::push) without computing its index, for callers that have it already.
    ///
    /// # Errors
    /// As for [`push`](Self::push).
    pub fn follow(&mut self, day: &[Vec<Option<f64>>]) -> Result<(), CompositeError> {
        self.recipe.check_day(day)?;
        let judged = self.judge(day);
        self.take_in(day, &judged);
        Ok(())
    }

    fn take_in(&mut self, day: &[Vec<Option<f64>>], judged: &Judged) {
        let index = self.days();
        for ((segment, values), assessment) in self.segments.iter_mut().zip(day).zip(&judged.assessments) {
            segment.push(index, values, assessment);
        }
        self.comovement.push(&judged.deviations());
        if self.days() >= self.recipe.warm_up {
            self.admit();
        }
    }

    fn admit(&mut self) {
        for (index, segment) in self.segments.iter_mut().enumerate() {
            let seed = segment.admit(self.recipe.late_warm_up);
            if !seed.is_empty() {
                let deviations = seed.into_iter().map(|(day, score)| (day, score - MEDIAN_SCORE));
                self.comovement.backfill(index, deviations);
            }
        }
    }

    fn judge(&self, day: &[Vec<Option<f64>>]) -> Judged {
        let assessments = self.segments.iter().zip(day).map(|(segment, values)| segment.assess(values)).collect();
        let carried: Vec<_> = self.segments.iter().map(Segment::carried).collect();
        let weights: Vec<_> = self.recipe.segments.iter().map(|segment| segment.weight).collect();
        Judged::new(assessments, &carried, self.recipe.carry_limit, &weights)
    }

    fn read(&self, judged: &Judged) -> Reading {
        let coverage = judged.coverage();
        let covered = coverage.is_some_and(|coverage| coverage > 0.0 && at_least(coverage, self.recipe.coverage_floor));
        let scores = judged.scores();
        let covariance = self.comovement.covariance_with(&judged.deviations());
        let parts = covered.then(|| Parts::new(&judged.weights, &scores, &covariance));
        let before = || Parts::new(&judged.weights, &scores, &self.comovement.covariance());
        let systemic = parts.as_ref().map(|parts| parts.systemic(&before(), &self.recipe.bands));
        let read = |(index, &score)| self.read_segment(index, judged, score, parts.as_ref());
        let segments: Vec<_> = scores.iter().enumerate().map(read).collect();
        Reading {
            systemic,
            acute: judged.acute(self.recipe.acute_top).filter(|_| covered),
            coverage,
            provisional: segments.iter().any(|segment| segment.provisional),
            segments,
        }
    }

    fn read_segment(&self, index: usize, judged: &Judged, score: Option<f64>, parts: Option<&Parts>) -> SegmentReading {
        let segment = &self.segments[index];
        let parts = parts.filter(|_| judged.is_member(index));
        let contribution = parts.map(|parts| parts.contribution(index));
        let percentiles = &judged.assessments[index].percentiles;
        let shares = segment::shares(percentiles, self.recipe.power);
        let read = |(i, (&percentile, share)): (usize, (&Option<f64>, Option<f64>))| IndicatorReading {
            percentile,
            contribution: share.zip(contribution).map(|(share, points)| share * points),
            provisional: segment.is_young(i),
        };
        SegmentReading {
            standing: judged.standings[index],
            score,
            acute_score: judged.present[index].map(|scores| scores.acute),
            weight: judged.weights[index],
            contribution,
            standalone: parts.map(|parts| parts.standalone(index)),
            provisional: judged.present[index].is_some() && segment.is_provisional(),
            indicators: percentiles.iter().zip(shares).enumerate().map(read).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
