use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::{Asset, Period};
use crate::metrics::{Length, MarketCapParams, MarketCapQuery};

impl Endpoint for MarketCapQuery {
    const SPEC: Spec = Spec {
        path: "/market-cap",
        operation: "get_market_cap",
        tag: "market",
        summary: "The size of the market and its change since an anchor",
        about: "The anchor is the last value at or before the start of the window, so that `since=2026-01-29` counts from that midnight.",
        section: "2.1",
        examples: &["", "asset=btc&window=30d"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        MarketCapParams {
            asset: params.asset(Asset::total()),
            source: params.source(),
            window: params.window(Length::Ms(7 * Period::DAY.ms())),
        }
    }
}
