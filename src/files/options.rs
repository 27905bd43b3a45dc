use std::collections::HashMap;

use crate::domain::{Asset, Metric, Observation, OptionName, OptionQuote, SeriesKey, Source, Timestamp};
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::keys::knowledge;
use crate::files::row::Row;
use crate::files::sequence::OrderChecker;
use crate::files::stated::Reading;
use crate::files::{Column, ParsedRow, Place, RowError, RowFault};

/// How far apart, relative to the first, the forwards of one expiry may be in one snapshot.
const FORWARD_TOLERANCE: f64 = 0.01;

/// Reads snapshots of option chains, one option a row, into the series that a feed of the chain writes.
///
/// All options of an expiry share one forward in a snapshot, which is taken from the first row that
/// states it. Venues compute it anew for every option, so rows may differ a little; one that differs
/// by more than [`FORWARD_TOLERANCE`] is bad.
#[derive(Debug)]
pub(super) struct Options {
    asset: Asset,
    source: Source,
    sequence: OrderChecker,
    forwards: HashMap<(SeriesKey, Timestamp, Option<Timestamp>), (f64, Place)>,
}

/// The two clocks of a row.
type Clocks = (Timestamp, Option<Timestamp>);

impl Options {
    pub(super) fn new(asset: Asset, source: Source, sequence: OrderChecker) -> Self {
        Self { asset, source, sequence, forwards: HashMap::new() }
    }

    fn name<'r>(&self, row: &'r Row<'_>, at: Timestamp) -> Result<OptionName<'r>, RowError> {
        let text = row.required_text(Column::Instrument)?;
        let blame = |fault| row.blame(Column::Instrument, fault);
        let name = OptionName::from_instrument(text, &self.asset)
            .ok_or_else(|| blame(RowFault::Option { name: text.to_owned(), asset: self.asset.clone() }))?;
        if name.expires_at <= at { Err(blame(RowFault::Expired(name.expires_at))) } else { Ok(name) }
    }

    /// The forward of the expiry, where no row of the snapshot stated it before.
    fn forward(&mut self, row: &Row<'_>, key: SeriesKey, (at, known_at): Clocks) -> Result<Option<Reading>, RowError> {
        let Some(value) = row.plausible_number(Column::Underlying, Metric::OptionForward, &self.asset)? else { return Ok(None) };
        let point = (key.clone(), at, known_at);
        match self.forwards.get(&point) {
            Some(&(known, _)) if (value - known).abs() <= FORWARD_TOLERANCE * known.abs() => Ok(None),
            Some(&(known, first)) => Err(row.blame(Column::Underlying, RowFault::Forward { value, known, first })),
            None => {
                self.forwards.insert(point, (value, row.place));
                Ok(Some(reading(key, (at, known_at), value)))
            }
        }
    }
}

impl RowReader for Options {
    const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Time, Need::Required),
        (Column::Instrument, Need::Required),
        (Column::MarkIv, Need::Required),
        (Column::Underlying, Need::Required),
        (Column::OpenInterest, Need::Optional),
        (Column::OptionVolume, Need::Optional),
        (Column::KnownAt, Need::Optional),
    ];

    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let clocks = (row.observed_at()?, row.known_at()?);
        let name = self.name(row, clocks.0)?;
        let quote = OptionQuote {
            mark_iv_pct: row.plausible_number(Column::MarkIv, Metric::OptionVol, &self.asset)?,
            open_interest_coins: row.plausible_number(Column::OpenInterest, Metric::OptionOpenInterest, &self.asset)?,
            volume_coins: row.plausible_number(Column::OptionVolume, Metric::OptionVolume, &self.asset)?,
        };
        let series = |metric| name.series(metric, &self.asset, &self.source);
        let mut readings: Vec<Reading> = quote.readings().map(|(metric, value)| reading(series(metric), clocks, value)).collect();
        let (option, forward) = (series(Metric::OptionVol), series(Metric::OptionForward));
        self.sequence.admit(&option, clocks.0, clocks.1, row.place).map_err(|fault| row.blame(Column::Time, fault))?;
        readings.extend(self.forward(row, forward, clocks)?);
        Ok(if readings.is_empty() { ParsedRow::Nothing } else { ParsedRow::Readings(readings) })
    }
}

