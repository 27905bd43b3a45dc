use super::Preset;
use crate::domain::{Asset, Metric};
use crate::files::instant::DateOrder;
use crate::files::plan::{Measure, Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// The CSV of alternative.me: rows inside of JSON, under a header whose names are in the wrong order.
pub(super) const PRESET: Preset =
    Preset { name: "alternative-me", about: "Fear and Greed index of alternative.me with format=csv: fng.csv", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if seen.head.names != ["fng_value", "fng_classification", "date"] {
        return None;
    }
    let is_date_first = match seen.head.rows.first().map(Vec::as_slice) {
        Some([date, value, _]) => date.len() == 10 && value.parse::<u8>().is_ok(),
        _ => false,
    };
    if !is_date_first {
        return None;
    }
    let mut plan = Plan::new(FileKind::Series)
        .asset(Some(Asset::total()), Origin::Publisher)
        .source("alternative_me", Origin::Publisher)
        .columns([(Column::Time, "date")])
        .measures([Measure::new("value", Metric::FearGreed)]);
    plan.names = Some(["date", "value", "class"].map(str::to_owned).to_vec());
    plan.order = Some(DateOrder::Dmy);
    plan.ends_before = Some("]");
    plan.told.push("header repaired: its cells are date, value and class".to_owned());
    Some(Ok(plan))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::readings;

    #[test]
    fn the_header_is_repaired_and_what_surrounds_the_rows_is_left_out() {
        let text = "{\n\t\"name\": \"Fear and Greed Index\",\n\t\"data\": [\nfng_value,fng_classification,date\n\
                    06-10-2025,29,Fear\n05-10-2025,,\n04-10-2025,,\n03-10-2025,,\n02-10-2025,34,Fear\n01-10-2025,29,Fear\n\t],\n\t\"metadata\": {\n\t\t\"error\": null\n\t}\n}\n";
        let expected = ["2025-10-01T00:00:00Z 29", "2025-10-02T00:00:00Z 34", "2025-10-06T00:00:00Z 29"];
        let expected = expected.map(|row| format!("fear_greed.total@alternative_me {row}"));
        assert_eq!(readings("fng.csv", text), expected);
    }
}
