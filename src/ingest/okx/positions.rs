use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::config::OkxConfig;
use super::margin::Margin;
use super::{info, rows};
use crate::domain::{Asset, Cadence, KnownAtRule, Metric, Period, TimeRange, Timestamp};
use crate::ingest::funding::{LEAD_MS, read_settlements, stated_from};
use crate::ingest::positions::{FINE_MS, INVERSE, PositionSpan, history, push_inverse_positions, push_positions, spans};
use crate::ingest::wire::{Decimal, Millis, field, optional, row};
use crate::ingest::{
    FetchError, History, HistorySeries, Pages, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Request,
    Schedule,
};

/// The most rows of an answer on past open interest.
const PAGE: i64 = 100;
/// The venue keeps 1,440 rows of each grain.
const HISTORY_DAYS: u32 = 59;
/// The most settlements of one answer.
const FUNDING_PAGE: usize = 400;
/// The venue keeps settlements for three months.
const FUNDING_DAYS: u32 = 90;
/// A fifth of the 10 questions that are allowed in two seconds: four feeds ask like this.
const SPACING: Duration = Duration::from_secs(1);

/// A row of `/api/v5/public/open-interest`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OpenInterest {
    /// Coins, one side.
    oi_ccy: Decimal,
    /// USD, one side.
    oi_usd: Decimal,
    /// Milliseconds.
    ts: Millis,
}

/// A row of `/api/v5/public/funding-rate-history`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    /// What was charged, fraction per funding interval; the row's `fundingRate` was only expected.
    #[serde(default, deserialize_with = "optional")]
    realized_rate: Option<f64>,
    /// Milliseconds.
    funding_time: Millis,
}

/// Open interest of the swaps of one margin, sampled.
#[must_use]
pub fn open_interest_feed(config: &OkxConfig, margin: Margin) -> PolledFeed {
    let (name, seconds) = match margin {
        Margin::Usdt => ("okx-open-interest", 10),
        Margin::Coin => ("okx-coin-open-interest", 12),
    };
    let config = config.clone();
    PolledFeed {
        profile: Profile { name, info: info(margin), cadence: Cadence::every(FINE_MS) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(seconds)),
        cursor_series: Vec::new(),
        questions: Box::new(move |_| {
            let query = [("instType", "SWAP".to_owned())];
            let request = Request::get(&config.rest_url, "api/v5/public/open-interest", &query)?;
            let assets = margin.assets(&config).to_vec();
            Ok(vec![PollRequest::new(request, move |body| parse_open_interest(body, margin, &assets))])
        }),
        history: None,
    }
}

/// Open interest of the swaps of one margin as the venue keeps it.
#[must_use]
pub fn open_interest_history_feed(config: &OkxConfig, margin: Margin) -> PolledFeed {
    let (name, seconds) = match margin {
        Margin::Usdt => ("okx-open-interest-history", 50),
        Margin::Coin => ("okx-coin-open-interest-history", 52),
    };
    let (config, asked) = (config.clone(), config.clone());
    PolledFeed {
        profile: Profile { name, info: info(margin), cadence: Cadence::every(Period::HOUR.ms()) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(seconds)),
        cursor_series: margin.assets(&config).iter().map(|asset| margin.key(Metric::OpenInterest, asset)).collect(),
        history: Some(history(margin.assets(&config), (HISTORY_DAYS, HISTORY_DAYS), PAGE, SPACING, move |asset, span, visit| {
            history_question(&asked, margin, asset, span, visit)
        })),
        questions: Box::new(move |visit| history_questions(&config, margin, *visit)),
    }
}

fn history_questions(config: &OkxConfig, margin: Margin, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let spans = spans(visit, i64::from(HISTORY_DAYS), PAGE);
    let all = spans.into_iter().flat_map(|span| margin.assets(config).iter().map(move |asset| (asset, span)));
    all.map(|(asset, span)| history_question(config, margin, asset, span, visit)).collect()
}

