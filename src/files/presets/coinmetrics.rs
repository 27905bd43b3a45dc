use super::Preset;
use crate::domain::{Asset, Metric, Period};
use crate::files::plan::{Measure, Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// The community archive of Coin Metrics: one wide file for each asset, named by it.
pub(super) const PRESET: Preset =
    Preset { name: "coinmetrics", about: "price and market cap of the Coin Metrics community archive: btc.csv", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let is_archive = seen.head.names.iter().any(|name| name == "PriceUSD") && seen.has(&["time", "AdrActCnt"]);
    if !is_archive {
        return None;
    }
    let columns = [("CapMrktCurUSD", Metric::MarketCap), ("PriceUSD", Metric::Price)];
    let present = columns.into_iter().filter(|(column, _)| seen.column(column).is_some());
    let plan = Plan::new(FileKind::Series)
        .asset(seen.stem.parse::<Asset>().ok(), Origin::Name)
        .source("coinmetrics", Origin::Publisher)
        .interval(Some(Period::DAY), Origin::Publisher)
        .columns([(Column::Time, "time")])
        .measures(present.map(|(column, metric)| Measure::new(column, metric)));
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{parsed, readings};

    #[test]
    fn days_before_a_market_are_empty() {
        let text = "time,AdrActCnt,CapMrktCurUSD,CapRealUSD,PriceBTC,PriceUSD\n2009-01-03,0.0,,0.0,1.0,\n\
                    2009-01-04,1.0,123.5,9,1.0,0.000000944495122962963\n";
        let expected = [
            "price.btc@coinmetrics:1d 2009-01-04T00:00:00Z 0.000000944495122962963",
            "market_cap.btc@coinmetrics:1d 2009-01-04T00:00:00Z 123.5",
        ];
        assert_eq!(readings("btc.csv", text), expected);
        assert_eq!(parsed("btc.csv", text).empty, 1);
    }
}
