use super::Preset;
use crate::files::plan::{Origin, Plan, VolumeUnit};
use crate::files::sighting::{Sighting, coin_of, minutes};
use crate::files::table::Form;
use crate::files::{FileError, FileKind};

/// The OHLCVT files of Kraken: no header, 7 columns, `XBTUSD_1440.csv`.
pub(super) const PRESET: Preset = Preset { name: "kraken", about: "OHLCVT files of Kraken: XBTUSD_1440.csv", plan };

const NAMES: [&str; 7] = ["time", "open", "high", "low", "close", "volume", "trades"];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let (pair, interval) = seen.stem.rsplit_once('_').unwrap_or((seen.stem, ""));
    let is_told = seen.options.preset.is_some() || minutes(interval).is_some();
    if !seen.is_nameless(Form::Delimited, NAMES.len()) || !is_told {
        return None;
    }
    let plan = Plan::new(FileKind::Candles)
        .asset(coin_of(pair), Origin::Name)
        .interval(minutes(interval), Origin::Name)
        .source("kraken", Origin::Publisher)
        .volume(VolumeUnit::Coins, Origin::Publisher);
    Some(Ok(Plan { names: Some(NAMES.map(str::to_owned).to_vec()), ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::bars;

    #[test]
    fn the_first_line_is_a_bar_and_days_without_a_trade_are_left_open() {
        let text = "1381017600,122.0,122.0,122.0,122.0,0.1,1\n1381104000,123.61,123.61,123.61,123.61,0.1,1\n\
                    1381276800,124,124,123,123.5,2.8,3\n";
        let expected = [
            "candle.btc@kraken:1d",
            "2013-10-06T00:00:00Z 122 122 122 122 0.1",
            "2013-10-07T00:00:00Z 123.61 123.61 123.61 123.61 0.1",
            "2013-10-09T00:00:00Z 124 124 123 123.5 2.8",
        ];
        assert_eq!(bars("XBTUSD_1440.csv", text), expected);
    }
}
