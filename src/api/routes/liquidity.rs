use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::Asset;
use crate::metrics::{LiquidityParams, LiquidityQuery};

impl Endpoint for LiquidityQuery {
    const SPEC: Spec = Spec {
        path: "/liquidity",
        operation: "get_liquidity",
        tag: "market",
        summary: "How easily an asset trades",
        about: "Price impact and three estimates of the spread, from daily bars alone. Impact falls as volume grows over the years: \
            its logarithm over its usual level is the one to compare.",
        section: "10",
        examples: &[""],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        LiquidityParams { asset: params.asset(Asset::btc()), source: params.source() }
    }
}
