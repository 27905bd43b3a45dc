use crate::domain::Asset;

/// Underlying of a derivatives contract, read from the venue's symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// The underlying asset.
    pub asset: Asset,
    /// Coins per unit of the contract: 1000 for `1000PEPEUSDT`, usually 1.
    pub coins_per_unit: f64,
}

/// Currencies that end a contract's name, longest first.
const QUOTES: [&str; 5] = ["FDUSD", "USDT", "USDC", "BUSD", "USD"];

/// Multiples that begin a contract's name, longest first.
const MULTIPLES: [(&str, f64); 4] = [("1000000", 1e6), ("10000", 1e4), ("1000", 1e3), ("1M", 1e6)];

/// Underlying of contracts whose symbol is not made of ASCII letters and digits.
const OTHER: &str = "other";

impl Instrument {
    /// Parses a venue's symbol such as `BTCUSDT`, `BTC-USDT-SWAP`, `ETHUSD_PERP`, `1000SHIB` or plain `YB`.
    ///
    /// Expiry and kind after `-` or `_`, the quote currency and the multiple are removed. If the rest
    /// is not a valid asset symbol (some coins have Chinese names), the asset is `other`; the venue's
    /// symbol stays with the order. `None` for an empty symbol.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        let pair = symbol.trim().split(['-', '_', '/']).next().filter(|pair| !pair.is_empty())?.to_ascii_uppercase();
        let base = QUOTES.iter().find_map(|quote| pair.strip_suffix(quote).filter(|base| !base.is_empty())).unwrap_or(&pair);
        let (base, coins_per_unit) = MULTIPLES
            .iter()
            .find_map(|(prefix, multiple)| {
                let rest = base.strip_prefix(prefix)?;
                rest.starts_with(|first: char| first.is_ascii_alphabetic()).then_some((rest, *multiple))
            })
            .unwrap_or((base, 1.0));
        let asset = base.to_ascii_lowercase().parse().or_else(|_| OTHER.parse()).ok()?;
        Some(Self { asset, coins_per_unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_of_every_venue_give_the_same_asset() {
        for symbol in ["BTC", "BTCUSDT", "BTCUSDC", "BTCUSD", "BTC-USDT-SWAP", "BTC-PERPETUAL", "BTCUSDT_260327", "BTC_251226"] {
            assert_eq!(Instrument::from_symbol(symbol).unwrap().asset, Asset::btc(), "{symbol}");
        }
    }

    #[test]
    fn multiples_are_removed_and_returned() {
        for (symbol, asset, coins) in [
            ("1000PEPE", "pepe", 1e3),
            ("1000SHIBUSDC", "shib", 1e3),
            ("1MBABYDOGEUSDT", "babydoge", 1e6),
            ("1000000BOB", "bob", 1e6),
            ("1INCHUSDT", "1inch", 1.0),
            ("4USDT", "4", 1.0),
            ("USDCUSDT", "usdc", 1.0),
            ("币安人生USDT", "other", 1.0),
        ] {
            let instrument = Instrument::from_symbol(symbol).unwrap();
            assert_eq!(instrument.asset.as_str(), asset, "{symbol}");
            assert!((instrument.coins_per_unit - coins).abs() < f64::EPSILON, "{symbol}");
        }
        assert_eq!(Instrument::from_symbol(" "), None);
    }
}
