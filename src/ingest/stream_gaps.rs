use super::feed::{Parsed, Profile};
use crate::domain::{Asset, KnownAtRule, Metric, Period, SeriesKey, Timestamp};

/// A pause shorter than this is none.
const SHORTEST_MS: i64 = 1_000;

/// Since when a stream may have missed rows, and until when.
///
/// Only rows prove that a stream speaks, so a pause is told when the first rows after it come. It lasts
/// until the session began that brought them.
#[derive(Debug, Default)]
pub(super) struct GapTracker {
    /// The last sign of the present session.
    heard_at: Option<Timestamp>,
    /// When the present session began.
    session_at: Timestamp,
    /// The last sign of a session before, until a row has come since.
    missing_since: Option<Timestamp>,
}

impl GapTracker {
    /// A stream that was last heard, by an earlier run, at `last`.
    pub(super) fn since(last: Option<Timestamp>) -> Self {
        Self { missing_since: last, ..Self::default() }
    }

    /// A session began.
    pub(super) const fn on_connected(&mut self, now: Timestamp) {
        self.session_at = now;
        self.heard_at = Some(now);
    }

    /// The session gave a sign of life.
    pub(super) const fn on_frame(&mut self, now: Timestamp) {
        self.heard_at = Some(now);
    }

    /// The session ended; it had been silent for so long that signs of life proved nothing.
    pub(super) fn on_disconnected(&mut self, silence_ms: i64) {
        let heard_at = self.heard_at.take().map(|at| at.plus_ms(-silence_ms));
        self.missing_since = self.missing_since.or(heard_at);
    }

    /// Rows came: the span before the session that nothing was heard of, if there was one.
    pub(super) fn on_rows(&mut self) -> Option<(Timestamp, Timestamp)> {
        let from = self.missing_since.take()?;
        (self.session_at.ms_since(from) >= SHORTEST_MS).then_some((from, self.session_at))
    }
}

/// The row that says so.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of a pause fit an f64 exactly")]
pub(super) fn outage(profile: &Profile, from: Timestamp, until: Timestamp) -> Parsed {
    let source = profile.info.source.clone();
    let key = SeriesKey::new(Metric::Outage, Asset::total(), source.clone(), Period::INSTANT).with_part(profile.name);
    let mut parsed = Parsed::new(source);
    let hours = until.ms_since(from) as f64 / Period::HOUR.ms() as f64;
    parsed.push(key, from, KnownAtRule::OnCommit, hours);
    parsed
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    #[test]
    fn a_pause_lasts_from_the_last_sign_to_the_session_that_brings_rows() {
        let mut gaps = GapTracker::default();
        gaps.on_connected(at(100));
        assert_eq!(gaps.on_rows(), None, "the first session follows nothing");
        gaps.on_frame(at(150));
        gaps.on_disconnected(0);
        gaps.on_connected(at(160));
        gaps.on_disconnected(0);
        gaps.on_connected(at(200));
        assert_eq!(gaps.on_rows(), Some((at(150), at(200))));
        assert_eq!(gaps.on_rows(), None, "it is told once");
    }

    #[test]
    fn a_silent_session_was_deaf_since_its_last_row() {
        let mut gaps = GapTracker::default();
        gaps.on_connected(at(100));
        gaps.on_frame(at(400));
        gaps.on_disconnected(300_000);
        gaps.on_connected(at(401));
        assert_eq!(gaps.on_rows(), Some((at(100), at(401))));
    }

    #[test]
    fn an_earlier_run_counts_and_a_moment_does_not() {
        let mut gaps = GapTracker::since(Some(at(10)));
        gaps.on_connected(at(100));
        assert_eq!(gaps.on_rows(), Some((at(10), at(100))));
        gaps.on_disconnected(0);
        gaps.on_connected(at(100));
        assert_eq!(gaps.on_rows(), None);
    }
}
