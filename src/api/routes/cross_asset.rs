use crate::api::params::parameter::{Kind, Parameter};
use crate::api::params::reader::{ParamReader, assets};
use crate::api::routes::endpoint::Endpoint;
use crate::domain::{Asset, Period};
use crate::metrics::{CrossAssetParams, Length};

pub(in crate::api) const CROSS_ASSET: Endpoint = Endpoint {
    path: "/cross-asset",
    operation: "get_cross_asset",
    tag: "cross-asset",
    summary: "Crypto beside stocks, metals, oil, volatility and the dollar",
    about: "Each market as of its own last trading day. The change is against the last daily close before the window, and at \
        least against the close before the last, so that a closed market shows its last move and not zero.",
    section: "9.3",
};

const ASSETS: Parameter<Vec<Asset>> = Parameter {
    name: "assets",
    about: "Which markets, separated by commas. Default: five coins, `sp500`, `nasdaq`, `gold`, `silver`, `wti`, `vix`, `dxy`.",
    example: "btc,sp500,gold",
    kind: Kind::List,
    read: assets,
};

pub(in crate::api) fn cross_asset(query: &mut ParamReader) -> CrossAssetParams {
    CrossAssetParams {
        assets: query.optional(&ASSETS).unwrap_or_default(),
        source: query.source(),
        window: query.window(Length::Ms(Period::DAY.ms())),
    }
}
