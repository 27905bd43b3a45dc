use super::Preset;
use crate::files::plan::{Origin, Plan, VolumeUnit};
use crate::files::sighting::{Sighting, coin_of};
use crate::files::table::Form;
use crate::files::{FileError, FileKind};

/// The lists of `fetch_ohlcv` of ccxt in one JSON list, as freqtrade writes them: `BTC_USDT-1h.json`.
pub(super) const PRESET: Preset =
    Preset { name: "ccxt", about: "lists of ccxt fetch_ohlcv in JSON, named by freqtrade: BTC_USDT-1h.json", plan };

const NAMES: [&str; 6] = ["time", "open", "high", "low", "close", "volume"];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.is_nameless(Form::JsonLists, NAMES.len()) || !seen.head.rows.iter().take(20).all(|row| is_bar(row)) {
        return None;
    }
    let (pair, interval) = seen.dashed_name();
    // A perpetual names its settlement currency too: BTC_USDT_USDT.
    let pair: String = pair.split('_').take(2).collect();
    let plan = Plan::new(FileKind::Candles)
        .asset(coin_of(&pair), Origin::Name)
        .interval(interval.parse().ok(), Origin::Name)
        .volume(VolumeUnit::Coins, Origin::Publisher);
    Some(Ok(Plan { names: Some(NAMES.map(str::to_owned).to_vec()), writes_running_bar: true, ..plan }))
}

/// Whether the values are a Unix time and four prices in the order of a bar.
fn is_bar(row: &[String]) -> bool {
    let numbers: Vec<f64> = row.iter().filter_map(|cell| cell.parse().ok()).collect();
    matches!(numbers.as_slice(), [time, open, high, low, close, _] if *time > 6e8 && low <= open && low <= close && open <= high && close <= high)
}

#[cfg(test)]
mod tests {
    use crate::files::ImportOptions;
    use crate::files::testing::bars_with;

    #[test]
    fn lists_of_six_numbers_are_bars() {
        let text = "[[1733011200000,96407.99,96672.49,96260.0,96340.6,532.95388],[1733014800000,96340.61,96516.0,96044.21,96106.62,756]]";
        let options = ImportOptions { source: "mine".parse().ok(), ..ImportOptions::default() };
        let expected = [
            "candle.btc@mine:1h",
            "2024-12-01T00:00:00Z 96407.99 96672.49 96260 96340.6 532.95388",
            "2024-12-01T01:00:00Z 96340.61 96516 96044.21 96106.62 756",
        ];
        assert_eq!(bars_with(&options, "BTC_USDT-1h.json", text), expected);
    }
}
