use serde::Deserialize;

use super::file::{Anchor, POSITIONS, read};
use super::path::{Path, Scale, rounded};
use super::prices::{Bitcoin, known_at_once, steps};
use super::{CUTOFF, ScenarioError};
use crate::domain::{Asset, Batch, KnownAtRule, Metric, Observation, Period, SeriesKey, Source, Timestamp};

/// Milliseconds between two readings of open interest before it is hourly.
const EARLY_STEP_MS: i64 = 8 * Period::HOUR.ms();
/// Settlement interval of the funding path, hours.
const PATH_HOURS: f64 = 8.0;

#[derive(Deserialize)]
struct File {
    venues: Vec<Venue>,
    open_interest: OpenInterest,
    funding: Section,
    implied_vol: Section,
}

/// Source, first day, hours between settlements, share of the open interest, and funding relative to the path's.
#[derive(Deserialize)]
struct Venue(Source, Timestamp, i64, f64, f64);

#[derive(Deserialize)]
struct OpenInterest {
    hourly_from: Timestamp,
    swing: f64,
    anchors: Vec<Anchor>,
}

#[derive(Deserialize)]
struct Section {
    swing: f64,
    anchors: Vec<Anchor>,
}

/// Returns open interest and funding of bitcoin at each venue, and its implied volatility.
pub(super) fn batch(source: &Source, bitcoin: &Bitcoin) -> Result<Batch, ScenarioError> {
    let file: File = read("positions.toml", POSITIONS)?;
    let funding = file.funding.path("funding", Scale::Linear)?;
    let mut batch = Batch::new(source.clone());
    for venue in &file.venues {
        file.open_interest.push(&mut batch, venue, bitcoin)?;
        venue.push_funding(&mut batch, &funding);
    }
    push_implied_vol(&mut batch, &file.implied_vol.path("implied_vol", Scale::Log)?);
    Ok(batch)
}

/// Returns the path of the implied-volatility index.
pub(super) fn implied_vol() -> Result<Path, ScenarioError> {
    read::<File>("positions.toml", POSITIONS)?.implied_vol.path("implied_vol", Scale::Log)
}

/// Returns the sources of the venues.
pub(super) fn venues() -> Result<Vec<Source>, ScenarioError> {
    Ok(read::<File>("positions.toml", POSITIONS)?.venues.into_iter().map(|venue| venue.0).collect())
}

impl OpenInterest {
    /// Adds a venue's coins from the path, and USD as coins times the price.
    fn push(&self, batch: &mut Batch, venue: &Venue, bitcoin: &Bitcoin) -> Result<(), ScenarioError> {
        let path = Path::new("open_interest", self.anchors.iter().map(Anchor::point), Scale::Log, self.swing)?;
        let (coins, usd) = (venue.key(Metric::OpenInterestNative), venue.key(Metric::OpenInterest));
        let before = steps(venue.1, self.hourly_from.plus_ms(-1), EARLY_STEP_MS);
        for at in before.chain(steps(self.hourly_from, CUTOFF, Period::HOUR.ms())) {
            let open = rounded(venue.3 * path.value(at));
            batch.push_reading(coins.clone(), known_at_once(at, open));
            batch.push_reading(usd.clone(), known_at_once(at, rounded(open * rounded(bitcoin.price.value(at)))));
        }
        Ok(())
    }
}

impl Venue {
    fn key(&self, metric: Metric) -> SeriesKey {
        SeriesKey::new(metric, Asset::btc(), self.0.clone(), Period::INSTANT)
    }

    /// Adds a rate and its interval at each settlement, known at once.
    #[expect(clippy::cast_precision_loss, reason = "an interval has a few hours")]
    fn push_funding(&self, batch: &mut Batch, path: &Path) {
        let (rate, interval) = (self.key(Metric::FundingRate), self.key(Metric::FundingInterval));
        let hours = self.2 as f64;
        for at in steps(self.1, CUTOFF, self.2 * Period::HOUR.ms()) {
            batch.push_reading(rate.clone(), known_at_once(at, rounded(path.value(at) * self.4 * hours / PATH_HOURS)));
            batch.push_reading(interval.clone(), known_at_once(at, hours));
        }
    }
}

impl Section {
    fn path(&self, name: &str, scale: Scale) -> Result<Path, ScenarioError> {
        Path::new(name, self.anchors.iter().map(Anchor::point), scale, self.swing)
    }
}

/// Adds hourly rows labelled by the start of the hour, with the value at its end.
fn push_implied_vol(batch: &mut Batch, path: &Path) {
    let key = SeriesKey::new(Metric::ImpliedVol, Asset::btc(), batch.source.clone(), Period::HOUR);
    for end in steps(path.start().plus_ms(Period::HOUR.ms()), CUTOFF, Period::HOUR.ms()) {
        let start = end.plus_ms(-Period::HOUR.ms());
        let row = Observation { observed_at: start, knowledge: KnownAtRule::AtPublication(end), value: rounded(path.value(end)) };
        batch.push_reading(key.clone(), row);
    }
}
