use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::api::routes::liquidations::SOURCES;
use crate::domain::Asset;
use crate::metrics::{FundingParams, FundingQuery};

impl Endpoint for FundingQuery {
    const SPEC: Spec = Spec {
        path: "/funding",
        operation: "get_funding",
        tag: "derivatives",
        summary: "What longs pay shorts",
        about: "The last settled rates, each stated for eight hours through its own interval and weighted by open interest. Above \
            zero, longs pay. Predicted rates never count.",
        section: "6",
        examples: &["", "asset=eth"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        FundingParams { asset: params.asset(Asset::btc()), sources: params.optional(&SOURCES).unwrap_or_default() }
    }
}
