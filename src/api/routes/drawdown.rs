use crate::api::params::parameter::{Choice, Kind, Parameter, number};
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, ListEndpoint, Spec};
use crate::api::routes::{INTERVAL, MAX_POINTS, points};
use crate::domain::{Asset, Period};
use crate::metrics::{
    Basis, DrawdownEpisode, DrawdownEpisodesQuery, DrawdownParams, DrawdownQuery, DrawdownSeriesParams, DrawdownSeriesQuery,
    EpisodesParams, Length,
};

impl Endpoint for DrawdownQuery {
    const SPEC: Spec = Spec {
        path: "/drawdown",
        operation: "get_drawdown",
        tag: "drawdown",
        summary: "How far the price stands under its peak",
        about: "The peak is the highest price inside `window`: of closes, or of highs with `basis=intraday`. \
            The trough is the lowest price since that peak.",
        section: "1",
        examples: &["", "window=1y&basis=intraday", "interval=4h"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        drawdown(params)
    }
}

impl Endpoint for DrawdownSeriesQuery {
    const SPEC: Spec = Spec {
        path: "/drawdown/series",
        operation: "get_drawdown_series",
        tag: "drawdown",
        summary: "The drawdown at each bar of the window",
        about: "Each bar's close against the highest close of the window so far. `max_points` thins the rows and keeps the \
            least and the greatest of each stretch.",
        section: "1.1",
        examples: &["", "max_points=500"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        DrawdownSeriesParams { path: drawdown(params), max_points: points(params.optional(&MAX_POINTS)) }
    }
}

impl Endpoint for DrawdownEpisodesQuery {
    const SPEC: Spec = Spec {
        path: "/drawdown/episodes",
        operation: "list_drawdown_episodes",
        tag: "drawdown",
        summary: "Every fall from a peak and the way back",
        about: "Falls of closes, at least `min_depth_pct` deep. A rebound is a rise of at least `rebound_pct` from a low; it failed \
            when the price then fell by `rebound_pct` from its highest close, before it was back at the peak.",
        section: "1.5",
        examples: &["", "min_depth_pct=20"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        EpisodesParams {
            path: DrawdownParams {
                asset: params.asset(Asset::btc()),
                source: params.source(),
                window: params.window(Length::All),
                interval: params.value_or(&INTERVAL, Period::DAY),
                basis: Basis::Close,
            },
            min_depth_pct: params.value_or(&MIN_DEPTH_PCT, 5.0),
            rebound_pct: params.value_or(&REBOUND_PCT, 10.0),
        }
    }
}

impl ListEndpoint for DrawdownEpisodesQuery {
    type Row = DrawdownEpisode;
    const LIMIT: u32 = EPISODES;
}

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

fn drawdown(params: &mut ParamReader) -> DrawdownParams {
    DrawdownParams {
        asset: params.asset(Asset::btc()),
        source: params.source(),
        window: params.window(Length::All),
        interval: params.value_or(&INTERVAL, Period::DAY),
        basis: params.choice(&BASIS, Basis::Close),
    }
}
