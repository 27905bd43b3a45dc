use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::config::CoinGeckoConfig;
use super::parse::{answer, malformed, source};
use super::snapshot::{info, request};
use crate::domain::{Asset, Cadence, Metric, Period, SeriesKey, Timestamp};
use crate::ingest::settings::asset;
use crate::ingest::wire::{Decimal, Millis, field, row};
use crate::ingest::{FetchError, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Schedule};

/// The coins whose past is read: the publisher's id and our asset. The first are read without a key too, with the
/// largest that stands for a dollar among them.
const COINS: [(&str, &str); 8] = [
    ("bitcoin", "btc"),
    ("ethereum", "eth"),
    ("tether", "usdt"),
    ("solana", "sol"),
    ("ripple", "xrp"),
    ("binancecoin", "bnb"),
    ("usd-coin", "usdc"),
    ("dogecoin", "doge"),
];
/// How many of them without a key: a handful of questions a minute are answered then.
const KEYLESS_COINS: usize = 4;
/// A closed day is ready this long after its end.
const READY_AFTER_MS: i64 = 35 * 60_000;
/// Points of a day are stamped a moment late.
const STAMP_SLACK_MS: i64 = 60_000;
/// The spans the past of the whole market can be asked for, days.
const GLOBAL_SPANS: [i64; 6] = [7, 14, 30, 90, 180, 365];

/// An answer of `/coins/{id}/market_chart`: lists of pairs of milliseconds and USD.
#[derive(Deserialize)]
struct CoinChart {
    #[serde(default)]
    prices: Vec<Value>,
    #[serde(default)]
    market_caps: Vec<Value>,
    #[serde(default)]
    total_volumes: Vec<Value>,
}

/// An answer of `/global/market_cap_chart`.
#[derive(Deserialize)]
struct GlobalChart {
    market_cap_chart: GlobalLists,
}

/// Lists of pairs of milliseconds and USD.
#[derive(Deserialize)]
struct GlobalLists {
    #[serde(default)]
    market_cap: Vec<Value>,
    #[serde(default)]
    volume: Vec<Value>,
}

/// Price, value and volume of the largest coins day by day, and with a Pro key of the whole market.
#[must_use]
pub fn history_feed(config: &CoinGeckoConfig) -> PolledFeed {
    let config = config.clone();
    let cap = |(_, symbol): &(&str, &'static str)| key(Metric::MarketCap, &asset(symbol));
    let cursor_series = coins(&config).iter().map(cap).collect();
    PolledFeed {
        profile: Profile { name: "coingecko-history", info: info(), cadence: Cadence::every(Period::DAY.ms()) },
        schedule: Schedule::every(Duration::from_hours(24)).after(Duration::from_mins(40)),
        cursor_series,
        questions: Box::new(move |visit| questions(&config, *visit)),
        history: Some(crate::ingest::History::SingleRequest),
    }
}

fn coins(config: &CoinGeckoConfig) -> &'static [(&'static str, &'static str)] {
    if config.api_key.expose().is_some() { &COINS } else { &COINS[..KEYLESS_COINS] }
}

fn questions(config: &CoinGeckoConfig, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let most = i64::from(config.history_days);
    let days = visit.seen_until.map_or(most, |seen| (visit.now.ms_since(seen) / Period::DAY.ms() + 2).min(most));
    let mut questions = Vec::new();
    for (id, symbol) in coins(config) {
        let query = [("vs_currency", "usd".to_owned()), ("days", days.to_string()), ("interval", "daily".to_owned())];
        let request = request(config, &format!("coins/{id}/market_chart"), &query)?;
        let asset = asset(symbol);
        questions.push(PollRequest::new(request, move |body| parse_market_chart(body, &asset, &visit)));
    }
    if config.is_pro() {
        let span = GLOBAL_SPANS.into_iter().find(|span| *span >= days);
        let span = span.map_or_else(|| "max".to_owned(), |span| span.to_string());
        let request = request(config, "global/market_cap_chart", &[("vs_currency", "usd".to_owned()), ("days", span)])?;
        questions.push(PollRequest::new(request, move |body| parse_market_cap_chart(body, &visit)));
    }
    Ok(questions)
}

/// Reads an answer of `/coins/{id}/market_chart`: price, value and 24-hour volume of `asset` in USD at
/// the start of each UTC day.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_market_chart(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let chart: CoinChart = row(&answer(body)?).map_err(malformed)?;
    let lists = [(Metric::Price, chart.prices), (Metric::MarketCap, chart.market_caps), (Metric::Volume24h, chart.total_volumes)];
    Ok(read_days(&lists, asset, visit))
}

/// Reads an answer of `/global/market_cap_chart`: value and 24-hour volume of the whole market in USD
/// at the start of each UTC day.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_market_cap_chart(body: &[u8], visit: &PollContext) -> Result<Parsed, ParseError> {
    let GlobalChart { market_cap_chart: chart } = row(&answer(body)?).map_err(malformed)?;
    let lists = [(Metric::MarketCap, chart.market_cap), (Metric::Volume24h, chart.volume)];
    Ok(read_days(&lists, &Asset::total(), visit))
}

