//! Bursts of liquidations (METHODOLOGY section 3, cascade): a fast decayed rate compared with a slow one.

use super::{
    rank::RobustScale,
    sum::sum,
    threshold::{at_least, at_most},
};

/// Time constant of the fast rate, minutes.
const FAST_MINUTES: f64 = 5.0;
/// Time constant of the slow rate, minutes.
const SLOW_MINUTES: f64 = 1440.0;
/// Ratio of the fast to the slow rate at which a burst starts.
const START_RATIO: f64 = 10.0;
/// Ratio of the fast to the slow rate below which it fades.
const END_RATIO: f64 = 3.0;
/// Minutes for which it must stay faded to end.
const FADE_MINUTES: usize = 30;
/// Bursts closer than this, in minutes, are merged.
const MERGE_MINUTES: usize = 60;
/// Minimum robust z of the last hour's total, on logs, for a start.
const START_Z: f64 = 3.5;
/// Minimum share of one side in the fast rate at the start.
const ONE_SIDED: f64 = 0.7;
const HOUR_MINUTES: usize = 60;

/// Liquidations of one minute, USD by side of the position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Minute {
    /// Longs liquidated, USD.
    pub long_usd: f64,
    /// Shorts liquidated, USD.
    pub short_usd: f64,
}

impl Minute {
    fn total(self) -> f64 {
        self.long_usd + self.short_usd
    }
}

/// One burst; positions are minutes of the given series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// First minute.
    pub start: usize,
    /// Minute with the largest total.
    pub peak: usize,
    /// First minute after it.
    pub end: usize,
    /// True if it had not ended at the end of the series.
    pub open: bool,
    /// Longs liquidated during it, USD.
    pub long_usd: f64,
    /// Shorts liquidated during it, USD.
    pub short_usd: f64,
}

/// Returns the bursts in consecutive minutes, quiet ones included, in time order.
///
/// `hourly_baseline` has the hourly totals in USD of the previous 90 days; `None` if it has no spread.
#[must_use]
pub fn bursts(minutes: &[Minute], hourly_baseline: &[f64]) -> Option<Vec<Burst>> {
    let scale = RobustScale::of(&hourly_baseline.iter().map(|usd| usd.ln_1p()).collect::<Vec<_>>())?;
    let mut spans: Vec<Span> = Vec::new();
    let (mut fast_long, mut fast_short) = (Rate::new(FAST_MINUTES), Rate::new(FAST_MINUTES));
    let mut slow = Rate::new(SLOW_MINUTES);
    for (i, minute) in minutes.iter().enumerate() {
        fast_long.push(minute.long_usd);
        fast_short.push(minute.short_usd);
        slow.push(minute.total());
        // Both rates are multiplied by both weights: over tens of thousands of minutes a division each would dominate.
        let fast = (fast_long.weighted + fast_short.weighted) * slow.weight;
        let slow = slow.weighted * fast_long.weight;
        let running = spans.last_mut().filter(|span| span.open);
        if let Some(span) = running {
            span.extend(i, fast < END_RATIO * slow);
        } else if fast > 0.0
            && at_least(fast, START_RATIO * slow)
            && at_least(fast_long.weighted.max(fast_short.weighted), ONE_SIDED * (fast_long.weighted + fast_short.weighted))
            && at_least(scale.z(last_hour(minutes, i).ln_1p()), START_Z)
        {
            start(&mut spans, i);
        }
    }
    Some(spans.into_iter().map(|span| span.describe(minutes)).collect())
}

fn last_hour(minutes: &[Minute], now: usize) -> f64 {
    sum(minutes[(now + 1).saturating_sub(HOUR_MINUTES)..=now].iter().map(|minute| minute.total()))
}

/// Starts a span, or continues one that ended less than an hour ago.
fn start(spans: &mut Vec<Span>, now: usize) {
    match spans.last_mut() {
        Some(last) if now - last.end < MERGE_MINUTES => (last.open, last.end) = (true, now + 1),
        _ => spans.push(Span { start: now, end: now + 1, open: true }),
    }
}

