use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::api::routes::liquidations::SOURCES;
use crate::domain::{Asset, Period};
use crate::metrics::{Length, OpenInterestParams, OpenInterestQuery};

impl Endpoint for OpenInterestQuery {
    const SPEC: Spec = Spec {
        path: "/open-interest",
        operation: "get_open_interest",
        tag: "derivatives",
        summary: "Open futures positions and what moved them",
        about: "The change over the window, split into what the price made and what positions made; the two add up. Sources that \
            are not known at both ends are left out of it, so one that drops out does not look like closed positions.",
        section: "5",
        examples: &["", "window=24h"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        OpenInterestParams {
            asset: params.asset(Asset::btc()),
            sources: params.optional(&SOURCES).unwrap_or_default(),
            window: params.window(Length::Ms(7 * Period::DAY.ms())),
        }
    }
}
