//! What rows and bodies are taken, and what is said of those that are not.

use market_stress::api::Settings;
use market_stress::domain::Timestamp;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{JSON, PATH, desk, documented, price, serve, small_desk, verdicts};
use crate::harness::{Engine, Home, contents, postgres};
use crate::http::{NOW, at};

#[rstest]
#[tokio::test]
async fn the_documented_bodies_are_taken_and_seen_in_the_very_next_answer(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
    #[values("application/json", "application/x-ndjson", "text/csv")] media_type: &str,
) {
    let Some(home) = Home::new(engine).await else { return };
    let desk = desk(&home).await;
    let example = &documented()["requestBody"]["content"][media_type]["example"];
    let body = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
    let reply = desk.push(media_type, &body).await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(verdicts(&reply).iter().all(|verdict| verdict == "new"), "{}", reply.text());
    let seen = desk.client.get("/v1/series/open_interest.btc@desk").await.json();
    let last = seen["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["observed_at"], &last["known_at"]), (&"2026-02-04T07:55:00Z".into(), &NOW.into()), "{seen}");
    let sources = desk.client.get("/v1/sources").await.json();
    assert_eq!((&sources["data"][0]["source"], &sources["data"][0]["state"]), (&"desk".into(), &"fresh".into()), "{sources}");
}

#[tokio::test]
async fn the_documented_example_is_answered_as_documented() {
    let (_home, desk) = small_desk().await;
    let documented = documented();
    let reply = desk.push(JSON, &documented["requestBody"]["content"][JSON]["example"].to_string()).await;
    assert_eq!(reply.json(), documented["responses"]["200"]["content"][JSON]["example"]);
    assert_eq!(reply.header("cache-control"), Some("no-store"));
    let flows = desk.client.get("/v1/etf-flows").await.json();
    assert_eq!(flows["data"]["net_flow_usd"], -60_000_000.0, "{flows}");
    let orders = desk.client.get("/v1/liquidations/orders").await.json();
    assert_eq!(orders["data"][0]["usd"], 152_400.0, "{orders}");
    let held = contents(desk.store.as_ref()).await;
    assert_eq!((held.readings.len(), held.candles.len(), held.orders.len()), (2, 1, 1));
}

#[rstest]
#[tokio::test]
async fn a_repeat_changes_nothing_and_a_correction_leaves_the_past_alone(
    #[values(Engine::Sqlite, Engine::Postgres)] engine: Engine,
) {
    let Some(home) = Home::new(engine).await else { return };
    let desk = desk(&home).await;
    let bar =
        json!({"series": "candle.btc@desk:1h", "open_time": "2026-02-04T06:00:00Z", "open": 1, "high": 2, "low": 1, "close": 2});
    let order = json!({"source": "desk", "symbol": "BTC", "side": "short", "at": "2026-02-04", "price_usd": 1, "quantity": 2});
    let rows = json!([price("2026-02-04T07:00:00Z", 100.0), bar, order, order]);
    assert_eq!(verdicts(&desk.push_rows(rows.clone()).await), ["new"; 4]);
    desk.clock.set(at("2026-02-04T09:00:00Z"));
    let past = "/v1/series/price.btc@desk?as_of=2026-02-04T08:30:00Z";
    let before = desk.client.get(past).await.json();
    let again = desk.push_rows(rows).await;
    assert_eq!(verdicts(&again), ["unchanged"; 4]);
    assert_eq!(again.json()["meta"]["data_version"], 1);
    let corrected = desk.push_rows(json!([price("2026-02-04T07:00:00Z", 101.0), price("2026-02-04T07:30:00Z", 7.0)])).await;
    assert_eq!(verdicts(&corrected), ["revised", "new"]);
    assert_eq!(desk.client.get(past).await.json()["data"], before["data"]);
    let now = desk.client.get("/v1/series/price.btc@desk").await.json();
    assert_eq!(now["data"][0]["value"], 101.0, "{now}");
    let revisions = desk.client.get("/v1/revisions").await.json();
    assert_eq!((&revisions["data"][0]["old_value"], &revisions["data"][0]["new_value"]), (&json!(100.0), &json!(101.0)));
}

#[tokio::test]
async fn a_row_without_a_value_says_nothing() {
    let (_home, desk) = small_desk().await;
    let nothing = json!({"series": "price.btc@desk", "observed_at": "2026-02-04", "value": null});
    let reply = desk.push_rows(json!([nothing, price("2026-02-04T07:00:00Z", 1.0)])).await;
    assert_eq!(verdicts(&reply), ["empty", "new"]);
    assert_eq!((&reply.json()["data"]["rows"], &reply.json()["data"]["empty"]), (&json!(2), &json!(1)));
}

#[rstest]
#[case::no_json(JSON, "{\"rows\": [", 400, "bad_request", "line 1, column 10")]
#[case::not_a_number(JSON, "{\"rows\": [{\"value\": NaN}]}", 400, "bad_request", "expected value")]
#[case::infinity(JSON, "{\"rows\": [{\"value\": 1e999}]}", 400, "bad_request", "out of range")]
#[case::no_batch(JSON, "[]", 400, "bad_request", "whose only field is `rows`")]
#[case::no_rows(JSON, "{\"rows\": []}", 400, "bad_request", "holds no rows")]
#[case::nothing(JSON, "", 400, "bad_request", "EOF")]
#[case::bad_line("application/x-ndjson", "{}\n{", 400, "bad_request", "line 2")]
#[case::no_column("text/csv", "series,value\na,1\n", 400, "bad_request", "no column")]
#[case::header_alone("text/csv; charset=utf-8", "series,observed_at,value\n", 400, "bad_request", "holds no rows")]
#[case::open_quote("text/csv", "series,observed_at,value\n\"a,b,1\n", 400, "bad_request", "quoted field")]
#[case::other_type("application/xml", "<rows/>", 415, "unsupported_media_type", "`application/xml`")]
#[case::csv_not_a_number(
    "text/csv",
    "series,observed_at,value\nprice.btc@desk,2026-02-04,NaN\n",
    422,
    "unprocessable",
    "NaN is not a finite number"
)]
#[case::csv_infinity(
    "text/csv",
    "series,observed_at,value\nprice.btc@desk,2026-02-04,inf\n",
    422,
    "unprocessable",
    "inf is not a finite number"
)]
#[tokio::test]
async fn a_body_that_cannot_be_read_is_a_problem_and_changes_nothing(
    #[case] media_type: &str,
    #[case] body: &str,
    #[case] status: u16,
    #[case] code: &str,
    #[case] detail: &str,
) {
    let (_home, desk) = small_desk().await;
    let reply = desk.push(media_type, body).await;
    let problem = reply.problem();
    assert_eq!((reply.status, problem["code"].as_str()), (status, Some(code)), "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(detail), "{problem}");
    assert!(desk.is_empty().await);
}

#[rstest]
#[case::metric(json!({"series": "mood.btc@desk", "observed_at": "2026-02-04", "value": 1}), "series", "the metric is one of")]
#[case::asset(json!({"series": "price.BTC@desk", "observed_at": "2026-02-04", "value": 1}), "series", "`BTC` is not an asset")]
#[case::date(price("2026-02-30", 1.0), "observed_at", "is not an RFC 3339 time")]
#[case::future(price("2026-02-05", 1.0), "", "speaks of the time up to 2026-02-05")]
#[case::absurd(price("2026-02-04", 1e12), "value", "is outside of")]
#[case::below_zero(price("2026-02-04", -5.0), "value", "-5 is outside of")]
#[case::for_nothing(price("2026-02-04", 0.0), "value", "0 is outside of")]
#[case::text(json!({"series": "price.btc@desk", "observed_at": "2026-02-04", "value": "1"}), "value", "text stands where a number")]
#[case::no_bar(json!({"series": "candle.btc@desk:1h", "open_time": "2026-02-03", "open": 1, "high": 1, "low": 2, "close": 1}), "", "do not make a bar")]
#[case::running_bar(json!({"series": "candle.btc@desk:1d", "open_time": "2026-02-04", "open": 1, "high": 1, "low": 1, "close": 1}), "", "push it when that is over")]
#[case::twice(price("2026-02-03", 2.0), "observed_at", "was already stated in row 1")]
#[case::negative(json!({"source": "desk", "symbol": "BTC", "side": "long", "at": "2026-02-03", "price_usd": 1, "quantity": -1}), "quantity", "-1 is negative")]
#[case::off_grid(
    json!({"series": "market_cap.btc@desk:1d", "observed_at": "2026-02-02T16:00:00Z", "value": 1}),
    "observed_at",
    "is not where a row of 1d begins; the one that holds it begins at 2026-02-02T00:00:00Z"
)]
#[case::known_too_early(
    json!({"series": "market_cap.btc@desk:1d", "observed_at": "2026-02-02", "value": 1, "known_at": "2026-02-02T12:00:00Z"}),
    "known_at",
    "known at 2026-02-02T12:00:00Z, before 2026-02-03T00:00:00Z"
)]
#[case::store(json!({"source": "desk", "symbol": "B\u{7}", "side": "long", "at": "2026-02-03", "price_usd": 1, "quantity": 1}), "", "control characters")]
#[tokio::test]
async fn one_bad_row_keeps_all_out_and_every_row_gets_its_verdict(#[case] bad: Value, #[case] field: &str, #[case] detail: &str) {
    let (_home, desk) = small_desk().await;
    let reply = desk.push_rows(json!([price("2026-02-03", 1.0), bad, price("2026-02-02", 1.0)])).await;
    let problem = reply.problem();
    assert_eq!((reply.status, problem["code"].as_str()), (422, Some("unprocessable")), "{problem}");
    assert_eq!(verdicts(&reply), ["not_written", "refused", "not_written"], "{problem}");
    let told = &problem["verdicts"][1];
    assert_eq!((&told["row"], told["field"].as_str().unwrap_or_default()), (&json!(2), field), "{problem}");
    assert!(told["detail"].as_str().unwrap().contains(detail), "{problem}");
    assert!(problem["detail"].as_str().unwrap().starts_with("1 of 3 rows are refused, so nothing was written"), "{problem}");
    assert!(problem["errors"][0]["parameter"].as_str().unwrap().starts_with("row 2"), "{problem}");
    assert!(desk.is_empty().await);
}

