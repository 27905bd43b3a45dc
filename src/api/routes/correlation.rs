use crate::api::params::parameter::{Choice, Kind, Parameter, count};
use crate::api::params::reader::{ParamReader, assets};
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::api::routes::{MAX_POINTS, points};
use crate::domain::Asset;
use crate::metrics::{CorrelationMethod, CorrelationParams, CorrelationQuery, CorrelationSeriesParams, CorrelationSeriesQuery};

impl Endpoint for CorrelationQuery {
    const SPEC: Spec = Spec {
        path: "/correlation",
        operation: "get_correlation",
        tag: "cross-asset",
        summary: "How an asset moves with others",
        about: "Of daily log returns between the days on which both traded: a Monday's return of a coin against an index spans the \
            weekend, and nothing is carried over one. The interval is Fisher's at 95 %. `downside_beta` is the slope on the other's \
            falls, and needs twenty of them. `adjusted_correlation` leaves out what a change of the other's variance adds by itself.",
        section: "9.1",
        examples: &["", "method=spearman&window=250"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        correlation(params)
    }
}

impl Endpoint for CorrelationSeriesQuery {
    const SPEC: Spec = Spec {
        path: "/correlation/series",
        operation: "get_correlation_series",
        summary: "The rolling correlation of an asset with others",
        about: "The correlation over each full window, labelled by the common trading day that ends it.",
        examples: &["", "with=gold&max_points=200"],
        ..CorrelationQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        CorrelationSeriesParams { correlation: correlation(params), max_points: points(params.optional(&MAX_POINTS)) }
    }
}

const WITH: Parameter<Vec<Asset>> = Parameter {
    name: "with",
    about: "The other assets, separated by commas. Default: `sp500`, `nasdaq`, `gold`.",
    example: "sp500,gold",
    kind: Kind::List,
    read: assets,
};

const OBSERVATIONS: Parameter<u32> = Parameter {
    name: "window",
    about: "How many returns between common trading days.",
    example: "60",
    kind: Kind::Count { min: 10, max: 2_500 },
    read: count,
};

const METHOD: Choice<CorrelationMethod> = Choice {
    name: "method",
    about: "Of returns, or of their ranks.",
    words: &[("pearson", CorrelationMethod::Pearson), ("spearman", CorrelationMethod::Spearman)],
};

fn correlation(params: &mut ParamReader) -> CorrelationParams {
    CorrelationParams {
        asset: params.asset(Asset::btc()),
        with: params.optional(&WITH).unwrap_or_default(),
        source: params.source(),
        observations: params.value_or(&OBSERVATIONS, 60).try_into().unwrap_or(usize::MAX),
        method: params.choice(&METHOD, CorrelationMethod::Pearson),
    }
}
