use super::feed::{Parsed, Profile};
use crate::domain::{Asset, Knowledge, Metric, Period, SeriesKey, Timestamp};

/// A pause shorter than this is none.
const SHORTEST_MS: i64 = 1_000;

/// Since when a stream may have missed rows, and until when.
///
/// Only rows prove that a stream speaks, so a pause is told when the first rows after it come. It lasts
/// until the session began that brought them.
#[derive(Debug, Default)]
pub(super) struct Hearing {
    /// The last sign of the present session.
    heard_at: Option<Timestamp>,
    /// When the present session began.
    session_at: Timestamp,
    /// The last sign of a session before, until a row has come since.
    missing_since: Option<Timestamp>,
}

impl Hearing {
    /// A stream that was last heard, by an earlier run, at `last`.
    pub(super) fn since(last: Option<Timestamp>) -> Self {
        Self { missing_since: last, ..Self::default() }
    }

    /// A session began.
    pub(super) const fn began(&mut self, now: Timestamp) {
        self.session_at = now;
        self.heard_at = Some(now);
    }

    /// The session gave a sign of life.
    pub(super) const fn heard(&mut self, now: Timestamp) {
        self.heard_at = Some(now);
    }

    /// The session ended; it had been silent for so long that signs of life proved nothing.
    pub(super) fn ended(&mut self, silence_ms: i64) {
        let heard_at = self.heard_at.take().map(|at| at.plus_ms(-silence_ms));
        self.missing_since = self.missing_since.or(heard_at);
    }

    /// Rows came: the span before the session that nothing was heard of, if there was one.
    pub(super) fn rows_came(&mut self) -> Option<(Timestamp, Timestamp)> {
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
    parsed.push(key, from, Knowledge::OnCommit, hours);
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
        let mut hearing = Hearing::default();
        hearing.began(at(100));
        assert_eq!(hearing.rows_came(), None, "the first session follows nothing");
        hearing.heard(at(150));
        hearing.ended(0);
        hearing.began(at(160));
        hearing.ended(0);
        hearing.began(at(200));
        assert_eq!(hearing.rows_came(), Some((at(150), at(200))));
        assert_eq!(hearing.rows_came(), None, "it is told once");
    }

    #[test]
    fn a_silent_session_was_deaf_since_its_last_row() {
        let mut hearing = Hearing::default();
        hearing.began(at(100));
        hearing.heard(at(400));
        hearing.ended(300_000);
        hearing.began(at(401));
        assert_eq!(hearing.rows_came(), Some((at(100), at(401))));
    }

    #[test]
    fn an_earlier_run_counts_and_a_moment_does_not() {
        let mut hearing = Hearing::since(Some(at(10)));
        hearing.began(at(100));
        assert_eq!(hearing.rows_came(), Some((at(10), at(100))));
        hearing.ended(0);
        hearing.began(at(100));
        assert_eq!(hearing.rows_came(), None);
    }
}
