use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::{Asset, Period, Source};

/// Quantity that a series measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Bars of trading.
    Candle,
    /// A price read at an instant.
    Price,
    /// Price times circulating supply.
    MarketCap,
    /// Traded value over the trailing 24 hours.
    Volume24h,
    /// Net creations less redemptions of one fund (the part) on one US trading day.
    EtfFlow,
    /// What the publisher of fund flows states as the sum of a trading day.
    EtfFlowTotal,
    /// Whether the publisher's cell of one fund (the part) and trading day cannot be read: 1, or 0 where it can.
    EtfUnreadable,
    /// Assets under management of one fund (the part).
    EtfAssets,
    /// Value of liquidated positions in a period; the part is the side.
    Liquidation,
    /// The same over the trailing 24 hours. The part is the side; without a part, both sides together.
    Liquidation24h,
    /// Value of open futures positions, counted on one side.
    OpenInterest,
    /// Open futures positions in coins.
    OpenInterestNative,
    /// Funding payment at a settlement, as a fraction per funding interval; positive if longs pay shorts.
    FundingRate,
    /// Hours between two settlements, recorded with each funding rate.
    FundingInterval,
    /// An implied-volatility index, annualised.
    ImpliedVol,
    /// Implied volatility of one option (the part), annualised.
    OptionVol,
    /// Open interest of one option (the part), in coins.
    OptionOpenInterest,
    /// Traded amount of one option (the part) over 24 hours, in coins.
    OptionVolume,
    /// Forward price of one expiry (the part).
    OptionForward,
    /// The Fear and Greed index, 0 (fear) to 100 (greed).
    FearGreed,
    /// Value of all stablecoins in circulation.
    StablecoinSupply,
    /// Duration for which a feed (the part) received nothing, starting at `observed_at`, if the missed
    /// rows cannot be read later.
    Outage,
}

/// The unit of a series' values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// US dollars. USDT is treated as USD; the source shows which one it is.
    Usd,
    /// Coins of the underlying asset.
    Coin,
    /// A plain fraction: 0.01 is one percent.
    Ratio,
    /// Percent points: 45.0 is 45 %.
    Percent,
    /// Hours.
    Hours,
    /// A number on the publisher's own scale.
    Index,
}

/// Kind of a series: decides if its values may be added over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesKind {
    /// A state at an instant, carried until the next reading.
    Level,
    /// An amount over a period; amounts add.
    Flow,
}

/// Names one series: `<metric>.<asset>[.<part>]@<source>[:<period>]`.
///
/// Examples: `market_cap.total@coingecko`, `etf_flow.btc.IBIT@farside`, `candle.btc@binance:1h`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesKey {
    /// Quantity measured.
    pub metric: Metric,
    /// Asset measured.
    pub asset: Asset,
    /// Part of the asset: a fund, a side, an option. Letters, digits, `-` and `_`.
    pub part: Option<Arc<str>>,
    /// Publisher of the values.
    pub source: Source,
    /// Period that one row covers.
    pub period: Period,
}

/// The text is not a series key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a series key such as market_cap.total@coingecko or candle.btc@binance:1h: {reason}")]
pub struct InvalidSeriesKey {
    /// The text as given.
    pub text: String,
    /// The fault.
    pub reason: String,
}

impl Metric {
    /// Every metric with its name, in the order of the catalogue.
    pub const ALL: [(Self, &'static str); 22] = [
        (Self::Candle, "candle"),
        (Self::Price, "price"),
        (Self::MarketCap, "market_cap"),
        (Self::Volume24h, "volume_24h"),
        (Self::EtfFlow, "etf_flow"),
        (Self::EtfFlowTotal, "etf_flow_total"),
        (Self::EtfUnreadable, "etf_unreadable"),
        (Self::EtfAssets, "etf_assets"),
        (Self::Liquidation, "liquidation"),
        (Self::Liquidation24h, "liquidation_24h"),
        (Self::OpenInterest, "open_interest"),
        (Self::OpenInterestNative, "open_interest_native"),
        (Self::FundingRate, "funding_rate"),
        (Self::FundingInterval, "funding_interval"),
        (Self::ImpliedVol, "implied_vol"),
        (Self::OptionVol, "option_vol"),
        (Self::OptionOpenInterest, "option_open_interest"),
        (Self::OptionVolume, "option_volume"),
        (Self::OptionForward, "option_forward"),
        (Self::FearGreed, "fear_greed"),
        (Self::StablecoinSupply, "stablecoin_supply"),
        (Self::Outage, "outage"),
    ];

    /// Returns the name used in series keys.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(metric, _)| *metric == self).map_or("", |(_, name)| name)
    }

