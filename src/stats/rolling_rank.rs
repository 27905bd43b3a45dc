//! Spearman's correlation over a window that slides along two series (METHODOLOGY section 9).
//!
//! Sliding by one pair updates each rank by the pair that leaves and the pair that enters, so nothing is sorted
//! again. Scores are whole numbers, so no step loses precision.

/// Returns Spearman's correlation over each full trailing window of `window` pairs, by position. `None` before the
/// first full one and if one side is constant, as [`spearman`](super::correlation::spearman) of each window.
#[must_use]
pub fn rolling_spearman(a: &[f64], b: &[f64], window: usize) -> Vec<Option<f64>> {
    let (mut first, mut second) = (RankedWindow::new(window), RankedWindow::new(window));
    let slide = |(a, b)| {
        first.push(a);
        second.push(b);
        (first.places.len() == window).then(|| first.correlation(&second)).flatten()
    };
    places(a).into_iter().zip(places(b)).map(slide).collect()
}

/// Returns the number of lower values for each value: it compares like the value, in fewer bytes.
fn places(values: &[f64]) -> Vec<i32> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = |value: &f64| sorted.partition_point(|other| other < value);
    values.iter().map(|value| i32::try_from(place(value)).unwrap_or(i32::MAX)).collect()
}

/// The latest values of one side and the rank of each among them.
struct RankedWindow {
    cap: usize,
    /// Index of the oldest value, which the next one replaces once the window is full.
    oldest: usize,
    places: Vec<i32>,
    /// Twice the number of lower values plus the number of equal ones, itself included: twice the mid-rank less one.
    scores: Vec<i32>,
}

impl RankedWindow {
    fn new(cap: usize) -> Self {
        Self { cap, oldest: 0, places: Vec::with_capacity(cap), scores: Vec::with_capacity(cap) }
    }

    fn push(&mut self, place: i32) {
        let score = |places: &[i32]| places.iter().map(|other| above(place, *other)).sum();
        if self.places.len() < self.cap {
            self.places.push(place);
            self.places.iter().zip(&mut self.scores).for_each(|(other, score)| *score += above(*other, place));
            self.scores.push(score(&self.places));
        } else if let Some(former) = self.places.get(self.oldest).copied() {
            let change = |other: i32| above(other, place) - above(other, former);
            self.places.iter().zip(&mut self.scores).for_each(|(other, score)| *score += change(*other));
            self.places[self.oldest] = place;
            self.scores[self.oldest] = score(&self.places);
            self.oldest = (self.oldest + 1) % self.cap;
        }
    }

    /// Returns Pearson's correlation of the scores, whose mean is the length of the window.
    #[expect(clippy::cast_precision_loss, reason = "sums of squares of a window of 10,000 are below 2^53")]
    fn correlation(&self, other: &Self) -> Option<f64> {
        let n = i64::try_from(self.cap).ok()?;
        let about_mean = |a: &[i32], b: &[i32]| {
            let products: i64 = a.iter().zip(b).map(|(a, b)| i64::from(*a) * i64::from(*b)).sum();
            (products - n * n * n) as f64
        };
        let variances = about_mean(&self.scores, &self.scores) * about_mean(&other.scores, &other.scores);
        let covariance = about_mean(&self.scores, &other.scores);
        (variances > 0.0).then(|| (covariance / variances.sqrt()).clamp(-1.0, 1.0))
    }
}

/// Returns what `other` adds to the score of `place`: 2 if lower, 1 if equal, 0 if higher.
fn above(place: i32, other: i32) -> i32 {
    i32::from(other < place) + i32::from(other <= place)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::correlation::{rolling, spearman};

    proptest! {
        #[test]
        fn each_window_equals_one_ranked_separately(
            pairs in prop::collection::vec((-9_i32..9, -50_i32..50), 0..60),
            window in 0_usize..12,
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().map(|(a, b)| (f64::from(a), f64::from(b))).unzip();
            let expected = rolling(&a, &b, window, spearman);
            let slid = rolling_spearman(&a, &b, window);
            prop_assert_eq!(slid.len(), expected.len());
            for (slid, expected) in slid.into_iter().zip(expected) {
                prop_assert_eq!(slid.is_some(), expected.is_some());
                prop_assert!(slid.zip(expected).is_none_or(|(slid, expected)| (slid - expected).abs() < 1e-12));
            }
        }
    }

    #[test]
    fn zeros_of_either_sign_are_equal() {
        let slid = rolling_spearman(&[0.0, -0.0, 1.0], &[1.0, 1.0, 2.0], 3);
        assert_eq!(slid, [None, None, Some(1.0)]);
    }
}
