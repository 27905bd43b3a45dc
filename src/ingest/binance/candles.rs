use std::time::Duration;

use super::config::BinanceConfig;
use super::contract::{Contract, Size};
use super::margin::Margin;
use super::rows;
use crate::domain::{Cadence, Period, SeriesKey, SourceInfo, SourceKind};
use crate::ingest::candle_row::CandleRow;
use crate::ingest::candles::{CandleLayout, CandlePage, CandlePlan, read_candles};
use crate::ingest::{FetchError, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request, Schedule};

/// The most candles one request may ask for.
const PAGE: i64 = 1_500;
/// The most days a question about COIN-M candles may span; those of USD-M have no such limit.
const COIN_PAGE_DAYS: i64 = 200;
/// A full page costs 10 of the 2,400 that are allowed in a minute, of which half is left to the visits.
const SPACING: Duration = Duration::from_secs(1);

/// Candles of the perpetuals of one margin: one-minute, hourly and daily.
#[must_use]
pub fn candle_feed(config: &BinanceConfig, margin: Margin) -> PolledFeed {
    let (name, seconds, note) = match margin {
        Margin::Usd => ("binance-candles", 3, "prices of one venue's USDT-margined perpetuals; USDT is taken as USD"),
        Margin::Coin => ("binance-coin-candles", 4, "prices of one venue's coin-margined perpetuals, in USD"),
    };
    let plan = plan(config, margin);
    let info = SourceInfo { source: plan.source.clone(), kind: SourceKind::Venue, note: note.to_owned() };
    let profile = Profile { name, info, cadence: Cadence::every(60_000) };
    let schedule = Schedule::every(Duration::from_mins(1)).after(Duration::from_secs(seconds));
    let config = config.clone();
    plan.feed(profile, schedule, SPACING, move |page, visit| question(&config, margin, page, visit))
}

fn plan(config: &BinanceConfig, margin: Margin) -> CandlePlan {
    CandlePlan {
        source: margin.candle_source(),
        assets: margin.assets(config),
        spans: vec![
            (Period::DAY, config.day_history_days),
            (Period::HOUR, config.hour_history_days),
            (Period::MINUTE, config.minute_history_days),
        ],
        page: PAGE,
        page_days: if margin == Margin::Coin { COIN_PAGE_DAYS } else { PAGE },
    }
}

fn question(config: &BinanceConfig, margin: Margin, page: CandlePage, visit: PollContext) -> Result<PollRequest, FetchError> {
    let symbol = margin.perpetual(&page.series.asset);
    let query = [
        ("symbol", symbol.clone()),
        ("interval", page.series.period.to_string()),
        ("startTime", page.from.unix_ms().to_string()),
        // Without an end, COIN-M answers with the newest candles and not with those from the start on.
        ("endTime", page.until.plus_ms(-1).unix_ms().to_string()),
        ("limit", page.count().to_string()),
    ];
    let request = Request::get(margin.rest_url(config), &margin.path("klines"), &query)?;
    Ok(PollRequest::new(request, move |body| parse_klines(body, &symbol, &page.series, &visit)))
}

/// Reads an answer of `/fapi/v1/klines` or `/dapi/v1/klines` for the perpetual `symbol` into candles
/// of `series`.
///
/// Prices become those of one coin and amounts coins. Running candles are left out.
///
/// # Errors
/// [`ParseError`] when the answer is no list of candles.
pub fn parse_klines(body: &[u8], symbol: &str, series: &SeriesKey, visit: &PollContext) -> Result<Parsed, ParseError> {
    // The amount of a COIN-M candle is in contracts; that in coins comes two fields later.
    let (volume, coins_per_unit) = match Contract::parse(symbol).map(|contract| contract.size) {
        Ok(Size::Coins(coins)) => (5, coins),
        Ok(Size::Usd(_)) => (7, 1.0),
        Err(_) => (5, 1.0),
    };
    let layout = CandleLayout { volume, confirmed: None };
    Ok(read_candles(&rows::<CandleRow>(body)?, layout, coins_per_unit, series, visit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;
    use proptest::prelude::*;

    fn read(body: &str, symbol: &str, now: &str) -> Parsed {
        let series = "candle.shib@binance-perp:1m".parse().unwrap();
        let visit = PollContext { seen_until: None, now: now.parse().unwrap() };
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
    fn amounts_of_a_coin_margined_perpetual_are_coins_whatever_its_name_ends_in() {
        let body = TWO.replace(r#"1770192059999, "0""#, r#"1770192059999, "7""#);
        for symbol in ["BTCUSD_PERP", "BNBUSD_PERP"] {
            let parsed = read(&body, symbol, "2026-02-04T08:01:10Z");
            assert_eq!(parsed.batch.candles.values().next().unwrap()[0].value.volume, Some(7.0), "{symbol}");
        }
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
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            for bytes in [body.as_slice(), text.as_bytes()] {
                let _ = parse_klines(bytes, "BTCUSDT", &series, &visit);
            }
        }
    }
}
