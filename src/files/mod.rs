//! Files in and out: CSV of candles, series, ETF flows, liquidations and orders.
//!
//! Owns column mapping, line-numbered errors and reports of `import` and `export`. It parses and
//! writes files; storing is the store's work.
