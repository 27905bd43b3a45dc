use super::Preset;
use crate::domain::{Period, TradingCalendar};
use crate::files::instant::Zone;
use crate::files::plan::{Origin, Plan, Stamps, VolumeUnit};
use crate::files::sighting::{Sighting, coin_of, minutes};
use crate::files::{FileError, FileKind};

/// Chart data exported from `TradingView`, with the columns of the indicators: `BITSTAMP_BTCUSD, 1D.csv`.
pub(super) const PRESET: Preset =
    Preset { name: "tradingview", about: "chart data exported from TradingView: \"BITSTAMP_BTCUSD, 1D.csv\"", plan };

/// Symbols of indices, and the names of their assets here.
const INDICES: [(&str, &str); 8] = [
    ("SPX", "sp500"),
    ("SPX500", "sp500"),
    ("IXIC", "nasdaq"),
    ("NDX", "nasdaq"),
    ("VIX", "vix"),
    ("DXY", "dxy"),
    ("GOLD", "gold"),
    ("USOIL", "wti"),
];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let (market, interval) = seen.stem.split_once(", ")?;
    let (Some((exchange, symbol)), true) = (market.split_once('_'), seen.has(&["time", "open", "high", "low", "close"])) else {
        return None;
    };
    let index = INDICES.iter().find(|(name, _)| *name == symbol).and_then(|(_, asset)| asset.parse().ok());
    let asset = index.clone().or_else(|| coin_of(symbol));
    // Indices are quoted by many; the site is their source.
    let source = if index.is_some() { "tradingview".to_owned() } else { exchange.to_ascii_lowercase() };
    let has_days = asset.as_ref().is_some_and(|asset| asset.calendar() == TradingCalendar::TradingDays);
    let interval = interval_of(interval);
    let stamps = match interval {
        Some(interval) if has_days && interval >= Period::DAY => Stamps::TradingDay(Zone::new_york()),
        _ => Stamps::AsStated,
    };
    let mut plan =
        Plan::new(FileKind::Candles).asset(asset, Origin::Name).source(&source, Origin::Name).interval(interval, Origin::Name);
    if index.is_none() {
        plan = plan.volume(VolumeUnit::Coins, Origin::Publisher);
    }
    Some(Ok(Plan { stamps, writes_running_bar: true, ..plan }))
}

/// `60` is an hour, `1D` a day, `1W` a week.
fn interval_of(text: &str) -> Option<Period> {
    let text = text.split(['_', ' ']).next().unwrap_or_default();
    match text {
        "D" | "1D" => Some(Period::DAY),
        "W" | "1W" => Some(Period::WEEK),
        _ => minutes(text),
    }
}

#[cfg(test)]
mod tests {
    use crate::files::testing::bars;

    #[test]
    fn repeated_columns_matter_only_where_they_are_read() {
        let text = "time,open,high,low,close,Break,Break,Volume,Volume MA\n1679011200,10,12,9,11,0,0,5,NaN\n";
        assert_eq!(bars("BITSTAMP_BTCUSD, 1D.csv", text), ["candle.btc@bitstamp:1d", "2023-03-17T00:00:00Z 10 12 9 11 5"]);
    }

    #[test]
    fn a_bar_of_an_index_belongs_to_its_trading_day() {
        let text = "time,open,high,low,close\n2010-03-05T07:30:00-07:00,10,12,9,11\n2010-03-08T07:30:00-07:00,10,12,9,11\n";
        let expected =
            ["candle.sp500@tradingview:1d", "2010-03-05T00:00:00Z 10 12 9 11 none", "2010-03-08T00:00:00Z 10 12 9 11 none"];
        assert_eq!(bars("SP_SPX, 1D.csv", text), expected);
    }
}
