use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::market::MarketView;
use crate::metrics::briefing::figures::{FIGURES, Figure, FigureUnit, FigureValue, HeadlineBuilder, allowed_values};
use crate::metrics::briefing::headlines::collect;
use crate::metrics::provenance::Derivation;
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Bound, Caches, Context, Freshness, Method, Query, QueryError, SourceOrder, Window};
use crate::stats::threshold::{at_least, at_most};

/// How far a value may be off where nothing else is said, percent of the stated one: what rounding
/// in a report makes of it, and what `about` allows.
const EXACT_PCT: f64 = 0.5;
const ABOUT_PCT: f64 = 5.0;

/// What a statement says of the value it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
pub enum CheckOp {
    /// It is the value, within 0.5 %.
    #[default]
    Eq,
    /// The figure is under the value.
    Lt,
    /// The figure is over the value.
    Gt,
    /// It is the value, within 5 %.
    About,
}

/// A statement about a headline figure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckParams {
    /// The figure's id.
    pub figure: String,
    /// The value it is said to have: a number in the figure's unit, also with `k`, `m`, `bn` or `tn`, `true` or `false`,
    /// a word or a date. Of a figure that is never positive, `40` and `40 % down` are a fall of 40 %.
    pub value: String,
    /// How far it may be off, percent of the value.
    pub tolerance_pct: Option<f64>,
    /// What is said of the value.
    pub op: CheckOp,
    /// What changes count from: the start of the window.
    pub window: Window,
}

/// Whether a statement holds (METHODOLOGY section 13).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Check {
    /// Whether what is known supports the statement.
    pub verdict: Verdict,
    /// The figure as it is computed here; absent where it cannot be told.
    pub computed: Option<FigureValue>,
    /// `at_least` where the true figure is this large or larger; absent where it is exact.
    pub bound: Option<Bound>,
    /// What it is counted in.
    pub unit: FigureUnit,
    /// The computed value against the stated one, percent; absent unless both are numbers and the stated is not 0.
    pub difference_pct: Option<f64>,
    /// The computed figure in a sentence with its source and time, or why it cannot be told.
    pub basis: String,
}

/// Its figure is withheld by the answer it comes from.
impl Statements for Check {
    fn withhold(&mut self, _stale: &StaleInputs) {}
}

/// What is to be thought of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The computed figure agrees.
    Supported,
    /// The computed figure disagrees.
    Contradicted,
    /// The figure cannot be told at the cutoff, or is a floor and the statement speaks of more.
    Unknowable,
}

/// Holds a statement against what is known at the cutoff.
///
/// # Errors
/// [`QueryError`] for a figure that does not exist, a value that is not of its kind, or an empty window.
pub fn check(
    view: &MarketView,
    order: &SourceOrder,
    caches: &Caches,
    question: &CheckParams,
) -> Result<Answer<Check>, QueryError> {
    let span = question.window.resolve(view.as_of())?;
    let Some((_, unit)) = FIGURES.iter().find(|(id, _)| *id == question.figure) else {
        let allowed = FIGURES.iter().map(|(id, _)| (*id).to_owned()).collect();
        return Err(refused("figure", &question.figure, "it is not a headline figure", allowed));
    };
    let stated = read(*unit, question)?;
    let mut headlines = HeadlineBuilder::new(view, order, question.window, Some(&question.figure));
    collect(&mut headlines, caches);
    let HeadlineBuilder { figures, missing, trail, .. } = headlines;
    let data = match figures.first() {
        Some(figure) if figure.state == Freshness::Stale => {
            unknowable(*unit, format!("The newest value is old: {}", figure.sentence))
        }
        Some(figure) => judge(figure, &stated),
        None => unknowable(
            *unit,
            missing.first().map_or_else(|| "the figure is not computed yet".to_owned(), |missing| missing.reason.clone()),
        ),
    };
    let method = Method { name: "check", version: 2, interval: None, basis: None };
    Ok(trail.answer(data, Derivation { span: Some(span), method: Some(method), ..Derivation::default() }))
}

fn unknowable(unit: FigureUnit, basis: String) -> Check {
    Check { verdict: Verdict::Unknowable, computed: None, bound: None, unit, difference_pct: None, basis }
}

fn refused(parameter: &'static str, given: &str, reason: &str, allowed: Vec<String>) -> QueryError {
    QueryError::Parameter { parameter, given: given.to_owned(), reason: reason.to_owned(), allowed }
}

/// Figures that are zero or less: people state their size.
const NEVER_POSITIVE: [&str; 2] = ["drawdown", "sp500_distance_from_high"];

