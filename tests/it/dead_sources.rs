//! Random markets with sources that start, stop, revise and lag: what may be said from which rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use market_stress::domain::{Asset, Bar, Delta, Period, Timestamp, Vintage};
use market_stress::market::{Market, MarketView};
use market_stress::metrics::{self as m, Answer, Caches, Moment, QueryError, SourceOrder, Window};
use proptest::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::http::{at, commit, key};

const FIRST: &str = "2025-06-01";
/// Days that a market goes on at most.
const DAYS: i64 = 130;
/// Days without a row after which a source of daily rows is dead.
const DEAD_AFTER_DAYS: i64 = 3;

/// When a source has rows, how late they are known, and how it differs from others.
#[derive(Debug, Clone, Copy)]
struct Life {
    starts: i64,
    stops: i64,
    lag_hours: i64,
    scale: f64,
    /// Every how many days a row is revised later.
    revised_every: i64,
}

fn life() -> impl Strategy<Value = Life> {
    (0..60_i64, 60..=DAYS, 0..30_i64, 0.9..1.1_f64, 3..40_i64).prop_map(|(starts, stops, lag_hours, scale, revised_every)| Life {
        starts,
        stops,
        lag_hours,
        scale,
        revised_every,
    })
}

/// The rows of sources `a`, `b` and `c`: daily bars, market values, open interest, funding, implied volatility.
fn rows(lives: &[Life], noise: u32, until_day: i64) -> Delta {
    let mut delta = commit(1);
    for (name, life) in ["a", "b", "c"].iter().zip(lives) {
        for day in life.starts..life.stops.min(until_day) {
            let start = at(FIRST).plus_days(day);
            let move_of_day = f64::from((u32::try_from(day).unwrap() * 7 + noise) % 23) - 11.0;
            let price = life.scale * (100.0 + move_of_day);
            let late_ms = life.lag_hours * Period::HOUR.ms();
            let mut reading = |name: String, value: f64| {
                let key = key(&name);
                let known_at = start.plus_ms(key.publication_lag_ms() + late_ms);
                let rows = delta.readings.entry(key).or_default();
                rows.push(Vintage { observed_at: start, known_at, value });
                if day % life.revised_every == 0 {
                    rows.push(Vintage { observed_at: start, known_at: known_at.plus_days(2), value: value * 1.01 });
                }
            };
            reading(format!("market_cap.total@{name}:1d"), price * 1e9);
            reading(format!("open_interest.btc@{name}:1d"), price * 50.0);
            reading(format!("open_interest_native.btc@{name}:1d"), 50.0 + move_of_day);
            reading(format!("funding_rate.btc@{name}:8h"), move_of_day * 1e-5);
            reading(format!("implied_vol.btc@{name}:1d"), 40.0 + move_of_day);
            let bar = Bar::new(price, price * 1.02, price * 0.98, price, Some(10.0)).unwrap();
            let known_at = start.plus_days(1).plus_ms(late_ms);
            for asset in ["btc", "eth", "sp500"] {
                let rows = delta.candles.entry(key(&format!("candle.{asset}@{name}:1d"))).or_default();
                rows.push(Vintage { observed_at: start, known_at, value: bar });
            }
        }
    }
    delta
}

fn view(delta: &Delta, as_of: Timestamp) -> MarketView {
    Arc::new(Market::default().next(delta)).at(as_of)
}

/// One answer as it is written, with what it was read from.
struct Told {
    question: &'static str,
    data: Value,
    ages: Vec<i64>,
    newest: Option<Timestamp>,
}

fn told<T: Serialize>(question: &'static str, answer: Result<Answer<T>, QueryError>) -> Told {
    let answer = answer.unwrap();
    Told {
        question,
        data: serde_json::to_value(&answer.data).unwrap(),
        ages: answer.sources.iter().map(|reading| reading.age_seconds).collect(),
        newest: answer.sources.iter().map(|reading| reading.observed_at).max(),
    }
}

fn answers(view: &MarketView) -> Vec<Told> {
    let (order, caches, week) = (SourceOrder::default(), Caches::default(), Window::days(7));
    let btc = Asset::btc;
    let path =
        m::DrawdownParams { asset: btc(), source: None, window: Window::ALL, interval: Period::DAY, basis: m::Basis::Close };
    let month = m::VolatilityParams { asset: btc(), source: None, window: Window::days(30), estimator: m::Estimator::Close };
    let positions = m::OpenInterestParams { asset: btc(), sources: vec![], window: week };
    let method = m::CorrelationMethod::Pearson;
    let with = m::CorrelationParams { asset: btc(), with: vec!["eth".parse().unwrap()], source: None, observations: 20, method };
    vec![
        told("price", m::price(view, &order, &m::PriceParams { asset: btc(), source: None, window: week })),
        told("drawdown", m::drawdown(view, &order, &path)),
        told(
            "market_cap",
            m::market_cap(view, &order, &m::MarketCapParams { asset: Asset::total(), source: None, window: week }),
        ),
        told("open_interest", m::open_interest(view, &order, &positions)),
        told("funding", m::funding(view, &order, &m::FundingParams { asset: btc(), sources: vec![] })),
        told("volatility", m::volatility(view, &order, &caches.regimes, &month)),
        told("correlation", m::correlation(view, &order, &with)),
        told(
            "cross_asset",
            m::cross_asset(view, &order, &m::CrossAssetParams { assets: vec![btc()], source: None, window: week }),
        ),
        told("briefing", m::briefing(view, &order, &caches, &m::BriefingParams { window: week })),
    ]
}

/// Whether a value says anything.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(fields) => fields.values().any(is_said),
        Value::Array(items) => items.iter().any(is_said),
        _ => true,
    }
}

