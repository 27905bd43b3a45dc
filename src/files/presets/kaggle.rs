use super::Preset;
use crate::files::plan::{Origin, Plan, VolumeUnit};
use crate::files::sighting::{Sighting, coin, minutes};
use crate::files::{Column, FileError, FileKind};

/// Minutes of Bitstamp as passed around on Kaggle: `bitstampUSD_1-min_data_2012-01-01_to_2021-03-31.csv`.
pub(super) const PRESET: Preset = Preset {
    name: "kaggle-minutes",
    about: "minutes of one exchange as passed around on Kaggle: bitstampUSD_1-min_data_2012-01-01_to_2021-03-31.csv",
    plan,
};

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let coins = seen.head.names.iter().find(|name| name.starts_with("Volume_(") && *name != "Volume_(Currency)");
    let (Some(coins), true) = (coins, seen.has(&["Timestamp", "Volume_(Currency)", "Weighted_Price"])) else { return None };
    let symbol = coins.trim_start_matches("Volume_(").trim_end_matches(')');
    let mut words = seen.stem.split('_');
    let exchange = words.next().and_then(|word| word.strip_suffix("USD")).unwrap_or_default();
    let interval = words.next().and_then(|word| word.strip_suffix("-min")).and_then(minutes);
    let plan = Plan::new(FileKind::Candles)
        .asset(coin(symbol), Origin::Content)
        .source(&exchange.to_ascii_lowercase(), Origin::Name)
        .interval(interval, Origin::Name)
        .volume(VolumeUnit::Coins, Origin::Content)
        .columns([(Column::Volume, coins.as_str()), (Column::QuoteVolume, "Volume_(Currency)")]);
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{bars, parsed};

    #[test]
    fn minutes_without_a_trade_are_empty_rows() {
        let text = "Timestamp,Open,High,Low,Close,Volume_(BTC),Volume_(Currency),Weighted_Price\n\
                    1325317920,4.39,4.39,4.39,4.39,0.45,2.0,4.39\n1325317980,NaN,NaN,NaN,NaN,NaN,NaN,NaN\n\
                    1325318040,NaN,NaN,NaN,NaN,NaN,NaN,NaN\n";
        let name = "bitstampUSD_1-min_data_2012-01-01_to_2021-03-31.csv";
        assert_eq!(bars(name, text), ["candle.btc@bitstamp:1m", "2011-12-31T07:52:00Z 4.39 4.39 4.39 4.39 0.45"]);
        assert_eq!(parsed(name, text).empty, 2);
    }
}
