use std::collections::BTreeSet;

use chrono::{Datelike, Days, Months};
use serde::Deserialize;

use super::file::{Anchor, PRICES, read};
use super::path::{Path, Scale, bar, rounded};
use super::{CUTOFF, ScenarioError};
use crate::domain::{Asset, Bar, Batch, KnownAtRule, Metric, Observation, Period, SeriesKey, Source, Timestamp};

/// USD traded in bitcoin on a day of usual range.
const BTC_VOLUME_USD: f64 = 30e9;
/// Logarithm of high over low on a usual day.
const USUAL_DAY_RANGE: f64 = 0.03;
/// Milliseconds between two samples of the path inside an hour.
const HOUR_STEP_MS: i64 = 15 * 60_000;
/// Milliseconds between two samples of the path inside a day.
const DAY_STEP_MS: i64 = 3 * 3_600_000;

/// Bitcoin's price, which drives every other crypto price.
pub(super) struct Bitcoin {
    /// Price in USD.
    pub(super) price: Path,
    hourly_from: Timestamp,
}

#[derive(Deserialize)]
struct File {
    btc: BitcoinSection,
    total_market: MarketSection,
    btc_supply: SupplySection,
}

#[derive(Deserialize)]
struct BitcoinSection {
    hourly_from: Timestamp,
    swing: f64,
    anchors: Vec<Anchor>,
}

#[derive(Deserialize)]
struct MarketSection {
    hourly_from: Timestamp,
    anchors: Vec<Anchor>,
}

#[derive(Deserialize)]
struct SupplySection {
    anchors: Vec<Anchor>,
}

/// Reads bitcoin's path.
pub(super) fn bitcoin() -> Result<Bitcoin, ScenarioError> {
    let section = read::<File>("prices.toml", PRICES)?.btc;
    let price = Path::new("btc", section.anchors.iter().map(Anchor::point), Scale::Log, section.swing)?;
    Ok(Bitcoin { price, hourly_from: section.hourly_from })
}

/// Returns bitcoin's candles, its market value and that of the whole market.
pub(super) fn batch(source: &Source, bitcoin: &Bitcoin) -> Result<Batch, ScenarioError> {
    let file: File = read("prices.toml", PRICES)?;
    let mut batch = Batch::new(source.clone());
    push_candles(&mut batch, source, bitcoin);
    let anchors: Vec<_> = file.total_market.anchors.iter().map(Anchor::point).collect();
    let departure = Departure::new(bitcoin, &anchors.iter().map(|(at, _)| *at).collect::<Vec<_>>())?;
    let total = Path::new("total", anchors, Scale::Log, 0.0)?;
    let supply = Path::new("btc_supply", file.btc_supply.anchors.iter().map(Anchor::point), Scale::Linear, 0.0)?;
    let cap = |asset| SeriesKey::new(Metric::MarketCap, asset, source.clone(), Period::INSTANT);
    let from = file.total_market.hourly_from;
    for at in steps(total.start(), from.plus_ms(-1), Period::DAY.ms()).chain(steps(from, CUTOFF, Period::HOUR.ms())) {
        let btc = bitcoin.price.value(at) * supply.value(at);
        batch.push_reading(cap(Asset::total()), known_at_once(at, rounded(total.value(at) * departure.at(at).exp())));
        batch.push_reading(cap(Asset::btc()), known_at_once(at, rounded(btc)));
    }
    Ok(batch)
}

fn push_candles(batch: &mut Batch, source: &Source, bitcoin: &Bitcoin) {
    let key = |period| SeriesKey::new(Metric::Candle, Asset::btc(), source.clone(), period);
    let mut day = bitcoin.price.start();
    while day < CUTOFF {
        let next = day.plus_days(1);
        let hours: Vec<_> = if day < bitcoin.hourly_from { Vec::new() } else { hours(bitcoin, day) };
        let whole = if hours.is_empty() {
            bitcoin.bar(day, next, DAY_STEP_MS)
        } else {
            hours.iter().map(|(_, hour)| *hour).reduce(|bar, hour| bar.join(&hour))
        };
        if let Some(bar) = whole.filter(|_| next <= CUTOFF) {
            batch.push_candle(key(Period::DAY), published(day, next, bar));
        }
        for (at, bar) in hours {
            batch.push_candle(key(Period::HOUR), published(at, at.plus_ms(Period::HOUR.ms()), bar));
        }
        day = next;
    }
}

/// Returns the hourly bars of one day up to the cutoff.
fn hours(bitcoin: &Bitcoin, day: Timestamp) -> Vec<(Timestamp, Bar)> {
    (0..24)
        .map(|hour| day.plus_ms(hour * Period::HOUR.ms()))
        .filter(|at| *at < CUTOFF)
        .filter_map(|at| Some((at, bitcoin.bar(at, at.plus_ms(Period::HOUR.ms()), HOUR_STEP_MS)?)))
        .collect()
}

impl Bitcoin {
    /// Builds the bar of `[from, to)` from the path at every step and at every anchor inside.
    fn bar(&self, from: Timestamp, to: Timestamp, step_ms: i64) -> Option<Bar> {
        let days = to.days_since(from);
        let mut instants: Vec<_> = steps(from, to, step_ms).chain(self.price.turns(from, to)).collect();
        instants.sort_unstable();
        bar(instants.into_iter().map(|at| self.price.value(at)), BTC_VOLUME_USD * days, USUAL_DAY_RANGE * days.sqrt())
    }
}

/// Departure of bitcoin from the line through its own price at some days and at each month's first day.
///
/// Assets that follow bitcoin add it to their own line: they share bitcoin's weeks but not its years.
pub(super) struct Departure<'a> {
    bitcoin: &'a Path,
    line: Path,
}

impl<'a> Departure<'a> {
    /// Creates the departure from a line that also goes through the price at `knots`.
    pub(super) fn new(bitcoin: &'a Bitcoin, knots: &[Timestamp]) -> Result<Self, ScenarioError> {
        let months = knots.first().into_iter().flat_map(|start| months(*start));
        let instants: BTreeSet<_> = knots.iter().copied().chain(months).collect();
        let points = instants.into_iter().map(|at| (at, bitcoin.price.value(at)));
        Ok(Self { bitcoin: &bitcoin.price, line: Path::new("departure", points, Scale::Log, 0.0)? })
    }

    /// Returns the logarithm of price over line.
    pub(super) fn at(&self, at: Timestamp) -> f64 {
        self.bitcoin.scaled(at) - self.line.scaled(at)
    }
}

/// Returns the first days of the months after `start`, up to the cutoff.
fn months(start: Timestamp) -> impl Iterator<Item = Timestamp> {
    let first = start.date();
    let first = first - Days::new(u64::from(first.day0()));
    (1..200).map(move |month| Timestamp::from_date(first + Months::new(month))).take_while(|at| *at < CUTOFF)
}

/// Returns the times from `from` to `to`, both included, `step_ms` apart.
pub(super) fn steps(from: Timestamp, to: Timestamp, step_ms: i64) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(Some(from), move |at| Some(at.plus_ms(step_ms))).take_while(move |at| *at <= to)
}

/// Creates a reading known at its own time.
pub(super) fn known_at_once(at: Timestamp, value: f64) -> Observation<f64> {
    Observation { observed_at: at, knowledge: KnownAtRule::AtPublication(at), value }
}

/// Creates a bar known at its end.
pub(super) fn published(from: Timestamp, to: Timestamp, bar: Bar) -> Observation<Bar> {
    Observation { observed_at: from, knowledge: KnownAtRule::AtPublication(to), value: bar }
}