/// A statement as it is held against a figure.
struct Statement {
    value: FigureValue,
    op: CheckOp,
    tolerance_pct: Option<f64>,
    /// How it was read, where that is not as it was written.
    reading: Option<String>,
}

/// The statement about a figure. A positive number about a figure that is never positive is the size of a fall.
fn read(unit: FigureUnit, question: &CheckParams) -> Result<Statement, QueryError> {
    let value = read_value(unit, question)?;
    let (op, tolerance_pct) = (question.op, question.tolerance_pct);
    match value.number().filter(|size| *size > 0.0 && NEVER_POSITIVE.contains(&question.figure.as_str())) {
        None => Ok(Statement { value, op, tolerance_pct, reading: None }),
        Some(size) => {
            let reading = Some(format!("{} is read as a fall of {size} %: the figure is never positive.", question.value.trim()));
            let op = match op {
                CheckOp::Lt => CheckOp::Gt,
                CheckOp::Gt => CheckOp::Lt,
                same => same,
            };
            Ok(Statement { value: (-size).into(), op, tolerance_pct, reading })
        }
    }
}

/// A number as people write it: with `k`, `m`, `bn` or `tn`, with a percent sign, and `down` for a fall.
fn number(text: &str, unit: FigureUnit) -> Option<f64> {
    let lower = text.trim().to_lowercase();
    let (text, falls) = lower.strip_suffix("down").map_or((lower.as_str(), false), |rest| (rest.trim_end(), true));
    let text = if unit == FigureUnit::Percent { text.strip_suffix('%').unwrap_or(text) } else { text };
    let suffixes = [("k", 1e3), ("m", 1e6), ("bn", 1e9), ("tn", 1e12)];
    let scaled = suffixes.iter().find_map(|(suffix, scale)| Some((text.strip_suffix(suffix)?, *scale)));
    let (digits, scale) = scaled.filter(|_| unit != FigureUnit::Percent).unwrap_or((text, 1.0));
    let number = digits.trim_end().parse::<f64>().ok()? * scale;
    let number = if falls { 0.0 - number.abs() } else { number };
    number.is_finite().then_some(number)
}

/// The stated value as the kind that the figure has.
fn read_value(unit: FigureUnit, question: &CheckParams) -> Result<FigureValue, QueryError> {
    let text = question.value.as_str();
    let wordy = matches!(unit, FigureUnit::YesNo | FigureUnit::Word | FigureUnit::Date);
    if wordy && question.op != CheckOp::Eq {
        return Err(refused("op", "lt, gt or about", "the figure is no number", vec!["eq".to_owned()]));
    }
    match unit {
        FigureUnit::YesNo => {
            let allowed = || ["true", "false"].map(str::to_owned).into();
            text.parse().map(FigureValue::YesNo).map_err(|_| refused("value", text, "the figure is true or false", allowed()))
        }
        FigureUnit::Word => {
            let known = allowed_values(&question.figure);
            if known.is_empty() || known.contains(&text) {
                return Ok(FigureValue::Word(text.to_owned()));
            }
            Err(refused("value", text, "the figure is one of a few words", known.into_iter().map(str::to_owned).collect()))
        }
        FigureUnit::Date => {
            let date = text.parse::<NaiveDate>().map(|date| FigureValue::Word(date.to_string()));
            date.map_err(|_| refused("value", text, "the figure is a date", vec!["2024-11-06".to_owned()]))
        }
        FigureUnit::Usd | FigureUnit::Percent | FigureUnit::Count | FigureUnit::Index => {
            let allowed = || ["-40", "40 % down", "76.6k", "-467.6bn"].map(str::to_owned).into();
            number(text, unit).map(FigureValue::Number).ok_or_else(|| refused("value", text, "the figure is a number", allowed()))
        }
    }
}

fn judge(figure: &Figure, stated: &Statement) -> Check {
    let numbers = figure.value.number().zip(stated.value.number());
    let holds = numbers.map_or(figure.value == stated.value, |(computed, value)| agrees(computed, value, stated));
    // The true value may be any larger one, so a floor says nothing of what lies over it.
    let is_open = figure.bound == Some(Bound::AtLeast)
        && numbers.is_some_and(|(computed, value)| match stated.op {
            CheckOp::Eq | CheckOp::About | CheckOp::Gt => !holds && value > computed,
            CheckOp::Lt => holds,
        });
    let verdict = match (is_open, holds) {
        (true, _) => Verdict::Unknowable,
        (false, true) => Verdict::Supported,
        (false, false) => Verdict::Contradicted,
    };
    let floor = if is_open { " What is known is a floor: the true value may be larger." } else { "" };
    let reading = stated.reading.as_ref().map(|reading| format!(" {reading}")).unwrap_or_default();
    Check {
        verdict,
        computed: Some(figure.value.clone()),
        bound: figure.bound,
        unit: figure.unit,
        difference_pct: numbers
            .filter(|(_, stated)| stated.abs() > 0.0)
            .map(|(computed, stated)| (computed - stated) / stated.abs() * 100.0),
        basis: format!("{}{floor} According to {}, {}.{reading}", figure.sentence, figure.source, figure.observed_at),
    }
}

