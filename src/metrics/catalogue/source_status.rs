use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::{FeedState, FeedStatus, Source, SourceKind, StatusBoard, Timestamp};
use crate::market::MarketView;
use crate::metrics::catalogue::series::entries;
use crate::metrics::liquidations::outages::recent_outage;
use crate::metrics::provenance::{Derivation, Provenance};
use crate::metrics::statements::DatedRow;
use crate::metrics::{Answer, Context, Freshness, Query, QueryError, SeriesEntry, WarningCode};

/// How one feed is, or one source whose rows were imported.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct SourceStatus {
    /// The source its rows are recorded under.
    pub source: Source,
    /// The feed that fills it; absent for imports and at a past cutoff.
    pub feed: Option<String>,
    /// How its figures may be combined; absent where the source has not introduced itself.
    pub kind: Option<SourceKind>,
    /// How well it is; of an import, as its series that is best.
    pub state: FeedState,
    /// When the upstream last answered and the rows were recorded; absent for imports.
    pub last_success_at: Option<Timestamp>,
    /// The newest instant it has spoken of.
    pub last_observation_at: Option<Timestamp>,
    /// From that instant to the cutoff, seconds.
    pub lag_seconds: Option<i64>,
    /// How far apart its observations should be, seconds.
    pub expected_every_seconds: Option<i64>,
    /// Failures since the last success.
    pub consecutive_failures: u32,
    /// The last failure in words, or what a `partial` feed lacks and why; absent when all is well.
    pub last_error: Option<String>,
    /// What its figures leave out; absent when nothing is known to be missing.
    pub note: Option<String>,
    /// Rows refused since the service was started.
    pub refused_rows: u64,
    /// The last refused row and its reason; absent where there was none.
    pub last_refusal: Option<String>,
    /// From where its past is read; absent where nobody reads it.
    pub backfill_since: Option<Timestamp>,
    /// Pages of its past that were missing; absent where nobody reads it.
    pub backfill_pages: Option<u64>,
    /// How many of them have been read.
    pub backfill_pages_read: Option<u64>,
    /// Why a part of the past could not be read yet; absent when all is well.
    pub backfill_error: Option<String>,
}

impl DatedRow for SourceStatus {}

/// The status of every feed, and of every source with rows known at the cutoff that no feed fills.
#[must_use]
pub fn source_statuses(view: &MarketView, feeds: &[FeedStatus]) -> Answer<Vec<SourceStatus>> {
    let mut imported: BTreeMap<Source, Vec<SeriesEntry>> = BTreeMap::new();
    for entry in entries(view, &mut Provenance::new(view), |_| true) {
        imported.entry(entry.source.clone()).or_default().push(entry);
    }
    for info in view.sources() {
        imported.entry(info.source.clone()).or_default();
    }
    let mut rows: Vec<SourceStatus> = feeds.iter().map(|feed| of_feed(view, feed)).collect();
    imported.retain(|source, _| feeds.iter().all(|feed| feed.source != *source));
    rows.extend(imported.iter().map(|(source, series)| of_import(view, source, series)));
    rows.sort_by(|a, b| (&a.source, &a.feed).cmp(&(&b.source, &b.feed)));
    let is_known = rows.iter().any(|row| row.last_observation_at.is_some());
    let mut answer = Provenance::new(view).answer(rows, Derivation::default());
    // The rows speak of series without reading one.
    answer.warnings.retain(|warning| !is_known || warning.code != WarningCode::NoData);
    answer
}

fn of_feed(view: &MarketView, feed: &FeedStatus) -> SourceStatus {
    let info = view.source_info(&feed.source);
    let note = Some(feed.note.clone()).filter(|note| !note.is_empty()).or_else(|| note_of(view, &feed.source));
    let outage = recent_outage(view, &feed.source, &feed.feed);
    let outage = outage.map(|outage| format!("nothing was heard from {} to {}", outage.from, outage.until));
    let notes: Vec<String> = note.into_iter().chain(outage).collect();
    let backfill = feed.backfill.as_ref();
    SourceStatus {
        source: feed.source.clone(),
        feed: Some(feed.feed.clone()),
        kind: info.map(|info| info.kind),
        state: feed.state(view.as_of()),
        last_success_at: feed.last_success_at,
        last_observation_at: feed.last_observation_at,
        lag_seconds: feed.last_observation_at.map(|at| view.as_of().ms_since(at) / 1_000),
        expected_every_seconds: Some(feed.cadence.expected_every_ms / 1_000),
        consecutive_failures: feed.consecutive_failures,
        last_error: feed.last_error.clone().or_else(|| feed.partial.clone()),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        refused_rows: feed.refused_rows,
        last_refusal: feed.last_refusal.clone(),
        backfill_since: backfill.and_then(|backfill| backfill.since),
        backfill_pages: backfill.map(|backfill| backfill.pages),
        backfill_pages_read: backfill.map(|backfill| backfill.pages_read),
        backfill_error: backfill.and_then(|backfill| backfill.last_error.clone()),
    }
}

fn of_import(view: &MarketView, source: &Source, series: &[SeriesEntry]) -> SourceStatus {
    let last_observation_at = series.iter().map(|entry| entry.last_observed_at).max();
    let state = match series.iter().map(|entry| entry.state).min() {
        Some(Freshness::Fresh) => FeedState::Fresh,
        Some(Freshness::Late) => FeedState::Late,
        Some(Freshness::Stale) | None => FeedState::Stale,
    };
    SourceStatus {
        source: source.clone(),
        feed: None,
        kind: view.source_info(source).map(|info| info.kind),
        state,
        last_success_at: None,
        last_observation_at,
        lag_seconds: last_observation_at.map(|at| view.as_of().ms_since(at) / 1_000),
        expected_every_seconds: series.iter().map(|entry| entry.expected_every_seconds).min(),
        consecutive_failures: 0,
        last_error: None,
        note: note_of(view, source),
        refused_rows: 0,
        last_refusal: None,
        backfill_since: None,
        backfill_pages: None,
        backfill_pages_read: None,
        backfill_error: None,
    }
}

fn note_of(view: &MarketView, source: &Source) -> Option<String> {
    view.source_info(source).map(|info| info.note.clone()).filter(|note| !note.is_empty())
}

/// Status of feeds and sources.
#[derive(Debug)]
pub enum SourcesQuery {}

impl Query for SourcesQuery {
    type Params = ();
    type Answer = Vec<SourceStatus>;
    const NAME: &'static str = "sources";
    const CACHEABLE: bool = false;

    fn answer((): &(), cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        Ok(source_statuses(cx.view, &cx.feeds.map(StatusBoard::all).unwrap_or_default()))
    }
}