    /// Returns the unit of the values.
    #[must_use]
    pub const fn unit(self) -> Unit {
        match self {
            Self::Candle
            | Self::Price
            | Self::MarketCap
            | Self::Volume24h
            | Self::EtfFlow
            | Self::EtfFlowTotal
            | Self::EtfAssets
            | Self::Liquidation
            | Self::Liquidation24h
            | Self::OpenInterest
            | Self::OptionForward
            | Self::StablecoinSupply => Unit::Usd,
            Self::OpenInterestNative | Self::OptionOpenInterest | Self::OptionVolume => Unit::Coin,
            Self::FundingRate | Self::EtfUnreadable => Unit::Ratio,
            Self::FundingInterval | Self::Outage => Unit::Hours,
            Self::ImpliedVol | Self::OptionVol => Unit::Percent,
            Self::FearGreed => Unit::Index,
        }
    }

    /// Returns the kind: values of a flow add over time, levels do not.
    #[must_use]
    pub const fn kind(self) -> SeriesKind {
        match self {
            Self::EtfFlow | Self::EtfFlowTotal | Self::Liquidation | Self::Outage => SeriesKind::Flow,
            _ => SeriesKind::Level,
        }
    }

    /// Returns the lowest and highest plausible value of this metric of `asset`, in its unit. A value
    /// outside is a fault of the feed, not a market move, and is rejected.
    #[must_use]
    pub fn plausible(self, asset: &Asset) -> (f64, f64) {
        match self {
            Self::Candle | Self::Price | Self::OptionForward if asset.can_be_worth_nothing() => (-1e3, 1e9),
            // A publisher that writes six digits writes 0 for the open of a cheaper coin.
            Self::Candle => (0.0, 1e9),
            // The minimum is far below the cheapest coin: it only excludes zero.
            Self::Price | Self::OptionForward => (1e-15, 1e9),
            Self::MarketCap
            | Self::Volume24h
            | Self::OpenInterest
            | Self::StablecoinSupply
            | Self::EtfAssets
            | Self::OpenInterestNative
            | Self::OptionOpenInterest
            | Self::OptionVolume => (0.0, 1e15),
            Self::Liquidation | Self::Liquidation24h => (0.0, 1e12),
            Self::EtfFlow | Self::EtfFlowTotal => (-1e12, 1e12),
            Self::EtfUnreadable => (0.0, 1.0),
            Self::FundingRate => (-1.0, 1.0),
            Self::FundingInterval => (0.0, 24.0),
            Self::ImpliedVol | Self::OptionVol => (0.0, 2_000.0),
            Self::FearGreed => (0.0, 100.0),
            Self::Outage => (0.0, 1e6),
        }
    }
}

impl SeriesKey {
    /// Creates the key of a series without a part.
    #[must_use]
    pub fn new(metric: Metric, asset: Asset, source: Source, period: Period) -> Self {
        Self { metric, asset, part: None, source, period }
    }

    /// Returns the key of the same series for one part of the asset.
    #[must_use]
    pub fn with_part(mut self, part: &str) -> Self {
        self.part = Some(Arc::from(part));
        self
    }

    /// Returns the delay after `observed_at` at which a row counts as known if its publication time was
    /// not recorded. Bars and sums: the end of the period. ETF flows: 05:00 UTC of the next day, when
    /// Farside publishes. Funding: none, because it is labelled by the settlement that ends its interval.
    #[must_use]
    pub const fn publication_lag_ms(&self) -> i64 {
        match self.metric {
            Metric::EtfFlow | Metric::EtfFlowTotal | Metric::EtfUnreadable => Period::DAY.ms() + 5 * Period::HOUR.ms(),
            Metric::FundingRate | Metric::FundingInterval => 0,
            _ => self.period.ms(),
        }
    }

    /// Returns the interval between rows of a healthy feed; decides `fresh`, `late` and `stale`.
    #[must_use]
    pub const fn expected_every_ms(&self) -> i64 {
        match self.metric {
            Metric::EtfFlow
            | Metric::EtfFlowTotal
            | Metric::EtfUnreadable
            | Metric::EtfAssets
            | Metric::FearGreed
            | Metric::StablecoinSupply => Period::DAY.ms(),
            Metric::FundingRate | Metric::FundingInterval if self.period.is_instant() => 8 * Period::HOUR.ms(),
            Metric::OptionVol | Metric::OptionOpenInterest | Metric::OptionVolume | Metric::OptionForward => Period::HOURS_4.ms(),
            // Single orders.
            Metric::Liquidation if self.period.is_instant() => Period::MINUTE.ms(),
            _ if self.period.is_instant() => Period::HOUR.ms(),
            _ => self.period.ms(),
        }
    }
}

