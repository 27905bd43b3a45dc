use serde::Deserialize;
use serde_json::Value;

use super::{BUCKET, bucket_key, source};
use crate::domain::{Asset, Metric, Period, SeriesKey};
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

/// Reads aggregated liquidations: USD of longs and of shorts in each bucket that is over.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_liquidations(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    read(body, |bucket: Liquidations, parsed| {
        let end = bucket.time.0.plus_ms(BUCKET.ms());
        if end <= visit.now {
            for (side, usd) in [("long", bucket.long_usd.0), ("short", bucket.short_usd.0)] {
                let key = bucket_key(Metric::Liquidation, asset).with_part(side);
                parsed.push(key, bucket.time.0, visit.knowledge(end), usd);
            }
        }
    })
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
        let message = answer.get("msg").and_then(Value::as_str).unwrap_or_default().to_owned();
        return Err(ParseError::Upstream { code, message });
    }
    let Some(Value::Array(rows)) = answer.get("data") else { return Err(malformed("it has no list of data")) };
    let mut parsed = Parsed::new(source());
    for value in rows {
        match row::<T>(value) {
            Ok(row) => take(row, &mut parsed),
            Err(reason) => parsed.refuse("row", crate::domain::Timestamp::default(), reason),
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
                for parse in [parse_liquidations, parse_open_interest, parse_funding, parse_etf_flows] {
                    let _ = parse(bytes, &Asset::btc(), &visit());
                }
            }
        }
    }
}