struct Span {
    start: usize,
    /// First minute after the last one that was not faded.
    end: usize,
    open: bool,
}

impl Span {
    fn extend(&mut self, now: usize, faded: bool) {
        if !faded {
            self.end = now + 1;
        }
        self.open = now + 1 - self.end < FADE_MINUTES;
    }

    fn describe(&self, minutes: &[Minute]) -> Burst {
        let inside = &minutes[self.start..self.end];
        let mut peak = self.start;
        for i in self.start..self.end {
            if !at_most(minutes[i].total(), minutes[peak].total()) {
                peak = i;
            }
        }
        Burst {
            start: self.start,
            peak,
            end: self.end,
            open: self.open,
            long_usd: sum(inside.iter().map(|minute| minute.long_usd)),
            short_usd: sum(inside.iter().map(|minute| minute.short_usd)),
        }
    }
}

/// Exponentially weighted mean of minutes, unbiased from the first on: `weighted` over `weight`, USD per minute.
struct Rate {
    decay: f64,
    weighted: f64,
    weight: f64,
}

impl Rate {
    fn new(time_constant: f64) -> Self {
        Self { decay: (-1.0 / time_constant).exp(), weighted: 0.0, weight: 0.0 }
    }

    fn push(&mut self, usd: f64) {
        self.weighted = self.decay * self.weighted + usd;
        self.weight = self.decay * self.weight + 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASELINE: [f64; 5] = [4000.0, 6000.0, 6000.0, 7000.0, 9000.0];

    /// A day of 100 USD a minute with `extra` longs added in each of the given minutes.
    fn day(extra: &[(std::ops::Range<usize>, f64)]) -> Vec<Minute> {
        let mut minutes = vec![Minute { long_usd: 50.0, short_usd: 50.0 }; 1440];
        for (range, usd) in extra {
            minutes[range.clone()].iter_mut().for_each(|minute| minute.long_usd += usd);
        }
        minutes
    }

    #[test]
    fn a_steady_stream_has_no_burst() {
        assert_eq!(bursts(&day(&[]), &BASELINE), Some(vec![]));
        assert_eq!(bursts(&[], &BASELINE), Some(vec![]));
    }

    #[test]
    fn a_cascade_is_found_with_its_side_and_peak() {
        let found = bursts(&day(&[(1000..1010, 50_000.0), (1004..1005, 50_000.0)]), &BASELINE).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].start, found[0].peak, found[0].open), (1000, 1004, false));
        assert!(found[0].long_usd >= 550_000.0 && found[0].short_usd < 5000.0);
    }

    #[test]
    fn bursts_within_an_hour_merge_and_distant_ones_do_not() {
        let near = bursts(&day(&[(1000..1003, 50_000.0), (1075..1078, 90_000.0)]), &BASELINE).unwrap();
        let far = bursts(&day(&[(1000..1003, 50_000.0), (1300..1303, 90_000.0)]), &BASELINE).unwrap();
        assert_eq!((near.len(), far.len()), (1, 2));
    }

    #[test]
    fn liquidations_of_both_sides_are_not_a_cascade() {
        let mut minutes = day(&[(1000..1010, 50_000.0)]);
        minutes[1000..1010].iter_mut().for_each(|minute| minute.short_usd = minute.long_usd);
        assert_eq!(bursts(&minutes, &BASELINE), Some(vec![]));
    }

    #[test]
    fn a_running_burst_is_open() {
        let found = bursts(&day(&[(1435..1440, 50_000.0)]), &BASELINE).unwrap();
        assert!(found[0].open);
        assert_eq!(found[0].end, 1440);
    }

    #[test]
    fn without_a_baseline_nothing_is_returned() {
        assert_eq!(bursts(&day(&[]), &[]), None);
    }
}
