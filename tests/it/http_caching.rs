//! Validators, lifetimes, compression, and the promise that the past does not change.

use market_stress::domain::{Delta, Vintage};
use rstest::rstest;

use crate::http::{NOW, Plan, Service, at, bar, commit, key};

/// Corrects the close of 2026-01-10, a second after the clock stood at [`NOW`].
fn correct_the_past(service: &Service) {
    let known_at = at(NOW).plus_ms(1_000);
    let corrected = Vintage { observed_at: at("2026-01-10"), known_at, value: bar(500.0) };
    let candles = [(key("candle.btc@venue:1d"), vec![corrected])].into();
    service.market.apply(&Delta { candles, recorded_at: known_at, ..commit(2) });
    service.clock.set(known_at.plus_ms(1_000));
}

#[rstest]
#[case("/v1/price?as_of=2026-02-03")]
#[case("/v1/drawdown?as_of=2026-02-03")]
#[case("/v1/drawdown/series?as_of=2026-02-03&format=csv")]
#[case("/v1/series/candle.btc@venue:1d?as_of=2026-02-03&include_history=true")]
#[tokio::test]
async fn an_answer_about_the_past_is_the_same_bytes_after_a_correction(#[case] target: &str) {
    let service = Plan::with_prices().serve().await;
    let before = service.get(target).await;
    correct_the_past(&service);
    let after = service.get(target).await;
    assert_eq!(before.status, 200, "{}", before.text());
    assert_eq!((before.text(), before.header("etag")), (after.text(), after.header("etag")));
    assert_eq!(after.header("cache-control"), Some("public, max-age=86400, stale-while-revalidate=86400"));
    let now = service.get("/v1/drawdown").await.json();
    assert_eq!(now["data"]["peak_usd"], 500.0, "the present sees the correction");
}

#[rstest]
#[case("*")]
#[case("\"other\", ETAG")]
#[case("ETAG")]
#[tokio::test]
async fn an_answer_the_client_holds_is_not_sent_again(#[case] if_none_match: &str) {
    let service = Plan::with_prices().serve().await;
    let first = service.get("/v1/drawdown").await;
    let etag = first.header("etag").unwrap();
    assert!(etag.starts_with("W/\""), "{etag}");
    let again = service.get_with("/v1/drawdown", &[("If-None-Match", &if_none_match.replace("ETAG", etag))]).await;
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert_eq!((again.header("etag"), again.header("cache-control")), (Some(etag), first.header("cache-control")));
    assert_eq!(service.get_with("/v1/drawdown", &[("If-None-Match", "W/\"other\"")]).await.status, 200);
}

#[tokio::test]
async fn the_validator_follows_the_question_the_rows_and_the_minute() {
    let service = Plan::with_prices().serve().await;
    let etag = async |target: &str| service.get(target).await.header("etag").unwrap().to_owned();
    let first = etag("/v1/drawdown").await;
    assert_eq!(first, etag("/drawdown?asset=btc&basis=close").await, "the same question in other words");
    assert_ne!(first, etag("/v1/drawdown?basis=intraday").await);
    assert_ne!(first, etag("/v1/drawdown?format=csv").await);
    service.clock.set(at(NOW).plus_ms(30_000));
    assert_eq!(first, etag("/v1/drawdown").await, "within the minute nothing has changed");
    service.clock.set(at(NOW).plus_ms(60_000));
    let next_minute = etag("/v1/drawdown").await;
    assert_ne!(first, next_minute, "ages have grown");
    correct_the_past(&service);
    assert_ne!(first, etag("/v1/drawdown").await, "a row that was read was corrected");
}

#[tokio::test]
async fn an_answer_about_the_present_lives_until_the_next_row_is_expected() {
    let reply = Plan::with_prices().serve().await.get("/v1/drawdown").await;
    assert_eq!(reply.header("cache-control"), Some("public, max-age=300, stale-while-revalidate=300"));
}

#[tokio::test]
async fn what_was_just_written_is_in_the_next_answer() {
    let service = Plan::with_prices().serve().await;
    service.clock.set(at(NOW).plus_ms(700));
    assert_eq!(service.get("/v1/price").await.json()["data"]["price_usd"], 129.0);
    let known_at = at(NOW).plus_ms(600);
    let row = Vintage { observed_at: at("2026-02-03"), known_at, value: bar(140.0) };
    let candles = [(key("candle.btc@venue:1d"), vec![row])].into();
    service.market.apply(&Delta { candles, recorded_at: known_at, ..commit(2) });
    assert_eq!(service.get("/v1/price").await.json()["data"]["price_usd"], 140.0);
}

#[rstest]
#[case("/v1/drawdown/series", "gzip, br", true)]
#[case("/v1/drawdown/series", "gzip;q=0", false)]
#[case("/v1/drawdown/series", "identity", false)]
#[case("/v1/series?limit=1&source=nobody", "gzip", false)]
#[case("/openapi.json", "gzip", true)]
#[tokio::test]
async fn large_bodies_are_compressed_where_that_is_accepted(#[case] target: &str, #[case] accept: &str, #[case] expected: bool) {
    let service = Plan::with_prices().serve().await;
    let plain = service.get(target).await;
    let reply = service.get_with(target, &[("Accept-Encoding", accept)]).await;
    assert_eq!(reply.header("content-encoding"), expected.then_some("gzip"));
    let mut body = vec![];
    if expected {
        std::io::copy(&mut flate2::read::GzDecoder::new(&reply.body[..]), &mut body).unwrap();
    } else {
        body.clone_from(&reply.body);
    }
    assert_eq!(body, plain.body);
    assert_eq!(reply.header("etag"), plain.header("etag"));
}
