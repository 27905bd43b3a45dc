//! Which sources' figures are added up.
//!
//! A figure and its parts come from one set of inputs: an aggregator holds the figures of venues, so it is never added
//! to any of them.

use crate::domain::{Source, SourceKind};
use crate::market::MarketView;
use crate::metrics::provenance::Provenance;
use crate::metrics::source_order::{Candidates, is_made_up, kind};
use crate::metrics::{QueryError, SourceOrder};

/// How much a source tells of the window asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Nothing.
    Nothing,
    /// A part, or in too coarse buckets.
    Part,
    /// The window to its end.
    End,
}

/// The sources that are added up: those asked for, which must be among the candidates; else the first that is no venue
/// and reaches the end of the window, alone; else all venues, where any of them tells anything; else the first that is
/// no venue. The rows of a scenario count only where nothing real is known, those of all its venues together.
///
/// # Errors
/// [`QueryError::UnknownSource`] when one asked for is not among the candidates, and [`QueryError::Parameter`] when one
/// asked for holds the figures of another.
pub(super) fn summed_sources(
    order: &SourceOrder,
    trail: &mut Provenance<'_>,
    candidates: &Candidates,
    asked: &[Source],
    reach: impl Fn(&Source) -> Reach,
) -> Result<Vec<Source>, QueryError> {
    let view = trail.view();
    let known: Vec<Source> = order.sources_in_order(view, candidates).cloned().collect();
    if let Some(unknown) = asked.iter().find(|source| !known.contains(source)) {
        return Err(QueryError::UnknownSource { source_name: unknown.clone(), known });
    }
    if !asked.is_empty() {
        refuse_overlap(view, asked)?;
        let mut asked = asked.to_vec();
        asked.sort();
        asked.dedup();
        return Ok(asked);
    }
    let (scenario, real): (Vec<_>, Vec<_>) = known.into_iter().partition(|source| is_made_up(view, source));
    if real.is_empty() {
        return Ok(scenario);
    }
    let (venues, others): (Vec<_>, Vec<_>) = real.into_iter().partition(|source| kind(view, source) == SourceKind::Venue);
    let alone = others.iter().find(|source| reach(source) == Reach::End);
    let any_venue = || venues.iter().any(|source| reach(source) != Reach::Nothing);
    match alone.or_else(|| others.first().filter(|_| !any_venue())) {
        Some(source) => {
            order.warn_of_switch(trail, candidates, source);
            Ok(vec![source.clone()])
        }
        None => Ok(venues),
    }
}

/// Whether the figures of a source hold those of venues.
pub(super) fn holds_venues(view: &MarketView, source: &Source) -> bool {
    matches!(kind(view, source), SourceKind::Aggregator | SourceKind::Publisher)
}

fn refuse_overlap(view: &MarketView, asked: &[Source]) -> Result<(), QueryError> {
    let Some(whole) = asked.iter().find(|source| holds_venues(view, source)) else { return Ok(()) };
    let others: Vec<&str> = asked.iter().filter(|source| *source != whole).map(Source::as_str).collect();
    if others.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = asked.iter().map(Source::as_str).collect();
    let others = others.join(",");
    Err(QueryError::Parameter {
        parameter: "source",
        given: names.join(","),
        reason: format!("{whole} holds the figures of {others} already, and the same would be counted twice"),
        allowed: vec![whole.to_string(), others],
    })
}
