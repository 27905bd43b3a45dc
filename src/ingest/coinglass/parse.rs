use serde::Deserialize;
use serde_json::Value;

use super::{BUCKET, bucket_key, source};
use crate::domain::{Asset, KnownAtRule, Metric, Period, SeriesKey, Timestamp};
use crate::ingest::wire::{Decimal, Millis, from_json, optional, row};
use crate::ingest::{ParseError, Parsed, PollContext};

/// A bucket of `/api/futures/liquidation/aggregated-history`.
#[derive(Deserialize)]
struct Liquidations {
    /// Start of the bucket, milliseconds.
    time: Millis,
    /// USD.
    #[serde(rename = "aggregated_long_liquidation_usd")]
    long_usd: Decimal,
    /// USD.
    #[serde(rename = "aggregated_short_liquidation_usd")]
    short_usd: Decimal,
}

/// A bucket of open interest (USD) or funding (percent).
#[derive(Deserialize)]
struct Candle {
    /// Start of the bucket, milliseconds.
    time: Millis,
    /// Value at its end.
    close: Decimal,
}

/// A day of `/api/etf/<coin>/flow-history`.
#[derive(Deserialize)]
struct FlowDay {
    /// 00:00 UTC of the US trading day, milliseconds.
    timestamp: Millis,
    #[serde(default)]
    etf_flows: Vec<FundFlow>,
}

/// The flow of one fund.
#[derive(Deserialize)]
struct FundFlow {
    etf_ticker: String,
    /// USD; absent where the fund has not reported.
    #[serde(default, deserialize_with = "optional")]
    flow_usd: Option<f64>,
}

/// A row of `/api/futures/liquidation/exchange-list`.
#[derive(Deserialize)]
struct Trailing {
    exchange: String,
    /// USD.
    liquidation_usd: Decimal,
    /// USD.
    long_liquidation_usd: Decimal,
    /// USD.
    short_liquidation_usd: Decimal,
}

/// Reads aggregated liquidations: USD of longs and of shorts in each bucket of four hours that is over.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_liquidations(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    read_liquidations(body, asset, BUCKET, visit)
}

/// The same of days.
///
/// # Errors
/// As [`parse_liquidations`].
pub fn parse_daily_liquidations(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    read_liquidations(body, asset, Period::DAY, visit)
}

fn read_liquidations(body: &[u8], asset: &Asset, period: Period, visit: &PollContext) -> Result<Parsed, ParseError> {
    read(body, |bucket: Liquidations, parsed| {
        let end = bucket.time.0.plus_ms(period.ms());
        if end <= visit.now {
            for (side, usd) in [("long", bucket.long_usd.0), ("short", bucket.short_usd.0)] {
                let key = SeriesKey::new(Metric::Liquidation, asset.clone(), source(), period).with_part(side);
                parsed.push(key, bucket.time.0, visit.knowledge(end), usd);
            }
        }
    })
}

/// Reads liquidations over the 24 hours up to `now`: those of all venues together, which the row `All` states. The rows of the
/// venues are parts of it.
///
/// # Errors
/// [`ParseError`] when the upstream refused, or the answer has another shape or no such row.
pub fn parse_trailing_liquidations(body: &[u8], asset: &Asset, now: Timestamp) -> Result<Parsed, ParseError> {
    let parsed = read(body, |row: Trailing, parsed| {
        if row.exchange == "All" {
            let key = SeriesKey::new(Metric::Liquidation24h, asset.clone(), source(), Period::INSTANT);
            parsed.push(key.clone(), now, KnownAtRule::OnCommit, row.liquidation_usd.0);
            parsed.push(key.clone().with_part("long"), now, KnownAtRule::OnCommit, row.long_liquidation_usd.0);
            parsed.push(key.with_part("short"), now, KnownAtRule::OnCommit, row.short_liquidation_usd.0);
        }
    })?;
    if parsed.batch.is_empty() && parsed.refused.is_empty() {
        return Err(malformed("it has no row of all exchanges"));
    }
    Ok(parsed)
}

/// Reads aggregated open interest: USD at the end of each bucket that is over.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_open_interest(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    read(body, |candle: Candle, parsed| {
        let end = candle.time.0.plus_ms(BUCKET.ms());
        if end <= visit.now {
            parsed.push(bucket_key(Metric::OpenInterest, asset), candle.time.0, visit.knowledge(end), candle.close.0);
        }
    })
}

/// Reads funding weighted by open interest at the end of each bucket that is over; percent become
/// fractions.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    read(body, |candle: Candle, parsed| {
        let end = candle.time.0.plus_ms(BUCKET.ms());
        if end <= visit.now {
            let key = SeriesKey::new(Metric::FundingRate, asset.clone(), source(), Period::INSTANT);
            parsed.push(key, end, visit.knowledge(end), candle.close.0 / 100.0);
        }
    })
}

/// Reads ETF flows: USD of every fund that has reported.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_etf_flows(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    read(body, |day: FlowDay, parsed| {
        for fund in day.etf_flows {
            let key = SeriesKey::new(Metric::EtfFlow, asset.clone(), source(), Period::INSTANT);
            let valid = (1..=12).contains(&fund.etf_ticker.len()) && fund.etf_ticker.bytes().all(|b| b.is_ascii_alphanumeric());
            match fund.flow_usd {
                Some(usd) if valid => {
                    let known = visit.knowledge(day.timestamp.0.plus_ms(key.publication_lag_ms()));
                    parsed.push(key.with_part(&fund.etf_ticker), day.timestamp.0, known, usd);
                }
                Some(_) => parsed.refuse(fund.etf_ticker, day.timestamp.0, "it is no ticker of a fund"),
                None => {}
            }
        }
    })
}

