use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::config::KrakenConfig;
use super::{coin, info, malformed, perpetual, source};
use crate::domain::{Asset, Cadence, LiquidationOrder, Period, Side, Timestamp};
use crate::ingest::wire::{Decimal, Millis, from_json, row};
use crate::ingest::{
    FetchError, History, HistorySeries, Pages, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request,
    Schedule,
};

/// The most executions of one answer.
const PAGE: usize = 1_000;
/// The span one question asks about, and how far visits overlap.
const SPAN_MS: i64 = 10 * 60_000;
const OVERLAP_MS: i64 = 2 * 60_000;
/// The span one question about the past asks about.
const PAST_PAGE_MS: i64 = 2 * Period::HOUR.ms();
/// The venue keeps executions since 2022-03-23.
const KEPT_SINCE: Timestamp = Timestamp::from_unix_seconds(1_647_993_600);
/// The venue states no limit for this path.
const SPACING: Duration = Duration::from_millis(500);

/// An execution: `elements[].event.Execution.execution`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Execution {
    taker_order: TakerOrder,
    /// Milliseconds.
    timestamp: Millis,
    /// Coins on linear contracts, dollars on inverse ones.
    quantity: Decimal,
    /// USD.
    price: Decimal,
    /// USD.
    usd_value: Decimal,
}

/// The order that met the book.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TakerOrder {
    tradeable: String,
    /// `Buy` or `Sell`.
    direction: String,
    /// `Limit`, `Market`, `Liquidation`, `PartialLiquidation` and words that are not documented.
    order_type: String,
}

/// Forced executions of the linear perpetuals.
#[must_use]
pub fn liquidation_feed(config: &KrakenConfig) -> PolledFeed {
    let config = config.clone();
    PolledFeed {
        profile: Profile { name: "kraken-liquidations", info: info(), cadence: Cadence::every(60_000) },
        schedule: Schedule::every(Duration::from_mins(1)).after(Duration::from_secs(8)),
        cursor_series: Vec::new(),
        history: Some(past(&config)),
        questions: Box::new(move |visit| questions(&config, *visit)),
    }
}

fn questions(config: &KrakenConfig, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let from = visit.from(OVERLAP_MS, i64::from(config.liquidation_history_hours) * 3_600_000);
    let starts = (0..).map(|span| from.plus_ms(span * SPAN_MS)).take_while(|start| *start < visit.now);
    let mut questions = Vec::new();
    for start in starts {
        for asset in &config.assets {
            questions.push(question(config, asset, start, start.plus_ms(SPAN_MS), visit)?);
        }
    }
    Ok(questions)
}

/// Asks about a span, and about the rest of it if the answer is cut.
fn question(
    config: &KrakenConfig,
    asset: &Asset,
    since: Timestamp,
    before: Timestamp,
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let query = [
        ("since", since.unix_ms().to_string()),
        ("before", before.unix_ms().to_string()),
        ("sort", "asc".to_owned()),
        ("count", PAGE.to_string()),
    ];
    let path = format!("api/history/v3/market/{}/executions", perpetual(asset));
    let request = Request::get(&config.url, &path, &query)?;
    let (config, asset) = (config.clone(), asset.clone());
    Ok(PollRequest::new(request, move |body| parse_executions(body, &visit)).followed_by(move |answer| {
        let rest = answer.rest_of(since, before);
        rest.map(|rest| question(&config, &asset, rest, before, visit)).transpose()
    }))
}

/// The venue keeps executions for years; a page with too many of them is asked again in halves.
fn past(config: &KrakenConfig) -> History {
    let days = config.liquidation_history_hours.div_ceil(24);
    let strand = |asset: &Asset| {
        let (asked, coin) = (config.clone(), asset.clone());
        HistorySeries::new(perpetual(asset), days, PAST_PAGE_MS, move |span, visit| {
            question(&asked, &coin, span.from(), span.to(), *visit)
        })
        .kept_since(KEPT_SINCE)
    };
    History::Paged(Pages { strands: config.assets.iter().map(strand).collect(), spacing: SPACING })
}

