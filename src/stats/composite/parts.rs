//! Decomposition of the index: its variance form, its Euler contributions and its stand-alone parts.

use super::comovement::Covariance;
use super::reading::Systemic;
use crate::stats::threshold::at_least;

/// `q = w s` and the values derived from it.
#[derive(Debug)]
pub(super) struct Parts {
    weighted: Vec<f64>,
    variance: f64,
    contributions: Vec<f64>,
}

impl Parts {
    pub(super) fn new(weights: &[f64], scores: &[Option<f64>], covariance: &Covariance) -> Self {
        let weighted: Vec<f64> = weights.iter().zip(scores).map(|(w, s)| w * s.unwrap_or(0.0)).collect();
        let correlated = covariance.correlate(&weighted);
        let terms: Vec<f64> = weighted.iter().zip(correlated).map(|(q, cq)| q * cq).collect();
        let variance = terms.iter().sum::<f64>().max(0.0);
        let root = variance.sqrt();
        let contributions = terms.iter().map(|term| if root > 0.0 { 100.0 * term / root } else { 0.0 }).collect();
        Self { weighted, variance, contributions }
    }

    /// Returns `100 q_i (Cq)_i / sqrt(q'Cq)`, in points; they sum to the index.
    pub(super) fn contribution(&self, segment: usize) -> f64 {
        self.contributions[segment]
    }

    /// Returns `100 w_i s_i`, in points.
    pub(super) fn standalone(&self, segment: usize) -> f64 {
        100.0 * self.weighted[segment]
    }

    /// Returns the index in points, 0 to 100.
    pub(super) fn points(&self) -> f64 {
        100.0 * self.variance.sqrt()
    }

    /// Returns the index and its band, given the lower bounds `bands`; `before` is the day at the previous co-movement.
    pub(super) fn systemic(&self, before: &Self, bands: &[f64]) -> Systemic {
        let points = self.points();
        let standalone: f64 = (0..self.weighted.len()).map(|segment| self.standalone(segment)).sum();
        Systemic {
            points,
            variance: self.variance,
            at_previous_comovement: before.points(),
            correlation_effect: (points - standalone).min(0.0),
            band: bands.iter().filter(|&&bound| at_least(points, bound)).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::comovement::CoMovement, *};

    #[test]
    fn a_bound_belongs_to_the_band_above_it() {
        let still = CoMovement::new(0.9, 1).covariance();
        let band = |score| {
            let parts = Parts::new(&[1.0], &[Some(score)], &still);
            parts.systemic(&parts, &[25.0, 50.0]).band
        };
        assert_eq!([0.24, 0.25, 0.49, 0.5, 1.0].map(band), [0, 1, 1, 2, 2]);
    }

    proptest! {
        #[test]
        fn if_all_move_together_more_stress_in_a_segment_raises_the_index(
            scores in prop::collection::vec(0.01..0.9, 4),
            days in prop::collection::vec(prop::collection::vec(0.0..0.5, 4), 1..30),
            segment in 0_usize..4, rise in 0.0..0.1,
        ) {
            let mut comovement = CoMovement::new(0.9, 4);
            for day in days {
                comovement.push(&day);
            }
            let points = |scores: &[f64]| {
                let scores: Vec<_> = scores.iter().copied().map(Some).collect();
                Parts::new(&[0.25; 4], &scores, &comovement.covariance()).points()
            };
            let mut risen = scores.clone();
            risen[segment] += rise;
            prop_assert!(points(&risen) >= points(&scores) - 1e-9);
        }
    }
}
