use super::{Preset, binance};
use crate::domain::Metric;
use crate::files::plan::{Measure, Origin, Plan, Stamps};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Funding rates of data.binance.vision, stamped some milliseconds after the settlement.
pub(super) const PRESET: Preset =
    Preset { name: "binance-funding", about: "funding rates of data.binance.vision: BTCUSDT-fundingRate-2025-06.csv", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["calc_time", "funding_interval_hours", "last_funding_rate"]) {
        return None;
    }
    let symbol = binance::symbol(seen.dashed_name().0);
    let source = if symbol.contract_usd.is_some() { "binance-coin" } else { "binance" };
    let plan = Plan::new(FileKind::Series)
        .asset(symbol.asset, Origin::Name)
        .source(source, Origin::Publisher)
        .columns([(Column::Time, "calc_time")])
        .measures([
            Measure::new("last_funding_rate", Metric::FundingRate),
            Measure::new("funding_interval_hours", Metric::FundingInterval),
        ]);
    Some(Ok(Plan { stamps: Stamps::Minute, ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::readings;

    #[test]
    fn a_settlement_is_that_of_its_minute() {
        let text = "calc_time,funding_interval_hours,last_funding_rate\n1748736000001,8,-0.00000582\n";
        let expected =
            ["funding_rate.btc@binance 2025-06-01T00:00:00Z -0.00000582", "funding_interval.btc@binance 2025-06-01T00:00:00Z 8"];
        assert_eq!(readings("BTCUSDT-fundingRate-2025-06.csv", text), expected);
    }
}
