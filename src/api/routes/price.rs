use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::domain::{Asset, Period};
use crate::metrics::{Length, PriceParams};

pub(in crate::api) const PRICE: Endpoint = Endpoint {
    path: "/price",
    operation: "get_price",
    tag: "price",
    summary: "The price, its day, and how rare its extremes are",
    about: "The UTC day of `as_of` so far, against the close before it, and since when its low and high have not been seen. \
        `change_window_pct` looks over `window`.",
    section: "2.3",
};

pub(in crate::api) fn price(query: &mut ParamReader) -> PriceParams {
    PriceParams {
        asset: query.asset(Asset::btc()),
        source: query.source(),
        window: query.window(Length::Ms(7 * Period::DAY.ms())),
    }
}
