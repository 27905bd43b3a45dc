use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::config::BinanceConfig;
use super::contract::{Contract, Size};
use super::margin::Margin;
use super::{info, rows};
use crate::domain::{Asset, Cadence, Metric, Period, Timestamp};
use crate::ingest::funding::{LEAD_MS, read_settlements, stated_from};
use crate::ingest::positions::{FINE_MS, PositionSpan, history, push_inverse_positions, push_positions, spans};
use crate::ingest::wire::{Decimal, Millis, row};
use crate::ingest::{
    FetchError, History, HistorySeries, Pages, ParseError, Parsed, PollContext, PollRequest, PolledFeed, Profile, Reader,
    Request, Schedule,
};

/// The most rows of an answer on open interest, and of one on funding.
const OPEN_INTEREST_PAGE: i64 = 500;
const FUNDING_PAGE: i64 = 1_000;
/// The venue keeps open interest for a month.
const OPEN_INTEREST_DAYS: i64 = 29;
/// What is read back of open interest, and what the venue keeps, days.
const DEPTH: (u32, u32) = (29, 29);
/// Half of what is allowed: 1,000 questions on open interest in five minutes, 500 on funding.
const OPEN_INTEREST_SPACING: Duration = Duration::from_millis(1_200);
const FUNDING_SPACING: Duration = Duration::from_millis(2_400);
/// An answer of nearly [`FUNDING_PAGE`] settlements may be cut; one that is repeated counts once.
const CUT_AT: usize = 990;
/// The first contract was listed on 2019-09-08.
const LISTED_SINCE: Timestamp = Timestamp::from_unix_seconds(1_567_900_800);
/// The longest interval between settlements: pages this far apart leave none out.
const SETTLEMENT_MS: i64 = 8 * Period::HOUR.ms();

/// A row of `/futures/data/openInterestHist` of a USD-M contract.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsdPositions {
    symbol: String,
    /// Units of the symbol, one side.
    sum_open_interest: Decimal,
    /// USDT, one side.
    sum_open_interest_value: Decimal,
    /// Milliseconds; a string in the documentation and a number on the wire.
    timestamp: Millis,
}

/// A row of `/futures/data/openInterestHist` of the COIN-M contracts of a pair: the two figures are
/// named as those of USD-M and mean something else.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CoinPositions {
    pair: String,
    /// Contracts, one side.
    sum_open_interest: Decimal,
    /// Coins, one side.
    sum_open_interest_value: Decimal,
    /// Milliseconds.
    timestamp: Millis,
}

/// A row of `/fapi/v1/fundingRate` or `/dapi/v1/fundingRate`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settlement {
    /// Fraction per funding interval.
    funding_rate: Decimal,
    /// Milliseconds, a few of them late.
    funding_time: Millis,
    /// `Special` marks dividend adjustments of contracts on stocks.
    #[serde(default)]
    rate_type: Option<String>,
}

/// Open interest of the perpetuals of one margin: hourly for the past, every five minutes from then on.
#[must_use]
pub fn open_interest_feed(config: &BinanceConfig, margin: Margin) -> PolledFeed {
    let (name, seconds) = match margin {
        Margin::Usd => ("binance-open-interest", 30),
        Margin::Coin => ("binance-coin-open-interest", 32),
    };
    let (config, asked) = (config.clone(), config.clone());
    PolledFeed {
        profile: Profile { name, info: info(margin), cadence: Cadence::every(FINE_MS) },
        schedule: Schedule::every(Duration::from_mins(5)).after(Duration::from_secs(seconds)),
        cursor_series: margin.assets(&config).iter().map(|asset| margin.key(Metric::OpenInterest, asset)).collect(),
        history: Some(history(
            &margin.assets(&config),
            DEPTH,
            OPEN_INTEREST_PAGE,
            OPEN_INTEREST_SPACING,
            move |asset, span, visit| open_interest_question(&asked, margin, asset, span, visit),
        )),
        questions: Box::new(move |visit| open_interest_questions(&config, margin, *visit)),
    }
}

/// Funding settlements of the perpetuals of one margin, back to their listing.
#[must_use]
pub fn funding_feed(config: &BinanceConfig, margin: Margin) -> PolledFeed {
    let (name, seconds) = match margin {
        Margin::Usd => ("binance-funding", 35),
        Margin::Coin => ("binance-coin-funding", 37),
    };
    let config = config.clone();
    PolledFeed {
        profile: Profile { name, info: info(margin), cadence: Cadence::every(SETTLEMENT_MS) },
        schedule: Schedule::every(Duration::from_hours(1)).after(Duration::from_secs(seconds)),
        cursor_series: margin.assets(&config).iter().map(|asset| margin.key(Metric::FundingRate, asset)).collect(),
        history: Some(funding_past(&config, margin)),
        questions: Box::new(move |visit| funding_questions(&config, margin, *visit)),
    }
}

fn open_interest_questions(config: &BinanceConfig, margin: Margin, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let spans = spans(visit, OPEN_INTEREST_DAYS, OPEN_INTEREST_PAGE);
    let assets = margin.assets(config);
    let all = spans.into_iter().flat_map(|span| assets.iter().map(move |asset| (asset, span)));
    all.map(|(asset, span)| open_interest_question(config, margin, asset, span, visit)).collect()
}

