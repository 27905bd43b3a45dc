//! Co-movement of segment scores: an exponentially weighted covariance of their distances from the median.
//!
//! The deviations of every day are stored. A segment's warm-up scores are known only after its warm-up, and are
//! then added to the matrix at their own days.

/// Variance below which a segment has not moved and its correlations are 0.
const NO_VARIANCE: f64 = 1e-18;

/// The matrix `S_t = decay S_{t-1} + (1 - decay) x x'` and its input deviations.
#[derive(Debug, Clone)]
pub(super) struct CoMovement {
    decay: f64,
    covariance: Vec<Vec<f64>>,
    /// Deviations by day, one number for each segment.
    deviations: Vec<f64>,
}

impl CoMovement {
    pub(super) fn new(decay: f64, segments: usize) -> Self {
        Self { decay, covariance: vec![vec![0.0; segments]; segments], deviations: Vec::new() }
    }

    /// Returns the number of days pushed.
    pub(super) fn days(&self) -> usize {
        self.deviations.len() / self.covariance.len()
    }

    /// Returns the covariance after one more day of deviations.
    pub(super) fn covariance_with(&self, deviations: &[f64]) -> Covariance {
        let row = |(held, x_i): (&Vec<f64>, &f64)| {
            held.iter().zip(deviations).map(|(&sigma, x_j)| self.step(sigma, x_i * x_j)).collect()
        };
        Covariance(self.covariance.iter().zip(deviations).map(row).collect())
    }

    /// Returns the covariance as of the last day pushed.
    pub(super) fn covariance(&self) -> Covariance {
        Covariance(self.covariance.clone())
    }

    /// Adds one day.
    pub(super) fn push(&mut self, deviations: &[f64]) {
        self.covariance = self.covariance_with(deviations).0;
        self.deviations.extend(deviations);
    }

    /// Sets the earlier deviations of one segment, given by day, and recomputes its part of the matrix.
    pub(super) fn backfill(&mut self, segment: usize, deviations: impl Iterator<Item = (usize, f64)>) {
        let segments = self.covariance.len();
        for (day, deviation) in deviations {
            self.deviations[day * segments + segment] = deviation;
        }
        for other in 0..segments {
            let days = self.deviations.chunks_exact(segments);
            let sigma = days.fold(0.0, |sigma, x| self.step(sigma, x[segment] * x[other]));
            self.covariance[segment][other] = sigma;
            self.covariance[other][segment] = sigma;
        }
    }

    fn step(&self, sigma: f64, product: f64) -> f64 {
        self.decay * sigma + (1.0 - self.decay) * product
    }
}

/// A covariance matrix of segment scores.
#[derive(Debug, Clone)]
pub(super) struct Covariance(Vec<Vec<f64>>);

impl Covariance {
    /// Returns the correlation of two segments in [-1, 1]; 1 with itself, 0 with one that has not moved.
    pub(super) fn correlation(&self, i: usize, j: usize) -> f64 {
        if i == j {
            return 1.0;
        }
        let (var_i, var_j) = (self.0[i][i], self.0[j][j]);
        if var_i < NO_VARIANCE || var_j < NO_VARIANCE {
            return 0.0;
        }
        (self.0[i][j] / (var_i * var_j).sqrt()).clamp(-1.0, 1.0)
    }

    /// Returns `C q`: the weighted scores multiplied by the correlations.
    pub(super) fn correlate(&self, weighted: &[f64]) -> Vec<f64> {
        let row = |i| weighted.iter().enumerate().map(|(j, q)| self.correlation(i, j) * q).sum();
        (0..weighted.len()).map(row).collect()
    }
}
