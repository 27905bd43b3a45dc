use std::collections::BTreeMap;

use serde::Deserialize;

use super::calendar::Exchange;
use super::file::{PRICES, read};
use super::path::{Path, Scale, bar, rounded};
use super::prices::{Bitcoin, Departure, published, steps};
use super::{CUTOFF, ScenarioError};
use crate::domain::{Asset, Batch, KnownAtRule, Metric, Observation, Period, SeriesKey, Source, Timestamp, TradingCalendar};

/// Logarithm of high over low on a usual day.
const USUAL_DAY_RANGE: f64 = 0.04;
/// Share of an asset's market value that is traded on a usual day.
const TURNOVER: f64 = 0.05;
/// USD traded on a usual day in an asset without a market value.
const EXCHANGE_VOLUME_USD: f64 = 50e9;
/// Milliseconds between two samples of the path inside a day.
const STEP_MS: i64 = 6 * 3_600_000;

#[derive(Deserialize)]
struct File {
    panels: Vec<Panel>,
}

/// Closes of many assets on shared days.
#[derive(Deserialize)]
struct Panel {
    calendar: Calendar,
    days: Vec<Timestamp>,
    rows: BTreeMap<String, Row>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "snake_case")]
enum Calendar {
    Continuous,
    TradingDays,
}

#[derive(Deserialize)]
struct Row {
    beta: f64,
    swing: f64,
    supply: f64,
    closes: Vec<f64>,
}

/// Returns daily candles of every other asset, and the market values of coins.
pub(super) fn batch(source: &Source, bitcoin: &Bitcoin) -> Result<Batch, ScenarioError> {
    let file: File = read("prices.toml", PRICES)?;
    let exchange = Exchange::open()?;
    let mut batch = Batch::new(source.clone());
    for panel in &file.panels {
        let days: Vec<_> = panel.days(&exchange).collect();
        let departures = panel.departures(bitcoin, &days)?;
        for (name, row) in &panel.rows {
            let line = Path::new(name, panel.anchors(name, row)?, Scale::Log, row.swing)?;
            let subject = Subject { asset: name.parse()?, row, line };
            for (day, departures) in days.iter().zip(&departures) {
                subject.push_day(&mut batch, *day, departures);
            }
        }
    }
    Ok(batch)
}

/// One asset of a panel while its rows are built.
struct Subject<'a> {
    asset: Asset,
    row: &'a Row,
    line: Path,
}

impl Subject<'_> {
    /// Adds the bar of a day and, for a coin, its market value at the end of the day.
    fn push_day(&self, batch: &mut Batch, day: Timestamp, departures: &[f64]) {
        let end = day.plus_days(1);
        let prices: Vec<f64> = steps(day, end, STEP_MS)
            .zip(departures)
            .map(|(at, departure)| (self.line.scaled(at) + self.row.beta * departure).exp())
            .collect();
        let cap = prices.last().map(|close| close * self.row.supply).filter(|cap| *cap > 0.0);
        let usual_usd = cap.map_or(EXCHANGE_VOLUME_USD, |cap| TURNOVER * cap);
        let source = batch.source.clone();
        if let Some(bar) = bar(prices, usual_usd, USUAL_DAY_RANGE) {
            let key = SeriesKey::new(Metric::Candle, self.asset.clone(), source.clone(), Period::DAY);
            batch.push_candle(key, published(day, end, bar));
        }
        if let Some(cap) = cap {
            let key = SeriesKey::new(Metric::MarketCap, self.asset.clone(), source, Period::DAY);
            let row = Observation { observed_at: day, knowledge: KnownAtRule::AtPublication(end), value: rounded(cap) };
            batch.push_reading(key, row);
        }
    }
}

impl Panel {
    /// Returns the days with a bar, up to the last whole one before the cutoff.
    fn days<'a>(&self, exchange: &'a Exchange) -> impl Iterator<Item = Timestamp> + use<'a> {
        let first = self.days.first().map_or(CUTOFF, |day| day.plus_days(1));
        exchange.days(self.calendar.into(), first, CUTOFF.day_start())
    }

    /// Returns bitcoin's departures at the steps of each day.
    fn departures(&self, bitcoin: &Bitcoin, days: &[Timestamp]) -> Result<Vec<Vec<f64>>, ScenarioError> {
        let knots: Vec<_> = self.days.iter().map(|day| day.plus_days(1)).collect();
        let departure = Departure::new(bitcoin, &knots)?;
        Ok(days.iter().map(|day| steps(*day, day.plus_days(1), STEP_MS).map(|at| departure.at(at)).collect()).collect())
    }

    /// Returns the closes of a row as anchors at the ends of their days.
    fn anchors(&self, name: &str, row: &Row) -> Result<Vec<(Timestamp, f64)>, ScenarioError> {
        if row.closes.len() != self.days.len() {
            return Err(ScenarioError::Panel(name.to_owned()));
        }
        let ends = self.days.iter().map(|day| day.plus_days(1));
        Ok(ends.zip(row.closes.iter().copied()).collect())
    }
}

impl From<Calendar> for TradingCalendar {
    fn from(calendar: Calendar) -> Self {
        match calendar {
            Calendar::Continuous => Self::Continuous,
            Calendar::TradingDays => Self::TradingDays,
        }
    }
}
