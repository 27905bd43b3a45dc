use crate::api::params::parameter::{Kind, Parameter, list};
use crate::api::params::reader::{self, ParamReader};
use crate::api::routes::INTERVAL;
use crate::api::routes::endpoint::{Endpoint, ListEndpoint, Spec};
use crate::domain::{Asset, Period, Source};
use crate::metrics::{
    Length, LiquidationCascade, LiquidationCascadesQuery, LiquidationDay, LiquidationDaysQuery, LiquidationsParams,
    LiquidationsQuery, LiquidationsSeriesParams, LiquidationsSeriesQuery,
};

impl Endpoint for LiquidationsQuery {
    const SPEC: Spec = Spec {
        path: "/liquidations",
        operation: "get_liquidations",
        tag: "flows",
        summary: "Positions closed by force",
        about: "Where no `source` is named, an aggregator answers alone, since its sums hold the venues'; without one, all venues are \
            added. Public feeds leave orders out: figures of venues are lower bounds, and say so.",
        section: "3",
        examples: &["", "window=all", "asset=btc&window=7d"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        liquidations(params)
    }
}

impl Endpoint for LiquidationsSeriesQuery {
    const SPEC: Spec = Spec {
        path: "/liquidations/series",
        operation: "get_liquidations_series",
        summary: "Positions closed by force, bucket by bucket",
        about: "Buckets in which nothing was liquidated are left out. Where no `interval` is named, buckets are of an hour, or as long \
            as the published sums where those are longer.",
        examples: &["", "window=30d&interval=1d"],
        ..LiquidationsQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        LiquidationsSeriesParams { liquidations: liquidations(params), interval: params.optional(&INTERVAL) }
    }
}

impl Endpoint for LiquidationDaysQuery {
    const SPEC: Spec = Spec {
        path: "/liquidations/days",
        operation: "get_liquidation_days",
        summary: "The days on which most was closed by force",
        about: "UTC days of the window, ranked by their total.",
        examples: &["", "asset=btc"],
        ..LiquidationsQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        over(params, Length::All)
    }
}

impl ListEndpoint for LiquidationDaysQuery {
    type Row = LiquidationDay;
    const LIMIT: u32 = DAYS;
}

impl Endpoint for LiquidationCascadesQuery {
    const SPEC: Spec = Spec {
        path: "/liquidations/cascades",
        operation: "list_liquidation_cascades",
        summary: "Bursts of forced selling or buying",
        about: "Largest first. A burst starts when five minutes run at ten times the rate of a day, the last hour is unusual, and one \
            side has 70 % of it.",
        section: "3.5",
        examples: &["", "window=all"],
        ..LiquidationsQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        over(params, Length::Ms(30 * Period::DAY.ms()))
    }
}

impl ListEndpoint for LiquidationCascadesQuery {
    type Row = LiquidationCascade;
    const LIMIT: u32 = CASCADE_ROWS;
}

pub(in crate::api) const LIQUIDATION_ORDERS: Spec = Spec {
    path: "/liquidations/orders",
    operation: "get_liquidation_orders",
    summary: "Single orders, newest first",
    about: "`side` is the position that was closed, not the side of the order. Pages follow `links.next`; a cursor pins the \
        cutoff and every filter.",
    section: "3.1",
    examples: &["", "min_usd=100000&side=long"],
    ..LiquidationsQuery::SPEC
};

/// Days on a page where the question does not say.
pub(in crate::api) const DAYS: u32 = 100;

/// Cascades on a page where the question does not say.
pub(in crate::api) const CASCADE_ROWS: u32 = 100;

/// Of one asset; these questions have no default asset.
pub(in crate::api) const ASSET: Parameter<Asset> = Parameter { about: "Of one asset. Default: all assets.", ..reader::ASSET };

/// Of some venues.
pub(in crate::api) const SOURCES: Parameter<Vec<Source>> = Parameter {
    name: "source",
    about: "Whose figures to use, separated by commas. Default: the first aggregator in the configured order, or all venues.",
    example: "binance,bybit",
    kind: Kind::List,
    read: list,
};

fn liquidations(params: &mut ParamReader) -> LiquidationsParams {
    over(params, Length::Ms(Period::DAY.ms()))
}

fn over(params: &mut ParamReader, default: Length) -> LiquidationsParams {
    LiquidationsParams {
        asset: params.optional(&ASSET),
        sources: params.optional(&SOURCES).unwrap_or_default(),
        window: params.window(default),
    }
}
