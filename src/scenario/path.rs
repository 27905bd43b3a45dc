use std::f64::consts::TAU;

use super::ScenarioError;
use crate::domain::{Bar, Timestamp};

/// Periods in days of the sines of the wave, and the weight of each; the weights add to one.
/// No period is a multiple of another, so the wave does not repeat within the scenario.
const TONES: [(f64, f64); 4] = [(0.29, 0.15), (0.83, 0.25), (2.3, 0.35), (6.1, 0.25)];

/// Stretch of the periods at phase 0, and its increase at phase 1.
const MIN_STRETCH: f64 = 0.8;
const STRETCH: f64 = 0.4;

/// Origin of the wave's days: 2018-01-01.
const WAVE_ORIGIN: Timestamp = Timestamp::from_unix_seconds(1_514_764_800);

/// Maximum share of the room to the nearer anchor that the wave may use.
const SHARE: f64 = 0.8;

/// A function of time through anchors.
///
/// Between two anchors it follows the straight line (in logarithms for [`Scale::Log`]) plus a wave of at
/// most `swing`, and of at most [`SHARE`] of the distance to the nearer of the two. So it never leaves the
/// range between the anchors around it, and every extreme of a series is one of its anchors.
#[derive(Debug, Clone)]
pub(super) struct Path {
    points: Vec<(Timestamp, f64)>,
    scale: Scale,
    swing: f64,
    phase: f64,
}

/// Scale on which the line between two anchors is straight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// Logarithms: prices and amounts.
    Log,
    /// The values themselves: rates that change sign.
    Linear,
}

impl Path {
    /// Creates a path through `anchors`; `name` sets the phase of its wave, `swing` is on the path's own scale.
    pub(super) fn new(
        name: &str,
        anchors: impl IntoIterator<Item = (Timestamp, f64)>,
        scale: Scale,
        swing: f64,
    ) -> Result<Self, ScenarioError> {
        let points: Vec<_> = anchors.into_iter().map(|(at, value)| (at, scale.of(value))).collect();
        if points.is_empty() || !points.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(ScenarioError::Anchors(name.to_owned()));
        }
        Ok(Self { points, scale, swing, phase: phase(name) })
    }

    /// Returns the value at a time; constant before the first anchor and after the last.
    pub(super) fn value(&self, at: Timestamp) -> f64 {
        self.scale.undo(self.scaled(at))
    }

    /// Returns the value on the path's own scale.
    pub(super) fn scaled(&self, at: Timestamp) -> f64 {
        let after = self.points.partition_point(|(point, _)| *point <= at);
        let Some(&(to, end)) = self.points.get(after) else { return self.points[after - 1].1 };
        let Some(&(from, start)) = after.checked_sub(1).and_then(|before| self.points.get(before)) else { return end };
        let line = start + (end - start) * (at.days_since(from) / to.days_since(from));
        if self.swing == 0.0 {
            return line;
        }
        let room = (line - start.min(end)).min(start.max(end) - line).max(0.0);
        line + self.swing.min(SHARE * room) * wave(at, self.phase)
    }

    /// Returns the times of the anchors inside `[from, to]`, where the path turns.
    pub(super) fn turns(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Timestamp> + '_ {
        let first = self.points.partition_point(|(point, _)| *point < from);
        self.points[first..].iter().map(|(point, _)| *point).take_while(move |point| *point <= to)
    }

    /// Returns the start of the path.
    pub(super) fn start(&self) -> Timestamp {
        self.points[0].0
    }
}

impl Scale {
    fn of(self, value: f64) -> f64 {
        match self {
            Self::Log => value.ln(),
            Self::Linear => value,
        }
    }

    fn undo(self, value: f64) -> f64 {
        match self {
            Self::Log => value.exp(),
            Self::Linear => value,
        }
    }
}

/// Returns a wave between -1 and 1, the same on every machine.
///
/// `phase`, in turns, differs between series. It stretches the periods too: waves that differ only in
/// phase would stay correlated.
pub(super) fn wave(at: Timestamp, phase: f64) -> f64 {
    let days = at.days_since(WAVE_ORIGIN) / (MIN_STRETCH + STRETCH * phase);
    TONES.iter().map(|(period, weight)| weight * (TAU * (days / period + phase)).sin()).sum()
}

/// Returns a phase in turns for a name, spread evenly by the golden ratio.
pub(super) fn phase(name: &str) -> f64 {
    name.bytes().fold(0.0, |sum, byte| (sum * 31.0 + f64::from(byte) * 0.618_033_988_749_895).fract())
}

/// Rounds to seven significant digits: as a publisher prints, and coarser than differences between machines.
pub(super) fn rounded(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    #[expect(clippy::cast_possible_truncation, reason = "the logarithm of a finite number is under 400")]
    let decimals = 6 - value.abs().log10().floor() as i32;
    let factor = 10_f64.powi(decimals.abs());
    if decimals < 0 { (value / factor).round() * factor } else { (value * factor).round() / factor }
}

/// Builds the bar of consecutive prices; a wider bar has a larger volume.
///
/// `usual_range` is the logarithm of high over low at which `usual_usd` is traded; the volume is in coins.
pub(super) fn bar(prices: impl IntoIterator<Item = f64>, usual_usd: f64, usual_range: f64) -> Option<Bar> {
    let mut prices = prices.into_iter().map(rounded);
    let open = prices.next()?;
    let (low, high, close) = prices.fold((open, open, open), |(low, high, _), price| (low.min(price), high.max(price), price));
    let usd = usual_usd * (0.5 + 0.5 * (high / low).ln() / usual_range);
    Bar::new(open, high, low, close, Some(rounded(usd / close))).ok()
}
