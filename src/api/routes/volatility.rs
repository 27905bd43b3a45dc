use crate::api::params::parameter::Choice;
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::{Asset, Period};
use crate::metrics::{Estimator, Length, VolatilityParams, VolatilityQuery};

impl Endpoint for VolatilityQuery {
    const SPEC: Spec = Spec {
        path: "/volatility",
        operation: "get_volatility",
        tag: "derivatives",
        summary: "How much the price moves, and how much options say it will",
        about: "Realised over the finished UTC days of `window`, implied from the index of an options venue. `pickup` tells of a \
            rise after a prolonged calm.",
        section: "7",
        examples: &["", "window=1y&estimator=yang_zhang"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        VolatilityParams {
            asset: params.asset(Asset::btc()),
            source: params.source(),
            window: params.length(Length::Ms(30 * Period::DAY.ms())),
            estimator: params.choice(&ESTIMATOR, Estimator::Close),
        }
    }
}

const ESTIMATOR: Choice<Estimator> =
    Choice { name: "estimator", about: "The formula of `realised_pct`; `estimators` holds all of them.", words: &Estimator::ALL };
