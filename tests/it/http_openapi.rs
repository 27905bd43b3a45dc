//! The OpenAPI document tells the truth: it is the committed one, and what is served is what it says.

use std::path::{Path, PathBuf};
use std::time::Duration;

use market_stress::api::document;
use market_stress::app::Demo;
use market_stress::config::Config;
use market_stress::domain::{
    Asset, Cadence, Delta, FeedStatus, KnownAtRule, LiquidationOrder, RecordedOrder, Side, SourceInfo, SourceKind, Vintage,
};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::harness::wait_until_async;
use crate::http::{Client, NOW, Plan, Service, at, commit, key, prices, source};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/openapi.json")
}

/// The document as it is committed: indented, with a line end.
fn printed() -> String {
    document().to_pretty_json().unwrap() + "\n"
}

#[test]
fn the_committed_document_is_the_one_the_code_makes() {
    let committed = std::fs::read_to_string(committed()).unwrap_or_default();
    let hint = "run `cargo test --test it http_openapi::write_the_document -- --ignored` and commit openapi/openapi.json";
    assert!(committed == printed(), "openapi/openapi.json is out of date: {hint}");
}

#[test]
#[ignore = "writes openapi/openapi.json"]
fn write_the_document() {
    std::fs::create_dir_all(committed().parent().unwrap()).unwrap();
    std::fs::write(committed(), printed()).unwrap();
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi/examples.json")
}

/// Lists cut to two items: enough for an example.
fn shorten(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.truncate(2);
            items.iter_mut().for_each(shorten);
        }
        Value::Object(fields) => fields.values_mut().for_each(shorten),
        _ => {}
    }
}

/// What the demo answers to every question, by operation.
async fn answers_of_the_demo() -> serde_json::Map<String, Value> {
    let listen = "127.0.0.1:0".parse().unwrap();
    // A debug build with cold caches takes longer than a client would wait.
    let config = Config { listen, request_timeout_seconds: 300, ..Config::default() };
    let demo = Demo::prepare(config, at(NOW)).await.unwrap();
    let client = Client { address: demo.address().unwrap().to_string() };
    let stop = CancellationToken::new();
    let running = tokio::spawn(demo.run(stop.clone()));
    wait_until_async("the demo is ready", Duration::from_mins(2), async || {
        assert!(!running.is_finished(), "the demo ended before it was ready");
        client.get("/readyz").await.status == 200
    })
    .await;
    let mut answers = serde_json::Map::new();
    for (path, operation) in operations(&serde_json::to_value(document()).unwrap()) {
        if path.starts_with("/v1/") {
            let path = path.replace("candle.btc@venue:1d", "market_cap.total@scenario");
            let query = needed(&operation, "");
            let reply = client.get(&format!("{path}?{}", query.trim_start_matches('&'))).await;
            let mut answer = reply.json();
            assert_eq!(reply.status, 200, "{path}: {answer}");
            shorten(&mut answer);
            answers.insert(operation["operationId"].as_str().unwrap().to_owned(), answer);
        }
    }
    stop.cancel();
    running.await.unwrap().unwrap();
    answers
}

#[tokio::test]
async fn every_example_is_what_the_demo_answers() {
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(examples()).unwrap()).unwrap();
    let hint = "run `cargo test --test it http_openapi::write_the_examples -- --ignored`, then write_the_document";
    for (operation, answer) in answers_of_the_demo().await {
        assert!(committed[&operation] == answer, "the example of {operation} is out of date: {hint}\n{answer:#}");
    }
}

#[tokio::test]
#[ignore = "writes openapi/examples.json"]
async fn write_the_examples() {
    std::fs::write(examples(), serde_json::to_string_pretty(&answers_of_the_demo().await).unwrap() + "\n").unwrap();
}

/// A service that knows something about everything.
async fn furnished() -> Service {
    let day = |text: &str, value: f64| {
        let observed_at = at(text);
        Vintage { observed_at, known_at: observed_at.plus_days(1).plus_ms(5 * 3_600_000), value }
    };
    let reading = |text: &str, value: f64| Vintage { observed_at: at(text), known_at: at(text), value };
    let readings = [
        (key("market_cap.total@gecko"), vec![reading("2026-01-28T23:00:00Z", 3.0e12), reading("2026-02-04T07:59:00Z", 2.6e12)]),
        (key("market_cap.btc@gecko"), vec![reading("2026-02-04T07:59:00Z", 1.5e12)]),
        (
            key("etf_flow.btc.IBIT@farside:1d"),
            vec![day("2026-01-30", 1.0e8), day("2026-02-02", 5.6e8), day("2026-02-03", -2.7e8)],
        ),
        (key("open_interest.btc@venue"), vec![reading("2026-02-04T07:55:00Z", 9.0e9)]),
    ];
    let corrected = Vintage { known_at: at("2026-02-03T20:00:00Z"), ..reading("2026-02-03T08:00:00Z", 2.7e12) };
    let mut second = Delta { readings: readings.into(), orders: orders(), ..commit(2) };
    second.readings.insert(key("market_cap.eth@gecko"), vec![reading("2026-02-03T08:00:00Z", 2.8e12), corrected]);
    let service = Plan { commits: vec![prices(1), second], orders: orders(), ..Plan::default() }.serve().await;
    let note = "at most one order a symbol and second".to_owned();
    service.market.learn_sources([SourceInfo { source: source("venue"), kind: SourceKind::Venue, note }]);
    service.feeds.put(FeedStatus::new("venue-candles", source("venue"), Cadence::every(60_000), at(NOW)));
    service
}

