use crate::api::params::parameter::Choice;
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::domain::{Asset, Period};
use crate::metrics::{EtfFlowsParams, Length};

pub(in crate::api) const ETF_FLOWS: Endpoint = Endpoint {
    path: "/etf-flows",
    operation: "get_etf_flows",
    tag: "flows",
    summary: "Net flows of US spot funds",
    about: "A window of days counts trading days: `5d` is the last five. A day is `preliminary` until its publisher has had the \
        night to complete it, even where its total looks whole.",
    section: "4",
};

pub(in crate::api) const ETF_FLOWS_SERIES: Endpoint = Endpoint {
    path: "/etf-flows/series",
    operation: "get_etf_flows_series",
    summary: "Net flows by trading day or week",
    about: "`cumulative_usd` counts from the first day on record.",
    ..ETF_FLOWS
};

pub(in crate::api) const ETF_FUNDS: Endpoint = Endpoint {
    path: "/etf-flows/funds",
    operation: "get_etf_funds",
    summary: "Flows fund by fund",
    about: "Newest trading day first.",
    ..ETF_FLOWS
};

/// Whether rows are weeks instead of trading days.
const WEEKLY: Choice<bool> =
    Choice { name: "interval", about: "The span of a row: a trading day or a week.", words: &[("1d", false), ("1w", true)] };

pub(in crate::api) fn etf_flows(query: &mut ParamReader) -> EtfFlowsParams {
    over(query, 5)
}

pub(in crate::api) fn etf_flows_series(query: &mut ParamReader) -> (EtfFlowsParams, bool) {
    (over(query, 30), query.choice(&WEEKLY, false))
}

pub(in crate::api) fn etf_funds(query: &mut ParamReader) -> EtfFlowsParams {
    over(query, 5)
}

fn over(query: &mut ParamReader, trading_days: i64) -> EtfFlowsParams {
    EtfFlowsParams {
        asset: query.asset(Asset::btc()),
        source: query.source(),
        window: query.window(Length::Ms(trading_days * Period::DAY.ms())),
    }
}
