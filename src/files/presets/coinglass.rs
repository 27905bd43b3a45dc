use super::Preset;
use crate::domain::Period;
use crate::files::plan::{Origin, Plan};
use crate::files::sighting::{Sighting, coin_of};
use crate::files::{Column, FileError, FileKind};

/// Liquidation histories of `CoinGlass`, saved as CSV: sums of a pair on one exchange.
pub(super) const PRESET: Preset = Preset {
    name: "coinglass-liquidations",
    about: "sums of liquidations of CoinGlass: coinglass_liquidation_history_Binance_BTCUSDT_4h.csv",
    plan,
};

const NAMES: [[&str; 2]; 2] =
    [["long_liquidation_usd", "short_liquidation_usd"], ["aggregated_long_liquidation_usd", "aggregated_short_liquidation_usd"]];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let [long, short] = NAMES.into_iter().find(|names| seen.has(names) && seen.has(&["time"]))?;
    let mut words = seen.stem.rsplit('_');
    let interval: Option<Period> = words.next().and_then(|word| word.parse().ok());
    let asset = words.next().and_then(coin_of);
    let exchange = words.next().unwrap_or_default().to_ascii_lowercase();
    // A copy of one venue is another source than the venue, or its sums would be added twice.
    let source =
        if asset.is_some() && long.starts_with("long") { format!("coinglass-{exchange}") } else { "coinglass".to_owned() };
    let plan = Plan::new(FileKind::Liquidations)
        .asset(asset, Origin::Name)
        .source(&source, Origin::Name)
        .interval(interval, Origin::Name)
        .columns([(Column::Long, long), (Column::Short, short)]);
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::readings;

    #[test]
    fn a_copy_of_a_venue_is_a_source_of_its_own() {
        let text = "time,long_liquidation_usd,short_liquidation_usd\n1759968000000,3930403.2,103587.9\n";
        let expected = [
            "liquidation.btc.long@coinglass-binance:4h 2025-10-09T00:00:00Z 3930403.2",
            "liquidation.btc.short@coinglass-binance:4h 2025-10-09T00:00:00Z 103587.9",
        ];
        assert_eq!(readings("coinglass_liquidation_history_Binance_BTCUSDT_4h.csv", text), expected);
    }
}
