use super::{Preset, binance};
use crate::files::plan::{Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Forced orders of Tardis, with the time of arrival.
pub(super) const PRESET: Preset = Preset {
    name: "tardis-liquidations",
    about: "forced orders of Tardis: binance-futures_liquidations_2023-08-01_BTCUSDT.csv.gz",
    plan,
};

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["exchange", "symbol", "timestamp", "local_timestamp", "side", "price", "amount"]) {
        return None;
    }
    let (exchange, name) = (seen.first("exchange").unwrap_or_default(), seen.first("symbol").unwrap_or_default());
    let source = match exchange {
        "binance-futures" => "binance",
        "binance-delivery" => "binance-coin",
        other => other,
    };
    let symbol = binance::symbol(name);
    let is_linear = name.trim_end_matches("-SWAP").ends_with("USDT") || name.ends_with("USDC");
    if !is_linear && exchange != "binance-delivery" {
        return Some(Err(FileError::NotRows {
            what: "a file of inverse contracts whose size is not known",
            advice: "import linear contracts (…USDT), or those of binance-delivery",
        }));
    }
    let plan = Plan::new(FileKind::Orders).source(source, Origin::Content).columns([
        (Column::Time, "timestamp"),
        (Column::KnownAt, "local_timestamp"),
        (Column::Quantity, "amount"),
    ]);
    Some(Ok(Plan { has_arrivals: true, contract_usd: symbol.contract_usd.filter(|_| !is_linear), ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::orders;

    #[test]
    fn equal_orders_of_a_stream_all_count() {
        let text = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n\
                    binance-futures,BTCUSDT,1690848005678000,1690848005690345,,buy,29210.0,0.10\n\
                    binance-futures,BTCUSDT,1690848005678000,1690848005690345,,buy,29210.0,0.10\n";
        let order = "BTCUSDT btc@binance short 2023-08-01T00:00:05.678Z 29210 0.1 2921";
        assert_eq!(orders("binance-futures_liquidations_2023-08-01_BTCUSDT.csv", text), [order, order]);
    }
}
