use crate::api::params::parameter::{Kind, Parameter};
use crate::api::params::reader::{ParamReader, assets};
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::{Asset, Period};
use crate::metrics::{CrossAssetParams, CrossAssetQuery, Length};

impl Endpoint for CrossAssetQuery {
    const SPEC: Spec = Spec {
        path: "/cross-asset",
        operation: "get_cross_asset",
        tag: "cross-asset",
        summary: "Crypto beside stocks, metals, oil, volatility and the dollar",
        about: "Each market as of its own last trading day. The change is against the last daily close before the window, and at \
            least against the close before the last, so that a closed market shows its last move and not zero.",
        section: "9.3",
        examples: &["", "window=30d"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        CrossAssetParams {
            assets: params.optional(&ASSETS).unwrap_or_default(),
            source: params.source(),
            window: params.window(Length::Ms(Period::DAY.ms())),
        }
    }
}

const ASSETS: Parameter<Vec<Asset>> = Parameter {
    name: "assets",
    about: "Which markets, separated by commas. Default: five coins, `sp500`, `nasdaq`, `gold`, `silver`, `wti`, `vix`, `dxy`.",
    example: "btc,sp500,gold",
    kind: Kind::List,
    read: assets,
};
