use std::io::Read;
use std::path::Path;

use crate::domain::{Asset, Batch, Metric, Period, Source};
use crate::files::candles::Candles;
use crate::files::column::{Header, Need};
use crate::files::etf_flows::EtfFlows;
use crate::files::facts::ImportContext;
use crate::files::liquidations::Liquidations;
use crate::files::options::Options;
use crate::files::orders::Orders;
use crate::files::row::{Row, Table};
use crate::files::sequence::OrderChecker;
use crate::files::series::Series;
use crate::files::{BadRows, Column, ColumnNames, FileError, ParsedRow, RowError, SideMeaning};

/// The kinds of file that can be imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// Bars: time, open, high, low, close and perhaps volume.
    Candles,
    /// Readings: time and value.
    Series,
    /// ETF flows: trading day, fund, flow.
    EtfFlows,
    /// Sums of liquidations: time, long, short.
    Liquidations,
    /// Single forced orders.
    Orders,
    /// Snapshots of option chains: time, instrument, volatility, forward and perhaps coins.
    Options,
}

impl FileKind {
    /// A file name that says what the rows are about.
    #[must_use]
    pub const fn example_name(self) -> &'static str {
        match self {
            Self::Candles => "btc-binance-perp-30m.csv",
            Self::Series => "open_interest-btc-coinglass-4h.csv",
            Self::EtfFlows => "btc-farside.csv",
            Self::Liquidations => "btc-binance-4h.csv",
            Self::Orders => "orders-binance.csv",
            Self::Options => "btc-deribit-2026-04-28.csv",
        }
    }
}

/// What the caller says about a file. What is left out is taken from the file's name or header.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Columns named by the caller.
    pub columns: ColumnNames,
    /// The asset of every row.
    pub asset: Option<Asset>,
    /// Who said it.
    pub source: Option<Source>,
    /// The span of one row; rows are then known at its end.
    pub interval: Option<Period>,
    /// What a series measures.
    pub metric: Option<Metric>,
    /// Which part of the asset a series is about.
    pub part: Option<String>,
    /// What `BUY` and `SELL` mean.
    pub side_means: SideMeaning,
    /// Whether time may run backwards.
    pub unsorted: bool,
    /// Whether bad rows are left out instead of refusing the file.
    pub skip_bad: bool,
}

/// A file that was read and understood.
#[derive(Debug)]
pub struct Parsed {
    /// The rows to be stored.
    pub batch: Batch,
    /// Rows in the file, the header not counted.
    pub rows: u64,
    /// Rows that state nothing.
    pub empty: u64,
    /// Rows that were left out.
    pub bad: BadRows,
    /// What was taken from the file's name, in words.
    pub inferred: Vec<String>,
}

/// Understands the rows of one kind of file.
pub(super) trait RowReader {
    /// The columns it looks for.
    const COLUMNS: &'static [(Column, Need)];

