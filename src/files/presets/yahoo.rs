use super::Preset;
use crate::domain::Period;
use crate::files::plan::{Origin, Plan, VolumeUnit};
use crate::files::sighting::{Sighting, coin_of};
use crate::files::{FileError, FileKind};

/// Yahoo Finance: the former download, and the table of the history page pasted into a file.
pub(super) const PRESET: Preset =
    Preset { name: "yahoo", about: "daily bars of Yahoo Finance, downloaded or copied from the page: BTC-USD.csv", plan };

/// Symbols of indices, metals and oil, and the names of their assets here.
const OTHERS: [(&str, &str); 7] = [
    ("^GSPC", "sp500"),
    ("^IXIC", "nasdaq"),
    ("^VIX", "vix"),
    ("GC=F", "gold"),
    ("SI=F", "silver"),
    ("CL=F", "wti"),
    ("DX-Y.NYB", "dxy"),
];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let is_adjusted = |name: &String| name.starts_with("Adj Close");
    if !seen.has(&["date", "open", "high", "low", "close", "volume"]) || !seen.head.names.iter().any(is_adjusted) {
        return None;
    }
    let symbol = seen.stem.split([' ', '(']).next().unwrap_or_default();
    let other = OTHERS.iter().find(|(name, _)| *name == symbol).and_then(|(_, asset)| asset.parse().ok());
    let coin = if symbol.contains('-') { coin_of(symbol) } else { None };
    let mut plan = Plan::new(FileKind::Candles).source("yahoo", Origin::Publisher).interval(Some(Period::DAY), Origin::Publisher);
    // The volume of a coin is in dollars, that of an index counts nothing.
    if other.is_none() {
        plan = plan.volume(VolumeUnit::Usd, Origin::Publisher);
    }
    let plan = plan.asset(other.or(coin), Origin::Name);
    Some(Ok(Plan { writes_running_bar: true, ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::ImportOptions;
    use crate::files::testing::{bars, bars_with, parsed};

    #[test]
    fn volume_is_in_dollars_and_a_row_of_nulls_is_empty() {
        let text =
            "Date,Open,High,Low,Close,Adj Close,Volume\n2020-04-10,10,12,8,10,11,500\n2020-04-11,null,null,null,null,null,null\n";
        assert_eq!(bars("BTC-USD.csv", text), ["candle.btc@yahoo:1d", "2020-04-10T00:00:00Z 10 12 8 10 50"]);
        assert_eq!(parsed("BTC-USD.csv", text).empty, 1);
    }

    #[test]
    fn the_page_explains_its_columns() {
        let text = "Date\tOpen\tHigh\tLow\tClose Close price adjusted for splits.\tAdj Close Adjusted close price\tVolume\n\
                    Feb 6, 2026\t78.19\t89.51\t68.69\t87.46\t87.46\t11,668,451\nFeb 5, 2026\t92.03\t92.90\t77.77\t80\t80\t8,000\n";
        let options = ImportOptions { asset: "sol".parse().ok(), ..ImportOptions::default() };
        assert_eq!(bars_with(&options, "page copy.tsv", text)[1], "2026-02-05T00:00:00Z 92.03 92.9 77.77 80 100");
    }
}
