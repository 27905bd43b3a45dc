use super::Preset;
use crate::domain::Asset;
use crate::files::plan::{Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Option chains of Deribit without a time, as scripts save them.
pub(super) const PRESET: Preset = Preset {
    name: "deribit-chain",
    about: "option chains of Deribit saved by scripts, with --at: deribit_btc_options.csv",
    plan,
};

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["instrument_name", "mark_iv", "T_years", "S0"]) {
        return None;
    }
    let instrument = seen.first("instrument_name").unwrap_or_default();
    let asset: Option<Asset> = instrument.split('-').next().and_then(|coin| coin.to_ascii_lowercase().parse().ok());
    let plan = Plan::new(FileKind::Options)
        .asset(asset, Origin::Content)
        .source("deribit", Origin::Publisher)
        .columns([(Column::Instrument, "instrument_name"), (Column::Underlying, "S0")]);
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::ImportOptions;
    use crate::files::testing::{readings_with, refusal};

    const TEXT: &str =
        "instrument_name,type,T_years,S0,mark_iv,open_interest\nBTC-6DEC25-80000-P,put,0.00352,92529.8,87.33,133.5\n";

    #[test]
    fn a_chain_without_a_time_needs_one() {
        assert!(refusal("deribit_btc_options.csv", TEXT).contains("--at"));
        let options = ImportOptions { at: "2025-12-05T01:10:00Z".parse().ok(), ..ImportOptions::default() };
        let expected = [
            "option_vol.btc.6DEC25-80000-P@deribit 2025-12-05T01:10:00Z 87.33",
            "option_open_interest.btc.6DEC25-80000-P@deribit 2025-12-05T01:10:00Z 133.5",
            "option_forward.btc.6DEC25@deribit 2025-12-05T01:10:00Z 92529.8",
        ];
        assert_eq!(readings_with(&options, "deribit_btc_options.csv", TEXT), expected);
    }
}
