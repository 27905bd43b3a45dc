use super::Preset;
use crate::domain::Metric;
use crate::files::plan::{Lag, Measure, Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Downloads of FRED: the ids of the series are the names of the columns.
pub(super) const PRESET: Preset =
    Preset { name: "fred", about: "daily closes of FRED: VIXCLS.csv, SP500.csv, fredgraph.csv", plan };

/// The ids that name an asset, and the business days until they are published.
const SERIES: [(&str, &str, u32); 4] =
    [("SP500", "sp500", 1), ("NASDAQCOM", "nasdaq", 1), ("VIXCLS", "vix", 1), ("DCOILWTICO", "wti", 5)];

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    let (time, ids) = seen.head.names.split_first()?;
    let is_id =
        |id: &String| id.len() > 1 && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_');
    let known = |id: &&String| SERIES.iter().any(|(name, ..)| name == id);
    let is_fred = matches!(time.as_str(), "DATE" | "observation_date") && !ids.is_empty() && ids.iter().all(is_id);
    if !seen.head.has_names || !is_fred || !ids.iter().any(|id| known(&id)) {
        return None;
    }
    let measures = SERIES.iter().filter(|(id, ..)| ids.iter().any(|own| own == id)).map(|&(id, asset, days)| Measure {
        asset: asset.parse().ok(),
        lag: Lag::BusinessDays(days),
        ..Measure::new(id, Metric::Price)
    });
    let mut plan =
        Plan::new(FileKind::Series).source("fred", Origin::Publisher).columns([(Column::Time, time.as_str())]).measures(measures);
    plan.told.push("known at 13:00 UTC some business days later, by the rule of FRED".to_owned());
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{known, parsed, readings};

    #[test]
    fn ids_side_by_side_are_series_of_their_own() {
        let text = "observation_date,SP500,DCOILWTICO,DTWEXBGS\n2020-04-20,2823.16,-36.98,120\n2020-04-21,.,8.91,121\n";
        let expected = [
            "price.sp500@fred 2020-04-20T00:00:00Z 2823.16",
            "price.wti@fred 2020-04-20T00:00:00Z -36.98",
            "price.wti@fred 2020-04-21T00:00:00Z 8.91",
        ];
        assert_eq!(readings("fredgraph.csv", text), expected);
        assert_eq!(known("fredgraph.csv", text), ["2020-04-21T13:00:00Z", "2020-04-27T13:00:00Z", "2020-04-28T13:00:00Z"]);
        assert!(parsed("fredgraph.csv", text).unread.contains(&"DTWEXBGS".to_owned()));
    }
}
