//! Numerics over plain slices: drawdowns, moments, ranks, volatility, regression, correlation.
//!
//! Owns formulas and their edge cases. It knows nothing of ours: no domain type, no clock, no I/O.
//! Slices go in, `Option` comes out; `None` means the sample cannot answer, never zero or NaN.
