use crate::domain::Asset;

/// Quotes of USD-M contracts, taken as dollars.
const DOLLAR_QUOTES: [&str; 4] = ["USDT", "USDC", "FDUSD", "BUSD"];
/// Sizes that a symbol carries in front of the coin: `1000SHIBUSDT` trades a thousand SHIB.
const MULTIPLIERS: [(&str, f64); 3] = [("1000000", 1e6), ("1000", 1e3), ("1M", 1e6)];

/// A futures contract as its symbol names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// The coin.
    pub asset: Asset,
    /// How a size becomes an amount.
    pub size: Size,
}

/// What one unit of size is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Size {
    /// This many coins; the price is that of so many.
    Coins(f64),
    /// A contract worth this many dollars.
    Usd(f64),
}

/// The symbol names no contract on a coin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no futures contract on a coin against a dollar")]
pub struct UnknownSymbol(pub String);

impl Instrument {
    /// Reads a symbol: `BTCUSDT`, `1000SHIBUSDT`, `BTCUSDT_260925`, `BTCUSD_PERP`.
    ///
    /// # Errors
    /// [`UnknownSymbol`] for anything else.
    pub fn parse(symbol: &str) -> Result<Self, UnknownSymbol> {
        let unknown = || UnknownSymbol(symbol.to_owned());
        let (pair, delivery) = symbol.split_once('_').map_or((symbol, false), |(pair, _)| (pair, true));
        if let Some(base) = DOLLAR_QUOTES.iter().find_map(|quote| pair.strip_suffix(quote)) {
            let (name, multiple) = MULTIPLIERS
                .iter()
                .find_map(|(prefix, multiple)| Some((base.strip_prefix(prefix)?, *multiple)))
                .filter(|(name, _)| !name.is_empty())
                .unwrap_or((base, 1.0));
            let asset = name.to_ascii_lowercase().parse().map_err(|_| unknown())?;
            return Ok(Self { asset, size: Size::Coins(multiple) });
        }
        // COIN-M: every symbol has a tail, `_PERP` or a delivery date.
        let base = pair.strip_suffix("USD").filter(|_| delivery).ok_or_else(unknown)?;
        let asset: Asset = base.to_ascii_lowercase().parse().map_err(|_| unknown())?;
        let contract_usd = if asset == Asset::btc() { 100.0 } else { 10.0 };
        Ok(Self { asset, size: Size::Usd(contract_usd) })
    }

    /// The symbol of a coin's USD-M perpetual.
    #[must_use]
    pub fn perpetual(asset: &Asset) -> String {
        let thousands = matches!(asset.as_str(), "shib" | "pepe" | "floki" | "bonk" | "lunc" | "xec" | "sats" | "rats" | "cat");
        format!("{}{}USDT", if thousands { "1000" } else { "" }, asset.as_str().to_ascii_uppercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("BTCUSDT", "btc", Size::Coins(1.0))]
    #[case("ETHUSDC", "eth", Size::Coins(1.0))]
    #[case("1000SHIBUSDT", "shib", Size::Coins(1e3))]
    #[case("1000000MOGUSDT", "mog", Size::Coins(1e6))]
    #[case("1MBABYDOGEUSDT", "babydoge", Size::Coins(1e6))]
    #[case("1INCHUSDT", "1inch", Size::Coins(1.0))]
    #[case("BTCUSDT_260925", "btc", Size::Coins(1.0))]
    #[case("BTCUSD_PERP", "btc", Size::Usd(100.0))]
    #[case("BTCUSD_200925", "btc", Size::Usd(100.0))]
    #[case("ETHUSD_PERP", "eth", Size::Usd(10.0))]
    fn symbols_tell_coin_and_size(#[case] symbol: &str, #[case] asset: &str, #[case] size: Size) {
        let expected = Instrument { asset: asset.parse().unwrap(), size };
        assert_eq!(Instrument::parse(symbol), Ok(expected));
    }

    #[rstest]
    #[case("")]
    #[case("USDT")]
    #[case("BTCUSD")]
    #[case("ETHBTC")]
    #[case("币安人生USDT")]
    fn symbols_that_name_no_coin_are_refused(#[case] symbol: &str) {
        assert_eq!(Instrument::parse(symbol), Err(UnknownSymbol(symbol.to_owned())));
    }

    #[test]
    fn the_perpetual_of_a_coin_reads_back_as_that_coin() {
        for name in ["btc", "shib", "doge"] {
            let asset: Asset = name.parse().unwrap();
            assert_eq!(Instrument::parse(&Instrument::perpetual(&asset)).unwrap().asset, asset);
        }
    }
}
