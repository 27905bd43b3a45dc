use crate::domain::Asset;

/// Underlying of a derivatives contract, read from the venue's symbol.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// The underlying asset.
    pub asset: Asset,
    /// Coins per unit of the contract: 1000 for `1000PEPEUSDT`, usually 1.
    pub coins_per_unit: f64,
}

/// Currencies that end a contract's name, longest first. BUSD is not among them: `BNBUSD` is bnb in dollars, and the
/// contracts in BUSD are gone.
const QUOTES: [&str; 4] = ["FDUSD", "USDT", "USDC", "USD"];

/// Multiples that begin the name of an underlying, longest first.
const MULTIPLES: [(&str, f64); 5] = [("1000000", 1e6), ("100000", 1e5), ("10000", 1e4), ("1000", 1e3), ("1M", 1e6)];

/// Underlying of contracts whose symbol is not made of ASCII letters and digits.
const OTHER: &str = "other";

impl Instrument {
    /// Parses a venue's symbol such as `BTCUSDT`, `BTC-USDT-SWAP`, `ETHUSD_PERP`, `1000SHIB` or plain `YB`.
    ///
    /// Expiry and kind after `-` or `_` and the quote currency are taken off; the rest is read as
    /// [`Instrument::from_base`] does. A name does not show where the underlying ends, so a venue's own list of underlyings comes
    /// first. `None` for an empty name.
    #[must_use]
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        let mut parts = symbol.trim().split(['-', '_', '/']);
        let pair = parts.next()?;
        // A name whose second part is the quote states the underlying by itself.
        if parts.next().is_some_and(|part| QUOTES.iter().any(|quote| part.eq_ignore_ascii_case(quote))) {
            return Self::from_base(pair);
        }
        let cut = |quote: &&str| {
            let end = pair.len().checked_sub(quote.len()).filter(|end| *end > 0 && pair.is_char_boundary(*end))?;
            pair[end..].eq_ignore_ascii_case(quote).then(|| &pair[..end])
        };
        Self::from_base(QUOTES.iter().find_map(cut).unwrap_or(pair))
    }

    /// Reads a venue's name for an underlying: `BTC`, `1000PEPE`, `SHIB1000`, `kPEPE`, `1MBABYDOGE`.
    ///
    /// A multiple is taken off. A name that leaves no symbol we can write (some coins have Chinese names) counts as `other`:
    /// the venue's own name stays with the order. `None` for an empty name.
    #[must_use]
    pub fn from_base(base: &str) -> Option<Self> {
        let base = base.trim();
        if base.is_empty() {
            return None;
        }
        let (coin, coins_per_unit) = multiple_of(base).unwrap_or((base, 1.0));
        let asset = coin.to_ascii_lowercase().parse().or_else(|_| OTHER.parse()).ok()?;
        Some(Self { asset, coins_per_unit })
    }
}

/// The coin that a name states a multiple of, and the multiple.
fn multiple_of(base: &str) -> Option<(&str, f64)> {
    let is_coin = |rest: &str| rest.starts_with(|first: char| first.is_ascii_alphabetic());
    // One venue writes a thousand as `k` before capitals; a coin of that letter is all capitals.
    let thousand = base.strip_prefix('k').filter(|rest| rest.starts_with(|first: char| first.is_ascii_uppercase()));
    let before = || {
        MULTIPLES.iter().find_map(|(prefix, multiple)| Some((base.strip_prefix(prefix).filter(|rest| is_coin(rest))?, *multiple)))
    };
    let behind =
        || base.strip_suffix("1000").filter(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_alphabetic()));
    thousand.map(|rest| (rest, 1e3)).or_else(before).or_else(|| behind().map(|rest| (rest, 1e3)))
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
    fn a_coin_whose_name_ends_in_b_keeps_it() {
        for (symbol, asset) in [
            ("BNBUSD_PERP", "bnb"),
            ("BNBUSD", "bnb"),
            ("BNBUSDC", "bnb"),
            ("ARBUSD", "arb"),
            ("SHIBUSDT", "shib"),
            ("bnbusd", "bnb"),
            ("TUSD-USDT-SWAP", "tusd"),
            ("SOL_USDC-PERPETUAL", "sol"),
        ] {
            assert_eq!(Instrument::from_symbol(symbol).unwrap().asset.as_str(), asset, "{symbol}");
        }
    }

    #[test]
    fn multiples_are_removed_and_returned() {
        for (symbol, asset, coins) in [
            ("1000PEPE", "pepe", 1e3),
            ("1000SHIBUSDC", "shib", 1e3),
            ("1MBABYDOGEUSDT", "babydoge", 1e6),
            ("1000000BOB", "bob", 1e6),
            ("SHIB1000USDT", "shib", 1e3),
            ("kPEPE", "pepe", 1e3),
            ("KAVAUSDT", "kava", 1.0),
            ("kava", "kava", 1.0),
            ("10000SATSUSDT", "sats", 1e4),
            ("1000XUSDT", "x", 1e3),
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
