//! CoinGlass (with a key): liquidations and open interest over many venues, flows of
//! exchange-traded funds, funding weighted by open interest.
//!
//! A failure is an answer with status 200 and a code that is not "0". Funding is in percent.

mod config;
mod parse;

pub use config::CoinGlassConfig;
pub use parse::{parse_etf_flows, parse_funding, parse_liquidations, parse_open_interest};

use std::time::Duration;

use reqwest::header::HeaderName;

use super::feed::trading_day_cadence;
use super::runner::{Entry, Feed};
use super::{
    FetchError, History, HistorySeries, Pages, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request,
    Schedule,
};
use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, Source, SourceInfo, SourceKind, Timestamp};

/// The finest grain that every plan may ask for.
const BUCKET: Period = Period::HOURS_4;
/// The most buckets of one answer.
const BUCKETS: i64 = 1_000;

/// How many days are read back: about what the smallest plan may ask for.
const HISTORY_DAYS: u32 = 170;
/// The smallest plan allows 30 questions a minute, those of the visits included.
const SPACING: Duration = Duration::from_secs(3);

/// A path that answers with buckets of one coin, and the function that reads them.
type Bucketed = (&'static str, fn(&[u8], &Asset, &PollContext) -> Result<Parsed, ParseError>);

const BUCKETED: [Bucketed; 3] = [
    ("api/futures/liquidation/aggregated-history", parse_liquidations),
    ("api/futures/open-interest/aggregated-history", parse_open_interest),
    ("api/futures/funding-rate/oi-weight-history", parse_funding),
];

/// The feeds of CoinGlass as configured; they run only with a key.
#[must_use]
pub fn entries(config: &CoinGlassConfig) -> Vec<Entry> {
    let off = super::config::off_without_key(config.enabled, &config.api_key, "coinglass");
    let feeds = [bucket_feed(config), etf_feed(config)];
    super::config::entries(feeds.map(Feed::Polled), off)
}

/// Four-hourly liquidations, open interest and funding of many venues together.
fn bucket_feed(config: &CoinGlassConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "coinglass-derivatives", info: info(), cadence: Cadence::every(BUCKET.ms()) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_mins(2)),
        cursor_series: config.assets.iter().map(|asset| bucket_key(Metric::OpenInterest, asset)).collect(),
        history: Some(bucket_past(&config)),
        questions: Box::new(move |visit| bucket_questions(&config, *visit)),
    }
}

/// Net flows of the exchange-traded funds on three coins.
fn etf_feed(config: &CoinGlassConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "coinglass-etf-flows", info: info(), cadence: trading_day_cadence() },
        schedule: Schedule::every(Duration::from_hours(2)).after(Duration::from_mins(4)),
        cursor_series: Vec::new(),
        questions: Box::new(move |visit| {
            let visit = *visit;
            let coins = [("bitcoin", "btc"), ("ethereum", "eth"), ("solana", "sol")];
            let question = |(name, symbol): (&str, &'static str)| {
                let request = request(&config, &format!("api/etf/{name}/flow-history"), &[])?.unless_unchanged();
                let asset = super::config::asset(symbol);
                Ok(PollRequest::new(request, move |body| parse_etf_flows(body, &asset, &visit)))
            };
            coins.into_iter().map(question).collect()
        }),
        history: Some(History::SingleRequest),
    }
}

fn bucket_questions(config: &CoinGlassConfig, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let from = visit.from(2 * BUCKET.ms(), BUCKETS * BUCKET.ms()).floor(BUCKET.ms());
    let all = config.assets.iter().flat_map(|asset| BUCKETED.map(|figure| (figure, asset)));
    all.map(|(figure, asset)| bucket_question(config, figure, asset, (from, visit.now), visit)).collect()
}

/// The same in pages; how far back an answer may lie depends on the plan.
fn bucket_past(config: &CoinGlassConfig) -> History {
    let page_ms = BUCKETS * BUCKET.ms();
    let strand = |(figure, asset): (Bucketed, &Asset)| {
        let (asked, coin) = (config.clone(), asset.clone());
        HistorySeries::new(format!("{} {asset}", figure.0), HISTORY_DAYS, page_ms, move |span, visit| {
            bucket_question(&asked, figure, &coin, (span.from(), span.to().plus_ms(-1)), *visit)
        })
        .settled_after(2 * BUCKET.ms())
    };
    let all = config.assets.iter().flat_map(|asset| BUCKETED.map(|figure| (figure, asset)));
    History::Paged(Pages { strands: all.map(strand).collect(), spacing: SPACING })
}

fn bucket_question(
    config: &CoinGlassConfig,
    (path, parse): Bucketed,
    asset: &Asset,
    span: (Timestamp, Timestamp),
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let request = request(config, path, &bucket_query(config, asset, span))?;
    let asset = asset.clone();
    Ok(PollRequest::new(request, move |body| parse(body, &asset, &visit)))
}

fn bucket_query(config: &CoinGlassConfig, asset: &Asset, span: (Timestamp, Timestamp)) -> [(&'static str, String); 6] {
    [
        ("symbol", asset.as_str().to_ascii_uppercase()),
        ("exchange_list", config.exchanges.clone()),
        ("interval", "4h".to_owned()),
        ("limit", BUCKETS.to_string()),
        ("start_time", span.0.unix_ms().to_string()),
        ("end_time", span.1.unix_ms().to_string()),
    ]
}

fn request(config: &CoinGlassConfig, path: &str, query: &[(&str, String)]) -> Result<Request, FetchError> {
    let request = Request::get(&config.url, path, query)?;
    let header = HeaderName::from_static("cg-api-key");
    Ok(request.with_key(header, config.api_key.expose().unwrap_or_default()))
}

fn bucket_key(metric: Metric, asset: &Asset) -> SeriesKey {
    SeriesKey::new(metric, asset.clone(), source(), BUCKET)
}

fn info() -> SourceInfo {
    SourceInfo {
        source: source(),
        kind: SourceKind::Aggregator,
        note: "adds up what venues publish, so its liquidations inherit their gaps and are a lower bound".to_owned(),
    }
}

fn source() -> Source {
    super::config::source("coinglass")
}
