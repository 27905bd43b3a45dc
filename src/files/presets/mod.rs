//! The layouts of known publishers, one file each.
//!
//! A preset looks at the names of the columns, the first rows and the file's name, and returns the
//! [`Plan`](crate::files::plan::Plan) by which its publisher's files are read, or nothing if the file is
//! not one of them. It states only what it found and where; flags are applied later and win.

mod alternative_me;
mod binance;
mod binance_funding;
mod binance_klines;
mod binance_liquidations;
mod binance_metrics;
mod binance_others;
mod ccxt;
mod coingecko;
mod coinglass;
mod coinmarketcap;
mod coinmetrics;
mod cryptodatadownload;
mod defillama;
mod deribit;
mod farside;
mod fred;
mod investing;
mod kaggle;
mod kraken;
mod stooq;
mod tardis_liquidations;
mod tardis_options;
mod tradingview;
mod yahoo;

use crate::files::FileError;
use crate::files::plan::Plan;
use crate::files::sighting::Sighting;

/// The layout of one publisher.
#[derive(Debug)]
pub struct Preset {
    /// Its name, for `--as`.
    pub name: &'static str,
    /// What it reads, in one line.
    pub about: &'static str,
    plan: fn(&Sighting<'_>) -> Option<Result<Plan, FileError>>,
}

/// Every preset. The first that recognises a file reads it.
pub static PRESETS: [Preset; 24] = [
    binance_klines::PRESET,
    binance_metrics::PRESET,
    binance_funding::PRESET,
    binance_liquidations::PRESET,
    binance_others::PRESET,
    kraken::PRESET,
    ccxt::PRESET,
    kaggle::PRESET,
    cryptodatadownload::PRESET,
    tradingview::PRESET,
    yahoo::PRESET,
    investing::PRESET,
    coinmarketcap::PRESET,
    coingecko::PRESET,
    stooq::PRESET,
    fred::PRESET,
    coinmetrics::PRESET,
    defillama::PRESET,
    alternative_me::PRESET,
    coinglass::PRESET,
    farside::PRESET,
    deribit::PRESET,
    tardis_options::PRESET,
    tardis_liquidations::PRESET,
];

/// The plan of the preset that recognises the file, or of the one that the caller names.
///
/// # Errors
/// [`FileError`] for a preset that is not known or does not fit, and for files that no reader may take.
pub(super) fn plan(seen: &Sighting<'_>) -> Result<Option<Plan>, FileError> {
    let named = |preset: &Preset, plan: Plan| Plan { preset: Some(preset.name), ..plan };
    if let Some(name) = &seen.options.preset {
        let preset = PRESETS.iter().find(|preset| preset.name == name);
        let preset = preset.ok_or_else(|| FileError::UnknownPreset { name: name.clone() })?;
        let plan = (preset.plan)(seen).ok_or(FileError::OtherLayout { preset: preset.name, about: preset.about })??;
        return Ok(Some(named(preset, plan)));
    }
    let mut plans = PRESETS.iter().filter_map(|preset| Some((preset, (preset.plan)(seen)?)));
    plans.next().map(|(preset, plan)| Ok(named(preset, plan?))).transpose()
}
