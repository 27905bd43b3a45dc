//! Which cutoff a question has.

use crate::api::params::parameter::{Kind, Parameter, parsed};
use crate::api::params::reader::ParamReader;
use crate::api::response::problem::ApiError;
use crate::domain::Timestamp;
use crate::metrics::Moment;

const AS_OF: Parameter<Moment> = Parameter {
    name: "as_of",
    about: "The cutoff: only what was known by then counts. RFC 3339, a date (the start of that UTC day), or a length before now such as `-7d`. Default: now.",
    example: "2026-02-04T08:00:00Z",
    kind: Kind::MOMENT,
    read: parsed,
};

/// The age from which on an instant counts as the past: a commit under way may still add rows that
/// were known a moment ago.
const SETTLED_AFTER_MS: i64 = 60_000;

/// The cutoff of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::api) struct AsOf {
    /// The instant.
    pub at: Timestamp,
    /// Whether the question named none.
    pub defaulted: bool,
    /// Whether the same question has the same cutoff later on, and that lies in the past.
    pub settled: bool,
    /// Since when rows may be missing that were known by the cutoff, because the log is out of reach.
    pub store_unreachable_since: Option<Timestamp>,
}

/// What the clock and the market say at the moment of a request.
#[derive(Debug, Clone, Copy)]
pub(in crate::api) struct Now {
    /// The clock.
    pub clock: Timestamp,
    /// When the row known last of all was known.
    pub latest_known_at: Option<Timestamp>,
    /// Since when the market has not heard of the log, if it is out of reach.
    pub store_unreachable_since: Option<Timestamp>,
}

impl Now {
    /// No moment at all: for reading a query that nobody sent.
    pub(in crate::api) const NEVER: Self = Self { clock: Timestamp::MIN, latest_known_at: None, store_unreachable_since: None };

    /// The cutoff of a question that names none: the second, so that equal questions within it share
    /// an answer, or the newest row where that is younger.
    pub(in crate::api) fn cutoff(self) -> Timestamp {
        let second = self.clock.floor(1_000);
        self.latest_known_at.filter(|known_at| *known_at <= self.clock).map_or(second, |known_at| known_at.max(second))
    }
}

impl AsOf {
    /// Reads `as_of`. One in the future is told apart from one that cannot be read, because it is
    /// another problem: [`AsOf::check`] reports it once the whole query is read.
    pub(in crate::api) fn read(query: &mut ParamReader, present: Now) -> Self {
        let default = present.cutoff();
        let asked = query.optional(&AS_OF);
        let at = asked.map_or(default, |moment| moment.resolve(default));
        let store_unreachable_since = present.store_unreachable_since.filter(|since| at > *since);
        let fixed = matches!(asked, Some(Moment::At(_)));
        let settled = fixed && store_unreachable_since.is_none() && present.clock.ms_since(at) >= SETTLED_AFTER_MS;
        Self { at, defaulted: asked.is_none(), settled, store_unreachable_since }
    }

    /// Refuses a cutoff ahead of the clock.
    ///
    /// # Errors
    /// [`ApiError::Future`].
    pub(in crate::api) fn check(self, present: Now) -> Result<(), ApiError> {
        if self.at > present.clock && !self.defaulted {
            return Err(ApiError::Future { as_of: self.at, now: present.clock });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cutoff(raw: &str, latest_known_at: Option<&str>) -> AsOf {
        let present = Now {
            clock: at("2026-02-04T08:00:00.700Z"),
            latest_known_at: latest_known_at.map(at),
            store_unreachable_since: None,
        };
        AsOf::read(&mut ParamReader::new(vec![], Some(raw)), present)
    }

    #[rstest]
    #[case(None, "2026-02-04T08:00:00Z")]
    #[case(Some("2026-02-04T07:59:00Z"), "2026-02-04T08:00:00Z")]
    #[case(Some("2026-02-04T08:00:00.500Z"), "2026-02-04T08:00:00.500Z")]
    #[case(Some("2026-02-05"), "2026-02-04T08:00:00Z")]
    fn the_default_is_the_second_or_the_newest_row(#[case] latest: Option<&str>, #[case] expected: &str) {
        assert_eq!(cutoff("", latest).at, at(expected));
    }

    #[test]
    fn only_a_fixed_instant_of_the_past_is_settled() {
        assert!(cutoff("as_of=2026-02-03", None).settled);
        assert!(!cutoff("as_of=2026-02-04T08:00:00Z", None).settled);
        let moving = cutoff("as_of=-1d", None);
        assert_eq!((moving.at, moving.settled, moving.defaulted), (at("2026-02-03T08:00:00Z"), false, false));
    }

    #[rstest]
    #[case("", Some("2026-02-04T07:00:00Z"), false)]
    #[case("as_of=2026-02-04T07:30:00Z", Some("2026-02-04T07:00:00Z"), false)]
    #[case("as_of=2026-02-04T07:00:00Z", None, true)]
    fn while_the_log_is_out_of_reach_only_what_was_known_before_is_settled(
        #[case] raw: &str,
        #[case] store_unreachable_since: Option<&str>,
        #[case] settled: bool,
    ) {
        let present = Now {
            clock: at("2026-02-04T08:00:00Z"),
            latest_known_at: None,
            store_unreachable_since: Some(at("2026-02-04T07:00:00Z")),
        };
        let cutoff = AsOf::read(&mut ParamReader::new(vec![], Some(raw)), present);
        assert_eq!((cutoff.store_unreachable_since, cutoff.settled), (store_unreachable_since.map(at), settled));
    }
}
