//! The golden values: a JSON pointer goes in, numbers come out; see `meta` in `golden.json` for their origin.

use std::sync::LazyLock;

use serde_json::Value;

static GOLDEN: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(include_str!("golden.json")).unwrap());

/// Relative tolerance of closed formulas.
pub(crate) const EXACT: f64 = 1e-12;
/// Relative tolerance of sums and quotients of rounded inputs.
pub(crate) const CLOSE: f64 = 1e-9;
/// Relative tolerance of iterative fits.
pub(crate) const FITTED: f64 = 1e-4;

/// The value at a JSON pointer such as `/drawdown/current`.
pub(crate) fn value(pointer: &str) -> &'static Value {
    GOLDEN.pointer(pointer).unwrap_or_else(|| panic!("no golden value at {pointer}"))
}

pub(crate) fn number(pointer: &str) -> f64 {
    value(pointer).as_f64().unwrap_or_else(|| panic!("no number at {pointer}"))
}

/// The numbers of a list, without its nulls.
pub(crate) fn numbers(pointer: &str) -> Vec<f64> {
    value(pointer).as_array().unwrap_or_else(|| panic!("no list at {pointer}")).iter().filter_map(Value::as_f64).collect()
}

#[track_caller]
pub(crate) fn assert_close(actual: f64, expected: f64, relative: f64) {
    assert!((actual - expected).abs() <= relative * expected.abs().max(1e-300), "{actual} is not {expected}");
}

#[track_caller]
pub(crate) fn assert_all_close(actual: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(actual.len(), expected.len());
    for (&a, &e) in actual.iter().zip(expected) {
        assert_close(a, e, relative);
    }
}
