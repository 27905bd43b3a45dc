use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::{Asset, Bar, Metric, Period, SeriesKey, Source, SourceInfo, Timestamp, Version, Vintage};
use crate::market::bars::Bars;
use crate::market::column::ColumnView;
use crate::market::snapshot::Market;
use crate::market::summary::LiquidationBucket;

/// The market as known at one time. Creating a view costs nothing; each column is cut when it is read.
#[derive(Debug, Clone)]
pub struct MarketView {
    market: Arc<Market>,
    as_of: Timestamp,
}

impl MarketView {
    pub(super) const fn new(market: Arc<Market>, as_of: Timestamp) -> Self {
        Self { market, as_of }
    }

    /// Returns the cutoff: only rows known by this time are visible.
    #[must_use]
    pub const fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Returns the last commit recorded by the cutoff; 0 if there was none.
    #[must_use]
    pub fn version(&self) -> Version {
        self.market.version_at(self.as_of)
    }

    /// Returns the last commit in the full snapshot, regardless of the cutoff.
    #[must_use]
    pub fn picture(&self) -> Version {
        self.market.version()
    }

    /// Returns the same snapshot as known at another time.
    #[must_use]
    pub fn at(&self, as_of: Timestamp) -> Self {
        Self { market: Arc::clone(&self.market), as_of }
    }

    /// Returns the start of the earliest `known_at` day on which this snapshot differs from that of
    /// `version`; `None` if they are equal.
    #[must_use]
    pub fn changed_since(&self, version: Version) -> Option<Timestamp> {
        self.market.touched.since(version)
    }

    /// Returns a series of readings or flows; `None` if nothing of it was known.
    #[must_use]
    pub fn reading(&self, key: &SeriesKey) -> Option<ColumnView<'_, f64>> {
        self.market.readings.get(key)?.at(self.as_of)
    }

    /// Returns every known series of a metric for one asset, ordered by key.
    pub fn readings<'a>(&'a self, metric: Metric, asset: &Asset) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, f64>)> {
        self.market.readings.of_asset(metric, asset, self.as_of)
    }

    /// Returns every known series of a metric, ordered by key.
    pub fn all_readings(&self, metric: Metric) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, f64>)> {
        self.market.readings.of_metric(metric, self.as_of)
    }

    /// Returns a series of candles as written; `None` if nothing of it was known.
    #[must_use]
    pub fn candles(&self, key: &SeriesKey) -> Option<ColumnView<'_, Bar>> {
        self.market.candles.get(key)?.at(self.as_of)
    }

    /// Returns every known series of candles of one asset, ordered by key.
    pub fn candle_series<'a>(&'a self, asset: &Asset) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, Bar>)> {
        self.market.candles.of_asset(Metric::Candle, asset, self.as_of)
    }

    /// Returns every known series of candles, ordered by key.
    pub fn all_candles(&self) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, Bar>)> {
        self.market.candles.of_metric(Metric::Candle, self.as_of)
    }

    /// Returns every asset with a known candle, ordered by name.
    pub fn candle_assets(&self) -> impl Iterator<Item = &Asset> {
        self.market.candles.assets(Metric::Candle, self.as_of)
    }

    /// Every column of single liquidation orders, summed by instant, with something known, by key;
    /// the part of the key is the side, and the asset `total` sums all assets of a source.
    pub fn tallies(&self) -> impl Iterator<Item = (&SeriesKey, ColumnView<'_, LiquidationBucket>)> {
        self.market.tallies.of_metric(Metric::Liquidation, self.as_of)
    }

    /// Returns the columns of [`Self::tallies`] of one asset.
    pub fn tallies_of<'a>(&'a self, asset: &Asset) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, LiquidationBucket>)> {
        self.market.tallies.of_asset(Metric::Liquidation, asset, self.as_of)
    }

    /// Returns one column of [`Self::tallies`]; `None` if nothing of it was known.
    #[must_use]
    pub fn tally(&self, key: &SeriesKey) -> Option<ColumnView<'_, LiquidationBucket>> {
        self.market.tallies.get(key)?.at(self.as_of)
    }

    /// Returns the last known bar of one asset from one source, of any length, with its series: the bar
    /// that ended last; if equal, the shortest.
    #[must_use]
    pub fn last_bar<'a>(&'a self, asset: &Asset, source: &Source) -> Option<(&'a SeriesKey, Vintage<Bar>)> {
        let newest = self.candle_keys(asset, source).filter_map(|(key, column)| Some((key, column.last()?)));
        newest.max_by_key(|(key, bar)| (bar.observed_at.plus_ms(key.period.ms()), -key.period.ms()))
    }

    /// Returns the bars of one length of one asset from one source: as written by the source, else built
    /// from finer ones, with the bar that is still running at the cutoff. `None` if there are none.
    #[must_use]
    pub fn bars<'a>(&'a self, asset: &Asset, source: &Source, interval: Period) -> Option<Bars<'a>> {
        let (mut own, mut finest) = (None, None);
        // The series of a source are ordered by period.
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
            // Another length, or no day has ended yet.
            None => Some(Bars::folded(key, finer, interval)),
        }
    }

    /// Returns the description of a source.
    #[must_use]
    pub fn source_info(&self, source: &Source) -> Option<&SourceInfo> {
        self.market.sources.get(source)
    }

    /// Returns every described source, ordered by name.
    pub fn sources(&self) -> impl Iterator<Item = &SourceInfo> {
        self.market.sources.values()
    }

    /// Returns every known series, in no particular order.
    pub fn keys(&self) -> impl Iterator<Item = &SeriesKey> {
        let market = &self.market;
        let readings = market.readings.known_keys(self.as_of);
        readings.chain(market.candles.known_keys(self.as_of)).chain(market.tallies.known_keys(self.as_of))
    }

    /// Returns every asset with a known series.
    #[must_use]
    pub fn assets(&self) -> BTreeSet<Asset> {
        self.keys().map(|key| key.asset.clone()).collect()
    }

    /// Returns every asset known at any time. It distinguishes a query about a known asset at an early
    /// `as_of` from one about an asset that does not exist.
    #[must_use]
    pub fn ever_known_assets(&self) -> BTreeSet<Asset> {
        self.market.at(Timestamp::MAX).assets()
    }

    /// Returns true if anything of the series is known at any time.
    #[must_use]
    pub fn is_ever_known(&self, key: &SeriesKey) -> bool {
        let market = &self.market;
        market.readings.get(key).is_some() || market.candles.get(key).is_some() || market.tallies.get(key).is_some()
    }

    fn candle_keys<'a>(&'a self, asset: &Asset, source: &Source) -> impl Iterator<Item = (&'a SeriesKey, ColumnView<'a, Bar>)> {
        self.candle_series(asset).filter(move |(key, _)| key.source == *source)
    }
}
