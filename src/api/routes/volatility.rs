use crate::api::params::parameter::Choice;
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::domain::{Asset, Period};
use crate::metrics::{Estimator, Length, VolatilityParams};

pub(in crate::api) const VOLATILITY: Endpoint = Endpoint {
    path: "/volatility",
    operation: "get_volatility",
    tag: "derivatives",
    summary: "How much the price moves, and how much options say it will",
    about: "Realised over the finished UTC days of `window`, implied from the index of an options venue. `pickup` tells of a \
        rise after a prolonged calm.",
    section: "7",
};

const ESTIMATOR: Choice<Estimator> =
    Choice { name: "estimator", about: "The formula of `realised_pct`; `estimators` holds all of them.", words: &Estimator::ALL };

pub(in crate::api) fn volatility(query: &mut ParamReader) -> VolatilityParams {
    VolatilityParams {
        asset: query.asset(Asset::btc()),
        source: query.source(),
        window: query.length(Length::Ms(30 * Period::DAY.ms())),
        estimator: query.choice(&ESTIMATOR, Estimator::Close),
    }
}
