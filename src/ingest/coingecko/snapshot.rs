use std::time::Duration;

use super::config::CoinGeckoConfig;
use super::parse::{parse_global, parse_markets, source};
use crate::domain::{Cadence, SourceInfo, SourceKind};
use crate::ingest::{FetchError, PollRequest, PolledFeed, Profile, Request, Schedule};

/// Value and volume of the whole market, and of the largest coins.
#[must_use]
pub fn snapshot_feed(config: &CoinGeckoConfig) -> PolledFeed {
    let minutes = config.every_minutes.max(1);
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "coingecko-market", info: info(), cadence: Cadence::every(i64::from(minutes) * 60_000) },
        schedule: Schedule::every(Duration::from_mins(u64::from(minutes))).after(Duration::from_secs(20)),
        cursor_series: Vec::new(),
        questions: Box::new(move |_| questions(&config)),
        history: None,
    }
}

fn questions(config: &CoinGeckoConfig) -> Result<Vec<PollRequest>, FetchError> {
    let largest = [
        ("vs_currency", "usd".to_owned()),
        ("order", "market_cap_desc".to_owned()),
        ("per_page", config.coins.clamp(1, 250).to_string()),
        ("page", "1".to_owned()),
    ];
    Ok(vec![
        PollRequest::new(request(config, "global", &[])?.unless_unchanged(), parse_global),
        PollRequest::new(request(config, "coins/markets", &largest)?.unless_unchanged(), parse_markets),
    ])
}

pub(super) fn request(config: &CoinGeckoConfig, path: &str, query: &[(&str, String)]) -> Result<Request, FetchError> {
    let request = Request::get(&config.url, path, query)?;
    Ok(match config.api_key.expose() {
        Some(key) => request.with_key(config.key_header(), key),
        None => request,
    })
}

pub(super) fn info() -> SourceInfo {
    SourceInfo {
        source: source(),
        kind: SourceKind::Aggregator,
        note: "the whole market is what CoinGecko lists; without a Pro key its history is what was sampled since the first start"
            .to_owned(),
    }
}
