use super::{Preset, binance};
use crate::files::plan::{Doubles, Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Forced orders of data.binance.vision, of coin-margined contracts, every row twice.
pub(super) const PRESET: Preset = Preset {
    name: "binance-liquidations",
    about: "forced orders of data.binance.vision: BTCUSD_PERP-liquidationSnapshot-2024-10-01.csv",
    plan,
};

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["time", "side", "average_price", "accumulated_fill_quantity"]) {
        return None;
    }
    let name = seen.options.symbol.as_deref().unwrap_or_else(|| seen.dashed_name().0);
    let symbol = binance::symbol(name);
    if symbol.asset.is_none() {
        return Some(Err(FileError::Unnamed {
            what: "symbol",
            flag: "--symbol",
            example: "BTCUSD_PERP-liquidationSnapshot-2024-10-01.csv",
        }));
    }
    let source = if symbol.contract_usd.is_some() { "binance-coin" } else { "binance" };
    let mut plan = Plan::new(FileKind::Orders)
        .asset(symbol.asset, Origin::Name)
        .source(source, Origin::Publisher)
        .columns([(Column::Price, "average_price"), (Column::Quantity, "accumulated_fill_quantity")]);
    if let Some(usd) = symbol.contract_usd {
        plan.told.push(format!("quantities in contracts of {usd} USD"));
    }
    plan.told.push(format!("symbol {name}"));
    Some(Ok(Plan { symbol: Some(name.to_owned()), contract_usd: symbol.contract_usd, doubles: Doubles::Copies, ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{orders, refusal};

    const TEXT: &str = "time,side,order_type,original_quantity,price,average_price,order_status,accumulated_fill_quantity\n\
                        1727740869082,BUY,LIMIT,7,63661.4,50000,FILLED,7\n1727740869082,BUY,LIMIT,7,63661.4,50000,FILLED,7\n";

    #[test]
    fn contracts_become_coins_at_the_average_price() {
        let expected = ["BTCUSD_PERP btc@binance-coin short 2024-10-01T00:01:09.082Z 50000 0.014 700"];
        assert_eq!(orders("BTCUSD_PERP-liquidationSnapshot-2024-10-01.csv", TEXT), expected);
    }

    #[test]
    fn a_renamed_file_needs_its_symbol() {
        assert!(refusal("renamed.csv", TEXT).starts_with("which symbol? give --symbol"));
    }
}
