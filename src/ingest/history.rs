use std::time::Duration;

use super::error::FetchError;
use super::feed::{PollContext, PollRequest};
use crate::domain::{Period, TimeRange, Timestamp};

const DAY_MS: i64 = Period::DAY.ms();

/// How the past of a polled feed can be read.
pub enum History {
    /// A first visit asks for everything: one answer of each question holds it.
    SingleRequest,
    /// Page by page. The first visit asks for the last days alone.
    Paged(Pages),
}

/// A past that is read page by page.
pub struct Pages {
    /// What can be asked, each on its own.
    pub strands: Vec<HistorySeries>,
    /// The least time between two questions, by the upstream's limits.
    pub spacing: Duration,
}

/// One thing that is asked page by page: the candles of one coin and length, the funding of one
/// contract.
pub struct HistorySeries {
    name: String,
    wanted_days: u32,
    kept: Retention,
    page_ms: i64,
    cut_at_rows: usize,
    settled_after_ms: i64,
    ask: Ask,
}

/// Makes the question for a span.
pub type Ask = Box<dyn Fn(TimeRange, &PollContext) -> Result<PollRequest, FetchError> + Send + Sync>;

/// What the upstream keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Retention {
    Everything,
    Since(Timestamp),
    Days(u32),
}

impl HistorySeries {
    /// A strand with a name that is unique in its feed and never changes, such as the key of its
    /// series; read `wanted_days` back unless more is asked for; `ask` covers spans of `page_ms`.
    pub fn new(
        name: impl Into<String>,
        wanted_days: u32,
        page_ms: i64,
        ask: impl Fn(TimeRange, &PollContext) -> Result<PollRequest, FetchError> + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.into(),
            wanted_days,
            kept: Retention::Everything,
            page_ms: page_ms.max(1),
            cut_at_rows: usize::MAX,
            settled_after_ms: Period::HOUR.ms(),
            ask: Box::new(ask),
        }
    }

    /// The same; before `start` the upstream has nothing.
    #[must_use]
    pub fn kept_since(mut self, start: Timestamp) -> Self {
        self.kept = Retention::Since(start);
        self
    }

    /// The same; the upstream keeps the last `days`.
    #[must_use]
    pub fn kept_for(mut self, days: u32) -> Self {
        self.kept = Retention::Days(days);
        self
    }

    /// The same; an answer that speaks of `rows` instants or more may have been cut by the upstream,
    /// and its span is asked again in halves.
    #[must_use]
    pub fn cut_at(mut self, rows: usize) -> Self {
        self.cut_at_rows = rows;
        self
    }

    /// The same; the rows of an instant are all there and final after `ms`. An hour unless said.
    #[must_use]
    pub fn settled_after(mut self, ms: i64) -> Self {
        self.settled_after_ms = ms;
        self
    }

    /// Its name within its feed.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for `span`.
    ///
    /// # Errors
    /// [`FetchError::Address`] when the configured address cannot be asked.
    pub(super) fn question(&self, span: TimeRange, visit: &PollContext) -> Result<PollRequest, FetchError> {
        (self.ask)(span, visit)
    }

    /// Whether an answer about so many instants may have been cut.
    pub(super) const fn may_be_cut(&self, instants: usize) -> bool {
        instants >= self.cut_at_rows
    }

    /// From where it is read: `since`, or as far back as is wanted but at most `most_days`; never from
    /// before what the upstream keeps.
    pub(super) fn reach(&self, since: Option<Timestamp>, most_days: Option<u32>, now: Timestamp) -> Timestamp {
        let days = i64::from(self.wanted_days.min(most_days.unwrap_or(u32::MAX)));
        let from = since.unwrap_or_else(|| now.plus_days(-days).day_start());
        match self.kept {
            Retention::Everything => from,
            Retention::Since(start) => from.max(start),
            Retention::Days(days) => from.max(now.plus_days(-i64::from(days)).day_start().plus_days(1)),
        }
    }

    /// The pages that cover `span` and are not covered by `read`, the newest first. Pages lie on
    /// multiples of their length, so that one that was read is known again.
    pub(super) fn pages(&self, span: TimeRange, read: &[TimeRange]) -> Vec<TimeRange> {
        let first = span.from().floor(self.page_ms);
        let starts = (0..).map(|page| first.plus_ms(page * self.page_ms)).take_while(|start| *start < span.to());
        let pages =
            starts.filter_map(|start| TimeRange::new(start.max(span.from()), start.plus_ms(self.page_ms).min(span.to())).ok());
        let mut missing: Vec<_> = pages.filter(|page| !is_covered(*page, read)).collect();
        missing.reverse();
        missing
    }

    /// The part of a page whose rows are final at `now`.
    pub(super) fn settled(&self, page: TimeRange, now: Timestamp) -> Option<TimeRange> {
        TimeRange::new(page.from(), page.to().min(now.plus_ms(-self.settled_after_ms))).ok()
    }

    /// The last day, or as much as holds the last finished rows.
    fn recent(&self, now: Timestamp) -> Option<TimeRange> {
        let length_ms = DAY_MS.max(3 * self.settled_after_ms).min(self.page_ms);
        TimeRange::new(self.reach(None, None, now).max(now.plus_ms(-length_ms)), now).ok()
    }
}

