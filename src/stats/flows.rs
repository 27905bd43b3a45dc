//! Runs, reversals and one-sidedness of signed flows (METHODOLOGY section 4).
//!
//! Slices hold one value per trading day, holidays excluded; a true zero has no sign.

use std::cmp::Ordering;

use super::{
    real,
    sum::{Sum, sum},
};

/// The run of days of one sign that ends with the last day.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Streak {
    /// Length in days; 0 after a day of zero.
    pub days: usize,
    /// Sum over the run, in the flows' unit; its sign is the run's.
    pub total: f64,
}

/// Returns the current streak; length 0 if there is none.
#[must_use]
pub fn streak(flows: &[f64]) -> Streak {
    let Some(now) = flows.last().and_then(|&flow| sign(flow)) else { return Streak::default() };
    let run: Vec<f64> = flows.iter().rev().copied().take_while(|&flow| sign(flow) == Some(now)).collect();
    Streak { days: run.len(), total: sum(run) }
}

/// Returns the number of sign changes between consecutive days with a sign.
#[must_use]
pub fn flips(flows: &[f64]) -> usize {
    signs(flows).windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// Returns flips over possible flips, in [0, 1]; `None` for fewer than two days with a sign.
#[must_use]
pub fn choppiness(flows: &[f64]) -> Option<f64> {
    let chances = signs(flows).len().checked_sub(1).filter(|&chances| chances > 0)?;
    Some(real(flips(flows)) / real(chances))
}

/// Returns the size of the sum over the sum of sizes, in [0, 1]: 1 is one-way; `None` if all flows are zero.
#[must_use]
pub fn efficiency_ratio(flows: &[f64]) -> Option<f64> {
    let moved = sum(flows.iter().map(|flow| flow.abs()));
    (moved > 0.0).then(|| (sum(flows.iter().copied()).abs() / moved).min(1.0))
}

/// Returns the Wald-Wolfowitz runs z: above 0 the sign flips more often than by chance, below 0 it persists.
///
/// `None` if the days with a sign are too few or all of one sign.
#[must_use]
pub fn runs_z(flows: &[f64]) -> Option<f64> {
    let signs = signs(flows);
    let n = real(signs.len());
    let inflows = real(signs.iter().filter(|sign| sign.is_gt()).count());
    let expected = 2.0 * inflows * (n - inflows) / n + 1.0;
    let variance = (expected - 1.0) * (expected - 2.0) / (n - 1.0);
    (variance > 0.0).then(|| (real(flips(flows) + 1) - expected) / variance.sqrt())
}

/// Returns the running total after each day, in the flows' unit.
#[must_use]
pub fn cumulative(flows: &[f64]) -> Vec<f64> {
    let mut total = Sum::default();
    flows
        .iter()
        .map(|&flow| {
            total.add(flow);
            total.value()
        })
        .collect()
}

/// Returns the sum of the latest `days` after each day, in the flows' unit; `None` for the first days.
#[must_use]
pub fn rolling_sums(flows: &[f64], days: usize) -> Vec<Option<f64>> {
    (1..=flows.len()).map(|end| Some(sum(flows[end.checked_sub(days)?..end].iter().copied()))).collect()
}

/// Returns the sign; `None` for zero.
fn sign(flow: f64) -> Option<Ordering> {
    flow.partial_cmp(&0.0).filter(|order| order.is_ne())
}

fn signs(flows: &[f64]) -> Vec<Ordering> {
    flows.iter().filter_map(|&flow| sign(flow)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(&[], 0, 0.0)]
    #[case(&[5.0, 0.0], 0, 0.0)]
    #[case(&[5.0, 0.0, 3.0], 1, 3.0)]
    #[case(&[5.0, -1.0, -2.0], 2, -3.0)]
    fn a_true_zero_ends_a_streak(#[case] flows: &[f64], #[case] days: usize, #[case] total: f64) {
        assert_eq!(streak(flows), Streak { days, total });
    }

    #[test]
    fn a_zero_between_two_signs_is_not_a_flip() {
        assert_eq!(flips(&[1.0, 0.0, 1.0, 0.0, -1.0]), 1);
    }

    #[test]
    fn one_sided_or_absent_flows_have_no_runs_statistic() {
        assert_eq!(runs_z(&[]), None);
        assert_eq!(runs_z(&[1.0]), None);
        assert_eq!(runs_z(&[1.0, 2.0, 3.0]), None);
        assert_eq!(choppiness(&[1.0, 0.0]), None);
        assert_eq!(efficiency_ratio(&[0.0]), None);
    }

    proptest! {
        #[test]
        fn turning_every_flow_round_changes_direction_only(flows in prop::collection::vec(-1e3..1e3, 0..40)) {
            let turned: Vec<f64> = flows.iter().map(|flow| -flow).collect();
            prop_assert_eq!(flips(&flows), flips(&turned));
            prop_assert_eq!(efficiency_ratio(&flows), efficiency_ratio(&turned));
            prop_assert_eq!(streak(&flows).days, streak(&turned).days);
            prop_assert!(efficiency_ratio(&flows).is_none_or(|ratio| (0.0..=1.0).contains(&ratio)));
            prop_assert!(choppiness(&flows).is_none_or(|ratio| (0.0..=1.0).contains(&ratio)));
        }
    }
}
