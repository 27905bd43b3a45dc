use crate::api::params::parameter::Choice;
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::api::routes::{MAX_POINTS, points};
use crate::metrics::{Length, StressQuery, StressSeriesParams, StressSeriesQuery};

impl Endpoint for StressQuery {
    const SPEC: Spec = Spec {
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
        examples: &[""],
    };

    fn read(_: &mut ParamReader) {}
}

impl Endpoint for StressSeriesQuery {
    const SPEC: Spec = Spec {
        path: "/stress/series",
        operation: "get_stress_series",
        summary: "Stress on each closed day of the window",
        about: "The index and the score of every segment, 0 to 100, as they stood at the close of each UTC day. No value is \
            restated when inputs are corrected later. `max_points` thins the rows and keeps the least and the greatest of each \
            stretch.",
        examples: &["", "window=1y"],
        ..StressQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        params.choice(&DAILY, ());
        StressSeriesParams { window: params.window(Length::All), max_points: points(params.optional(&MAX_POINTS)) }
    }
}

/// The index is of days; the parameter says so to those who ask.
const DAILY: Choice<()> = Choice { name: "interval", about: "The span of a row: a closed UTC day.", words: &[("1d", ())] };
