//! Compensated sums (METHODOLOGY section 12, trap 6): money adds up to the cent, in any grouping.

use super::real;

/// Neumaier's compensated sum; mergeable, so blocks can be summed separately and joined.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    total: f64,
    /// Rounding error of `total` so far.
    lost: f64,
}

impl Sum {
    /// Adds one finite value.
    pub fn add(&mut self, value: f64) {
        let next = self.total + value;
        self.lost += if self.total.abs() >= value.abs() { (self.total - next) + value } else { (value - next) + self.total };
        self.total = next;
    }

    /// Returns the sum of both, in either order.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.add(other.total);
        self.lost += other.lost;
        self
    }

    /// Returns the sum, rounded once; zero if empty.
    #[must_use]
    pub fn value(self) -> f64 {
        self.total + self.lost
    }
}

impl FromIterator<f64> for Sum {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        values.into_iter().fold(Self::default(), |mut sum, value| {
            sum.add(value);
            sum
        })
    }
}

/// Returns the compensated sum of any values, in their unit; zero if empty.
pub fn sum(values: impl IntoIterator<Item = f64>) -> f64 {
    values.into_iter().collect::<Sum>().value()
}

/// Returns the arithmetic mean, in the values' unit; `None` if empty.
#[must_use]
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| sum(values.iter().copied()) / real(values.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn small_values_survive_next_to_a_huge_one() {
        let values = [1.0, 1e100, 1.0, -1e100];
        assert!((sum(values) - 2.0).abs() < f64::EPSILON);
    }

    #[test]
    fn nothing_sums_to_zero_and_has_no_mean() {
        assert!(sum([]).abs() < f64::EPSILON);
        assert_eq!(mean(&[]), None);
    }

    proptest! {
        #[test]
        fn cents_are_exact_in_any_split(cents in prop::collection::vec(-1_000_000_000_i32..1_000_000_000, 0..60), at in 0_usize..60) {
            let values: Vec<f64> = cents.iter().map(|&c| f64::from(c) / 100.0).collect();
            let (left, right) = values.split_at(at.min(values.len()));
            let merged = left.iter().copied().collect::<Sum>().merge(right.iter().copied().collect()).value();
            let exact: f64 = cents.iter().copied().map(f64::from).sum();
            prop_assert!((merged * 100.0 - exact).abs() < 1e-3);
        }
    }
}
