//! Mean, variance and covariance, mergeable (METHODOLOGY section 12: Welford, Chan); of a slice in two passes.
//!
//! Nothing is ever subtracted from a state: a window is merged from blocks, so a spike outside it leaves no residue.

use super::real;

/// Count, mean and centred second moment of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    n: usize,
    mean: f64,
    m2: f64,
}

impl Moments {
    /// Computes the moments of a whole slice of finite values: two passes around the first value. This needs no
    /// division per value and is exactly 0 for a constant slice.
    #[must_use]
    pub fn of(values: &[f64]) -> Self {
        let Some(first) = values.first() else { return Self::default() };
        let shift = shift(values, *first);
        let m2 = values.iter().map(|value| (value - first - shift).powi(2)).sum();
        Self { n: values.len(), mean: first + shift, m2 }
    }

    /// Adds one finite value.
    pub fn push(&mut self, value: f64) {
        self.n += 1;
        let delta = value - self.mean;
        self.mean += delta / real(self.n);
        self.m2 += delta * (value - self.mean);
    }

    /// Returns the moments of both samples together (Chan, Golub & `LeVeque`).
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        if self.n == 0 {
            return other;
        }
        if other.n == 0 {
            return self;
        }
        let n = self.n + other.n;
        let delta = other.mean - self.mean;
        let share = real(other.n) / real(n);
        Self { n, mean: self.mean + delta * share, m2: self.m2 + other.m2 + delta * delta * real(self.n) * share }
    }

    /// Returns the number of values.
    #[must_use]
    pub fn count(&self) -> usize {
        self.n
    }

    /// Returns the mean, in the values' unit.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.n > 0).then_some(self.mean)
    }

    /// Returns the sum of squared deviations from the mean, in the unit squared.
    #[must_use]
    pub fn squared_deviations(&self) -> f64 {
        self.m2
    }

    /// Returns the sample variance (ddof 1), in the unit squared; `None` for fewer than two values.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.n > 1).then(|| self.m2.max(0.0) / real(self.n - 1))
    }

    /// Returns the sample standard deviation (ddof 1), in the values' unit.
    #[must_use]
    pub fn std_dev(&self) -> Option<f64> {
        self.variance().map(f64::sqrt)
    }

    /// Returns the distance of a value outside the sample from its mean, in standard deviations; `None` if it is constant.
    #[must_use]
    pub fn z_score(&self, value: f64) -> Option<f64> {
        self.std_dev().filter(|&sd| sd > 0.0).map(|sd| (value - self.mean) / sd)
    }
}

/// Returns the distance of the mean of at least one value from the first of them.
fn shift(values: &[f64], first: f64) -> f64 {
    values.iter().map(|value| value - first).sum::<f64>() / real(values.len())
}

impl FromIterator<f64> for Moments {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        values.into_iter().fold(Self::default(), |mut moments, value| {
            moments.push(value);
            moments
        })
    }
}

/// Moments of two paired samples, and their centred product.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CoMoments {
    x: Moments,
    y: Moments,
    cxy: f64,
}

impl CoMoments {
    /// Computes the moments of finite pairs as [`Moments::of`] does; the longer side is truncated.
    #[must_use]
    pub fn of(x: &[f64], y: &[f64]) -> Self {
        let n = x.len().min(y.len());
        let (x, y) = (&x[..n], &y[..n]);
        let (Some(first_x), Some(first_y)) = (x.first(), y.first()) else { return Self::default() };
        let (shift_x, shift_y) = (shift(x, *first_x), shift(y, *first_y));
        // Same deviations as in the moments, to the last bit: a series correlates with itself exactly.
        let product = |(x, y): (&f64, &f64)| (x - first_x - shift_x) * (y - first_y - shift_y);
        Self { x: Moments::of(x), y: Moments::of(y), cxy: x.iter().zip(y).map(product).sum() }
    }

    /// Adds one pair of finite values.
    pub fn push(&mut self, x: f64, y: f64) {
        let delta_x = x - self.x.mean;
        self.x.push(x);
        self.y.push(y);
        self.cxy += delta_x * (y - self.y.mean);
    }

