use serde::Serialize;
use utoipa::ToSchema;

use crate::market::MarketView;
use crate::metrics::briefing::figures::{Figure, HeadlineBuilder, MissingFigure};
use crate::metrics::briefing::headlines::collect;
use crate::metrics::provenance::Derivation;
use crate::metrics::statements::{StaleInputs, Statements};
use crate::metrics::{Answer, Caches, Context, Freshness, Method, Query, QueryError, SourceOrder, Window, Words};

/// The figures that make the headline, where they are known.
const HEADLINE: [&str; 4] = ["price", "drawdown", "market_cap_change", "liquidations_24h"];

/// What is asked for the whole picture.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BriefingParams {
    /// What changes count from: the start of the window.
    pub window: Window,
}

/// The whole picture from one cutoff (METHODOLOGY section 13).
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Briefing {
    /// The most important of it, in words.
    pub headline: String,
    /// Every figure that is known, each with its source and its time.
    pub figures: Vec<Figure>,
    /// Every figure that is not, with the reason.
    pub missing: Vec<MissingFigure>,
}

/// Its figures are withheld by the answers they come from.
impl Statements for Briefing {
    fn withhold(&mut self, _stale: &StaleInputs) {}
}

/// The whole picture at the cutoff.
///
/// # Errors
/// [`QueryError`] for an empty window.
pub fn briefing(
    view: &MarketView,
    order: &SourceOrder,
    caches: &Caches,
    question: &BriefingParams,
) -> Result<Answer<Briefing>, QueryError> {
    let span = question.window.resolve(view.as_of())?;
    let mut headlines = HeadlineBuilder::new(view, order, question.window, None);
    collect(&mut headlines, caches);
    let HeadlineBuilder { figures, missing, trail, .. } = headlines;
    let told = HEADLINE.iter().filter_map(|id| figures.iter().find(|figure| figure.id == *id));
    let headline = told.map(|figure| figure.sentence.as_str()).collect::<Vec<_>>().join(" ");
    let headline = if headline.is_empty() { "Nothing is known yet.".to_owned() } else { headline };
    let n_obs = Some(figures.len() as u64);
    let method = Method { name: "briefing", version: 1, interval: None, basis: None };
    let working = Derivation { span: Some(span), method: Some(method), n_obs, ..Derivation::default() };
    let mut answer = trail.answer(Briefing { headline, figures, missing }, working);
    answer.words = Some(Words { text: text(&answer), markdown: markdown(&answer) });
    Ok(answer)
}

/// A briefing as plain text: a line for each figure.
fn text(answer: &Answer<Briefing>) -> String {
    let Briefing { headline, figures, missing } = &answer.data;
    let mut lines = vec![format!("Market stress as of {}", answer.meta.as_of), String::new(), headline.clone(), String::new()];
    lines.extend(figures.iter().map(|figure| format!("- {} [{}]", figure.sentence, origin(figure))));
    if !missing.is_empty() {
        lines.extend([String::new(), "Not known:".to_owned()]);
        lines.extend(missing.iter().map(|figure| format!("- {}: {}", figure.id, figure.reason)));
    }
    lines.join("\n") + "\n"
}

/// A briefing as markdown: a table of figures.
fn markdown(answer: &Answer<Briefing>) -> String {
    let Briefing { headline, figures, missing } = &answer.data;
    let mut lines = vec![format!("# Market stress as of {}", answer.meta.as_of), String::new(), headline.clone(), String::new()];
    lines.extend(["| figure | what it says | source |".to_owned(), "|---|---|---|".to_owned()]);
    let row = |figure: &Figure| format!("| `{}` | {} | {} |", figure.id, cell(&figure.sentence), origin(figure));
    lines.extend(figures.iter().map(row));
    if !missing.is_empty() {
        lines.extend([String::new(), "## Not known".to_owned(), String::new()]);
        lines.extend(missing.iter().map(|figure| format!("- `{}`: {}", figure.id, cell(&figure.reason))));
    }
    lines.join("\n") + "\n"
}

fn origin(figure: &Figure) -> String {
    let age = match figure.state {
        Freshness::Fresh => "",
        Freshness::Late => ", late",
        Freshness::Stale => ", stale",
    };
    format!("{}, {}{age}", figure.source, figure.observed_at)
}

/// A text that does not break the table it stands in.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// All headline figures at one instant.
#[derive(Debug)]
pub enum BriefingQuery {}

impl Query for BriefingQuery {
    type Params = BriefingParams;
    type Answer = Briefing;
    const NAME: &'static str = "briefing";

    fn answer(params: &Self::Params, cx: &Context<'_>) -> Result<Answer<Self::Answer>, QueryError> {
        briefing(cx.view, cx.source_order, cx.caches, params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::FIGURES;
    use crate::metrics::fixture::{Fixture, order};

    fn ask(fixture: Fixture) -> Answer<Briefing> {
        briefing(&fixture.cut("2026-02-04T08:00:00Z"), &order(), &Caches::default(), &BriefingParams { window: Window::days(7) })
            .unwrap()
    }

    fn priced() -> Fixture {
        Fixture::new().readings("price.btc@y", &[("2026-02-03T12:00:00Z", 78_000.0), ("2026-02-04T08:00:00Z", 76_600.0)])
    }

    #[test]
    fn every_figure_is_told_or_missing_with_a_reason() {
        for fixture in [Fixture::new(), priced()] {
            let Briefing { figures, missing, .. } = ask(fixture).data;
            for (id, unit) in FIGURES {
                let told = figures.iter().find(|figure| figure.id == id);
                assert!(told.is_some() != missing.iter().any(|missing| missing.id == id), "{id}");
                assert!(told.is_none_or(|figure| figure.unit == unit), "{id}");
            }
            assert!(missing.iter().all(|missing| !missing.reason.is_empty()));
        }
    }

    #[test]
    fn a_figure_has_its_source_its_time_and_a_sentence() {
        let answer = ask(priced());
        let price = answer.data.figures.iter().find(|figure| figure.id == "price").unwrap();
        assert_eq!((price.value.number(), price.source.as_str()), (Some(76_600.0), "y"));
        assert_eq!(price.observed_at.to_string(), "2026-02-04T08:00:00Z");
        assert!(answer.data.headline.starts_with("Bitcoin trades at 76,600 USD."));
    }

    #[test]
    fn text_and_markdown_hold_every_sentence() {
        let answer = ask(priced());
        let Words { text, markdown } = answer.words.clone().unwrap();
        for words in [text, markdown] {
            assert!(answer.data.figures.iter().all(|figure| words.contains(&figure.sentence)), "{words}");
            assert!(words.contains("2026-02-04T08:00:00Z") && words.ends_with('\n'));
        }
    }
}
