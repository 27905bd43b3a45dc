//! The same answer as JSON, CSV and NDJSON, with instants in words or in numbers, whole or in pages.

use axum::http::Method;
use market_stress::domain::{Asset, Delta, KnownAtRule, LiquidationOrder, RecordedOrder, Side, Vintage};
use rstest::rstest;

use crate::http::{Plan, at, commit, key, source};

#[rstest]
#[case("/v1/price", "", "application/json")]
#[case("/v1/price", "text/csv", "text/csv; charset=utf-8; header=present")]
#[case("/v1/price?format=json", "text/csv", "application/json")]
#[case("/v1/price?format=csv", "application/json", "text/csv; charset=utf-8; header=present")]
#[case("/v1/price", "application/x-ndjson", "application/json")]
#[case("/v1/price", "image/png", "application/json")]
#[case("/v1/drawdown/series", "application/x-ndjson;q=0.9, application/json;q=0.1", "application/x-ndjson")]
#[case("/v1/drawdown/series", "text/html, */*;q=0.1", "application/json")]
#[tokio::test]
async fn the_format_is_the_one_asked_for(#[case] target: &str, #[case] accept: &str, #[case] content_type: &str) {
    let reply = Plan::with_prices().serve().await.get_with(target, &[("Accept", accept)]).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some(content_type)));
    assert_eq!(reply.header("vary"), Some("Accept, Accept-Encoding"));
}

#[tokio::test]
async fn rows_are_one_line_each_in_csv_and_ndjson() {
    let service = Plan::with_prices().serve().await;
    let json = service.get("/v1/drawdown/series").await.json();
    let rows = json["data"].as_array().unwrap();
    assert_eq!(rows.len(), 30);
    let csv = service.get("/v1/drawdown/series?format=csv").await;
    let lines: Vec<&str> = csv.text().split("\r\n").collect();
    assert_eq!(lines[..2], ["time,price_usd,drawdown_pct", "2026-01-05T00:00:00Z,100.0,0.0"]);
    assert_eq!((lines.len(), lines[31]), (32, ""));
    let ndjson = service.get("/v1/drawdown/series?format=ndjson").await;
    let read: Vec<serde_json::Value> = ndjson.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(&read, rows);
}

#[tokio::test]
async fn one_object_is_one_line_with_dotted_columns() {
    let reply = Plan::with_prices().serve().await.get("/v1/price?format=csv").await;
    let mut lines = reply.text().split("\r\n");
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let values: Vec<&str> = lines.next().unwrap().split(',').collect();
    assert_eq!(header.len(), values.len());
    let value = |column: &str| values[header.iter().position(|name| *name == column).unwrap()];
    assert_eq!(value("price_usd"), "129.0");
    assert_eq!(value("previous_day.close_usd"), "129.0");
    assert_eq!(value("low_usd"), "", "unknown is an empty cell");
}

#[tokio::test]
async fn a_briefing_is_a_row_for_each_figure_known_or_not() {
    let service = Plan::with_prices().serve().await;
    let json = service.get("/v1/briefing").await.json();
    let reply = service.get_with("/v1/briefing", &[("Accept", "text/csv")]).await;
    assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let mut reader = csv::Reader::from_reader(reply.text().as_bytes());
    let header = reader.headers().unwrap().clone();
    assert_eq!(header, vec!["id", "sentence", "value", "unit", "source", "observed_at", "state", "bound", "reason"]);
    let rows: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    let (figures, missing) = (json["data"]["figures"].as_array().unwrap(), json["data"]["missing"].as_array().unwrap());
    assert!(!figures.is_empty() && !missing.is_empty());
    assert_eq!(rows.len(), figures.len() + missing.len());
    for (row, figure) in rows.iter().zip(figures) {
        let text = |field: &str| figure[field].as_str().unwrap_or_default().to_owned();
        let value = figure["value"].as_str().map_or_else(|| figure["value"].to_string(), str::to_owned);
        let expected = [
            text("id"),
            text("sentence"),
            value,
            text("unit"),
            text("source"),
            text("observed_at"),
            text("state"),
            text("bound"),
            String::new(),
        ];
        assert_eq!(row, &expected);
    }
    for (row, figure) in rows[figures.len()..].iter().zip(missing) {
        assert_eq!((row[0].as_str(), row[8].as_str()), (figure["id"].as_str().unwrap(), figure["reason"].as_str().unwrap()));
        assert!(row[1..8].iter().all(String::is_empty), "{row:?}");
    }
}

#[tokio::test]
async fn a_list_without_rows_has_its_header_and_says_why_it_is_empty() {
    let service = Plan::default().serve().await;
    let csv = service.get("/v1/drawdown/series?format=csv").await;
    assert_eq!(csv.text(), "time,price_usd,drawdown_pct\r\n");
    let json = service.get("/v1/drawdown/series").await.json();
    assert_eq!(json["data"], serde_json::json!([]));
    assert_eq!(json["warnings"][0]["code"], "no_data");
}

#[tokio::test]
async fn unix_ms_switches_every_instant() {
    let service = Plan::with_prices().serve().await;
    let answer = service.get("/v1/drawdown?time_format=unix_ms").await;
    assert!(!answer.text().contains("2026-"), "{}", answer.text());
    let now = at(crate::http::NOW).unix_ms();
    assert_eq!(answer.json()["meta"]["as_of"], now);
    let csv = service.get("/v1/drawdown/series?time_format=unix_ms&format=csv").await;
    assert!(csv.text().contains(&format!("{},100.0", at("2026-01-05").unix_ms())), "{}", csv.text());
}

