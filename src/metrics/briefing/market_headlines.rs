//! Headline figures that look beyond one market: stocks, metals, oil, options, stress.

use crate::domain::Asset;
use crate::metrics::briefing::figures::HeadlineBuilder;
use crate::metrics::briefing::text_format::percent;
use crate::metrics::cross_market::cross_asset::change_of_day;
use crate::metrics::cross_market::safe_haven::safe_haven_alone;
use crate::metrics::derivatives::options::downside_protection;
use crate::metrics::{
    Caches, CrossAssetParams, CrossAssetRow, DownsideProtection, SafeHavenParams, StressBand, Window, cross_asset, stress,
};

/// Other markets, the figure of each, and its name in a sentence.
const CHANGES: [(&str, &str, &str); 4] = [
    ("nasdaq", "nasdaq_change", "The Nasdaq"),
    ("gold", "gold_change", "Gold"),
    ("silver", "silver_change", "Silver"),
    ("wti", "wti_change", "US oil"),
];

/// Collects the headline figures of other markets, options and the stress index.
pub(in crate::metrics) fn collect(headlines: &mut HeadlineBuilder<'_>, caches: &Caches) {
    of_other_markets(headlines);
    of_safe_haven(headlines, caches);
    of_options(headlines, caches);
    of_stress(headlines, caches);
}

fn of_other_markets(headlines: &mut HeadlineBuilder<'_>) {
    let (view, order) = (headlines.view, headlines.order);
    let shares = CrossAssetParams { assets: "sp500".parse().into_iter().collect(), source: None, window: Window::days(1) };
    let first = |rows: &[CrossAssetRow]| rows.first().cloned();
    if let Some(told) = headlines.ask(&["sp500_distance_from_high"], || cross_asset(view, order, &shares)) {
        let found = first(&told.data).and_then(|row| Some((row.distance_from_high_pct?, row.last_trading_day?)));
        headlines.push(
            &told,
            "sp500_distance_from_high",
            found.map(|(pct, day)| (pct, format!("The S&P 500 stood {} from its high of a year on {day}.", percent(pct)))),
        );
    }
    for (symbol, id, name) in CHANGES {
        let Ok(asset) = symbol.parse() else { continue };
        let Some(told) = headlines.ask(&[id], || change_of_day(view, order, asset)) else { continue };
        let found = first(&told.data).and_then(|row| Some((row.change_pct?, row.last_trading_day?)));
        headlines.push(&told, id, found.map(|(pct, day)| (pct, format!("{name} changed by {} on {day}.", percent(pct)))));
    }
}

fn of_safe_haven(headlines: &mut HeadlineBuilder<'_>, caches: &Caches) {
    let (view, order) = (headlines.view, headlines.order);
    let Ok(against) = "sp500".parse() else { return };
    let question = SafeHavenParams { asset: Asset::btc(), against, source: None, window: Window::ALL };
    let Some(told) = headlines.ask(&["safe_haven"], || safe_haven_alone(view, order, &caches.havens, &question)) else { return };
    let known = told.data.test.hedge.is_some() && told.data.test.safe_haven.is_some();
    let verdict = known.then(|| told.data.test.verdict.clone());
    headlines.push(&told, "safe_haven", verdict.map(|verdict| (verdict.clone(), format!("Over all days known, {verdict}."))));
}

fn of_options(headlines: &mut HeadlineBuilder<'_>, caches: &Caches) {
    let (view, order) = (headlines.view, headlines.order);
    let asked = || downside_protection(view, order, &caches.premiums, &Asset::btc());
    let Some(told) = headlines.ask(&["downside_protection"], asked) else { return };
    headlines.push(
        &told,
        "downside_protection",
        told.data
            .map(DownsideProtection::as_str)
            .map(|word| (word.to_owned(), format!("Demand for protection against falls is {word} by its own last year."))),
    );
}

fn of_stress(headlines: &mut HeadlineBuilder<'_>, caches: &Caches) {
    let (view, order) = (headlines.view, headlines.order);
    let Some(told) = headlines.ask(&["stress", "stress_band"], || stress(view, order, &caches.stress)) else { return };
    headlines.push(
        &told,
        "stress",
        told.data.systemic.map(|systemic| (systemic, format!("The stress index stands at {systemic:.1} of 100."))),
    );
    headlines.push(
        &told,
        "stress_band",
        told.data.band.map(StressBand::as_str).map(|word| (word.to_owned(), format!("That is {word} by its history."))),
    );
}
