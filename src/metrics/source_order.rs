//! Which source answers a question (METHODOLOGY section 0). Every question chooses here.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Asset, Metric, Period, SeriesKey, Source, SourceKind, Timestamp};
use crate::market::{ColumnView, MarketView, Point};
use crate::metrics::liveness::{is_live, true_at};
use crate::metrics::provenance::Provenance;
use crate::metrics::{QueryError, Span, WarningCode};

/// How much later than the earliest history one may begin and still be told apart from none, milliseconds.
const HISTORY_SLACK_MS: i64 = 30 * Period::DAY.ms();
/// Sources that a warning names; the others are counted.
const NAMED: usize = 3;

/// The order in which sources are asked when a question names none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SourceOrder(Vec<Source>);

/// How far back a question looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// The last value alone.
    Level,
    /// From an instant on.
    Since(Timestamp),
    /// As far as any live source does: what is said of records, ranks over history, and of all time.
    History,
}

/// The sources with rows that could answer a question, judged at one instant.
#[derive(Debug)]
pub(super) struct Candidates {
    at: Timestamp,
    by_source: BTreeMap<Source, Candidate>,
}

/// What is known of one source.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    /// The start of its first row.
    first_at: Timestamp,
    /// The instant its newest row speaks of.
    newest_at: Timestamp,
    /// How far apart rows are of the series that begins first.
    every_ms: i64,
    live: bool,
    /// Whether it only approximates what the question needs.
    sampled: bool,
}

/// The source that answers a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) source: Source,
    /// Whether its history begins as early as that of any live source, so that a record in it is one.
    pub(super) has_history: bool,
}

impl Need {
    /// What a question about a span needs.
    pub(super) fn of(span: Span) -> Self {
        if span.is_all() { Self::History } else { Self::Since(span.from) }
    }

    /// What a question about a span needs that also looks so many days farther back.
    pub(super) fn days_before(at: Timestamp, days: i64) -> Self {
        Self::Since(at.plus_days(-days).max(Timestamp::MIN))
    }
}

impl Candidates {
    /// No candidate yet, to be judged at an instant.
    pub(super) const fn at(at: Timestamp) -> Self {
        Self { at, by_source: BTreeMap::new() }
    }

    /// With the sources of these series.
    pub(super) fn with<'a, P: Point + 'a>(self, series: impl IntoIterator<Item = (&'a SeriesKey, ColumnView<'a, P>)>) -> Self {
        self.extended(series, false)
    }

    /// With the sources of series that only approximate what is asked, such as sampled prices beside bars. They
    /// come after the others.
    pub(super) fn with_sampled<'a, P: Point + 'a>(
        self,
        series: impl IntoIterator<Item = (&'a SeriesKey, ColumnView<'a, P>)>,
    ) -> Self {
        self.extended(series, true)
    }

    fn extended<'a, P: Point + 'a>(
        mut self,
        series: impl IntoIterator<Item = (&'a SeriesKey, ColumnView<'a, P>)>,
        sampled: bool,
    ) -> Self {
        for (key, column) in series {
            let Some((first, last)) = column.first().zip(column.last()) else { continue };
            let newest_at = true_at(key, last.observed_at);
            let found = Candidate {
                first_at: first.observed_at,
                newest_at,
                every_ms: key.expected_every_ms(),
                live: is_live(key, newest_at, self.at),
                sampled,
            };
            match self.by_source.get_mut(&key.source) {
                Some(known) => known.merge(found),
                None => drop(self.by_source.insert(key.source.clone(), found)),
            }
        }
        self
    }

    fn get(&self, source: &Source) -> Option<&Candidate> {
        self.by_source.get(source)
    }

    fn is_live(&self, source: &Source) -> bool {
        self.get(source).is_some_and(|candidate| candidate.live)
    }

    /// The start of the earliest history among the live ones; among all where none is live.
    fn earliest(&self) -> Option<Timestamp> {
        let live = self.by_source.values().filter(|candidate| candidate.live).map(|candidate| candidate.first_at).min();
        live.or_else(|| self.by_source.values().map(|candidate| candidate.first_at).min())
    }
}

impl Candidate {
    fn merge(&mut self, other: Self) {
        if other.first_at < self.first_at {
            (self.first_at, self.every_ms) = (other.first_at, other.every_ms);
        }
        self.newest_at = self.newest_at.max(other.newest_at);
        self.live |= other.live;
        self.sampled &= other.sampled;
    }

