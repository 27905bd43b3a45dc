//! The providers: what each is called, which sources it records under, and its feeds.
//!
//! The one list of them. The configuration, the feeds that run and the default order of sources follow from it.

use super::config::IngestConfig;
use super::runner::Entry;
use super::settings::source;
use crate::domain::Source;

/// Someone who publishes data, with the feeds that collect it.
#[derive(Debug, Clone, Copy)]
pub struct Provider {
    /// Its table in the configuration: `[ingest.<name>]`.
    pub name: &'static str,
    /// Every source its data is recorded under, with its rank: the smaller one answers first. No two ranks are equal.
    pub sources: &'static [(&'static str, u16)],
    /// Its feeds as configured.
    pub entries: fn(&IngestConfig) -> Vec<Entry>,
}

/// Every provider, by name.
///
/// Ranks: contracts in dollars, which have candles of many coins, come before those in coins; candles come before prices
/// that are sampled, and publishers of closes come last. Published files of `binance-spot` are imported; no feed records them.
pub const PROVIDERS: [Provider; 14] = [
    Provider {
        name: "alternative_me",
        sources: &[("alternative_me", 170)],
        entries: |config| super::alternative_me::entries(&config.alternative_me),
    },
    Provider {
        name: "binance",
        sources: &[
            ("binance-perp", 10),
            ("binance-spot", 20),
            ("binance", 30),
            ("binance-coin-perp", 100),
            ("binance-coin", 110),
        ],
        entries: |config| super::binance::entries(&config.binance),
    },
    Provider { name: "bybit", sources: &[("bybit", 50)], entries: |config| super::bybit::entries(&config.bybit) },
    Provider {
        name: "coingecko",
        sources: &[("coingecko", 130)],
        entries: |config| super::coingecko::entries(&config.coingecko),
    },
    Provider { name: "coinglass", sources: &[("coinglass", 40)], entries: |config| super::coinglass::entries(&config.coinglass) },
    Provider {
        name: "defillama",
        sources: &[("defillama", 160)],
        entries: |config| super::defillama::entries(&config.defillama),
    },
    Provider { name: "deribit", sources: &[("deribit", 70)], entries: |config| super::deribit::entries(&config.deribit) },
    Provider { name: "farside", sources: &[("farside", 140)], entries: |config| super::farside::entries(&config.farside) },
    Provider { name: "fred", sources: &[("fred", 190)], entries: |config| super::fred::entries(&config.fred) },
    Provider {
        name: "hyperliquid",
        sources: &[("hyperliquid", 80)],
        entries: |config| super::hyperliquid::entries(&config.hyperliquid),
    },
    Provider { name: "kraken", sources: &[("kraken-futures", 90)], entries: |config| super::kraken::entries(&config.kraken) },
    Provider { name: "okx", sources: &[("okx", 60), ("okx-coin", 120)], entries: |config| super::okx::entries(&config.okx) },
    Provider {
        name: "sosovalue",
        sources: &[("sosovalue", 150)],
        entries: |config| super::sosovalue::entries(&config.sosovalue),
    },
    Provider { name: "yahoo", sources: &[("yahoo", 180)], entries: |config| super::yahoo::entries(&config.yahoo) },
];

/// The sources of all providers from the first to be asked to the last.
#[must_use]
pub fn source_order() -> Vec<Source> {
    let mut ranked: Vec<_> = PROVIDERS.iter().flat_map(|provider| provider.sources).collect();
    ranked.sort_by_key(|(_, rank)| *rank);
    ranked.into_iter().map(|(name, _)| source(name)).collect()
}

impl IngestConfig {
    /// Every feed there is, and why those that do not run do not.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        let mut entries: Vec<_> = PROVIDERS.iter().flat_map(|provider| (provider.entries)(self)).collect();
        if !self.enabled {
            for entry in &mut entries {
                entry.off = Some("switched off by ingest.enabled".to_owned());
            }
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn every_feed_has_a_name_of_its_own_and_a_note() {
        let entries = IngestConfig::default().entries();
        let names: BTreeSet<_> = entries.iter().map(|entry| entry.feed.profile().name).collect();
        assert_eq!(names.len(), entries.len());
        for entry in &entries {
            let profile = entry.feed.profile();
            assert!(!profile.info.note.is_empty(), "{} says nothing of what it leaves out", profile.name);
        }
    }

    #[test]
    fn every_feed_records_under_a_source_of_its_provider() {
        for provider in PROVIDERS {
            let named: BTreeSet<_> = provider.sources.iter().map(|(name, _)| source(name)).collect();
            for entry in (provider.entries)(&IngestConfig::default()) {
                let profile = entry.feed.profile();
                assert!(named.contains(&profile.info.source), "{} of {} has no rank", profile.info.source, profile.name);
            }
        }
    }

    #[test]
    fn every_source_has_one_rank_of_its_own() {
        let all: Vec<_> = PROVIDERS.iter().flat_map(|provider| provider.sources).collect();
        let names: BTreeSet<_> = all.iter().map(|(name, _)| name).collect();
        let ranks: BTreeSet<_> = all.iter().map(|(_, rank)| rank).collect();
        assert_eq!((names.len(), ranks.len()), (all.len(), all.len()));
    }

    #[test]
    fn the_providers_are_the_tables_of_the_configuration() {
        let config = serde_json::to_value(IngestConfig::default()).unwrap();
        let settings: BTreeMap<String, serde_json::Value> = serde_json::from_value(config).unwrap();
        let tables: Vec<_> = settings.iter().filter(|(_, value)| value.is_object()).map(|(name, _)| name.as_str()).collect();
        assert_eq!(PROVIDERS.map(|provider| provider.name).to_vec(), tables);
    }

    #[test]
    fn a_switch_turns_every_feed_off() {
        let config = IngestConfig { enabled: false, ..IngestConfig::default() };
        assert!(config.entries().iter().all(|entry| entry.off.is_some()));
    }
}
