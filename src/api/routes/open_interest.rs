use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::api::routes::liquidations::SOURCES;
use crate::domain::{Asset, Period};
use crate::metrics::{Length, OpenInterestParams};

pub(in crate::api) const OPEN_INTEREST: Endpoint = Endpoint {
    path: "/open-interest",
    operation: "get_open_interest",
    tag: "derivatives",
    summary: "Open futures positions and what moved them",
    about: "The change over the window, split into what the price made and what positions made; the two add up. Sources that \
        are not known at both ends are left out of it, so one that drops out does not look like closed positions.",
    section: "5",
};

pub(in crate::api) fn open_interest(query: &mut ParamReader) -> OpenInterestParams {
    OpenInterestParams {
        asset: query.asset(Asset::btc()),
        sources: query.optional(&SOURCES).unwrap_or_default(),
        window: query.window(Length::Ms(7 * Period::DAY.ms())),
    }
}
