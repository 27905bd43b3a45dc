use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::api::state::AppState;
use crate::market::MarketView;
use crate::metrics::{self, Answer, QueryError, SourceStatus};

pub(in crate::api) const SOURCES: Endpoint = Endpoint {
    path: "/sources",
    operation: "list_sources",
    tag: "data",
    summary: "Where the figures come from, and how each source is",
    about: "One row for each feed and for each source that rows were imported from. At a past `as_of` only the rows known by \
        then speak: how a feed was is not kept.",
    section: "0",
};

/// The age from which on a cutoff says nothing about the feeds as they are now.
const PRESENT_MS: i64 = 60_000;

pub(in crate::api) fn sources(_: &mut ParamReader) {}

#[expect(clippy::unnecessary_wraps, clippy::trivially_copy_pass_by_ref, reason = "the form of every answering function")]
pub(in crate::api) fn answer_sources(
    state: &AppState,
    view: &MarketView,
    (): &(),
) -> Result<Answer<Vec<SourceStatus>>, QueryError> {
    let is_present = state.clock.now().ms_since(view.as_of()) < PRESENT_MS;
    let feeds = if is_present { state.feeds.all() } else { vec![] };
    Ok(metrics::source_statuses(view, &feeds))
}