    /// What a row states.
    fn read(&mut self, row: &Row<'_>) -> Result<ParsedRow, RowError>;
}

/// Reads a whole file; `path` is where it came from, if it has a name.
///
/// # Errors
/// [`FileError`] when the file as a whole makes no sense, or when a row is bad and bad rows are not
/// to be skipped.
pub fn read(kind: FileKind, input: impl Read, path: Option<&Path>, options: &ImportOptions) -> Result<Parsed, FileError> {
    let facts = ImportContext::new(kind, path, options);
    let sequence = OrderChecker::new(options.unsorted);
    match kind {
        FileKind::Candles => read_rows(input, facts, |facts, header| Ok(Candles { keys: facts.candle_keys(header)?, sequence })),
        FileKind::Series => read_rows(input, facts, |facts, header| Ok(Series { keys: facts.series_keys(header)?, sequence })),
        FileKind::EtfFlows => {
            read_rows(input, facts, |facts, _| Ok(EtfFlows::new(Some((facts.asset()?, facts.source()?)), sequence)))
        }
        FileKind::Liquidations => read_rows(input, facts, |facts, _| {
            Ok(Liquidations::new(&facts.asset()?, &facts.source()?, facts.interval()?, sequence))
        }),
        FileKind::Orders => read_rows(input, facts, |facts, header| {
            Ok(Orders { source: facts.order_source(header)?, meaning: options.side_means })
        }),
        FileKind::Options => read_rows(input, facts, |facts, _| Ok(Options::new(facts.asset()?, facts.source()?, sequence))),
    }
}

fn read_rows<K: RowReader>(
    input: impl Read,
    mut facts: ImportContext<'_>,
    make: impl FnOnce(&mut ImportContext<'_>, &Header) -> Result<K, FileError>,
) -> Result<Parsed, FileError> {
    let mut table = Table::open(input)?;
    let header = Header::resolve(table.names().to_vec(), K::COLUMNS, &facts.options.columns)?;
    let mut reader = make(&mut facts, &header)?;
    let mut batch = Batch::new(facts.writer());
    let (mut rows, mut empty, mut bad) = (0, 0, BadRows::default());
    table.for_each(&header, |row| {
        rows += 1;
        match row.check_width().and_then(|()| reader.read(row)) {
            Ok(ParsedRow::Nothing) => empty += 1,
            Ok(stated) => stated.add_to(&mut batch),
            Err(error) => bad.push(error),
        }
        Ok(())
    })?;
    if rows == 0 {
        return Err(FileError::NoRows);
    }
    if bad.count > 0 && !facts.options.skip_bad {
        return Err(FileError::BadRows(bad));
    }
    Ok(Parsed { batch, rows, empty, bad, inferred: facts.inferred })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::domain::{Bar, KnownAtRule, Observation, Side, Timestamp};

    fn btc_hourly() -> ImportOptions {
        ImportOptions {
            asset: Some(Asset::btc()),
            source: "test".parse().ok(),
            interval: Some(Period::HOUR),
            metric: Some(Metric::OpenInterest),
            ..ImportOptions::default()
        }
    }

    fn parse(kind: FileKind, text: &str) -> Result<Parsed, FileError> {
        read(kind, text.as_bytes(), None, &btc_hourly())
    }

    fn bars(parsed: &Parsed) -> &[Observation<Bar>] {
        parsed.batch.candles.values().next().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const HEADER: &str = "open_time,open,high,low,close,volume\n";

    #[test]
    fn a_byte_order_mark_windows_line_ends_and_quotes_change_nothing() {
        let plain = "open_time,open,high,low,close\n2026-01-01T00:00:00Z,1,2,0.5,1.5\n";
        let dressed = "\u{feff}\"open_time\",\"open\",high,low,close\r\n\"2026-01-01T00:00:00Z\",\"1\",2,0.5,1.5\r\n";
        let (plain, dressed) = (parse(FileKind::Candles, plain).unwrap(), parse(FileKind::Candles, dressed).unwrap());
        assert_eq!(plain.batch, dressed.batch);
        assert_eq!(bars(&plain)[0].knowledge, KnownAtRule::AtPublication(at("2026-01-01T01:00:00Z")));
    }

    #[rstest]
    #[case::empty("", "the file is empty")]
    #[case::only_a_mark("\u{feff}", "the file is empty")]
    #[case::header_only(HEADER, "no rows")]
    #[case::missing_column("open_time,open,high,low\n", "line 1: no column `close` in the header (open_time, open, high, low)")]
    #[case::two_times("date,open_time,open,high,low,close\n", "line 1: `date` and `open_time` could both be meant")]
    #[case::repeated("open_time,open,open,high,low,close\n", "line 1: the column `open` stands twice")]
    #[case::zero_byte("open_time,open,high,low,close\n\0\0\n", "line 2: this is not a text file")]
    #[case::open_quote("open_time,open,high,low,close\n\"2026-01-01,1,2,0.5,1\n", "line 2: a quoted field does not end")]
    fn a_file_that_makes_no_sense_is_refused_as_a_whole(#[case] text: &str, #[case] message: &str) {
        let error = parse(FileKind::Candles, text).unwrap_err().to_string();
        assert!(error.starts_with(message) || error.contains(message), "{error}");
    }

    #[test]
    fn an_endless_line_is_refused_before_it_fills_the_memory() {
        let endless = std::io::Read::chain(HEADER.as_bytes(), std::io::repeat(b'7'));
        let error = read(FileKind::Candles, endless, None, &btc_hourly()).unwrap_err().to_string();
        assert!(error.starts_with("line 2 is longer than 65536 bytes"), "{error}");
    }

    #[rstest]
    #[case::coins("volume", Some(30.0))]
    #[case::usd("volume_usd", Some(20.0))]
    fn volume_is_kept_in_coins(#[case] column: &str, #[case] coins: Option<f64>) {
        let parsed =
            parse(FileKind::Candles, &format!("date,open,high,low,close,{column}\n2026-01-01,1,2,0.5,1.5,30\n")).unwrap();
        assert_eq!(bars(&parsed)[0].value.volume, coins);
    }

    #[test]
    fn compressed_bytes_are_no_text() {
        let error = read(FileKind::Candles, [0x1f, 0x8b, 8, 0].as_slice(), None, &btc_hourly()).unwrap_err().to_string();
        assert!(error.contains("unpack it first"), "{error}");
    }

    #[rstest]
    #[case::truncated("2026-01-01,1,2\n", "line 3: 3 fields where the header has 6")]
    #[case::nan("2026-01-01,1,NaN,0.5,1,\n", "line 3, column high: NaN is not a finite number")]
    #[case::infinite("2026-01-01,1,inf,0.5,1,\n", "line 3, column high: inf is not a finite number")]
    #[case::word("2026-01-01,1,two,0.5,1,\n", "line 3, column high: `two` is not a number")]
    #[case::impossible_date("2026-02-30,1,2,0.5,1,\n", "line 3, column open_time: `2026-02-30` is not an RFC 3339 time")]
    #[case::no_time(",1,2,0.5,1,\n", "line 3, column open_time: is blank")]
    #[case::half_a_bar("2026-01-01,1,,0.5,1,\n", "line 3, column high: is blank")]
    #[case::disordered("2026-01-01,1,2,0.5,9,\n", "line 3: open 1, high 2, low 0.5, close 9 do not make a bar")]
    #[case::absurd("2026-01-01,1,2e12,0.5,1,\n", "line 3, column high: 2000000000000 is outside of")]
    #[case::negative_volume("2026-01-01,1,2,0.5,1,-3\n", "line 3: volume -3 is negative")]
    #[case::duplicate("2025-12-31,1,2,0.5,1,\n", "line 3, column open_time: 2025-12-31T00:00:00Z was already stated in line 2")]
    #[case::out_of_order(
        "2025-12-30,1,2,0.5,1,\n",
        "line 3, column open_time: 2025-12-30T00:00:00Z comes before 2025-12-31T00:00:00Z of line 2; sort the file, or say --unsorted"
    )]
    fn a_bad_row_is_named_by_line_and_column(#[case] row: &str, #[case] message: &str) {
        let text = format!("{HEADER}2025-12-31,1,2,0.5,1,\n{row}2026-01-02,1,2,0.5,1,\n");
        let error = parse(FileKind::Candles, &text).unwrap_err().to_string();
        assert!(error.starts_with(&format!("1 bad row:\n  {message}")), "{error}");

        let skipping = ImportOptions { skip_bad: true, ..btc_hourly() };
        let parsed = read(FileKind::Candles, text.as_bytes(), None, &skipping).unwrap();
        assert_eq!((parsed.rows, parsed.bad.count, bars(&parsed).len()), (3, 1, 2));
    }

    #[test]
    fn only_the_first_twenty_bad_rows_are_described() {
        let text = format!("{HEADER}{}", "2026-01-01,x,2,0.5,1,\n".repeat(25));
        let error = parse(FileKind::Candles, &text).unwrap_err().to_string();
        assert!(error.starts_with("25 bad rows:"), "{error}");
        assert!(error.contains("line 21,") && !error.contains("line 22,") && error.contains("and 5 more"), "{error}");
    }

    #[test]
    fn an_unsorted_file_is_taken_when_the_caller_says_so_and_duplicates_still_are_not() {
        let unsorted = ImportOptions { unsorted: true, ..btc_hourly() };
        let text = format!("{HEADER}2026-01-02,1,2,0.5,1,\n2026-01-01,1,2,0.5,1,\n");
        assert_eq!(bars(&read(FileKind::Candles, text.as_bytes(), None, &unsorted).unwrap()).len(), 2);
        let twice = format!("{text}2026-01-02,1,2,0.5,1,\n");
        let error = read(FileKind::Candles, twice.as_bytes(), None, &unsorted).unwrap_err().to_string();
        assert!(error.contains("line 4, column open_time: 2026-01-02T00:00:00Z was already stated in line 2"), "{error}");
    }

    #[test]
    fn a_row_without_a_bar_states_nothing() {
        let parsed = parse(FileKind::Candles, &format!("{HEADER}2026-01-01,,,,0.0,12\n2026-01-02,,,,,\n2026-01-03,1,2,0.5,1,\n"));
        let parsed = parsed.unwrap();
        assert_eq!((parsed.rows, parsed.empty, bars(&parsed).len()), (3, 2, 1));
    }

    #[test]
    fn columns_are_named_by_the_caller_where_the_header_is_not_ours() {
        let columns = ColumnNames::from([(Column::Time, "Date".to_owned()), (Column::Value, "OFR FSI".to_owned())]);
        let options = ImportOptions { columns, interval: None, ..btc_hourly() };
        let parsed = read(FileKind::Series, "Date,OFR FSI\n2026-01-02,2.14\n".as_bytes(), None, &options).unwrap();
        let (key, rows) = parsed.batch.readings.first_key_value().unwrap();
        assert_eq!(key.to_string(), "open_interest.btc@test");
        assert_eq!(rows[0].knowledge, KnownAtRule::AtPublication(at("2026-01-02")));

        let columns = ColumnNames::from([(Column::Value, "OFR FSL".to_owned())]);
        let error = read(FileKind::Series, "date,OFR FSI\n".as_bytes(), None, &ImportOptions { columns, ..btc_hourly() });
        assert!(error.unwrap_err().to_string().ends_with("did you mean `OFR FSI`?"));
    }

    #[test]
    fn the_file_name_says_what_the_flags_do_not() {
        let path = Path::new("data/btc-binance-perp-30m.csv");
        let text = format!("{HEADER}2026-01-01,1,2,0.5,1,\n");
        let parsed = read(FileKind::Candles, text.as_bytes(), Some(path), &ImportOptions::default()).unwrap();
        assert_eq!(parsed.batch.candles.keys().next().unwrap().to_string(), "candle.btc@binance-perp:30m");
        assert_eq!(parsed.inferred, ["asset btc", "source binance-perp", "interval 30m"]);

        let error = read(FileKind::Candles, text.as_bytes(), None, &ImportOptions::default()).unwrap_err().to_string();
        assert_eq!(error, "which asset? give --asset, or name the file like btc-binance-perp-30m.csv");
    }

    #[test]
    fn flows_keep_their_vintages_and_follow_the_publication_rule_without_one() {
        let text = "trading_day,fund,flow_usd,known_at\n2026-02-03,IBIT,0,2026-02-04T02:00:00Z\n\
                    2026-02-03,IBIT,-5e6,2026-02-04T05:00:00Z\n2026-02-03,FBTC,1,\n2026-02-04,FBTC,,\n";
        let parsed = parse(FileKind::EtfFlows, text).unwrap();
        assert_eq!((parsed.rows, parsed.empty), (4, 1));
        let known: Vec<_> =
            parsed.batch.readings.iter().map(|(key, rows)| (key.to_string(), rows.len(), rows[0].knowledge)).collect();
        assert_eq!(
            known,
            [
                ("etf_flow.btc.FBTC@test".to_owned(), 1, KnownAtRule::AtPublication(at("2026-02-04T05:00:00Z"))),
                ("etf_flow.btc.IBIT@test".to_owned(), 2, KnownAtRule::Vintage(at("2026-02-04T02:00:00Z"))),
            ]
        );
    }

    #[test]
    fn both_sides_of_a_sum_become_series_of_their_own() {
        let parsed = parse(FileKind::Liquidations, "observed_at,long_usd,short_usd\n2026-01-01,7,\n").unwrap();
        let keys: Vec<_> = parsed.batch.readings.keys().map(ToString::to_string).collect();
        assert_eq!(keys, ["liquidation.btc.long@test:1h"]);
    }

    #[rstest]
    #[case(SideMeaning::Order, "SELL", Side::Long)]
    #[case(SideMeaning::Order, "BUY", Side::Short)]
    #[case(SideMeaning::Position, "BUY", Side::Long)]
    #[case(SideMeaning::Position, "short", Side::Short)]
    #[case(SideMeaning::Order, "long", Side::Long)]
    fn the_side_of_an_order_becomes_the_position_it_closed(#[case] meaning: SideMeaning, #[case] word: &str, #[case] side: Side) {
        let text = format!("time,symbol,side,filled_qty,avg_price,usd\n2026-01-01,1000PEPE,{word},2,3,6\n");
        let options = ImportOptions { side_means: meaning, ..btc_hourly() };
        let parsed = read(FileKind::Orders, text.as_bytes(), None, &options).unwrap();
        let order = &parsed.batch.orders[0];
        assert_eq!((order.side, order.asset.as_str(), order.symbol.as_str()), (side, "pepe", "1000PEPE"));
        assert!(
            (order.quantity - 2000.0).abs() < 1e-9 && (order.price_usd - 0.003).abs() < 1e-12 && (order.usd - 6.0).abs() < 1e-12
        );
    }

    #[test]
    fn rows_that_name_their_series_need_no_flags_and_take_none() {
        let text = "series,observed_at,value,known_at\nfear_greed.total@x:1d,2026-01-01,9,2026-01-02\n\
                    funding_rate.btc@x,2026-01-01,0.1,2026-01-01\n";
        let parsed = read(FileKind::Series, text.as_bytes(), None, &ImportOptions::default()).unwrap();
        assert_eq!(parsed.batch.readings.len(), 2);
        assert!(matches!(parse(FileKind::Series, text), Err(FileError::NamedTwice)));
        let error = read(
            FileKind::Series,
            "series,time,value\ncandle.btc@x:1h,2026-01-01,9\n".as_bytes(),
            None,
            &ImportOptions::default(),
        );
        assert!(error.unwrap_err().to_string().contains("whose rows have open, high, low and close"));
    }
}
