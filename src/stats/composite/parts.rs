//! The index taken apart: its variance form, its Euler contributions and its stand-alone parts.

use super::comovement::Covariance;
use super::reading::Systemic;

/// `q = w s` and what follows from it.
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

    /// `100 q_i (Cq)_i / sqrt(q'Cq)`, in points; they sum to the index.
    pub(super) fn contribution(&self, segment: usize) -> f64 {
        self.contributions[segment]
    }

    /// `100 w_i s_i`, in points.
    pub(super) fn standalone(&self, segment: usize) -> f64 {
        100.0 * self.weighted[segment]
    }

    /// The index, in a band of those that begin at `bands`.
    pub(super) fn systemic(&self, bands: &[f64]) -> Systemic {
        let points = 100.0 * self.variance.sqrt();
        let standalone: f64 = (0..self.weighted.len()).map(|segment| self.standalone(segment)).sum();
        Systemic {
            points,
            variance: self.variance,
            correlation_effect: (points - standalone).min(0.0),
            band: bands.iter().filter(|&&bound| points >= bound).count(),
        }
    }
}
