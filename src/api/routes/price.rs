use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::{Asset, Period};
use crate::metrics::{Length, PriceParams, PriceQuery};

impl Endpoint for PriceQuery {
    const SPEC: Spec = Spec {
        path: "/price",
        operation: "get_price",
        tag: "price",
        summary: "The price, its day, and how rare its extremes are",
        about: "The UTC day of `as_of` so far, against the close before it, and since when its low and high have not been seen. \
            `change_window_pct` looks over `window`.",
        section: "2.3",
        examples: &["", "asset=eth&window=30d"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        PriceParams {
            asset: params.asset(Asset::btc()),
            source: params.source(),
            window: params.window(Length::Ms(7 * Period::DAY.ms())),
        }
    }
}
