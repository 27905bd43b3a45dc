use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::{Asset, Bar, Metric, Period, SeriesKey, Source, SourceInfo, Timestamp, Version, Vintage};
use crate::market::bars::Bars;
use crate::market::column::ColumnView;
use crate::market::snapshot::Market;
use crate::market::summary::LiquidationBucket;

/// The market as it was known at one instant. Making one costs nothing; each column is cut when it
/// is read.
#[derive(Debug, Clone)]
pub struct MarketView {
    market: Arc<Market>,
    as_of: Timestamp,
}

impl MarketView {
    pub(super) const fn new(market: Arc<Market>, as_of: Timestamp) -> Self {
        Self { market, as_of }
    }

    /// The cutoff: only rows known by this instant are seen.
    #[must_use]
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The last commit recorded by the cutoff; 0 when there was none.
    #[must_use]
    pub fn version(&self) -> Version {
        self.market.version_at(self.as_of)
    }

    /// The last commit in the whole picture, whether or not it was recorded by the cutoff.
    #[must_use]
    pub fn picture(&self) -> Version {
        self.market.version()
    }

    /// The same picture as it was known at another instant.
    #[must_use]
    pub fn at(&self, as_of: Timestamp) -> Self {
        Self { market: Arc::clone(&self.market), as_of }
    }

    /// The start of the first day of knowledge that this picture shows in another way than the
    /// picture of commit `version` did; `None` where it shows every day as that did.
    #[must_use]
    pub fn changed_since(&self, version: Version) -> Option<Timestamp> {
        self.market.touched.since(version)
    }

    /// A series of readings or flows; `None` when nothing of it was known.
    #[must_use]
    pub fn reading(&self, key: &SeriesKey) -> Option<ColumnView<'_, f64>> {
        self.market.readings.get(key)?.at(self.as_of)
    }

    /// Every series of a metric for one asset with something known, by key.
    pub fn readings<'a>(&'a self, metric: Metric, asset: &Asset) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, f64>)> {
        self.market.readings.of_asset(metric, asset, self.as_of)
    }

    /// Every series of a metric with something known, by key.
    pub fn all_readings(&self, metric: Metric) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, f64>)> {
        self.market.readings.of_metric(metric, self.as_of)
    }

    /// A series of candles as it was written; `None` when nothing of it was known.
    #[must_use]
    pub fn candles(&self, key: &SeriesKey) -> Option<ColumnView<'_, Bar>> {
        self.market.candles.get(key)?.at(self.as_of)
    }

    /// Every series of candles of one asset with something known, by key.
    pub fn candle_series<'a>(&'a self, asset: &Asset) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, Bar>)> {
        self.market.candles.of_asset(Metric::Candle, asset, self.as_of)
    }

    /// Every series of candles with something known, by key.
    pub fn all_candles(&self) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, Bar>)> {
        self.market.candles.of_metric(Metric::Candle, self.as_of)
    }

    /// Every asset of which a candle is known, by name.
    pub fn candle_assets(&self) -> impl Iterator<Item = &Asset> {
        self.market.candles.assets(Metric::Candle, self.as_of)
    }

    /// Every column of single liquidation orders, summed by instant, with something known, by key;
    /// the part of the key is the side, and the asset `total` sums all assets of a source.
    pub fn tallies(&self) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, LiquidationBucket>)> {
        self.market.tallies.of_metric(Metric::Liquidation, self.as_of)
    }

    /// Those of one asset.
    pub fn tallies_of<'a>(&'a self, asset: &Asset) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, LiquidationBucket>)> {
        self.market.tallies.of_asset(Metric::Liquidation, asset, self.as_of)
    }

    /// One of these columns; `None` when nothing of it was known.
    #[must_use]
    pub fn tally(&self, key: &SeriesKey) -> Option<ColumnView<'_, LiquidationBucket>> {
        self.market.tallies.get(key)?.at(self.as_of)
    }

    /// The last bar known of one asset from one source, whatever its length, with its series: the
    /// one that ended last, and of those the shortest.
    #[must_use]
    pub fn last_bar<'a>(&'a self, asset: &Asset, source: &Source) -> Option<(&'a SeriesKey, Vintage<Bar>)> {
        let newest = self.candle_keys(asset, source).filter_map(|(key, column)| Some((key, column.last()?)));
        newest.max_by_key(|(key, bar)| (bar.observed_at.plus_ms(key.period.ms()), -key.period.ms()))
    }

    /// Bars of one length of one asset from one source: as the source wrote them, or else made of
    /// finer ones, with the bar that is still running at the cutoff. `None` when there are none.
    #[must_use]
    pub fn bars<'a>(&'a self, asset: &Asset, source: &Source, interval: Period) -> Option<Bars<'a>> {
        let (mut own, mut finest) = (None, None);
        // The series of a source come in the order of their periods.
        for (key, column) in self.candle_keys(asset, source) {
            if key.period == interval {
                own = Some((key, column));
            } else if finest.is_none() && key.period < interval && interval.ms() % key.period.ms() == 0 {
                finest = Some((key, column));
            }
        }
        if let Some((key, column)) = own {
            return Some(Bars::of_column(key, column, interval, finest));
        }
        let (key, finer) = finest?;
        match self.market.daily.get(key).filter(|_| interval == Period::DAY) {
            Some(days) => Some(Bars::of_column(key, days.cut(self.as_of), interval, finest)),
            // Of another length, or no day is over yet.
            None => Some(Bars::folded(key, finer, interval)),
        }
    }

    /// What is to be known about a source.
    #[must_use]
    pub fn source_info(&self, source: &Source) -> Option<&SourceInfo> {
        self.market.sources.get(source)
    }

    /// Every source that was introduced, by name.
    pub fn sources(&self) -> impl Iterator<Item = &SourceInfo> {
        self.market.sources.values()
    }

    /// Every series with something known, in no promised order.
    pub fn keys(&self) -> impl Iterator<Item = &SeriesKey> {
        let market = &self.market;
        let readings = market.readings.known_keys(self.as_of);
        readings.chain(market.candles.known_keys(self.as_of)).chain(market.tallies.known_keys(self.as_of))
    }

    /// Every asset with something known.
    #[must_use]
    pub fn assets(&self) -> BTreeSet<Asset> {
        self.keys().map(|key| key.asset.clone()).collect()
    }

    /// Every asset of which anything is known at any time, so that a question asked of an early
    /// instant about a known asset is told apart from one about an asset that does not exist.
    #[must_use]
    pub fn ever_known_assets(&self) -> BTreeSet<Asset> {
        self.market.at(Timestamp::MAX).assets()
    }

    /// Whether anything of the series is known at any time.
    #[must_use]
    pub fn is_ever_known(&self, key: &SeriesKey) -> bool {
        let market = &self.market;
        market.readings.get(key).is_some() || market.candles.get(key).is_some() || market.tallies.get(key).is_some()
    }

    fn candle_keys<'a>(&'a self, asset: &Asset, source: &Source) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, Bar>)> {
        self.candle_series(asset).filter(move |(key, _)| key.source == *source)
    }
}