    fn covers(&self, need: Need, earliest: Timestamp) -> bool {
        match need {
            Need::Level => true,
            Need::Since(from) => self.first_at <= from.plus_ms(self.every_ms),
            Need::History => self.has_history(earliest),
        }
    }

    fn has_history(&self, earliest: Timestamp) -> bool {
        self.first_at <= earliest.plus_ms(HISTORY_SLACK_MS)
    }
}

impl SourceOrder {
    /// Sources from the first to be asked to the last; those not named come after, by name.
    #[must_use]
    pub const fn new(sources: Vec<Source>) -> Self {
        Self(sources)
    }

    /// The place of a source: smaller is asked earlier. Made-up sources come last whatever the order says.
    pub(super) fn place<'s>(&self, view: &MarketView, source: &'s Source) -> (bool, usize, &'s Source) {
        let rank = self.0.iter().position(|named| named == source).unwrap_or(self.0.len());
        (is_made_up(view, source), rank, source)
    }

    /// The source that answers: the one asked for, which must be among the candidates; else the first that is
    /// live and covers what the question needs; else the live one with the longest history; else the one
    /// with the newest row. `None` without candidates. Warns of a source that has died and of a history that is too short.
    ///
    /// # Errors
    /// [`QueryError::UnknownSource`] when the one asked for is not among the candidates.
    pub(super) fn choose(
        &self,
        trail: &mut Provenance<'_>,
        candidates: &Candidates,
        asked: Option<&Source>,
        need: Need,
    ) -> Result<Option<Choice>, QueryError> {
        let known = self.candidates_in_order(trail.view(), candidates);
        let Some(earliest) = candidates.earliest() else { return asked.map_or(Ok(None), |asked| Err(unknown(asked, &known))) };
        let choice = |(source, candidate): (&Source, &Candidate)| Choice {
            source: source.clone(),
            has_history: candidate.has_history(earliest),
        };
        if let Some(asked) = asked {
            let found = known.iter().find(|(source, _)| *source == asked);
            return found.map(|found| Some(choice(*found))).ok_or_else(|| unknown(asked, &known));
        }
        let live = || known.iter().filter(|(_, candidate)| candidate.live);
        let covering = live().find(|(_, candidate)| candidate.covers(need, earliest));
        let longest = || live().min_by_key(|(_, candidate)| candidate.first_at);
        let newest = || known.iter().rev().max_by_key(|(_, candidate)| candidate.newest_at);
        let Some(found) = covering.or_else(longest).or_else(newest).copied() else { return Ok(None) };
        if found.1.live {
            warn_of_switch(trail, &known, found.0);
            if covering.is_none() && known.len() > 1 {
                warn_of_history(trail, need, found);
            }
        }
        Ok(Some(choice(found)))
    }

    /// The sources whose figures are added up: those asked for, which must be among the candidates;
    /// else the first live one that is no venue, alone, since its figures hold the venues'; else all venues.
    /// A venue that is not live leaves the sum and is named, unless none is live. The rows of a scenario count
    /// only where nothing real is known, those of all its venues together.
    ///
    /// # Errors
    /// [`QueryError::UnknownSource`] when one asked for is not among the candidates.
    pub(super) fn choose_summed(
        &self,
        trail: &mut Provenance<'_>,
        candidates: &Candidates,
        asked: &[Source],
    ) -> Result<Vec<Source>, QueryError> {
        let view = trail.view();
        let known = self.candidates_in_order(view, candidates);
        if let Some(asked) = asked.iter().find(|source| candidates.get(source).is_none()) {
            return Err(unknown(asked, &known));
        }
        if !asked.is_empty() {
            return Ok(leave_out_silent(trail, candidates, asked.to_vec()));
        }
        let (made_up, real): (Vec<_>, Vec<_>) =
            known.iter().map(|(source, _)| *source).partition(|source| is_made_up(view, source));
        let real = if real.is_empty() { made_up } else { real };
        let is_aggregator = |source: &&&Source| !matches!(kind(view, source), SourceKind::Venue | SourceKind::Scenario);
        let (aggregators, venues): (Vec<&Source>, Vec<&Source>) = real.iter().partition(|source| is_aggregator(source));
        let any_live = real.iter().any(|source| candidates.is_live(source));
        let aggregator = aggregators.iter().find(|source| !any_live || candidates.is_live(source));
        if let Some(aggregator) = aggregator {
            warn_of_switch(trail, &known, aggregator);
            return Ok(vec![(*aggregator).clone()]);
        }
        Ok(leave_out_silent(trail, candidates, venues.into_iter().cloned().collect()))
    }

    fn candidates_in_order<'c>(&self, view: &MarketView, candidates: &'c Candidates) -> Vec<(&'c Source, &'c Candidate)> {
        let mut known: Vec<_> = candidates.by_source.iter().collect();
        if known.len() > 1 {
            known.sort_by_cached_key(|(source, candidate)| {
                let (made_up, rank, source) = self.place(view, source);
                (made_up, candidate.sampled, rank, source)
            });
        }
        known
    }
}

