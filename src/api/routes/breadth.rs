use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::domain::Period;
use crate::metrics::{BreadthParams, Length};

pub(in crate::api) const BREADTH: Endpoint = Endpoint {
    path: "/breadth",
    operation: "get_breadth",
    tag: "market",
    summary: "How much of the market takes part",
    about: "Shares of coins over their averages, in a bear market and at a low, and small coins against large ones over `window`. \
        Membership and ranks are those known at the time.",
    section: "2.4",
};

pub(in crate::api) fn breadth(query: &mut ParamReader) -> BreadthParams {
    BreadthParams { source: query.source(), window: query.window(Length::Ms(30 * Period::DAY.ms())) }
}
