use crate::api::params::parameter::Choice;
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::{Asset, Period};
use crate::metrics::{EtfFlowsParams, EtfFlowsQuery, EtfFlowsSeriesParams, EtfFlowsSeriesQuery, EtfFundsQuery, Length};

impl Endpoint for EtfFlowsQuery {
    const SPEC: Spec = Spec {
        path: "/etf-flows",
        operation: "get_etf_flows",
        tag: "flows",
        summary: "Net flows of US spot funds",
        about: "A window of days counts trading days: `5d` is the last five. A day is `preliminary` until its publisher has had the \
            night to complete it, even where its total looks whole.",
        section: "4",
        examples: &["", "asset=eth&window=2y"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        over(params, 5)
    }
}

impl Endpoint for EtfFlowsSeriesQuery {
    const SPEC: Spec = Spec {
        path: "/etf-flows/series",
        operation: "get_etf_flows_series",
        summary: "Net flows by trading day or week",
        about: "`cumulative_usd` counts from the first day on record.",
        examples: &["", "interval=1w&window=1y"],
        ..EtfFlowsQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        EtfFlowsSeriesParams { flows: over(params, 30), weekly: params.choice(&WEEKLY, false) }
    }
}

impl Endpoint for EtfFundsQuery {
    const SPEC: Spec = Spec {
        path: "/etf-flows/funds",
        operation: "get_etf_funds",
        summary: "Flows fund by fund",
        about: "Newest trading day first.",
        examples: &[""],
        ..EtfFlowsQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        over(params, 5)
    }
}

/// Whether rows are weeks instead of trading days.
const WEEKLY: Choice<bool> =
    Choice { name: "interval", about: "The span of a row: a trading day or a week.", words: &[("1d", false), ("1w", true)] };

fn over(params: &mut ParamReader, trading_days: i64) -> EtfFlowsParams {
    EtfFlowsParams {
        asset: params.asset(Asset::btc()),
        source: params.source(),
        window: params.window(Length::Ms(trading_days * Period::DAY.ms())),
    }
}
