//! A market made by hand, for the tests of the questions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::{
    Bar, Delta, KnownAtRule, LiquidationOrder, RecordedOrder, SeriesKey, Side, SourceInfo, SourceKind, Timestamp, Vintage,
};
use crate::market::{Market, MarketView};
use crate::metrics::SourceOrder;

/// Collects rows and cuts the market they make.
#[derive(Debug)]
pub(super) struct Fixture {
    delta: Delta,
    sources: Vec<SourceInfo>,
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn order() -> SourceOrder {
    SourceOrder::new(Vec::new())
}

impl Fixture {
    pub(super) fn new() -> Self {
        let delta = Delta {
            version: 1,
            recorded_at: at("2020-01-01"),
            source: "test".parse().unwrap(),
            readings: BTreeMap::new(),
            candles: BTreeMap::new(),
            orders: Vec::new(),
        };
        Self { delta, sources: Vec::new() }
    }

    /// Readings known by the publication rule of their series.
    pub(super) fn readings(mut self, key: &str, rows: &[(&str, f64)]) -> Self {
        let key: SeriesKey = key.parse().unwrap();
        let lag = key.publication_lag_ms();
        let vintages = rows.iter().map(|(o, value)| Vintage { observed_at: at(o), known_at: at(o).plus_ms(lag), value: *value });
        self.delta.readings.insert(key, vintages.collect());
        self
    }

    /// Readings with their real vintages.
    pub(super) fn vintages(mut self, key: &str, rows: &[(&str, &str, f64)]) -> Self {
        let vintages = rows.iter().map(|(o, k, value)| Vintage { observed_at: at(o), known_at: at(k), value: *value });
        self.delta.readings.insert(key.parse().unwrap(), vintages.collect());
        self
    }

    /// Bars of (start, high, low, close), opened at the close before and known at their end.
    pub(super) fn bars(mut self, key: &str, rows: &[(&str, f64, f64, f64)]) -> Self {
        let key: SeriesKey = key.parse().unwrap();
        let mut open = rows[0].3;
        let mut vintages = Vec::new();
        for (start, high, low, close) in rows {
            let value = Bar::new(open.clamp(*low, *high), *high, *low, *close, None).unwrap();
            vintages.push(Vintage { observed_at: at(start), known_at: at(start).plus_ms(key.period.ms()), value });
            open = *close;
        }
        self.delta.candles.insert(key, vintages);
        self
    }

    /// Bars of (start, close, volume), each from the close before to its own.
    pub(super) fn bars_with_volume(mut self, key: &str, rows: &[(String, f64, Option<f64>)]) -> Self {
        let key: SeriesKey = key.parse().unwrap();
        let opens = rows.iter().take(1).chain(rows).map(|(_, close, _)| *close);
        let vintages = rows.iter().zip(opens).map(|((start, close, volume), open)| Vintage {
            observed_at: at(start),
            known_at: at(start).plus_ms(key.period.ms()),
            value: Bar::new(open, open.max(*close), open.min(*close), *close, *volume).unwrap(),
        });
        let vintages = vintages.collect();
        self.delta.candles.insert(key, vintages);
        self
    }

    /// One order of a long position, known when it was filled.
    pub(super) fn order(self, source: &str, asset: &str, occurred_at: &str, usd: f64) -> Self {
        self.late_order(source, asset, at(occurred_at), at(occurred_at), usd)
    }

    /// One order of a long position, known at an instant.
    pub(super) fn late_order(mut self, source: &str, asset: &str, occurred_at: Timestamp, known_at: Timestamp, usd: f64) -> Self {
        let order = LiquidationOrder {
            source: source.parse().unwrap(),
            symbol: format!("{asset}usdt").to_uppercase(),
            asset: asset.parse().unwrap(),
            side: Side::Long,
            occurred_at,
            knowledge: KnownAtRule::Vintage(known_at),
            price_usd: 10.0,
            quantity: usd / 10.0,
            usd,
        };
        self.delta.orders.push(RecordedOrder { order, known_at, ordinal: 0 });
        self
    }

    pub(super) fn source(mut self, source: &str, kind: SourceKind, note: &str) -> Self {
        self.sources.push(SourceInfo { source: source.parse().unwrap(), kind, note: note.to_owned() });
        self
    }

    pub(super) fn cut(self, as_of: &str) -> MarketView {
        Arc::new(Market::default().next(&self.delta).with_sources(self.sources)).at(at(as_of))
    }
}