#[tokio::test]
async fn the_answer_is_enveloped_and_the_same_without_the_prefix() {
    let service = Plan::with_prices().serve().await;
    let answer = service.get("/v1/drawdown").await.json();
    assert_eq!(answer.as_object().unwrap().keys().collect::<Vec<_>>(), ["data", "meta", "sources", "warnings"]);
    assert_eq!(answer["meta"]["as_of_defaulted"], true);
    assert_eq!(answer["meta"]["data_version"], 1);
    assert_eq!((&answer["sources"][0]["source"], &answer["sources"][0]["n_series"]), (&"venue".into(), &1.into()));
    let sources = async |detail: &str| service.get(&format!("/v1/drawdown?sources={detail}")).await.json()["sources"].clone();
    assert_eq!(sources("full").await[0]["series"], "candle.btc@venue:1d");
    assert_eq!((sources("none").await, sources("summary").await), (serde_json::Value::Null, answer["sources"].clone()));
    assert_eq!(service.get("/drawdown").await.json(), answer);
    assert_eq!(service.get(&format!("/drawdown?as_of={}", crate::http::NOW)).await.json()["meta"]["as_of_defaulted"], false);
}

#[tokio::test]
async fn head_has_the_head_of_get_and_no_body() {
    let service = Plan::with_prices().serve().await;
    let get = service.get("/v1/price").await;
    let head = service.send(Method::HEAD.as_str(), "/v1/price", &[]).await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["content-type", "content-length", "etag", "cache-control"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
    let missing = service.send(Method::HEAD.as_str(), "/nowhere", &[]).await;
    assert_eq!((missing.status, missing.body.len()), (404, 0));
}

/// Ten orders, a minute apart, of alternating sides.
fn orders() -> Vec<RecordedOrder> {
    let order = |minute: i64| {
        let occurred_at = at("2026-02-04T07:00:00Z").plus_ms(60_000 * minute);
        let side = if minute % 2 == 0 { Side::Long } else { Side::Short };
        RecordedOrder {
            order: LiquidationOrder {
                source: source("venue"),
                symbol: "BTC.USDT".to_owned(),
                asset: Asset::btc(),
                side,
                occurred_at,
                knowledge: KnownAtRule::Vintage(occurred_at),
                price_usd: 76_000.0,
                quantity: 1.0,
                usd: 76_000.0,
            },
            known_at: occurred_at,
            ordinal: 0,
        }
    };
    (0..10).map(order).collect()
}

#[tokio::test]
async fn orders_are_paged_and_a_cursor_pins_cutoff_and_filters() {
    let commits = vec![Delta { orders: orders(), ..commit(1) }];
    let service = Plan { commits, orders: orders(), ..Plan::default() }.serve().await;
    let first = service.get("/v1/liquidations/orders?side=long&limit=2").await;
    let mut next = first.json()["links"]["next"].as_str().unwrap().to_owned();
    assert_eq!(first.header("link"), Some(format!("<{next}>; rel=\"next\"").as_str()));
    let mut seen: Vec<String> = times(&first.json());
    let later = at(crate::http::NOW).plus_ms(3_600_000);
    service.clock.set(later);
    loop {
        let page = service.get(&next).await.json();
        assert_eq!(page["meta"]["as_of"], crate::http::NOW, "the cutoff is pinned");
        seen.extend(times(&page));
        match page["links"]["next"].as_str() {
            Some(link) => link.clone_into(&mut next),
            None => break,
        }
    }
    assert_eq!(seen, ["08", "06", "04", "02", "00"].map(|minute| format!("2026-02-04T07:{minute}:00Z")));
    let contradicted = service.get(&format!("{next}&side=short")).await;
    assert_eq!((contradicted.status, contradicted.problem()["errors"][0]["parameter"].as_str()), (400, Some("side")));
    let repeated = service.get(&format!("{next}&side=long&limit=5")).await;
    assert_eq!(repeated.status, 400, "limit is in the link already: {}", repeated.text());
}

fn times(page: &serde_json::Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|row| row["at"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn lists_in_memory_are_paged_without_shifting_while_rows_arrive() {
    let service = Plan::with_prices().serve().await;
    let target = "/v1/series/candle.btc@venue:1d";
    let whole = service.get(target).await.json();
    assert_eq!(whole["links"]["next"], serde_json::Value::Null);
    let first = service.get(&format!("{target}?limit=20")).await.json();
    let known_at = at(crate::http::NOW).plus_ms(1_000);
    let early = Vintage { observed_at: at("2026-01-01"), known_at, value: crate::http::bar(90.0) };
    let candles = [(key("candle.btc@venue:1d"), vec![early])].into();
    service.market.apply(&Delta { candles, recorded_at: known_at, ..commit(2) });
    service.clock.set(at(crate::http::NOW).plus_ms(60_000));
    let second = service.get(first["links"]["next"].as_str().unwrap()).await.json();
    let rows = [first["data"].as_array().unwrap().clone(), second["data"].as_array().unwrap().clone()].concat();
    assert_eq!(&rows, whole["data"].as_array().unwrap());
    assert_eq!(service.get(target).await.json()["data"].as_array().unwrap().len(), 31);
}
