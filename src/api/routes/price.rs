use crate::api::endpoint::Endpoint;
use crate::api::query::Query;
use crate::domain::{Asset, Period};
use crate::metrics::{Length, PriceQuestion};

pub(in crate::api) const PRICE: Endpoint = Endpoint {
    path: "/price",
    operation: "get_price",
    tag: "price",
    summary: "The price, its day, and how rare its extremes are",
    about: "The UTC day of `as_of` so far, against the close before it, and since when its low and high have not been seen. \
        `change_window_pct` looks over `window`.",
    section: "2.3",
};

pub(in crate::api) fn price(query: &mut Query) -> PriceQuestion {
    PriceQuestion {
        asset: query.asset(Asset::btc()),
        source: query.source(),
        window: query.window(Length::Ms(7 * Period::DAY.ms())),
    }
}
