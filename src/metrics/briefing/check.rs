use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::market::MarketView;
use crate::metrics::briefing::figures::{FIGURES, Figure, FigureUnit, FigureValue, HeadlineBuilder, allowed_values};
use crate::metrics::briefing::headlines::collect;
use crate::metrics::provenance::Derivation;
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Caches, Method, QueryError, SourceOrder, Window};
use crate::stats::threshold::{at_least, at_most};

/// How far a value may be off where nothing else is said, percent of the stated one: what rounding
/// in a report makes of it, and what `about` allows.
const EXACT_PCT: f64 = 0.5;
const ABOUT_PCT: f64 = 5.0;

/// What a statement says of the value it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
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
#[derive(Debug, Clone, PartialEq)]
pub struct CheckParams {
    /// The figure's id.
    pub figure: String,
    /// The value it is said to have: a number in the figure's unit, `true` or `false`, a word or a date.
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
    /// What it is counted in.
    pub unit: FigureUnit,
    /// The computed value against the stated one, percent; absent unless both are numbers and the stated is not 0.
    pub difference_pct: Option<f64>,
    /// The computed figure in a sentence with its source and time, or why it cannot be told.
    pub basis: String,
}

/// Its figure is withheld by the answer it comes from.
impl Statements for Check {
    fn withhold(&mut self, _stale: &StaleInputs) {
    }
}

/// What is to be thought of a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The computed figure agrees.
    Supported,
    /// The computed figure disagrees.
    Contradicted,
    /// The figure cannot be told at the cutoff.
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
        Some(figure) => judge(figure, &stated, question),
        None => Check {
            verdict: Verdict::Unknowable,
            computed: None,
            unit: *unit,
            difference_pct: None,
            basis: missing.first().map_or_else(|| "the figure is not computed yet".to_owned(), |missing| missing.reason.clone()),
        },
    };
    let method = Method { name: "check", version: 1, interval: None, basis: None };
    Ok(trail.answer(data, Derivation { span: Some(span), method: Some(method), ..Derivation::default() }))
}

fn refused(parameter: &'static str, given: &str, reason: &str, allowed: Vec<String>) -> QueryError {
    QueryError::Parameter { parameter, given: given.to_owned(), reason: reason.to_owned(), allowed }
}

/// The stated value as the kind that the figure has.
fn read(unit: FigureUnit, question: &CheckParams) -> Result<FigureValue, QueryError> {
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
            let number = text.parse().ok().filter(|number: &f64| number.is_finite());
            number
                .map(FigureValue::Number)
                .ok_or_else(|| refused("value", text, "the figure is a number", vec!["-40".to_owned(), "7.66e4".to_owned()]))
        }
    }
}

fn judge(figure: &Figure, stated: &FigureValue, question: &CheckParams) -> Check {
    let numbers = figure.value.number().zip(stated.number());
    let holds = numbers.map_or(figure.value == *stated, |(computed, stated)| agrees(computed, stated, question));
    Check {
        verdict: if holds { Verdict::Supported } else { Verdict::Contradicted },
        computed: Some(figure.value.clone()),
        unit: figure.unit,
        difference_pct: numbers
            .filter(|(_, stated)| stated.abs() > 0.0)
            .map(|(computed, stated)| (computed - stated) / stated.abs() * 100.0),
        basis: format!("{} According to {}, {}.", figure.sentence, figure.source, figure.observed_at),
    }
}

fn agrees(computed: f64, stated: f64, question: &CheckParams) -> bool {
    let usual = match question.op {
        CheckOp::Eq => EXACT_PCT,
        CheckOp::About => ABOUT_PCT,
        CheckOp::Lt | CheckOp::Gt => 0.0,
    };
    let slack = question.tolerance_pct.unwrap_or(usual) / 100.0 * stated.abs();
    match question.op {
        CheckOp::Eq | CheckOp::About => at_most((computed - stated).abs(), slack),
        CheckOp::Lt => !at_least(computed, stated + slack),
        CheckOp::Gt => !at_most(computed, stated - slack),
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