fn agrees(computed: f64, stated: f64, statement: &Statement) -> bool {
    let usual = match statement.op {
        CheckOp::Eq => EXACT_PCT,
        CheckOp::About => ABOUT_PCT,
        CheckOp::Lt | CheckOp::Gt => 0.0,
    };
    let slack = statement.tolerance_pct.unwrap_or(usual) / 100.0 * stated.abs();
    match statement.op {
        CheckOp::Eq | CheckOp::About => at_most((computed - stated).abs(), slack),
        CheckOp::Lt => !at_least(computed, stated + slack),
        CheckOp::Gt => !at_most(computed, stated - slack),
    }
}

/// Check of a statement about a headline figure.
#[derive(Debug)]
pub enum CheckQuery {}

impl Query for CheckQuery {
    type Params = CheckParams;
    type Answer = Check;
    const NAME: &'static str = "check";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        check(cx.view, cx.source_order, cx.caches, params)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::metrics::fixture::{Fixture, order};

    fn ask(figure: &str, value: &str, op: CheckOp, tolerance_pct: Option<f64>) -> Result<Answer<Check>, QueryError> {
        let view = Fixture::new()
            .readings("price.btc@y", &[("2026-02-04T07:00:00Z", 76_600.0)])
            .readings("funding_rate.btc@y:8h", &[("2026-02-04", -0.0001)])
            .cut("2026-02-04T08:00:00Z");
        let question =
            CheckParams { figure: figure.to_owned(), value: value.to_owned(), tolerance_pct, op, window: Window::days(7) };
        check(&view, &order(), &Caches::default(), &question)
    }

    #[rstest]
    #[case("price", "76600", CheckOp::Eq, None, Verdict::Supported)]
    #[case("price", "76000", CheckOp::Eq, None, Verdict::Contradicted)]
    #[case("price", "76000", CheckOp::Eq, Some(1.0), Verdict::Supported)]
    #[case("price", "75000", CheckOp::About, None, Verdict::Supported)]
    #[case("price", "80000", CheckOp::Lt, None, Verdict::Supported)]
    #[case("price", "76600", CheckOp::Lt, None, Verdict::Contradicted)]
    #[case("price", "76600", CheckOp::Gt, None, Verdict::Contradicted)]
    #[case("funding_state", "negative", CheckOp::Eq, None, Verdict::Supported)]
    #[case("funding_state", "neutral", CheckOp::Eq, None, Verdict::Contradicted)]
    #[case("drawdown", "-40", CheckOp::About, None, Verdict::Contradicted)]
    #[case("market_cap_change", "-5e11", CheckOp::Eq, None, Verdict::Unknowable)]
    fn a_statement_is_held_against_what_is_known(
        #[case] figure: &str,
        #[case] value: &str,
        #[case] op: CheckOp,
        #[case] tolerance_pct: Option<f64>,
        #[case] verdict: Verdict,
    ) {
        let answer = ask(figure, value, op, tolerance_pct).unwrap();
        assert_eq!(answer.data.verdict, verdict, "{}", answer.data.basis);
        assert_eq!(answer.data.computed.is_none(), verdict == Verdict::Unknowable);
        assert!(!answer.data.basis.is_empty());
    }

