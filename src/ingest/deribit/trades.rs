use std::time::Duration;

use serde_json::Value;

use super::config::DeribitConfig;
use super::liquidations::read_trades;
use super::{info, malformed, request, result, source};
use crate::domain::{Asset, Cadence, Timestamp};
use crate::ingest::{FetchError, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Schedule};

/// The most trades of one answer.
const PAGE: usize = 1_000;
/// The span one question asks about, and how far visits overlap.
const SPAN_MS: i64 = 5 * 60_000;
const OVERLAP_MS: i64 = 60_000;
/// How far back the first visit reads; the venue tells the trades of a day.
const FIRST_VISIT_MS: i64 = 60 * 60_000;

/// The flagged trades once more by HTTP, so that what a broken stream missed is filled in.
#[must_use]
pub fn trade_feed(config: &DeribitConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "deribit-liquidation-trades", info: info(), cadence: Cadence::every(2 * 60_000) },
        schedule: Schedule::every(Duration::from_mins(2)).after(Duration::from_secs(20)),
        cursor_series: Vec::new(),
        questions: Box::new(move |visit| questions(&config, *visit)),
        history: None,
    }
}

fn questions(config: &DeribitConfig, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let from = visit.from(OVERLAP_MS, FIRST_VISIT_MS);
    let starts = (0..).map(|span| from.plus_ms(span * SPAN_MS)).take_while(|start| *start < visit.now);
    let spans = starts.map(|start| (start, start.plus_ms(SPAN_MS).min(visit.now)));
    let asked = spans.flat_map(|span| config.assets.iter().map(move |asset| (asset, span)));
    asked.map(|(asset, span)| question(config, asset, span, visit)).collect()
}

/// Asks about a span, and about the rest of it where the answer is cut.
fn question(
    config: &DeribitConfig,
    asset: &Asset,
    (start, end): (Timestamp, Timestamp),
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let query = [
        ("currency", asset.as_str().to_ascii_uppercase()),
        ("kind", "future".to_owned()),
        ("start_timestamp", start.unix_ms().to_string()),
        ("end_timestamp", end.unix_ms().to_string()),
        ("count", PAGE.to_string()),
        ("sorting", "asc".to_owned()),
    ];
    let request = request(&config.rest_url, "get_last_trades_by_currency_and_time", &query)?;
    let (config, asset) = (config.clone(), asset.clone());
    Ok(PollRequest::new(request, move |body| parse_trades(body, &visit)).followed_by(move |answer| {
        let rest = answer.rest_of(start, end);
        rest.map(|rest| question(&config, &asset, (rest, end), visit)).transpose()
    }))
}

/// Reads an answer of `get_last_trades_by_currency_and_time`: the trades flagged as liquidations. The
/// newest trade of any kind shows how far the answer reaches.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_trades(body: &[u8], visit: &PollContext) -> Result<Parsed, ParseError> {
    let (answer, _) = result(body)?;
    let Some(Value::Array(trades)) = answer.get("trades") else { return Err(malformed("the result has no trades")) };
    let mut parsed = Parsed::new(source());
    read_trades(trades, &mut parsed);
    for order in &mut parsed.batch.orders {
        order.knowledge = visit.knowledge(order.occurred_at);
    }
    parsed.truncated = answer.get("has_more").and_then(Value::as_bool) == Some(true) || trades.len() >= PAGE;
    Ok(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{KnownAtRule, Side};
    use proptest::prelude::*;

    fn read(trades: &str, more: bool) -> Parsed {
        let visit = PollContext { seen_until: None, now: "2026-02-03T20:00:00Z".parse().unwrap() };
        parse_trades(format!(r#"{{"result":{{"trades":[{trades}],"has_more":{more}}}}}"#).as_bytes(), &visit).unwrap()
    }

    fn trade(fields: &str) -> String {
        format!(
            r#"{{"instrument_name":"BTC-PERPETUAL","timestamp":1770145200000,"price":50000.0,"amount":1000,"direction":"sell"{fields}}}"#
        )
    }

    #[test]
    fn only_flagged_trades_are_rows_and_old_ones_are_known_since_they_happened() {
        let list = [trade(""), trade(r#","liquidation":"T""#), trade(r#","liquidation":"?""#)].join(",");
        let parsed = read(&list, false);
        let told: Vec<_> = parsed.batch.orders.iter().map(|order| (order.side, order.usd, order.knowledge)).collect();
        let at: Timestamp = "2026-02-03T19:00:00Z".parse().unwrap();
        assert_eq!(told, [(Side::Long, 1_000.0, KnownAtRule::AtPublication(at))]);
        assert_eq!((parsed.refused.len(), parsed.newest()), (1, Some(at)));
    }

    #[test]
    fn a_quiet_span_reaches_as_far_as_its_trades_and_a_cut_one_is_reported() {
        assert_eq!(read("", false).newest(), None);
        assert!(read(&trade(""), false).newest().is_some());
        assert!(read(&trade(""), true).truncated && !read(&trade(""), false).truncated);
    }

    #[test]
    fn the_rest_of_a_cut_answer_is_asked_for_from_its_last_trade_on() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let visit = PollContext { seen_until: None, now: at("2026-02-03T20:00:00Z") };
        let span = (at("2026-02-03T18:59:00Z"), at("2026-02-03T19:04:00Z"));
        let asked = question(&DeribitConfig::default(), &Asset::btc(), span, visit).unwrap();
        let rest = asked.next(&read(&trade(""), true)).unwrap().unwrap();
        let query = rest.request.url.query().unwrap();
        assert!(query.contains("start_timestamp=1770145200000&end_timestamp=1770145440000"), "{query}");
        assert!(asked.next(&read(&trade(""), false)).unwrap().is_none(), "it was not cut");
        let same = rest.next(&read(&trade(""), true)).unwrap().unwrap();
        assert!(same.request.url.query().unwrap().contains("start_timestamp=1770145200001"), "it goes on");
        assert!(same.next(&read(&trade(""), true)).unwrap().is_none(), "an answer from before its span leads nowhere");
    }

    #[test]
    fn a_refusal_is_an_error() {
        let visit = PollContext { seen_until: None, now: Timestamp::default() };
        let body = br#"{"error":{"code":10028,"message":"too_many_requests"}}"#;
        assert!(matches!(parse_trades(body, &visit), Err(ParseError::Upstream { .. })));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, fields in "(,\"(timestamp|price|amount|liquidation|direction)\":\"?[0-9A-Za-z.]{0,9}\"?){0,4}") {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let wrapped = format!(r#"{{"result":{{"trades":[{{"instrument_name":"X"{fields}}}]}}}}"#);
            let _ = (parse_trades(&body, &visit), parse_trades(wrapped.as_bytes(), &visit));
        }
    }
}