impl FromStr for Metric {
    type Err = InvalidSeriesKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().find(|(_, name)| *name == text).map(|(metric, _)| *metric).ok_or_else(|| InvalidSeriesKey {
            text: text.to_owned(),
            reason: format!("the metric is one of {}", Self::ALL.map(|(_, name)| name).join(", ")),
        })
    }
}

impl FromStr for SeriesKey {
    type Err = InvalidSeriesKey;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = |reason: String| InvalidSeriesKey { text: text.to_owned(), reason };
        let (subject, origin) = text.split_once('@').ok_or_else(|| invalid("the @source is missing".to_owned()))?;
        let (source, period) = match origin.split_once(':') {
            Some((source, period)) => (source, period.parse::<Period>().map_err(|e| invalid(e.reason))?),
            None => (origin, Period::INSTANT),
        };
        let mut fields = subject.splitn(3, '.');
        let metric = fields.next().unwrap_or_default().parse::<Metric>().map_err(|e| invalid(e.reason))?;
        let asset = fields.next().ok_or_else(|| invalid("the asset is missing".to_owned()))?;
        let part = fields.next();
        if let Some(part) = part
            && (part.is_empty()
                || part.len() > 40
                || !part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))
        {
            return Err(invalid(format!("`{part}` is not a part: 1 to 40 letters, digits, - and _")));
        }
        Ok(Self {
            metric,
            asset: asset.parse().map_err(|e: crate::domain::InvalidAsset| invalid(e.to_string()))?,
            part: part.map(Arc::from),
            source: source.parse().map_err(|e: crate::domain::InvalidSource| invalid(e.to_string()))?,
            period,
        })
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.metric, self.asset)?;
        if let Some(part) = &self.part {
            write!(f, ".{part}")?;
        }
        write!(f, "@{}", self.source)?;
        if self.period.is_instant() { Ok(()) } else { write!(f, ":{}", self.period) }
    }
}

impl fmt::Debug for SeriesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for SeriesKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SeriesKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[test]
    fn keys_are_read_back_as_written() {
        for text in [
            "market_cap.total@coingecko",
            "etf_flow.btc.IBIT@farside",
            "candle.btc@binance:1h",
            "liquidation.eth.long@binance:4h",
        ] {
            assert_eq!(text.parse::<SeriesKey>().unwrap().to_string(), text);
        }
    }

    #[rstest]
    #[case::coin_below_zero("btc", -5.0, false)]
    #[case::cheapest_coin("pepe", 1e-12, true)]
    #[case::coin_in_another_unit("btc", 7e9, false)]
    #[case::index_below_zero("sp500", -0.01, false)]
    #[case::oil_of_april_2020("wti", -37.63, true)]
    #[case::oil_for_nothing("brent", 0.0, true)]
    fn only_oil_can_be_worth_nothing(#[case] asset: &str, #[case] price: f64, #[case] expected: bool) {
        let asset = asset.parse().unwrap();
        for metric in [Metric::Candle, Metric::Price, Metric::OptionForward] {
            let (lowest, highest) = metric.plausible(&asset);
            assert_eq!((lowest..=highest).contains(&price), expected, "{metric}");
        }
    }

    #[test]
    fn only_a_candle_accepts_a_price_rounded_to_zero() {
        let shib: Asset = "shib".parse().unwrap();
        let accepts_zero = |metric: Metric| metric.plausible(&shib).0 <= 0.0;
        assert_eq!([Metric::Candle, Metric::Price, Metric::OptionForward].map(accepts_zero), [true, false, false]);
    }

    #[test]
    fn errors_of_malformed_keys_name_the_fault() {
        for (text, reason) in [
            ("market_cap.total", "@source"),
            ("market_cap@coingecko", "asset is missing"),
            ("mood.btc@x", "metric is one of"),
            ("candle.btc@x:0h", "a period is"),
            ("candle.btc@x:é", "a period is"),
            ("etf_flow.btc.A/B@x", "not a part"),
        ] {
            let error = text.parse::<SeriesKey>().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
