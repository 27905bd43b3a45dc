use super::Preset;
use crate::domain::{Asset, Metric, Period};
use crate::files::plan::{Measure, Origin, Plan, VolumeUnit};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Historical data of `CoinMarketCap`: bars, or market caps with `import series`.
pub(super) const PRESET: Preset = Preset {
    name: "coinmarketcap",
    about: "daily bars and market caps of CoinMarketCap: Bitcoin_10_1_2025-10_31_2025_historical_data_coinmarketcap.csv",
    plan,
};

const COINS: [(&str, &str); 5] = [("Bitcoin", "btc"), ("Ethereum", "eth"), ("Solana", "sol"), ("XRP", "xrp"), ("BNB", "bnb")];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["timeOpen", "timeClose", "open", "high", "low", "close", "volume", "marketCap", "timestamp"]) {
        return None;
    }
    // The column `name` holds the number of the quote currency.
    let coin = seen.stem.split('_').next().unwrap_or_default();
    let coin: Option<Asset> = COINS.iter().find(|(name, _)| *name == coin).and_then(|(_, asset)| asset.parse().ok());
    let is_series = seen.options.kind == Some(FileKind::Series);
    let mut plan = Plan::new(if is_series { FileKind::Series } else { FileKind::Candles })
        .asset(coin, Origin::Name)
        .source("coinmarketcap", Origin::Publisher)
        .interval(Some(Period::DAY), Origin::Content)
        .columns([(Column::Time, "timeOpen")]);
    if is_series {
        plan = plan.measures([Measure::new("marketCap", Metric::MarketCap)]);
    } else {
        plan = plan.volume(VolumeUnit::Usd, Origin::Publisher);
        plan.told.push("market caps are read with `import series`".to_owned());
    }
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{bars, readings_with};
    use crate::files::{FileKind, ImportOptions};

    const TEXT: &str = "\u{feff}timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n\
        \"2025-10-31T00:00:00.000Z\";\"2025-10-31T23:59:59.999Z\";\"2025-10-31T15:11:00.000Z\";\"2025-10-31T00:01:00.000Z\";\
        \"2781\";108;111;105;110;5500;2184;\"2025-10-31T23:59:59.999Z\"\n";
    const NAME: &str = "Bitcoin_10_1_2025-10_31_2025_historical_data_coinmarketcap.csv";

    #[test]
    fn a_day_starts_at_its_open_and_its_volume_is_in_dollars() {
        assert_eq!(bars(NAME, TEXT), ["candle.btc@coinmarketcap:1d", "2025-10-31T00:00:00Z 108 111 105 110 50"]);
    }

    #[test]
    fn market_caps_are_a_series() {
        let options = ImportOptions { kind: Some(FileKind::Series), ..ImportOptions::default() };
        assert_eq!(readings_with(&options, NAME, TEXT), ["market_cap.btc@coinmarketcap:1d 2025-10-31T00:00:00Z 2184"]);
    }
}
