use crate::api::params::parameter::Parameter;
use crate::api::params::reader::{self, ParamReader};
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::Asset;
use crate::metrics::{Length, SafeHavenParams, SafeHavenQuery};

impl Endpoint for SafeHavenQuery {
    const SPEC: Spec = Spec {
        path: "/safe-haven",
        operation: "get_safe_haven",
        tag: "cross-asset",
        summary: "Whether an asset protects when another falls",
        about: "The regression of Baur and McDermott (2010) on returns between common trading days, with Newey-West errors of ten \
            lags: the exposure on ordinary days and, cumulative, on the worst 10, 5 and 1 percent. Gold is tested beside it as a \
            control. It needs 500 returns; the worst percent of those is five days.",
        section: "9.2",
        examples: &["", "against=nasdaq"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        let asset = params.asset(Asset::btc());
        SafeHavenParams {
            against: params.value_or(&AGAINST, Asset::sp500()),
            asset,
            source: params.source(),
            window: params.window(Length::All),
        }
    }
}

const AGAINST: Parameter<Asset> =
    Parameter { name: "against", about: "Whose falls: `sp500`, `nasdaq` or any other asset.", example: "sp500", ..reader::ASSET };
