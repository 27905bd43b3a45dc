use std::borrow::Cow;

use chrono::{NaiveDate, NaiveTime};

use crate::domain::{Asset, Metric, Period, SeriesKey, Source, Timestamp};

/// Hour of the UTC day at which options expire.
const EXPIRY_HOUR: u32 = 8;
/// Months as option names spell them, January first.
const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// Year to which the two digits of a name are added.
const CENTURY: i32 = 2_000;

/// Maximum length of a strike, characters: no coin costs more, and the name fits into a key.
const STRIKE_MAX: usize = 15;

/// Parsed option name, such as `29MAY26-82000-P`, which is the part of its series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OptionName<'a> {
    /// The name without the asset.
    pub part: &'a str,
    /// Date of expiry as written, such as `29MAY26`; it is the part of a forward's series.
    pub expiry: &'a str,
    /// Time of expiry: 08:00 UTC of that date.
    pub expires_at: Timestamp,
    /// The strike, USD.
    pub strike: f64,
    /// True for a put, false for a call.
    pub is_put: bool,
}

/// Values of one option in a snapshot of its chain.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct OptionQuote {
    /// Implied volatility of the mark price, annualised percent.
    pub mark_iv_pct: Option<f64>,
    /// Open interest, coins.
    pub open_interest_coins: Option<f64>,
    /// Volume of the last 24 hours, coins.
    pub volume_coins: Option<f64>,
}

impl<'a> OptionName<'a> {
    /// Parses a name without its asset; a `d` in the strike is a decimal point.
    #[must_use]
    pub fn from_part(part: &'a str) -> Option<Self> {
        let mut fields = part.split('-');
        let expiry = fields.next()?;
        let expires_at = Self::expires_at(expiry)?;
        let is_strike = |text: &&str| text.len() <= STRIKE_MAX && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'd');
        let digits = fields.next().filter(is_strike)?;
        let decimal = if digits.contains('d') { Cow::Owned(digits.replace('d', ".")) } else { Cow::Borrowed(digits) };
        let strike: f64 = decimal.parse().ok()?;
        let is_put = match fields.next()? {
            "C" => false,
            "P" => true,
            _ => return None,
        };
        let is_whole = strike > 0.0 && fields.next().is_none();
        is_whole.then_some(Self { part, expiry, expires_at, strike, is_put })
    }

    /// Parses a venue's name of an option on an asset: `BTC-29MAY26-82000-P`, or the same without `BTC-`.
    #[must_use]
    pub fn from_instrument(name: &'a str, asset: &Asset) -> Option<Self> {
        let of_asset = name.split_once('-').filter(|(prefix, _)| *prefix == asset.as_str().to_ascii_uppercase());
        Self::from_part(of_asset.map_or(name, |(_, part)| part))
    }

    /// Returns the time at which options of a date such as `6FEB26` expire.
    #[must_use]
    pub fn expires_at(date: &str) -> Option<Timestamp> {
        let (day, rest) = date.split_at(date.find(|letter: char| letter.is_ascii_alphabetic())?);
        let (month, year) = rest.split_at_checked(3)?;
        let month = (1..).zip(MONTHS).find_map(|(number, name)| (name == month).then_some(number))?;
        let (day, year) = (number(day)?, number(year)?);
        let date = NaiveDate::from_ymd_opt(CENTURY + i32::from(year), month, u32::from(day))?;
        Some(Timestamp::from(date.and_time(NaiveTime::from_hms_opt(EXPIRY_HOUR, 0, 0)?).and_utc()))
    }

    /// Returns the key of a metric's series for this option, or of the forward of its expiry.
    #[must_use]
    pub fn series(&self, metric: Metric, asset: &Asset, source: &Source) -> SeriesKey {
        let part = if metric == Metric::OptionForward { self.expiry } else { self.part };
        SeriesKey::new(metric, asset.clone(), source.clone(), Period::INSTANT).with_part(part)
    }
}

impl OptionQuote {
    /// Returns the readings to store. An option with an open interest of zero has none: chains list
    /// hundreds of them. A volatility of zero is dropped, because the venue sends it for "unknown".
    pub fn readings(self) -> impl Iterator<Item = (Metric, f64)> {
        let is_held = self.open_interest_coins.is_none_or(|coins| coins > 0.0);
        let readings = [
            (Metric::OptionOpenInterest, self.open_interest_coins),
            (Metric::OptionVol, self.mark_iv_pct.filter(|vol| *vol > 0.0)),
            (Metric::OptionVolume, self.volume_coins),
        ];
        readings.into_iter().filter(move |_| is_held).filter_map(|(metric, value)| Some((metric, value?)))
    }
}

/// Parses a number of one or two digits.
fn number(digits: &str) -> Option<u8> {
    let is_number = digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_has_expiry_strike_and_right() {
        let name = OptionName::from_part("29MAY26-82000-P").unwrap();
        assert_eq!((name.expiry, name.expires_at), ("29MAY26", "2026-05-29T08:00:00Z".parse().unwrap()));
        assert_eq!((name.strike.to_bits(), name.is_put), (82_000.0_f64.to_bits(), true));
        assert_eq!(OptionName::from_part("6FEB26-2d55-C").map(|name| name.strike), Some(2.55));
        for text in [
            "",
            "29MAY26",
            "29MAY26-82000",
            "29MAY26-82000-X",
            "32MAY26-1-C",
            "29MAY26-0-P",
            "29MAY26-1-P-1",
            "29may26-1-P",
            "29MAY26-1e3-P",
            "29MAY26-inf-P",
            "   7MAR26-95000-C",
            "+7MAR26-95000-C",
            "7MAR26-0000000000095000-C",
        ] {
            assert_eq!(OptionName::from_part(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_series_of_a_parsed_name_parses_back(part in "[ +0-9]{1,3}(MAR|mar)[ 0-9]{1,3}-[0-9d]{1,40}-[CP]") {
            if let Some(name) = OptionName::from_part(&part) {
                let key = name.series(Metric::OptionVol, &Asset::btc(), &"x".parse().unwrap());
                prop_assert_eq!(key.to_string().parse(), Ok(key));
            }
        }
    }

    #[test]
    fn the_asset_of_an_instrument_may_be_left_out_but_not_be_another() {
        let btc = Asset::btc();
        let plain = OptionName::from_instrument("29MAY26-82000-P", &btc);
        assert!(plain.is_some());
        assert_eq!(OptionName::from_instrument("BTC-29MAY26-82000-P", &btc), plain);
        for text in ["ETH-29MAY26-82000-P", "BTC_USDC-29MAY26-82000-P", "BTC-BTC-29MAY26-82000-P", "BTC-PERPETUAL"] {
            assert_eq!(OptionName::from_instrument(text, &btc), None, "{text}");
        }
    }

    #[test]
    fn an_option_without_open_interest_has_no_readings() {
        let quote = OptionQuote { mark_iv_pct: Some(0.0), open_interest_coins: Some(2.0), volume_coins: None };
        assert_eq!(quote.readings().collect::<Vec<_>>(), [(Metric::OptionOpenInterest, 2.0)]);
        let not_held = OptionQuote { mark_iv_pct: Some(50.0), open_interest_coins: Some(0.0), ..quote };
        assert_eq!(not_held.readings().count(), 0);
        let unknown = OptionQuote { open_interest_coins: None, ..not_held };
        assert_eq!(unknown.readings().collect::<Vec<_>>(), [(Metric::OptionVol, 50.0)]);
    }
}