/// The fields that say something; of rows with their place.
fn claims(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            // When volatility picked up is told only where it did.
            let said = fields.iter().filter(|(name, field)| is_said(field) && *name != "pickup_at");
            found.extend(said.map(|(name, _)| format!("{path}.{name}")));
        }
        Value::Array(items) => items.iter().enumerate().for_each(|(place, item)| claims(item, &format!("{path}.{place}"), found)),
        _ => {}
    }
}

fn said(told: &Told) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match told.question {
        // A figure moves to the list of those that are missing: the known ones are the claims.
        "briefing" => {
            let figures = told.data["figures"].as_array().unwrap();
            // Rebounds are counted only of a fall that is open: with more rows it may have ended.
            let ids = figures.iter().map(|figure| figure["id"].as_str().unwrap()).filter(|id| *id != "failed_rebounds");
            found.extend(ids.map(str::to_owned));
        }
        _ => claims(&told.data, "", &mut found),
    }
    found
}

/// What may be said when no source is live: levels, with the instants they are of.
fn is_level(question: &str, field: &str) -> bool {
    let levels: &[&str] = match question {
        "price" | "drawdown" => &[".price_usd"],
        "market_cap" => &[".market_cap_usd", ".anchor"],
        "open_interest" => &[".open_interest_usd", ".open_interest_native", ".by_source"],
        "funding" => &[".by_source"],
        "volatility" => &[".implied_pct", ".estimators"],
        "correlation" => &[".0.asset", ".0.n_obs", ".0.last_common_day"],
        "cross_asset" => &[".0.asset", ".0.last", ".0.source"],
        "briefing" => &["price", "volatility_implied"],
        _ => &[],
    };
    levels.iter().any(|level| field.starts_with(level))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 16, ..ProptestConfig::default() })]

    #[test]
    fn no_age_is_negative_and_no_row_lies_ahead(lives in [life(), life(), life()], noise in 0..1_000_u32, hour in 0..DAYS * 26) {
        let as_of = at(FIRST).plus_ms(hour * Period::HOUR.ms());
        for told in answers(&view(&rows(&lives, noise, DAYS), as_of)) {
            prop_assert!(told.ages.iter().all(|age| *age >= 0), "{}: {:?}", told.question, told.ages);
            prop_assert!(told.newest.is_none_or(|newest| newest <= as_of), "{}", told.question);
        }
    }

    #[test]
    fn nothing_is_derived_when_every_source_is_dead(lives in [life(), life(), life()], noise in 0..1_000_u32, later in 2..90_i64) {
        let last = lives.iter().map(|life| life.stops).max().unwrap();
        let as_of = at(FIRST).plus_days(last + DEAD_AFTER_DAYS + later);
        for told in answers(&view(&rows(&lives, noise, DAYS), as_of)) {
            // An index of shares may be closed for longer.
            let derived: Vec<String> = said(&told).into_iter().filter(|field| !is_level(told.question, field)).collect();
            prop_assert!(derived.is_empty() || told.question == "briefing" && later < 5, "{} says {derived:?}", told.question);
        }
    }

    #[test]
    fn a_dead_source_changes_no_value(alive in life(), dead in life(), noise in 0..1_000_u32, dead_first in any::<bool>()) {
        let (alive, dead) = (Life { stops: DAYS, lag_hours: 0, ..alive }, Life { stops: dead.starts + 40, ..dead });
        let none = Life { stops: dead.starts, ..dead };
        let lives = |dead: Life| if dead_first { [dead, alive, none] } else { [alive, dead, none] };
        let as_of = at(FIRST).plus_days(DAYS);
        let with = answers(&view(&rows(&lives(dead), noise, DAYS), as_of));
        let without = answers(&view(&rows(&lives(none), noise, DAYS), as_of));
        for (with, without) in with.iter().zip(&without) {
            let figures = |told: &Told| if told.question == "briefing" { told.data["figures"].clone() } else { told.data.clone() };
            prop_assert_eq!(figures(with), figures(without), "{}", with.question);
        }
    }

    #[test]
    fn fewer_rows_claim_no_more(lives in [life(), life(), life()], noise in 0..1_000_u32, silent in 1..40_i64) {
        let last = lives.iter().map(|life| life.stops).max().unwrap();
        let as_of = at(FIRST).plus_days(last + 1);
        let whole = answers(&view(&rows(&lives, noise, DAYS), as_of));
        let fewer = answers(&view(&rows(&lives, noise, last - silent), as_of));
        for (fewer, whole) in fewer.iter().zip(&whole) {
            let more: Vec<String> = said(fewer).difference(&said(whole)).cloned().collect();
            prop_assert!(more.is_empty(), "{} says {more:?} with fewer rows", fewer.question);
        }
    }
}

#[test]
fn a_window_that_ended_while_its_source_lived_is_told_for_ever() {
    let life = Life { starts: 0, stops: 100, lag_hours: 0, scale: 1.0, revised_every: 50 };
    let view = view(&rows(&[life], 1, DAYS), at("2026-06-01"));
    let window = Window::Since { since: Moment::At(at("2025-08-01")), until: Some(Moment::At(at("2025-09-01"))) };
    let question = m::OpenInterestParams { asset: Asset::btc(), sources: vec![], window };
    assert!(m::open_interest(&view, &SourceOrder::default(), &question).unwrap().data.change_usd.is_some());
    let open = m::OpenInterestParams { window: Window::Since { since: Moment::At(at("2025-08-01")), until: None }, ..question };
    assert_eq!(m::open_interest(&view, &SourceOrder::default(), &open).unwrap().data.change_usd, None);
}
