//! Pushing rows in over HTTP, with a real store of either engine: the rows and the bodies they come in,
//! the keys that may push, and pushes with a name of their own.

mod keys;
mod names;
mod rows;

use std::sync::Arc;

use market_stress::api::{AppState, Settings, document, router, serve_router};
use market_stress::domain::{ApiKey, Clock, FixedClock, StatusBoard};
use market_stress::keys::Token;
use market_stress::market::{self, Publisher};
use market_stress::metrics::SourceOrder;
use market_stress::store::Store;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness::{Engine, Home};
use crate::http::{Client, NOW, Reply, at};

const PATH: &str = "/v1/observations";
const JSON: &str = "application/json";

/// A service on a store of its own, and a key to push with.
struct Desk {
    client: Client,
    clock: Arc<FixedClock>,
    store: Arc<dyn Store>,
    token: String,
    _stop: tokio_util::sync::DropGuard,
}

/// Serves a store as one more node does.
async fn serve(store: Arc<dyn Store>, settings: Settings) -> Desk {
    let market = Arc::new(Publisher::new(market::load(store.as_ref()).await.unwrap()));
    let clock = Arc::new(FixedClock::new(at(NOW)));
    let token = make_key(store.as_ref(), |key| key).await;
    let shared: Arc<dyn Clock> = Arc::clone(&clock) as Arc<dyn Clock>;
    let feeds = Arc::new(StatusBoard::new());
    let grace = settings.shutdown_grace;
    let state = AppState::new(market, Arc::clone(&store), shared, SourceOrder::default(), feeds, settings);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client { address: listener.local_addr().unwrap().to_string() };
    let stop = CancellationToken::new();
    tokio::spawn(serve_router(listener, router(state), grace, stop.clone()));
    Desk { client, clock, store, token, _stop: stop.drop_guard() }
}

async fn desk(home: &Home) -> Desk {
    serve(home.open().await, Settings::default()).await
}

async fn small_desk() -> (Home, Desk) {
    let home = Home::new(Engine::Sqlite).await.unwrap();
    let desk = desk(&home).await;
    (home, desk)
}

/// Makes a key as `change` wants it and gives its token.
async fn make_key(store: &dyn Store, change: impl FnOnce(ApiKey) -> ApiKey) -> String {
    let token = Token::draw().unwrap();
    let key = change(ApiKey::new(token.id().clone(), "desk", token.digest(), at("2026-02-01")));
    store.put_key(&key).await.unwrap();
    token.reveal()
}

impl Desk {
    /// Pushes a body in with these further headers.
    async fn push_with(&self, token: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers: Vec<(&str, &str)> = [("Authorization", bearer.as_str())].iter().chain(headers).copied().collect();
        self.client.post(PATH, &headers, body.as_bytes()).await
    }

    async fn push(&self, media_type: &str, body: &str) -> Reply {
        self.push_with(&self.token, &[("Content-Type", media_type)], body).await
    }

    async fn push_rows(&self, rows: Value) -> Reply {
        self.push(JSON, &json!({ "rows": rows }).to_string()).await
    }

    async fn push_named(&self, name: &str, rows: &Value) -> Reply {
        let headers = [("Content-Type", JSON), ("Idempotency-Key", name)];
        self.push_with(&self.token, &headers, &json!({ "rows": rows }).to_string()).await
    }

    async fn is_empty(&self) -> bool {
        self.store.latest_version().await.unwrap() == 0
    }
}

/// A reading of the price of bitcoin.
fn price(observed_at: &str, value: f64) -> Value {
    json!({"series": "price.btc@desk", "observed_at": observed_at, "value": value})
}

/// What became of each row.
fn verdicts(reply: &Reply) -> Vec<String> {
    let body = reply.json();
    let verdicts = if reply.status == 200 { &body["data"]["verdicts"] } else { &body["verdicts"] };
    verdicts.as_array().unwrap().iter().map(|row| row["verdict"].as_str().unwrap().to_owned()).collect()
}

/// What the document says of a push.
fn documented() -> Value {
    serde_json::to_value(document()).unwrap()["paths"][PATH]["post"].clone()
}
