use super::{Preset, binance};
use crate::domain::Period;
use crate::files::plan::{Origin, Plan, VolumeUnit};
use crate::files::sighting::Sighting;
use crate::files::table::Form;
use crate::files::{Column, FileError, FileKind};

/// Klines of data.binance.vision: 12 columns, without a header for spot, with one for futures since 2023.
pub(super) const PRESET: Preset =
    Preset { name: "binance-klines", about: "klines of data.binance.vision, spot and futures: BTCUSDT-1h-2024-11.csv", plan };

const NAMES: [&str; 12] = [
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let is_nameless = seen.is_nameless(Form::Delimited, NAMES.len());
    let is_named = seen.has(&["open_time", "close_time", "quote_volume", "taker_buy_volume"]);
    if !is_nameless && !is_named {
        return None;
    }
    let (name, interval) = seen.dashed_name();
    let symbol = binance::symbol(name);
    let is_futures = is_named || seen.path.is_some_and(|path| path.components().any(|part| part.as_os_str() == "futures"));
    let source = match (symbol.contract_usd, is_futures) {
        (Some(_), _) => "binance-coin-perp",
        (None, true) => "binance-perp",
        (None, false) => "binance-spot",
    };
    // Of coin-margined contracts `volume` counts contracts, and `quote_volume` coins.
    let coins = if symbol.contract_usd.is_some() { "quote_volume" } else { "volume" };
    let mut plan = Plan::new(FileKind::Candles)
        .asset(symbol.asset, Origin::Name)
        .interval(interval.parse::<Period>().ok(), Origin::Name)
        .source(source, if is_named { Origin::Content } else { Origin::Publisher })
        .volume(VolumeUnit::Coins, Origin::Publisher)
        .columns([(Column::Time, "open_time"), (Column::Volume, coins)]);
    if symbol.contract_usd.is_none() {
        plan = plan.columns([(Column::QuoteVolume, "quote_volume")]);
    }
    if is_nameless {
        plan.names = Some(NAMES.map(str::to_owned).to_vec());
        plan.told.push("a kline file without a header is one of spot; --source names another".to_owned());
    }
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{bars, refusal};

    #[test]
    fn klines_without_a_header_are_spot_and_lose_no_bar() {
        let text = "1735689600000000,93576,94509.42,93489.03,94401.14,755.99,1735693199999999,70970000,1,1,1,0\n\
                    1735693200000000,94401.14,94408.72,93578.77,93607.74,586.53,1735696799999999,55086000,1,1,1,0\n";
        let expected = ["candle.btc@binance-spot:1h", "2025-01-01T00:00:00Z 93576 94509.42 93489.03 94401.14 755.99"];
        assert_eq!(bars("BTCUSDT-1h-2025-01.csv", text)[..2], expected);
    }

    #[test]
    fn coin_margined_klines_take_their_coins_from_the_quote_volume() {
        let text = "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore\n\
                    1770249600000,50,60,40,50,700,1770253199999,1400,1,1,1,0\n";
        let expected = ["candle.btc@binance-coin-perp:1h", "2026-02-05T00:00:00Z 50 60 40 50 1400"];
        assert_eq!(bars("BTCUSD_PERP-1h-2026-02.csv", text), expected);
    }

    #[test]
    fn pairs_with_other_coins_have_no_price_in_dollars() {
        let text = "1735689600000,1,2,0.5,1,7,1735693199999,7,1,1,1,0\n";
        assert!(refusal("ETHBTC-1h-2025-01.csv", text).starts_with("which asset?"));
    }
}