#[tokio::test]
async fn the_price_of_oil_may_be_below_zero() {
    let (_home, desk) = small_desk().await;
    let oil = json!({"series": "price.wti@desk", "observed_at": "2026-02-03", "value": -37.63});
    let reply = desk.push_rows(json!([oil])).await;
    assert_eq!((reply.status, verdicts(&reply)), (200, vec!["new".to_owned()]), "{}", reply.text());
}

#[tokio::test]
async fn a_point_that_rows_of_two_kinds_state_is_refused() {
    let (_home, desk) = small_desk().await;
    let flow = json!({"source": "desk", "asset": "btc", "fund": "IBIT", "trading_day": "2026-02-03", "flow_usd": 1});
    let same = json!({"series": "etf_flow.btc.IBIT@desk", "observed_at": "2026-02-03", "value": 2});
    let reply = desk.push_rows(json!([flow, same])).await;
    assert_eq!((reply.status, verdicts(&reply)), (422, vec!["not_written".to_owned(), "refused".to_owned()]));
    assert!(desk.is_empty().await);
}

#[tokio::test]
async fn a_body_that_is_too_long_or_has_too_many_rows_is_refused() {
    let home = Home::new(Engine::Sqlite).await.unwrap();
    let settings = Settings { push_rows: 2, body_limit_bytes: 1_024, ..Settings::default() };
    let desk = serve(home.open().await, settings).await;
    let three: Vec<Value> = (1..=3).map(|day| price(&format!("2026-02-0{day}"), 1.0)).collect();
    let long = json!({ "rows": [price("2026-02-01", 1.0)], "x": "y".repeat(2_000) }).to_string();
    for reply in [desk.push_rows(json!(three)).await, desk.push(JSON, &long).await] {
        assert_eq!((reply.status, reply.problem()["code"].as_str()), (413, Some("payload_too_large")), "{}", reply.text());
    }
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: test\r\nConnection: close\r\nAuthorization: Bearer {}\r\nContent-Type: {JSON}\r\n\
         Transfer-Encoding: chunked\r\n\r\n7d0\r\n{}\r\n0\r\n\r\n",
        desk.token,
        "x".repeat(2_000)
    );
    assert_eq!(desk.client.send_raw(head.as_bytes()).await.status, 413, "the length is not known beforehand");
    assert!(desk.is_empty().await);
}

