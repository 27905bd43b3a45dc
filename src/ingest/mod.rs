//! The feeds: what each upstream says, turned into our units and sides once, and on which schedule.
//!
//! Owns HTTP and websocket clients, wire structs, pure parsers and the scheduler. It never computes
//! a metric and knows nothing of the HTTP interface.

mod backoff;
pub mod binance;
mod client;
pub mod coingecko;
mod config;
mod error;
pub mod farside;
mod feed;
mod gate;
mod monitor;
mod poll;
mod runner;
mod schedule;
mod sink;
mod stream;
mod wire;

pub use backoff::{Backoff, Jitter, SeededJitter};
pub use client::{Expects, HttpClient, HttpSettings, Request};
pub use config::{ApiKey, IngestConfig};
pub use error::{FeedError, FetchError, ParseError, StreamError};
pub use feed::{Message, Parsed, PolledFeed, Profile, Question, Reader, Session, StreamedFeed, Visit};
pub use gate::{HostGate, Manners};
pub use monitor::Monitor;
pub use poll::Poller;
pub use runner::{Collector, Entry, Feed, Step};
pub use schedule::Schedule;
pub use sink::Sink;
pub use stream::Streamer;
