//! The unit of traded amounts, which is stated by a name, a publisher or a flag, and never guessed.

use crate::domain::Asset;
use crate::files::column::Header;
use crate::files::import::ImportOptions;
use crate::files::plan::{Fact, Origin, Plan, VolumeUnit};
use crate::files::row::Row;
use crate::files::sighting::coin;
use crate::files::{Column, RowError, RowFault};

/// How far the quotient of both volumes may lie outside of the bar.
const SLACK: f64 = 0.02;

/// The columns that state the traded amount of a bar.
#[derive(Debug, Default)]
pub(super) struct Volumes {
    /// The place of the amount in coins.
    coins: Option<usize>,
    /// The place of the amount in USD.
    usd: Option<usize>,
    /// The asset, whose supply no volume can exceed.
    asset: Option<Asset>,
    /// Whether an impossible volume is dropped instead of the row refused.
    may_drop: bool,
    /// How many were dropped.
    pub(super) dropped: u64,
}

/// Words for the US dollar or a quote currency in names of columns.
const DOLLARS: [&str; 9] = ["usd", "usdt", "usdc", "busd", "fdusd", "quote", "turnover", "currency", "quoteasset"];

impl Volumes {
    /// Decides which columns state the amount in coins and in USD; what was decided goes into `told`.
    pub(super) fn of(
        header: &Header,
        asset: &Asset,
        plan: &Plan,
        options: &ImportOptions,
        told: &mut Vec<(String, Origin)>,
    ) -> Self {
        let mut volumes = Self { asset: Some(asset.clone()), may_drop: plan.may_drop_volume, ..Self::default() };
        let by_flag = options.columns.contains_key(&Column::Volume);
        let by_preset = !by_flag && plan.columns.contains_key(&Column::Volume);
        if let Some(place) = header.place(Column::Volume) {
            // A preset that chooses a column knows it better than its name tells.
            let of_preset = plan.volume.clone().filter(|_| by_preset);
            let unit = of_preset.or_else(|| Self::unit_of(&header.names()[place], asset));
            match unit.or_else(|| settled(header, plan, options)) {
                Some(Fact { value, origin }) => volumes.take(value, place, origin, told),
                None => told.push((unknown(&header.names()[place]), Origin::Content)),
            }
        }
        if !by_flag {
            volumes.usd = volumes.usd.or_else(|| header.place(Column::QuoteVolume));
        }
        if !by_flag && !by_preset {
            for (place, name) in header.names().iter().enumerate() {
                match Self::unit_of(name, asset) {
                    Some(Fact { value: VolumeUnit::Usd, .. }) if volumes.usd.is_none() => volumes.usd = Some(place),
                    Some(Fact { value: VolumeUnit::Coins, origin }) if volumes.coins.is_none() => {
                        volumes.take(VolumeUnit::Coins, place, origin, told);
                    }
                    _ => {}
                }
            }
            if volumes.coins.is_none() && volumes.usd.is_some() && told.iter().all(|(what, _)| !what.starts_with("volume in")) {
                told.push(("volume in USD, divided by the close".to_owned(), Origin::Content));
            }
        }
        volumes
    }

    /// The places that are read.
    pub(super) fn places(&self) -> impl Iterator<Item = usize> {
        self.coins.into_iter().chain(self.usd)
    }

    /// The traded amount of a bar in coins.
    pub(super) fn read(&mut self, row: &Row<'_>, [low, high, close]: [f64; 3]) -> Result<Option<f64>, RowError> {
        let stated = |place: Option<usize>| place.map_or(Ok(None), |place| row.number_at(place));
        let (coins, usd) = (stated(self.coins)?, stated(self.usd)?);
        if let (Some(coins), Some(usd)) = (coins, usd)
            && coins > 0.0
            && low > 0.0
        {
            let price = usd / coins;
            if !(low * (1.0 - SLACK)..=high * (1.0 + SLACK)).contains(&price) {
                return Err(row.fault(RowFault::Volumes { usd, coins, price }));
            }
        }
        // What is stated in USD has its unit by name, so that its sum proves nothing about the unit.
        let of_usd = || usd.filter(|_| close > 0.0).map(|usd| usd / close);
        let (Some(coins), Some(asset)) = (coins, &self.asset) else { return Ok(coins.or_else(of_usd)) };
        match supply_limit(asset) {
            Some(limit) if coins > limit && self.may_drop => {
                self.dropped += 1;
                Ok(None)
            }
            Some(limit) if coins > limit => Err(row.fault(RowFault::TooManyCoins { coins, asset: asset.clone(), limit })),
            _ => Ok(Some(coins)),
        }
    }

    /// What the report says of dropped volumes.
    pub(super) fn told(&self) -> Option<String> {
        let asset = self.asset.as_ref().filter(|_| self.dropped > 0)?;
        let volumes = if self.dropped == 1 { "volume" } else { "volumes" };
        Some(format!("{} {volumes} above {} {asset} left out: more coins than exist", self.dropped, supply_limit(asset)?))
    }

    fn take(&mut self, unit: VolumeUnit, place: usize, origin: Origin, told: &mut Vec<(String, Origin)>) {
        match unit {
            VolumeUnit::Coins => self.coins = Some(place),
            VolumeUnit::Usd => self.usd = Some(place),
        }
        told.push((format!("volume in {unit}"), origin));
    }

    /// The unit that a name such as `Volume BTC`, `Volume_(Currency)` or `volume_usd` states.
    fn unit_of(name: &str, asset: &Asset) -> Option<Fact<VolumeUnit>> {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        let unit = plain.strip_prefix("volume").or_else(|| plain.strip_suffix("volume"))?;
        let unit = unit.strip_prefix("in").unwrap_or(unit);
        let is_coin = matches!(unit, "base" | "coins" | "baseasset") || coin(unit).is_some_and(|named| named == *asset);
        let unit = if DOLLARS.contains(&unit) { Some(VolumeUnit::Usd) } else { is_coin.then_some(VolumeUnit::Coins) };
        unit.map(|unit| Fact::new(unit, Origin::Content))
    }
}

/// The unit of a volume whose name states none: by flag, by publisher, or by the layout of this program.
fn settled(header: &Header, plan: &Plan, options: &ImportOptions) -> Option<Fact<VolumeUnit>> {
    let of_flag = options.volume_means.map(|unit| Fact::new(unit, Origin::Flag));
    let is_own = || {
        let is_own = |name: &String| Column::candles().iter().any(|column| column.recognised().contains(&name.as_str()));
        let is_chosen = |name: &String| options.columns.values().any(|chosen| chosen == name);
        plan.preset.is_none() && header.names().iter().all(|name| is_own(name) || is_chosen(name))
    };
    of_flag.or_else(|| plan.volume.clone()).or_else(|| is_own().then(|| Fact::new(VolumeUnit::Coins, Origin::Layout)))
}

fn unknown(name: &str) -> String {
    format!("`{name}` left out, as it states no unit: --volume-means coins or usd decides")
}

/// The most coins of an asset that will ever exist, if no day trades as many.
fn supply_limit(asset: &Asset) -> Option<f64> {
    (*asset == Asset::btc()).then_some(21e6)
}
