//! Volatility pick-up after a prolonged calm (METHODOLOGY section 7, regime).

use super::{
    rank::Ecdf,
    threshold::{at_least, at_most},
};

/// Days in the sample that ranks a day as calm.
const RANK_DAYS: usize = 365;
/// Minimum days in the sample of a rank: 80 % of the window.
const RANK_WARM_UP: usize = 292;
/// Rank at or below which a day is calm.
const CALM_RANK: f64 = 0.25;
/// Consecutive calm days that make a calm prolonged.
const PROLONGED: usize = 30;
/// Days after a prolonged calm in which a pick-up is detected.
const GRACE: usize = 14;
/// Minimum ratio of the latest volatility to the earlier one.
const PICKUP_RATIO: f64 = 1.5;
/// Lag of the earlier volatility, days, so that its window and the short one do not overlap.
const PICKUP_LAG: usize = 8;
/// Days after a signal without another one.
const REFRACTORY: usize = 30;

/// Returns, for each day, the consecutive calm days up to and including it, from daily 30-day volatilities.
#[must_use]
pub fn calm_days(realised_30d: &[f64]) -> Vec<usize> {
    let mut calm = Vec::with_capacity(realised_30d.len());
    extend_calm_days(&mut calm, realised_30d);
    calm
}

/// Extends the result of [`calm_days`] by the days that are not in `calm` yet.
pub fn extend_calm_days(calm: &mut Vec<usize>, realised_30d: &[f64]) {
    let known = calm.len().min(realised_30d.len());
    let mut ranks = Ecdf::new(RANK_DAYS);
    for value in &realised_30d[known.saturating_sub(RANK_DAYS)..known] {
        ranks.take_in(*value);
    }
    let mut run = calm.last().copied().unwrap_or(0);
    for (day, value) in (known + 1..).zip(&realised_30d[known..]) {
        let rank = ranks.push(*value);
        run = if day >= RANK_WARM_UP && at_most(rank, CALM_RANK) { run + 1 } else { 0 };
        calm.push(run);
    }
}

/// Returns the days on which volatility picked up, from the [`calm_days`] and the 30-day and 7-day volatilities.
#[must_use]
pub fn pickups(calm: &[usize], realised_30d: &[f64], realised_7d: &[f64]) -> Vec<usize> {
    let mut found = Vec::new();
    extend_pickups(&mut found, 0, calm, realised_30d, realised_7d);
    found
}

/// Extends the result of [`pickups`] by the days from `first` on.
pub fn extend_pickups(found: &mut Vec<usize>, first: usize, calm: &[usize], realised_30d: &[f64], realised_7d: &[f64]) {
    for day in first.max(PICKUP_LAG)..calm.len().min(realised_7d.len()) {
        let after_calm = calm[day.saturating_sub(GRACE)..=day].iter().any(|&days| days >= PROLONGED);
        let louder = at_least(realised_7d[day], PICKUP_RATIO * realised_30d[day - PICKUP_LAG]);
        let rested = found.last().is_none_or(|last| day - last >= REFRACTORY);
        if after_calm && louder && rested {
            found.push(day);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A volatile year, then 40 calm days, then 20 of `after`.
    fn year_then_calm(after: f64) -> Vec<f64> {
        let mut days = vec![0.8; 320];
        days.extend([0.3; 40]);
        days.extend([after; 20]);
        days
    }

    #[test]
    fn calm_days_are_counted_after_the_warm_up_of_the_ranks() {
        let calm = calm_days(&year_then_calm(0.9));
        assert_eq!((calm[319], calm[320], calm[359], calm[360]), (0, 1, 40, 0));
        assert_eq!(calm_days(&[0.3; 100]), [0; 100]);
    }

    #[test]
    fn a_jump_after_a_prolonged_calm_signals_once() {
        let month = year_then_calm(0.4);
        let mut week = month.clone();
        week[362..].fill(0.6);
        assert_eq!(pickups(&calm_days(&month), &month, &week), [362]);
    }

    #[test]
    fn a_jump_without_a_calm_before_it_is_not_a_pickup() {
        let mut week = vec![0.8; 380];
        week[370..].fill(2.0);
        let month = [0.8; 380];
        assert!(pickups(&calm_days(&month), &month, &week).is_empty());
    }
}
