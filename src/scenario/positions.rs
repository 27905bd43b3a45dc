use serde::Deserialize;

use super::file::{Anchor, POSITIONS, read};
use super::path::{Path, Scale, rounded};
use super::prices::{Bitcoin, known_at_once, steps};
use super::{CUTOFF, ScenarioError};
use crate::domain::{Asset, Batch, Knowledge, Metric, Observation, Period, SeriesKey, Source, Timestamp};

/// Hours between two settlements of funding.
const FUNDING_HOURS: f64 = 8.0;
/// The same in milliseconds, also the step of open interest before it is hourly.
const FUNDING_MS: i64 = 8 * Period::HOUR.ms();

#[derive(Deserialize)]
struct File {
    open_interest: OpenInterest,
    funding: Section,
    implied_vol: Section,
}

#[derive(Deserialize)]
struct OpenInterest {
    hourly_from: Timestamp,
    wave: f64,
    anchors: Vec<Anchor>,
}

#[derive(Deserialize)]
struct Section {
    wave: f64,
    anchors: Vec<Anchor>,
}

/// Open interest, funding and implied volatility of bitcoin.
pub(super) fn batch(source: &Source, bitcoin: &Bitcoin) -> Result<Batch, ScenarioError> {
    let file: File = read("positions.toml", POSITIONS)?;
    let mut batch = Batch::new(source.clone());
    file.open_interest.push(&mut batch, bitcoin)?;
    push_funding(&mut batch, &file.funding.path("funding", Scale::Linear)?);
    push_implied_vol(&mut batch, &file.implied_vol.path("implied_vol", Scale::Log)?);
    Ok(batch)
}

impl OpenInterest {
    /// Coins from the path, USD as coins times the price.
    fn push(&self, batch: &mut Batch, bitcoin: &Bitcoin) -> Result<(), ScenarioError> {
        let path = Path::new("open_interest", self.anchors.iter().map(Anchor::point), Scale::Log, self.wave)?;
        let (coins, usd) = (key(batch, Metric::OpenInterestNative), key(batch, Metric::OpenInterest));
        let before = steps(path.start(), self.hourly_from.plus_ms(-1), FUNDING_MS);
        for at in before.chain(steps(self.hourly_from, CUTOFF, Period::HOUR.ms())) {
            let open = rounded(path.value(at));
            batch.push_reading(coins.clone(), known_at_once(at, open));
            batch.push_reading(usd.clone(), known_at_once(at, rounded(open * rounded(bitcoin.price.value(at)))));
        }
        Ok(())
    }
}

impl Section {
    fn path(&self, name: &str, scale: Scale) -> Result<Path, ScenarioError> {
        Path::new(name, self.anchors.iter().map(Anchor::point), scale, self.wave)
    }
}

/// A rate and its interval at each settlement, known at once.
fn push_funding(batch: &mut Batch, path: &Path) {
    let (rate, interval) = (key(batch, Metric::FundingRate), key(batch, Metric::FundingInterval));
    for at in steps(path.start(), CUTOFF, FUNDING_MS) {
        batch.push_reading(rate.clone(), known_at_once(at, rounded(path.value(at))));
        batch.push_reading(interval.clone(), known_at_once(at, FUNDING_HOURS));
    }
}

/// Hourly rows labelled by the start of the hour, with the value at its end.
fn push_implied_vol(batch: &mut Batch, path: &Path) {
    let key = SeriesKey { period: Period::HOUR, ..key(batch, Metric::ImpliedVol) };
    for end in steps(path.start().plus_ms(Period::HOUR.ms()), CUTOFF, Period::HOUR.ms()) {
        let start = end.plus_ms(-Period::HOUR.ms());
        let row = Observation { observed_at: start, knowledge: Knowledge::Published(end), value: rounded(path.value(end)) };
        batch.push_reading(key.clone(), row);
    }
}

/// The series of a metric of bitcoin, read at an instant.
fn key(batch: &Batch, metric: Metric) -> SeriesKey {
    SeriesKey::new(metric, Asset::btc(), batch.source.clone(), Period::INSTANT)
}
