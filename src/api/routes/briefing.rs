use crate::api::openapi::Shape;
use crate::api::params::parameter::{Choice, Kind, Parameter, number, parsed};
use crate::api::params::reader::ParamReader;
use crate::api::routes::endpoint::{Endpoint, Spec};
use crate::domain::Period;
use crate::metrics::{
    BriefingParams, BriefingQuery, CheckOp, CheckParams, CheckQuery, CompareParams, CompareQuery, Length, Moment, Window,
};

impl Endpoint for BriefingQuery {
    const SPEC: Spec = Spec {
        path: "/briefing",
        operation: "get_briefing",
        tag: "briefing",
        summary: "The whole picture at one instant",
        about: "Every headline figure in a sentence, with its unit, source, time and state; those that cannot be told are listed with \
            the reason. Changes count from the start of the window. Also as \
            `text/plain` and `text/markdown`; as CSV one row a figure, with the reason where it cannot be told.",
        section: "13",
        examples: &["", "window=30d"],
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        BriefingParams { window: week(params) }
    }

    fn shape() -> Shape {
        Shape::words::<Self::Answer>(&ROWS)
    }
}

impl Endpoint for CompareQuery {
    const SPEC: Spec = Spec {
        path: "/compare",
        operation: "get_comparison",
        summary: "The whole picture at two instants",
        about: "Every headline figure as it was known at `a` and at `b`, with its change. Each side uses only what was known then.",
        examples: &["", "a=-30d&b=-1d"],
        ..BriefingQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        let a = params.optional(&A).unwrap_or(Moment::Before(7 * Period::DAY.ms()));
        CompareParams { a, b: params.optional(&B).unwrap_or(Moment::Before(0)) }
    }
}

impl Endpoint for CheckQuery {
    const SPEC: Spec = Spec {
        path: "/check",
        operation: "get_check",
        summary: "Whether a stated figure holds",
        about: "Holds a statement about a headline figure against what is known at `as_of`. Falls and outflows are negative: a fall of \
            40 % is `value=-40`.",
        examples: &["figure=price&value=76600", "figure=drawdown&value=-40&op=about"],
        ..BriefingQuery::SPEC
    };

    fn read(params: &mut ParamReader) -> Self::Params {
        CheckParams {
            figure: params.required(&FIGURE).unwrap_or_default(),
            value: params.required(&VALUE).unwrap_or_default(),
            tolerance_pct: params.optional(&TOLERANCE),
            op: params.choice(&OP, CheckOp::Eq),
            window: week(params),
        }
    }
}

/// The parts of a briefing that are rows of a table.
pub(in crate::api) const ROWS: [&str; 2] = ["figures", "missing"];

const A: Parameter<Moment> = Parameter {
    name: "a",
    about: "The earlier instant: RFC 3339, a date, or a length before `as_of` such as `-7d`.",
    example: "-7d",
    kind: Kind::MOMENT,
    read: parsed,
};

const B: Parameter<Moment> =
    Parameter { name: "b", about: "The later instant, at `as_of` or before. Default: `as_of`.", example: "-1d", ..A };

const FIGURE: Parameter<String> = Parameter {
    name: "figure",
    about: "The id of a figure of the briefing.",
    example: "price",
    kind: Kind::Text("^[a-z0-9_]+$"),
    read: parsed,
};

const VALUE: Parameter<String> = Parameter {
    name: "value",
    about: "What the figure is said to be: a number in its unit, `true` or `false`, a date, or a word.",
    example: "76600",
    kind: Kind::Text("^.+$"),
    read: parsed,
};

const TOLERANCE: Parameter<f64> = Parameter {
    name: "tolerance_pct",
    about: "How far the figure may be off, percent of the value. Default: 0.5 for `eq`, 5 for `about`, 0 otherwise.",
    example: "1",
    kind: Kind::Number { min: 0.0, max: 100.0 },
    read: number,
};

const OP: Choice<CheckOp> = Choice {
    name: "op",
    about: "What is said of the value: the figure is it, is under it, is over it, or is about it.",
    words: &[("eq", CheckOp::Eq), ("lt", CheckOp::Lt), ("gt", CheckOp::Gt), ("about", CheckOp::About)],
};

fn week(params: &mut ParamReader) -> Window {
    params.window(Length::Ms(7 * Period::DAY.ms()))
}
