//! The wiring: store, market, feeds and HTTP interface put together, started and stopped.
