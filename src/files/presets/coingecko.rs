use super::Preset;
use crate::domain::{Asset, Metric};
use crate::files::plan::{Lag, Measure, Origin, Plan, Stamps};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// The CSV export of a coin of `CoinGecko`: readings of midnight, 0 for what is not known.
pub(super) const PRESET: Preset =
    Preset { name: "coingecko", about: "price, market cap and volume of a coin of CoinGecko: btc-usd-max.csv", plan };

/// Readings of midnight are published 35 minutes later.
const LAG_MS: i64 = 35 * 60_000;

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["snapped_at", "price", "market_cap", "total_volume"]) {
        return None;
    }
    let coin: Option<Asset> = seen.stem.split_once("-usd-").and_then(|(coin, _)| coin.parse().ok());
    let measure = |column, metric, is_zero_unknown| Measure {
        is_zero_unknown,
        lag: Lag::Milliseconds(LAG_MS),
        ..Measure::new(column, metric)
    };
    let plan = Plan::new(FileKind::Series)
        .asset(coin, Origin::Name)
        .source("coingecko", Origin::Publisher)
        .columns([(Column::Time, "snapped_at")])
        .measures([
            measure("price", Metric::Price, true),
            measure("market_cap", Metric::MarketCap, true),
            measure("total_volume", Metric::Volume24h, true),
        ]);
    Some(Ok(Plan { stamps: Stamps::Midnight, ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{parsed, readings};

    const TEXT: &str = "snapped_at,price,market_cap,total_volume\n2017-06-05 00:00:00 UTC,135.3,1500,0.0\n\
                        2017-06-06 23:29:55 UTC,140,1500,7\n2017-06-08 00:00:00 UTC,141,,8\n";

    #[test]
    fn zero_and_blank_state_nothing_and_rows_of_other_times_are_left_out() {
        let expected = [
            "price.btc@coingecko 2017-06-05T00:00:00Z 135.3",
            "price.btc@coingecko 2017-06-08T00:00:00Z 141",
            "market_cap.btc@coingecko 2017-06-05T00:00:00Z 1500",
            "volume_24h.btc@coingecko 2017-06-08T00:00:00Z 8",
        ];
        assert_eq!(readings("btc-usd-max.csv", TEXT), expected);
        assert_eq!(parsed("btc-usd-max.csv", TEXT).left_out, 1);
    }
}
