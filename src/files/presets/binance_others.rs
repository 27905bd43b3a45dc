use super::Preset;
use crate::files::FileError;
use crate::files::plan::Plan;
use crate::files::sighting::Sighting;
use crate::files::table::Form;

/// Files of data.binance.vision that look like others and hold nothing that can be stored.
pub(super) const PRESET: Preset =
    Preset { name: "binance-others", about: "trades and order books of data.binance.vision, which are refused", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let is_nameless_trade = |width| {
        seen.is_nameless(Form::Delimited, width)
            && seen
                .head
                .rows
                .first()
                .and_then(|row| row.last())
                .is_some_and(|cell| cell.parse::<bool>().is_ok() || cell == "True" || cell == "False")
    };
    if seen.has(&["timestamp", "percentage", "depth", "notional"]) {
        return Some(Err(FileError::NotRows {
            what: "a file of order-book depth in bands around the price, for which there is no series",
            advice: "what can be imported of data.binance.vision are klines, metrics, fundingRate and liquidationSnapshot",
        }));
    }
    if seen.has(&["price", "is_buyer_maker"]) || is_nameless_trade(7) || is_nameless_trade(8) {
        return Some(Err(FileError::NotRows {
            what: "a file of single trades, which are neither forced orders nor bars",
            advice: "download the klines of the same day and import those",
        }));
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::files::testing::refusal;

    #[test]
    fn trades_and_depths_are_refused_by_name() {
        let trades = "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n1,2,3,4,5,1687651202018,true\n";
        assert!(refusal("BTCUSD_PERP-aggTrades-2023-06-25.csv", trades).contains("single trades"));
        let depth = "timestamp,percentage,depth,notional\n2025-10-10 21:14:09,-5,5120.400,551979120.00\n";
        assert!(refusal("BTCUSDT-bookDepth-2025-10-10.csv", depth).contains("order-book depth"));
    }
}