#[tokio::test]
async fn a_body_that_ends_too_early_changes_nothing() {
    let (_home, desk) = small_desk().await;
    let body = json!({ "rows": [price("2026-02-01", 1.0)] }).to_string();
    let mut stream = TcpStream::connect(&desk.client.address).await.unwrap();
    let head = format!(
        "POST {PATH} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {}\r\nContent-Type: {JSON}\r\nContent-Length: {}\r\n\r\n",
        desk.token,
        body.len() + 10
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let mut reply = vec![];
    stream.read_to_end(&mut reply).await.unwrap();
    assert!(reply.is_empty() || reply.starts_with(b"HTTP/1.1 400"), "{}", String::from_utf8_lossy(&reply));
    assert!(desk.is_empty().await);
}

#[tokio::test]
async fn a_compressed_body_an_unknown_parameter_and_another_method_are_problems() {
    let (_home, desk) = small_desk().await;
    let body = json!({ "rows": [price("2026-02-03", 1.0)] }).to_string();
    let gzip = desk.push_with(&desk.token, &[("Content-Type", JSON), ("Content-Encoding", "gzip")], &body).await;
    assert_eq!((gzip.status, gzip.problem()["code"].as_str()), (415, Some("unsupported_media_type")));
    let no_type = desk.push_with(&desk.token, &[], &body).await;
    assert_eq!(no_type.status, 415);
    let bearer = format!("Bearer {}", desk.token);
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", JSON)];
    let asked = desk.client.post(&format!("{PATH}?dry_run=true"), &headers, body.as_bytes()).await;
    assert_eq!((asked.status, &asked.problem()["errors"][0]["parameter"]), (400, &"dry_run".into()), "{}", asked.text());
    let read = desk.client.get(PATH).await;
    assert_eq!((read.status, read.header("allow")), (405, Some("POST")));
    assert!(desk.is_empty().await);
    assert_eq!(desk.client.post("/observations", &headers, body.as_bytes()).await.status, 200, "the path answers without prefix");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_store_is_away_nothing_is_acknowledged_and_nothing_lost() {
    let mut server = match postgres::Server::private() {
        Ok(server) => server,
        Err(reason) => return postgres::did_not_run(&reason),
    };
    let database = server.database().await;
    let store = market_stress::store::open(&database.url.parse().unwrap()).await.unwrap();
    let desk = serve(store, Settings::default()).await;
    assert_eq!(desk.push_rows(json!([price("2026-02-01", 1.0)])).await.status, 200);
    server.kill();
    let rows = json!([price("2026-02-02", 2.0)]);
    let away = desk.push_named("load-7", &rows).await;
    assert_eq!((away.status, away.problem()["code"].as_str()), (503, Some("unavailable")), "{}", away.text());
    assert_eq!(away.header("retry-after"), Some("5"));
    assert_eq!(desk.client.get("/v1/series/price.btc@desk").await.json()["data"][0]["value"], 1.0);
    server.start_again();
    let back = desk.push_named("load-7", &rows).await;
    assert_eq!((back.status, verdicts(&back)), (200, vec!["new".to_owned()]), "{}", back.text());
    let known: Vec<Timestamp> =
        contents(desk.store.as_ref()).await.readings.into_values().flatten().map(|row| row.observed_at).collect();
    assert_eq!(known, [at("2026-02-01"), at("2026-02-02")]);
}