fn unknown(asked: &Source, known: &[(&Source, &Candidate)]) -> QueryError {
    QueryError::UnknownSource { source_name: asked.clone(), known: known.iter().map(|(source, _)| (*source).clone()).collect() }
}

/// Names the first source in the order that would have answered if it were still live.
fn warn_of_switch(trail: &mut Provenance<'_>, known: &[(&Source, &Candidate)], chosen: &Source) {
    let before = known.iter().take_while(|(source, _)| *source != chosen);
    let dead = before.filter(|(_, candidate)| !candidate.live).map(|(source, candidate)| (*source, candidate.newest_at)).next();
    if let Some((dead, since)) = dead {
        let detail = format!("{chosen} answers instead of {dead}, which has had no row since {since}");
        trail.warn(WarningCode::SourceSwitched, detail);
    }
}

fn warn_of_history(trail: &mut Provenance<'_>, need: Need, (source, candidate): (&Source, &Candidate)) {
    if let Need::Since(from) = need {
        let detail = format!("no live source reaches back to {from}: the rows of {source} begin at {}", candidate.first_at);
        trail.warn(WarningCode::HistoryLimit, detail);
    }
}

/// The sources that are live, with a warning that names the others; all of them where none is.
fn leave_out_silent(trail: &mut Provenance<'_>, candidates: &Candidates, sources: Vec<Source>) -> Vec<Source> {
    let (live, silent): (Vec<Source>, Vec<Source>) = sources.into_iter().partition(|source| candidates.is_live(source));
    if live.is_empty() {
        return silent;
    }
    if !silent.is_empty() {
        let since = |source: &Source| candidates.get(source).map(|candidate| format!("{source} since {}", candidate.newest_at));
        let named: Vec<String> = silent.iter().take(NAMED).filter_map(since).collect();
        let detail = format!("left out of sums and means without a row for long, {}: {}", silent.len(), named.join(", "));
        trail.warn(WarningCode::StaleInput, detail);
    }
    live
}

/// What a source is; one that nothing is told of counts as a venue.
fn kind(view: &MarketView, source: &Source) -> SourceKind {
    view.source_info(source).map_or(SourceKind::Venue, |info| info.kind)
}

fn is_made_up(view: &MarketView, source: &Source) -> bool {
    kind(view, source) == SourceKind::Scenario
}

/// Lets the `source` of a question about several assets pass that has bars of any of them.
///
/// # Errors
/// [`QueryError::UnknownSource`] naming those that have.
pub(super) fn known_source<'s>(
    view: &MarketView,
    asked: Option<&Source>,
    assets: impl IntoIterator<Item = &'s Asset>,
) -> Result<(), QueryError> {
    let Some(asked) = asked else { return Ok(()) };
    let known: BTreeSet<Source> =
        assets.into_iter().flat_map(|asset| view.candle_series(asset)).map(|(key, _)| key.source.clone()).collect();
    if known.contains(asked) {
        return Ok(());
    }
    Err(QueryError::UnknownSource { source_name: asked.clone(), known: known.into_iter().collect() })
}

/// The sources with a price of an asset, judged at an instant: bars before sampled prices, and the value of the
/// whole market for `total`.
pub(super) fn price_candidates(view: &MarketView, asset: &Asset, at: Timestamp) -> Candidates {
    Candidates::at(at).with(view.candle_series(asset)).with_sampled(view.readings(price_metric(asset), asset))
}

/// The readings that stand for a price where there are no bars.
pub(super) fn price_metric(asset: &Asset) -> Metric {
    if *asset == Asset::total() { Metric::MarketCap } else { Metric::Price }
}
