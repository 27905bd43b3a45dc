use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A source of numbers in `[0, 1)` that keeps many clients from asking at the same instant.
pub trait Jitter: Send + Sync + std::fmt::Debug {
    /// The next number in `[0, 1)`.
    fn next(&self) -> f64;
}

/// Numbers of a `SplitMix64` generator: the same seed gives the same sequence.
#[derive(Debug)]
pub struct SeededJitter(AtomicU64);

/// The waits between attempts that fail: doubling from `first`, never longer than `longest`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub longest: Duration,
}

impl SeededJitter {
    /// A generator that starts at `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }
}

impl Jitter for SeededJitter {
    #[expect(clippy::cast_precision_loss, reason = "the upper 53 bits fit an f64 exactly")]
    fn next(&self) -> f64 {
        let mut z = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Backoff {
    /// The waits of the feeds: from 2 s to 10 min.
    pub const FEED: Self = Self { first: Duration::from_secs(2), longest: Duration::from_mins(10) };

    /// The wait after `failures` failures in a row (at least one): between half of the doubled wait
    /// and all of it, by the jitter.
    #[must_use]
    pub fn wait(self, failures: u32, jitter: &dyn Jitter) -> Duration {
        let doubled = self.first.saturating_mul(1_u32 << failures.saturating_sub(1).min(20)).min(self.longest);
        doubled.mul_f64(0.5 + 0.5 * jitter.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_spread_over_half_of_it() {
        let jitter = SeededJitter::new(7);
        for (failures, doubled) in [(1, 2), (2, 4), (3, 8), (9, 512), (10, 600), (4_000_000, 600)] {
            let wait = Backoff::FEED.wait(failures, &jitter).as_secs_f64();
            let doubled = f64::from(doubled);
            assert!(wait >= 0.5 * doubled && wait <= doubled, "{failures} failures: {wait} s");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        let draw = |seed| (0..5).map(|_| 0).scan(SeededJitter::new(seed), |j, _: i32| Some(j.next())).collect::<Vec<_>>();
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
        assert!(draw(3).iter().all(|x| (0.0..1.0).contains(x)));
    }
}
