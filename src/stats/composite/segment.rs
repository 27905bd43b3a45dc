//! One segment of the market: its indicators' trailing samples and its score.

use std::collections::BTreeMap;

use super::recipe::Recipe;
use crate::stats::{
    rank::{Ecdf, mid_ranks},
    real,
};

/// The history of one segment.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    indicators: Vec<Indicator>,
    systemic: Scale,
    acute: Scale,
    /// The last scores observed after the warm-up, and their age in days.
    last: Option<(Scores, usize)>,
    warm_up: usize,
}

/// One indicator's trailing sample; `pending` has its observations and their days until its warm-up ends.
#[derive(Debug, Clone)]
struct Indicator {
    window: Ecdf,
    pending: Option<Vec<(usize, f64)>>,
}

/// One way to compute a score from percentiles: a power mean, ranked in its own history if the recipe requires it.
#[derive(Debug, Clone)]
struct Scale {
    power: f64,
    ranked: Option<Ecdf>,
}

/// A segment's scores in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Scores {
    /// Score by the power mean of the recipe.
    pub(super) systemic: f64,
    /// Score by the highest indicator.
    pub(super) acute: f64,
}

/// One day's values ranked against the segment, before they are pushed.
#[derive(Debug, Clone)]
pub(super) struct Assessment {
    /// Percentile in (0, 1] of every indicator that has a value and is past its warm-up.
    pub(super) percentiles: Vec<Option<f64>>,
    /// Scores, if any indicator has a percentile.
    pub(super) scores: Option<Scores>,
}

impl Segment {
    pub(super) fn new(recipe: &Recipe, indicators: usize) -> Self {
        let indicator = Indicator { window: Ecdf::new(recipe.window), pending: Some(Vec::new()) };
        let scale = |power| Scale { power, ranked: recipe.rerank.then(|| Ecdf::new(recipe.window)) };
        Self {
            indicators: vec![indicator; indicators],
            systemic: scale(recipe.power),
            acute: scale(f64::INFINITY),
            last: None,
            warm_up: recipe.warm_up,
        }
    }

    /// Ranks one day's values without adding them.
    pub(super) fn assess(&self, values: &[Option<f64>]) -> Assessment {
        let rank = |(indicator, value): (&Indicator, &Option<f64>)| {
            value.filter(|_| indicator.pending.is_none()).map(|value| indicator.window.peek(value))
        };
        let percentiles: Vec<_> = self.indicators.iter().zip(values).map(rank).collect();
        let present: Vec<f64> = percentiles.iter().flatten().copied().collect();
        let scores =
            (!present.is_empty()).then(|| Scores { systemic: self.systemic.score(&present), acute: self.acute.score(&present) });
        Assessment { percentiles, scores }
    }

    /// Adds one day's values, with their assessment.
    pub(super) fn push(&mut self, day: usize, values: &[Option<f64>], assessment: &Assessment) {
        for (indicator, value) in self.indicators.iter_mut().zip(values) {
            if let Some(value) = *value {
                indicator.window.take_in(value);
                indicator.pending.iter_mut().for_each(|sample| sample.push((day, value)));
            }
        }
        let present: Vec<f64> = assessment.percentiles.iter().flatten().copied().collect();
        if let Some(scores) = assessment.scores {
            self.systemic.push(&present);
            self.acute.push(&present);
            self.last = Some((scores, 0));
        } else if let Some((_, age)) = &mut self.last {
            *age += 1;
        }
    }