fn open_interest_question(
    config: &BinanceConfig,
    margin: Margin,
    asset: &Asset,
    span: PositionSpan,
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let mut query = vec![
        ("period", if span.fine { "5m" } else { "1h" }.to_owned()),
        ("startTime", span.from.unix_ms().to_string()),
        ("endTime", span.until.unix_ms().to_string()),
        ("limit", OPEN_INTEREST_PAGE.to_string()),
    ];
    let asset = asset.clone();
    let read: Reader = match margin {
        Margin::Usd => {
            query.push(("symbol", margin.perpetual(&asset)));
            Box::new(move |body| parse_open_interest(body, &asset, &visit))
        }
        Margin::Coin => {
            query.push(("pair", Margin::coin_pair(&asset)));
            query.push(("contractType", "PERPETUAL".to_owned()));
            Box::new(move |body| parse_coin_open_interest(body, &asset, &visit))
        }
    };
    let request = Request::get(margin.rest_url(config), "futures/data/openInterestHist", &query)?;
    Ok(PollRequest::new(request, read))
}

fn funding_questions(config: &BinanceConfig, margin: Margin, visit: PollContext) -> Result<Vec<PollRequest>, FetchError> {
    let from = visit.from(2 * SETTLEMENT_MS, i64::from(config.day_history_days) * Period::DAY.ms()).max(LISTED_SINCE);
    let starts = (0..).map(|page| from.plus_ms(page * FUNDING_PAGE * SETTLEMENT_MS)).take_while(|start| *start < visit.now);
    let assets = margin.assets(config);
    let all = starts.flat_map(|start| assets.iter().map(move |asset| (asset, start)));
    all.map(|(asset, start)| funding_question(config, margin, asset, (start, visit.now), visit)).collect()
}

fn funding_question(
    config: &BinanceConfig,
    margin: Margin,
    asset: &Asset,
    (from, until): (Timestamp, Timestamp),
    visit: PollContext,
) -> Result<PollRequest, FetchError> {
    let query = [
        ("symbol", margin.perpetual(asset)),
        ("startTime", from.unix_ms().to_string()),
        ("endTime", until.unix_ms().to_string()),
        ("limit", FUNDING_PAGE.to_string()),
    ];
    let request = Request::get(margin.rest_url(config), &margin.path("fundingRate"), &query)?;
    let asset = asset.clone();
    Ok(PollRequest::new(request, move |body| parse_funding(body, margin, &asset, &visit)))
}

/// Funding since the listing. A page is one answer where it is settled every eight hours, and cut
/// into halves where it is settled more often.
fn funding_past(config: &BinanceConfig, margin: Margin) -> History {
    let page_ms = (FUNDING_PAGE - 100) * SETTLEMENT_MS;
    let strand = |asset: &Asset| {
        let (asked, coin) = (config.clone(), asset.clone());
        let name = margin.key(Metric::FundingRate, asset).to_string();
        HistorySeries::new(name, config.day_history_days, page_ms, move |span, visit| {
            let asked_for = (span.from().plus_ms(-LEAD_MS), span.to().plus_ms(-1));
            let question = funding_question(&asked, margin, &coin, asked_for, *visit)?;
            Ok(question.map(move |parsed| stated_from(parsed, span.from())))
        })
        .kept_since(LISTED_SINCE)
        .cut_at(CUT_AT)
    };
    History::Paged(Pages { strands: margin.assets(config).iter().map(strand).collect(), spacing: FUNDING_SPACING })
}

/// Reads an answer of `/futures/data/openInterestHist` for the USD-M perpetual of `asset`: coins and
/// USD.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_open_interest(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(Margin::Usd.source());
    for value in &rows::<Value>(body)? {
        let read = row::<UsdPositions>(value).and_then(|row| {
            let contract = Contract::parse(&row.symbol).map_err(|error| error.to_string())?;
            match contract.size {
                Size::Coins(units) => Ok((row.timestamp.0, row.sum_open_interest.0 * units, row.sum_open_interest_value.0)),
                Size::Usd(_) => Err("it counts in contracts".to_owned()),
            }
        });
        push_positions(&mut parsed, asset, visit, read);
    }
    Ok(parsed)
}

/// Reads an answer of `/futures/data/openInterestHist` for the COIN-M perpetual of `asset`: coins,
/// and USD by the fixed size of its contract.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_coin_open_interest(body: &[u8], asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed::new(Margin::Coin.source());
    for value in &rows::<Value>(body)? {
        let read = row::<CoinPositions>(value).and_then(|row| {
            let contract = Contract::parse(&format!("{}_PERP", row.pair)).map_err(|error| error.to_string())?;
            match contract.size {
                Size::Usd(usd) => Ok((row.timestamp.0, row.sum_open_interest_value.0, row.sum_open_interest.0 * usd)),
                Size::Coins(_) => Err("it counts in coins".to_owned()),
            }
        });
        push_inverse_positions(&mut parsed, asset, visit, read);
    }
    Ok(parsed)
}