fn history_question(
    config: &OkxConfig,
    margin: Margin,
    asset: &Asset,
    PositionSpan { fine, from, until }: PositionSpan,
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let query = [
        ("instId", margin.swap(asset)),
        ("period", if fine { "5m" } else { "1H" }.to_owned()),
        ("begin", from.unix_ms().to_string()),
        ("end", until.unix_ms().to_string()),
        ("limit", PAGE.to_string()),
    ];
    let request = Request::get(&config.rest_url, "api/v5/rubik/stat/contracts/open-interest-history", &query)?;
    let asset = asset.clone();
    Ok(PollRequest::new(request, move |body| parse_open_interest_history(body, margin, &asset, &visit)))
}

/// Funding settlements of the swaps of one margin; the venue keeps three months of them.
#[must_use]
pub fn funding_feed(config: &OkxConfig, margin: Margin) -> PolledFeed {
    let (name, seconds) = match margin {
        Margin::Usdt => ("okx-funding", 45),
        Margin::Coin => ("okx-coin-funding", 47),
    };
    let config = config.clone();
    PolledFeed {
        profile: Profile { name, info: info(margin), cadence: Cadence::every(8 * Period::HOUR.ms()) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(seconds)),
        cursor_series: margin.assets(&config).iter().map(|asset| margin.key(Metric::FundingRate, asset)).collect(),
        history: Some(funding_past(&config, margin)),
        questions: Box::new(move |visit| {
            margin.assets(&config).iter().map(|asset| funding_question(&config, margin, asset, None, *visit)).collect()
        }),
    }
}

/// The newest settlements, or those of a span.
fn funding_question(
    config: &OkxConfig,
    margin: Margin,
    asset: &Asset,
    span: Option<TimeRange>,
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let mut query = vec![("instId", margin.swap(asset)), ("limit", FUNDING_PAGE.to_string())];
    if let Some(span) = span {
        // `after` asks for older rows than that and `before` for newer ones.
        query.push(("after", span.to().unix_ms().to_string()));
        query.push(("before", span.from().plus_ms(-1).unix_ms().to_string()));
    }
    let request = Request::get(&config.rest_url, "api/v5/public/funding-rate-history", &query)?;
    let asset = asset.clone();
    Ok(PollRequest::new(request, move |body| parse_funding(body, margin, &asset, &visit)))
}

/// Three months in pages, which are cut into halves where funding is settled every hour.
fn funding_past(config: &OkxConfig, margin: Margin) -> History {
    let strand = |asset: &Asset| {
        let (asked, coin) = (config.clone(), asset.clone());
        let name = margin.key(Metric::FundingRate, asset).to_string();
        HistorySeries::new(name, FUNDING_DAYS, 30 * Period::DAY.ms(), move |span, visit| {
            let lead = TimeRange::new(span.from().plus_ms(-LEAD_MS), span.to()).unwrap_or(span);
            let question = funding_question(&asked, margin, &coin, Some(lead), *visit)?;
            Ok(question.map(move |parsed| stated_from(parsed, span.from())))
        })
        .kept_for(FUNDING_DAYS)
        .cut_at(FUNDING_PAGE - 5)
    };
    History::Paged(Pages { strands: margin.assets(config).iter().map(strand).collect(), spacing: SPACING })
}

/// Reads an answer of `/api/v5/public/open-interest`: that of the swap of each of `assets`, in coins
/// and USD.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_open_interest(body: &[u8], margin: Margin, assets: &[Asset]) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(margin.source());
    for value in &rows(body)? {
        let symbol = value.get("instId").and_then(Value::as_str).unwrap_or_default();
        let Some(asset) = assets.iter().find(|asset| margin.swap(asset) == symbol) else { continue };
        match row::<OpenInterest>(value) {
            Ok(swap) => {
                let mut push = |metric, value| parsed.push(margin.key(metric, asset), swap.ts.0, KnownAtRule::OnCommit, value);
                push(Metric::OpenInterestNative, swap.oi_ccy.0);
                push(Metric::OpenInterest, swap.oi_usd.0);
                if margin == Margin::Coin {
                    let inverse = margin.key(Metric::OpenInterest, asset).with_part(INVERSE);
                    parsed.push(inverse, swap.ts.0, KnownAtRule::OnCommit, swap.oi_usd.0);
                }
            }
            Err(reason) => parsed.refuse(margin.key(Metric::OpenInterest, asset).to_string(), Timestamp::default(), reason),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `/api/v5/rubik/stat/contracts/open-interest-history` for the swap of `asset`, in
/// coins and USD.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_open_interest_history(
    body: &[u8],
    margin: Margin,
    asset: &Asset,
    visit: &PollContext,
) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(margin.source());
    for value in &rows(body)? {
        // Instant, contracts, coins, USD.
        let read =
            field::<Millis>(value, 0).and_then(|at| Ok((at.0, field::<Decimal>(value, 2)?.0, field::<Decimal>(value, 3)?.0)));
        match margin {
            Margin::Usdt => push_positions(&mut parsed, asset, visit, read),
            Margin::Coin => push_inverse_positions(&mut parsed, asset, visit, read),
        }
    }
    Ok(parsed)
}