    /// Ends the warm-up of every indicator that has `needed` observations, from the next day on.
    ///
    /// The first such indicators seed the segment: their samples so far are ranked in themselves. The resulting scores
    /// are returned by day, to be added to the co-movement. For later indicators the result is empty.
    pub(super) fn admit(&mut self, needed: usize) -> Vec<(usize, f64)> {
        let seeding = self.indicators.iter().all(|indicator| indicator.pending.is_some());
        let mut by_day = BTreeMap::<usize, Vec<f64>>::new();
        for indicator in &mut self.indicators {
            if let Some(sample) = indicator.pending.take_if(|sample| sample.len() >= needed) {
                let (days, values): (Vec<_>, Vec<_>) = sample.into_iter().unzip();
                for (day, percentile) in days.into_iter().zip(mid_ranks(&values)) {
                    by_day.entry(day).or_default().push(percentile);
                }
            }
        }
        if !seeding {
            return Vec::new();
        }
        let (days, present): (Vec<_>, Vec<_>) = by_day.into_iter().unzip();
        self.acute.seed(&present);
        days.into_iter().zip(self.systemic.seed(&present)).collect()
    }

    /// Returns the last scores observed after the warm-up and their age in days, counted from the day after the last push.
    pub(super) fn carried(&self) -> Option<(Scores, usize)> {
        self.last.map(|(scores, age)| (scores, age + 1))
    }

    /// Returns true if an indicator's sample is shorter than the full warm-up.
    pub(super) fn is_young(&self, indicator: usize) -> bool {
        self.indicators.get(indicator).is_some_and(|indicator| indicator.window.len() < self.warm_up)
    }

    /// Returns true if the sample of an active indicator, or the segment's own, is shorter than the full warm-up.
    pub(super) fn is_provisional(&self) -> bool {
        let young = |i: usize| self.indicators[i].pending.is_none() && self.is_young(i);
        let short = |window: &Ecdf| window.len() < self.warm_up;
        (0..self.indicators.len()).any(young) || self.systemic.ranked.as_ref().is_some_and(short)
    }
}

impl Scale {
    fn score(&self, percentiles: &[f64]) -> f64 {
        let mean = power_mean(percentiles, self.power);
        self.ranked.as_ref().map_or(mean, |window| window.peek(mean))
    }

    /// Adds the days of the warm-up and returns their scores, ranked in themselves.
    fn seed(&mut self, days: &[Vec<f64>]) -> Vec<f64> {
        for percentiles in days {
            self.push(percentiles);
        }
        let means: Vec<_> = days.iter().map(|percentiles| power_mean(percentiles, self.power)).collect();
        if self.ranked.is_some() { mid_ranks(&means) } else { means }
    }

    fn push(&mut self, percentiles: &[f64]) {
        if let Some(window) = &mut self.ranked {
            window.take_in(power_mean(percentiles, self.power));
        }
    }
}

/// Returns `(mean z^p)^(1/p)` of positive numbers, the maximum for an infinite power; 0 if empty.
///
/// Summed in order of size, so that the order of the numbers does not change the last bit.
fn power_mean(values: &[f64], power: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some(&highest) = sorted.last() else { return 0.0 };
    let sum: f64 = sorted.iter().map(|value| (value / highest).powf(power)).sum();
    highest * (sum / real(sorted.len())).powf(power.recip())
}

/// Returns each indicator's share of its segment's power mean, `z^p / sum z^p`; they sum to 1.
pub(super) fn shares(percentiles: &[Option<f64>], power: f64) -> Vec<Option<f64>> {
    let highest = percentiles.iter().flatten().copied().fold(0.0, f64::max);
    let powers: Vec<_> = percentiles.iter().map(|z| z.map(|z| (z / highest).powf(power))).collect();
    let sum: f64 = powers.iter().flatten().sum();
    powers.into_iter().map(|share| share.map(|share| share / sum)).collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::mean(1.0, 0.5)]
    #[case::quadratic(2.0, 0.34_f64.sqrt())]
    #[case::maximum(f64::INFINITY, 0.8)]
    fn a_power_mean_leans_to_the_highest(#[case] power: f64, #[case] expected: f64) {
        let mean = power_mean(&[0.2, 0.8], power);
        assert!((mean - expected).abs() < 1e-15, "{mean}");
    }

    #[test]
    fn shares_skip_what_is_missing_and_sum_to_one() {
        let shares = shares(&[Some(0.5), None, Some(1.0)], 1.0);
        assert_eq!(shares, [Some(1.0 / 3.0), None, Some(2.0 / 3.0)]);
    }
}
