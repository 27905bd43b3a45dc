//! CoinGlass (with a key): liquidations (in buckets, and of all coins and venues over the trailing day) and open interest over many venues, flows of
//! exchange-traded funds, funding weighted by open interest.
//!
//! A failure is an answer with status 200 and a code that is not "0". Funding is in percent.

mod config;
mod parse;

pub use config::CoinGlassConfig;
pub use parse::{
    parse_daily_liquidations, parse_etf_flows, parse_funding, parse_liquidations, parse_open_interest,
    parse_trailing_liquidations,
};

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

/// How many days of buckets are read back: about what the smallest plan may ask for. It may ask for all days.
const HISTORY_DAYS: u32 = 170;
const DAY_HISTORY_DAYS: u32 = 2_500;
/// The smallest plan allows 30 questions a minute, those of the visits included.
const SPACING: Duration = Duration::from_secs(3);

/// What is asked about a coin in buckets.
#[derive(Debug, Clone, Copy)]
struct Bucketed {
    path: &'static str,
    period: Period,
    history_days: u32,
    /// Reads the answer.
    parse: Parse,
}

type Parse = fn(&[u8], &Asset, &PollContext) -> Result<Parsed, ParseError>;

const BUCKETED: [Bucketed; 4] = [
    Bucketed::four_hourly("api/futures/liquidation/aggregated-history", parse_liquidations),
    Bucketed::four_hourly("api/futures/open-interest/aggregated-history", parse_open_interest),
    Bucketed::four_hourly("api/futures/funding-rate/oi-weight-history", parse_funding),
    Bucketed {
        path: "api/futures/liquidation/aggregated-history",
        period: Period::DAY,
        history_days: DAY_HISTORY_DAYS,
        parse: parse_daily_liquidations,
    },
];

impl Bucketed {
    const fn four_hourly(path: &'static str, parse: Parse) -> Self {
        Self { path, period: BUCKET, history_days: HISTORY_DAYS, parse }
    }

    fn question(
        self,
        config: &CoinGlassConfig,
        asset: &Asset,
        span: (Timestamp, Timestamp),
        visit: PollContext,
    ) -> Result<PollRequest, FetchError> {
        let query = [
            ("symbol", asset.as_str().to_ascii_uppercase()),
            ("exchange_list", config.exchanges.clone()),
            ("interval", self.period.to_string()),
            ("limit", BUCKETS.to_string()),
            ("start_time", span.0.unix_ms().to_string()),
            ("end_time", span.1.unix_ms().to_string()),
        ];
        let request = request(config, self.path, &query)?;
        let asset = asset.clone();
        Ok(PollRequest::new(request, move |body| (self.parse)(body, &asset, &visit)))
    }
}

/// The feeds of CoinGlass as configured; they run only with a key.
#[must_use]
pub fn entries(config: &CoinGlassConfig) -> Vec<Entry> {
    let off = super::settings::off_without_key(config.enabled, &config.api_key, "coinglass");
    let feeds = [bucket_feed(config), trailing_feed(config), etf_feed(config)];
    super::settings::entries(feeds.map(Feed::Polled), off)
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

/// Liquidations over the trailing 24 hours at every venue: of all coins, and of each that is collected.
fn trailing_feed(config: &CoinGlassConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "coinglass-liquidations-24h", info: info(), cadence: Cadence::every(5 * 60_000) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(15)),
        cursor_series: Vec::new(),
        questions: Box::new(move |visit| {
            let now = visit.now;
            // No symbol means all coins.
            let all = std::iter::once(Asset::total()).chain(config.assets.iter().cloned());
            let question = |asset: Asset| {
                let mut query = vec![("range", "24h".to_owned())];
                if asset != Asset::total() {
                    query.push(("symbol", asset.as_str().to_ascii_uppercase()));
                }
                let request = request(&config, "api/futures/liquidation/exchange-list", &query)?;
                Ok(PollRequest::new(request, move |body| parse_trailing_liquidations(body, &asset, now)))
            };
            all.map(question).collect()
        }),
        history: None,
    }
}

/// Net flows of the exchange-traded funds on four coins.
fn etf_feed(config: &CoinGlassConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "coinglass-etf-flows", info: info(), cadence: trading_day_cadence() },
        schedule: Schedule::every(Duration::from_hours(2)).after(Duration::from_mins(4)),
        cursor_series: Vec::new(),
        questions: Box::new(move |visit| {
            let visit = *visit;
            let coins = [("bitcoin", "btc"), ("ethereum", "eth"), ("solana", "sol"), ("xrp", "xrp")];
            let question = |(name, symbol): (&str, &'static str)| {
                let request = request(&config, &format!("api/etf/{name}/flow-history"), &[])?.unless_unchanged();
                let asset = super::settings::asset(symbol);
                Ok(PollRequest::new(request, move |body| parse_etf_flows(body, &asset, &visit)))
            };
            coins.into_iter().map(question).collect()
        }),
        history: Some(History::SingleRequest),
    }
}

fn bucket_questions(config: &CoinGlassConfig, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let all = config.assets.iter().flat_map(|asset| BUCKETED.map(|figure| (figure, asset)));
    let question = |(figure, asset): (Bucketed, &Asset)| {
        let bucket_ms = figure.period.ms();
        let from = visit.from(2 * bucket_ms, BUCKETS * bucket_ms).floor(bucket_ms);
        figure.question(config, asset, (from, visit.now), visit)
    };
    all.map(question).collect()
}

/// The same in pages; how far back an answer may lie depends on the plan.
fn bucket_past(config: &CoinGlassConfig) -> History {
    let strand = |(figure, asset): (Bucketed, &Asset)| {
        let (asked, coin, bucket_ms) = (config.clone(), asset.clone(), figure.period.ms());
        // The name of a strand is what the store notes its pages under.
        let grain = if figure.period == BUCKET { String::new() } else { format!(" {}", figure.period) };
        let name = format!("{} {asset}{grain}", figure.path);
        HistorySeries::new(name, figure.history_days, BUCKETS * bucket_ms, move |span, visit| {
            figure.question(&asked, &coin, (span.from(), span.to().plus_ms(-1)), *visit)
        })
        .settled_after(2 * bucket_ms)
    };
    let all = config.assets.iter().flat_map(|asset| BUCKETED.map(|figure| (figure, asset)));
    History::Paged(Pages { strands: all.map(strand).collect(), spacing: SPACING })
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
    super::settings::source("coinglass")
}
