use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::domain::Asset;
use crate::metrics::LiquidityParams;

pub(in crate::api) const LIQUIDITY: Endpoint = Endpoint {
    path: "/liquidity",
    operation: "get_liquidity",
    tag: "market",
    summary: "How easily an asset trades",
    about: "Price impact and three estimates of the spread, from daily bars alone. Impact falls as volume grows over the years: \
        its logarithm over its usual level is the one to compare.",
    section: "10",
};

pub(in crate::api) fn liquidity(query: &mut ParamReader) -> LiquidityParams {
    LiquidityParams { asset: query.asset(Asset::btc()), source: query.source() }
}
