use std::collections::HashMap;

use crate::domain::{Asset, InvalidAsset, Metric, Observation, OptionName, OptionQuote, SeriesKey, Source, Timestamp};
use crate::files::column::Need;
use crate::files::import::RowReader;
use crate::files::keys::knowledge;
use crate::files::row::Row;
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
    /// The asset of all rows; `None` if the names of the options state it.
    asset: Option<Asset>,
    source: Source,
    forwards: HashMap<(SeriesKey, Timestamp, Option<Timestamp>), (f64, Place)>,
}

/// The two clocks of a row.
type Clocks = (Timestamp, Option<Timestamp>);

impl Options {
    /// Reads options on `asset` or, with `None`, on the assets that their names state.
    pub(super) fn new(asset: Option<Asset>, source: Source) -> Self {
        Self { asset, source, forwards: HashMap::new() }
    }

    fn asset(&self, row: &Row<'_>) -> Result<Asset, RowError> {
        if let Some(asset) = &self.asset {
            return Ok(asset.clone());
        }
        let coin = row.required_text(Column::Instrument)?.split('-').next().unwrap_or_default().to_ascii_lowercase();
        coin.parse().map_err(|error: InvalidAsset| row.blame(Column::Instrument, RowFault::Name(error.to_string())))
    }

    /// The forward of the expiry, where no row of the snapshot stated it before.
    fn forward(&mut self, row: &Row<'_>, key: SeriesKey, (at, known_at): Clocks) -> Result<Option<Reading>, RowError> {
        let Some(value) = row.plausible_number(Column::Underlying, Metric::OptionForward, &key.asset)? else { return Ok(None) };
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

impl Options {
    /// The columns it looks for.
    pub(super) const COLUMNS: &'static [(Column, Need)] = &[
        (Column::Time, Need::Required),
        (Column::Instrument, Need::Required),
        (Column::MarkIv, Need::Required),
        (Column::Underlying, Need::Required),
        (Column::OpenInterest, Need::Optional),
        (Column::OptionVolume, Need::Optional),
        (Column::KnownAt, Need::Optional),
    ];
}

impl RowReader for Options {
    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError> {
        let clocks = (row.observed_at()?, row.known_at()?);
        let asset = self.asset(row)?;
        let name = option_name(row, &asset, clocks.0)?;
        let quote = OptionQuote {
            mark_iv_pct: row.plausible_number(Column::MarkIv, Metric::OptionVol, &asset)?,
            open_interest_coins: row.plausible_number(Column::OpenInterest, Metric::OptionOpenInterest, &asset)?,
            volume_coins: row.plausible_number(Column::OptionVolume, Metric::OptionVolume, &asset)?,
        };
        let series = |metric| name.series(metric, &asset, &self.source);
        let mut readings: Vec<Reading> = quote.readings().map(|(metric, value)| reading(series(metric), clocks, value)).collect();
        readings.extend(self.forward(row, series(Metric::OptionForward), clocks)?);
        Ok(if readings.is_empty() { ParsedRow::Nothing } else { ParsedRow::Readings(readings) })
    }
}

/// The option of a row, which must not have expired at the instant of the row.
fn option_name<'r>(row: &'r Row<'_>, asset: &Asset, at: Timestamp) -> Result<OptionName<'r>, RowError> {
    let text = row.required_text(Column::Instrument)?;
    let blame = |fault| row.blame(Column::Instrument, fault);
    let name = OptionName::from_instrument(text, asset)
        .ok_or_else(|| blame(RowFault::Option { name: text.to_owned(), asset: asset.clone() }))?;
    if name.expires_at <= at { Err(blame(RowFault::Expired(name.expires_at))) } else { Ok(name) }
}

fn reading(key: SeriesKey, (observed_at, known_at): Clocks, value: f64) -> Reading {
    let knowledge = knowledge(&key, observed_at, known_at);
    (key, Observation { observed_at, knowledge, value })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rstest::rstest;

    use crate::files::{FileError, FileKind, ImportOptions, Input, Origin, Parsed, read};

    const CHAIN: &str = "time,instrument,mark_iv,underlying_price,open_interest,volume\n\
        2026-05-01T08:00:00Z,BTC-29MAY26-82000-P,45.5,80500,12.5,1.5\n\
        2026-05-01T08:00:00Z,29MAY26-90000-C,41,80500.5,3,\n\
        2026-05-01T08:00:00Z,BTC-29MAY26-99000-C,60,80500,0,0\n\
        2026-05-01T08:00:00Z,BTC-26JUN26-80000-C,0,,7,\n\
        2026-05-01T12:00:00Z,BTC-29MAY26-82000-P,46.5,80600,,\n";

    fn parse(text: &str) -> Result<Parsed, FileError> {
        let path = Path::new("btc-deribit-2026-05-01.csv");
        let options = ImportOptions { kind: Some(FileKind::Options), ..ImportOptions::default() };
        read(Input::Stream(Box::new(text.as_bytes())), Some(path), &options)
    }

    #[test]
    fn a_chain_becomes_the_series_of_the_feed() {
        let parsed = parse(CHAIN).unwrap();
        assert_eq!(parsed.inferred, ["asset btc", "source deribit"].map(|what| (what.to_owned(), Origin::Name)));
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
    #[case::otherwise("2026-05-01T12:00:00Z,29MAY26-82000-P,45,80600,1,", "2026-05-01T12:00:00Z was stated otherwise in line 6")]
    #[case::short("2026-05-01T12:00:00Z,29MAY26-82000-P", "2 fields where the header has 6")]
    fn a_row_that_cannot_be_is_named_by_line_and_column(#[case] row: &str, #[case] message: &str) {
        let error = parse(&format!("{CHAIN}{row}\n")).unwrap_err().to_string();
        assert!(error.starts_with("1 bad row:\n  line 7") && error.contains(message), "{error}");
    }
}
