use crate::api::params::parameter::{Choice, Kind, Parameter, number};
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::Endpoint;
use crate::api::routes::{INTERVAL, MAX_POINTS, points};
use crate::domain::{Asset, Period};
use crate::metrics::{Basis, DrawdownParams, EpisodesParams, Length};

pub(in crate::api) const DRAWDOWN: Endpoint = Endpoint {
    path: "/drawdown",
    operation: "get_drawdown",
    tag: "drawdown",
    summary: "How far the price stands under its peak",
    about: "The peak is the highest price inside `window`: of closes, or of highs with `basis=intraday`. \
        The trough is the lowest price since that peak.",
    section: "1",
};

pub(in crate::api) const DRAWDOWN_SERIES: Endpoint = Endpoint {
    path: "/drawdown/series",
    operation: "get_drawdown_series",
    tag: "drawdown",
    summary: "The drawdown at each bar of the window",
    about: "Each bar's close against the highest close of the window so far. `max_points` thins the rows and keeps the \
        least and the greatest of each stretch.",
    section: "1.1",
};

pub(in crate::api) const DRAWDOWN_EPISODES: Endpoint = Endpoint {
    path: "/drawdown/episodes",
    operation: "list_drawdown_episodes",
    tag: "drawdown",
    summary: "Every fall from a peak and the way back",
    about: "Falls of closes, at least `min_depth_pct` deep. A rebound is a rise of at least `rebound_pct` from a low; it failed \
        when the price then fell by `rebound_pct` from its highest close, before it was back at the peak.",
    section: "1.5",
};

/// Episodes on a page where the question does not say.
pub(in crate::api) const EPISODES: u32 = 100;

const BASIS: Choice<Basis> = Choice {
    name: "basis",
    about: "Which prices are compared: closes, or highs with lows.",
    words: &[("close", Basis::Close), ("intraday", Basis::Intraday)],
};

const MIN_DEPTH_PCT: Parameter<f64> = Parameter {
    name: "min_depth_pct",
    about: "The least depth of an episode, percent.",
    example: "5",
    kind: Kind::Number { min: 0.0, max: 100.0 },
    read: number,
};

const REBOUND_PCT: Parameter<f64> = Parameter {
    name: "rebound_pct",
    about: "The least rise of a rebound, percent.",
    example: "10",
    kind: Kind::Number { min: 0.1, max: 10_000.0 },
    read: number,
};

pub(in crate::api) fn drawdown(query: &mut ParamReader) -> DrawdownParams {
    DrawdownParams {
        asset: query.asset(Asset::btc()),
        source: query.source(),
        window: query.window(Length::All),
        interval: query.value_or(&INTERVAL, Period::DAY),
        basis: query.choice(&BASIS, Basis::Close),
    }
}

pub(in crate::api) fn drawdown_series(query: &mut ParamReader) -> (DrawdownParams, Option<usize>) {
    (drawdown(query), points(query.optional(&MAX_POINTS)))
}

pub(in crate::api) fn drawdown_episodes(query: &mut ParamReader) -> EpisodesParams {
    EpisodesParams {
        path: DrawdownParams {
            asset: query.asset(Asset::btc()),
            source: query.source(),
            window: query.window(Length::All),
            interval: query.value_or(&INTERVAL, Period::DAY),
            basis: Basis::Close,
        },
        min_depth_pct: query.value_or(&MIN_DEPTH_PCT, 5.0),
        rebound_pct: query.value_or(&REBOUND_PCT, 10.0),
    }
}
