//! Real files, imported by the real program and asked through HTTP, on both engines.
//!
//! The files are read in place and only where they exist; the test says whether it ran.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use market_stress::api::{AppState, Settings, router};
use market_stress::domain::{Clock, FixedClock, StatusBoard};
use market_stress::market::{Publisher, load};
use market_stress::metrics::SourceOrder;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::harness::{Engine, Home, Program};
use crate::http::{Client, at};
use crate::{real_floors, real_inputs, real_markets, real_stress};

pub(crate) const CUTOFF: &str = "2026-02-04T08:00:00Z";

/// The folder of real files, told about on the real standard error either way.
fn data() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let found = folder.is_dir();
    crate::harness::say(if found { "REAL DATA: read in place" } else { "REAL DATA: not there, its test did not run" });
    found.then_some(folder)
}

fn files(folder: &Path, kind: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join(kind)).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<String> = entries.map(|path| path.to_str().unwrap().to_owned()).filter(|path| wanted(path)).collect();
    files.sort();
    files
}

fn import(program: &Program, arguments: &[&str], files: &[String]) {
    let mut all: Vec<&str> = vec!["import"];
    all.extend(arguments);
    all.extend(files.iter().map(String::as_str));
    program.succeed(&all);
}

/// Imports every file by the documented commands.
fn import_everything(folder: &Path, home: &Home) {
    let program = Program::on(home.address());
    import(&program, &["candles"], &files(folder, "candles", |path| !path.ends_with("-2026.csv")));
    import(&program, &["candles", "--interval", "1h"], &files(folder, "candles", |path| path.ends_with("-2026.csv")));
    import(&program, &["series"], &files(folder, "series", |_| true));
    import(&program, &["etf-flows"], &files(folder, "etf_flows", |_| true));
    import(&program, &["liquidations"], &files(folder, "liquidations", |path| !path.contains("orders")));
    import(&program, &["orders", "--source", "binance"], &files(folder, "liquidations", |path| path.contains("orders")));
}

/// Serves what the store holds, the clock standing half a year after the last file.
async fn serve(home: &Home, order: SourceOrder) -> Client {
    let store = home.open().await;
    let market = Arc::new(Publisher::new(load(store.as_ref()).await.unwrap()));
    let clock: Arc<dyn Clock> = Arc::new(FixedClock::new(at("2026-11-01")));
    // A build without optimisation computes the whole past of the stress index in a dozen seconds.
    let settings = Settings { allowance: None, request_timeout: Duration::from_mins(3), ..Settings::default() };
    let state = AppState::new(market, store, clock, order, Arc::new(StatusBoard::new()), settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client { address: listener.local_addr().unwrap().to_string() };
    let service = router(state).into_make_service_with_connect_info::<std::net::SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    client
}

pub(crate) async fn ask(client: &Client, target: &str) -> Value {
    let reply = client.get(target).await;
    assert_eq!(reply.status, 200, "{target}: {}", reply.text());
    reply.json()["data"].clone()
}

#[track_caller]
pub(crate) fn near(value: &Value, expected: f64, tolerance: f64) {
    let value = value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"));
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected} within {tolerance}");
}

async fn the_price_and_its_worst_day(client: &Client) {
    let price = ask(client, &format!("/v1/price?source=binance-perp&as_of={CUTOFF}")).await;
    near(&price["price_usd"], 76_478.9, 1e-9);
    near(&price["previous_day"]["worst_fall_pct"], -7.37, 0.005);
    near(&price["previous_day"]["low_usd"], 72_889.2, 1e-9);
    assert_eq!(price["previous_day"]["lowest_since"]["at"], "2024-11-06T00:00:00Z");
    let that_day = ask(client, "/v1/price?source=binance-perp&as_of=2026-02-03T23:59:59Z").await;
    near(&that_day["low_usd"], 72_889.2, 1e-9);
    near(&that_day["worst_fall_pct"], -7.37, 0.005);
    assert_eq!(that_day["lowest_since"]["at"], "2024-11-06T00:00:00Z");
}

async fn the_fall_from_the_record(client: &Client) {
    let close = ask(client, &format!("/v1/drawdown?source=binance-perp&as_of={CUTOFF}")).await;
    near(&close["drawdown_pct"], -38.63, 0.005);
    assert_eq!(close["peak_at"], "2025-10-06T00:00:00Z");
    let intraday = ask(client, &format!("/v1/drawdown?source=binance-perp&basis=intraday&as_of={CUTOFF}")).await;
    near(&intraday["drawdown_pct"], -39.40, 0.005);
    assert_eq!(intraday["peak_at"], "2025-10-06T00:00:00Z");
    let episodes = ask(client, &format!("/v1/drawdown/episodes?source=binance-perp&as_of={CUTOFF}")).await;
    let open = episodes.as_array().unwrap().iter().find(|episode| episode["open"] == true).unwrap().clone();
    assert!(open["failed_rebounds"].as_u64().unwrap() >= 1, "{open}");
}

