//! What presets look at to recognise a file.

use std::path::Path;

use crate::domain::{Asset, Period};
use crate::files::ImportOptions;
use crate::files::table::{Form, Head};

/// A file as a preset sees it: its first rows and its name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sighting<'a> {
    pub(super) head: &'a Head,
    /// The file's name without its endings: that of the packed file, if there is one.
    pub(super) stem: &'a str,
    /// Where the file is, if it has a name.
    pub(super) path: Option<&'a Path>,
    pub(super) options: &'a ImportOptions,
}

/// Currencies that count as US dollars, longest first.
const DOLLARS: [&str; 5] = ["FDUSD", "USDT", "USDC", "BUSD", "USD"];

impl Sighting<'_> {
    /// Whether the table has a column of each of these names.
    pub(super) fn has(&self, names: &[&str]) -> bool {
        self.head.has_names && names.iter().all(|name| self.column(name).is_some())
    }

    /// The file's own name of a column.
    pub(super) fn column(&self, name: &str) -> Option<&str> {
        self.head.names.iter().find(|own| is_same_name(own, name)).map(String::as_str)
    }

    /// The cell of the first row in a column.
    pub(super) fn first(&self, name: &str) -> Option<&str> {
        let place = self.head.names.iter().position(|own| is_same_name(own, name))?;
        self.head.rows.first()?.get(place).map(String::as_str)
    }

    /// Whether rows are lists of so many cells, without names.
    pub(super) fn is_nameless(&self, form: Form, width: usize) -> bool {
        let all_wide = || self.head.rows.iter().take(20).all(|row| row.len() == width);
        self.head.form == form && !self.head.has_names && self.head.names.len() == width && all_wide()
    }

    /// The symbol and what follows it in a name such as `BTCUSDT-1h-2024-11`.
    pub(super) fn dashed_name(&self) -> (&str, &str) {
        let (symbol, rest) = self.stem.split_once('-').unwrap_or((self.stem, ""));
        (symbol, rest.split('-').next().unwrap_or_default())
    }
}

/// Names compare without case, blanks and punctuation; explanations after a repeated name do not count.
pub(super) fn is_same_name(own: &str, name: &str) -> bool {
    let mut words = own.split_whitespace();
    let is_explained = match (words.next(), words.next()) {
        (Some(first), Some(second)) => first == second && first.eq_ignore_ascii_case(name),
        _ => false,
    };
    is_explained || plain(own).eq(plain(name))
}

fn plain(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '+' | '%' | '/')).flat_map(char::to_lowercase)
}

/// The coin of a pair with the US dollar, such as `BTCUSDT`, `XBT/USD` or `BTC-USD`.
pub(super) fn coin_of(pair: &str) -> Option<Asset> {
    let pair: String = pair.to_ascii_uppercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let base = DOLLARS.iter().find_map(|dollar| pair.strip_suffix(dollar)).filter(|base| !base.is_empty())?;
    coin(base)
}

/// The coin of a symbol; some venues have names of their own.
pub(super) fn coin(symbol: &str) -> Option<Asset> {
    match symbol.to_ascii_lowercase().as_str() {
        "xbt" => Some(Asset::btc()),
        "xdg" => "doge".parse().ok(),
        other => other.parse().ok(),
    }
}

/// The interval of so many minutes.
pub(super) fn minutes(count: &str) -> Option<Period> {
    let count: u32 = count.parse().ok()?;
    format!("{count}m").parse().ok().filter(|_| count > 0)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("Close", "close", true)]
    #[case("<CLOSE>", "close", true)]
    #[case("Volume_(BTC)", "volume btc", true)]
    #[case("timeOpen", "time_open", true)]
    #[case("Vol.", "vol", true)]
    #[case("Close Close price adjusted for splits.", "close", true)]
    #[case("Adj Close", "close", false)]
    #[case("Adj Close Adjusted close price", "close", false)]
    #[case("Volume MA", "volume", false)]
    fn names_compare_without_case_and_punctuation(#[case] own: &str, #[case] name: &str, #[case] expected: bool) {
        assert_eq!(is_same_name(own, name), expected);
    }

    #[rstest]
    #[case("BTCUSDT", Some("btc"))]
    #[case("XBTUSD", Some("btc"))]
    #[case("BTC/USD", Some("btc"))]
    #[case("XDGUSD", Some("doge"))]
    #[case("ETHBTC", None)]
    #[case("USD", None)]
    fn a_pair_with_the_dollar_names_its_coin(#[case] pair: &str, #[case] expected: Option<&str>) {
        assert_eq!(coin_of(pair).map(|asset| asset.to_string()), expected.map(str::to_owned));
    }
}
