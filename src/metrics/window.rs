use serde::Serialize;
use std::fmt;
use std::str::FromStr;

use crate::domain::{Period, TimeRange, Timestamp};
use crate::metrics::{QueryError, WindowBounds};

/// An instant in a question: fixed, or so long before the cutoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Moment {
    /// A fixed instant.
    At(Timestamp),
    /// So many milliseconds before the cutoff.
    Before(i64),
}

/// The length of a window that ends at the cutoff.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Length {
    /// So many milliseconds.
    Ms(i64),
    /// From the first row on.
    All,
}

/// The span a question asks about, before the cutoff is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub enum Window {
    /// Ends at the cutoff.
    Last(Length),
    /// Between two moments; the end is the cutoff where none is given.
    Since {
        /// The first instant inside.
        since: Moment,
        /// The last instant inside.
        until: Option<Moment>,
    },
}

/// The text is not a length of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a window: a whole number and m, h, d, w or y, such as 24h, 30d or 1y, or all")]
pub struct InvalidLength(pub String);

/// The text is not a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a moment: an RFC 3339 instant, a date, or a length before the cutoff such as -7d")]
pub struct InvalidMoment(pub String);

/// A span with both ends settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first instant inside.
    pub from: Timestamp,
    /// The last instant inside, never after the cutoff.
    pub to: Timestamp,
    /// Whether the span ends at the cutoff, and so holds rows that are still running.
    pub to_cutoff: bool,
}

impl Window {
    /// From the first row on.
    pub const ALL: Self = Self::Last(Length::All);

    /// The last so many days.
    #[must_use]
    pub const fn days(days: i64) -> Self {
        Self::Last(Length::Ms(days * Period::DAY.ms()))
    }

    /// Settles both ends against the cutoff. An end after the cutoff is moved to it.
    ///
    /// # Errors
    /// [`QueryError::EmptyWindow`] when the span would end before it starts.
    pub fn resolve(self, as_of: Timestamp) -> Result<Span, QueryError> {
        let (from, to) = match self {
            Self::Last(Length::All) => (Timestamp::MIN, as_of),
            Self::Last(Length::Ms(ms)) => (as_of.plus_ms(-ms).max(Timestamp::MIN), as_of),
            Self::Since { since, until } => (since.resolve(as_of), until.map_or(as_of, |u| u.resolve(as_of).min(as_of))),
        };
        if from < to { Ok(Span { from, to, to_cutoff: to == as_of }) } else { Err(QueryError::EmptyWindow { from, to }) }
    }
}

impl Moment {
    /// The instant, given the cutoff.
    #[must_use]
    pub fn resolve(self, as_of: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Before(ms) => as_of.plus_ms(-ms).max(Timestamp::MIN),
        }
    }
}

impl Span {
    /// The span of the readings inside: both ends count.
    #[must_use]
    pub fn readings(&self) -> TimeRange {
        self.rows(Period::INSTANT)
    }

    /// The span of the starts of rows that cover one period each and lie inside as a whole; where the
    /// span ends at the cutoff, the running row counts too.
    #[must_use]
    pub fn rows(&self, period: Period) -> TimeRange {
        let unfinished_ms = if self.to_cutoff { 0 } else { period.ms() };
        let end = self.to.plus_ms(1 - unfinished_ms).max(self.from.plus_ms(1));
        TimeRange::new(self.from, end).unwrap_or_else(|_| TimeRange::all())
    }

    /// Whether the span reaches back to the first row, whenever that is.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.from == Timestamp::MIN
    }

    /// The bounds as an answer shows them; a span that reaches back to the first row begins with it.
    #[must_use]
    pub fn bounds(&self, first_at: Option<Timestamp>) -> WindowBounds {
        let from = if self.is_all() { first_at.unwrap_or(self.to).min(self.to) } else { self.from };
        WindowBounds { from, to: self.to }
    }
}

/// Milliseconds of `24h`, `30d`, `2w` or `1y` (365 days); at most a thousand years.
fn length_ms(text: &str) -> Option<i64> {
    let hour = Period::HOUR.ms();
    let unit = match text.as_bytes().last()? {
        b'm' => Period::MINUTE.ms(),
        b'h' => hour,
        b'd' => 24 * hour,
        b'w' => 7 * 24 * hour,
        b'y' => 365 * 24 * hour,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let count: i64 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
    let ms = count.checked_mul(unit)?;
    (ms > 0 && ms <= 365_000 * 24 * hour).then_some(ms)
}

impl FromStr for Length {
    type Err = InvalidLength;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "all" {
            return Ok(Self::All);
        }
        length_ms(text).map(Self::Ms).ok_or_else(|| InvalidLength(text.to_owned()))
    }
}

impl FromStr for Moment {
    type Err = InvalidMoment;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidMoment(text.to_owned());
        match text.strip_prefix('-') {
            Some(length) => length_ms(length).map(Self::Before).ok_or_else(invalid),
            None => text.parse().map(Self::At).map_err(|_| invalid()),
        }
    }
}

/// The shortest way to write a length of time that reads back as the same.
fn length_text(ms: i64) -> String {
    match ms {
        ms if ms % Period::DAY.ms() == 0 => format!("{}d", ms / Period::DAY.ms()),
        ms if ms % Period::HOUR.ms() == 0 => format!("{}h", ms / Period::HOUR.ms()),
        ms => format!("{}m", ms / Period::MINUTE.ms()),
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Ms(ms) => f.write_str(&length_text(*ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_length_ends_at_the_cutoff() {
        let span = Window::Last("7d".parse().unwrap()).resolve(at("2026-02-04T08:00:00Z")).unwrap();
        assert_eq!((span.from, span.to), (at("2026-01-28T08:00:00Z"), at("2026-02-04T08:00:00Z")));
    }

    #[test]
    fn a_sum_that_ends_after_the_window_is_not_in_it_unless_the_window_ends_now() {
        let four_hours = "4h".parse().unwrap();
        let past = Window::Since { since: Moment::At(at("2026-02-03")), until: Some(Moment::At(at("2026-02-04"))) };
        let rows = past.resolve(at("2026-03-01")).unwrap().rows(four_hours);
        assert!(rows.contains(at("2026-02-03")) && rows.contains(at("2026-02-03T20:00:00Z")));
        assert!(!rows.contains(at("2026-02-03T20:00:00.001Z")));
        assert!(Window::days(1).resolve(at("2026-02-04")).unwrap().rows(four_hours).contains(at("2026-02-03T22:00:00Z")));
    }

    #[test]
    fn an_end_before_the_start_is_refused() {
        let window = Window::Since { since: Moment::At(at("2026-02-03")), until: Some(Moment::At(at("2026-02-02"))) };
        assert!(matches!(window.resolve(at("2026-02-04")), Err(QueryError::EmptyWindow { .. })));
    }

    #[test]
    fn a_length_is_read_back_as_written() {
        for text in ["all", "90m", "36h", "30d"] {
            assert_eq!(text.parse::<Length>().unwrap().to_string(), text);
        }
        assert_eq!("24h".parse::<Length>().unwrap().to_string(), "1d");
    }

    #[test]
    fn absurd_lengths_are_refused() {
        for text in ["", "d", "0d", "-1d", "1.5d", "7", "99999999999999999999d", "9999999y", "1é"] {
            assert!(text.parse::<Length>().is_err(), "{text} was accepted");
        }
    }
}
