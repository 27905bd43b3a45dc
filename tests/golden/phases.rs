//! Block `lunde_timmermann` and R's bbdetection.

use market_stress::stats::phases::{Phase, phases};
use rstest::rstest;
use serde_json::Value;

use crate::fixture::{numbers, value};

#[rstest]
#[case("prices", 0.2, 0.2, "/lunde_timmermann/prices_20_20")]
#[case("prices", 0.2, 0.2, "/r/lt_20_20")]
#[case("prices", 0.2, 0.15, "/r/lt_20_15")]
#[case("rally_prices", 0.2, 0.2, "/lunde_timmermann/rally_20_20")]
#[case("rally_prices", 0.2, 0.2, "/r/lt_rally")]
#[case("rally_prices", 0.1, 0.1, "/lunde_timmermann/rally_10_10")]
#[case("rally_prices", 0.1, 0.1, "/r/lt_rally10")]
fn phases_are_those_of_the_reference(#[case] prices: &str, #[case] up: f64, #[case] down: f64, #[case] expected: &str) {
    let found = phases(&numbers(&format!("/inputs/{prices}")), up, down);
    let bull: Vec<Value> = found.iter().map(|phase| Value::Bool(*phase == Phase::Bull)).collect();
    assert_eq!(&Value::Array(bull), value(expected));
}
