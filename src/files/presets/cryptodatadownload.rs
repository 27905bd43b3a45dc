use super::Preset;
use crate::files::plan::{Origin, Plan, VolumeUnit};
use crate::files::sighting::{Sighting, coin_of};
use crate::files::{FileError, FileKind};

/// Files of `CryptoDataDownload`, newest first, with the running bar: `Binance_BTCUSDT_d.csv`.
pub(super) const PRESET: Preset =
    Preset { name: "cryptodatadownload", about: "bars of CryptoDataDownload: Binance_BTCUSDT_d.csv", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["unix", "date", "symbol", "open", "high", "low", "close"]) {
        return None;
    }
    let mut words = seen.stem.split('_');
    let exchange = words.next().unwrap_or_default().to_ascii_lowercase();
    let interval = match words.next_back().unwrap_or_default() {
        "d" => "1d".parse().ok(),
        "1h" | "hour" => "1h".parse().ok(),
        "minute" => "1m".parse().ok(),
        _ => None,
    };
    let source = if exchange == "binance" { "binance-spot" } else { &exchange };
    let plan = Plan::new(FileKind::Candles)
        .asset(seen.first("symbol").and_then(coin_of), Origin::Content)
        .source(source, Origin::Name)
        .interval(interval, Origin::Name)
        .volume(VolumeUnit::Coins, Origin::Content);
    Some(Ok(Plan { writes_running_bar: true, ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{bars, parsed, refusal};

    const HEADER: &str =
        "https://www.CryptoDataDownload.com\nUnix,Date,Symbol,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount\n";

    #[test]
    fn units_of_time_may_change_from_row_to_row() {
        let text = format!(
            "{HEADER}1740614400000,2025-02-27,BTCUSDT,85,90,80,86,10,860,1\n\
                            1740528000000000,2025-02-26,BTCUSDT,88,89,82,84,10,840,1\n"
        );
        let expected =
            ["candle.btc@binance-spot:1d", "2025-02-26T00:00:00Z 88 89 82 84 10", "2025-02-27T00:00:00Z 85 90 80 86 10"];
        assert_eq!(bars("Binance_BTCUSDT_d.csv", &text), expected);
        let told = parsed("Binance_BTCUSDT_d.csv", &text).told.join("\n");
        assert!(told.contains("ms and us mixed") && told.contains("newest first"), "{told}");
    }

    #[test]
    fn volumes_that_contradict_each_other_are_swapped_and_refused() {
        let text = format!("{HEADER}1740614400000,2025-02-27,BTCUSDT,85,90,80,86,860,10,1\n");
        let error = refusal("Binance_BTCUSDT_d.csv", &text);
        assert!(error.contains("line 3: 10 USD for 860 coins is a price of 0.012"), "{error}");
    }
}
