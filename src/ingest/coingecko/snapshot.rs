use std::time::Duration;

use super::config::CoinGeckoConfig;
use super::parse::{parse_global, parse_markets, source};
use crate::domain::{Cadence, SourceInfo, SourceKind};
use crate::ingest::{FetchError, PolledFeed, Profile, Question, Reader, Request, Schedule, Visit};

/// Value and volume of the whole market, and of the largest coins.
#[derive(Debug)]
pub struct SnapshotFeed {
    profile: Profile,
    config: CoinGeckoConfig,
}

impl SnapshotFeed {
    /// The feed as configured.
    #[must_use]
    pub fn new(config: &CoinGeckoConfig) -> Self {
        let info = SourceInfo {
            source: source(),
            kind: SourceKind::Aggregator,
            note: "the whole market is what CoinGecko lists; its history is what was sampled since the first start".to_owned(),
        };
        let cadence = Cadence::every(i64::from(config.every_minutes.max(1)) * 60_000);
        Self { profile: Profile { name: "coingecko-market", info, cadence }, config: config.clone() }
    }

    fn question(&self, path: &str, query: &[(&str, String)], read: Reader) -> Result<Question, FetchError> {
        let mut request = Request::get(&self.config.url, path, query)?;
        if let Some(key) = self.config.api_key.expose() {
            request = request.with_key(self.config.key_header(), key);
        }
        Ok(Question { request, read })
    }
}

impl PolledFeed for SnapshotFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn schedule(&self) -> Schedule {
        Schedule::every(Duration::from_secs(60 * u64::from(self.config.every_minutes.max(1)))).after(Duration::from_secs(20))
    }

    fn questions(&self, _visit: &Visit) -> Vec<Question> {
        let largest = [
            ("vs_currency", "usd".to_owned()),
            ("order", "market_cap_desc".to_owned()),
            ("per_page", self.config.coins.clamp(1, 250).to_string()),
            ("page", "1".to_owned()),
        ];
        let questions = [
            self.question("global", &[], Box::new(parse_global)),
            self.question("coins/markets", &largest, Box::new(parse_markets)),
        ];
        questions.into_iter().flatten().collect()
    }
}
