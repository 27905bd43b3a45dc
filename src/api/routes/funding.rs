use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::api::routes::liquidations::SOURCES;
use crate::domain::Asset;
use crate::metrics::FundingParams;

pub(in crate::api) const FUNDING: Endpoint = Endpoint {
    path: "/funding",
    operation: "get_funding",
    tag: "derivatives",
    summary: "What longs pay shorts",
    about: "The last settled rates, each stated for eight hours through its own interval and weighted by open interest. Above \
        zero, longs pay. Predicted rates never count.",
    section: "6",
};

pub(in crate::api) fn funding(query: &mut ParamReader) -> FundingParams {
    FundingParams { asset: query.asset(Asset::btc()), sources: query.optional(&SOURCES).unwrap_or_default() }
}
