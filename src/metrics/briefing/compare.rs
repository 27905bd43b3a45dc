use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::Timestamp;
use crate::market::MarketView;
use crate::metrics::briefing::figures::{FIGURES, Figure, FigureUnit, FigureValue, HeadlineBuilder};
use crate::metrics::briefing::headlines::collect;
use crate::metrics::price::price::percent_change;
use crate::metrics::provenance::{Derivation, Provenance};
use crate::metrics::statements::{DatedRow, StaleInputs, Statements};
use crate::metrics::{Answer, Caches, Context, Method, Moment, Query, QueryError, SourceOrder, Span, Window};

/// Days that changes count back from each of the two instants.
const CHANGE_DAYS: i64 = 7;

/// Which two instants are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct CompareParams {
    /// The earlier.
    pub a: Moment,
    /// The later, at the cutoff or before.
    pub b: Moment,
}

/// One headline figure as it was known at two instants (METHODOLOGY section 13).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct CompareRow {
    /// The figure.
    pub id: String,
    /// What its values are counted in.
    pub unit: FigureUnit,
    /// Its value at the earlier instant; absent where it could not be told then.
    pub a: Option<FigureValue>,
    /// When the newest row behind that was true.
    pub a_observed_at: Option<Timestamp>,
    /// Its value at the later instant; absent where it could not be told then.
    pub b: Option<FigureValue>,
    /// When the newest row behind that was true.
    pub b_observed_at: Option<Timestamp>,
    /// The later less the earlier, in the figure's unit; absent unless both are numbers.
    pub change: Option<f64>,
    /// The later against the earlier, percent; absent unless both are numbers and the earlier is above 0.
    pub change_pct: Option<f64>,
    /// Why a value is absent.
    pub reason: Option<String>,
}

impl DatedRow for CompareRow {}

/// Every headline figure at two instants, each as it was known then, side by side.
///
/// # Errors
/// [`QueryError`] when `a` is not before `b`, or `b` lies after the cutoff.
pub fn compare(
    view: &MarketView,
    order: &SourceOrder,
    caches: &Caches,
    question: &CompareParams,
) -> Result<Answer<Vec<CompareRow>>, QueryError> {
    let (a, b) = (question.a.resolve(view.as_of()), question.b.resolve(view.as_of()));
    if b > view.as_of() {
        let reason = format!("it lies after the cutoff, {}", view.as_of());
        let allowed = vec![format!("{} and earlier", view.as_of())];
        return Err(QueryError::Parameter { parameter: "b", given: b.to_string(), reason, allowed });
    }
    if a >= b {
        let reason = format!("it must be before b, {b}");
        let allowed = vec![format!("earlier than {b}")];
        return Err(QueryError::Parameter { parameter: "a", given: a.to_string(), reason, allowed });
    }
    let (before, after) = (view.at(a), view.at(b));
    let (before, after) = (told_at(&before, order, caches), told_at(&after, order, caches));
    let rows: Vec<CompareRow> = FIGURES.iter().map(|(id, unit)| row(id, *unit, &before.data, &after.data)).collect();
    let mut trail = Provenance::new(view);
    trail.merge(after);
    trail.merge(before);
    let method = Method { name: "compare", version: 1, interval: None, basis: None };
    let span = Span { from: a, to: b, to_cutoff: false };
    Ok(trail.answer(rows, Derivation { span: Some(span), method: Some(method), ..Derivation::default() }))
}

/// Figures that are known and the reasons for those that are not, by id.
struct FigureSet {
    figures: Vec<Figure>,
    missing: Vec<(String, String)>,
}

/// Its figures are withheld by the answers they come from.
impl Statements for FigureSet {
    fn withhold(&mut self, _stale: &StaleInputs) {}
}

fn told_at(view: &MarketView, order: &SourceOrder, caches: &Caches) -> Answer<FigureSet> {
    let mut headlines = HeadlineBuilder::new(view, order, Window::days(CHANGE_DAYS), None);
    collect(&mut headlines, caches);
    let HeadlineBuilder { figures, missing, trail, .. } = headlines;
    let missing = missing.into_iter().map(|missing| (missing.id, missing.reason)).collect();
    trail.answer(FigureSet { figures, missing }, Derivation::default())
}

fn row(id: &str, unit: FigureUnit, before: &FigureSet, after: &FigureSet) -> CompareRow {
    let of = |told: &FigureSet| told.figures.iter().find(|figure| figure.id == id).cloned();
    let (a, b) = (of(before), of(after));
    let number = |figure: &Option<Figure>| figure.as_ref().and_then(|figure| figure.value.number());
    let reason = |told: &FigureSet| told.missing.iter().find(|(missing, _)| missing == id).map(|(_, reason)| reason.clone());
    CompareRow {
        id: id.to_owned(),
        unit,
        change: number(&a).zip(number(&b)).map(|(a, b)| b - a),
        change_pct: percent_change(number(&a), number(&b)),
        reason: reason(after).or_else(|| reason(before)),
        a_observed_at: a.as_ref().map(|figure| figure.observed_at),
        a: a.map(|figure| figure.value),
        b_observed_at: b.as_ref().map(|figure| figure.observed_at),
        b: b.map(|figure| figure.value),
    }
}

/// All headline figures at two instants.
#[derive(Debug)]
pub enum CompareQuery {}

impl Query for CompareQuery {
    type Params = CompareParams;
    type Answer = Vec<CompareRow>;
    const NAME: &'static str = "compare";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        compare(cx.view, cx.source_order, cx.caches, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fixture::{Fixture, at, order};

    fn ask(a: &str, b: &str) -> Result<Answer<Vec<CompareRow>>, QueryError> {
        let rows = [("2026-02-01", 80_000.0), ("2026-02-03", 76_000.0)];
        let view = Fixture::new().readings("price.btc@y", &rows).cut("2026-02-04");
        compare(&view, &order(), &Caches::default(), &CompareParams { a: Moment::At(at(a)), b: Moment::At(at(b)) })
    }

    #[test]
    fn each_side_is_what_was_known_then() {
        let rows = ask("2026-02-02", "2026-02-03T12:00:00Z").unwrap().data;
        let price = rows.iter().find(|row| row.id == "price").unwrap();
        assert_eq!((price.a.clone(), price.b.clone()), (Some(80_000.0.into()), Some(76_000.0.into())));
        assert_eq!((price.change, price.reason.clone()), (Some(-4_000.0), None));
        assert!((price.change_pct.unwrap() + 5.0).abs() < 1e-12);
        assert_eq!(rows.len(), FIGURES.len());
    }

    #[test]
    fn a_side_before_any_data_is_null_with_a_reason() {
        let rows = ask("2026-01-01", "2026-02-03T12:00:00Z").unwrap().data;
        let price = rows.iter().find(|row| row.id == "price").unwrap();
        assert!(price.a.is_none() && price.b.is_some() && price.change.is_none() && price.reason.is_some());
    }

    #[test]
    fn instants_in_the_wrong_order_or_ahead_of_the_cutoff_are_refused() {
        assert!(matches!(ask("2026-02-03", "2026-02-03"), Err(QueryError::Parameter { parameter: "a", .. })));
        assert!(matches!(ask("2026-02-03", "2026-02-05"), Err(QueryError::Parameter { parameter: "b", .. })));
    }
}
