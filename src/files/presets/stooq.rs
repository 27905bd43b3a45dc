use super::Preset;
use crate::domain::Period;
use crate::files::plan::{Origin, Plan};
use crate::files::sighting::{Sighting, coin};
use crate::files::{Column, FileError, FileKind};

/// The bulk files of Stooq: names in angle brackets, `btc.v.txt`.
pub(super) const PRESET: Preset = Preset { name: "stooq", about: "daily bars of the bulk files of Stooq: btc.v.txt", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["<TICKER>", "<PER>", "<DATE>", "<TIME>", "<OPEN>", "<CLOSE>"]) {
        return None;
    }
    let interval = match seen.first("<PER>") {
        Some("D") => Period::DAY,
        Some("W") => Period::WEEK,
        _ => {
            return Some(Err(FileError::NotRows {
                what: "a Stooq file with times of day in a column of their own",
                advice: "import the daily file, or join <DATE> and <TIME> into one column",
            }));
        }
    };
    let ticker = seen.first("<TICKER>").unwrap_or_default();
    let asset = ticker.strip_suffix(".V").and_then(coin);
    let plan = Plan::new(FileKind::Candles)
        .asset(asset, Origin::Content)
        .source("stooq", Origin::Publisher)
        .interval(Some(interval), Origin::Content)
        .columns([(Column::Time, "<DATE>"), (Column::Volume, "<VOL>")]);
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::ImportOptions;
    use crate::files::plan::VolumeUnit;
    use crate::files::testing::{bars, bars_with};

    const TEXT: &str = "<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>\r\n\
                        BTC.V,D,20260126,000000,86,88,85,87,17.5,0\r\n";

    #[test]
    fn a_volume_without_a_unit_needs_a_flag() {
        assert_eq!(bars("btc.v.txt", TEXT), ["candle.btc@stooq:1d", "2026-01-26T00:00:00Z 86 88 85 87 none"]);
        let options = ImportOptions { volume_means: Some(VolumeUnit::Coins), ..ImportOptions::default() };
        assert_eq!(bars_with(&options, "btc.v.txt", TEXT)[1], "2026-01-26T00:00:00Z 86 88 85 87 17.5");
    }
}