/// Reads an answer of `/api/history/v3/market/{symbol}/executions`: the liquidations among the
/// executions. The newest execution of any kind shows how far the answer reaches.
///
/// # Errors
/// [`ParseError`] when the answer has another shape.
pub fn parse_executions(body: &[u8], visit: &PollContext) -> Result<Parsed, ParseError> {
    let answer: Value = from_json(body)?;
    let Some(Value::Array(elements)) = answer.get("elements") else { return Err(malformed("it has no elements")) };
    let mut parsed = Parsed::new(source());
    for element in elements {
        let Some(value) = element.pointer("/event/Execution/execution") else { continue };
        match row::<Execution>(value) {
            Ok(execution) => {
                parsed.covered_until = parsed.covered_until.max(Some(execution.timestamp.0));
                match execution.read(visit) {
                    Ok(order) => parsed.batch.orders.extend(order),
                    Err(reason) => parsed.refuse("execution", visit.now, reason),
                }
            }
            Err(reason) => parsed.refuse("execution", visit.now, reason),
        }
    }
    parsed.truncated = elements.len() >= PAGE;
    Ok(parsed)
}

impl Execution {
    /// The liquidation, if it is one.
    fn read(self, visit: &PollContext) -> Result<Option<LiquidationOrder>, String> {
        let taker = self.taker_order;
        if !taker.order_type.to_ascii_lowercase().contains("liquidat") {
            return Ok(None);
        }
        let side = match taker.direction.as_str() {
            "Sell" => Side::Long,
            "Buy" => Side::Short,
            other => return Err(format!("`{other}` is no direction: Buy or Sell")),
        };
        let asset = coin(&taker.tradeable).ok_or_else(|| format!("`{}` names no perpetual", taker.tradeable))?;
        if self.price.0 <= 0.0 || self.quantity.0 <= 0.0 {
            return Err(format!("nothing was traded: {} at price {}", self.quantity.0, self.price.0));
        }
        let occurred_at: Timestamp = self.timestamp.0;
        Ok(Some(LiquidationOrder {
            source: source(),
            asset,
            side,
            occurred_at,
            knowledge: visit.knowledge(occurred_at),
            price_usd: self.price.0,
            quantity: self.usd_value.0 / self.price.0,
            usd: self.usd_value.0,
            symbol: taker.tradeable,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn element(order_type: &str, direction: &str) -> String {
        format!(
            r#"{{"event":{{"Execution":{{"execution":{{"timestamp":1770192000000,"quantity":"0.5","price":"80000","usdValue":"40000",
            "takerOrder":{{"tradeable":"PF_XBTUSD","direction":"{direction}","orderType":"{order_type}"}}}}}}}}}}"#
        )
    }

    fn read(elements: &str) -> Parsed {
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:00:30Z".parse().unwrap() };
        parse_executions(format!(r#"{{"elements":[{elements}]}}"#).as_bytes(), &visit).unwrap()
    }

    #[test]
    fn a_forced_sell_closed_a_long_and_unknown_kinds_are_tolerated() {
        let kinds = [("PartialLiquidation", "Sell"), ("liquidation", "Buy"), ("Limit", "Sell"), ("SomethingNew", "Buy")];
        let parsed = read(&kinds.map(|(kind, direction)| element(kind, direction)).join(","));
        let told: Vec<_> = parsed.batch.orders.iter().map(|o| (o.asset.as_str(), o.side, o.quantity, o.usd)).collect();
        assert_eq!(told, [("btc", Side::Long, 0.5, 40_000.0), ("btc", Side::Short, 0.5, 40_000.0)]);
        assert!(parsed.refused.is_empty());
    }

    #[test]
    fn a_quiet_span_still_shows_how_far_the_answer_reaches() {
        let parsed = read(&element("Limit", "Buy"));
        assert!(parsed.batch.is_empty());
        assert_eq!(parsed.newest(), Some("2026-02-04T08:00:00Z".parse().unwrap()));
    }

    #[test]
    fn the_rest_of_a_cut_answer_is_asked_for() {
        let parsed = read(&vec![element("Limit", "Buy"); PAGE].join(","));
        assert!(parsed.truncated && parsed.refused.is_empty());
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let visit = PollContext { seen_until: None, now: at("2026-02-04T08:00:30Z") };
        let (since, before) = (at("2026-02-04T07:55:00Z"), at("2026-02-04T08:05:00Z"));
        let asked = question(&KrakenConfig::default(), &Asset::btc(), since, before, visit).unwrap();
        let rest = asked.next(&parsed).unwrap().unwrap();
        assert!(rest.request.url.query().unwrap().starts_with("since=1770192000000&before=1770192300000"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, kind in "[A-Za-z\"{}]{0,14}", direction in "[A-Za-z]{0,5}") {
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            let wrapped = format!(r#"{{"elements":[{}]}}"#, element(&kind, &direction));
            let _ = (parse_executions(&body, &visit), parse_executions(wrapped.as_bytes(), &visit));
        }
    }
}
