use serde::Deserialize;

use super::calendar::Exchange;
use super::file::{Anchor, ETF_FLOWS, read};
use super::path::{Path, Scale, phase, rounded, wave};
use super::prices::Bitcoin;
use super::{CUTOFF, ScenarioError};
use crate::domain::{Batch, KnownAtRule, Metric, Observation, SeriesKey, Source, Timestamp, TradingCalendar};

/// Rounding of published flows, USD.
const GRAIN_USD: f64 = 100_000.0;
/// Variation of a day about its even part, as a share of the usual day's flow.
const DAY_SWING: f64 = 1.2;
/// Variation of a fund about its share of a day.
const FUND_SWING: f64 = 0.5;

#[derive(Deserialize)]
struct File {
    etf: Vec<Etf>,
}

/// Funds of one asset.
#[derive(Deserialize)]
struct Etf {
    asset: String,
    shares: Vec<(String, f64)>,
    spans: Vec<Span>,
    #[serde(default)]
    days: Vec<Day>,
    #[serde(default)]
    holdings: Vec<Anchor>,
}

/// First day, day after the last, net flow in USD and mark of a span.
#[derive(Deserialize)]
struct Span(Timestamp, Timestamp, f64, #[expect(dead_code, reason = "documents the origin of the value in the file")] String);

/// One trading day by fund.
#[derive(Deserialize)]
struct Day {
    #[serde(rename = "day")]
    start: Timestamp,
    early: Option<Timestamp>,
    #[serde(default)]
    pending: Vec<String>,
    flows: Vec<(String, f64)>,
}

/// Returns the flows of every fund, and the assets of those with given holdings.
pub(super) fn batch(source: &Source, bitcoin: &Bitcoin) -> Result<Batch, ScenarioError> {
    let file: File = read("etf_flows.toml", ETF_FLOWS)?;
    let exchange = Exchange::open()?;
    let mut batch = Batch::new(source.clone());
    for etf in &file.etf {
        for span in &etf.spans {
            etf.push_span(&mut batch, span, &exchange)?;
        }
        for day in &etf.days {
            etf.push_day(&mut batch, day)?;
        }
        if !etf.holdings.is_empty() {
            etf.push_assets(&mut batch, bitcoin, &exchange)?;
        }
    }
    Ok(batch)
}

impl Etf {
    fn push_span(&self, batch: &mut Batch, Span(from, to, total, _): &Span, exchange: &Exchange) -> Result<(), ScenarioError> {
        let days: Vec<_> = exchange.days(TradingCalendar::TradingDays, *from, *to).collect();
        let swing = centred(&days.iter().map(|day| wave(*day, phase(&self.asset))).collect::<Vec<_>>());
        #[expect(clippy::cast_precision_loss, reason = "a span has a few hundred days")]
        let even = total / days.len() as f64;
        let flows: Vec<f64> = swing.iter().map(|swing| even + DAY_SWING * even.abs() * swing).collect();
        for (day, flow) in days.iter().zip(grains(&flows, *total)) {
            for (fund, share) in self.shares.iter().zip(self.split(*day, flow)) {
                let key = self.key(batch, &fund.0)?;
                let known_at = day.plus_ms(key.publication_lag_ms());
                batch.push_reading(
                    key,
                    Observation { observed_at: *day, knowledge: KnownAtRule::AtPublication(known_at), value: share },
                );
            }
        }
        Ok(())
    }

    fn push_day(&self, batch: &mut Batch, day: &Day) -> Result<(), ScenarioError> {
        for (fund, flow) in &day.flows {
            let key = self.key(batch, fund)?;
            let complete_at = day.start.plus_ms(key.publication_lag_ms());
            let known_at = day.early.filter(|_| !day.pending.contains(fund)).unwrap_or(complete_at);
            batch.push_reading(
                key,
                Observation { observed_at: day.start, knowledge: KnownAtRule::Vintage(known_at), value: *flow },
            );
        }
        Ok(())
    }

    /// Adds the assets of each fund at the end of each trading day, known with the flows.
    fn push_assets(&self, batch: &mut Batch, bitcoin: &Bitcoin, exchange: &Exchange) -> Result<(), ScenarioError> {
        let holdings = Path::new(&self.asset, self.holdings.iter().map(Anchor::point), Scale::Log, 0.0)?;
        for day in exchange.days(TradingCalendar::TradingDays, holdings.start(), CUTOFF.day_start()) {
            let end = day.plus_days(1);
            let whole = holdings.value(end) * bitcoin.price.value(end);
            for (fund, share) in &self.shares {
                let flows = self.key(batch, fund)?;
                let known_at = day.plus_ms(flows.publication_lag_ms());
                let key = SeriesKey { metric: Metric::EtfAssets, ..flows };
                let value = rounded(whole * share);
                batch.push_reading(key, Observation { observed_at: day, knowledge: KnownAtRule::AtPublication(known_at), value });
            }
        }
        Ok(())
    }

    /// Splits one day's flow by fund.
    fn split(&self, day: Timestamp, flow: f64) -> Vec<f64> {
        let parts: Vec<f64> =
            self.shares.iter().map(|(fund, share)| flow * share * (1.0 + FUND_SWING * wave(day, phase(fund)))).collect();
        grains(&parts, flow)
    }

    fn key(&self, batch: &Batch, fund: &str) -> Result<SeriesKey, ScenarioError> {
        Ok(format!("etf_flow.{}.{fund}@{}", self.asset, batch.source).parse()?)
    }
}

/// Returns the values less their mean, so that they sum to zero.
fn centred(values: &[f64]) -> Vec<f64> {
    #[expect(clippy::cast_precision_loss, reason = "a span has a few hundred days")]
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value - mean).collect()
}

/// Rounds the values to whole grains; the last one takes the rest of `total`.
fn grains(values: &[f64], total: f64) -> Vec<f64> {
    let mut counts: Vec<f64> = values.iter().map(|value| (value / GRAIN_USD).round()).collect();
    if let Some((last, others)) = counts.split_last_mut() {
        *last = (total / GRAIN_USD).round() - others.iter().sum::<f64>();
    }
    counts.into_iter().map(|count| count * GRAIN_USD + 0.0).collect()
}
