//! The feeds: what each upstream says, turned into our units and sides once, and on which schedule.
//!
//! Owns HTTP and websocket clients, wire structs, pure parsers and the scheduler. It never computes
//! a metric and knows nothing of the HTTP interface.
//!
//! A feed is a list of [`PollRequest`]s (what to ask, and the pure function that reads the answer) or a
//! stream of messages ([`StreamedFeed`]); everything else is done once for all of them. The
//! [`Collector`] runs each in a task of its own: the client spaces requests, obeys `Retry-After` and
//! leaves a failing host alone; the monitor backs off, logs an outage once when it begins and once
//! when it ends, and keeps the status that readers see. Rows go to a [`Sink`].
//!
//! # Adding a feed
//!
//! 1. A folder `<provider>/` with `config.rs` (every address configurable, the public one as
//!    default), the wire structs with the provider's unit on each field, and a pure `parse_*` from
//!    bytes to [`Parsed`]: units and sides become ours there and nowhere else. A bad row is refused
//!    with its reason and the others land; an error inside a good status is a [`ParseError`].
//! 2. How each row is known: [`PollContext::knowledge`] with the instant its source publishes it, or
//!    `OnCommit` for a snapshot or a stream. Only finished candles are rows. Never 0 for "no value".
//! 3. The feed: [`PolledFeed`] with its [`Schedule`] from the publisher's habits, or
//!    [`StreamedFeed`] with the silence after which an open connection counts as broken; a
//!    [`Profile`] whose note says what the figures leave out.
//! 4. Its past, where the upstream keeps one: [`History::SingleRequest`] when one answer holds it all, else
//!    [`Pages`] of [`HistorySeries`]s, each with a question for any span, the span one answer covers, what the
//!    upstream keeps, and the spacing its limits ask for. The back-fill does the rest.
//! 5. Its row in `PROVIDERS` (`provider.rs`), with the sources it records under and the rank of each among all sources,
//!    and its field in `IngestConfig`. The default order of sources follows from the table.
//! 6. Tests beside the parser (a good body, an empty one, a refusal inside a good status, one bad
//!    row among good ones, no bytes panic), the provider's files in `tests/it/ingest_payloads/`, and
//!    its parsers in `fuzz/fuzz_targets/` with a seed of each shape in `fuzz/seeds/`.

pub mod alternative_me;
mod backfill;
mod backoff;
pub mod binance;
pub mod bybit;
mod candle_row;
mod candles;
mod client;
pub mod coingecko;
pub mod coinglass;
mod config;
pub mod defillama;
pub mod deribit;
mod error;
pub mod farside;
mod feed;
pub mod fred;
mod funding;
mod history;
mod host_limiter;
pub mod hyperliquid;
pub mod kraken;
mod monitor;
mod multiple;
pub mod okx;
mod poll;
mod positions;
mod probe;
mod provider;
mod runner;
mod schedule;
mod settings;
mod sink;
pub mod sosovalue;
mod stream;
mod stream_gaps;
mod wire;
pub mod yahoo;

pub use backfill::{Backfill, BackfillRange, Listener, Progress};
pub use backoff::{Backoff, Jitter, SeededJitter};
pub use client::{Answer, Expects, HttpClient, HttpSettings, Request, Validators};
pub use config::IngestConfig;
pub use error::{FeedError, FetchError, ParseError, StreamError};
pub use feed::{
    Message, Parsed, PollContext, PollRequest, PolledFeed, Profile, Questions, Reader, Refreshed, Session, StreamedFeed,
};
pub use history::{Ask, History, HistorySeries, Pages};
pub use host_limiter::{HostLimiter, HostPolicy};
pub use monitor::Monitor;
pub use poll::Poller;
pub use probe::{Outcome, ProbeResult, ProbeTimeouts, probe_feed};
pub use provider::{PROVIDERS, Provider, source_order};
pub use runner::{BackfillSettings, Collector, Entry, Feed, Step};
pub use schedule::Schedule;
pub use settings::UpstreamKey;
pub use sink::Sink;
pub use stream::Streamer;
