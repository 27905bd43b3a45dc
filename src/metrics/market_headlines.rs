//! Headline figures that look beyond one market: stocks, metals, oil, options, stress.

use crate::domain::Asset;
use crate::metrics::cross_asset::change_of_day;
use crate::metrics::figures::Collector;
use crate::metrics::options::downside_protection;
use crate::metrics::safe_haven::safe_haven_alone;
use crate::metrics::words::percent;
use crate::metrics::{
    Books, CrossAssetQuestion, CrossAssetRow, DownsideProtection, SafeHavenQuestion, StressBand, Window, cross_asset, stress,
};

/// Other markets, the figure of each, and its name in a sentence.
const CHANGES: [(&str, &str, &str); 4] = [
    ("nasdaq", "nasdaq_change", "The Nasdaq"),
    ("gold", "gold_change", "Gold"),
    ("silver", "silver_change", "Silver"),
    ("wti", "wti_change", "US oil"),
];

/// Collects the headline figures of other markets, options and the stress index.
pub(super) fn collect(headlines: &mut Collector<'_>, books: &Books) {
    of_other_markets(headlines);
    of_safe_haven(headlines, books);
    of_options(headlines, books);
    of_stress(headlines, books);
}

fn of_other_markets(headlines: &mut Collector<'_>) {
    let (view, order) = (headlines.view, headlines.order);
    let shares = CrossAssetQuestion { assets: "sp500".parse().into_iter().collect(), window: Window::days(1) };
    let first = |rows: &[CrossAssetRow]| rows.first().cloned();
    if let Some(told) = headlines.ask(&["sp500_distance_from_high"], || cross_asset(view, order, &shares)) {
        let found = first(&told.data).and_then(|row| Some((row.distance_from_high_pct?, row.last_trading_day?)));
        headlines.tell(
            &told,
            "sp500_distance_from_high",
            found.map(|(pct, day)| (pct, format!("The S&P 500 stood {} from its high of a year on {day}.", percent(pct)))),
        );
    }
    for (symbol, id, name) in CHANGES {
        let Ok(asset) = symbol.parse() else { continue };
        let Some(told) = headlines.ask(&[id], || change_of_day(view, order, asset)) else { continue };
        let found = first(&told.data).and_then(|row| Some((row.change_pct?, row.last_trading_day?)));
        headlines.tell(&told, id, found.map(|(pct, day)| (pct, format!("{name} changed by {} on {day}.", percent(pct)))));
    }
}

fn of_safe_haven(headlines: &mut Collector<'_>, books: &Books) {
    let (view, order) = (headlines.view, headlines.order);
    let Ok(against) = "sp500".parse() else { return };
    let question = SafeHavenQuestion { asset: Asset::btc(), against, window: Window::ALL };
    let Some(told) = headlines.ask(&["safe_haven"], || safe_haven_alone(view, order, &books.havens, &question)) else { return };
    let known = told.data.test.hedge.is_some() && told.data.test.safe_haven.is_some();
    let verdict = known.then(|| told.data.test.verdict.clone());
    headlines.tell(&told, "safe_haven", verdict.map(|verdict| (verdict.clone(), format!("Over all days known, {verdict}."))));
}

fn of_options(headlines: &mut Collector<'_>, books: &Books) {
    let (view, order) = (headlines.view, headlines.order);
    let asked = || downside_protection(view, order, &books.premiums, &Asset::btc());
    let Some(told) = headlines.ask(&["downside_protection"], asked) else { return };
    headlines.tell(
        &told,
        "downside_protection",
        told.data
            .map(DownsideProtection::as_str)
            .map(|word| (word.to_owned(), format!("Demand for protection against falls is {word} by its own last year."))),
    );
}

fn of_stress(headlines: &mut Collector<'_>, books: &Books) {
    let (view, order) = (headlines.view, headlines.order);
    let Some(told) = headlines.ask(&["stress", "stress_band"], || stress(view, order, &books.stress)) else { return };
    headlines.tell(
        &told,
        "stress",
        told.data.systemic.map(|systemic| (systemic, format!("The stress index stands at {systemic:.1} of 100."))),
    );
    headlines.tell(
        &told,
        "stress_band",
        told.data.band.map(StressBand::as_str).map(|word| (word.to_owned(), format!("That is {word} by its history."))),
    );
}
