//! Every list in pages: joined they are the whole list, whatever the limit, the format, and what arrives between two
//! pages. The lists are those of the OpenAPI document that take a cursor, so a new one is walked too.

use std::collections::BTreeSet;

use market_stress::api::document;
use market_stress::domain::{Asset, Delta, KnownAtRule, LiquidationOrder, RecordedOrder, Side, Timestamp, Vintage};
use rstest::rstest;
use serde_json::Value;

use crate::http::{Client, NOW, Plan, Reply, Service, at, bar, commit, key, source};

const HOUR_MS: i64 = 3_600_000;
/// Days of hourly sums before the day of the clock: cascades need a week before their window of thirty days.
const DAYS: i64 = 40;
/// Days of daily bars.
const BAR_DAYS: i64 = 20;
/// The days back whose bar and whose hour at noon come late.
const LATE_DAY: i64 = 15;
const BARS: &str = "candle.btc@venue:1d";
const CAPS: &str = "market_cap.total@gecko:1d";
/// Series of each kind: bars, readings, sums of orders.
const KEYS: [&str; 3] = [BARS, CAPS, "liquidation.btc.long@venue"];

fn days_ago(days: i64) -> Timestamp {
    at(NOW).day_start().plus_days(-days)
}

/// A market in which every list has several rows, of which many are equal in what they are ordered by.
async fn market() -> Service {
    let mut first = commit(1);
    for back in (1..=DAYS).rev().filter(|back| *back != LATE_DAY) {
        add_day(&mut first, back);
    }
    let (mut corrected, mut again) = (commit(2), commit(3));
    for back in [6, 5, 4] {
        for (commit, hours, more) in [(&mut corrected, 0, 0.0), (&mut again, 9, 9.0)] {
            let known_at = at("2026-02-02T12:00:00Z").plus_ms(hours * HOUR_MS);
            add_bar(commit, back, known_at, 91.0 + more);
            add_cap(commit, back, known_at, 3.1e12 + more);
        }
    }
    first.orders = orders();
    Plan { commits: vec![first, corrected, again], orders: orders(), ..Plan::default() }.serve().await
}

/// The rows of a day: falls of bitcoin by a tenth or a fifth, and a burst of liquidations at some noons, far from the one
/// that comes late.
fn add_day(delta: &mut Delta, back: i64) {
    let fall = if back % 3 == 0 { 20.0 } else { 10.0 };
    if back <= BAR_DAYS {
        add_bar(delta, back, days_ago(back - 1), if back % 2 == 1 { 100.0 } else { 100.0 - fall });
    }
    if back <= 12 {
        add_cap(delta, back, days_ago(back - 1), 3e12);
    }
    let is_burst = [1, 5, 9, 21, 25, 29].contains(&back);
    for hour in 0..24 {
        let usual = if hour % 3 == 0 { 1e6 } else { 1.2e6 };
        add_hour(delta, back, hour, if is_burst && hour == 12 { 2e8 } else { usual });
    }
}

fn add_bar(delta: &mut Delta, back: i64, known_at: Timestamp, close: f64) {
    let row = Vintage { observed_at: days_ago(back), known_at, value: bar(close) };
    delta.candles.entry(key(BARS)).or_default().push(row);
}

fn add_reading(delta: &mut Delta, name: &str, observed_at: Timestamp, known_at: Timestamp, value: f64) {
    delta.readings.entry(key(name)).or_default().push(Vintage { observed_at, known_at, value });
}

fn add_cap(delta: &mut Delta, back: i64, known_at: Timestamp, value: f64) {
    add_reading(delta, CAPS, days_ago(back), known_at, value);
}

fn add_hour(delta: &mut Delta, back: i64, hour: i64, usd: f64) {
    let start = days_ago(back).plus_ms(hour * HOUR_MS);
    for (side, usd) in [("long", usd), ("short", 1e5)] {
        add_reading(delta, &format!("liquidation.btc.{side}@v:1h"), start, start.plus_ms(HOUR_MS), usd);
    }
}

fn order(minute: i64, symbol: &str, ordinal: u32) -> RecordedOrder {
    let occurred_at = at("2026-02-03T10:00:00Z").plus_ms(60_000 * minute);
    let order = LiquidationOrder {
        source: source("venue"),
        symbol: symbol.to_owned(),
        asset: Asset::btc(),
        side: Side::Long,
        occurred_at,
        knowledge: KnownAtRule::Vintage(occurred_at),
        price_usd: 76_000.0,
        quantity: 1.0,
        usd: 76_000.0,
    };
    RecordedOrder { order, known_at: occurred_at, ordinal }
}

