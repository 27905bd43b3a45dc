//! Hyperliquid perpetuals: candles, open interest and funding. The venue publishes no liquidations of the
//! whole market.

mod candles;
mod config;
mod rest;

pub use candles::{candle_feed, parse_candles};
pub use config::HyperliquidConfig;
pub use rest::{funding_feed, open_interest_feed, parse_contexts, parse_funding};

use std::time::Duration;

use super::multiple::{Multiple, base_of};
use super::runner::{Entry, Feed};
use crate::domain::Asset;

/// The feeds of Hyperliquid as configured.
#[must_use]
pub fn entries(config: &HyperliquidConfig) -> Vec<Entry> {
    let feeds = [candle_feed(config), open_interest_feed(config), funding_feed(config)];
    super::settings::entries(feeds.map(Feed::Polled), super::settings::switched_off(config.enabled, "hyperliquid"))
}

/// Coins that are listed by the thousand.
const MULTIPLES: [Multiple; 7] = [
    ("bonk", "kBONK"),
    ("dogs", "kDOGS"),
    ("floki", "kFLOKI"),
    ("lunc", "kLUNC"),
    ("neiro", "kNEIRO"),
    ("pepe", "kPEPE"),
    ("shib", "kSHIB"),
];

/// The venue counts at most so much weight in a minute from one address. A fifth is left to others behind that address.
const WEIGHT_PER_MINUTE: u64 = 1_200;
/// What a question weighs; rows weigh more.
const QUESTION_WEIGHT: u64 = 20;

/// The pause after a question whose answer has `rows` rows; `rows_per_weight` rows add a weight of one.
fn pause(rows: i64, rows_per_weight: u64) -> Duration {
    let weight = QUESTION_WEIGHT + u64::try_from(rows).unwrap_or_default().div_ceil(rows_per_weight);
    Duration::from_millis(weight * 60_000 / (WEIGHT_PER_MINUTE * 4 / 5))
}

/// The venue's name for a coin.
fn coin(asset: &Asset) -> String {
    base_of(asset, &MULTIPLES)
}

/// How many coins a unit of its contract is.
fn coins_per_unit(asset: &Asset) -> f64 {
    super::multiple::coins_per_unit(asset, &MULTIPLES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::PollContext;

    #[test]
    fn the_first_start_stays_inside_the_limit() {
        let entries = entries(&HyperliquidConfig::default());
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:00:00Z".parse().unwrap() };
        let feeds = entries.iter().filter_map(|entry| if let Feed::Polled(feed) = &entry.feed { Some(feed) } else { None });
        let all: Vec<_> = feeds.flat_map(|feed| (feed.questions)(&visit).unwrap()).collect();
        let minutes = all.iter().map(|question| question.request.pause).sum::<Duration>().as_secs_f64() / 60.0;
        // Of each of six coins a page of days (990 candles), one of hours (960), 720 settlements; and one question for all.
        let weight: u32 = 6 * (20 + 17) + 6 * (20 + 16) + 6 * (2 * 20 + 36) + 20;
        assert!(f64::from(weight) / minutes <= 1_000.0, "{weight} in {minutes} minutes");
    }

    #[test]
    fn the_name_of_a_coin_reads_back_as_that_coin() {
        crate::ingest::multiple::assert_names_read_back(&MULTIPLES);
        assert_eq!(["btc", "pepe"].map(|name| coin(&name.parse().unwrap())), ["BTC", "kPEPE"]);
    }
}
