//! Tail of a distribution: peaks over a threshold and their generalised Pareto law (METHODOLOGY section 3).
//!
//! A batch computation, not one for a request. Excesses are amounts over the threshold, declustered by the caller.
//! With fewer than [`MIN_EXCESSES`] a fit is not meaningful.

use super::{real, sum::mean};

/// Minimum number of excesses for a published fit.
pub const MIN_EXCESSES: usize = 50;
/// Shape at or below which the likelihood is not regular; fits stay above it.
const MIN_SHAPE: f64 = -0.5;
/// Shapes this close to zero are treated as the exponential law.
const EXPONENTIAL: f64 = 1e-9;
/// Grid points evaluated before the best is refined.
const GRID: u32 = 100;
/// Sections of the refinement, enough for the precision of a likelihood.
const REFINEMENTS: usize = 60;

/// A generalised Pareto law of excesses, fitted by maximum likelihood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ParetoTail {
    /// ξ: above 0 the tail is heavy; from 1 on it has no mean.
    pub shape: f64,
    /// β, in the excesses' unit.
    pub scale: f64,
    /// The log-likelihood of the sample.
    pub log_likelihood: f64,
}

impl ParetoTail {
    /// Fits positive excesses; `None` for fewer than two.
    ///
    /// For each θ = ξ/β the best ξ is the mean of ln(1 + θ y), so the likelihood is maximised over θ alone.
    #[must_use]
    pub fn fit(excesses: &[f64]) -> Option<Self> {
        let largest = excesses.iter().copied().reduce(f64::max).filter(|y| *y > 0.0 && excesses.len() > 1)?;
        let average = mean(excesses)?;
        // θ is above -1/largest; the distance from there is searched on a logarithmic scale.
        let (low, high) = ((1e-6 / largest).ln(), (1e3 / average).ln());
        let at = |place: f64| Self::given_ratio(excesses, place.exp() - 1.0 / largest);
        let step = (high - low) / f64::from(GRID);
        let best = (0..=GRID).map(|i| low + step * f64::from(i)).max_by(|a, b| rating(at(*a)).total_cmp(&rating(at(*b))))?;
        at(climb(best - step, best + step, |place| rating(at(place))))
    }

    /// Returns the law with the best ξ for a θ; `None` if it is not regular.
    fn given_ratio(excesses: &[f64], ratio: f64) -> Option<Self> {
        let shape = mean(&excesses.iter().map(|y| (ratio * y).ln_1p()).collect::<Vec<_>>())?;
        let scale = if shape.abs() < EXPONENTIAL { mean(excesses)? } else { shape / ratio };
        let log_likelihood = -real(excesses.len()) * (scale.ln() + shape + 1.0);
        (shape > MIN_SHAPE).then_some(Self { shape, scale, log_likelihood })
    }

    /// Returns the probability that an excess is above `excess`.
    #[must_use]
    pub fn survival(&self, excess: f64) -> f64 {
        if self.shape.abs() < EXPONENTIAL {
            return (-excess / self.scale).exp();
        }
        (1.0 + self.shape * excess / self.scale).max(0.0).powf(-1.0 / self.shape)
    }

    /// Returns the distance above the threshold of the level that one in `observations` exceeds. A share `exceeding`
    /// of them (a fraction) exceeds the threshold; `None` if the level is below the threshold.
    #[must_use]
    pub fn return_level(&self, observations: f64, exceeding: f64) -> Option<f64> {
        let rarity = (observations * exceeding).ln();
        let growth = if self.shape.abs() < EXPONENTIAL { rarity } else { (self.shape * rarity).exp_m1() / self.shape };
        (rarity >= 0.0).then_some(self.scale * growth)
    }
}

fn rating(tail: Option<ParetoTail>) -> f64 {
    tail.map_or(f64::NEG_INFINITY, |tail| tail.log_likelihood)
}

/// Returns the position of the maximum between two positions around it, by golden sections.
fn climb(mut low: f64, mut high: f64, height: impl Fn(f64) -> f64) -> f64 {
    let section = (5_f64.sqrt() - 1.0) / 2.0;
    for _ in 0..REFINEMENTS {
        let (left, right) = (high - section * (high - low), low + section * (high - low));
        if height(left) < height(right) {
            low = left;
        } else {
            high = right;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The quantiles of a law at evenly spaced probabilities: a sample without randomness.
    fn sample(shape: f64, scale: f64) -> Vec<f64> {
        (1..500).map(|i| scale * ((f64::from(i) / 500.0).powf(-shape) - 1.0) / shape).collect()
    }

    #[rstest]
    #[case(0.3, 2.0)]
    #[case(-0.2, 5.0)]
    #[case(0.8, 1e6)]
    fn a_fit_recovers_the_law(#[case] shape: f64, #[case] scale: f64) {
        let fit = ParetoTail::fit(&sample(shape, scale)).unwrap();
        assert!((fit.shape - shape).abs() < 0.05, "{fit:?}");
        assert!((fit.scale / scale - 1.0).abs() < 0.05, "{fit:?}");
    }

    #[test]
    fn a_return_level_is_exceeded_at_its_rate() {
        let fit = ParetoTail::fit(&sample(0.3, 2.0)).unwrap();
        let level = fit.return_level(1000.0, 0.025).unwrap();
        assert!((fit.survival(level) * 0.025 - 0.001).abs() < 1e-12);
        assert_eq!(fit.return_level(10.0, 0.025), None);
    }

    #[test]
    fn an_exponential_law_is_the_limit() {
        let exponential = ParetoTail { shape: 0.0, scale: 2.0, log_likelihood: 0.0 };
        assert!((exponential.survival(2.0) - (-1.0_f64).exp()).abs() < 1e-15);
        assert!((exponential.return_level(1000.0, 0.1).unwrap() - 2.0 * 100_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_tail_with_an_end_has_nothing_beyond_it() {
        let short = ParetoTail { shape: -0.25, scale: 1.0, log_likelihood: 0.0 };
        assert!(short.survival(5.0).abs() < f64::EPSILON);
    }

    #[test]
    fn too_few_excesses_fit_nothing() {
        assert_eq!(ParetoTail::fit(&[]), None);
        assert_eq!(ParetoTail::fit(&[1.0]), None);
    }
}
