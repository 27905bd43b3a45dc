use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::domain::{Asset, Period};
use crate::metrics::{Length, MarketCapParams};

pub(in crate::api) const MARKET_CAP: Endpoint = Endpoint {
    path: "/market-cap",
    operation: "get_market_cap",
    tag: "market",
    summary: "The size of the market and its change since an anchor",
    about: "The anchor is the last value at or before the start of the window, so that `since=2026-01-29` counts from that midnight.",
    section: "2.1",
};

pub(in crate::api) fn market_cap(query: &mut ParamReader) -> MarketCapParams {
    MarketCapParams {
        asset: query.asset(Asset::total()),
        source: query.source(),
        window: query.window(Length::Ms(7 * Period::DAY.ms())),
    }
}
