//! Drawdown episodes and the failed rebounds inside them (METHODOLOGY sections 1.3 to 1.5 and 1.10).

use super::{
    drawdown::required_gain,
    threshold::{has_fallen_by, has_risen_by},
};

/// One drawdown episode: from the last equal high to the first value that recovers it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Episode {
    /// Position of the last occurrence of the running maximum.
    pub peak: usize,
    /// The maximum, in the series' unit.
    pub peak_value: f64,
    /// Position of the first occurrence of the lowest value.
    pub trough: usize,
    /// The lowest value, in the series' unit.
    pub trough_value: f64,
    /// Position of the first value at or above the peak; `None` if not recovered.
    pub recovery: Option<usize>,
    /// Position of the last observation of the episode: the recovery, or the end of the path.
    pub last: usize,
}

impl Episode {
    /// Returns the drawdown at the trough, a fraction below zero.
    #[must_use]
    pub fn depth(&self) -> f64 {
        self.trough_value / self.peak_value - 1.0
    }

    /// Returns the gain from the trough back to the peak, a fraction; `None` for a total loss.
    #[must_use]
    pub fn required_gain(&self) -> Option<f64> {
        required_gain(self.depth())
    }

    /// Returns true if the peak has not been recovered.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.recovery.is_none()
    }

    /// Returns the observations from peak to trough.
    #[must_use]
    pub fn decline(&self) -> usize {
        self.trough - self.peak
    }

    /// Returns the observations from peak to recovery, or to the end of the path.
    #[must_use]
    pub fn underwater(&self) -> usize {
        self.last - self.peak
    }

    /// Returns the observations from trough to recovery; `None` if not recovered.
    #[must_use]
    pub fn recovering(&self) -> Option<usize> {
        self.recovery.map(|recovery| recovery - self.trough)
    }
}

/// Returns all episodes of a path of positive values, in time order, in one pass.
#[must_use]
pub fn episodes(values: &[f64]) -> Vec<Episode> {
    let mut found = Vec::new();
    let mut open: Option<Episode> = None;
    let mut peak = 0;
    for (i, &value) in values.iter().enumerate() {
        if value >= values[peak] {
            found.extend(open.take().map(|episode| Episode { recovery: Some(i), last: i, ..episode }));
            peak = i;
            continue;
        }
        let at_new_low = open.is_none_or(|episode| value < episode.trough_value);
        let episode = open.get_or_insert(Episode {
            peak,
            peak_value: values[peak],
            trough: i,
            trough_value: value,
            recovery: None,
            last: i,
        });
        episode.last = i;
        if at_new_low {
            (episode.trough, episode.trough_value) = (i, value);
        }
    }
    found.extend(open);
    found
}

/// Returns the episodes that fell by `min_depth` (a positive fraction) or more, deepest first, then earliest first.
#[must_use]
pub fn deepest(values: &[f64], min_depth: f64) -> Vec<Episode> {
    let mut found = episodes(values);
    found.retain(|episode| episode.peak_value > 0.0 && has_fallen_by(min_depth, episode.peak_value, episode.trough_value));
    found.sort_by(|a, b| a.depth().total_cmp(&b.depth()));
    found
}

/// End of a rebound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Fell back by the threshold before it reached the peak; known from that observation on.
    Failed {
        /// Position at which the turn was confirmed.
        confirmed_at: usize,
    },
    /// Reached the peak.
    Recovered,
    /// Neither so far.
    Open,
}

/// A rise by at least the threshold from a running low inside an episode.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rebound {
    /// Position of the low from which it rose.
    pub low: usize,
    /// Position of its highest value before the peak was recovered.
    pub high: usize,
    /// The rise from low to high, a fraction.
    pub gain: f64,
    /// End of the rebound.
    pub outcome: Outcome,
}

