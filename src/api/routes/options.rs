use crate::api::params::parameter::Choice;
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::Asset;
use crate::metrics::{OptionsParams, OptionsQuery};

impl Endpoint for OptionsQuery {
    const SPEC: Spec = Spec {
        path: "/options",
        operation: "get_options",
        tag: "derivatives",
        summary: "What option prices say of fear",
        about: "From the newest chain of at most a day ago. Volatilities are read at deltas of the forward from the side out of the \
            money, and interpolated between expiries: at the money in total variance, the wings in time. Nothing is extrapolated. \
            `downside_protection` ranks the put's premium over the call's at 30 days among the daily ones of the last year.",
        section: "8",
        examples: &["", "tenor=7d"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        OptionsParams { asset: params.asset(Asset::btc()), source: params.source(), tenor_days: params.choice(&TENOR, 30) }
    }
}

const TENOR: Choice<u32> = Choice {
    name: "tenor",
    about: "The constant time to expiry of the figures.",
    words: &[("7d", 7), ("30d", 30), ("90d", 90), ("180d", 180)],
};
