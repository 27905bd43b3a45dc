//! Contributions to changes of market capitalisation, and dominance (METHODOLOGY section 2).

use super::{real, sum::sum};

/// One asset's market capitalisation at both ends of a window, in one unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Value at or before the start of the window.
    pub start: f64,
    /// Current value.
    pub end: f64,
}

impl Span {
    /// Returns the change as a fraction of the start; `None` if the start is zero.
    #[must_use]
    pub fn change(&self) -> Option<f64> {
        (self.start > 0.0).then(|| self.end / self.start - 1.0)
    }

    /// Returns the log of end over start; `None` unless both are positive.
    #[must_use]
    pub fn log_change(&self) -> Option<f64> {
        (self.start > 0.0 && self.end > 0.0).then(|| (self.end / self.start).ln())
    }
}

/// Returns the sum of all assets present at both ends.
#[must_use]
pub fn total(assets: &[Span]) -> Span {
    Span { start: sum(assets.iter().map(|asset| asset.start)), end: sum(assets.iter().map(|asset| asset.end)) }
}

/// Returns each asset's contribution to the change of the total, as fractions of its start; they add up to the change.
#[must_use]
pub fn contributions(assets: &[Span]) -> Option<Vec<f64>> {
    let base = total(assets).start;
    (base > 0.0).then(|| assets.iter().map(|asset| (asset.end - asset.start) / base).collect())
}

/// Returns a part's share of a universe that includes it, a fraction; `None` for an empty universe.
#[must_use]
pub fn dominance(part: f64, universe: f64) -> Option<f64> {
    (universe > 0.0).then(|| part / universe)
}

/// Returns the mean change of the assets minus the change of their total: below zero, small assets did worse.
#[must_use]
pub fn equal_minus_cap_weighted(assets: &[Span]) -> Option<f64> {
    let changes: Vec<f64> = assets.iter().map(Span::change).collect::<Option<_>>()?;
    let capital = total(assets).change()?;
    Some(sum(changes.iter().copied()) / real(changes.len()) - capital)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_start_of_zero_has_no_change() {
        assert_eq!(Span { start: 0.0, end: 1.0 }.change(), None);
        assert_eq!(Span { start: 1.0, end: 0.0 }.log_change(), None);
        assert_eq!(contributions(&[]), None);
        assert_eq!(dominance(1.0, 0.0), None);
        assert_eq!(equal_minus_cap_weighted(&[]), None);
    }

    proptest! {
        #[test]
        fn contributions_add_up_to_the_change_of_the_total(caps in prop::collection::vec((1.0..1e12, 1.0..1e12), 1..30)) {
            let assets: Vec<Span> = caps.into_iter().map(|(start, end)| Span { start, end }).collect();
            let change = total(&assets).change().unwrap();
            prop_assert!((sum(contributions(&assets).unwrap()) - change).abs() <= 1e-12 * (2.0 + change.abs()));
        }
    }
}
