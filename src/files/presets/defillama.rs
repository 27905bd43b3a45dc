use super::Preset;
use crate::domain::{Asset, Metric, Period};
use crate::files::plan::{Measure, Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// The stablecoin chart of `DefiLlama`: a column for each coin and their total.
pub(super) const PRESET: Preset =
    Preset { name: "defillama-stablecoins", about: "total of the stablecoin chart of DefiLlama: stablecoins.csv", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["Timestamp", "Date", "USDT", "Total"]) {
        return None;
    }
    let coins: Vec<&str> =
        seen.head.names.iter().map(String::as_str).filter(|name| !matches!(*name, "Timestamp" | "Date" | "Total")).collect();
    let mut plan = Plan::new(FileKind::Series)
        .asset(Some(Asset::total()), Origin::Publisher)
        .source("defillama", Origin::Publisher)
        .interval(Some(Period::DAY), Origin::Publisher)
        .columns([(Column::Time, "Timestamp")])
        .measures([Measure::new("Total", Metric::StablecoinSupply)]);
    plan.told.push(format!("Total is the sum of the coins in the file: {}", coins.join(", ")));
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{parsed, readings};

    #[test]
    fn the_total_is_read_and_its_coins_are_named() {
        let text = "Timestamp,Date,USDT,USDC,Total\n1769904000,2026-02-01,187,74,261\n";
        assert_eq!(readings("stablecoins.csv", text), ["stablecoin_supply.total@defillama:1d 2026-02-01T00:00:00Z 261"]);
        assert!(parsed("stablecoins.csv", text).told.join("\n").contains("USDT, USDC"));
    }
}