async fn the_flows_of_the_funds(client: &Client) {
    let morning = ask(client, &format!("/v1/etf-flows?as_of={CUTOFF}")).await;
    near(&morning["previous"]["net_flow_usd"], 561.8e6, 1.0);
    near(&morning["latest"]["net_flow_usd"], -272.0e6, 1.0);
    assert_eq!((&morning["reversal"], &morning["latest"]["status"]), (&Value::Bool(true), &Value::from("final")));
    let night = ask(client, "/v1/etf-flows?as_of=2026-02-04T02:01:00Z").await;
    near(&night["latest"]["net_flow_usd"], -332.0e6, 1.0);
    assert_eq!(night["latest"]["status"], "preliminary");
    assert_eq!(night["latest"]["pending_funds"], serde_json::json!(["BRRR", "BTCO", "BTCW", "IBIT"]));
}

async fn the_value_of_the_market(client: &Client) {
    let cap = ask(client, &format!("/v1/market-cap?source=derived&since=2026-01-29&as_of={CUTOFF}")).await;
    let change = cap["change_usd"].as_f64().unwrap();
    assert!((-999e9..=-100e9).contains(&change), "{change} is not hundreds of billions lost");
}

/// Sums of one column pair over the rows of the files, by UTC day: the independent count.
fn days_of_files(folder: &Path) -> std::collections::BTreeMap<String, f64> {
    let mut days = std::collections::BTreeMap::new();
    for file in files(folder, "liquidations", |path| !path.contains("orders")) {
        for line in std::fs::read_to_string(file).unwrap().lines().skip(1) {
            let cells: Vec<&str> = line.split(',').collect();
            let usd = cells[1].parse::<f64>().unwrap() + cells[2].parse::<f64>().unwrap();
            *days.entry(cells[0][..10].to_owned()).or_insert(0.0) += usd;
        }
    }
    days
}

/// Orders of one UTC day in the file of orders: how many, and their sum.
fn orders_of_file(folder: &Path, day: &str) -> (usize, f64) {
    let file = files(folder, "liquidations", |path| path.contains("orders")).remove(0);
    let text = std::fs::read_to_string(file).unwrap();
    let values: Vec<f64> =
        text.lines().filter(|line| line.starts_with(day)).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect();
    (values.len(), values.iter().sum())
}

async fn the_liquidations(client: &Client, folder: &Path) {
    let days = days_of_files(folder);
    let from = "2025-10-01";
    let expected: f64 = days.range(from.to_owned().."2025-11-01".to_owned()).map(|(_, usd)| usd).sum();
    let window = format!("since={from}&until=2025-11-01&as_of=2025-11-15");
    near(&ask(client, &format!("/v1/liquidations?source=binance&{window}")).await["total_usd"], expected, 1.0);
    let ranked = ask(client, &format!("/v1/liquidations/days?source=binance&limit=1&{window}")).await;
    near(&ranked[0]["total_usd"], days["2025-10-10"], 1.0);
    assert_eq!(ranked[0]["date"], "2025-10-10");

    let (count, usd) = orders_of_file(folder, "2025-12-11");
    let day = "since=2025-12-11&until=2025-12-12&as_of=2025-12-13";
    let totals = ask(client, &format!("/v1/liquidations?source=binance&{day}")).await;
    near(&totals["total_usd"], usd, 1e-3);
    assert_eq!(totals["n_orders"], count);
    let (mut listed, mut sum) = (0, 0.0);
    let mut target = Some(format!("/v1/liquidations/orders?source=binance&limit=1000&{day}"));
    while let Some(page) = target.take() {
        let reply = client.get(&page).await.json();
        let rows = reply["data"].as_array().unwrap();
        listed += rows.len();
        sum += rows.iter().map(|row| row["usd"].as_f64().unwrap()).sum::<f64>();
        target = reply["links"]["next"].as_str().map(str::to_owned);
    }
    assert_eq!(listed, count);
    assert!((sum - usd).abs() < 1e-3, "{sum} is not {usd}");
}

async fn on(engine: Engine) {
    let Some(folder) = data() else { return };
    let Some(home) = Home::new(engine).await else { return };
    import_everything(&folder, &home);
    let client = serve(&home, SourceOrder::new(vec!["binance-spot".parse().unwrap()])).await;
    the_price_and_its_worst_day(&client).await;
    the_fall_from_the_record(&client).await;
    the_flows_of_the_funds(&client).await;
    the_value_of_the_market(&client).await;
    the_liquidations(&client, &folder).await;
    real_markets::volatility(&client, &folder).await;
    real_markets::correlation(&client, &folder).await;
    real_markets::safe_haven(&client, &folder).await;
    real_markets::funding(&client, &folder).await;
    real_markets::open_interest(&client, &folder).await;
    real_floors::all(&client).await;
    real_stress::the_known_episodes_stand_out(&client).await;
    let client = serve(&home, real_inputs::default_order()).await;
    real_inputs::live_sources_answer(&client).await;
    real_inputs::old_rows_state_levels_alone(&client).await;
    real_inputs::answers_are_short(&client).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_answer_the_story_from_sqlite() {
    on(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn real_files_answer_the_story_from_postgres() {
    on(Engine::Postgres).await;
}