impl Pages {
    /// What a first visit asks: the newest rows of each strand.
    ///
    /// # Errors
    /// [`FetchError::Address`] when the configured address cannot be asked.
    pub(super) fn recent(&self, visit: &PollContext) -> Result<Vec<PollRequest>, FetchError> {
        let asked = self.strands.iter().filter_map(|strand| Some((strand, strand.recent(visit.now)?)));
        asked.map(|(strand, span)| strand.question(span, visit)).collect()
    }
}

/// Whether every instant of `span` lies in one of `read`, which are ordered by their starts.
fn is_covered(span: TimeRange, read: &[TimeRange]) -> bool {
    let mut covered_to = span.from();
    for range in read {
        if range.from() <= covered_to {
            covered_to = covered_to.max(range.to());
        }
    }
    covered_to >= span.to()
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SingleRequest => f.write_str("FirstVisit"),
            Self::Paged(pages) => f.debug_tuple("Paged").field(pages).finish(),
        }
    }
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").field("strands", &self.strands).field("spacing", &self.spacing).finish()
    }
}

impl std::fmt::Debug for HistorySeries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Strand").field("name", &self.name).field("page_ms", &self.page_ms).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_unix_ms(hour * 3_600_000)
    }

    fn hours(from: i64, to: i64) -> TimeRange {
        TimeRange::new(at(from), at(to)).unwrap()
    }

    fn strand(page_hours: i64) -> HistorySeries {
        HistorySeries::new("x", 10, page_hours * 3_600_000, |_, _| Err(FetchError::Timeout { host: String::new() }))
    }

    #[test]
    fn pages_lie_on_a_grid_and_the_newest_comes_first() {
        assert_eq!(strand(10).pages(hours(5, 27), &[]), [hours(20, 27), hours(10, 20), hours(5, 10)]);
    }

    #[test]
    fn a_page_that_was_read_is_left_out_and_a_hole_in_the_middle_is_found() {
        let read = [hours(5, 10), hours(20, 30)];
        assert_eq!(strand(10).pages(hours(5, 30), &read), [hours(10, 20)]);
        assert_eq!(strand(10).pages(hours(5, 30), &[hours(0, 12), hours(11, 40)]), []);
        let partly = [hours(5, 10), hours(10, 18), hours(20, 30)];
        assert_eq!(strand(10).pages(hours(5, 30), &partly), [hours(10, 20)], "a page is read whole");
    }

    #[test]
    fn the_rows_of_the_last_hour_are_not_final() {
        assert_eq!(strand(10).settled(hours(10, 20), at(15)), Some(hours(10, 14)));
        assert_eq!(strand(10).settled(hours(10, 20), at(30)), Some(hours(10, 20)));
        assert_eq!(strand(10).settled(hours(10, 11), at(11)), None);
    }

    #[test]
    fn it_reaches_as_far_back_as_is_wanted_allowed_and_kept() {
        let now: Timestamp = "2026-02-04T08:00:00Z".parse().unwrap();
        let day = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(strand(10).reach(None, None, now), day("2026-01-25"));
        assert_eq!(strand(10).reach(None, Some(3), now), day("2026-02-01"));
        assert_eq!(strand(10).reach(Some(day("2020-01-01")), Some(3), now), day("2020-01-01"));
        assert_eq!(strand(10).kept_since(day("2025-01-01")).reach(Some(day("2020-01-01")), None, now), day("2025-01-01"));
        assert_eq!(strand(10).kept_for(30).reach(Some(day("2020-01-01")), None, now), day("2026-01-06"));
    }

    proptest! {
        #[test]
        fn pages_and_what_was_read_cover_the_span_together(
            from in 0_i64..200,
            length in 1_i64..200,
            page in 1_i64..50,
            read in prop::collection::vec((0_i64..400, 1_i64..60), 0..12),
        ) {
            let span = hours(from, from + length);
            let mut read: Vec<_> = read.into_iter().map(|(from, length)| hours(from, from + length)).collect();
            read.sort_by_key(TimeRange::from);
            let pages = strand(page).pages(span, &read);
            for hour in from..from + length {
                let covered = read.iter().chain(&pages).any(|range| range.contains(at(hour)));
                prop_assert!(covered, "hour {} of {:?} is nowhere", hour, span);
            }
            prop_assert!(pages.iter().all(|page| span.from() <= page.from() && page.to() <= span.to()));
            prop_assert!(pages.windows(2).all(|pair| pair[1].to() <= pair[0].from()), "newest first, without overlap");
        }
    }
}
