use super::Preset;
use crate::domain::{Asset, Period};
use crate::files::plan::{Origin, Plan, VolumeUnit};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Historical data of investing.com, newest first, in the words and with the decimal mark of the edition.
pub(super) const PRESET: Preset = Preset {
    name: "investing",
    about: "daily bars of investing.com, English and German: \"Bitcoin Historical Data - Investing.com.csv\"",
    plan,
};

/// Time, close, open, high, low and volume in the words of an edition.
const EDITIONS: [[&str; 6]; 2] =
    [["Date", "Price", "Open", "High", "Low", "Vol."], ["Datum", "Zuletzt", "Eröffn.", "Hoch", "Tief", "Vol."]];

const COINS: [(&str, &str); 5] =
    [("Bitcoin", "btc"), ("Ethereum", "eth"), ("Solana", "sol"), ("XRP", "xrp"), ("Litecoin", "ltc")];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let [time, close, open, high, low, volume] = EDITIONS.into_iter().find(|names| seen.has(names))?;
    let coin: Option<Asset> =
        COINS.iter().find(|(name, _)| seen.stem.starts_with(name)).and_then(|(_, asset)| asset.parse().ok());
    let plan = Plan::new(FileKind::Candles)
        .asset(coin, Origin::Name)
        .source("investing", Origin::Publisher)
        .interval(Some(Period::DAY), Origin::Publisher)
        .volume(VolumeUnit::Coins, Origin::Publisher)
        .columns([
            (Column::Time, time),
            (Column::Open, open),
            (Column::High, high),
            (Column::Low, low),
            (Column::Close, close),
            (Column::Volume, volume),
        ]);
    Some(Ok(Plan { writes_running_bar: true, may_drop_volume: true, ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{bars, parsed};

    const ENGLISH: &str = "\"Date\",\"Price\",\"Open\",\"High\",\"Low\",\"Vol.\",\"Change %\"\r\n\
                           \"Aug 16, 2023\",\"28,420.3\",\"28,726.1\",\"28,771.8\",\"28,371.7\",\"57.32K\",\"-1.07%\"\r\n\
                           \"Aug 15, 2023\",\"28,726.3\",\"29,195.3\",\"29,251.1\",\"28,717.6\",\"-\",\"-1.61%\"\r\n";

    #[test]
    fn editions_agree() {
        let german = "\u{feff}\"Datum\",\"Zuletzt\",\"Eröffn.\",\"Hoch\",\"Tief\",\"Vol.\",\"+/- %\"\n\
                      \"16.08.2023\",\"28.420,3\",\"28.726,1\",\"28.771,8\",\"28.371,7\",\"57,32K\",\"-1,07%\"\n\
                      \"15.08.2023\",\"28.726,3\",\"29.195,3\",\"29.251,1\",\"28.717,6\",\"-\",\"-1,61%\"\n";
        let english = bars("Bitcoin Historical Data - Investing.com.csv", ENGLISH);
        assert_eq!(english[2], "2023-08-16T00:00:00Z 28726.1 28771.8 28371.7 28420.3 57320");
        assert_eq!(english, bars("Bitcoin Historische Daten.csv", german));
    }

    #[test]
    fn more_coins_than_exist_are_dropped_and_reported() {
        let parsed = parsed("Bitcoin Historical Data.csv", &ENGLISH.replace("57.32K", "1.04B"));
        assert!(parsed.told.join("\n").contains("1 volume above 21000000 btc left out"), "{:?}", parsed.told);
    }
}
