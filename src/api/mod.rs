//! The HTTP interface: routes, parameters, envelope, formats, problems, caching, limits, pages.
//!
//! Owns everything a client sees on the wire. It computes no metric and writes no SQL.