    #[rstest]
    #[case("19e9", CheckOp::About, Verdict::Unknowable)]
    #[case("19e9", CheckOp::Eq, Verdict::Unknowable)]
    #[case("19e9", CheckOp::Gt, Verdict::Unknowable)]
    #[case("19e9", CheckOp::Lt, Verdict::Unknowable)]
    #[case("1e9", CheckOp::Gt, Verdict::Supported)]
    #[case("1e9", CheckOp::Lt, Verdict::Contradicted)]
    #[case("1e9", CheckOp::About, Verdict::Contradicted)]
    #[case("1.29e9", CheckOp::About, Verdict::Supported)]
    fn a_floor_says_nothing_of_what_lies_over_it(#[case] value: &str, #[case] op: CheckOp, #[case] verdict: Verdict) {
        let view = Fixture::new()
            .readings("liquidation.btc.long@v:4h", &[("2025-10-10T20:00:00Z", 1.29e9), ("2025-10-11", 1e6)])
            .cut("2025-10-11T04:00:00Z");
        let figure = "liquidations_record_day".to_owned();
        let question = CheckParams { figure, value: value.to_owned(), tolerance_pct: None, op, window: Window::days(7) };
        let found = check(&view, &order(), &Caches::default(), &question).unwrap().data;
        assert_eq!((found.verdict, found.bound), (verdict, Some(Bound::AtLeast)), "{}", found.basis);
        assert!(found.basis.contains("at least 1.29 billion USD"), "{}", found.basis);
        assert_eq!(found.basis.contains("a floor"), verdict == Verdict::Unknowable);
    }

    #[rstest]
    #[case("76.6k", FigureUnit::Usd, Some(76_600.0))]
    #[case("-467.6bn", FigureUnit::Usd, Some(-467.6e9))]
    #[case("2.5 tn", FigureUnit::Usd, Some(2.5e12))]
    #[case("743M", FigureUnit::Usd, Some(743e6))]
    #[case("40 % down", FigureUnit::Percent, Some(-40.0))]
    #[case("-40%", FigureUnit::Percent, Some(-40.0))]
    #[case("40k", FigureUnit::Percent, None)]
    #[case("down", FigureUnit::Percent, None)]
    #[case("inf", FigureUnit::Usd, None)]
    fn a_number_is_read_as_people_write_it(#[case] text: &str, #[case] unit: FigureUnit, #[case] expected: Option<f64>) {
        assert_eq!(number(text, unit), expected);
    }

    #[rstest]
    #[case("40", CheckOp::About, Verdict::Supported)]
    #[case("40 % down", CheckOp::Eq, Verdict::Supported)]
    #[case("-40", CheckOp::Eq, Verdict::Supported)]
    #[case("35", CheckOp::Gt, Verdict::Supported)]
    #[case("45", CheckOp::Gt, Verdict::Contradicted)]
    #[case("20", CheckOp::Eq, Verdict::Contradicted)]
    fn the_size_of_a_fall_is_read_as_a_fall(#[case] value: &str, #[case] op: CheckOp, #[case] verdict: Verdict) {
        let rows = [("2026-02-02", 100.0), ("2026-02-03", 60.0), ("2026-02-04T08:00:00Z", 60.0)];
        let view = Fixture::new().readings("price.btc@y", &rows).cut("2026-02-04T08:00:00Z");
        let (figure, value) = ("drawdown".to_owned(), value.to_owned());
        let question = CheckParams { figure, value, tolerance_pct: None, op, window: Window::days(7) };
        let check = check(&view, &order(), &Caches::default(), &question).unwrap().data;
        assert_eq!(check.verdict, verdict, "{}", check.basis);
        assert_eq!(check.basis.contains("is read as a fall"), !question.value.contains(['-', 'd']), "{}", check.basis);
    }

    #[test]
    fn an_old_value_neither_supports_nor_contradicts() {
        let view = Fixture::new().readings("price.btc@y", &[("2026-01-04", 60.0)]).cut("2026-02-04T08:00:00Z");
        let (figure, value) = ("price".to_owned(), "60".to_owned());
        let question = CheckParams { figure, value, tolerance_pct: None, op: CheckOp::Eq, window: Window::days(7) };
        let check = check(&view, &order(), &Caches::default(), &question).unwrap().data;
        assert_eq!((check.verdict, check.computed), (Verdict::Unknowable, None));
        assert!(check.basis.contains("as of 2026-01-04T00:00:00Z"), "{}", check.basis);
    }

    #[test]
    fn an_unknown_figure_and_a_value_of_another_kind_are_refused_with_what_may_be_given() {
        let unknown = ask("prise", "1", CheckOp::Eq, None);
        assert!(
            matches!(unknown, Err(QueryError::Parameter { parameter: "figure", allowed, .. }) if allowed.len() == FIGURES.len())
        );
        assert!(matches!(ask("price", "NaN", CheckOp::Eq, None), Err(QueryError::Parameter { parameter: "value", .. })));
        assert!(matches!(ask("deleveraging", "yes", CheckOp::Eq, None), Err(QueryError::Parameter { parameter: "value", .. })));
        assert!(matches!(
            ask("funding_state", "negative", CheckOp::Gt, None),
            Err(QueryError::Parameter { parameter: "op", .. })
        ));
    }
}