fn reading(key: SeriesKey, (observed_at, known_at): Clocks, value: f64) -> Reading {
    let knowledge = knowledge(&key, observed_at, known_at);
    (key, Observation { observed_at, knowledge, value })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::files::{FileError, FileKind, ImportOptions, Parsed, read};

    const CHAIN: &str = "time,instrument,mark_iv,underlying_price,open_interest,volume\n\
        2026-05-01T08:00:00Z,BTC-29MAY26-82000-P,45.5,80500,12.5,1.5\n\
        2026-05-01T08:00:00Z,29MAY26-90000-C,41,80500.5,3,\n\
        2026-05-01T08:00:00Z,BTC-29MAY26-99000-C,60,80500,0,0\n\
        2026-05-01T08:00:00Z,BTC-26JUN26-80000-C,0,,7,\n\
        2026-05-01T12:00:00Z,BTC-29MAY26-82000-P,46.5,80600,,\n";

    fn parse(text: &str) -> Result<Parsed, FileError> {
        let path = Path::new("btc-deribit-2026-05-01.csv");
        read(FileKind::Options, text.as_bytes(), Some(path), &ImportOptions::default())
    }

    #[test]
    fn a_chain_becomes_the_series_of_the_feed() {
        let parsed = parse(CHAIN).unwrap();
        assert_eq!(parsed.inferred, ["asset btc", "source deribit"]);
        assert_eq!((parsed.rows, parsed.empty), (5, 1));
        let told = parsed.batch.readings.iter().map(|(key, rows)| {
            let values: Vec<String> = rows.iter().map(|row| row.value.to_string()).collect();
            format!("{key} {}", values.join(" "))
        });
        assert_eq!(
            told.collect::<Vec<_>>(),
            [
                "option_vol.btc.29MAY26-82000-P@deribit 45.5 46.5",
                "option_vol.btc.29MAY26-90000-C@deribit 41",
                "option_open_interest.btc.26JUN26-80000-C@deribit 7",
                "option_open_interest.btc.29MAY26-82000-P@deribit 12.5",
                "option_open_interest.btc.29MAY26-90000-C@deribit 3",
                "option_volume.btc.29MAY26-82000-P@deribit 1.5",
                "option_forward.btc.29MAY26@deribit 80500 80600",
            ]
        );
    }

    #[rstest]
    #[case::no_option("2026-05-01T12:00:00Z,BTC-PERPETUAL,45,80500,1,", "column instrument: `BTC-PERPETUAL` is no option on btc")]
    #[case::other_coin(
        "2026-05-01T12:00:00Z,ETH-29MAY26-4000-P,45,4100,1,",
        "column instrument: `ETH-29MAY26-4000-P` is no option"
    )]
    #[case::nameless("2026-05-01T12:00:00Z,,45,80500,1,", "column instrument: is blank")]
    #[case::expired("2026-05-29T08:00:00Z,29MAY26-82000-P,45,80500,1,", "column instrument: it expired at 2026-05-29T08:00:00Z")]
    #[case::fraction("2026-05-01T12:00:00Z,29MAY26-82000-P,forty,80500,1,", "column mark_iv: `forty` is not a number")]
    #[case::vol("2026-05-01T12:00:00Z,29MAY26-82000-P,-4,80500,1,", "column mark_iv: -4 is outside of 0 to 2000")]
    #[case::interest("2026-05-01T12:00:00Z,29MAY26-82000-P,45,80500,-1,", "column open_interest: -1 is outside of")]
    #[case::forward(
        "2026-05-01T12:00:00Z,29MAY26-90000-C,45,86000,1,",
        "column underlying_price: 86000 is not near 80600, the forward of the same expiry and instant in line 6"
    )]
    #[case::twice(
        "2026-05-01T12:00:00Z,29MAY26-82000-P,45,80600,1,",
        "column time: 2026-05-01T12:00:00Z was already stated in line 6"
    )]
    #[case::back("2026-04-30,29MAY26-82000-P,45,80600,1,", "column time: 2026-04-30T00:00:00Z comes before")]
    #[case::short("2026-05-01T12:00:00Z,29MAY26-82000-P", "2 fields where the header has 6")]
    fn a_row_that_cannot_be_is_named_by_line_and_column(#[case] row: &str, #[case] message: &str) {
        let error = parse(&format!("{CHAIN}{row}\n")).unwrap_err().to_string();
        assert!(error.starts_with("1 bad row:\n  line 7") && error.contains(message), "{error}");
    }
}
