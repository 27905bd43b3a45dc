use super::Preset;
use crate::domain::{Asset, Metric};
use crate::files::plan::{Measure, MoneyScale, Origin, Plan};
use crate::files::sighting::{Sighting, is_same_name};
use crate::files::{Column, FileError, FileKind};

/// Tables of ETF flows with a column for each fund, as Farside publishes them: millions of USD.
pub(super) const PRESET: Preset =
    Preset { name: "farside", about: "tables of ETF flows with a column for each fund, millions of USD, as of Farside", plan };

/// The funds of an asset. `BTC` and `ETH` are funds too, the mini trusts of Grayscale.
const FUNDS: [(&str, &[&str]); 2] = [
    ("btc", &["IBIT", "FBTC", "BITB", "ARKB", "BTCO", "EZBC", "BRRR", "HODL", "BTCW", "MSBT", "GBTC", "BTC", "DEFI"]),
    ("eth", &["ETHA", "ETHB", "FETH", "ETHW", "TETH", "CETH", "ETHV", "QETH", "EZET", "ETHE", "ETH"]),
];

/// So many known funds make a table one of funds.
const LEAST_FUNDS: usize = 3;

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let names = &seen.head.names;
    let funds_of = |known: &[&str]| names.iter().filter(|name| known.contains(&name.as_str())).count();
    let (asset, _) = FUNDS.iter().find(|(_, known)| seen.head.has_names && funds_of(known) >= LEAST_FUNDS)?;
    let names: Vec<String> =
        names.iter().enumerate().map(|(place, name)| if place == 0 { "day".to_owned() } else { name.clone() }).collect();
    let scale = seen.options.values_in.unwrap_or(MoneyScale::Millions);
    let funds = names[1..].iter().filter(|name| !name.is_empty() && !is_same_name(name, "total"));
    let measures =
        funds.map(|fund| Measure { part: Some(fund.clone()), factor: scale.factor(), ..Measure::new(fund, Metric::EtfFlow) });
    let mut plan = Plan::new(FileKind::EtfFlows)
        .asset(asset.parse::<Asset>().ok(), Origin::Content)
        .source("farside", Origin::Publisher)
        .columns([(Column::Time, "day")])
        .measures(measures);
    plan.total = names.iter().find(|name| is_same_name(name, "total")).cloned();
    plan.told.push(match seen.options.values_in {
        Some(scale) => format!("values in {scale} (flag)"),
        None => format!("values in {scale}, as Farside writes them"),
    });
    plan.names = Some(names);
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{parsed, readings};

    const PAGE: &str = "\t\t\t\tTotal\n\tIBIT\tGBTC\tBTC\t\nFee\t0.25%\t1.50%\t0.15%\t\n\
                        06 Jul 2026\t209.4\t(44.5)\t42.3\t207.2\n07 Jul 2026\t-\t-\t-\t0.0\nTotal\t60,809\t(27,416)\t2,627\t36,020\n";

    #[test]
    fn a_pasted_page_becomes_fund_by_fund() {
        let expected = [
            "etf_flow.btc.BTC@farside 2026-07-06T00:00:00Z 42300000",
            "etf_flow.btc.GBTC@farside 2026-07-06T00:00:00Z -44500000",
            "etf_flow.btc.IBIT@farside 2026-07-06T00:00:00Z 209400000",
        ];
        assert_eq!(readings("page copy.tsv", PAGE), expected);
        let parsed = parsed("page copy.tsv", PAGE);
        assert_eq!((parsed.rows, parsed.empty, parsed.left_out), (4, 1, 2));
        assert!(parsed.told.contains(&"total left out, as its parts are stored".to_owned()), "{:?}", parsed.told);
    }

    #[test]
    fn a_day_that_repeats_another_one_to_the_cell_is_named() {
        let text =
            "date,IBIT,FBTC,BITB,ARKB,GBTC\n2024-01-01,111.7,227,237.9,65.3,-95.1\n2024-01-11,111.7,227,237.9,65.3,-95.1\n";
        let told = parsed("btc_flows.csv", text).told;
        assert!(told.contains(&"line 3 repeats line 2 to the cell: is it a copy by mistake?".to_owned()), "{told:?}");
    }
}
