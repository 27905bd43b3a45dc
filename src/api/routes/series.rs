use crate::api::params::parameter::{Choice, Kind, Parameter, parsed};
use crate::api::params::reader::{self, ParamReader};
use crate::api::routes::endpoint::Endpoint;
use crate::domain::{Asset, Metric, Period, SeriesKey, Timestamp};
use crate::market::MarketView;
use crate::metrics::{
    self, Answer, CatalogueParams, Length, Moment, Paged, QueryError, RevisionsParams, SeriesParams, SeriesRow, SourceOrder,
    Window,
};

pub(in crate::api) const CATALOGUE: Endpoint = Endpoint {
    path: "/series",
    operation: "list_series",
    tag: "data",
    summary: "Every series there is",
    about: "A key names one series: `<metric>.<asset>[.<part>]@<source>[:<period>]`.",
    section: "0",
};

pub(in crate::api) const SERIES_ROWS: Endpoint = Endpoint {
    path: "/series/{key}",
    operation: "get_series",
    summary: "The rows of one series",
    about: "The last value known at `as_of` of each point; with `include_history=true` every vintage known by then.",
    ..CATALOGUE
};

pub(in crate::api) const REVISIONS: Endpoint = Endpoint {
    path: "/revisions",
    operation: "list_revisions",
    summary: "What was corrected",
    about: "Every value that was known and then replaced, newest correction first.",
    ..CATALOGUE
};

/// Series on a page where the question does not say.
pub(in crate::api) const SERIES: u32 = 1_000;
/// Rows of a series on a page where the question does not say.
pub(in crate::api) const ROWS: u32 = 10_000;
/// Corrections on a page where the question does not say.
pub(in crate::api) const CORRECTIONS: u32 = 1_000;

const METRIC: Parameter<Metric> = Parameter {
    name: "metric",
    about: "Only series of this metric.",
    example: "market_cap",
    kind: Kind::Text("^[a-z_0-9]+$"),
    read: parsed,
};

const ASSET: Parameter<Asset> = Parameter { about: "Only series of this asset.", ..reader::ASSET };

const KEY: Parameter<String> = Parameter {
    name: "key",
    about: "The key of the series, as `/v1/series` lists it.",
    example: "market_cap.total@coingecko",
    kind: Kind::SERIES_KEY,
    read: parsed,
};

const SERIES_KEY: Parameter<SeriesKey> = Parameter {
    name: "series",
    about: "Only of this series.",
    example: "etf_flow.btc.IBIT@farside",
    kind: Kind::SERIES_KEY,
    read: parsed,
};

const INCLUDE_HISTORY: Choice<bool> = Choice {
    name: "include_history",
    about: "Every vintage instead of the last known one.",
    words: &[("false", false), ("true", true)],
};

const UPDATED_AFTER: Parameter<Moment> = Parameter {
    name: "updated_after",
    about: "Only rows known after this instant; a date, or a length before `as_of` such as `-1d`.",
    example: "2026-02-03",
    kind: Kind::MOMENT,
    read: parsed,
};

const SINCE: Parameter<Moment> = Parameter {
    name: "since",
    about: "Only corrections known after this instant; a date, or a length before `as_of`. Default: `-7d`.",
    example: "2026-01-29",
    kind: Kind::MOMENT,
    read: parsed,
};

/// The rows of one series that were asked for, its key as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::api) struct RowsParams {
    key: String,
    window: Window,
    include_history: bool,
    updated_after: Option<Moment>,
}

impl Paged<RowsParams> for SeriesRow {
    /// The second instant tells the vintages of a point apart. Without history a point has one row, whose vintage
    /// may be another one on the next page.
    type Position = (Timestamp, Option<Timestamp>);

    fn position(&self, question: &RowsParams) -> Self::Position {
        (self.observed_at, question.include_history.then_some(self.known_at))
    }
}

pub(in crate::api) fn catalogue(query: &mut ParamReader) -> CatalogueParams {
    CatalogueParams { metric: query.optional(&METRIC), asset: query.optional(&ASSET), source: query.source() }
}

pub(in crate::api) fn rows(query: &mut ParamReader) -> RowsParams {
    RowsParams {
        key: query.path(&KEY),
        window: query.window(Length::All),
        include_history: query.choice(&INCLUDE_HISTORY, false),
        updated_after: query.optional(&UPDATED_AFTER),
    }
}

pub(in crate::api) fn revisions(query: &mut ParamReader) -> RevisionsParams {
    RevisionsParams {
        since: query.optional(&SINCE).unwrap_or(Moment::Before(7 * Period::DAY.ms())),
        series: query.optional(&SERIES_KEY),
    }
}

/// The rows of a series. A text that is no key names no series.
pub(in crate::api) fn answer_rows(
    view: &MarketView,
    _: &SourceOrder,
    question: &RowsParams,
) -> Result<Answer<Vec<SeriesRow>>, QueryError> {
    let key = question.key.parse().map_err(|_| QueryError::UnknownSeries { key: question.key.clone() })?;
    let RowsParams { window, include_history, updated_after, .. } = *question;
    metrics::series_rows(view, &SeriesParams { key, window, include_history, updated_after })
}