/// Six minutes with orders; those of a minute have one instant, and some are equal in all that is shown.
fn orders() -> Vec<RecordedOrder> {
    let of_minute = |minute| [("BTC.A", 0), ("BTC.A", 1), ("BTC.A", 2), ("BTC.C", 0)].map(|(symbol, n)| order(minute, symbol, n));
    (0..6).flat_map(of_minute).collect()
}

/// Adds to every list what was known by its cutoff already: rows before all others, and one among them. The first
/// market value gets a later vintage.
fn back_fill(service: &Service) {
    let mut late = commit(4);
    for (back, close) in [(DAYS + 2, 100.0), (DAYS + 1, 70.0), (LATE_DAY, 85.0)] {
        add_bar(&mut late, back, days_ago(back - 1), close);
        add_hour(&mut late, back, 12, 3e8);
        add_cap(&mut late, back, days_ago(back - 1), 3e12);
        add_reading(&mut late, &format!("price.coin{back}@gecko"), days_ago(back), days_ago(back), 1.0);
    }
    add_reading(&mut late, "volume_24h.total@gecko", days_ago(3), days_ago(3), 1.0);
    add_cap(&mut late, 12, at("2026-02-03T19:00:00Z"), 3.4e12);
    add_cap(&mut late, 6, at("2026-02-03T18:00:00Z"), 3.2e12);
    add_cap(&mut late, 3, at("2026-02-02T12:00:00Z"), 3.3e12);
    late.orders = vec![order(7, "BTC.A", 0), order(6, "BTC.A", 0), order(3, "BTC.B", 0)];
    service.store.orders.lock().unwrap().extend(late.orders.clone());
    service.market.apply(&late);
}

/// Every list there is, with a question each.
fn lists() -> Vec<String> {
    let document = serde_json::to_value(document()).unwrap();
    let has_cursor =
        |item: &Value| item["get"]["parameters"].as_array().is_some_and(|all| all.iter().any(|it| it["name"] == "cursor"));
    let paths = document["paths"].as_object().unwrap().iter().filter(|(_, item)| has_cursor(item));
    let asked = |(path, _): (&String, &Value)| match path.split_once("{key}") {
        None => vec![path.clone()],
        Some((before, after)) => KEYS
            .iter()
            .flat_map(|key| ["", "?include_history=true"].map(|query| format!("{before}{key}{after}{query}")))
            .collect(),
    };
    paths.flat_map(asked).collect()
}

fn with(target: &str, parameters: &str) -> String {
    format!("{target}{}{parameters}", if target.contains('?') { '&' } else { '?' })
}

/// The target of the next page by the header, which every format has.
fn next(reply: &Reply) -> Option<String> {
    let link = reply.header("link")?;
    Some(link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned())
}

/// How a client asks for a format and how it joins pages.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Json,
    Csv,
    Ndjson,
}

impl Form {
    fn target(self, target: &str) -> String {
        if self == Self::Csv { with(target, "format=csv") } else { target.to_owned() }
    }

    async fn get(self, client: &Client, target: &str, etag: Option<&str>) -> Reply {
        let accept = if self == Self::Ndjson { "application/x-ndjson" } else { "*/*" };
        let headers = [("Accept", accept)].into_iter().chain(etag.map(|etag| ("If-None-Match", etag)));
        client.get_with(target, &headers.collect::<Vec<_>>()).await
    }

    /// The rows of a page as text; the first is the header where the format has one.
    fn rows(self, reply: &Reply) -> Vec<String> {
        assert_eq!(reply.status, 200, "{}", reply.text());
        match self {
            Self::Json => {
                let body = reply.json();
                assert_eq!(body["links"]["next"].as_str().map(str::to_owned), next(reply));
                body["data"].as_array().unwrap().iter().map(Value::to_string).collect()
            }
            Self::Csv => reply.text().split_terminator("\r\n").map(str::to_owned).collect(),
            Self::Ndjson => reply.text().lines().map(str::to_owned).collect(),
        }
    }
}

/// The target with another limit.
fn limited(target: &str, limit: usize) -> String {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let others = query.split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("limit="));
    let pairs: Vec<String> = others.map(str::to_owned).chain([format!("limit={limit}")]).collect();
    format!("{path}?{}", pairs.join("&"))
}

