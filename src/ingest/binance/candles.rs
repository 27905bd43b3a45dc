use std::time::Duration;

use serde_json::Value;

use super::config::BinanceConfig;
use super::contract::{Contract, Size, perpetual};
use super::refusal;
use crate::domain::{Asset, Bar, Cadence, Metric, Observation, Period, SeriesKey, Source, SourceInfo, SourceKind, Timestamp};
use crate::ingest::wire::{Decimal, Millis, field, from_json};
use crate::ingest::{FetchError, ParseError, Parsed, PolledFeed, Profile, Question, Request, Schedule, Visit};

/// The most candles one request may ask for.
const PAGE: i64 = 1_500;
/// A candle with none behind it counts as finished only when it ended this long ago by our clock,
/// which may be wrong: the last row of a live answer is the running candle.
const CLOCK_SLACK_MS: i64 = 3_600_000;

/// One row of `/fapi/v1/klines`.
struct Kline {
    /// Field 0: start of the candle, milliseconds.
    open_time: Timestamp,
    /// Fields 1 to 5: open, high, low and close in USDT per unit of the symbol, then the volume in
    /// those units.
    prices_and_volume: [f64; 5],
}

/// Candles of the USD-M perpetuals: one-minute, hourly and daily.
#[must_use]
pub fn candle_feed(config: &BinanceConfig) -> PolledFeed {
    let info = SourceInfo {
        source: source(),
        kind: SourceKind::Venue,
        note: "prices of one venue's USDT-margined perpetuals; USDT is taken as USD".to_owned(),
    };
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "binance-candles", info, cadence: Cadence::every(60_000) },
        schedule: Schedule::every(Duration::from_mins(1)).after(Duration::from_secs(3)),
        resumes_from: spans(&config).iter().flat_map(|(period, _)| config.assets.iter().map(|a| series(a, *period))).collect(),
        questions: Box::new(move |visit| questions(&config, *visit)),
        history: None,
    }
}

/// The candles that may have ended since the last visit, for every coin.
fn questions(config: &BinanceConfig, visit: Visit) -> Result<Vec<Question>, FetchError> {
    let mut questions = Vec::new();
    for (period, history_days) in spans(config) {
        let ended = visit.seen_until.is_none_or(|seen| seen.floor(period.ms()) < visit.now.floor(period.ms()));
        if !ended {
            continue;
        }
        let from = visit.from(2 * period.ms(), i64::from(history_days) * Period::DAY.ms()).floor(period.ms());
        let starts = (0..).map(|page| from.plus_ms(page * PAGE * period.ms())).take_while(|start| *start < visit.now);
        for start in starts {
            for asset in &config.assets {
                questions.push(question(config, series(asset, period), start, visit)?);
            }
        }
    }
    Ok(questions)
}

fn question(config: &BinanceConfig, series: SeriesKey, from: Timestamp, visit: Visit) -> Result<Question, FetchError> {
    let symbol = perpetual(&series.asset);
    let query = [
        ("symbol", symbol.clone()),
        ("interval", series.period.to_string()),
        ("startTime", from.unix_ms().to_string()),
        ("limit", page_size(from, visit.now, series.period).to_string()),
    ];
    let request = Request::get(&config.rest_url, "fapi/v1/klines", &query)?;
    Ok(Question::new(request, move |body| parse_klines(body, &symbol, &series, &visit)))
}

/// The periods that are collected, and how many days of each the first visit reads back.
fn spans(config: &BinanceConfig) -> [(Period, u32); 3] {
    [
        (Period::DAY, config.day_history_days),
        (Period::HOUR, config.hour_history_days),
        (Period::MINUTE, config.minute_history_days),
    ]
}

fn series(asset: &Asset, period: Period) -> SeriesKey {
    SeriesKey::new(Metric::Candle, asset.clone(), source(), period)
}