fn orders() -> Vec<RecordedOrder> {
    let sides = [Side::Long, Side::Short];
    let order = |(n, side): (u32, Side)| {
        let occurred_at = at("2026-02-04T07:30:00Z");
        let order = LiquidationOrder {
            source: source("venue"),
            symbol: "BTCUSDT".to_owned(),
            asset: Asset::btc(),
            side,
            occurred_at,
            knowledge: KnownAtRule::Vintage(occurred_at),
            price_usd: 76_000.0,
            quantity: 2.0,
            usd: 152_000.0,
        };
        RecordedOrder { order, known_at: occurred_at, ordinal: n }
    };
    (0..).zip(sides).map(order).collect()
}

/// Each path that is asked, with the name of a parameter of the path filled in, and its entry.
fn operations(document: &Value) -> Vec<(String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let asked = paths.iter().filter(|(_, item)| item["get"].is_object());
    asked.map(|(path, item)| (path.replace("{key}", "candle.btc@venue:1d"), item["get"].clone())).collect()
}

/// Checks a body against a schema of the document.
pub(crate) fn check(document: &Value, schema: &Value, body: &Value, what: &str) {
    let mut root = schema.clone();
    root["components"] = document["components"].clone();
    let validator = jsonschema::options().build(&root).unwrap();
    let errors: Vec<String> = validator.iter_errors(body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{what} is not what the document says: {errors:?}\n{body:#}");
}

#[tokio::test]
async fn every_answer_validates_against_its_schema_with_data_and_without() {
    let document = serde_json::to_value(document()).unwrap();
    for service in [furnished().await, Plan::default().serve().await] {
        for (path, operation) in operations(&document) {
            for query in ["", "?time_format=unix_ms", "?as_of=2026-02-03T09:00:00Z", "?as_of=1999-01-01"] {
                let reply = service.get(&format!("{path}{query}")).await;
                let response = &operation["responses"][reply.status.to_string()];
                let media_type = reply.header("content-type").unwrap().split(';').next().unwrap();
                if media_type.ends_with("json") {
                    let resolved = resolve(&document, response);
                    let schema = &resolved["content"][media_type]["schema"];
                    assert!(schema.is_object(), "{path}{query}: {} {media_type} is not documented", reply.status);
                    check(&document, schema, &reply.json(), &format!("{path}{query}"));
                }
            }
        }
    }
}

pub(crate) fn resolve<'a>(document: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str() {
        Some(target) => document.pointer(target.trim_start_matches('#')).unwrap(),
        None => node,
    }
}

/// The parameters an operation cannot do without, but for one, with their examples.
fn needed(operation: &Value, but_for: &str) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let needed = parameters.filter(|it| it["required"] == true && it["in"] == "query" && it["name"] != but_for);
    needed.flat_map(|it| ["&", it["name"].as_str().unwrap(), "=", it["example"].as_str().unwrap()]).collect()
}

#[tokio::test]
async fn every_documented_parameter_is_taken_and_its_example_is_read() {
    let document = serde_json::to_value(document()).unwrap();
    let service = furnished().await;
    for (path, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let value = match &parameter["example"] {
                Value::Null => parameter["schema"]["enum"][0].clone(),
                Value::Array(items) => items[0].clone(),
                example => example.clone(),
            };
            assert!(parameter["in"] != "path" || parameter["required"] == true, "{path} {name}");
            if parameter["in"] == "query" && name != "cursor" {
                let since = if name == "until" { "&since=2026-01-01" } else { "" };
                let needed = needed(&operation, name);
                let validator = jsonschema::options().build(&parameter["schema"]).unwrap();
                assert!(validator.is_valid(&parameter["example"]) || parameter["example"].is_null(), "{path} {name}");
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let reply = service.get(&format!("{path}?{name}={value}{since}{needed}")).await;
                assert_ne!(reply.status, 400, "{path} does not take {name}={value}: {}", reply.text());
            }
        }
    }
}

#[tokio::test]
async fn problems_validate_and_every_code_is_documented() {
    let document = serde_json::to_value(document()).unwrap();
    let service = Plan::default().serve().await;
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    for target in ["/nowhere", "/v1/price?x=1", "/v1/price?as_of=2999-01-01"] {
        check(&document, &schema, &service.get(target).await.problem(), target);
    }
    for (name, response) in document["components"]["responses"].as_object().unwrap() {
        if let Some(content) = response["content"]["application/problem+json"].as_object() {
            check(&document, &schema, &content["example"], name);
        }
    }
}

#[tokio::test]
async fn the_served_document_is_openapi_3_1_and_has_each_operation_once() {
    let served = Plan::default().serve().await.get("/openapi.json").await.json();
    assert_eq!(served, serde_json::to_value(document()).unwrap());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"), "{}", served["openapi"]);
    let mut ids: Vec<String> =
        operations(&served).into_iter().map(|(_, it)| it["operationId"].as_str().unwrap().to_owned()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all);
    let methodology = include_str!("../../docs/METHODOLOGY.md");
    for (path, operation) in operations(&served) {
        assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{path} says too little");
        if path.starts_with("/v1/") {
            let about = operation["description"].as_str().unwrap();
            let section = about.rsplit_once("`docs/METHODOLOGY.md`, section ").unwrap().1.trim_end_matches('.');
            let is_heading =
                |line: &str| line.starts_with(&format!("## {section}. ")) || line.starts_with(&format!("### {section} "));
            assert!(methodology.lines().any(is_heading), "{path} cites section {section}, which is not there");
        }
    }
}