/// Follows the links from `target` on, with the limits in turn; all rows, and the tag of each page.
async fn walk(client: &Client, form: Form, target: &str, limits: &[usize]) -> (Vec<String>, Vec<String>) {
    let (mut rows, mut tags): (Vec<String>, Vec<String>) = (vec![], vec![]);
    let mut target = form.target(target);
    for limit in limits.iter().cycle() {
        target = limited(&target, *limit);
        let page = form.get(client, &target, tags.last().map(String::as_str)).await;
        let found = form.rows(&page);
        let repeated = usize::from(form == Form::Csv && !rows.is_empty());
        assert_eq!(found[..repeated], rows[..repeated], "{target}: another header");
        rows.extend_from_slice(&found[repeated..]);
        tags.push(page.header("etag").unwrap().to_owned());
        let again = form.get(client, &target, tags.last().map(String::as_str)).await;
        assert_eq!((again.status, again.body.len(), next(&again)), (304, 0, next(&page)), "{target}");
        match next(&page) {
            Some(link) => target = link,
            None => break,
        }
    }
    (rows, tags)
}

#[rstest]
#[case::present("")]
#[case::at_an_instant("as_of=2026-02-04")]
#[tokio::test]
async fn the_pages_of_every_list_joined_are_the_whole_list(
    #[case] as_of: &str,
    #[values(Form::Json, Form::Csv, Form::Ndjson)] form: Form,
) {
    let service = market().await;
    for list in lists() {
        let target = if as_of.is_empty() { list } else { with(&list, as_of) };
        let whole = form.rows(&form.get(&service, &with(&form.target(&target), "limit=10000"), None).await);
        let header = usize::from(form == Form::Csv);
        let all = whole.len() - header;
        assert!(all >= 5, "{target} has {all} rows: too few to tell anything");
        for limits in [&[1][..], &[2], &[3], &[5], &[7], &[3, 1, 2, 4]] {
            let (rows, tags) = walk(&service, form, &target, limits).await;
            assert_eq!(rows, whole, "{target} in pages of {limits:?}");
            let distinct: BTreeSet<&String> = tags.iter().collect();
            assert_eq!(distinct.len(), tags.len(), "{target} in pages of {limits:?}: two pages have one tag");
            let pages = all.div_ceil(limits[0]);
            assert!(limits.len() > 1 || tags.len() == pages, "{target}: {} pages of {limits:?}, not {pages}", tags.len());
        }
    }
}

/// What a row of a list is about, whatever else of it a back-fill changes.
fn subject(target: &str, row: &str) -> String {
    let row: Value = serde_json::from_str(row).unwrap();
    let is_last_vintage = target.starts_with("/v1/series/") && !target.contains("include_history");
    let names = if is_last_vintage { &["observed_at"][..] } else { &["date", "started_at", "peak_at", "key"] };
    names.iter().find_map(|name| row.get(name)).unwrap_or(&row).to_string()
}

#[rstest]
#[case("")]
#[case("as_of=2026-02-04")]
#[tokio::test]
async fn a_back_fill_between_two_pages_repeats_no_row_and_loses_none(#[case] as_of: &str) {
    let service = market().await;
    let mut begun = vec![];
    for list in lists() {
        let target = if as_of.is_empty() { list } else { with(&list, as_of) };
        let all = Form::Json.rows(&service.get(&limited(&target, 10_000)).await).len();
        for limit in [1, 2, 3, 5].into_iter().filter(|limit| *limit < all) {
            begun.push((target.clone(), all, service.get(&limited(&target, limit)).await));
        }
    }
    back_fill(&service);
    for (target, before, page) in begun {
        let sent: Vec<String> = Form::Json.rows(&page).iter().map(|row| subject(&target, row)).collect();
        let after = Form::Json.rows(&service.get(&limited(&target, 10_000)).await);
        assert!(after.len() > before, "{target}: the back-fill added nothing");
        let (rest, _) = walk(&service, Form::Json, &next(&page).unwrap(), &[2]).await;
        let last = sent.last().unwrap();
        let equals_sent = sent.iter().filter(|subject| *subject == last).count();
        let mut indices = after.iter().enumerate().filter(|(_, row)| subject(&target, row) == *last).map(|(index, _)| index);
        let index = indices.nth(equals_sent - 1).unwrap_or_else(|| panic!("{target}: {last} is gone"));
        assert_eq!(rest, after[index + 1..], "{target} after {sent:?}");
    }
}

/// The target of the page after the first one of `target`.
async fn second(service: &Service, target: &str) -> String {
    let first = service.get(&limited(target, 2)).await;
    next(&first).unwrap_or_else(|| panic!("{target}: {}", first.text()))
}