/// Reads the rows of an answer one by one.
fn read<T: serde::de::DeserializeOwned>(body: &[u8], mut take: impl FnMut(T, &mut Parsed)) -> Result<Parsed, ParseError> {
    let answer: Value = from_json(body)?;
    let code = match answer.get("code") {
        Some(Value::String(code)) => code.clone(),
        Some(code) => code.to_string(),
        None => return Err(malformed("it has no code")),
    };
    if code != "0" {
        let words = answer.get("msg").and_then(Value::as_str).unwrap_or_default();
        let plan = if words.contains("pgrade") { ": the plan of the key does not include this" } else { "" };
        return Err(ParseError::Upstream { code, message: format!("{words}{plan}") });
    }
    let Some(Value::Array(rows)) = answer.get("data") else { return Err(malformed("it has no list of data")) };
    let mut parsed = Parsed::new(source());
    for value in rows {
        match row::<T>(value) {
            Ok(row) => take(row, &mut parsed),
            Err(reason) => parsed.refuse("row", Timestamp::default(), reason),
        }
    }
    Ok(parsed)
}

fn malformed(reason: &str) -> ParseError {
    ParseError::Malformed { expected: "CoinGlass answer", reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn visit() -> PollContext {
        PollContext { seen_until: None, now: "2026-02-04T08:00:00Z".parse().unwrap() }
    }

    #[test]
    fn the_running_bucket_is_left_out_and_sides_are_told_apart() {
        let body = br#"{"code":"0","data":[
            {"time":1770177600000,"aggregated_long_liquidation_usd":5.0,"aggregated_short_liquidation_usd":"7"},
            {"time":1770192000000,"aggregated_long_liquidation_usd":1,"aggregated_short_liquidation_usd":1}]}"#;
        let parsed = parse_liquidations(body, &Asset::btc(), &visit()).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        assert_eq!(told, ["liquidation.btc.long@coinglass:4h 5", "liquidation.btc.short@coinglass:4h 7"]);
    }

    #[test]
    fn the_row_of_all_exchanges_is_the_market_and_those_of_the_venues_are_parts_of_it() {
        let body = br#"{"code":"0","data":[
            {"exchange":"All","liquidation_usd":12.5,"long_liquidation_usd":10,"short_liquidation_usd":2.5},
            {"exchange":"Bybit","liquidation_usd":5,"long_liquidation_usd":4,"short_liquidation_usd":1}]}"#;
        let parsed = parse_trailing_liquidations(body, &Asset::total(), visit().now).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        let expected = [
            "liquidation_24h.total@coinglass 12.5",
            "liquidation_24h.total.long@coinglass 10",
            "liquidation_24h.total.short@coinglass 2.5",
        ];
        assert_eq!(told, expected);
        let venues = br#"{"code":"0","data":[{"exchange":"Bybit","liquidation_usd":5,"long_liquidation_usd":4,"short_liquidation_usd":1}]}"#;
        assert!(parse_trailing_liquidations(venues, &Asset::total(), visit().now).is_err());
    }

    #[test]
    fn a_plan_that_does_not_include_a_question_is_told_as_such() {
        let refusal = parse_trailing_liquidations(br#"{"code":"401","msg":"Upgrade plan"}"#, &Asset::total(), visit().now);
        let words = refusal.unwrap_err().to_string();
        assert!(words.contains("code 401: Upgrade plan: the plan of the key does not include this"), "{words}");
    }

    #[test]
    fn days_are_buckets_too() {
        let body = br#"{"code":"0","data":[
            {"time":1770076800000,"aggregated_long_liquidation_usd":5.0,"aggregated_short_liquidation_usd":"7"},
            {"time":1770163200000,"aggregated_long_liquidation_usd":1,"aggregated_short_liquidation_usd":1}]}"#;
        let parsed = parse_daily_liquidations(body, &Asset::btc(), &visit()).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        assert_eq!(told, ["liquidation.btc.long@coinglass:1d 5", "liquidation.btc.short@coinglass:1d 7"]);
        assert_eq!(parsed.batch.len(), 2, "the running day is left out");
    }

    #[test]
    fn a_refusal_inside_a_good_status_is_an_error() {
        for body in [r#"{"code":"401","msg":"Upgrade plan"}"#, r#"{"code":429,"msg":"slow down"}"#] {
            for parse in [parse_liquidations, parse_open_interest, parse_funding, parse_etf_flows] {
                assert!(matches!(parse(body.as_bytes(), &Asset::btc(), &visit()), Err(ParseError::Upstream { .. })));
            }
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"(time|close|timestamp)\":\"?[0-9.-]{0,15}\"?,?){0,3}\\},?){0,3}") {
            let wrapped = format!(r#"{{"code":"0","data":[{rows}]}}"#);
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = parse_trailing_liquidations(bytes, &Asset::btc(), visit().now);
                for parse in [parse_liquidations, parse_open_interest, parse_funding, parse_etf_flows] {
                    let _ = parse(bytes, &Asset::btc(), &visit());
                }
            }
        }
    }
}