/// The points that open a UTC day; the others, and the live one that comes last, lie off this grid.
/// 0 means that the publisher does not know.
fn read_days(lists: &[(Metric, Vec<Value>)], asset: &Asset, visit: &PollContext) -> Parsed {
    let mut parsed = Parsed::new(source());
    for (metric, points) in lists {
        let key = key(*metric, asset);
        for point in points {
            match read_point(point) {
                Ok((at, usd)) => {
                    let day = at.day_start();
                    if at.ms_since(day) < STAMP_SLACK_MS && usd > 0.0 {
                        parsed.push(key.clone(), day, visit.knowledge(day.plus_ms(READY_AFTER_MS)), usd);
                    }
                }
                Err(reason) => parsed.refuse(key.to_string(), visit.now, reason),
            }
        }
    }
    parsed
}

fn read_point(point: &Value) -> Result<(Timestamp, f64), String> {
    let usd = if point.get(1).is_some_and(Value::is_null) { 0.0 } else { field::<Decimal>(point, 1)?.0 };
    Ok((field::<Millis>(point, 0)?.0, usd))
}

fn key(metric: Metric, asset: &Asset) -> SeriesKey {
    SeriesKey::new(metric, asset.clone(), source(), Period::INSTANT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn visit(seen_until: Option<&str>) -> PollContext {
        let at = |text: &str| text.parse().unwrap();
        PollContext { seen_until: seen_until.map(at), now: at("2026-02-04T08:00:00Z") }
    }

    fn told(parsed: &Parsed) -> Vec<String> {
        let rows = parsed.batch.readings.iter().flat_map(|(key, rows)| rows.iter().map(move |row| (key, row)));
        rows.map(|(key, row)| format!("{key} {} {}", row.observed_at.date(), row.value)).collect()
    }

    #[test]
    fn a_day_is_read_at_its_start_and_the_live_point_is_left_out() {
        let body = br#"{"prices":[[1770076800000,75000.5],[1770163200798,76000.5],[1770191990000,76478.9]],
            "market_caps":[[1770076800000,0],[1770163200798,1.5e12],[1770163200798,"x"]],"total_volumes":[[1770163200798,null]]}"#;
        let parsed = parse_market_chart(body, &Asset::btc(), &visit(None)).unwrap();
        assert_eq!(
            told(&parsed),
            [
                "price.btc@coingecko 2026-02-03 75000.5",
                "price.btc@coingecko 2026-02-04 76000.5",
                "market_cap.btc@coingecko 2026-02-04 1500000000000",
            ]
        );
        assert_eq!(parsed.refused.len(), 1);
    }

    #[test]
    fn the_whole_market_is_asked_for_with_a_pro_address_alone() {
        let paths = |address: &str, seen_until| {
            let config = CoinGeckoConfig { url: address.parse().unwrap(), ..CoinGeckoConfig::default() };
            let asked = questions(&config, visit(seen_until)).unwrap();
            asked.iter().map(|question| question.request.url.to_string()).collect::<Vec<_>>()
        };
        let keyless = paths("https://api.coingecko.com/api/v3", None);
        assert_eq!(keyless.len(), KEYLESS_COINS);
        assert!(keyless[0].ends_with("coins/bitcoin/market_chart?vs_currency=usd&days=365&interval=daily"), "{}", keyless[0]);
        let pro = paths("https://pro-api.coingecko.com/api/v3", Some("2026-02-03T08:00:00Z"));
        assert!(pro[0].contains("days=3&"), "{}", pro[0]);
        assert!(pro.last().unwrap().ends_with("global/market_cap_chart?vs_currency=usd&days=7"), "{pro:?}");
        let body = br#"{"market_cap_chart":{"market_cap":[[1770163200798,2.5e12]],"volume":[[1770163200798,9e10]]}}"#;
        let parsed = parse_market_cap_chart(body, &visit(None)).unwrap();
        assert_eq!(
            told(&parsed),
            ["market_cap.total@coingecko 2026-02-04 2500000000000", "volume_24h.total@coingecko 2026-02-04 90000000000"]
        );
    }

    #[test]
    fn a_refusal_is_an_error_and_an_empty_chart_is_not() {
        let refusal = br#"{"error":{"status":{"error_code":10012,"error_message":"too far back"}}}"#;
        assert!(matches!(parse_market_chart(refusal, &Asset::btc(), &visit(None)), Err(ParseError::Upstream { .. })));
        assert!(matches!(parse_market_cap_chart(refusal, &visit(None)), Err(ParseError::Upstream { .. })));
        let empty = parse_market_chart(br#"{"prices":[],"market_caps":[],"total_volumes":[]}"#, &Asset::btc(), &visit(None));
        assert!(empty.unwrap().batch.is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, points in "(\\[(-?[0-9.e]{1,14},?){0,3}\\],?){0,4}") {
            let coin = format!(r#"{{"prices":[{points}],"market_caps":[{points}]}}"#);
            let global = format!(r#"{{"market_cap_chart":{{"market_cap":[{points}]}}}}"#);
            for bytes in [body.as_slice(), coin.as_bytes(), global.as_bytes()] {
                let _ = (parse_market_chart(bytes, &Asset::btc(), &visit(None)), parse_market_cap_chart(bytes, &visit(None)));
            }
        }
    }
}
