use super::{Preset, binance};
use crate::domain::Metric;
use crate::files::plan::{Doubles, Measure, Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Daily metrics of data.binance.vision: open interest every 5 minutes.
pub(super) const PRESET: Preset =
    Preset { name: "binance-metrics", about: "open interest of data.binance.vision: BTCUSDT-metrics-2026-07-20.csv", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["create_time", "symbol", "sum_open_interest", "sum_open_interest_value"]) {
        return None;
    }
    let symbol = binance::symbol(seen.first("symbol").unwrap_or_default());
    let (usd, coins) = match symbol.contract_usd {
        // The value of coin-margined contracts is in coins, and their number in contracts.
        Some(usd) => {
            (Measure { factor: usd, ..Measure::new("sum_open_interest", Metric::OpenInterest) }, "sum_open_interest_value")
        }
        None => (Measure::new("sum_open_interest_value", Metric::OpenInterest), "sum_open_interest"),
    };
    let source = if symbol.contract_usd.is_some() { "binance-coin" } else { "binance" };
    let plan = Plan::new(FileKind::Series)
        .asset(symbol.asset, Origin::Content)
        .source(source, Origin::Publisher)
        .columns([(Column::Time, "create_time"), (Column::Symbol, "symbol")])
        .measures([usd, Measure::new(coins, Metric::OpenInterestNative)]);
    Some(Ok(Plan { doubles: Doubles::Copies, ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{parsed, readings};

    const HEADER: &str = "create_time,symbol,sum_open_interest,sum_open_interest_value,count_long_short_ratio\n";

    #[test]
    fn both_units_land_and_a_row_that_is_written_twice_counts_once() {
        let text = format!(
            "{HEADER}2026-07-20 00:05:00,BTCUSDT,20,1200000,\"\"\n2026-07-20 00:00:00,BTCUSDT,10,600000,1\n\
                            2026-07-20 00:00:00,BTCUSDT,10,600000,1\n"
        );
        let expected = [
            "open_interest.btc@binance 2026-07-20T00:00:00Z 600000",
            "open_interest.btc@binance 2026-07-20T00:05:00Z 1200000",
            "open_interest_native.btc@binance 2026-07-20T00:00:00Z 10",
            "open_interest_native.btc@binance 2026-07-20T00:05:00Z 20",
        ];
        assert_eq!(readings("BTCUSDT-metrics-2026-07-20.csv", &text), expected);
        assert_eq!(parsed("BTCUSDT-metrics-2026-07-20.csv", &text).doubles, 1);
    }

    #[test]
    fn coin_margined_contracts_become_dollars() {
        let text = format!("{HEADER}2023-06-25 00:00:00,BTCUSD_PERP,5578700,18265.009,\n");
        let expected = [
            "open_interest.btc@binance-coin 2023-06-25T00:00:00Z 557870000",
            "open_interest_native.btc@binance-coin 2023-06-25T00:00:00Z 18265.009",
        ];
        assert_eq!(readings("BTCUSD_PERP-metrics-2023-06-25.csv", &text), expected);
    }
}
