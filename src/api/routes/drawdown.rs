use crate::api::endpoint::Endpoint;
use crate::api::parameter::{Choice, Kind, Parameter, count, parsed};
use crate::api::query::Query;
use crate::domain::{Asset, Period};
use crate::metrics::{Basis, DrawdownQuestion, Length};

pub(in crate::api) const DRAWDOWN: Endpoint = Endpoint {
    path: "/drawdown",
    operation: "get_drawdown",
    tag: "drawdown",
    summary: "How far the price stands under its peak",
    about: "The peak is the highest price inside `window`: of closes, or of highs with `basis=intraday`. \
        The trough is the lowest price since that peak.",
};

pub(in crate::api) const DRAWDOWN_SERIES: Endpoint = Endpoint {
    path: "/drawdown/series",
    operation: "get_drawdown_series",
    tag: "drawdown",
    summary: "The drawdown at each bar of the window",
    about: "Each bar's close against the highest close of the window so far. `max_points` thins the rows and keeps the \
        least and the greatest of each stretch.",
};

const INTERVAL: Parameter<Period> = Parameter {
    name: "interval",
    about: "The length of a bar: a whole number and `m`, `h`, `d` or `w`.",
    example: "1d",
    kind: Kind::Text,
    read: parsed,
};

const BASIS: Choice<Basis> = Choice {
    name: "basis",
    about: "Which prices are compared: closes, or highs with lows.",
    words: &[("close", Basis::Close), ("intraday", Basis::Intraday)],
};

const MAX_POINTS: Parameter<u32> = Parameter {
    name: "max_points",
    about: "The most rows to answer with; the least and the greatest of each stretch are kept.",
    example: "500",
    kind: Kind::Count { min: 2, max: 100_000 },
    read: count,
};

pub(in crate::api) fn drawdown(query: &mut Query) -> DrawdownQuestion {
    DrawdownQuestion {
        asset: query.asset(Asset::btc()),
        source: query.source(),
        window: query.window(Length::All),
        interval: query.value_or(&INTERVAL, Period::DAY),
        basis: query.choice(&BASIS, Basis::Close),
    }
}

pub(in crate::api) fn drawdown_series(query: &mut Query) -> (DrawdownQuestion, Option<usize>) {
    (drawdown(query), query.optional(&MAX_POINTS).and_then(|points| usize::try_from(points).ok()))
}
