use super::Preset;
use crate::files::plan::{Origin, Plan};
use crate::files::sighting::Sighting;
use crate::files::{Column, FileError, FileKind};

/// Option chains of Tardis: all coins in one file, with the time of arrival.
pub(super) const PRESET: Preset =
    Preset { name: "tardis-options", about: "option chains of Tardis: deribit_options_chain_2020-06-08_OPTIONS.csv.gz", plan };

fn plan(seen: &Sighting<'_>) -> Option<Result<Plan, FileError>> {
    if !seen.has(&["exchange", "symbol", "timestamp", "local_timestamp", "mark_iv", "underlying_price"]) {
        return None;
    }
    let plan = Plan::new(FileKind::Options).source(seen.first("exchange").unwrap_or_default(), Origin::Content).columns([
        (Column::Time, "timestamp"),
        (Column::KnownAt, "local_timestamp"),
        (Column::Instrument, "symbol"),
    ]);
    Some(Ok(Plan { has_arrivals: true, ..plan }))
}

#[cfg(test)]
mod tests {
    use crate::files::testing::{known, parsed, readings};

    #[test]
    fn the_symbol_names_the_coin_and_the_arrival_is_the_vintage() {
        let text = "exchange,symbol,timestamp,local_timestamp,open_interest,mark_iv,underlying_price\n\
                    deribit,BTC-9JUN20-9875-P,1591574399413000,1591574400196008,0.1,62.89,9756.36\n\
                    deribit,ETH-9JUN20-250-P,1591574407454000,1591574407473112,,76.12,\n";
        let expected = [
            "option_vol.btc.9JUN20-9875-P@deribit 2020-06-07T23:59:59.413Z 62.89",
            "option_vol.eth.9JUN20-250-P@deribit 2020-06-08T00:00:07.454Z 76.12",
            "option_open_interest.btc.9JUN20-9875-P@deribit 2020-06-07T23:59:59.413Z 0.1",
            "option_forward.btc.9JUN20@deribit 2020-06-07T23:59:59.413Z 9756.36",
        ];
        assert_eq!(readings("deribit_options_chain_2020-06-08_OPTIONS.csv", text), expected);
        assert_eq!(known("deribit_options_chain_2020-06-08_OPTIONS.csv", text)[0], "2020-06-08T00:00:00.196Z");
    }

    #[test]
    fn nothing_is_known_before_its_own_time_even_by_another_clock() {
        let text = "exchange,symbol,timestamp,local_timestamp,mark_iv,underlying_price\n\
                    deribit,BTC-9JUN20-9875-P,1591574404454000,1591574400473112,62.89,9756.36\n";
        assert_eq!(known("OPTIONS.csv", text)[0], "2020-06-08T00:00:04.454Z");
        assert!(parsed("OPTIONS.csv", text).told.join("\n").contains("1 rows that arrived before their own time"));
    }
}