/// Reads an answer of `/fapi/v1/klines` for the perpetual `symbol` into candles of `series`.
///
/// Prices become those of one coin. Running candles are left out.
///
/// # Errors
/// [`ParseError`] when the answer is no list of candles.
pub fn parse_klines(body: &[u8], symbol: &str, series: &SeriesKey, visit: &Visit) -> Result<Parsed, ParseError> {
    let answer: Value = from_json(body)?;
    if let Some(error) = refusal(&answer) {
        return Err(error);
    }
    let Value::Array(rows) = answer else {
        return Err(ParseError::Malformed { expected: "list of candles", reason: "it is no list".to_owned() });
    };
    let units = match Contract::parse(symbol) {
        Ok(Contract { size: Size::Coins(units), .. }) => units,
        _ => 1.0,
    };
    let mut parsed = Parsed::new(series.source.clone());
    let newest = rows.iter().filter_map(|row| field::<Millis>(row, 0).ok()).map(|at| at.0).max();
    for row in &rows {
        let candle = Kline::read(row).and_then(|kline| {
            let bar = kline.bar(units).map_err(|error| error.to_string())?;
            Ok((kline.open_time, bar))
        });
        match candle {
            Ok((open_time, bar)) => {
                let end = open_time.plus_ms(series.period.ms());
                let followed = newest.is_some_and(|newest| newest > open_time);
                if followed || end.plus_ms(CLOCK_SLACK_MS) <= visit.now {
                    let observation = Observation { observed_at: open_time, knowledge: visit.knowledge(end), value: bar };
                    parsed.batch.push_candle(series.clone(), observation);
                }
            }
            Err(reason) => {
                let at = field::<Millis>(row, 0).map_or(visit.now, |at| at.0);
                parsed.refuse(series.to_string(), at, reason);
            }
        }
    }
    Ok(parsed)
}

impl Kline {
    fn read(row: &Value) -> Result<Self, String> {
        let mut prices_and_volume = [0.0; 5];
        for (index, slot) in prices_and_volume.iter_mut().enumerate() {
            *slot = field::<Decimal>(row, index + 1)?.0;
        }
        Ok(Self { open_time: field::<Millis>(row, 0)?.0, prices_and_volume })
    }

    fn bar(&self, units: f64) -> Result<Bar, crate::domain::InvalidBar> {
        let [open, high, low, close, volume] = self.prices_and_volume;
        Bar::new(open / units, high / units, low / units, close / units, Some(volume * units))
    }
}

/// As many candles as can exist by now, so that a small question costs little of the rate limit.
fn page_size(from: Timestamp, now: Timestamp, period: Period) -> i64 {
    (now.ms_since(from) / period.ms() + 2).clamp(2, PAGE)
}

fn source() -> Source {
    crate::ingest::config::source("binance-perp")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str, symbol: &str, now: &str) -> Parsed {
        let series = "candle.shib@binance-perp:1m".parse().unwrap();
        let visit = Visit { seen_until: None, now: now.parse().unwrap() };
        parse_klines(body.as_bytes(), symbol, &series, &visit).unwrap()
    }

    const TWO: &str = r#"[
        [1770192000000, "0.02", "0.04", "0.01", "0.03", "5", 1770192059999, "0", 1, "0", "0", "0"],
        [1770192060000, "0.03", "0.03", "0.03", "0.03", "0", 1770192119999, "0", 0, "0", "0", "0", "a later column"]
    ]"#;

    #[test]
    fn the_last_candle_is_running_even_when_our_clock_is_ahead() {
        let parsed = read(TWO, "BTCUSDT", "2026-02-04T08:10:00Z");
        let candles = &parsed.batch.candles.values().next().unwrap();
        assert_eq!(candles.len(), 1);
        assert_eq!(candles[0].observed_at.to_string(), "2026-02-04T08:00:00Z");
        let hours_later = read(TWO, "BTCUSDT", "2026-02-04T10:00:00Z");
        assert_eq!(hours_later.batch.candles.values().next().unwrap().len(), 2, "a page of history ends with a finished one");
    }

    #[test]
    fn a_symbol_of_a_thousand_coins_is_priced_by_the_coin() {
        let parsed = read(TWO, "1000SHIBUSDT", "2026-02-04T08:01:10Z");
        let bar = parsed.batch.candles.values().next().unwrap()[0].value;
        assert!((bar.close - 0.000_03).abs() < 1e-15);
        assert_eq!(bar.volume.map(f64::to_bits), Some(5_000.0_f64.to_bits()));
    }

    #[test]
    fn a_candle_that_cannot_be_is_refused_and_the_next_lands() {
        let body = TWO.replacen("\"0.01\"", "\"0.05\"", 1).replacen("1770192060000", "1770192120000", 1);
        let body = body.replacen('[', r#"[[1770192060000, "x"], [true], "#, 1);
        let parsed = read(&body, "BTCUSDT", "2026-02-05");
        assert_eq!(parsed.refused.len(), 3);
        assert_eq!(parsed.batch.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, text in "\\[(\\[[0-9]{0,20},(\"[0-9.e-]{0,9}\",?){0,6}\\],?){0,5}\\]?") {
            let series = "candle.btc@binance-perp:1m".parse().unwrap();
            let visit = Visit { seen_until: None, now: Timestamp::default() };
            for bytes in [body.as_slice(), text.as_bytes()] {
                let _ = parse_klines(bytes, "BTCUSDT", &series, &visit);
            }
        }
    }
}