    /// Returns the moments of both samples of pairs together.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let n = self.x.n + other.x.n;
        if n == 0 {
            return self;
        }
        let shift = (other.x.mean - self.x.mean) * (other.y.mean - self.y.mean);
        let cxy = self.cxy + other.cxy + shift * real(self.x.n) * real(other.x.n) / real(n);
        Self { x: self.x.merge(other.x), y: self.y.merge(other.y), cxy }
    }

    /// Returns the moments of the first of each pair.
    #[must_use]
    pub fn x(&self) -> Moments {
        self.x
    }

    /// Returns the moments of the second of each pair.
    #[must_use]
    pub fn y(&self) -> Moments {
        self.y
    }

    /// Returns the sum of products of deviations, in x's unit times y's.
    #[must_use]
    pub fn product_deviations(&self) -> f64 {
        self.cxy
    }

    /// Returns the sample covariance (ddof 1); `None` for fewer than two pairs.
    #[must_use]
    pub fn covariance(&self) -> Option<f64> {
        (self.x.n > 1).then(|| self.cxy / real(self.x.n - 1))
    }

    /// Returns Pearson's correlation in [-1, 1]; `None` for fewer than two pairs or a constant side.
    #[must_use]
    pub fn correlation(&self) -> Option<f64> {
        let scale = (self.x.m2 * self.y.m2).sqrt();
        (scale > 0.0).then(|| (self.cxy / scale).clamp(-1.0, 1.0))
    }

    /// Returns the least-squares slope of y on x, in y's unit per x's; `None` if x is constant.
    #[must_use]
    pub fn slope(&self) -> Option<f64> {
        (self.x.m2 > 0.0).then(|| self.cxy / self.x.m2)
    }
}

impl FromIterator<(f64, f64)> for CoMoments {
    fn from_iter<I: IntoIterator<Item = (f64, f64)>>(pairs: I) -> Self {
        pairs.into_iter().fold(Self::default(), |mut moments, (x, y)| {
            moments.push(x, y);
            moments
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moments(values: &[f64]) -> Moments {
        values.iter().copied().collect()
    }

    #[test]
    fn one_value_has_a_mean_and_no_variance() {
        let one = moments(&[3.0]);
        assert_eq!(one.mean(), Some(3.0));
        assert_eq!(one.variance(), None);
        assert_eq!(Moments::default().mean(), None);
    }

    #[test]
    fn a_constant_has_no_correlation() {
        let flat: CoMoments = [(1.0, 5.0), (2.0, 5.0), (3.0, 5.0)].into_iter().collect();
        assert_eq!(flat.correlation(), None);
        assert_eq!(flat.covariance(), Some(0.0));
    }

    #[test]
    fn a_spike_leaves_the_merged_window_as_if_it_had_never_been() {
        let calm = moments(&[1.0, 2.0]).merge(moments(&[3.0, 4.0]));
        assert!((calm.variance().unwrap() - 5.0 / 3.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn any_split_merges_to_the_whole(pairs in prop::collection::vec((-1e3..1e3, -1e3..1e3), 2..60), at in 0_usize..60) {
            let at = at.min(pairs.len());
            let whole: CoMoments = pairs.iter().copied().collect();
            let merged = pairs[..at].iter().copied().collect::<CoMoments>().merge(pairs[at..].iter().copied().collect());
            prop_assert_eq!(merged.x().count(), whole.x().count());
            prop_assert!((merged.x().mean().unwrap() - whole.x().mean().unwrap()).abs() < 1e-9);
            prop_assert!((merged.y().variance().unwrap() - whole.y().variance().unwrap()).abs() < 1e-6);
            prop_assert!((merged.covariance().unwrap() - whole.covariance().unwrap()).abs() < 1e-6);
        }

        #[test]
        fn two_passes_agree_with_one(pairs in prop::collection::vec((-1e3..1e3, -1e3..1e3), 0..60)) {
            let (x, y): (Vec<f64>, Vec<f64>) = pairs.iter().copied().unzip();
            let (one, two): (CoMoments, CoMoments) = (pairs.into_iter().collect(), CoMoments::of(&x, &y));
            prop_assert_eq!(one.x().count(), two.x().count());
            prop_assert!((one.x().mean().unwrap_or(0.0) - two.x().mean().unwrap_or(0.0)).abs() < 1e-9);
            prop_assert!((one.y().squared_deviations() - two.y().squared_deviations()).abs() < 1e-6);
            prop_assert!((one.product_deviations() - two.product_deviations()).abs() < 1e-6);
        }

        #[test]
        fn two_passes_over_a_constant_find_no_variance(value in -1e9..1e9, n in 2_usize..60) {
            let still = vec![value; n];
            let moments = CoMoments::of(&still, &still);
            prop_assert!(moments.x().squared_deviations().abs() < f64::MIN_POSITIVE && moments.correlation().is_none());
        }

        #[test]
        fn variance_is_never_negative(values in prop::collection::vec(-1e9..1e9, 2..60)) {
            prop_assert!(moments(&values).variance().unwrap() >= 0.0);
        }
    }
}
