use crate::api::params::parameter::Choice;
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::api::routes::{MAX_POINTS, points};
use crate::metrics::{Length, StressSeriesParams};

pub(in crate::api) const STRESS: Endpoint = Endpoint {
    path: "/stress",
    operation: "get_stress",
    tag: "stress",
    summary: "How much stress the market is under, and where it comes from",
    about: "`systemic` is high when many parts of the market are under stress at once, `acute` when any few are. Each indicator \
        is ranked in its own last four years, each segment joins its indicators, and the contributions of the segments add to \
        `systemic`. A past day is judged by what was known at its close; the open day as far as it goes (`closed` is false). \
        A segment without a value for up to four days keeps its score, then the mean of the others stands in, and a warning \
        says so.",
    section: "11",
};

pub(in crate::api) const STRESS_SERIES: Endpoint = Endpoint {
    path: "/stress/series",
    operation: "get_stress_series",
    summary: "Stress on each closed day of the window",
    about: "The index and the score of every segment, 0 to 100, as they stood at the close of each UTC day. No value is \
        restated when inputs are corrected later. `max_points` thins the rows and keeps the least and the greatest of each \
        stretch.",
    ..STRESS
};

pub(in crate::api) fn stress(_: &mut ParamReader) {}

/// The index is of days; the parameter says so to those who ask.
const DAILY: Choice<()> = Choice { name: "interval", about: "The span of a row: a closed UTC day.", words: &[("1d", ())] };

pub(in crate::api) fn stress_series(query: &mut ParamReader) -> StressSeriesParams {
    query.choice(&DAILY, ());
    StressSeriesParams { window: query.window(Length::All), max_points: points(query.optional(&MAX_POINTS)) }
}
