use crate::domain::{Asset, Instrument};
use crate::ingest::multiple::{Multiple, base_of};

/// Quotes of USD-M contracts, taken as dollars.
pub(super) const DOLLAR_QUOTES: [&str; 3] = ["USDT", "USDC", "FDUSD"];

/// Coins that are listed by the thousand or more.
const MULTIPLES: [Multiple; 14] = [
    ("babydoge", "1MBABYDOGE"),
    ("bob", "1000000BOB"),
    ("bonk", "1000BONK"),
    ("cat", "1000CAT"),
    ("cheems", "1000CHEEMS"),
    ("floki", "1000FLOKI"),
    ("lunc", "1000LUNC"),
    ("mog", "1000000MOG"),
    ("pepe", "1000PEPE"),
    ("rats", "1000RATS"),
    ("sats", "1000SATS"),
    ("shib", "1000SHIB"),
    ("why", "1000WHY"),
    ("xec", "1000XEC"),
];

/// A futures contract as its symbol names it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contract {
    /// The coin.
    pub(super) asset: Asset,
    /// How a size becomes an amount.
    pub(super) size: Size,
}

/// What one unit of size is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Size {
    /// USD-M: this many coins; the price is that of so many.
    Coins(f64),
    /// COIN-M: a contract worth this many dollars.
    Usd(f64),
}

/// The symbol names no contract against a dollar.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no futures contract against a dollar")]
pub(super) struct UnknownSymbol(String);

impl Contract {
    /// A contract as the venue's list states it: what it is on, and on COIN-M how many dollars it is worth.
    pub(super) fn listed(base: &str, contract_usd: Option<f64>) -> Option<Self> {
        let Instrument { asset, coins_per_unit } = Instrument::from_base(base)?;
        Some(Self { asset, size: contract_usd.map_or(Size::Coins(coins_per_unit), Size::Usd) })
    }

    /// Reads a symbol that no list has stated yet: `BTCUSDT`, `1000SHIBUSDT`, `BTCUSDT_260925`, `BTCUSD_PERP`.
    pub(super) fn parse(symbol: &str) -> Result<Self, UnknownSymbol> {
        let unknown = || UnknownSymbol(symbol.to_owned());
        let Instrument { asset, coins_per_unit } = Instrument::from_symbol(symbol).ok_or_else(unknown)?;
        let pair = symbol.split('_').next().unwrap_or_default();
        if DOLLAR_QUOTES.iter().any(|quote| pair.ends_with(quote)) {
            return Ok(Self { asset, size: Size::Coins(coins_per_unit) });
        }
        // COIN-M: every symbol has a tail, `_PERP` or a delivery date.
        if !pair.ends_with("USD") || pair == symbol {
            return Err(unknown());
        }
        let contract_usd = if asset == Asset::btc() { 100.0 } else { 10.0 };
        Ok(Self { asset, size: Size::Usd(contract_usd) })
    }
}

/// The symbol of a coin's USD-M perpetual.
pub(super) fn perpetual(asset: &Asset) -> String {
    format!("{}USDT", base_of(asset, &MULTIPLES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("BTCUSDT", "btc", Size::Coins(1.0))]
    #[case("ETHUSDC", "eth", Size::Coins(1.0))]
    #[case("1000SHIBUSDT", "shib", Size::Coins(1e3))]
    #[case("BTCUSDT_260925", "btc", Size::Coins(1.0))]
    #[case("BTCUSD_PERP", "btc", Size::Usd(100.0))]
    #[case("ETHUSD_260925", "eth", Size::Usd(10.0))]
    #[case("BNBUSD_PERP", "bnb", Size::Usd(10.0))]
    #[case("BNBUSDT", "bnb", Size::Coins(1.0))]
    fn symbols_tell_coin_and_size(#[case] symbol: &str, #[case] asset: &str, #[case] size: Size) {
        let expected = Contract { asset: asset.parse().unwrap(), size };
        assert_eq!(Contract::parse(symbol), Ok(expected));
    }

    #[rstest]
    #[case("")]
    #[case("BTCUSD")]
    #[case("ETHBTC")]
    fn symbols_that_are_not_priced_in_dollars_are_refused(#[case] symbol: &str) {
        assert_eq!(Contract::parse(symbol), Err(UnknownSymbol(symbol.to_owned())));
    }

    #[test]
    fn the_perpetual_of_a_coin_reads_back_as_that_coin() {
        crate::ingest::multiple::assert_names_read_back(&MULTIPLES);
        for name in ["btc", "shib", "doge", "bnb", "babydoge"] {
            let asset: Asset = name.parse().unwrap();
            assert_eq!(Contract::parse(&perpetual(&asset)).unwrap().asset, asset);
        }
    }
}
