use crate::api::params::parameter::{Choice, Kind, Parameter, parsed};
use crate::api::params::reader::{self, ParamReader};
use crate::api::routes::endpoint::{Endpoint, ListEndpoint, Spec};
use crate::domain::{Asset, Metric, Period, SeriesKey};
use crate::metrics::{
    CatalogueParams, CatalogueQuery, Length, Moment, Revision, RevisionsParams, RevisionsQuery, SeriesEntry, SeriesRow,
    SeriesRowsParams, SeriesRowsQuery,
};

impl Endpoint for CatalogueQuery {
    const SPEC: Spec = Spec {
        path: "/series",
        operation: "list_series",
        tag: "data",
        summary: "Every series there is",
        about: "A key names one series: `<metric>.<asset>[.<part>]@<source>[:<period>]`.",
        section: "0",
        examples: &["", "metric=candle"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        CatalogueParams { metric: params.optional(&METRIC), asset: params.optional(&ASSET), source: params.source() }
    }
}

impl ListEndpoint for CatalogueQuery {
    type Row = SeriesEntry;
    const LIMIT: u32 = SERIES;
}

impl Endpoint for SeriesRowsQuery {
    const SPEC: Spec = Spec {
        path: "/series/{key}",
        operation: "get_series",
        summary: "The rows of one series",
        about: "The last value known at `as_of` of each point; with `include_history=true` every vintage known by then.",
        examples: &["key=candle.btc@scenario:1d", "key=candle.btc@scenario:1d&include_history=true&window=30d"],
        ..CatalogueQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        SeriesRowsParams {
            key: params.path(&KEY),
            window: params.window(Length::All),
            include_history: params.choice(&INCLUDE_HISTORY, false),
            updated_after: params.optional(&UPDATED_AFTER),
        }
    }
}

impl ListEndpoint for SeriesRowsQuery {
    type Row = SeriesRow;
    const LIMIT: u32 = ROWS;
}

impl Endpoint for RevisionsQuery {
    const SPEC: Spec = Spec {
        path: "/revisions",
        operation: "list_revisions",
        summary: "What was corrected",
        about: "Every value that was known and then replaced, newest correction first.",
        examples: &["", "since=-1y"],
        ..CatalogueQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        RevisionsParams {
            since: params.optional(&SINCE).unwrap_or(Moment::Before(7 * Period::DAY.ms())),
            series: params.optional(&SERIES_KEY),
        }
    }
}

impl ListEndpoint for RevisionsQuery {
    type Row = Revision;
    const LIMIT: u32 = CORRECTIONS;
}

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
