use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::Period;
use crate::metrics::{BreadthParams, BreadthQuery, Length};

impl Endpoint for BreadthQuery {
    const SPEC: Spec = Spec {
        path: "/breadth",
        operation: "get_breadth",
        tag: "market",
        summary: "How much of the market takes part",
        about: "Shares of coins over their averages, in a bear market and at a low, and small coins against large ones over `window`. \
            Membership and ranks are those known at the time.",
        section: "2.4",
        examples: &["", "window=1y"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        BreadthParams { source: params.source(), window: params.window(Length::Ms(30 * Period::DAY.ms())) }
    }
}
