//! Coins that a venue lists by the thousand or more: a unit of the contract is so many of them.
//!
//! The symbols of a stream are read from the venue's list. These tables serve the other way: which symbol to request for
//! a configured coin. If a coin is missing here, the venue refuses the request and the feed is `partial`.

use crate::domain::{Asset, Instrument};

/// A coin and what a venue calls its underlying.
pub(super) type Multiple = (&'static str, &'static str);

/// The venue's name for the underlying of a coin's contract.
pub(super) fn base_of(asset: &Asset, multiples: &[Multiple]) -> String {
    let listed = multiples.iter().find(|(coin, _)| *coin == asset.as_str());
    listed.map_or_else(|| asset.as_str().to_ascii_uppercase(), |(_, base)| (*base).to_owned())
}

/// How many coins a unit of that contract is.
pub(super) fn coins_per_unit(asset: &Asset, multiples: &[Multiple]) -> f64 {
    let listed = multiples.iter().find(|(coin, _)| *coin == asset.as_str());
    listed.and_then(|(_, base)| Instrument::from_base(base)).map_or(1.0, |instrument| instrument.coins_per_unit)
}

#[cfg(test)]
pub(super) fn assert_names_read_back(multiples: &[Multiple]) {
    for (coin, base) in multiples {
        let instrument = Instrument::from_base(base).unwrap();
        assert_eq!(instrument.asset.as_str(), *coin, "{base}");
        assert!(instrument.coins_per_unit > 1.0, "{base}");
    }
}