/// Reads an answer of `/fapi/v1/fundingRate` or `/dapi/v1/fundingRate` for the perpetual of `asset`.
///
/// # Errors
/// [`ParseError`] when the upstream refused or the answer has another shape.
pub fn parse_funding(body: &[u8], margin: Margin, asset: &Asset, visit: &PollContext) -> Result<Parsed, ParseError> {
    Ok(read_settlements(&rows::<Value>(body)?, margin.source(), asset, visit, |row: Settlement| {
        let is_special = row.rate_type.as_deref() == Some("Special");
        (!is_special).then_some((row.funding_time.0, row.funding_rate.0))
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    fn visit(seen_until: Option<&str>) -> PollContext {
        let at = |text: &str| text.parse().unwrap();
        PollContext { seen_until: seen_until.map(at), now: at("2026-02-04T08:00:00Z") }
    }

    #[rstest]
    #[case(Margin::Usd, "https://fapi.binance.com", "symbol=BTCUSDT")]
    #[case(Margin::Coin, "https://dapi.binance.com", "pair=BTCUSD&contractType=PERPETUAL")]
    fn each_margin_is_asked_at_its_own_address(#[case] margin: Margin, #[case] address: &str, #[case] what: &str) {
        let config = BinanceConfig { assets: vec![Asset::btc()], ..BinanceConfig::default() };
        let questions = open_interest_questions(&config, margin, visit(Some("2026-02-04T07:55:00Z"))).unwrap();
        let url = questions[0].request.url.as_str();
        assert!(url.starts_with(address) && url.ends_with(what), "{url}");
        let url = funding_questions(&config, margin, visit(None)).unwrap()[0].request.url.to_string();
        assert!(url.starts_with(address) && url.contains(&margin.perpetual(&Asset::btc())), "{url}");
    }

    #[test]
    fn contracts_on_a_coin_are_worth_fixed_dollars_and_the_figures_change_places() {
        let body = br#"[{"pair":"ETHUSD","contractType":"PERPETUAL","sumOpenInterest":"1000","sumOpenInterestValue":"4","timestamp":1770163200000},
            {"pair":"ETHUSD"}]"#;
        let parsed = parse_coin_open_interest(body, &"eth".parse().unwrap(), &visit(None)).unwrap();
        let told: Vec<_> = parsed.batch.readings.iter().map(|(key, rows)| format!("{key} {}", rows[0].value)).collect();
        let expected = [
            "open_interest.eth@binance-coin 10000",
            "open_interest.eth.inverse@binance-coin 10000",
            "open_interest_native.eth@binance-coin 4",
        ];
        assert_eq!(told, expected);
        assert_eq!(parsed.refused.len(), 1);
        assert!(parse_open_interest(body, &"eth".parse().unwrap(), &visit(None)).unwrap().batch.is_empty());
    }

    #[test]
    fn a_coin_whose_name_ends_in_b_has_open_interest_too() {
        let body = br#"[{"pair":"BNBUSD","sumOpenInterest":"50","sumOpenInterestValue":"0.58","timestamp":1770163200000}]"#;
        let parsed = parse_coin_open_interest(body, &"bnb".parse().unwrap(), &visit(None)).unwrap();
        assert_eq!(
            parsed.batch.readings[&"open_interest.bnb@binance-coin".parse().unwrap()][0].value.to_bits(),
            500.0_f64.to_bits()
        );
        assert!(parsed.refused.is_empty());
    }

    #[test]
    fn settlements_that_are_dividends_are_left_out() {
        let body = br#"[
            {"symbol":"BTCUSDT","fundingRate":"0.0001","fundingTime":1770163200003,"markPrice":""},
            {"symbol":"BTCUSDT","fundingRate":"0.5","fundingTime":1770170000000,"rateType":"Special"},
            {"symbol":"BTCUSDT","fundingRate":"0.0002","fundingTime":1770192000001,"rateType":"Regular"},
            {"symbol":"BTCUSDT"}]"#;
        let parsed = parse_funding(body, Margin::Usd, &Asset::btc(), &visit(None)).unwrap();
        let rows = &parsed.batch.readings[&"funding_rate.btc@binance".parse().unwrap()];
        assert_eq!(
            rows.iter().map(|row| row.observed_at.to_string()).collect::<Vec<_>>(),
            ["2026-02-04T00:00:00Z", "2026-02-04T08:00:00Z"]
        );
        assert_eq!(parsed.refused.len(), 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(body: Vec<u8>, rows in "(\\{(\"(symbol|pair|sumOpenInterest|sumOpenInterestValue|timestamp|fundingRate|fundingTime)\":\"[0-9A-Z.-]{0,9}\",?){0,4}\\},?){0,3}") {
            let wrapped = format!("[{rows}]");
            for bytes in [body.as_slice(), wrapped.as_bytes()] {
                let btc = Asset::btc();
                let _ = (parse_open_interest(bytes, &btc, &visit(None)), parse_coin_open_interest(bytes, &btc, &visit(None)));
                let _ = parse_funding(bytes, Margin::Coin, &btc, &visit(None));
            }
        }
    }
}