/// Reads an answer of `/api/v5/public/funding-rate-history` for the swap of `asset`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], margin: Margin, asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    Ok(read_settlements(&rows(body)?, margin.source(), asset, visit, |row: Settlement| {
        // Without a realized rate it is not settled yet.
        row.realized_rate.map(|rate| (row.funding_time.0, rate))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &[u8], margin: Margin) -> Vec<String> {
        let parsed = parse_open_interest(body, margin, &["btc", "eth"].map(|name| name.parse().unwrap())).unwrap();
        let readings = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value));
        readings.chain(parsed.refused.iter().map(|refusal| format!("refused {}", refusal.subject))).collect()
    }

    #[test]
    fn the_swaps_of_a_coin_are_told_apart_by_what_they_are_settled_in() {
        let body = br#"{"code":"0","data":[
            {"instId":"BTC-USDT-SWAP","oiCcy":"2","oiUsd":"160000","ts":"1770192000000"},
            {"instId":"BTC-USD-SWAP","oiCcy":"1","oiUsd":"80000","ts":"1770192000001"},
            {"instId":"ETH-USDT-SWAP","oiCcy":"1","oiUsd":"","ts":"1770192000001"},
            {"instId":"PEPE-USDT-SWAP","oiCcy":"1","oiUsd":"1","ts":"1770192000001"}]}"#;
        let usdt = ["open_interest.btc@okx 160000", "open_interest_native.btc@okx 2", "refused open_interest.eth@okx"];
        assert_eq!(read(body, Margin::Usdt), usdt, "eth has no figure in USD");
        let coin = [
            "open_interest.btc@okx-coin 80000",
            "open_interest.btc.inverse@okx-coin 80000",
            "open_interest_native.btc@okx-coin 1",
        ];
        assert_eq!(read(body, Margin::Coin), coin);
    }

    #[test]
    fn past_open_interest_is_read_by_place_and_a_short_row_is_refused() {
        let body = br#"{"code":"0","data":[["1770188400000","2800.5","28.005","2360916.5"],["1770184800000","1"]]}"#;
        let visit = PollContext { seen_until: None, now: "2026-02-04T08:00:00Z".parse().unwrap() };
        let parsed = parse_open_interest_history(body, Margin::Coin, &Asset::btc(), &visit).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        let expected = [
            "open_interest.btc@okx-coin 2360916.5",
            "open_interest.btc.inverse@okx-coin 2360916.5",
            "open_interest_native.btc@okx-coin 28.005",
        ];
        assert_eq!(told, expected);
        assert_eq!(parsed.refused.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"(instId|oiCcy|oiUsd|ts|fundingTime|realizedRate)\":\"[0-9A-Z.-]{0,9}\",?){0,4}\\},?){0,3}") {
            let wrapped = format!(r#"{{"code":"0","data":[{rows}]}}"#);
            let visit = PollContext { seen_until: None, now: Timestamp::default() };
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let _ = (parse_open_interest(bytes, Margin::Usdt, &[Asset::btc()]), parse_funding(bytes, Margin::Usdt, &Asset::btc(), &visit));
                let _ = parse_open_interest_history(bytes, Margin::Usdt, &Asset::btc(), &visit);
            }
        }
    }
}