/// Returns the rebounds of one episode by at least `threshold` (a fraction), in time order: a zig-zag from the peak.
///
/// Positions refer to `values`, the path of the episode. A rise from a price of zero or less is undefined.
#[must_use]
pub fn rebounds(values: &[f64], episode: &Episode, threshold: f64) -> Vec<Rebound> {
    let mut found = Vec::new();
    let (mut low, mut live) = (episode.peak, None);
    let rebound = |low: usize, high: usize, outcome| Rebound { low, high, gain: values[high] / values[low] - 1.0, outcome };
    for i in episode.peak + 1..episode.recovery.unwrap_or(episode.last + 1) {
        match live {
            None if values[i] < values[low] || values[low] <= 0.0 => low = i,
            None if has_risen_by(threshold, values[low], values[i]) => live = Some(i),
            Some(high) if values[i] > values[high] => live = Some(i),
            Some(high) if has_fallen_by(threshold, values[high], values[i]) => {
                found.push(rebound(low, high, Outcome::Failed { confirmed_at: i }));
                (low, live) = (i, None);
            }
            _ => {}
        }
    }
    let outcome = if episode.is_open() { Outcome::Open } else { Outcome::Recovered };
    found.extend(live.map(|high| rebound(low, high, outcome)));
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::stats::drawdown;

    #[test]
    fn a_path_that_only_rises_has_no_episode() {
        assert_eq!(episodes(&[1.0, 1.0, 2.0]), []);
        assert_eq!(episodes(&[]), []);
    }

    #[test]
    fn equality_recovers_and_the_last_episode_is_open() {
        let found = episodes(&[10.0, 8.0, 10.0, 9.0]);
        assert_eq!(found[0].recovery, Some(2));
        assert_eq!(found[0].recovering(), Some(1));
        assert!(found[1].is_open());
        assert_eq!((found[1].peak, found[1].last, found[1].recovering()), (2, 3, None));
    }

    #[test]
    fn an_episode_exactly_at_the_minimum_depth_is_included() {
        assert_eq!(deepest(&[121.0, 96.8, 140.0, 112.0, 139.0], 0.2).len(), 2);
        assert_eq!(deepest(&[121.0, 96.8, 140.0, 112.0, 139.0], 0.21), []);
    }

    #[test]
    fn a_running_rebound_is_open() {
        let values = [100.0, 50.0, 60.0];
        let found = rebounds(&values, &episodes(&values)[0], 0.1);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].low, found[0].high, found[0].outcome), (1, 2, Outcome::Open));
    }

    #[test]
    fn a_jump_straight_back_to_the_peak_is_not_a_rebound() {
        let values = [100.0, 50.0, 100.0];
        assert_eq!(rebounds(&values, &episodes(&values)[0], 0.1), []);
    }

    proptest! {
        #[test]
        fn episodes_tile_the_underwater_observations(prices in prop::collection::vec(1_u16..60, 1..60)) {
            let values: Vec<f64> = prices.into_iter().map(f64::from).collect();
            let found = episodes(&values);
            let under: usize = found.iter().map(|e| e.underwater() - usize::from(!e.is_open())).sum();
            prop_assert_eq!(under, drawdown::series(&values).iter().filter(|&&d| d < 0.0).count());
            prop_assert!(found.windows(2).all(|pair| pair[0].recovery.is_some_and(|r| r <= pair[1].peak)));
        }

        #[test]
        fn every_rebound_rose_by_the_threshold_and_stayed_under_the_peak(prices in prop::collection::vec(1_u16..60, 1..60)) {
            let values: Vec<f64> = prices.into_iter().map(f64::from).collect();
            for episode in episodes(&values) {
                let found = rebounds(&values, &episode, 0.1);
                prop_assert!(found.iter().all(|r| r.gain >= 0.1 - 1e-9 && values[r.high] < episode.peak_value));
                let turned = |r: &Rebound| match r.outcome { Outcome::Failed { confirmed_at } => confirmed_at, _ => usize::MAX };
                prop_assert!(found.windows(2).all(|pair| turned(&pair[0]) <= pair[1].low));
            }
        }
    }
}