#[tokio::test]
async fn lengths_before_now_mean_the_same_instants_on_every_page() {
    let service = market().await;
    let target = "/v1/revisions?since=-3d&as_of=-1h";
    let whole = Form::Json.rows(&service.get(target).await);
    let mut link = second(&service, target).await;
    let mut rows = whole[..2].to_vec();
    service.clock.set(at(NOW).plus_days(2));
    loop {
        let page = service.get(&format!("{link}&since=-3d&as_of=-1h")).await;
        rows.extend(Form::Json.rows(&page));
        assert_eq!(page.json()["meta"]["as_of"], "2026-02-04T07:00:00Z");
        match next(&page) {
            Some(following) => link = following,
            None => break,
        }
    }
    assert_eq!(rows, whole);
    assert_ne!(Form::Json.rows(&service.get(target).await), whole, "two days later the same words mean another list");
}

#[rstest]
#[case::a_default("/v1/drawdown/episodes", "asset=btc", "asset")]
#[case::a_default_window("/v1/liquidations/days", "window=all", "window")]
#[case::a_default_choice("/v1/series/candle.btc@venue:1d", "include_history=false", "include_history")]
#[case::a_filter("/v1/liquidations/orders", "side=long", "side")]
#[case::another_value("/v1/liquidations/orders?side=long", "side=short", "side")]
#[case::another_cutoff("/v1/revisions?as_of=2026-02-04", "as_of=2026-02-03", "as_of")]
#[case::a_cutoff("/v1/revisions", "as_of=2026-02-03", "as_of")]
#[case::no_parameter("/v1/series", "metrc=price", "metrc")]
#[tokio::test]
async fn what_the_first_page_did_not_have_is_refused_beside_a_cursor(
    #[case] target: &str,
    #[case] beside: &str,
    #[case] parameter: &str,
) {
    let service = market().await;
    let refused = service.get(&with(&second(&service, target).await, beside)).await;
    let problem = refused.problem();
    assert_eq!((refused.status, problem["errors"][0]["parameter"].as_str()), (400, Some(parameter)), "{problem}");
}

#[rstest]
#[case("/v1/drawdown/episodes", "asset=btc&min_depth_pct=5")]
#[case("/v1/liquidations/days", "window=all")]
#[case("/v1/liquidations/orders", "side=long&since=-7d&as_of=2026-02-04")]
#[case("/v1/series/candle.btc@venue:1d", "include_history=false&as_of=2026-02-04T09:00:00%2B01:00")]
#[tokio::test]
async fn what_the_first_page_had_may_be_sent_again_and_how_a_page_is_written_may_change(
    #[case] path: &str,
    #[case] filters: &str,
) {
    let service = market().await;
    let plain = second(&service, path).await;
    let second = second(&service, &with(path, filters)).await;
    assert_ne!(plain, second, "pages of equal questions share a link that only one of them may send its filters to");
    let third = next(&service.get(&with(&second, filters)).await).unwrap();
    let free = "format=csv&time_format=unix_ms";
    for target in [&third, &limited(&third, 1), &with(&third, filters), &with(&third, free), &with(&plain, free)] {
        let page = service.get(target).await;
        assert_eq!(page.status, 200, "{target}: {}", page.text());
    }
}

#[tokio::test]
async fn a_cursor_of_another_list_or_an_earlier_service_is_refused() {
    let service = market().await;
    let path = |target: &str| target.split('?').next().unwrap().to_owned();
    let mut cursors = vec![(String::new(), "MTAwJmFzX29mPTIwMjYtMDItMDRUMDg6MDA6MDBa".to_owned())];
    for target in lists() {
        let link = second(&service, &target).await;
        let (_, cursor) = link.split_once("cursor=").unwrap();
        cursors.push((path(&target), cursor.split('&').next().unwrap().to_owned()));
    }
    for list in lists().iter().map(|target| path(target)) {
        for (_, cursor) in cursors.iter().filter(|(from, _)| *from != list) {
            let refused = service.get(&format!("{list}?cursor={cursor}")).await;
            assert_eq!(refused.status, 400, "{list} took a cursor of another list: {}", refused.text());
        }
    }
}

#[tokio::test]
async fn a_cursor_that_carries_the_longest_filter_is_taken() {
    let service = market().await;
    let sources = ["venue"; 340].join(",");
    let link = second(&service, &format!("/v1/liquidations/orders?source={sources}")).await;
    assert!(link.len() > 2_048, "{link}");
    assert_eq!(service.get(&link).await.status, 200);
}
